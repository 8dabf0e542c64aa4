/*
 * meter: a rate, from a counter that only grows and is read from time to time. What it tells has
 * been going on for a while and goes on still: the average of the whole time that is asked for, or
 * that of the last seconds where that is less. So neither a burst counts, nor what has ended.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_METER_H
#define HALL_BRIDGES_AGENT_WATCH_METER_H

#include "bridges/agent/watch/sample.h"

enum {
    METER_SETTLE_MS = 1000, /* the first rate is known so long after the first reading */
    METER_LEAST_MS = 500,   /* between two readings that make one */
    METER_LAST_MS = 4000,   /* the last seconds */
    METER_MARKS = 32,
};

/* A zeroed one has no reading. */
struct meter {
    size_t n;
    struct meter_mark {
        int64_t at; /* boot clock, ms */
        uint64_t counter;
    } marks[METER_MARKS]; /* the newest last */
};

/* counter: NULL where the file cannot be read; now: the boot clock, or
 * the counter's own time. over_ms: at least so long,
 * where it has been read for as long. */
void meter_take_at(struct meter *meter, const uint64_t *counter, const char *file, int64_t over_ms,
                   int64_t now, struct sample_number *ret_rate);
/* The same, now. */
void meter_take(struct meter *meter, const uint64_t *counter, const char *file, int64_t over_ms,
                struct sample_number *ret_rate);

#endif
