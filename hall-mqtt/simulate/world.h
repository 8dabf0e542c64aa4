/*
 * world: a simulation: the fleet of the daemon itself, machines in place of the servers, a script
 * in place of visitors and operators, and a clock that jumps from one happening to the next. Given
 * the same configuration and script it says the same to the last byte.
 */
#ifndef HALL_SIMULATE_WORLD_H
#define HALL_SIMULATE_WORLD_H

#include "simulate/script.h"
#include "simulate/telling.h"

struct world_plan { /* borrowed */
    const struct model *model;
    const struct local *local;
    struct script *script; /* begun; what happened is taken from it */
    int64_t from, until;   /* wall, ms */
    FILE *out;
    bool json;
};

/* Runs it to its end. -ENOMEM. */
int world_run(const struct world_plan *plan);

#endif
