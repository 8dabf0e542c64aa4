/*
 * when: dates and times as people write them: "2026-03-28", "09:00", "09:00:30", and with an offset
 * "02:30+01:00", which tells the two apart in the hour that is shown twice. Pure.
 */
#ifndef HALL_HALLCTL_WHEN_H
#define HALL_HALLCTL_WHEN_H

#include "hallctl/local.h"

#define WHEN_DATE_ALLOWED "a date such as 2026-03-28"
#define WHEN_TIME_ALLOWED "a time such as 09:00, 09:00:30 or 02:30+01:00"

struct when {
    struct tm parts;
    bool offset_given;
    int offset; /* seconds east of UTC */
};

/* False: text is no date, or no time, and nothing else. */
bool when_read_date(const char *text, struct when *when); /* 2000 to 2100 */
bool when_read_time(const char *text, struct when *when);

/* Wall time, ms; as local_instant. */
int64_t when_instant(const struct when *when, const struct local *local, bool *ret_skipped);

#endif
