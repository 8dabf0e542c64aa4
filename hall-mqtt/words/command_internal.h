/*
 * command_internal: what command.c, which knows the topics, and command_json.c, which knows the
 * members of a JSON payload, share. For these two alone.
 */
#ifndef HALL_WORDS_COMMAND_INTERNAL_H
#define HALL_WORDS_COMMAND_INTERNAL_H

#include "base/json.h"
#include "words/command.h"

enum { COMMAND_SHOWN_SIZE = 48, COMMAND_WORDS_SIZE = 96 };

/* What one payload is read with. */
struct reading {
    const struct topic *topic;
    const struct command_language *language; /* the topic's; NULL: it takes no actions */
    const char *payload;
    size_t length;
    bool retained;
    struct now now;
    struct command *command;
    struct fact *why;
};

/* A key that a JSON payload may have. */
struct command_member {
    const char *key;
    int (*read)(struct reading *reading, const struct json *value);
};

/* What may be said on a topic. */
struct command_language {
    const enum command_action *actions; /* ends with COMMAND_NONE; NULL: none is said */
    const struct command_member *members;
    int (*check)(struct reading *reading, const struct json *root); /* the whole object */
};

extern const struct command_language command_to_server, command_to_project, command_to_hall,
    command_to_hold;

/* Says why; returns the error. */
int command_refuse(struct reading *reading, int error, struct fact why);

/* Sets the action that this word names; false when the topic takes no such action. */
bool command_find_action(struct reading *reading, const char *word);
/* The names of all that the topic takes, for a refusal. */
const char *command_words(const struct reading *reading, char out[COMMAND_WORDS_SIZE]);

/* The payload as a JSON object of the topic's members. */
int command_read_json(struct reading *reading);

#endif
