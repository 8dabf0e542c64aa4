/*
 * want: a server that is down and has a lease is woken: for what stands, whenever it is found down;
 * for those who wait, when the guard that refused them ends.
 */
#ifndef HALL_CORE_RULES_WANT_H
#define HALL_CORE_RULES_WANT_H

#include "core/state.h"

void want_wakes(struct step *step);
int64_t want_due(const struct step *step);

#endif
