/*
 * say_kind: the kinds of parameters, one row each: how they are said, written and read as JSON, and
 * what of the core's they stand for. Pure.
 */
#ifndef HALL_SAY_SAY_KIND_H
#define HALL_SAY_SAY_KIND_H

#include "say/say.h"

enum param_kind {
    PARAM_END,
    /* by the subject */
    PARAM_SERVER,
    PARAM_DOMAIN,
    PARAM_SITE,
    PARAM_CHECK, /* "site", "http", "tcp", "ping", "agent" */
    PARAM_ABOUT, /* what that check looks at; of an agent nothing */
    PARAM_GROUP, /* the circuit of the server */
    /* by the word */
    PARAM_STAGE,
    PARAM_GUARD,
    PARAM_ACTION,
    PARAM_POLICY,
    PARAM_STATE,
    PARAM_VERB,
    PARAM_STREAM,
    PARAM_KIND,
    /* a number; in JSON as it is, or in seconds where it is ms */
    PARAM_NUMBER,  /* not 0 */
    PARAM_SECONDS, /* shown in whole seconds */
    PARAM_EXACT,   /* "12.345" */
    PARAM_SPAN,    /* "5m" */
    PARAM_QUIET,   /* "12 s", "3 min" */
    PARAM_BYTES,   /* "1.2 MB" */
    PARAM_RATE,    /* bytes a second */
    PARAM_LOAD,    /* hundredths */
    /* a time; none where it is 0 or for ever */
    PARAM_AGO,     /* "4 min ago" */
    PARAM_CLOCK,   /* "14:32 UTC" */
    PARAM_INSTANT, /* RFC 3339 */
    PARAM_TEXT,
    PARAM_CAUSE, /* another fact: it has no row */
};
enum { PARAM_KINDS = PARAM_CAUSE };

struct say_kind {
    /* What is known by the subject: its name, or NULL; and which one has that name. */
    const char *(*text)(const struct fact_part *part, const struct model *model,
                        char about[SAY_ABOUT_SIZE]);
    int (*find)(const struct model *model, const char *name);
    /* The words of a closed list by number; NULL: it has none with this one. */
    const char *(*word)(unsigned word);
    /* A number: is this one known? In a sentence, in JSON. */
    bool (*holds)(int64_t number);
    void (*show)(int64_t number, struct say_how how, struct buf *out);
    void (*put)(struct json_writer *json, const char *key, int64_t number);
    /* Each. */
    bool (*read)(const struct json *json, struct told_value *ret_value);
};

extern const struct say_kind say_kinds[PARAM_KINDS];

bool say_find_word(const char *(*list)(unsigned word), const char *name, uint8_t *ret_word);
/* Among the checks of a server; MODEL_NONE has none. */
bool say_find_check(const char *kind, const char *about, const struct model *model, int server,
                    struct fact_part *part);

#endif
