/*
 * in_clock: wall time for the schedules: whether the clock is to be believed (base/clock_judge.h),
 * and that it was set. Loop thread only.
 */
#ifndef HALL_HALL_IN_CLOCK_H
#define HALL_HALL_IN_CLOCK_H

#include "hall/turn.h"

struct in_clock {
    struct current *current;
    struct turn *turn;
    const struct outlets *outlets;
    int64_t saved, saved_before; /* wall, ms: as clock_judge.h says; 0: not read yet */
    int64_t began;               /* boot clock, ms: since when the time service is waited for */
    int64_t offset;              /* wall - boot, ms, as everybody was last told */
    sd_event_source *set;        /* wall time was set */
    sd_event_source *look;       /* until the time service says that it is right */
};

/* The first three are set, and the fleet is there. 0 or -errno. */
int in_clock_listen(struct in_clock *in, sd_event *loop);
void in_clock_finish(struct in_clock *in);

/* What is to be said of the clock; nothing where somebody vouches for it. */
struct told in_clock_tell(enum clock_verdict verdict);

extern const struct outlet_ops in_clock_outlet; /* context: a struct in_clock */

#endif
