/*
 * say_table: every code with its name, its parameters and its sentence in each language. A code
 * never changes its meaning; new ones may come. Pure data.
 *
 * In a sentence {name} is a parameter, {cause} the sentence of the cause; what stands between
 * brackets is left out while a parameter in it is not known.
 */
#ifndef HALL_SAY_SAY_TABLE_H
#define HALL_SAY_SAY_TABLE_H

#include "say/say_kind.h"

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

/* A word of a closed list as a reader of this language knows it. */
const char *say_word_shown(enum param_kind kind, const char *word, enum say_language language);

#endif
