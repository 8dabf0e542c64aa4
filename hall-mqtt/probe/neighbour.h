/*
 * neighbour: who answers on an address, by the kernel's neighbour table (rtnetlink(7)). Needs no
 * rights. The kernel answers these requests while they are sent, so a look waits for nothing. Loop
 * thread.
 */
#ifndef HALL_PROBE_NEIGHBOUR_H
#define HALL_PROBE_NEIGHBOUR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts/evidence.h"

struct neighbours;

int neighbours_create(struct neighbours **ret_neighbours);
void neighbours_destroy(struct neighbours *neighbours);

/* Is the address on this link held by this MAC? ret_mac is the one found, zero with MAC_UNKNOWN:
 * the kernel has no valid entry, or the address is behind a router, or cannot be looked up
 * (neighbours is NULL). */
enum mac_verdict neighbours_look(struct neighbours *neighbours, struct in_addr address,
                                 const uint8_t mac[6], uint8_t ret_mac[6]);

/* The interface on whose link the address is; 0 behind a router, for our own address, or without a
 * route. */
int neighbours_link(struct neighbours *neighbours, struct in_addr address);

/* One entry of the table, as neighbours_list finds it. */
struct neighbour {
    struct in_addr address;
    uint8_t mac[6];
    int interface; /* its index */
    bool fresh;    /* the machine answered within the last moments; else it is what was known */
};

/* Every IPv4 neighbour with a MAC, in the kernel's order. Returns how many were found, of which at
 * most `size` are stored; -errno. */
int neighbours_list(struct neighbours *neighbours, struct neighbour *out, size_t size);

/* One message of the kernel (RTM_NEWNEIGH). False: it is none of an IPv4 neighbour with a MAC, or
 * cut. Pure. */
bool neighbour_read(uint16_t type, const void *body, size_t size, struct neighbour *ret);

#endif
