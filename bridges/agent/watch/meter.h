/*
 * meter: a rate, from a counter that only grows and is read from time to time. Two readings that
 * are a few seconds apart make one.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_METER_H
#define HALL_BRIDGES_AGENT_WATCH_METER_H

#include "bridges/agent/watch/sample.h"

/* A zeroed one has no reading. */
struct meter {
    bool begun, known;
    int64_t at; /* boot clock, ms */
    uint64_t counter;
    double rate; /* a second */
};

/* counter: NULL where the file cannot be read. */
void meter_take(struct meter *meter, const uint64_t *counter, const char *file,
                struct sample_number *ret_rate);

#endif
