/*
 * why: the answer to "why is it on?" (or not), in sentences, from what Hall keeps on the bus about
 * one server. Pure.
 */
#ifndef HALL_HALLCTL_WHY_H
#define HALL_HALLCTL_WHY_H

#include <stdint.h>

#include "base/buf.h"
#include "hallctl/picture.h"
#include "say/say.h"

/* Whole lines; how has a zone. What is missing in the status or of another type is passed over. */
void why_write(const struct known *server, struct say_how how, struct buf *out);

/* The short answer, for a column of a table: "client1 was visited, backup holds it". */
void why_write_short(const struct known *server, struct say_how how, struct buf *out);

/* A time of a JSON object, ms; 0: none. */
int64_t why_time(const struct json *object, const char *key);

#endif
