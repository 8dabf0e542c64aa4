/*
 * arguments: the options of all verbs, one row each, and the reading of a command line by them.
 * Pure but for what it prints to stderr when something is wrong.
 */
#ifndef HALL_HALLCTL_ARGUMENTS_H
#define HALL_HALLCTL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum flag {
    FLAG_HELP,
    FLAG_BROKER,
    FLAG_USER,
    FLAG_CA,
    FLAG_BASE,
    FLAG_CONFIG,
    FLAG_JSON,
    FLAG_WAIT,
    FLAG_FORCE,
    FLAG_FOR,
    FLAG_UNTIL,
    FLAG_REASON,
    FLAG_BY,
    FLAG_TIMEOUT,
    FLAG_LIMIT,
    FLAG_MAC,
    FLAG_TCP,
    FLAG_HTTP,
    FLAG_INTERFACE,
    FLAG_BROADCAST,
    FLAG_PORT,
    FLAG_SECUREON,
    FLAG_SCAN,
    FLAG_PID,
    FLAG_ADMIN,
    FLAG_SINCE,
    FLAG_DAYS,
    FLAG_LISTEN,
    FLAG_FAIL_OPEN,
    FLAG_FAIL_CLOSED,
    FLAG_SNIPPET,
    FLAG_SWAG,
    FLAG_MIDDLEWARE,
    FLAG_CHECK,
    FLAG_SERVER,
    FLAG_SITE,
    FLAG_PASSWORD_FILE,
    FLAG_BROKER_PASSWORD_FILE,
    FLAG_PROXY,
    FLAG_HTTP_ONLY,
    FLAG_LANGUAGE,
    FLAG_YES,
    FLAG_DRY_RUN,
    FLAG_PRINT,
    FLAG_DOCKER,
    FLAG_MINUTES,
    FLAG_URL,
    FLAG_DIR,
    FLAG_AGENTS,
    FLAG_RELAY,
};
enum { FLAGS = FLAG_RELAY + 1, CALL_LISTED_MAX = 128 };

#define WITH(flag_) (UINT64_C(1) << (flag_))
/* Where the broker is, and who asks. */
#define WITH_BROKER                                                                                \
    (WITH(FLAG_BROKER) | WITH(FLAG_USER) | WITH(FLAG_CA) | WITH(FLAG_BASE) | WITH(FLAG_CONFIG))

struct call;

struct verb {
    const char *name;
    const char *operands; /* for the help: "SERVER [MINUTES]"; "" for none */
    const char *summary;  /* one line of `hallctl --help` */
    uint64_t flags;
    int least, most; /* operands */
    int (*run)(const struct call *call);
    const char *detail; /* more of `hallctl help VERB`, whole lines; or NULL */
    bool hidden;        /* for the completion of shells, not for people */
};

/* One command line, as read. Texts are borrowed from argv. */
struct call {
    const struct verb *verb;
    uint64_t given;
    const char *texts[FLAGS];
    int64_t numbers[FLAGS]; /* durations in ms */
    /* Each value of the options that may be repeated, in order; texts has the last. */
    struct {
        enum flag flag;
        const char *text;
    } listed[CALL_LISTED_MAX];
    size_t n_listed;
    char *const *operands;
    int n_operands;
};

bool call_has(const struct call *call, enum flag flag);
/* Gives an option a value that is not looked at; flag -1: none. */
void call_give(struct call *call, int flag, const char *text);

/*
 * Reads options as far as they go: with verb NULL those that may stand before the verb, up to it,
 * else all that the verb takes, among its operands. Adds to what ret_call has. argv[0] is not
 * looked at; argv may be put in another order. 0, or -EINVAL: something is wrong, and stderr says
 * what and what is allowed. ret_next: the first that was not read.
 */
int arguments_read(const struct verb *verb, int argc, char *argv[], struct call *ret_call,
                   int *ret_next);

void arguments_help(const struct verb *verb, FILE *out);
/* The option that a word such as --config or --config=X names, -1: none, and the name of its value,
 * NULL: it takes none. */
int arguments_find(const char *word, const char **ret_value);
/* The options of one verb, one a line, for completion; NULL: those before the verb. */
void arguments_list(const struct verb *verb, FILE *out);

#endif
