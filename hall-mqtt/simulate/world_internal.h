/*
 * world_internal: the state of a simulation, shared by its three files: world.c (time, and what the
 * fleet does to the machines), world_play.c (what the script says happens), world_visit.c (who asks
 * for a site, waits and is let in).
 */
#ifndef HALL_SIMULATE_WORLD_INTERNAL_H
#define HALL_SIMULATE_WORLD_INTERNAL_H

#include "core/facts/due.h"
#include "simulate/machine.h"
#include "simulate/observer.h"
#include "simulate/world.h"

/* Who stands behind one line of the script. */
struct visitor {
    int64_t since; /* boot clock: waits since then; 0: does not wait */
    bool seen;     /* was told of once */
    bool refused;  /* the last time */
};

struct world {
    const struct world_plan *plan;
    const struct model *model;
    struct fleet *fleet;
    struct now now;
    struct machine *machines; /* [n_servers] */
    struct due due;           /* of the machines */
    struct visitor *visitors; /* [events of the script] */
    struct observer observer;
    bool refused; /* the visitor at hand was */
    size_t n_waiting;
    size_t n_answering;
    size_t n_sending;
    int *sending;   /* servers that a packet was sent to in this step, [n_servers] */
    uint32_t *sent; /* [n_servers] its number; 0: none */
    int *answering; /* sites that answer since this step, [n_sites] */
    bool *is_answering;
};

/* world.c */
void world_handle(struct world *world, const struct fleet_event *event);
void world_plan_machine(struct world *world, int server); /* after anything it was told */
int world_begin_hall(struct world *world, struct fleet **ret_fleet); /* -ENOMEM */
void world_start_hall(struct world *world, struct fleet *fleet);
struct machine_listener world_listener(struct world *world);

/* world_play.c: the script's next occurrence */
void world_play_next(struct world *world);

/* world_visit.c */
void world_visit(struct world *world, const struct script_event *event);
void world_let_in(struct world *world, int site); /* those who waited for it, if it answers */
void world_see_off(struct world *world); /* those who waited until nobody remembered the wish */
void world_end_visits(struct world *world);

#endif
