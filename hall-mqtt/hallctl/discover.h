/* discover: hallctl discover: the machines on the LAN, from the kernel's neighbour table. */
#ifndef HALL_HALLCTL_DISCOVER_H
#define HALL_HALLCTL_DISCOVER_H

#include "hallctl/hallctl.h"

int discover_run(const struct call *call);

#endif
