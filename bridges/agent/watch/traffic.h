/*
 * traffic: which of the connections that are open have moved bytes of late. It remembers what was
 * seen from look to look, because a connection counts only once two looks have seen it: a client
 * that asks quickly and hangs up, as a monitor does, is not use. Pure but for its memory.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_TRAFFIC_H
#define HALL_BRIDGES_AGENT_WATCH_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridges/agent/watch/sample.h"

enum {
    TRAFFIC_MAX = 16384,      /* connections that are followed */
    TRAFFIC_SETTLE_MS = 1000, /* between the two looks */
};

struct traffic_seen {
    uint64_t id; /* the same as long as the connection is open */
    struct in6_addr peer;
    uint16_t port;
    bool counted;     /* bytes are known */
    bool timed;       /* quiet_ms says when bytes moved; else only when a packet did */
    bool owed;        /* the client spoke last; false also where that is not known */
    int64_t bytes;    /* both directions, since it was opened; may be a little off */
    int64_t quiet_ms; /* see timed */
};

struct traffic_entry;

/* A zeroed one is empty. */
struct traffic {
    struct traffic_entry *before, *now; /* before: by id */
    size_t n_before, n_now, room;
    bool begun; /* there was a look */
};

void traffic_finish(struct traffic *traffic);

/* One look: what is open, in any order. now is the boot clock, ms. -ENOMEM, or -E2BIG beyond
 * TRAFFIC_MAX: it is not followed, so that not all is known.
 * traffic_end returns true where a connection was seen for the first time and counts, if it is
 * still there TRAFFIC_SETTLE_MS later. */
int traffic_take(struct traffic *traffic, const struct traffic_seen *seen, int64_t now);
bool traffic_end(struct traffic *traffic, int64_t now, int64_t window_ms);

/* The connections of the last look that two looks have seen and on which bytes moved within the
 * window: those that moved most in the last minute, and how many more; and of each port the one
 * that is silent for the shortest time. */
void traffic_judge(const struct traffic *traffic, int64_t now, int64_t window_ms,
                   struct sample_connections *ret_connections);

#endif
