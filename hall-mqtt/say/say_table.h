/*
 * say_table: every code with its name, its parameters and its sentence in each language. A code
 * never changes its meaning; new ones may come. Pure data.
 *
 * In a sentence {name} is a parameter, {cause} the sentence of the cause; what stands between
 * brackets is left out while a parameter in it is not known.
 */
#ifndef HALL_SAY_SAY_TABLE_H
#define HALL_SAY_SAY_TABLE_H

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
    PARAM_CAUSE,
};

struct say_param {
    const char *name;
    uint8_t kind;  /* enum param_kind */
    uint8_t place; /* of its number or text in the fact */
};

struct say_row {
    const char *name;
    struct say_param params[SAY_PARAMS_MAX + 1];
    const char *texts[SAY_LANGUAGES];
};

extern const struct say_row say_rows[FACTS];

/* Has its sentence a place for a cause? Else what follows it stands beside it. */
bool say_has_cause(enum fact_code code);

/* The words a parameter of this kind may have, by number; NULL: it has none. */
const char *say_word(enum param_kind kind, unsigned word);
enum { SAY_WORDS_MAX = 16 };
/* The same word as a reader of this language knows it. */
const char *say_word_shown(enum param_kind kind, const char *word, enum say_language language);

#endif
