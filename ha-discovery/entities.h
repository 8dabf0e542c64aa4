/*
 * entities: everything Home Assistant is shown of Hall, one row each: what kind of entity it is,
 * what it is called, which topic it reads and which it writes, and how. The payloads of discovery.c
 * are these rows written down; nothing about an entity stands anywhere else. Const data.
 */
#ifndef HALL_HA_DISCOVERY_ENTITIES_H
#define HALL_HA_DISCOVERY_ENTITIES_H

#include <stddef.h>
#include <stdint.h>

enum { LANGUAGES = 2 }; /* English, French: the order of config_language */

enum entity_owner { OWNER_HUB, OWNER_SERVER, OWNER_PROJECT };

/* Entities that not every device has. */
enum entity_need {
    NEED_NOTHING,
    NEED_SLEEP,   /* Hall may put the server to sleep */
    NEED_RESTART, /* its agent can restart it */
};

/* Closed sets of words that stand elsewhere in Hall. */
enum entity_words { WORDS_NONE, WORDS_STATES, WORDS_POLICIES, WORDS_EVENTS, WORDS_PROJECT_STATES };

/* Whose absence makes it unavailable, beside Hall's own. */
enum entity_presence {
    PRESENCE_HALL,
    PRESENCE_AGENT,  /* the server's agent as well */
    PRESENCE_ALWAYS, /* nobody's */
};

struct entity_templates {
    const char *value, *attributes;
};

/* A row of further keys: text is written as a string, else as a number. */
struct entity_option {
    const char *key, *text;
    int number;
};
enum { ENTITY_OPTIONS = 6 };

struct entity {
    enum entity_owner owner;
    const char *key; /* of the component; no key ends with "_" and another */
    const char *platform;
    const char *names[LANGUAGES];       /* NULL: the device's own; {} is the project's */
    uint8_t state, command, attributes; /* enum topic_kind + 1; 0: none */
    const char *value_template;
    const char *attributes_template;
    struct entity_templates localized; /* in another language than English; NULL: the same */
    const char *press;                 /* payload of a button */
    const char *category;
    const char *icon;
    enum entity_words words;
    enum entity_need need;
    enum entity_presence presence;
    struct entity_option options[ENTITY_OPTIONS]; /* until a key is NULL */
};

extern const struct entity entities[];
extern const size_t n_entities;

/* The words of a set by index; NULL behind the last. */
const char *entity_word(enum entity_words words, unsigned index);

#endif
