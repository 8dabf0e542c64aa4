/*
 * script_reading: a script while it is read: where it is, and the event in the making. Internal to
 * script.c and script_verbs.c.
 */
#ifndef HALL_HALLCTL_SCRIPT_READING_H
#define HALL_HALLCTL_SCRIPT_READING_H

#include "hallctl/script.h"

enum { SCRIPT_WORDS_MAX = 48 };

struct reading {
    const struct script_place *place;
    struct script *script;
    struct buf *errors;
    size_t n_errors, room;
    unsigned line;
    char text[SCRIPT_LINE_MAX + 1]; /* the line, each word ended by NUL */
    size_t n_words, at;
    const char *words[SCRIPT_WORDS_MAX];
    unsigned clauses; /* those that were read */
    struct script_event event;
};

/* Notes an error on this line; found NULL: the line ended. Always false. */
bool reading_refuse(struct reading *reading, const char *found, const char *allowed);

/* The words of a line as an event. False: refused. */
bool reading_event(struct reading *reading);

#endif
