/*
 * wording_table: every wording with its name, its parameters and its text in each language. Pure
 * data.
 *
 * In a text {name} is a parameter.
 */
#ifndef HALL_CONFIG_WORDING_TABLE_H
#define HALL_CONFIG_WORDING_TABLE_H

#include "config/wording.h"

enum param_kind { PARAM_TEXT, PARAM_NUMBER, PARAM_SPAN, PARAM_WORDING };

struct param {
    const char *name;
    enum param_kind kind;
    size_t place; /* of its text or number in the phrase */
};

struct wording_row {
    const char *name;
    struct param params[PHRASE_PARAMS_MAX + 1];
    const char *texts[CONFIG_LANGUAGES];
};

extern const struct wording_row wording_rows[WORDINGS];

#endif
