/*
 * transition: the one place that sets the state of a server, and what entering a state brings
 * with it.
 */
#ifndef HALL_CORE_TRANSITION_H
#define HALL_CORE_TRANSITION_H

#include "core/state.h"

/* reason: why, NULL: what the event says of itself. */
void step_transition(struct step *step, enum power_event event, const struct fact *reason);

#endif
