/*
 * backoff: how long to wait before the next attempt to connect. About once a second during the
 * first two minutes of an outage, so that a broker that returns is found within 2 s; then ever more
 * rarely, up to a minute. Connections that others end again and again soon after they began are
 * made ever more rarely too: two clients with one client id would push each other off for ever.
 * Jittered, so that clients do not come back in step. Pure.
 */
#ifndef HALL_MQTT_BACKOFF_H
#define HALL_MQTT_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BACKOFF_LEAST_MS = 1000,
    BACKOFF_MOST_MS = 60000,
    BACKOFF_SHORT_MS = 120000,   /* an outage */
    BACKOFF_YOUNG_MS = 10000,    /* a connection until then */
    BACKOFF_SETTLED_MS = 180000, /* and from then on; more than two of the longest delays */
};

struct backoff {
    int64_t since;  /* boot clock, ms: when the outage began; 0: there is none */
    int64_t delay;  /* the last one without jitter, ms */
    unsigned young; /* connections that others ended soon after they began, in a row */
};

/* Milliseconds to wait from now, BACKOFF_LEAST_MS to BACKOFF_MOST_MS. random: any 32 bits. */
int64_t backoff_next(struct backoff *backoff, int64_t now, uint32_t random);
/* A connection has ended that stood so long. by_other: not from here; pushed: another client took
 * it over. */
void backoff_ended(struct backoff *backoff, int64_t stood_ms, bool by_other, bool pushed);
/* The next attempt is the first of all. */
void backoff_reset(struct backoff *backoff);

#endif
