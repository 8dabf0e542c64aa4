/*
 * salvage_rows: rows as they are found in the pages of a damaged file: whose they are is told by
 * their form, for all tables of Hall differ in it. Nothing is taken that does not look right in
 * every part.
 */
#ifndef HALL_STORE_SALVAGE_ROWS_H
#define HALL_STORE_SALVAGE_ROWS_H

#include "store/pages.h"
#include "store/store.h"

/* A row of state. */
struct found_state {
    char *kind, *key, *body; /* one allocation, at kind */
    int64_t saved_at;
    unsigned rank;      /* of the file it comes from: the lower counts */
    const char *source; /* its name */
};

/* Bodies are. */
bool salvage_is_json(const char *text, size_t length);
/* Is it a row of state? -ENOMEM; 0: it is not; 1 */
int salvage_state(struct pages *pages, const struct btree_cell *cell, struct found_state *ret_row);
/* A row of one of the other tables: those that are told apart by form alone, or only that one
 * (STORE_TABLES: any but totals). Its texts are in *ret_room, which the caller frees. */
bool salvage_entry(struct pages *pages, const struct btree_cell *cell, int only,
                   struct store_entry *ret_entry, char **ret_room);
/* Of six numbers and a text: are they those of a stretch of time, and not of totals? */
bool salvage_is_span(const struct store_entry *entry);

#endif
