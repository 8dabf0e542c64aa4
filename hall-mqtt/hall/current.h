/*
 * current: what a reload replaces, and the few facts about this run that many files tell. hall.c
 * fills it, reload.c replaces what is in it, in_clock.c sets the zones; everyone else borrows it as
 * const and looks here each time, because what it points to changes with a reload. Loop thread
 * only.
 */
#ifndef HALL_HALL_CURRENT_H
#define HALL_HALL_CURRENT_H

#include <systemd/sd-event.h>

#include "base/zone.h"
#include "config/config.h"
#include "core/fleet.h"
#include "hall/start.h"
#include "probe/probe.h"
#include "store/store.h"
#include "web/board/board.h"

struct stream_watch;

struct current {
    const struct config *config;
    const struct config *begun; /* as it was at the start: broker and listeners go by it */
    struct fleet *fleet;
    struct board *board;
    struct prober *prober;
    struct stream_watch *streams;
    sd_event_source *visits; /* of the board */
    bool renewing; /* the new fleet takes its first step: the board waits for the whole of it */
    enum clock_verdict clock;     /* what in_clock.c makes of wall time */
    struct trouble trouble;       /* why config is not what the file says */
    struct store_salvage salvage; /* of a damaged store */
    int64_t started;              /* wall, ms: when this run began */
    struct zone_port zones;       /* local time, by this cache */
    struct zone_cache zone_cache;
};

/* By which commands are judged: wall 0 while it is not known what time it is. */
static inline struct now current_now(const struct current *current)
{
    struct now now = clock_now();

    if (!fleet_clock_is_trusted(current->fleet))
        now.wall = 0;
    return now;
}

#endif
