/*
 * wish: what one rule wants of another, noted in the step.
 */
#ifndef HALL_CORE_WISH_H
#define HALL_CORE_WISH_H

#include "core/state.h"

/* Where several want a wake in one step, the first is its cause. */
void wish_wake(struct step *step, const char *cause, bool force);

#endif
