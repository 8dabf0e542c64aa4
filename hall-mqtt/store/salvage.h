/*
 * salvage: what can be saved of a damaged store. First the record: rows of state and the totals,
 * out of the file and its log, page by page; what is damaged there, out of the nightly copies. They
 * go into a new file, which takes the damaged one's place when it is whole; a kill at any moment
 * leaves one or the other. The history follows in slices (salvage_history.h). Blocking; the
 * writer's thread, or before there is one.
 */
#ifndef HALL_STORE_SALVAGE_H
#define HALL_STORE_SALVAGE_H

#include "store/db.h"
#include "store/pages.h"

enum { SALVAGE_SOURCES_MAX = 8, SALVAGE_KEY_SIZE = 32 };

/* How far it is; kept in the new file, so that a restart goes on with it. */
struct salvage {
    struct store_salvage told;
    size_t n_sources, source;               /* where the history comes from; the one at hand, */
    char sources[SALVAGE_SOURCES_MAX][256]; /* beside the store, by name */
    uint32_t page;                          /* and its next page */
};

/* May a row of state say that? */
bool salvage_is_sound(const char *body);
/* Is there a log or a nightly copy, and nothing where the store should be? */
bool salvage_is_missing(const char *path);
/* An earlier one that was killed before its file was in place: puts it there. -errno. */
int salvage_finish(const char *path);
/* The whole first step. False: nothing has changed, and why. */
bool salvage_begin(const char *path, int64_t wall_ms, struct salvage *ret_salvage,
                   struct trouble *ret_trouble);
/* Rows of state of a file that cannot be opened, or of its copies, where nothing can be written. */
int salvage_load(const char *path, enum store_kind kind, store_row *row, void *context);

/* How far it is, of an open file: all zero where there was none. */
bool salvage_read(struct db *db, struct salvage *ret_salvage, struct trouble *ret_trouble);
/* Within a transaction. */
bool salvage_write(struct db *db, const struct salvage *salvage, struct trouble *ret_trouble);

#endif
