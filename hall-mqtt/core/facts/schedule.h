/*
 * schedule: when a `scheduled` policy wants its server. At an instant it does exactly when the wall
 * clock of its zone then shows a time in [from, to) of a window whose days hold the day shown, and
 * that day is no exception. Of a window that crosses midnight (to <= from), what comes after
 * midnight belongs to the day before. So in spring a window that begins in the hour that is skipped
 * begins when the clock jumps, and in autumn the hour shown twice counts twice. Windows that touch
 * or overlap are one stretch. The policy's mode is not looked at. Pure; the zones come by a port.
 */
#ifndef HALL_CORE_FACTS_SCHEDULE_H
#define HALL_CORE_FACTS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"
#include "core/model.h"

#define SCHEDULE_NEVER INT64_C(-1)
enum { SCHEDULE_HORIZON_DAYS = 400 }; /* how far is looked, back and ahead */

/* Wall time, ms; SCHEDULE_NEVER for what lies beyond the horizon, as seen from now. */
struct schedule_view {
    bool wants;
    int64_t since; /* the present stretch began; NEVER too where it does not want */
    int64_t until; /* the present stretch ends; NEVER too where it does not want */
    int64_t next;  /* the stretch after that begins */
};

/* Costs less than a microsecond for each day looked at: to the next edges, usually a few days. */
struct schedule_view schedule_view(const struct model_policy *policy, const struct zone_port *zones,
                                   int64_t wall_ms);

#endif
