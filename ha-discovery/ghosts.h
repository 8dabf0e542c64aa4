/*
 * ghosts: topics of ours without a device, to be cleared on the broker. A list with one owner, the
 * announcer; does no I/O.
 */
#ifndef HALL_HA_DISCOVERY_GHOSTS_H
#define HALL_HA_DISCOVERY_GHOSTS_H

#include <stddef.h>
#include <stdint.h>

enum { GHOSTS_MAX = 65536 };

struct ghost {
    struct ghost *next;
    uint64_t flying; /* token of its clearing; 0: not on its way */
    char topic[];
};

struct ghosts {
    struct ghost *first;
    size_t n;
};

void ghosts_finish(struct ghosts *ghosts);
/* One more; nothing where it is known, or there are too many. */
void ghosts_add(struct ghosts *ghosts, const char *topic);
/* One that is not on its way, or NULL. */
struct ghost *ghosts_next(const struct ghosts *ghosts);
/* The broker took the clearing of this token, or refused it. */
void ghosts_land(struct ghosts *ghosts, uint64_t token);

#endif
