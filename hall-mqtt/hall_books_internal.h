/*
 * hall_books_internal: what the two files that keep the books of servers share: hall_books.c the
 * time in each state, hall_books_wakes.c wakes and sleeps.
 */
#ifndef HALL_HALL_BOOKS_INTERNAL_H
#define HALL_HALL_BOOKS_INTERNAL_H

#include <systemd/sd-event.h>

#include "hall_books.h"

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
    bool wake_cold; /* the kind that was written */
    uint8_t state;
    uint8_t wake_kind; /* as written */
};

struct books {
    struct book *books; /* [n_servers] */
    size_t n, next;     /* next: where the next slice begins */
    sd_event_source *flush;
};

/* Writes the stretch of time that lasts, and the totals. */
void hall_books_flush_server(struct hall *hall, int server);

#endif
