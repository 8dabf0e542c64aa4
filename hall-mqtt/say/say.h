/*
 * say: sentences, in the reader's language, and JSON, made of facts. The one place where either is
 * made: nothing outside takes a sentence apart. The table behind it (say_table.h) is the closed
 * list of codes that docs/BUS.md shows. Pure; strings in a `told` are borrowed.
 */
#ifndef HALL_SAY_SAY_H
#define HALL_SAY_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/local.h"
#include "core/fleet.h"

enum say_language { SAY_ENGLISH, SAY_FRENCH };
enum { SAY_LANGUAGES = 2, SAY_PARAMS_MAX = 5, SAY_ABOUT_SIZE = 24, SAY_SENTENCE_MAX = 8192 };

enum { SAID_SIZE = 512 }; /* room for most sentences: log lines */

struct say_how {
    enum say_language language;
    int64_t now;               /* wall, ms: for "4 min ago" */
    const struct local *local; /* times as its clock shows them; NULL: UTC */
    int64_t behind;            /* with local: its clock shows so much less than now, ms */
};

/* The value of one parameter: a text, or a number where there is no text. */
struct told_value {
    bool known;
    const char *text;
    int64_t number;
};

/* A fact that speaks for itself: with names where the core has indexes. Made of a fact by
 * say_resolve, then it borrows from fact and model; or of JSON by say_read_fact, then from that. */
struct told_part {
    enum fact_code code;
    struct told_value values[SAY_PARAMS_MAX]; /* in the order of the table */
    char about[SAY_ABOUT_SIZE];               /* an address, where no other place has it as text */
};
struct told {
    struct told_part parts[FACT_DEPTH];
};

void say_resolve(const struct fact *fact, const struct model *model, struct told *ret_told);
/* One code with texts of any length, which the fact itself would cut; NULL or "": it has none. */
struct told say_words(enum fact_code code, const char *first, const char *second);
/* Back to indexes, for records and other processes' facts: false where a name is not configured or
 * a word unknown. A check is looked for at this server; MODEL_NONE: none is. */
bool say_locate(const struct told *told, const struct model *model, int server,
                struct fact *ret_fact);

/* "client1 was visited 4 min ago (until 14:32 UTC)": without a full stop. Nothing for FACT_NONE. */
void say_sentence(const struct told *told, struct say_how how, struct buf *out);
/* Both at once. */
void say_fact(const struct fact *fact, const struct model *model, struct say_how how,
              struct buf *out);
/* The same as text that is cut where the room ends, for log lines and fixed places. Returns out. */
char *say_fact_text(const struct fact *fact, const struct model *model, struct say_how how,
                    char *out, size_t size);

/* For log lines: in English. */
char *say_english(const struct fact *fact, const struct model *model, int64_t now,
                  char out[SAID_SIZE]);
/* Why a server is awake, all its leases: "awake because client1 was visited 4 min ago (until 14:32
 * UTC) and backup holds it"; without one its state, and why. */
void say_awake(const struct fleet *fleet, int server, struct now now, struct say_how how,
               struct buf *out);

/* {"code":"lease.visit","site":"client1","visited":"...","until":"..."}, with all keys of its
 * code; a cause is an object of its own, `and` another fact that stands
 * beside it. null for FACT_NONE. The key is NULL in arrays. */
void say_put_told(struct json_writer *json, const char *key, const struct told *told);
void say_put_fact(struct json_writer *json, const char *key, const struct fact *fact,
                  const struct model *model);
/* Reads that back, also what strangers wrote. Keys that the code does not have are passed over; an
 * unknown code, or a value of another type, too long or out of range is -EINVAL. A cause that
 * cannot be read is left out. */
int say_read_fact(const struct json *json, struct told *ret_told);

/* A copy of a document in which each sentence NAME that has its fact beside it, NAME_fact, is said
 * anew in that language, and the list `vetoes` by its `veto_facts`. The rest stays as it is. */
void say_localize(const struct json *document, struct say_how how, struct json_writer *json);

/* What this fact says; where none can be read, as of an older Hall, the sentence that stands beside
 * it. False: there is neither. */
bool say_again(const struct json *fact, const char *sentence, struct say_how how, struct buf *out);
/* The same of the sentence KEY of a document, whose fact is KEY_fact. */
bool say_member(const struct json *object, const char *key, struct say_how how, struct buf *out);
/* An event of the bus, or a row of the API's events: "wake requested: wake command by cron". */
void say_event(const struct json *event, struct say_how how, struct buf *out);

/* The same of the `what` of a next_event. */
const char *say_coming(const char *what, enum say_language language);

/* The days from Sunday on, as a struct local shows them; NULL: English ones. */
const char *const *say_days(enum say_language language);

const char *say_code_name(enum fact_code code); /* "lease.visit"; FACT_NONE is NULL */
bool say_code_from_name(const char *name, enum fact_code *ret_code);

#endif
