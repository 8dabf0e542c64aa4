/*
 * link: one network interface of this machine, as the kernel lists it (RTM_NEWLINK, rtnetlink(7)):
 * what it is, and what it stands on. Every length is checked. Pure.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_LINK_H
#define HALL_BRIDGES_AGENT_WATCH_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts/macs.h"

enum link_class {
    LINK_CARD,  /* what the kernel names no kind of */
    LINK_STACK, /* stands on others: a bridge, a bond, a VLAN */
    LINK_GUEST, /* of containers, guests and tunnels; lo */
};

enum { LINK_KIND_SIZE = 16 };

struct link {
    int index;
    int master; /* the bridge or bond that it is a port of; 0: none */
    int below;  /* what a VLAN stands on; 0: none */
    enum link_class class;
    char kind[LINK_KIND_SIZE]; /* "bridge" ...; "": none, or too long for one that matters here */
    char name[IF_NAMESIZE];
    bool has_mac, has_own;
    uint8_t mac[MAC_SIZE], own[MAC_SIZE]; /* as it is now; as it was made */
};

/* False: it is no such message, or has no name. */
bool link_read(uint16_t type, const void *body, size_t size, struct link *ret_link);

#endif
