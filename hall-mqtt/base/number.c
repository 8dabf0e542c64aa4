#include "base/number.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

#define DURATION_MAX (INT64_C(3653) * 24 * 60 * 60 * 1000) /* ten years, leap days included */

struct unit {
    const char *name;
    int64_t ms;
};

/* Largest first. */
static const struct unit units[] = {
    {"d", INT64_C(24) * 60 * 60 * 1000},
    {"h", INT64_C(60) * 60 * 1000},
    {"m", INT64_C(60) * 1000},
    {"s", 1000},
    {"ms", 1},
};
enum { N_UNITS = ARRAY_SIZE(units) };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits; the value stops growing at INT64_MAX, which is outside of every range asked for. */
static const char *read_digits(const char *at, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (; is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        value = value > (INT64_MAX - digit) / 10 ? (uint64_t)INT64_MAX + 1 : value * 10 + digit;
        if (value > INT64_MAX)
            value = (uint64_t)INT64_MAX + 1;
    }
    *ret_value = value;
    return at;
}

int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    bool negative = min < 0 && *text == '-';
    const char *digits = negative ? text + 1 : text;
    if (!is_digit(*digits))
        return -EINVAL;

    uint64_t magnitude;
    if (*read_digits(digits, &magnitude) != '\0')
        return -EINVAL;
    if (magnitude > INT64_MAX)
        return -ERANGE;
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (value < min || value > max)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

/* The unit whose name is the whole run of letters at `at`. */
static const struct unit *read_unit(const char *at, const char **ret_end)
{
    size_t length = strcspn(at, "0123456789");
    for (size_t i = 0; i < N_UNITS; i++) {
        if (strlen(units[i].name) == length && memcmp(units[i].name, at, length) == 0) {
            *ret_end = at + length;
            return &units[i];
        }
    }
    return NULL;
}

int duration_parse(const char *text, int64_t *ret_ms)
{
    int64_t total = 0;
    const struct unit *smallest = NULL;
    bool too_long = false;

    if (*text == '\0')
        return -EINVAL;
    while (*text != '\0') {
        uint64_t count;
        if (!is_digit(*text))
            return -EINVAL;
        const struct unit *unit = read_unit(read_digits(text, &count), &text);
        if (!unit || (smallest && unit <= smallest))
            return -EINVAL;
        smallest = unit;
        if (count > (uint64_t)((DURATION_MAX - total) / unit->ms))
            too_long = true;
        else
            total += (int64_t)count * unit->ms;
    }
    if (too_long)
        return -ERANGE;
    *ret_ms = total;
    return 0;
}

char *duration_format(int64_t ms, char *out, size_t size)
{
    size_t used = 0;

    if (size == 0)
        return out;
    if (ms <= 0) {
        snprintf(out, size, "0s");
        return out;
    }
    out[0] = '\0';
    for (size_t i = 0; i < N_UNITS && used < size; i++) {
        int64_t count = ms / units[i].ms;
        ms %= units[i].ms;
        if (count > 0)
            used += (size_t)snprintf(out + used, size - used, "%lld%s", (long long)count,
                                     units[i].name);
    }
    return out;
}

char *duration_show(int64_t ms, char *out, size_t size)
{
    const long long s = (ms + 500) / 1000;

    if (ms < 10000)
        snprintf(out, size, "%.1f s", (double)ms / 1000);
    else if (s < 120)
        snprintf(out, size, "%lld s", s);
    else if (s < 7200)
        snprintf(out, size, "%lld min %lld s", s / 60, s % 60);
    else
        snprintf(out, size, "%lld h %lld min", s / 3600, s / 60 % 60);
    return out;
}
