#include "hall_books.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hall_internal.h"
#include "store/archive.h"

enum {
    SLICE = 400, /* servers written at once, so that the store's queue is never full of them */
    TOTALS_MAX = 100000,
    LOAD_MS = 150,
};
#define FLUSH_EVERY_US UINT64_C(1800000000)
#define FLUSH_SLACK_US UINT64_C(60000000)

static const double watts_on_otherwise = 45, watts_asleep_otherwise = 2;

/* What is kept of one server. */
struct book {
    int64_t span;             /* id of the stretch of time that lasts; 0: none was written yet */
    int64_t totals;           /* id of its row; 0: none yet */
    int64_t since;            /* boot: when the stretch began */
    int64_t counted;          /* boot: up to when the totals count */
    int64_t on_ms, asleep_ms; /* since the statistics began */
    int64_t wake;             /* id of the row of the last wake, */
    int64_t wake_started;     /* and its start (boot) */
    int32_t wake_ms;
    uint8_t state;
};

struct books {
    struct book *books; /* [n_servers] */
    size_t n, next;     /* next: where the next slice begins */
    sd_event_source *flush;
};

struct books_renewal {
    struct book *books;
    size_t n;
};

/* ---- time in states ---- */

/* Unreachable counts as on: nobody knows better, and what is saved must not be flattered. */
static void count_time(struct book *book, int64_t boot)
{
    const int64_t ms = boot - book->counted;

    book->counted = boot;
    switch ((enum power_state)book->state) {
    case POWER_UNKNOWN:
        break;
    case POWER_OFF:
    case POWER_WAKING:
    case POWER_WAKE_FAILED:
        book->asleep_ms += ms;
        break;
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
    case POWER_SLEEPING:
    case POWER_UNREACHABLE:
        book->on_ms += ms;
        break;
    }
}

static void write_span(struct hall *hall, int server, struct now now, bool open)
{
    struct book *book = &hall->books->books[server];

    count_time(book, now.boot);
    if (!hall->store)
        return;
    if (book->span == 0)
        book->span = store_new_id(hall->store, STORE_SPANS);
    const struct store_entry entry = {
        .table = STORE_SPANS,
        .id = book->span,
        .numbers = {now.wall, now.boot - book->since, book->state, open},
        .texts = {hall->config->model.servers[server].id},
    };
    (void)store_keep(hall->store, &entry, false);
}

void hall_books_state(struct hall *hall, int server, enum power_state from)
{
    const struct now now = clock_now();
    struct book *book;

    if (!hall->books)
        return;
    book = &hall->books->books[server];
    book->state = (uint8_t)from;
    write_span(hall, server, now, false);
    book->span = 0;
    book->since = now.boot;
    book->state = (uint8_t)fleet_power(hall->fleet, server)->state;
}

static void write_totals(struct hall *hall, int server)
{
    struct book *book = &hall->books->books[server];

    if (!hall->store)
        return;
    if (book->totals == 0)
        book->totals = store_new_id(hall->store, STORE_TOTALS);
    const struct store_entry entry = {
        .table = STORE_TOTALS,
        .id = book->totals,
        .numbers = {clock_now().wall, book->on_ms, book->asleep_ms},
        .texts = {hall->config->model.servers[server].id},
    };
    (void)store_keep(hall->store, &entry, false);
}

/* Of several rows of one server (another file came between) the newest counts: it comes first. */
static bool read_totals(void *context, const struct store_entry *entry)
{
    struct hall *hall = context;
    const int server = model_server_by_id(&hall->config->model, entry->texts[0]);

    if (server == MODEL_NONE || hall->books->books[server].totals > 0)
        return true;
    struct book *book = &hall->books->books[server];
    book->totals = entry->id;
    book->on_ms = entry->numbers[1];
    book->asleep_ms = entry->numbers[2];
    return true;
}

static void load_totals(struct hall *hall)
{
    struct archive_filter filter = {.limit = TOTALS_MAX};
    struct archive *archive = NULL;
    char why[ARCHIVE_SENTENCE];
    int64_t next = 0;

    if (!hall->store || archive_open(hall->config->store.path, LOAD_MS, &archive, why) < 0)
        return; /* what is wrong with it is told by the store */
    (void)archive_page(archive, STORE_TOTALS, &filter, read_totals, hall, &next, why);
    archive_close(archive);
}

