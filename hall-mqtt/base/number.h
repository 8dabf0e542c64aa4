/*
 * number: checked conversions. A number is read whole or not at all: no white space, no sign where
 * none is allowed, no rest behind it, no overflow. Pure.
 */
#ifndef HALL_BASE_NUMBER_H
#define HALL_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal integer in [min, max]. -EINVAL: no number; -ERANGE: outside. */
int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/*
 * A duration with its unit: "250ms", "90s", "20m", "2h", "7d", also joined as "1h30m", largest unit
 * first. Result in milliseconds, 0 to 10 years. -EINVAL: not of that form; -ERANGE: too long.
 */
int duration_parse(const char *text, int64_t *ret_ms);

/* The shortest exact form of the same notation, "1h30m"; "0s" for 0. Returns out. */
char *duration_format(int64_t ms, char *out, size_t size);

/* For people: "2.5 s", "31 s", "4 min 5 s", "7 h 12 min". Returns out. */
char *duration_show(int64_t ms, char *out, size_t size);

#endif
