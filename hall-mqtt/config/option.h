/*
 * option: one row per option of domains.json. Parsing, error messages, defaults and the JSON Schema
 * all come from these rows; nothing about an option is said anywhere else. Targets are the structs
 * of raw.h.
 */
#ifndef HALL_CONFIG_OPTION_H
#define HALL_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/arena.h"
#include "config/complaint.h"

enum option_kind {
    OPTION_TEXT,     /* a string of some format; what is stored is the format's business */
    OPTION_INTEGER,  /* int */
    OPTION_PORT,     /* uint16_t */
    OPTION_NUMBER,   /* double; negative where absent */
    OPTION_BOOL,     /* bool */
    OPTION_DURATION, /* int64_t, ms */
    OPTION_CHOICE,   /* an enum, by the index of its name */
    OPTION_STATUS,   /* struct status_range: 200, "2xx", "200-299" */
    OPTION_OBJECT,   /* a table; the target is inside the struct of the row */
    OPTION_LIST,     /* size_t count and a pointer to the items */
    OPTION_MAP,      /* the same, of a table; an item begins with its struct option_key */
};

/* Whether an option stands in the file, for checks of options against each other. */
enum option_given { GIVEN_NOT, GIVEN_WELL, GIVEN_BADLY };

/* A kind of string. */
struct format {
    enum wording allowed;
    const char
        *pattern; /* for the schema (ECMA 262); may accept more than parse does. NULL: any text */
    /* Stores at target; WORDING_NONE, or what is allowed where that can be said better than above.
     */
    enum wording (*parse)(struct arena *arena, const char *text, void *target);
};

/* The key of a map's item, as written and as normalised. */
struct option_key {
    const char *given;
    const char *name;
};

struct option {
    const char *key;
    enum option_kind kind;
    bool required;
    size_t offset;
    size_t count_offset;         /* list, map */
    size_t size;                 /* item of a list: its bytes */
    int64_t min, max;            /* number: value; duration: ms; text: bytes; list, map: items */
    const char *fallback;        /* the default as text, items joined by ','; NULL: none, null */
    const struct format *format; /* text; map: of the keys */
    const char *const *names;    /* choice: NULL-terminated; an empty one cannot be chosen */
    const struct option *item;   /* list */
    bool or_bool;                /* list: false stands for an empty one, true for the default */
    bool or_one;                 /* list: an item alone stands for a list of it; never empty */
    const struct option_table *table; /* object, map */
    unsigned tag;        /* what a table with exactly_one stores when this is the one */
    size_t given_offset; /* enum option_given; 0: nobody asks */
    bool no_limit;       /* integer: there is none where it is left out */
    const char *help;
};

struct option_table {
    const char *name; /* of the schema's definition */
    size_t size;      /* of the target struct */
    const struct option *rows;
    size_t n_rows;
    bool exactly_one;  /* of the rows is given */
    size_t tag_offset; /* unsigned; with exactly_one */
};

extern const struct option_table option_root; /* of struct raw_config */

/* "a duration from 1s to 7d, such as ..."; choices are written to names. */
enum { OPTION_NAMES_SIZE = 320 };
struct phrase option_allowed(const struct option *row, char names[OPTION_NAMES_SIZE]);

/* Stores one value that is neither text nor made of others; false where it is not allowed. */
bool option_store(const struct option *row, const struct json *value, void *target);

/* Stores the default of the same kinds, and of text. */
void option_store_default(const struct option *row, struct arena *arena, void *target);

/*
 * Sets the defaults, then what the object says; errors go to the report. The items of maps are only
 * needed until the model is made of them: they are in scratch, all else in arena.
 */
void option_read_object(struct arena *arena, struct arena *scratch, struct report *report,
                        const struct option_table *table, const struct pointer *at,
                        const struct json *object, void *target);

/* Where a secret belongs that was found in the file; WORDING_NONE if the key is none. */
struct phrase option_secret_hint(const struct option_table *table, const char *key);

#endif
