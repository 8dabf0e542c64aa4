/*
 * start: the configuration Hall starts with: the file, or the last good one where the file is
 * refused. main() owns it.
 */
#ifndef HALL_HALL_START_H
#define HALL_HALL_START_H

#include "config/config.h"
#include "say/say.h"

/* Why Hall does not run on what its configuration file says. */
enum { TROUBLE_PLACE_SIZE = 2304 };
struct trouble {
    char place[TROUBLE_PLACE_SIZE]; /* of the first error; "": it does */
    size_t more;                    /* errors beside it */
    int64_t kept; /* when the last good configuration, which it runs on, was kept (wall, ms); 0: it
                     runs on what it had */
};

struct start {
    struct config *config;
    char *text; /* of the file; NULL: config is the last good one */
    size_t length;
    struct trouble trouble; /* why that is */
};

/* The file alone. 0; or what is wrong is in the report. */
int start_read(struct start *start, const char *file, struct report *report);
/* After that failed, with what it reported: the last good one. 0; or what is wrong with that is in
 * errors, a line each. */
int start_fall_back(struct start *start, const char *file, const struct report *report,
                    struct buf *errors);
/* Hall runs on it: a copy is kept, and the text is no longer needed. */
void start_keep(struct start *start);
void start_finish(struct start *start);

/* Where the first error is. Not what was found there, which may be a secret in the wrong place:
 * more people read the bus than the log. */
void start_note_trouble(const struct report *report, struct trouble *ret_trouble);
/* The same as people and programs are told; FACT_NONE where there is none. Borrows. */
struct told start_tell_trouble(const struct trouble *trouble);
/* In `systemctl status`; it goes when there is none. */
void start_show_trouble(const struct trouble *trouble);
/* Keeps a copy of what Hall runs on; the log says when that fails. */
void start_keep_good(const char *file, const char *text, size_t length);

#endif
