/*
 * visit: a visitor wants a site, or uses one that is ready.
 */
#ifndef HALL_CORE_RULES_VISIT_H
#define HALL_CORE_RULES_VISIT_H

#include "core/state.h"

void visit_take(struct step *step);

#endif
