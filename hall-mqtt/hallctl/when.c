#include "hallctl/when.h"

#include "base/clock.h"

enum { YEAR_LEAST = 2000, YEAR_MOST = 2100 };

/* Exactly so many digits within [least, most]. */
static bool take_digits(const char **at, int digits, int least, int most, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        const char c = (*at)[i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (value < least || value > most)
        return false;
    *at += digits;
    *ret = value;
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

bool when_read_date(const char *text, struct when *when)
{
    const char *at = text;
    int year, month, of_month;

    if (!take_digits(&at, 4, YEAR_LEAST, YEAR_MOST, &year) || !take_char(&at, '-') ||
        !take_digits(&at, 2, 1, 12, &month) || !take_char(&at, '-') ||
        !take_digits(&at, 2, 1, clock_days_in_month(year, month), &of_month) || *at != '\0')
        return false;
    when->parts.tm_year = year - 1900;
    when->parts.tm_mon = month - 1;
    when->parts.tm_mday = of_month;
    return true;
}

/* "+01:00" behind a time tells which of two it is, in the hour that is shown twice. */
static bool take_offset(const char **at, bool *ret_given, int *ret_seconds)
{
    const bool west = **at == '-';
    int hours, minutes;

    *ret_given = west || **at == '+';
    if (!*ret_given)
        return true;
    (*at)++;
    if (!take_digits(at, 2, 0, 14, &hours) || !take_char(at, ':') ||
        !take_digits(at, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

bool when_read_time(const char *text, struct when *when)
{
    struct tm *parts = &when->parts;
    const char *at = text;

    parts->tm_sec = 0;
    return take_digits(&at, 2, 0, 23, &parts->tm_hour) && take_char(&at, ':') &&
           take_digits(&at, 2, 0, 59, &parts->tm_min) &&
           (!take_char(&at, ':') || take_digits(&at, 2, 0, 59, &parts->tm_sec)) &&
           take_offset(&at, &when->offset_given, &when->offset) && *at == '\0';
}

int64_t when_instant(const struct when *when, const struct local *local, bool *ret_skipped)
{
    struct tm parts = when->parts;

    if (!when->offset_given)
        return local_instant(local, &parts, ret_skipped);
    *ret_skipped = false;
    return ((int64_t)timegm(&parts) - when->offset) * 1000;
}
