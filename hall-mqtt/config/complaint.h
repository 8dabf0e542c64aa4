/*
 * complaint: the errors of one configuration file, one line each, all of them:
 *   FILE: /json/pointer: found X; allowed: Y
 * Values are shown cut and without control characters; the user and password in a URL are never
 * shown.
 */
#ifndef HALL_CONFIG_COMPLAINT_H
#define HALL_CONFIG_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

enum { REPORT_LINES_MAX = 100, SHOWN_SIZE = 96 };

struct report {
    const char *file;
    struct buf *errors;
    size_t n;
};

/* Where in the document: a chain of keys and indexes that lives on the stack of the reader. */
struct pointer {
    const struct pointer *parent;
    const char *key; /* NULL: an item of an array */
    size_t index;
};

void report_error(struct report *report, const struct pointer *at, const char *found,
                  const char *allowed);

/* The same with the keys on the way given one by one, KEYS("servers", id, "mac"). */
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})
void report_error_at(struct report *report, const char *const *keys, const char *found,
                     const char *allowed);

/* More errors are only counted: work for their sake can be spared. */
bool report_is_full(const struct report *report);

/* Tells how many lines were left out. 0 or -EINVAL. */
int report_end(struct report *report);

/* A JSON value as an error shows it. Returns out. */
char *report_show(const struct json *value, char out[SHOWN_SIZE]);

/* How far apart two words are (edits), to guess what was meant; words too long to compare are far
 * apart. */
unsigned report_distance(const char *a, const char *b);

#endif
