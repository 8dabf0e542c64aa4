/*
 * leases: those of the server at hand, and how long one lasts.
 */
#ifndef HALL_CORE_FACTS_LEASES_H
#define HALL_CORE_FACTS_LEASES_H

#include "core/state.h"

int64_t step_idle(const struct step *step);
/* Ends the leases of visits and wake commands: those that end with the run. */
void step_release_passing_leases(struct step *step);
void step_release_holds(struct step *step); /* what a forced sleep ends, told one by one */

#endif
