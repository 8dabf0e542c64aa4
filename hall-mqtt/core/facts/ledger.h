/*
 * ledger: the commands of the last while: who asked what, and how it ended. Every command gets
 * exactly one first answer (accepted, refused) and an accepted one exactly one end (done, failed).
 * A repeated id is answered from here, not run again. The newest LEDGER_OF_SERVER of each server
 * are kept, as far as the memory of all goes: the oldest that has ended gives way, an open one
 * never. Pure; memory is made before a step, by ledger_reserve.
 */
#ifndef HALL_CORE_FACTS_LEDGER_H
#define HALL_CORE_FACTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fact.h"

enum {
    LEDGER_OF_SERVER = 256, /* most of one server, open ones among them */
    LEDGER_LEAST = 256,     /* room for all, at first: one a server within these */
    LEDGER_FIRST_MOST = 8192,
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
    char id[COMMAND_ID_SIZE];
    char by[COMMAND_BY_SIZE];
    struct fact reason;    /* FACT_NONE: none is given */
    int32_t newer, older;  /* of the same server; LEDGER_NONE */
    int32_t sooner, later; /* ended before and after it; LEDGER_NONE. Of those that have ended */
};

enum { LEDGER_NONE = -1 };

/* Of one server. */
struct ledger_server {
    int32_t newest, oldest;
    uint16_t n, n_open;
};

struct ledger {
    size_t room, n, n_open;        /* n: entries that were ever used */
    int32_t soonest, latest;       /* of all that have ended, in the order in which they did */
    struct ledger_entry *entries;  /* [room] */
    struct ledger_server *servers; /* [n_servers] */
};

int ledger_init(struct ledger *ledger, size_t n_servers); /* -ENOMEM */
void ledger_finish(struct ledger *ledger);
/* Between steps: makes room for one more open command, and for some memory of ended ones. Entries
 * may move. -ENOMEM. */
int ledger_reserve(struct ledger *ledger);

struct ledger_entry *ledger_find(struct ledger *ledger, int server, const char *id);
/* A new entry, or NULL when all of this server are open, or all there are. */
struct ledger_entry *ledger_add(struct ledger *ledger, int server, enum command_action action,
                                const char *id, const char *by, int64_t now);
/* An open one has ended. */
void ledger_close(struct ledger *ledger, struct ledger_entry *entry);

/* A server's entries, the newest first; NULL behind the last. */
struct ledger_entry *ledger_newest(const struct ledger *ledger, int server);
struct ledger_entry *ledger_older(const struct ledger *ledger, const struct ledger_entry *entry);

bool command_is_for_project(const struct ledger_entry *entry);

const char *command_action_name(enum command_action action); /* "wake" ...; NONE is NULL */
bool command_action_from_name(const char *name, enum command_action *ret_action);
const char *command_outcome_name(enum command_outcome outcome);

#endif
