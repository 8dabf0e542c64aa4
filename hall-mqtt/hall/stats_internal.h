/*
 * hall_books_internal: what the files that keep the books of servers share: stats_time.c the time
 * in each state, stats_totals.c what only rises, stats_wakes.c wakes and sleeps.
 */
#ifndef HALL_HALL_STATS_INTERNAL_H
#define HALL_HALL_STATS_INTERNAL_H

#include <systemd/sd-event.h>

#include "hall/stats.h"

/* What only rises, over kills, restarts, other watts and removals. */
struct totals {
    int64_t on_ms, asleep_ms;
    int64_t used_mj, saved_mj; /* millijoules, by the watts that held at the time */
    int64_t wakes;
};

/* What is kept of one server. */
struct book {
    int64_t span; /* id of the stretch of time that lasts; 0: none was written yet */
    int64_t span_used_mj, span_always_mj; /* of that stretch */
    int64_t row;                          /* id of its totals; 0: none yet */
    int64_t since;                        /* boot: when the stretch began */
    int64_t counted;                      /* boot: up to when the totals count */
    struct totals totals;                 /* since the statistics began */
    struct totals written;                /* on their way to the disk, */
    uint64_t ticket;                      /* until this is committed; 0: none are */
    struct totals told; /* on the disk: nothing else is published, so a crash takes nothing back */
    uint32_t woken;     /* up to which of the fleet's count of wakes they are counted */
    int64_t wake;       /* id of the row of the last wake, */
    int64_t wake_started; /* and its start (boot) */
    int32_t wake_ms;
    bool wake_cold; /* the kind that was written */
    uint8_t state;
    uint8_t wake_kind; /* as written */
};

/* The book of a server that is no longer configured, in case it is again. */
struct left_book {
    char id[SLUG_MAX + 1];
    struct book book;
};

struct books {
    struct book *books; /* [n_servers] */
    size_t n, next;     /* next: where the next slice begins */
    bool loaded;        /* the totals of before are known */
    struct left_book *left;
    size_t n_left;
    sd_event_source *flush;
};

/* Writes the stretch of time that lasts, and the totals. durable: at once. */
void hall_books_flush_server(struct hall *hall, int server, bool durable);

/* ---- stats_totals.c ---- */

/* Until it succeeds once, nothing that only rises is written or published. */
void totals_load(struct hall *hall);
/* Adds so much time in the book's state, and the wakes since. */
void totals_count(struct hall *hall, int server, int64_t ms);
void totals_write(struct hall *hall, int server, bool durable);
/* For a server that goes and comes again; after its totals were written. */
void totals_leave(struct books *books, const char *id, const struct book *book);
/* False: nothing is known of it. */
bool totals_return(struct books *books, const char *id, struct book *book);

#endif
