/*
 * complaint: the errors of one configuration, all of them, as data: a code of a closed list, where
 * it is, what was found there and what is allowed. A line of text is made of them at the edge:
 *   FILE: /json/pointer: found X; allowed: Y
 * Values are shown cut and without control characters; the user and password in a URL are never
 * shown. A report owns its complaints.
 */
#ifndef HALL_CONFIG_COMPLAINT_H
#define HALL_CONFIG_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/wording.h"

enum { REPORT_ERRORS_MAX = 100, SHOWN_SIZE = 96 };

/* Beside it what a complaint of this code has; texts and numbers are in its phrases. */
enum complaint_code {
    COMPLAINT_FILE,        /* found: why it cannot be read */
    COMPLAINT_SYNTAX,      /* line, column, found */
    COMPLAINT_VALUE,       /* pointer, found, allowed; so these five too */
    COMPLAINT_UNKNOWN_KEY, /* */
    COMPLAINT_MISSING,     /* */
    COMPLAINT_CONFLICT,    /* with something else in the file */
    COMPLAINT_SECRET,      /* one that does not belong there */
    COMPLAINT_UNSET,       /* the variable of a secret */
    COMPLAINT_VARIABLE,    /* found: why the variable or credential `subject` cannot be used */
    COMPLAINT_MORE,        /* found: how many more */
};
enum { COMPLAINTS = COMPLAINT_MORE + 1 };

struct complaint {
    enum complaint_code code;
    const char *subject;   /* the file, a variable or a credential */
    const char *pointer;   /* NULL: it is about all of that */
    unsigned line, column; /* 0: not known */
    struct phrase found, allowed;
    const struct complaint *next;
};

struct arena;

/* Zeroed to begin with; report_finish frees what it holds. */
struct report {
    const char *file;
    size_t n; /* of this file, those that are only counted too */
    const struct complaint *first;
    struct complaint *last;
    struct arena *memory;
};

/* Where in the document: a chain of keys and indexes that lives on the stack of the reader. */
struct pointer {
    const struct pointer *parent;
    const char *key; /* NULL: an item of an array */
    size_t index;
};

/* What follows is about this file. */
void report_begin(struct report *report, const char *file);
void report_finish(struct report *report);

void report_error(struct report *report, enum complaint_code code, const struct pointer *at,
                  struct phrase found, struct phrase allowed);

/* The same with the keys on the way given one by one, KEYS("servers", id, "mac"). */
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})
void report_error_at(struct report *report, enum complaint_code code, const char *const *keys,
                     struct phrase found, struct phrase allowed);

/* What is wrong with a file, variable or credential as a whole. */
void report_whole(struct report *report, enum complaint_code code, const char *subject,
                  struct phrase why);
void report_syntax(struct report *report, const struct json_error *error);

/* More errors are only counted: work for their sake can be spared. */
bool report_is_full(const struct report *report);

/* Tells how many were left out. 0 or -EINVAL. */
int report_end(struct report *report);

/* A JSON value as an error shows it; written to shown where words of its own are. */
struct phrase report_show(const struct json *value, char shown[SHOWN_SIZE]);

/* How far apart two words are (edits), to guess what was meant; words too long to compare are far
 * apart. */
unsigned report_distance(const char *a, const char *b);

/* ---- for people and programs ---- */

/* All of them, a line each. */
void report_say(const struct report *report, enum config_language language, struct buf *out);
/* A line without its end: FILE: /json/pointer: found X; allowed: Y */
void complaint_say(const struct complaint *complaint, enum config_language language,
                   struct buf *out);
/* What is behind the place: found X; allowed: Y */
void complaint_say_message(const struct complaint *complaint, enum config_language language,
                           struct buf *out);
/* Where it is: FILE: /json/pointer. Not what was found there, which may be a secret in the wrong
 * place; of something wrong as a whole, what that is. */
void complaint_say_place(const struct complaint *complaint, enum config_language language,
                         struct buf *out);
/* {"code":"config.value","pointer":"/servers/nas/mac","found":{...},"allowed":{...}} */
void complaint_put(struct json_writer *json, const char *key, const struct complaint *complaint);

const char *complaint_code_name(enum complaint_code code); /* "config.value" */

#endif
