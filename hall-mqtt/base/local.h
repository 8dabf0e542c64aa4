/*
 * local: instants as the clock on the wall of one zone shows them, and back. Pure but for the zone
 * port. Milliseconds since 1970 unless said otherwise.
 */
#ifndef HALL_BASE_LOCAL_H
#define HALL_BASE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/zone.h"

enum { LOCAL_SIZE = 48 };

struct local { /* borrowed for as long as it is used */
    const struct zone_port *zones;
    const char *zone;
    const char *const *days; /* how they are shown, Sunday first; NULL: "Sun" to "Sat" */
};

/* What the wall clock shows then; tm_gmtoff is set. */
struct tm local_show(const struct local *local, int64_t at);

/*
 * When it shows this (year to second are read, and may be beyond their ranges: day 32 is the first
 * of the next month). Shown twice: the first time. Never shown, since the clock jumps over it: as
 * if the clock had not jumped.
 */
int64_t local_instant(const struct local *local, const struct tm *shown);

/* The midnight that begins the day of `at`, and so many days further. */
int64_t local_midnight(const struct local *local, int64_t at, int days);

/* "Sat 2026-03-28 09:00:00", with the offset behind on days on which it changes. Returns out. */
char *local_stamp(const struct local *local, int64_t at, char out[LOCAL_SIZE]);

/* As short as can be for who reads it at `now`: "10:30", "10:30:05", "Mon 2026-03-30 08:00". */
char *local_short(const struct local *local, int64_t at, int64_t now, char out[LOCAL_SIZE]);

#endif
