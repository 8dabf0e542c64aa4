/*
 * reload: a new configuration while Hall runs: read whole, applied whole or not at all. Everything
 * is made from it before anything is changed; servers and projects that stay keep their state,
 * leases and wakes; what is gone is cleared from the bus. HTTP workers that still answer from the
 * old board are left to finish: board and configuration are freed when the last one has. Broker,
 * topics and addresses stay as they were when Hall began. Loop thread only.
 */
#ifndef HALL_HALL_RELOAD_H
#define HALL_HALL_RELOAD_H

#include "hall/answers.h"
#include "hall/in_visits.h"
#include "hall/out_discovery.h"
#include "web/listen/front.h"

struct reload {
    /* Set by the caller, borrowed. */
    sd_event *loop;
    struct current *current;
    struct turn *turn;
    struct outlets *outlets;
    struct mqtt *mqtt;
    struct front *front;
    struct in_visits *visits;
    struct stats *stats;
    struct out_bus *bus;
    struct answers *answers;
    struct out_discovery *discovery;

    /* Its own. */
    struct config *own; /* after a reload: the current configuration, which is then ours to free */
    struct retired *retired; /* what HTTP workers may still read of older ones */
    sd_event_source *reclaim;
    bool again;               /* it was put off until some of those are freed */
    int64_t began;            /* when the reload under way did, clock_boot_ns() */
    char by[COMMAND_BY_SIZE]; /* who asked for it */
    char why[REASON_SIZE];    /* why the last one was refused; "": it was not */
    struct report report;     /* all its errors */
};

/* Fleet, board, prober, watch of the connections and visits of next->config, which is set. On
 * failure as far as they came. -ENOMEM, -errno. */
int reload_make(const struct reload *reload, struct current *next);
void reload_drop(struct current *current); /* all of these but the board */

/* by: who asks; "": a signal, or the bus. What came of it is in again and why, and is told
 * (NEWS_ENDED, NEWS_CONFIG). */
void reload_now(struct reload *reload, const char *by);
void reload_finish(struct reload *reload); /* after the front is gone */

#endif
