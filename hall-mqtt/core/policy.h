/*
 * policy: the standing leases: always on, windows of a schedule; hours of access.
 */
#ifndef HALL_CORE_POLICY_H
#define HALL_CORE_POLICY_H

#include "core/state.h"

void policy_keep(struct step *step); /* takes and ends the leases that policies want */
void policy_wake(struct step *step); /* wakes for them what is found down */
bool policy_is_standing(enum lease_kind kind);
int64_t policy_due(const struct step *step);

#endif
