/*
 * sight: what the evidence shows moves the state of the server.
 */
#ifndef HALL_CORE_RULES_SIGHT_H
#define HALL_CORE_RULES_SIGHT_H

#include "core/state.h"

void sight_follow(struct step *step); /* what was just seen */
void sight_expect(struct step *step); /* where nothing can be */
int64_t sight_due(const struct step *step);

#endif
