/*
 * ledger: the commands of the last while: who asked what, and how it ended. Every command gets
 * exactly one first answer (accepted, refused) and an accepted one exactly one end (done, failed).
 * A repeated id is answered from here, not run again. A ring of fixed size; an entry still open is
 * never overwritten. Pure.
 */
#ifndef HALL_CORE_FACTS_LEDGER_H
#define HALL_CORE_FACTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fact.h"

enum {
    LEDGER_MAX = 256,
    LEDGER_REPEATS = 3,
    COMMAND_ID_SIZE = 65,
    COMMAND_BY_SIZE = 65,
    REASON_SIZE = 240, /* what is wrong with a message from outside, in a sentence */
};

enum command_action {
    COMMAND_WAKE,
    COMMAND_SLEEP,
    COMMAND_RESTART,
    COMMAND_CANCEL,
    COMMAND_POLICY,
    COMMAND_IDLE,
    COMMAND_KEEP_AWAKE,
    COMMAND_HOLD,
    COMMAND_RELEASE,
    COMMAND_START,    /* project */
    COMMAND_STOP,     /* project */
    COMMAND_ANNOUNCE, /* Hall itself; never seen by the fleet */
    COMMAND_RELOAD,   /* likewise */
    COMMAND_NONE,     /* not understood: it has no name and is always refused */
};
enum { COMMAND_ACTIONS = COMMAND_NONE };

enum command_outcome { OUTCOME_ACCEPTED, OUTCOME_REFUSED, OUTCOME_DONE, OUTCOME_FAILED };

struct ledger_entry {
    bool used;
    bool answered; /* accepted or refused was said */
    bool open;     /* its end has not been said yet */
    int server;
    int site; /* the project commanded, or MODEL_NONE */
    enum command_action action;
    enum command_outcome outcome; /* the latest */
    int64_t received;             /* boot clock, ms */
    int64_t seconds_ms;           /* from reception to the end, ms */
    uint64_t route; /* opaque to the core: where else to answer (MQTT 5 response topic) */
    uint64_t repeats[LEDGER_REPEATS]; /* the routes of who said it again before its end, the latest
                                         first; 0: none */
    bool quiet;                       /* an answer to a repetition alone: everyone else has it */
    char id[COMMAND_ID_SIZE];
    char by[COMMAND_BY_SIZE];
    struct fact reason; /* FACT_NONE: none is given */
};

struct ledger {
    size_t next;
    struct ledger_entry entries[LEDGER_MAX];
};

struct ledger_entry *ledger_find(struct ledger *ledger, int server, const char *id);
/* A new entry, or NULL when all are open (then the command is refused as "too many commands under
 * way"). */
struct ledger_entry *ledger_add(struct ledger *ledger, int server, enum command_action action,
                                const char *id, const char *by, int64_t now);

/* Who says an open command again hears its answers too. */
void ledger_join(struct ledger_entry *entry, uint64_t route);

bool command_is_for_project(const struct ledger_entry *entry);

const char *command_action_name(enum command_action action); /* "wake" ...; NONE is NULL */
bool command_action_from_name(const char *name, enum command_action *ret_action);
const char *command_outcome_name(enum command_outcome outcome);

#endif