static void flush_server(struct hall *hall, int server)
{
    write_span(hall, server, clock_now(), true);
    write_totals(hall, server);
}

void hall_books_flush(struct hall *hall)
{
    struct books *books = hall->books;

    for (size_t i = 0; i < books->n && i < SLICE; i++) {
        flush_server(hall, (int)books->next);
        hall_mark(hall, (int)books->next); /* its energy grew */
        books->next = (books->next + 1) % books->n;
    }
    visitors_flush(hall);
}

static int on_flush(sd_event_source *source, uint64_t usec, void *context)
{
    (void)usec;
    hall_books_flush(context);
    sd_event_source_set_time_relative(source, FLUSH_EVERY_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- wakes ---- */

/* Causes are sentences of the core: their first words say of what kind. */
static const struct {
    const char *start, *class;
} classes[] = {
    {"visit of ", "visit"},         {"wake command by ", "command"}, {"hold of ", "hold"},
    {"schedule of ", "schedule"},   {"always_on of ", "always_on"},  {"manual of ", "command"},
    {"dependent of ", "dependent"}, {"agent of ", "other"},
};

static const char *class_of(const char *cause)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(cause, classes[i].start, strlen(classes[i].start)) == 0)
            return classes[i].class;
    return strstr(cause, " needs it") ? "dependent" : "other";
}

void hall_find_visited(const struct model *model, const char *cause, const char **ret_project,
                       const char **ret_domain)
{
    const char *name = cause + strlen(classes[0].start);
    int site;

    if (strcmp(class_of(cause), "visit") != 0)
        return;
    site = model_project_by_id(model, name);
    if (site != MODEL_NONE) {
        *ret_project = model->sites[site].id;
        *ret_domain = model->domains[model->sites[site].domain].name;
        return;
    }
    const int domain = model_domain_by_host(model, name);
    if (domain != MODEL_NONE)
        *ret_domain = model->domains[domain].name;
}

/* Local, Monday 00:00 is 0. The first day of 1970 was a Thursday. */
static int64_t hour_of_week(struct hall *hall, int64_t wall_ms)
{
    const int64_t utc_s = wall_ms / 1000;
    const int64_t local = utc_s + zone_offset(&hall->zones, hall->config->timezone, utc_s);
    const int64_t hour = local / 3600 + 3 * 24;

    return (hour % 168 + 168) % 168;
}

static void write_wake(struct hall *hall, int server, bool ready)
{
    struct book *book = &hall->books->books[server];
    const struct power *power = fleet_power(hall->fleet, server);
    const struct wake *wake = &power->wake;
    const int64_t started = clock_wall_at(clock_now(), wake->started);
    struct store_entry entry = {
        .table = STORE_WAKES,
        .id = book->wake,
        .numbers = {started, book->wake_ms, wake->packets, wake->kind == WAKE_COLD, ready,
                    hour_of_week(hall, started)},
        .texts = {wake->id, hall->config->model.servers[server].id, NULL, NULL, wake->cause,
                  class_of(wake->cause), ready ? NULL : wake_failure_name(power->failure)},
    };

    for (unsigned i = 0; i < STAGES; i++)
        entry.numbers[6 + i] = wake->stages[i];
    hall_find_visited(&hall->config->model, wake->cause, &entry.texts[2], &entry.texts[3]);
    (void)store_keep(hall->store, &entry, false);
}

/* The row of this wake: one that was given up and came late after all has one already. */
static void open_wake(struct hall *hall, int server, int64_t ms)
{
    struct book *book = &hall->books->books[server];
    const struct wake *wake = &fleet_power(hall->fleet, server)->wake;

    if (book->wake == 0 || book->wake_started != wake->started)
        book->wake = store_new_id(hall->store, STORE_WAKES);
    book->wake_started = wake->started;
    book->wake_ms = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
}

