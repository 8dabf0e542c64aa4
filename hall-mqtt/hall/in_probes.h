/* in_probes: what the probes found, as events of the fleet. */
#ifndef HALL_HALL_IN_PROBES_H
#define HALL_HALL_IN_PROBES_H

#include "hall/turn.h"

extern const struct prober_listener in_probes_listener; /* context: a struct turn */

#endif
