/*
 * sites: which sites of a server visitors are let through to.
 */
#ifndef HALL_CORE_RULES_SITES_H
#define HALL_CORE_RULES_SITES_H

#include "core/state.h"

void sites_update(struct step *step);

#endif
