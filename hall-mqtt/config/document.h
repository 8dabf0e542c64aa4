/*
 * document: the small files of the programs beside Hall, agent.json and relay.json. The same
 * machinery as domains.json reads them: a row per option, all errors at once, each with file, JSON
 * pointer, what was found and what is allowed. Reads the file, nothing else.
 */
#ifndef HALL_CONFIG_DOCUMENT_H
#define HALL_CONFIG_DOCUMENT_H

#include "config/arena.h"
#include "config/option.h"

extern const char *const document_mqtt_versions[]; /* by enum mqtt_version */
/* The broker, as those programs reach it; of a struct config_mqtt. */
extern const struct option_table document_mqtt_table;

/* What is read, and into what. */
struct document {
    const struct option_table *table;
    void *raw; /* of the table's size, zeroed */
    /* What must fit together, told to the report. NULL: nothing. */
    void (*check)(const void *raw, struct report *report);
};

/* What raw points to is in the arena, the caller's to destroy. -EINVAL errors in the file; -ENOENT,
 * -EACCES ... it cannot be read (said in errors too); -ENOMEM. */
int document_load(const char *file, const struct document *document, struct arena **ret_arena,
                  struct buf *errors);
int document_parse(const char *file, const char *text, size_t length,
                   const struct document *document, struct arena **ret_arena, struct buf *errors);

#endif
