/*
 * stats_internal: what the files that keep the books of servers share: stats_time.c the time
 * in each state, stats_totals.c what only rises, stats_wakes.c wakes and sleeps.
 */
#ifndef HALL_HALL_STATS_INTERNAL_H
#define HALL_HALL_STATS_INTERNAL_H

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
    uint8_t state;
    uint8_t wake_kind; /* as written */
};

/* The book of a server that is no longer configured, in case it is again. */
struct left_book {
    char id[SLUG_MAX + 1];
    struct book book;
};

struct stats {
    const struct current *current;
    struct store *store;
    const struct outlets *outlets;
    struct book *books; /* [n] of the servers */
    size_t n, next;     /* next: where the next slice begins */
    bool loaded;        /* the totals of before are known */
    struct left_book *left;
    size_t n_left;
    sd_event_source *flush;
    struct visitors *visitors;
};

/* Writes the stretch of time that lasts, and the totals. durable: at once. */
void stats_flush_server(struct stats *stats, int server, bool durable);

/* ---- stats_wakes.c ---- */

/* As JSON; NULL: there is none. */
const char *stats_write_fact(const struct stats *stats, const struct fact *fact, struct buf *out);

/* ---- stats_totals.c ---- */

/* Until it succeeds once, nothing that only rises is written or published. */
void totals_load(struct stats *stats);
/* Adds so much time in the book's state, and the wakes since. */
void totals_count(struct stats *stats, int server, int64_t ms);
void totals_write(struct stats *stats, int server, bool durable);
/* For a server that goes and comes again; after its totals were written. */
void totals_leave(struct stats *stats, const char *id, const struct book *book);
/* False: nothing is known of it. */
bool totals_return(struct stats *stats, const char *id, struct book *book);
void stats_on_save(void *context, const struct action *action);
void stats_on_stored(void *context, const struct news *news);

/* ---- stats_wakes.c ---- */

/* Whether it resumed or booted may be known better now. */
void stats_amend_wake(struct stats *stats, int server);
void stats_on_event(void *context, const struct action *action);
void stats_on_report(void *context, const struct news *news);

/* ---- stats_visitors.c ---- */

int stats_create_visitors(sd_event *loop, struct stats *stats, struct visitors **ret_visitors);
void stats_destroy_visitors(struct visitors *visitors);
void stats_on_limit(void *context, const struct action *action);
void stats_on_visit(void *context, const struct news *news);
void stats_on_refused(void *context, const struct news *news);
void stats_on_login(void *context, const struct news *news);

#endif
