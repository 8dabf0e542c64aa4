#include "base/when.h"

#include "base/clock.h"

enum { YEAR_LEAST = 2000, YEAR_MOST = 9999 };

static const char *read_date(const char *text, struct tm *parts)
{
    const char *end = strptime(text, "%Y-%m-%d", parts);
    const int year = parts->tm_year + 1900;

    if (!end || year < YEAR_LEAST || year > YEAR_MOST ||
        parts->tm_mday > clock_days_in_month(year, parts->tm_mon + 1))
        return NULL;
    return end;
}

static const char *read_time(const char *text, struct tm *parts)
{
    const char *end = strptime(text, "%H:%M", parts);

    return end && *end == ':' ? strptime(end, ":%S", parts) : end;
}

static bool read_time_of_day(const char *text, const struct local *local, int64_t now, bool forward,
                             int64_t *ret_at)
{
    struct tm parts = local_show(local, local_midnight(local, now, 0));
    const char *end = read_time(text, &parts);

    if (!end || *end != '\0')
        return false;
    const bool over = local_instant(local, &parts) <= now;
    if (over == forward)
        parts.tm_mday += forward ? 1 : -1;
    *ret_at = local_instant(local, &parts);
    return true;
}

bool when_read(const char *text, const struct local *local, int64_t now, bool forward,
               int64_t *ret_at)
{
    struct tm parts = {0};
    const char *end = read_date(text, &parts);

    if (rfc3339_parse(text, ret_at) == 0)
        return true;
    if (!end)
        return read_time_of_day(text, local, now, forward, ret_at);
    if (*end == ' ')
        end = read_time(end + 1, &parts);
    if (!end || *end != '\0')
        return false;
    *ret_at = local_instant(local, &parts);
    return true;
}
