/*
 * script: the events of a simulation, one a line: `2026-03-28 09:00 visit HOST/PATH from ADDRESS`.
 * Every verb is one row of a table. A script that has any error is refused whole; all errors are
 * told at once, one line each: FILE:LINE: found X; allowed: Y. Owns its memory.
 */
#ifndef HALL_HALLCTL_SCRIPT_H
#define HALL_HALLCTL_SCRIPT_H

#include <stdio.h>

#include "base/buf.h"
#include "core/fleet.h"
#include "hallctl/local.h"

enum {
    SCRIPT_BYTES_MAX = 1024 * 1024,
    SCRIPT_EVENTS_MAX = 10000,
    SCRIPT_OCCURRENCES_MAX = 1000000,
    SCRIPT_LINE_MAX = 512,
    SCRIPT_SHOWN_SIZE = 160,
};

enum script_kind {
    SCRIPT_VISIT,
    SCRIPT_COMMAND,
    SCRIPT_CRASH,
    SCRIPT_VETO,
    SCRIPT_LOST_PACKETS,
    SCRIPT_BOOT,
    SCRIPT_RESTART_HALL,
    SCRIPT_CLOCK,
};

struct script_event {
    enum script_kind kind;
    unsigned line;
    int64_t at;                    /* wall, ms: the first time */
    int64_t every, until;          /* ms; every 0: once. until INT64_MAX: to the end */
    bool skipped;                  /* its local time is one that the clock jumps over */
    int server;                    /* all but visit, restart-hall, clock */
    int site;                      /* visit */
    char from[16];                 /* visit: dotted address, or "" */
    struct command command;        /* command */
    int64_t duration;              /* veto, boot; clock: signed */
    int count;                     /* lost-packets */
    char reason[REASON_SIZE];      /* veto */
    char shown[SCRIPT_SHOWN_SIZE]; /* the event as written, without its time */
};

struct script_occurrence {
    int64_t at; /* wall, ms */
    uint32_t event;
};

struct script {
    const char *file;
    size_t n_events;
    struct script_event *events;
    size_t n;
    struct script_occurrence *occurrences; /* by time, then by line */
    size_t left_out;                       /* events that lie outside the time simulated */
};

struct script_place { /* what the names and times of a script mean; borrowed */
    const char *file;
    const struct model *model;
    const struct local *local;
};

/* -EINVAL: errors in the text; -ENOENT, -EACCES ...: the file cannot be read; all said in errors.
 */
int script_load(const struct script_place *place, struct script *ret_script, struct buf *errors);
int script_parse(const struct script_place *place, const char *text, size_t length,
                 struct script *ret_script, struct buf *errors);
/* Lays out what happens when within [from, until). -EINVAL: too much, said in errors. */
int script_expand(struct script *script, const struct local *local, int64_t from, int64_t until,
                  struct buf *errors);
void script_finish(struct script *script);

void script_print_verbs(FILE *out);

#endif