static void end_wake(struct hall *hall, int server, int64_t ms, bool ready)
{
    if (fleet_power(hall->fleet, server)->wake.started == 0)
        return; /* it was refused before it began */
    open_wake(hall, server, ms);
    write_wake(hall, server, ready);
    flush_server(hall, server);
}

/* A stage that comes after it was ready. */
static void amend_wake(struct hall *hall, int server)
{
    const struct book *book = &hall->books->books[server];
    const struct wake *wake = &fleet_power(hall->fleet, server)->wake;

    if (!wake->open && wake->recent && book->wake > 0 && book->wake_started == wake->started)
        write_wake(hall, server, true);
}

/* ---- sleeps ---- */

static int64_t awake_ms(const struct power *power)
{
    if (power->up_since > 0)
        return clock_now().boot - power->up_since;
    return -1;
}

static void write_sleep(struct hall *hall, const struct action *action, enum store_sleep outcome)
{
    const struct power *power = fleet_power(hall->fleet, action->server);
    const char *detail = action->event.detail;
    const char *by = power->sleep.own ? "hall" : power->sleep.by;
    const struct store_entry entry = {
        .table = STORE_SLEEPS,
        .id = store_new_id(hall->store, STORE_SLEEPS),
        .numbers = {clock_now().wall, action->event.ms > 0 ? action->event.ms : -1, awake_ms(power),
                    outcome},
        .texts = {hall->config->model.servers[action->server].id, by[0] ? by : NULL,
                  detail[0] ? detail : NULL},
    };

    (void)store_keep(hall->store, &entry, false);
    if (outcome == STORE_ASLEEP)
        flush_server(hall, action->server);
}

/* For /metrics. */
static void count_event(struct hall *hall, enum happening what)
{
    switch (what) {
    case HAPPENED_READY:
        board_count(hall->board, COUNT_WAKES_READY);
        break;
    case HAPPENED_WAKE_FAILED:
        board_count(hall->board, COUNT_WAKES_FAILED);
        break;
    case HAPPENED_ASLEEP:
        board_count(hall->board, COUNT_SLEEPS_ASLEEP);
        break;
    case HAPPENED_SLEEP_REFUSED:
        board_count(hall->board, COUNT_SLEEPS_REFUSED);
        break;
    case HAPPENED_SLEEP_FAILED:
        board_count(hall->board, COUNT_SLEEPS_FAILED);
        break;
    case HAPPENED_WAKE_REQUESTED:
    case HAPPENED_PACKET_SENT:
    case HAPPENED_STAGE:
    case HAPPENED_SLEEP_REQUESTED:
    case HAPPENED_UNREACHABLE:
    case HAPPENED_BACK:
    case HAPPENED_POLICY_CHANGED:
    case HAPPENED_HOLD:
    case HAPPENED_RELEASE:
    case HAPPENED_COMMAND_REFUSED:
        break;
    }
}

void hall_books_event(struct hall *hall, const struct action *action)
{
    count_event(hall, action->event.what);
    if (!hall->store || !hall->books)
        return;
    switch (action->event.what) {
    case HAPPENED_READY:
        end_wake(hall, action->server, action->event.ms, true);
        break;
    case HAPPENED_WAKE_FAILED:
        if (action->event.ms > 0)
            end_wake(hall, action->server, action->event.ms, false);
        break;
    case HAPPENED_STAGE:
        amend_wake(hall, action->server);
        break;
    case HAPPENED_ASLEEP:
        write_sleep(hall, action, STORE_ASLEEP);
        break;
    case HAPPENED_SLEEP_REFUSED:
        write_sleep(hall, action, STORE_SLEEP_REFUSED);
        break;
    case HAPPENED_SLEEP_FAILED:
        write_sleep(hall, action, STORE_SLEEP_FAILED);
        break;
    case HAPPENED_WAKE_REQUESTED:
    case HAPPENED_PACKET_SENT:
    case HAPPENED_SLEEP_REQUESTED:
    case HAPPENED_UNREACHABLE:
    case HAPPENED_BACK:
    case HAPPENED_POLICY_CHANGED:
    case HAPPENED_HOLD:
    case HAPPENED_RELEASE:
    case HAPPENED_COMMAND_REFUSED:
        break;
    }
}

