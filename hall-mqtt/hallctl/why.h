/*
 * why: the answer to "why is it on?" (or not), in sentences, from what Hall keeps on the bus about
 * one server. Pure.
 */
#ifndef HALL_HALLCTL_WHY_H
#define HALL_HALLCTL_WHY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/local.h"
#include "hallctl/picture.h"

struct why_view {
    const struct local *local;
    int64_t now; /* wall, ms */
};

/* Whole lines. What is missing in the status or of another type is passed over. */
void why_write(const struct known *server, const struct why_view *view, struct buf *out);

/* The short answer, for a column of a table: "client1 was visited, backup holds it". */
void why_write_short(const struct known *server, struct buf *out);

/* A time of a JSON object, ms; 0: none. */
int64_t why_time(const struct json *object, const char *key);

#endif
