/*
 * adopt: a reload. A fleet of the new configuration takes over what the old one knew: servers,
 * sites and projects of both, by their ids. Pure.
 */
#ifndef HALL_CORE_ADOPT_H
#define HALL_CORE_ADOPT_H

#include "core/fleet.h"

/* Before fleet_start of the new one. Servers of both configurations keep everything. -ENOMEM: then
 * the new one is of no use. */
int fleet_adopt(struct fleet *fleet, const struct fleet *old, struct now now);

#endif
