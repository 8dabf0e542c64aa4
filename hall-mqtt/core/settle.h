/*
 * settle: what every event and every tick ends with: the rules run in one fixed order, again and
 * again until none of them changes a fact; then what changed is told, and the next time is noted
 * at which there is something to do. No rule knows another one: what one leaves in the facts, the
 * next one finds there.
 */
#ifndef HALL_CORE_SETTLE_H
#define HALL_CORE_SETTLE_H

#include "core/state.h"

enum { SETTLE_ROUNDS_MOST = 8 }; /* a bound for our own faults: a few rounds are enough */

void settle(struct step *step);

#endif
