/*
 * elsewhere: does a server that is not seen at its address answer at another one? A DHCP server may
 * have given it that. By the kernel's neighbour table, listed now and then; the entries are those
 * of machines that this one has spoken with. Loop thread; nothing blocks.
 */
#ifndef HALL_PROBE_ELSEWHERE_H
#define HALL_PROBE_ELSEWHERE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"
#include "probe/neighbour.h"

enum { ELSEWHERE_EVERY_MS = 10000, ELSEWHERE_MAX = 1024 };

struct elsewhere {
    int64_t listed; /* boot clock, ms; 0: never */
    size_t n;
    struct neighbour list[ELSEWHERE_MAX];
};

/* Is this MAC one of the server's that is not configured? */
typedef bool elsewhere_owns(void *context, int server, const uint8_t mac[6]);

/* Where on the same link the server answered within the last moments; false: nowhere else, as far
 * as is known. ask: who was known at another address is spoken to, so that the next look tells
 * whether it still is there; not where that could wake it. */
bool elsewhere_find(struct elsewhere *elsewhere, struct neighbours *neighbours,
                    const struct model_server *server, int index, elsewhere_owns *owns,
                    void *context, bool ask, int64_t now, struct in_addr *ret_address);

#endif
