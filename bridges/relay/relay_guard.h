/*
 * relay_guard: which requests a relay obeys. Each id once as long as its request is not expired,
 * none that is retained or expired, and so many packets a second at most. Pure; memory belongs to
 * the caller, a zeroed guard with its rate set is ready.
 */
#ifndef HALL_BRIDGES_RELAY_RELAY_GUARD_H
#define HALL_BRIDGES_RELAY_RELAY_GUARD_H

#include "base/clock.h"
#include "words/relay_words.h"

enum { RELAY_SEEN_MAX = 4096, RELAY_RATE_MAX = 100 };

struct relay_guard {
    int rate;          /* packets a second, 1 to RELAY_RATE_MAX; as many at once */
    int64_t tokens_ms; /* thousandths of a packet, at filled */
    int64_t filled;    /* boot clock; 0: never */
    struct {
        uint64_t id; /* a hash: two ids that share one are refused once too often, no more */
        int64_t expires;
    } seen[RELAY_SEEN_MAX];
};

/* 0, or -ESTALE (retained, expired), -EALREADY, -EBUSY (too many), with a sentence. */
int relay_guard_check(struct relay_guard *guard, struct now now,
                      const struct relay_request *request, bool retained,
                      char ret_reason[REASON_SIZE]);

#endif
