/*
 * document: the small files of the programs beside Hall, agent.json and relay.json. The same
 * machinery as domains.json reads them: a row per option, all errors at once, each with file, JSON
 * pointer, what was found and what is allowed. Reads the file, nothing else.
 */
#ifndef HALL_CONFIG_DOCUMENT_H
#define HALL_CONFIG_DOCUMENT_H

#include "config/arena.h"
#include "config/config.h"
#include "config/option.h"

extern const char *const document_mqtt_versions[]; /* by enum mqtt_version */
/* The broker, as those programs reach it; of a struct config_mqtt. */
extern const struct option_table document_mqtt_table;

/* What each of these files has; the configuration that is read begins with it. */
struct document_head {
    const char *file;
    const char *id;
    struct config_mqtt mqtt; /* username: the id where none is given */
    void *memory;            /* owns all of it */
};

struct document {
    const struct option_table *table; /* of a struct that begins with a document_head */
    /* What must fit together, told to the report, and what follows from it. NULL: nothing. */
    void (*finish)(struct arena *arena, void *config, struct report *report);
};

/* The configuration, to be freed; NULL: why is reported. */
void *document_load(const struct document *document, const char *file, struct report *report);
void *document_parse(const struct document *document, const char *file, const char *text,
                     size_t length, struct report *report);
void document_free(struct document_head *config); /* NULL is accepted */

#endif
