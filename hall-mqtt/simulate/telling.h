/*
 * telling: what a simulation says, one line for each happening, as text for people or as JSON, and
 * the summary at its end. All times come as wall time, ms, and are shown in the zone of the
 * configuration.
 */
#ifndef HALL_SIMULATE_TELLING_H
#define HALL_SIMULATE_TELLING_H

#include <stdio.h>

#include "base/buf.h"
#include "base/local.h"

struct telling {
    FILE *out;
    bool json;
    const struct local *local;
    int width;      /* of the column with the ids */
    int64_t now;    /* the time that all lines are told at */
    int64_t behind; /* Hall's clock shows so much more: times in its own sentences are corrected */
};

struct telling_account { /* of one server */
    const char *server;
    int64_t on; /* ms */
    unsigned visits, wakes, failed, refused;
    int64_t wait;                  /* the longest of a visitor, ms; -1: nobody waited */
    bool waiting;                  /* a visitor still waits at the end */
    double watts_on, watts_asleep; /* negative: unknown */
};

void telling_line(const struct telling *telling, const char *subject, const char *what,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

void telling_summary(const struct telling *telling, int64_t from, int64_t until,
                     const struct telling_account *accounts, size_t n);

#endif
