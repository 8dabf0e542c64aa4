/*
 * salvage_state: the first thing that is saved of a damaged store: rows of state, and the totals of
 * the servers. As a rule a walk down two small trees; where those are broken, the file's map tells
 * which pages belonged to them, so that not the whole history has to be read. Bounded in time.
 */
#ifndef HALL_STORE_SALVAGE_STATE_H
#define HALL_STORE_SALVAGE_STATE_H

#include "store/salvage_rows.h"

struct salvage_found {
    struct found_state *rows;
    size_t n, size;
    struct store_entry *totals;
    char **rooms; /* of their texts */
    size_t n_totals, size_totals;
    char copy[256]; /* the newest copy that gave something */
    size_t n_files, n_copied;
    bool whole; /* nothing of the file itself was damaged */
};

/* Of the file, then of its copies what is missing. totals_root: where a fresh file has them. */
void salvage_find(const char *path, uint32_t totals_root, struct salvage_found *ret_found);
void salvage_found_finish(struct salvage_found *found);

#endif
