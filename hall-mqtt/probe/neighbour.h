/*
 * neighbour: who answers on an address, by the kernel's neighbour table (rtnetlink(7)). Needs no
 * rights. The kernel answers these requests while they are sent, so a look waits for nothing. Loop
 * thread.
 */
#ifndef HALL_PROBE_NEIGHBOUR_H
#define HALL_PROBE_NEIGHBOUR_H

#include <netinet/in.h>
#include <stdint.h>

#include "core/evidence.h"

struct neighbours;

int neighbours_create(struct neighbours **ret_neighbours);
void neighbours_destroy(struct neighbours *neighbours);

/* Is the address on this link held by this MAC? ret_mac is the one found, zero with MAC_UNKNOWN:
 * the kernel has no valid entry, or the address is behind a router, or cannot be looked up
 * (neighbours is NULL). */
enum mac_verdict neighbours_look(struct neighbours *neighbours, struct in_addr address,
                                 const uint8_t mac[6], uint8_t ret_mac[6]);

#endif
