/*
 * json_scan: the guard in front of cJSON. One linear pass tells whether bytes are RFC 8259 JSON
 * within the limits, stricter than cJSON is (leading zeros, control characters, lone surrogates,
 * broken UTF-8, \u0000), so that cJSON only ever sees text that is sound. For json.c alone. Pure;
 * nesting is bounded before it recurses.
 */
#ifndef HALL_BASE_JSON_SCAN_H
#define HALL_BASE_JSON_SCAN_H

#include "base/json.h"

enum { JSON_DEPTH_MAX = 16, JSON_NUMBER_MAX = 60 };

/* 0; -EMSGSIZE too large, too deep, too many values; -EBADMSG not JSON. */
int json_scan(const char *bytes, size_t length, const struct json_limits *limits,
              struct json_error *ret_error);

#endif
