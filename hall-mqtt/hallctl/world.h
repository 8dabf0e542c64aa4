/*
 * world: a simulation: the fleet of the daemon itself, machines in place of the servers, a script
 * in place of visitors and operators, and a clock that jumps from one happening to the next. Given
 * the same configuration and script it says the same to the last byte.
 */
#ifndef HALL_HALLCTL_WORLD_H
#define HALL_HALLCTL_WORLD_H

#include "hallctl/script.h"
#include "hallctl/telling.h"

struct world_plan { /* borrowed */
    const struct model *model;
    const struct local *local;
    const struct script *script; /* expanded */
    int64_t from, until;         /* wall, ms */
    FILE *out;
    bool json;
};

/* Runs it to its end. -ENOMEM. */
int world_run(const struct world_plan *plan);

#endif
