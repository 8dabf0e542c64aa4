/* Wakes and sleeps as rows: what caused them, how they went, how long they took. */
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "hall/hall_internal.h"
#include "hall/stats_internal.h"

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
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
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

    book->wake_cold = wake->kind == WAKE_COLD;
    book->wake_kind = (uint8_t)wake->kind;
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
    hall_books_flush_server(hall, server, false);
}

/* Is the wake that was written last the one that the fleet still knows? */
static bool is_last(const struct hall *hall, int server)
{
    const struct book *book = &hall->books->books[server];
    const struct wake *wake = &fleet_power(hall->fleet, server)->wake;

    return !wake->open && wake->recent && book->wake > 0 && book->wake_started == wake->started;
}

/* A stage that comes after it was ready. */
static void amend_wake(struct hall *hall, int server)
{
    if (is_last(hall, server))
        write_wake(hall, server, true);
}

/* A report that comes after it was ready may tell that it booted, where a resume was expected. */
void hall_books_look(struct hall *hall, int server)
{
    if (hall->store && hall->books && is_last(hall, server) &&
        hall->books->books[server].wake_kind != fleet_power(hall->fleet, server)->wake.kind)
        write_wake(hall, server, true);
}

void hall_books_report(struct hall *hall, int server)
{
    if (hall->store && hall->books &&
        hall->books->books[server].wake_cold !=
            (fleet_power(hall->fleet, server)->wake.kind == WAKE_COLD))
        amend_wake(hall, server);
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
        hall_books_flush_server(hall, action->server, false);
}

/* For /metrics. */
static void count_event(struct hall *hall, enum happening what)
{
    static const struct {
        enum happening what;
        enum count count;
    } rows[] = {
        {HAPPENED_READY, COUNT_WAKES_READY},
        {HAPPENED_WAKE_FAILED, COUNT_WAKES_FAILED},
        {HAPPENED_ASLEEP, COUNT_SLEEPS_ASLEEP},
        {HAPPENED_SLEEP_REFUSED, COUNT_SLEEPS_REFUSED},
        {HAPPENED_SLEEP_FAILED, COUNT_SLEEPS_FAILED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].what == what)
            board_count(hall->board, rows[i].count);
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
