/* Wakes and sleeps as rows: what caused them, how they went, how long they took. */
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "hall/stats_internal.h"

/* ---- wakes ---- */

static const struct {
    enum fact_code code;
    const char *class;
} classes[] = {
    {FACT_WAKE_VISIT, "visit"},         {FACT_WAKE_COMMAND, "command"},
    {FACT_WAKE_MANUAL, "command"},      {FACT_WAKE_HOLD, "hold"},
    {FACT_WAKE_SCHEDULE, "schedule"},   {FACT_WAKE_ALWAYS_ON, "always_on"},
    {FACT_WAKE_DEPENDENT, "dependent"}, {FACT_WAKE_ALWAYS_ON_SERVER, "always_on"},
};

static const char *class_of(const struct fact *cause)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        if (fact_is(cause, classes[i].code))
            return classes[i].class;
    return "other";
}

void stats_visited(const struct model *model, const struct fact *cause, const char **ret_project,
                   const char **ret_domain)
{
    if (!fact_is(cause, FACT_WAKE_VISIT))
        return;
    const struct model_site *site = &model->sites[cause->parts[0].subject];

    if (site->is_project)
        *ret_project = site->id;
    *ret_domain = model->domains[site->domain].name;
}

const char *stats_write_fact(const struct stats *stats, const struct fact *fact, struct buf *out)
{
    struct json_writer writer;

    if (fact_is(fact, FACT_NONE))
        return NULL;
    json_writer_init(&writer, out);
    say_put_fact(&writer, NULL, fact, &stats->current->config->model);
    return buf_error(out) == 0 ? buf_text(out) : NULL;
}

/* Local, Monday 00:00 is 0. The first day of 1970 was a Thursday. */
static int64_t hour_of_week(struct stats *stats, int64_t wall_ms)
{
    const struct zone_port *zones = &stats->current->zones;
    const int64_t utc_s = wall_ms / 1000;
    const int64_t local =
        utc_s + zones->offset(zones->context, stats->current->config->timezone, utc_s);
    const int64_t hour = local / 3600 + 3 * 24;

    return (hour % 168 + 168) % 168;
}

static void write_wake(struct stats *stats, int server, bool ready)
{
    struct book *book = &stats->books[server];
    const struct power *power = fleet_power(stats->current->fleet, server);
    const struct wake *wake = &power->wake;
    const int64_t started = clock_wall_at(clock_now(), wake->started);
    const struct model *model = &stats->current->config->model;
    struct buf fact = BUF_INIT(SAY_SENTENCE_MAX);
    char cause[SAID_SIZE];
    struct store_entry entry = {
        .table = STORE_WAKES,
        .id = book->wake,
        .numbers = {started, book->wake_ms, wake->packets_sent, wake->kind == WAKE_COLD, ready,
                    hour_of_week(stats, started)},
        .texts = {wake->id, stats->current->config->model.servers[server].id, NULL, NULL,
                  say_english(&wake->cause, model, clock_now().wall, cause), class_of(&wake->cause),
                  ready ? NULL : wake_failure_name(power->failure),
                  stats_write_fact(stats, &wake->cause, &fact)},
    };

    book->wake_kind = (uint8_t)wake->kind;
    for (unsigned i = 0; i < STAGES; i++)
        entry.numbers[6 + i] = wake->stages[i];
    stats_visited(model, &wake->cause, &entry.texts[2], &entry.texts[3]);
    (void)store_keep(stats->store, &entry, false);
    buf_finish(&fact);
}

static void end_wake(struct stats *stats, int server, int64_t ms, bool ready)
{
    struct book *book = &stats->books[server];
    const struct wake *wake = &fleet_power(stats->current->fleet, server)->wake;

    if (wake->started == 0)
        return; /* it was refused before it began */
    /* One that was given up and came late after all has a row already. */
    if (book->wake == 0 || book->wake_started != wake->started)
        book->wake = store_new_id(stats->store, STORE_WAKES);
    book->wake_started = wake->started;
    book->wake_ms = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
    write_wake(stats, server, ready);
    stats_flush_server(stats, server, false);
}

/* Is the wake that was written last the one that the fleet still knows? */
static bool is_last(const struct stats *stats, int server)
{
    const struct book *book = &stats->books[server];
    const struct wake *wake = &fleet_power(stats->current->fleet, server)->wake;

    return !wake->open && wake->recent && book->wake > 0 && book->wake_started == wake->started;
}

/* A report that comes after it was ready may tell that it booted, where a resume was expected. */
void stats_amend_wake(struct stats *stats, int server)
{
    if (is_last(stats, server) &&
        stats->books[server].wake_kind != fleet_power(stats->current->fleet, server)->wake.kind)
        write_wake(stats, server, true);
}

void stats_on_report(void *context, const struct news *news)
{
    stats_amend_wake(context, news->server);
}

/* ---- sleeps ---- */

static void write_sleep(struct stats *stats, const struct action *action, enum store_sleep outcome)
{
    const struct power *power = fleet_power(stats->current->fleet, action->server);
    const struct now now = clock_now();
    struct buf fact = BUF_INIT(SAY_SENTENCE_MAX);
    char detail[SAID_SIZE];
    const char *by = power->sleep.own ? "hall" : power->sleep.by;
    say_english(action->event.detail, &stats->current->config->model, now.wall, detail);
    const struct store_entry entry = {
        .table = STORE_SLEEPS,
        .id = store_new_id(stats->store, STORE_SLEEPS),
        .numbers = {now.wall, action->event.ms > 0 ? action->event.ms : -1,
                    power->up_since > 0 ? now.boot - power->up_since : -1, outcome},
        .texts = {stats->current->config->model.servers[action->server].id, by[0] ? by : NULL,
                  detail[0] ? detail : NULL, stats_write_fact(stats, action->event.detail, &fact)},
    };

    (void)store_keep(stats->store, &entry, false);
    buf_finish(&fact);
    if (outcome == STORE_ASLEEP)
        stats_flush_server(stats, action->server, false);
}

void stats_on_event(void *context, const struct action *action)
{
    struct stats *stats = context;

    switch (action->event.what) {
    case HAPPENED_READY:
        end_wake(stats, action->server, action->event.ms, true);
        break;
    case HAPPENED_WAKE_FAILED:
        if (action->event.ms > 0)
            end_wake(stats, action->server, action->event.ms, false);
        break;
    case HAPPENED_STAGE:
        if (is_last(stats, action->server)) /* it came after it was ready */
            write_wake(stats, action->server, true);
        break;
    case HAPPENED_ASLEEP:
        write_sleep(stats, action, STORE_ASLEEP);
        break;
    case HAPPENED_SLEEP_REFUSED:
        write_sleep(stats, action, STORE_SLEEP_REFUSED);
        break;
    case HAPPENED_SLEEP_FAILED:
        write_sleep(stats, action, STORE_SLEEP_FAILED);
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
