/*
 * backoff: how long to wait before the next attempt to connect. About once a second during the
 * first two minutes of an outage, so that a broker that returns is found within 2 s; then ever more
 * rarely, up to a minute. Jittered, so that clients do not come back in step. Pure.
 */
#ifndef HALL_BUS_BACKOFF_H
#define HALL_BUS_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_LEAST_MS = 1000, BACKOFF_MOST_MS = 60000, BACKOFF_SHORT_MS = 120000 };

struct backoff {
    int64_t since; /* boot clock, ms: when the outage began; 0: there is none */
    int64_t delay; /* the last one without jitter, ms */
};

/* Milliseconds to wait from now, BACKOFF_LEAST_MS to BACKOFF_MOST_MS. random: any 32 bits. */
int64_t backoff_next(struct backoff *backoff, int64_t now, uint32_t random);
/* The connection has stood for a while: the outage is over. */
void backoff_reset(struct backoff *backoff);

#endif
