/*
 * guests: the networks that are inside this machine: those of bridges to which nothing but
 * containers and virtual machines is connected. Who comes from there is a part of this machine, no
 * visitor. Where no default route shows what leads outside, none is taken for one. Never waits.
 */
#ifndef HALL_AGENT_GUESTS_H
#define HALL_AGENT_GUESTS_H

#include <netinet/in.h>
#include <stdbool.h>

struct guests;

int guests_create(struct guests **ret_guests); /* -ENOMEM, -errno of netlink */
void guests_destroy(struct guests *guests);

/* Finds the networks anew. What cannot be read is no network of guests. */
void guests_look(struct guests *guests);
/* Does this address belong to one? IPv4 is written as IPv4 in IPv6. */
bool guests_have(const struct guests *guests, const struct in6_addr *address);

#endif
