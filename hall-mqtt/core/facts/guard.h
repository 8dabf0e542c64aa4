/*
 * guard: what refuses a wake or a visitor, and until when.
 */
#ifndef HALL_CORE_FACTS_GUARD_H
#define HALL_CORE_FACTS_GUARD_H

#include "core/state.h"

bool guard_wake(const struct step *step, struct guard *ret_guard);
void guard_note_wake(struct step *step);
bool guard_visit(struct step *step, int site, const char *who); /* true: refused, told */
void guard_note_use(struct step *step, int site, const char *who, bool wakes);

/* The local day on which it last counted, as the wall clock stands now. */
int32_t guard_day(const struct fleet *fleet, struct now now, const struct quota *quota);
/* The wall clock was set: what was used up belongs to the day that it truly was. */
void guard_clock_was_set(struct fleet *fleet, struct now now);

#endif
