/*
 * look: has Hall looked at a server for long enough to judge it? After a start, and after a time in
 * which Hall itself stood still (its machine slept, it was stopped), what is known of a server is
 * old: no deadline is judged before there was time for one look.
 */
#ifndef HALL_CORE_FACTS_LOOK_H
#define HALL_CORE_FACTS_LOOK_H

#include "core/state.h"

/* ms: in this time silence is proven, and an agent's word comes from the broker. */
enum { LOOK_LASTS = 10000 };

/* When a deadline may be judged: not before a look was made. Boot clock, ms. */
int64_t look_before(const struct power *power, int64_t deadline);
/* Hall has stood still since (boot clock, ms): a look begins at each server, and what was only half
 * seen is forgotten. */
void look_begin(struct fleet *fleet, struct now now, int64_t since);
/* What was due long ago tells that it has. */
void look_notice_gap(struct fleet *fleet, struct now now);
/* Was that too long for those who wait for Hall? Of one clock, ms. */
bool look_was_long(int64_t from, int64_t until);

#endif
