/*
 * dependents: those that need this server hold it while they are up or waking, and look again when
 * it is ready or will not come.
 */
#ifndef HALL_CORE_RULES_DEPENDENTS_H
#define HALL_CORE_RULES_DEPENDENTS_H

#include "core/state.h"

void dependents_keep(struct step *step); /* leases of those that need this server */
void dependents_tell(struct step *step); /* makes those due whom a change concerns */

#endif