/* ---- energy ---- */

static double kwh(double watts, int64_t ms)
{
    return watts / 1000 * (double)ms / 3600000;
}

bool hall_books_energy(const struct hall *hall, int server, struct payload_energy *ret_energy)
{
    const struct model_server *model = &hall->config->model.servers[server];
    const bool configured = model->watts_on >= 0 && model->watts_asleep >= 0;
    const double on = model->watts_on >= 0 ? model->watts_on : watts_on_otherwise;
    const double asleep = model->watts_asleep >= 0 ? model->watts_asleep : watts_asleep_otherwise;

    if (!hall->books ||
        hall->books->books[server].on_ms + hall->books->books[server].asleep_ms == 0)
        return false;
    const struct book *book = &hall->books->books[server];
    *ret_energy = (struct payload_energy){
        .saved_kwh = on > asleep ? kwh(on - asleep, book->asleep_ms) : 0,
        .used_kwh = kwh(on, book->on_ms) + kwh(asleep, book->asleep_ms),
        .basis = configured ? "configured" : "estimated",
    };
    return true;
}

/* ---- life ---- */

static void begin_books(const struct hall *hall, struct book *books, size_t n)
{
    const int64_t boot = clock_now().boot;

    for (size_t i = 0; i < n; i++)
        books[i] = (struct book){
            .since = boot, .counted = boot, .state = (uint8_t)fleet_power(hall->fleet, (int)i)->state};
}

int hall_books_create(struct hall *hall)
{
    const size_t n = hall->config->model.n_servers;
    struct books *books = calloc(1, sizeof(*books));
    int error;

    if (!books)
        return -ENOMEM;
    hall->books = books;
    books->books = calloc(n + 1, sizeof(*books->books));
    books->n = n;
    if (!books->books)
        return -ENOMEM;
    begin_books(hall, books->books, n);
    load_totals(hall);
    error = visitors_create(&hall->visitors);
    if (error < 0)
        return error;
    error = sd_event_add_time_relative(hall->loop, &books->flush, CLOCK_MONOTONIC, FLUSH_EVERY_US,
                                       FLUSH_SLACK_US, on_flush, hall);
    return error < 0 ? error : 0;
}

void hall_books_destroy(struct hall *hall)
{
    struct books *books = hall->books;

    if (!books)
        return;
    for (size_t i = 0; books->books && hall->visitors && i < books->n && i < SLICE; i++) {
        write_span(hall, (int)i, clock_now(), false);
        write_totals(hall, (int)i);
    }
    if (hall->visitors)
        visitors_flush(hall);
    visitors_destroy(hall->visitors);
    hall->visitors = NULL;
    sd_event_source_disable_unref(books->flush);
    free(books->books);
    free(books);
    hall->books = NULL;
}

/* ---- a new configuration ---- */

int hall_books_prepare(const struct hall *hall, const struct model *model,
                       struct books_renewal **ret_renewal)
{
    struct books_renewal *renewal = calloc(1, sizeof(*renewal));

    (void)hall;
    if (!renewal)
        return -ENOMEM;
    renewal->n = model->n_servers;
    renewal->books = calloc(renewal->n + 1, sizeof(*renewal->books));
    if (!renewal->books) {
        free(renewal);
        return -ENOMEM;
    }
    *ret_renewal = renewal;
    return 0;
}

void hall_books_renew(struct hall *hall, struct books_renewal *renewal, const struct model *old,
                      const struct model *new)
{
    struct books *books = hall->books;

    begin_books(hall, renewal->books, renewal->n);
    for (size_t i = 0; i < new->n_servers; i++) {
        const int before = model_server_by_id(old, new->servers[i].id);

        if (before != MODEL_NONE)
            renewal->books[i] = books->books[before];
    }
    free(books->books);
    books->books = renewal->books;
    books->n = renewal->n;
    books->next = 0;
    free(renewal);
}

void hall_books_forget(struct books_renewal *renewal)
{
    if (!renewal)
        return;
    free(renewal->books);
    free(renewal);
}
