/*
 * heads: who asked with HEAD a moment ago. Many monitors, and the tiles of start pages, try HEAD
 * and then GET: both are one look. Any worker, without a lock; what is overwritten is forgotten.
 */
#ifndef HALL_WEB_ROUTES_HEADS_H
#define HALL_WEB_ROUTES_HEADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/gate/request.h"

enum { HEADS_SETS = 256, HEADS_WAYS = 4, HEADS_MS = 10000 };

struct heads {
    atomic_bool any;
    /* 40 bits of the client's number, 24 of the time, in units of 16 ms; 0: free */
    _Atomic uint64_t seen[HEADS_SETS][HEADS_WAYS];
};

/* Notes a HEAD; of any other request: did its client (address and agent) ask this host with HEAD
 * within the last HEADS_MS? now: boot clock, ms. */
bool heads_follow(struct heads *heads, const struct request *request, int64_t now);

#endif
