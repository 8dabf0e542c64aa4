/*
 * policy: the standing leases: always on, windows of a schedule; hours of access.
 */
#ifndef HALL_CORE_RULES_POLICY_H
#define HALL_CORE_RULES_POLICY_H

#include "core/state.h"

void policy_keep(struct step *step); /* takes and ends the leases that policies want */
int64_t policy_due(const struct step *step);

#endif
