/*
 * in_clock: wall time for the schedules: whether the clock can be trusted yet, and that it was set.
 * Loop thread only.
 */
#ifndef HALL_HALL_IN_CLOCK_H
#define HALL_HALL_IN_CLOCK_H

#include "hall/turn.h"

struct in_clock {
    const struct current *current;
    struct turn *turn;
    const struct outlets *outlets;
    sd_event_source *set;  /* wall time was set */
    sd_event_source *look; /* until the clock is trusted */
};

/* The first three are set, and the fleet is there. 0 or -errno. */
int in_clock_listen(struct in_clock *in, sd_event *loop);
void in_clock_finish(struct in_clock *in);

#endif
