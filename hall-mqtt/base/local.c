#include "base/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)

static int32_t offset_at(const struct local *local, int64_t utc_s)
{
    return local->zones->offset(local->zones->context, local->zone, utc_s);
}

static int64_t to_seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
}

struct tm local_show(const struct local *local, int64_t at)
{
    const int64_t utc_s = to_seconds(at);
    const int32_t offset = offset_at(local, utc_s);
    const time_t shown = (time_t)(utc_s + offset);
    struct tm parts = {0};

    gmtime_r(&shown, &parts);
    parts.tm_gmtoff = offset;
    return parts;
}

/* A zone changes at most once within two days, so the offsets a day before and after are the only
 * ones in question. */
int64_t local_instant(const struct local *local, const struct tm *shown)
{
    struct tm parts = {.tm_year = shown->tm_year,
                       .tm_mon = shown->tm_mon,
                       .tm_mday = shown->tm_mday,
                       .tm_hour = shown->tm_hour,
                       .tm_min = shown->tm_min,
                       .tm_sec = shown->tm_sec};
    const int64_t wall_s = timegm(&parts);
    const int32_t before = offset_at(local, wall_s - DAY_S);
    const int32_t after = offset_at(local, wall_s + DAY_S);

    const bool is_after =
        offset_at(local, wall_s - before) != before && offset_at(local, wall_s - after) == after;
    return (wall_s - (is_after ? after : before)) * 1000;
}

int64_t local_midnight(const struct local *local, int64_t at, int days)
{
    struct tm parts = local_show(local, at);

    parts.tm_mday += days;
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    return local_instant(local, &parts);
}

static bool is_shift_day(const struct local *local, int64_t at)
{
    return offset_at(local, to_seconds(local_midnight(local, at, 0))) !=
           offset_at(local, to_seconds(local_midnight(local, at, 1)) - 1);
}

static const char *day_name(const struct local *local, int day)
{
    static const char *const english[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

    return (local->days ? local->days : english)[day];
}

char *local_stamp(const struct local *local, int64_t at, char out[LOCAL_SIZE])
{
    const struct tm parts = local_show(local, at);

    snprintf(out, LOCAL_SIZE, "%s %04d-%02d-%02d %02d:%02d:%02d", day_name(local, parts.tm_wday),
             parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
             parts.tm_sec);
    const long minutes = labs(parts.tm_gmtoff) / 60;
    const size_t used = strlen(out);
    if (is_shift_day(local, at))
        snprintf(out + used, LOCAL_SIZE - used, "%c%02ld:%02ld", parts.tm_gmtoff < 0 ? '-' : '+',
                 minutes / 60, minutes % 60);
    return out;
}

char *local_short(const struct local *local, int64_t at, int64_t now, char out[LOCAL_SIZE])
{
    const struct tm parts = local_show(local, at);
    const size_t date = strlen(day_name(local, parts.tm_wday)) + sizeof(" 2026-03-28 ") - 1;
    char stamp[LOCAL_SIZE];

    local_stamp(local, at, stamp);
    if (parts.tm_sec == 0) /* cuts ":00" out, an offset may follow */
        memmove(stamp + date + 5, stamp + date + 8, strlen(stamp + date + 8) + 1);
    const bool same_day = local_midnight(local, at, 0) == local_midnight(local, now, 0);
    snprintf(out, LOCAL_SIZE, "%s", same_day ? stamp + date : stamp);
    return out;
}
