/*
 * guests: the networks that are inside this machine: those of bridges to which nothing but
 * containers and virtual machines is connected. A client from there is part of this machine,
 * not a visitor. If there is no default route to show what leads outside, there are none. Never
 * waits.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_GUESTS_H
#define HALL_BRIDGES_AGENT_WATCH_GUESTS_H

#include <netinet/in.h>
#include <stdbool.h>

struct guests;

int guests_create(struct guests **ret_guests); /* -ENOMEM, -errno of netlink */
void guests_destroy(struct guests *guests);

/* Lists the networks again. One that cannot be read does not count as a network of guests. */
void guests_look(struct guests *guests);
/* Does this address belong to one? IPv4 is written as IPv4 in IPv6. */
bool guests_have(const struct guests *guests, const struct in6_addr *address);

#endif
