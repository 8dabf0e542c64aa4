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

#endif
