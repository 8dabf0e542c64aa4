/*
 * start: the configuration Hall starts with: the file, or the last good one where the file is
 * refused. main() owns it.
 */
#ifndef HALL_HALL_START_H
#define HALL_HALL_START_H

#include "config/config.h"

enum { START_PROBLEM_SIZE = 512 };

struct start {
    struct config *config;
    char *text; /* of the file; NULL: config is the last good one */
    size_t length;
    char problem[START_PROBLEM_SIZE]; /* why that is; "" */
};

/* The file alone. 0; or what is wrong is in errors. */
int start_read(struct start *start, const char *file, struct buf *errors);
/* After that failed, with its errors: the last good one. 0; or what is wrong with that is in errors
 * too. */
int start_fall_back(struct start *start, const char *file, struct buf *errors);
/* Hall runs on it: a copy is kept, and the text is no longer needed. */
void start_keep(struct start *start);
void start_finish(struct start *start);

/* Where the first of these errors is. Not what was found there, which may be a secret in the wrong
 * place: more people read the bus than the log. Returns out. */
char *start_error_place(const char *errors, char *out, size_t size);
/* Keeps a copy of what Hall runs on; the log says when that fails. */
void start_keep_good(const char *file, const char *text, size_t length);

#endif
