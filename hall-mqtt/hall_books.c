#include "hall_books.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hall_books_internal.h"
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

void hall_books_flush_server(struct hall *hall, int server)
{
    write_span(hall, server, clock_now(), true);
    write_totals(hall, server);
}

void hall_books_flush(struct hall *hall)
{
    struct books *books = hall->books;

    for (size_t i = 0; i < books->n && i < SLICE; i++) {
        hall_books_flush_server(hall, (int)books->next);
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
        .basis = !configured             ? "estimated"
                 : model->watts_measured ? "measured"
                                         : "configured",
    };
    return true;
}

/* ---- life ---- */

static void begin_books(const struct hall *hall, struct book *books, size_t n)
{
    const int64_t boot = clock_now().boot;

    for (size_t i = 0; i < n; i++)
        books[i] = (struct book){.since = boot,
                                 .counted = boot,
                                 .state = (uint8_t)fleet_power(hall->fleet, (int)i)->state};
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
    error = visitors_create(hall);
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
