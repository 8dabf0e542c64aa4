/*
 * in_bus: the connection to the broker, and what comes by it: commands and what agents report
 * become one event of the fleet each; the rest goes to the hub, the relays, Home Assistant. Loop
 * thread only.
 */
#ifndef HALL_HALL_IN_BUS_H
#define HALL_HALL_IN_BUS_H

#include "hall/in_hub.h"
#include "hall/in_relay.h"

struct in_bus {
    const struct current *current;
    struct turn *turn;
    struct outlets *outlets;
    struct answers *answers;
    struct hub *hub;
    struct relays *relays;
    struct out_discovery *discovery;
    struct mqtt *mqtt; /* the connection */
};

/* Makes in->mqtt, which the caller destroys; the rest of in is set before the loop runs, and
 * outlives it. -ENOMEM, -errno. */
int in_bus_connect(struct in_bus *in, sd_event *loop, const struct secrets *secrets);

extern const struct outlet_ops in_bus_outlet; /* context: a struct in_bus */

#endif
