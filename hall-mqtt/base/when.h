/*
 * when: instants as people write them: "2026-03-28", "2026-03-28 09:00", "2026-03-28 09:00:30", a
 * time of day alone, or RFC 3339, which also tells apart the two of an hour shown twice. Pure.
 */
#ifndef HALL_BASE_WHEN_H
#define HALL_BASE_WHEN_H

#include "base/local.h"

#define WHEN_ALLOWED "a time such as 2026-03-28 09:00 or 2026-03-28T09:00:00+01:00"

/* Wall time, ms, of the years 2000 to 2100. A time of day is the next one after now, or without
 * forward the last one. False: text is none of these. */
bool when_read(const char *text, const struct local *local, int64_t now, bool forward,
               int64_t *ret_at);

#endif
