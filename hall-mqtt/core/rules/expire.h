/*
 * expire: leases end when their time has come.
 */
#ifndef HALL_CORE_RULES_EXPIRE_H
#define HALL_CORE_RULES_EXPIRE_H

#include "core/state.h"

void expire_leases(struct step *step);
int64_t expire_due(const struct step *step);

#endif
