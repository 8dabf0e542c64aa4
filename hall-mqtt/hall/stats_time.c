#include "hall/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hall/hall_internal.h"
#include "hall/stats_internal.h"

enum {
    SLICE = 400, /* servers written at once, so that the store's queue is never full of them */
};
#define FLUSH_EVERY_US UINT64_C(1800000000)
#define FLUSH_SLACK_US UINT64_C(60000000)

struct books_renewal {
    struct book *books;
    size_t n;
};

/* ---- time in states ---- */

static void count_time(struct hall *hall, int server, int64_t boot)
{
    struct book *book = &hall->books->books[server];
    const int64_t ms = boot - book->counted;

    book->counted = boot;
    totals_count(hall, server, ms);
}

static void write_span(struct hall *hall, int server, struct now now, bool open)
{
    struct book *book = &hall->books->books[server];

    count_time(hall, server, now.boot);
    if (!hall->store)
        return;
    if (book->span == 0)
        book->span = store_new_id(hall->store, STORE_SPANS);
    const struct store_entry entry = {
        .table = STORE_SPANS,
        .id = book->span,
        .numbers = {now.wall, now.boot - book->since, book->state, open, book->span_used_mj,
                    book->span_always_mj},
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
    book->span_used_mj = book->span_always_mj = 0;
    book->since = now.boot;
    book->state = (uint8_t)fleet_power(hall->fleet, server)->state;
}

void hall_books_flush_server(struct hall *hall, int server, bool durable)
{
    write_span(hall, server, clock_now(), true);
    totals_write(hall, server, durable);
}

void hall_books_flush(struct hall *hall)
{
    struct books *books = hall->books;

    for (size_t i = 0; i < books->n; i++)
        count_time(hall, (int)i, clock_now().boot);
    for (size_t i = 0; i < books->n && i < SLICE; i++) {
        hall_books_flush_server(hall, (int)books->next, false);
        books->next = (books->next + 1) % books->n;
    }
    visitors_flush(hall);
}

static int on_flush(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;

    (void)usec;
    hall_books_flush(hall);
    if (hall->store)
        (void)store_flush(hall->store); /* what grew is published once it is on the disk */
    sd_event_source_set_time_relative(source, FLUSH_EVERY_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- life ---- */

static void begin_books(const struct hall *hall, struct book *books, size_t n)
{
    const int64_t boot = clock_now().boot;

    for (size_t i = 0; i < n; i++)
        books[i] = (struct book){.since = boot,
                                 .counted = boot,
                                 .woken = fleet_power(hall->fleet, (int)i)->n_woken,
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
    totals_load(hall);
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
        totals_write(hall, (int)i, false);
    }
    if (hall->visitors)
        visitors_flush(hall);
    visitors_destroy(hall->visitors);
    hall->visitors = NULL;
    sd_event_source_disable_unref(books->flush);
    free(books->books);
    free(books->left);
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

void hall_books_gone(struct hall *hall, int server)
{
    if (!hall->books)
        return;
    write_span(hall, server, clock_now(), false);
    totals_write(hall, server, false);
    totals_leave(hall->books, hall->config->model.servers[server].id, &hall->books->books[server]);
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
        else
            (void)totals_return(books, new->servers[i].id, &renewal->books[i]);
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
