/*
 * script: what happens in a simulation from outside, one JSON object a line: a message on the bus
 * ({"at", "topic", "payload"}), a visitor, or what becomes of a simulated server or of Hall. Each
 * member is one row of a table. A script that has any error is refused whole; all errors are told
 * at once, one line each. Owns its memory.
 */
#ifndef HALL_SIMULATE_SCRIPT_H
#define HALL_SIMULATE_SCRIPT_H

#include "base/buf.h"
#include "base/local.h"
#include "core/facts/due.h"
#include "core/fleet.h"

enum { SCRIPT_BYTES_MAX = 1024 * 1024, SCRIPT_EVENTS_MAX = 10000 };
#define SCRIPT_UNSET INT64_MIN

enum script_kind {
    SCRIPT_NONE,
    SCRIPT_BUS, /* a command, or an agent's report */
    SCRIPT_VISIT,
    SCRIPT_CRASH,
    SCRIPT_LOST_PACKETS,
    SCRIPT_BOOT,
    SCRIPT_RESTART_HALL,
    SCRIPT_CLOCK,
};

struct script_event {
    enum script_kind kind;
    unsigned line;
    int64_t at;              /* wall, ms: the first time */
    int64_t every, until;    /* ms; every 0: once. until INT64_MAX: to the end */
    int server;              /* all but visit, restart_hall, clock */
    int site;                /* visit */
    char from[16];           /* visit: dotted address, or "" */
    struct fleet_event *bus; /* owned */
    int64_t duration;        /* boot; clock: signed */
    int count;               /* lost_packets */
};

struct script {
    size_t n_events;
    struct script_event *events;
    struct due due;  /* of the events; a key is a time and a place in the file */
    size_t left_out; /* events that lie outside the time simulated */
};

struct script_place { /* what the names and times of a script mean; borrowed */
    const char *file;
    const char *base_topic;
    const struct model *model;
    const struct local *local;
    int64_t from; /* when the simulation begins; SCRIPT_UNSET: on the day of the first event */
};

/* -EINVAL: errors in the text; -ENOENT, -EACCES ...: the file cannot be read; all said in errors.
 * from is set where it was not. */
int script_load(struct script_place *place, struct script *ret_script, struct buf *errors);
void script_finish(struct script *script);

/* Plans what happens within [from, until). -ENOMEM. */
int script_begin(struct script *script, const struct local *local, int64_t from, int64_t until);
int64_t script_due(const struct script *script); /* DUE_NEVER: nothing more */
/* Takes what is due first, and plans its repetition. */
const struct script_event *script_take(struct script *script, const struct local *local,
                                       int64_t until);

#endif
