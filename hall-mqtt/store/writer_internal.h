/*
 * writer_internal: between the parts of the writer: writer.c opens, writes and says what went
 * wrong, writer_upkeep.c has the long jobs. Of each job when it is due (boot time; under lock), and
 * what it does (under file).
 */
#ifndef HALL_STORE_WRITER_INTERNAL_H
#define HALL_STORE_WRITER_INTERNAL_H

#include "store/writer.h"

int64_t check_due(const struct store *store);
void check_run(struct store *store);
int64_t prune_due(const struct store *store);
void prune_run(struct store *store);
int64_t salvage_due(const struct store *store);
void salvage_run(struct store *store);
int64_t backup_due(const struct store *store);
void backup_run(struct store *store);

/* Under lock: a job ended well; told once. */
void writer_set_well(struct store *store);
void writer_add_news(struct store *store, const char *text);

#endif
