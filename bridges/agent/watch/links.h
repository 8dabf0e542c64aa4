/*
 * links: the network interfaces of this machine and how they stand on each other (rtnetlink(7)):
 * which cards carry a bridge, a bond or a VLAN, and which MACs are this machine's. What stands
 * there for guests and containers is left out. Loop thread only.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_LINKS_H
#define HALL_BRIDGES_AGENT_WATCH_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts/macs.h"

enum { CARDS_MAX = 8 };

struct links;

int links_create(struct links **ret_links);
void links_destroy(struct links *links);

/* Lists them again; what was seen before is forgotten. */
void links_look(struct links *links);
/* One message of the kernel's list; context: the links. False: there are as many as are looked at.
 */
bool links_take(void *context, uint16_t type, const void *body, size_t size);

/* The cards below this interface, itself where it is one. How many, of which the first are stored;
 * 0: there is no such interface. */
size_t links_cards(const struct links *links, const char *interface,
                   char ret_cards[CARDS_MAX][IF_NAMESIZE]);

/* The MACs of this interface and of all below it, then those of the other cards. */
size_t links_macs(const struct links *links, const char *interface,
                  uint8_t ret_macs[MACS_MAX][MAC_SIZE]);

#endif
