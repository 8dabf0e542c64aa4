/* The time in each state; and the life of the statistics. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hall/stats_internal.h"

enum {
    SLICE = 400, /* servers written at once, so that the store's queue is never full of them */
};
#define FLUSH_EVERY_US UINT64_C(1800000000)
#define FLUSH_SLACK_US UINT64_C(60000000)

/* ---- time in states ---- */

static void count_time(struct stats *stats, int server, int64_t boot)
{
    struct book *book = &stats->books[server];
    const int64_t ms = boot - book->counted;

    book->counted = boot;
    totals_count(stats, server, ms);
}

static void write_span(struct stats *stats, int server, struct now now, bool open)
{
    struct book *book = &stats->books[server];

    count_time(stats, server, now.boot);
    if (book->span == 0)
        book->span = store_new_id(stats->store, STORE_SPANS);
    const struct store_entry entry = {
        .table = STORE_SPANS,
        .id = book->span,
        .numbers = {now.wall, now.boot - book->since, book->state, open, book->span_used_mj,
                    book->span_always_mj},
        .texts = {stats->current->config->model.servers[server].id},
    };
    (void)store_keep(stats->store, &entry, false);
}

static void on_state(void *context, const struct action *action)
{
    struct stats *stats = context;
    struct book *book = &stats->books[action->server];
    const struct now now = clock_now();

    book->state = (uint8_t)action->state.from;
    write_span(stats, action->server, now, false);
    book->span = 0;
    book->span_used_mj = book->span_always_mj = 0;
    book->since = now.boot;
    book->state = (uint8_t)fleet_power(stats->current->fleet, action->server)->state;
}

void stats_flush_server(struct stats *stats, int server, bool durable)
{
    write_span(stats, server, clock_now(), true);
    totals_write(stats, server, durable);
}

void stats_flush(struct stats *stats)
{
    for (size_t i = 0; i < stats->n; i++)
        count_time(stats, (int)i, clock_now().boot);
    for (size_t i = 0; i < stats->n && i < SLICE; i++) {
        stats_flush_server(stats, (int)stats->next, false);
        stats->next = (stats->next + 1) % stats->n;
    }
    stats_flush_visitors(stats);
}

static int on_flush(sd_event_source *source, uint64_t usec, void *context)
{
    struct stats *stats = context;

    (void)usec;
    stats_flush(stats);
    (void)store_flush(stats->store); /* what grew is published once it is on the disk */
    sd_event_source_set_time_relative(source, FLUSH_EVERY_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- life ---- */

const struct outlet_ops stats_outlet = {
    .act = {[ACTION_STATE] = on_state,
            [ACTION_EVENT] = stats_on_event,
            [ACTION_LIMIT] = stats_on_limit,
            [ACTION_SAVE] = stats_on_save},
    .hear = {[NEWS_REPORT] = stats_on_report,
             [NEWS_STORED] = stats_on_stored,
             [NEWS_VISIT] = stats_on_visit,
             [NEWS_REFUSED] = stats_on_refused,
             [NEWS_LOGIN] = stats_on_login},
};

struct book *stats_books(size_t n)
{
    return calloc(n + 1, sizeof(struct book));
}

static void begin_books(const struct stats *stats, struct book *books, size_t n)
{
    const int64_t boot = clock_now().boot;

    for (size_t i = 0; i < n; i++) {
        const struct power *power = fleet_power(stats->current->fleet, (int)i);

        books[i] = (struct book){.since = boot,
                                 .counted = boot,
                                 .woken = power->n_woken,
                                 .state = (uint8_t)power->state};
    }
}

int stats_create(sd_event *loop, const struct current *current, struct store *store,
                 const struct outlets *outlets, struct stats **ret_stats)
{
    struct stats *stats = calloc(1, sizeof(*stats));
    int error = -ENOMEM;

    if (!stats)
        return error;
    *stats = (struct stats){.current = current, .store = store, .outlets = outlets};
    stats->n = current->config->model.n_servers;
    stats->books = stats_books(stats->n);
    if (stats->books) {
        begin_books(stats, stats->books, stats->n);
        totals_load(stats);
        error = stats_create_visitors(loop, stats, &stats->visitors);
    }
    if (error >= 0)
        error = sd_event_add_time_relative(loop, &stats->flush, CLOCK_MONOTONIC, FLUSH_EVERY_US,
                                           FLUSH_SLACK_US, on_flush, stats);
    if (error < 0) {
        stats_destroy(stats);
        return error;
    }
    *ret_stats = stats;
    return 0;
}

static void close_book(struct stats *stats, int server)
{
    write_span(stats, server, clock_now(), false);
    totals_write(stats, server, false);
}

void stats_destroy(struct stats *stats)
{
    if (!stats)
        return;
    for (size_t i = 0; stats->flush && i < stats->n && i < SLICE; i++)
        close_book(stats, (int)i);
    if (stats->flush)
        stats_flush_visitors(stats);
    stats_destroy_visitors(stats->visitors);
    sd_event_source_disable_unref(stats->flush);
    free(stats->books);
    free(stats->left);
    free(stats);
}

/* ---- a new configuration ---- */

void stats_gone(struct stats *stats, int server)
{
    close_book(stats, server);
    totals_leave(stats, stats->current->config->model.servers[server].id, &stats->books[server]);
}

void stats_renew(struct stats *stats, struct book *books, const struct model *old,
                 const struct model *new)
{
    begin_books(stats, books, new->n_servers);
    for (size_t i = 0; i < new->n_servers; i++) {
        const int before = model_server_by_id(old, new->servers[i].id);

        if (before != MODEL_NONE)
            books[i] = stats->books[before];
        else
            (void)totals_return(stats, new->servers[i].id, &books[i]);
    }
    free(stats->books);
    stats->books = books;
    stats->n = new->n_servers;
    stats->next = 0;
}
