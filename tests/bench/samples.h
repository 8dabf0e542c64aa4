/*
 * samples: measured times and what is said of them. Grows as needed; for the bench programs alone.
 * Without memory the program ends, as half a measurement is none.
 */
#ifndef HALL_BENCH_SAMPLES_H
#define HALL_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    int64_t *ns;
    size_t n, room;
};

void samples_add(struct samples *samples, int64_t ns);
/* The nearest-rank percentile, in microseconds; negative where there are none. Sorts them. */
double samples_percentile(struct samples *samples, double percent);
void samples_finish(struct samples *samples);

#endif
