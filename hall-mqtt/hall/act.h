/*
 * act: carries out what the fleet orders: magic packets, the pace of the probes, what servers and
 * agents are asked for. What cannot be done is deferred, and becomes an event once the step is
 * over; what comes of the rest is told by in_bus.c, in_relay.c and in_remote.c. Loop thread only.
 */
#ifndef HALL_HALL_ACT_H
#define HALL_HALL_ACT_H

#include "bridges/remote/remote.h"
#include "hall/in_relay.h"

struct act {
    const struct current *current;
    struct turn *turn;
    struct mqtt *mqtt;
    struct out_bus *bus;
    struct relays *relays;
    struct remote *remote;
};

extern const struct outlet_ops act_outlet; /* context: a struct act */

/* One magic packet, by the server's own way. 0, but a relay may fail later; -errno and why. */
int act_send_packet(const struct act *act, int server, struct fact *ret_why);

#endif
