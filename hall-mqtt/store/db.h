/*
 * db: the door to SQLite; the one file behind it knows the library. A struct db is one connection,
 * used by one thread at a time (the owner holds a lock); db_interrupt alone may come from another.
 * Every function that returns false fills in the trouble; after any but BUSY, FULL and INTERRUPTED
 * the owner closes and opens anew.
 *
 * Every commit is synced (WAL, synchronous FULL): batching keeps the syncs few, and nothing that
 * was committed is lost when the power goes. Pages are 1 KiB, because a commit logs whole pages.
 */
#ifndef HALL_STORE_DB_H
#define HALL_STORE_DB_H

#include "store/queue.h"
#include "store/trouble.h"

struct db;

/* Opens the file (which exists, maybe empty), migrates it, prepares. Waits busy_ms for a lock at
 * most, then and later. */
bool db_open(const char *path, int busy_ms, struct db **ret_db, struct trouble *ret_trouble);
/* For reading alone, where writing is impossible: a read-only file system, a lock. */
bool db_open_reader(const char *path, struct db **ret_db, struct trouble *ret_trouble);
/* well: move the log into the file and remove it. Otherwise all stays on the disk as it is. NULL
 * does nothing. */
void db_close(struct db *db, bool well);
/* It was empty when opened. */
bool db_is_fresh(const struct db *db);
void db_set_busy(struct db *db, int busy_ms);

bool db_load(struct db *db, enum store_kind kind, store_row *row, void *context,
             struct trouble *ret_trouble);
/* The highest id of each table; 0 where there is none. */
bool db_last_ids(struct db *db, int64_t ret_ids[STORE_TABLES], struct trouble *ret_trouble);
/* All of it in one transaction, or nothing. Doing it again changes nothing: where the end of a
 * commit failed, nobody knows whether it is there after a reopening. */
bool db_write(struct db *db, const struct batch *batch, struct trouble *ret_trouble);

/* Looks through the whole file. TROUBLE_CORRUPT with the first thing found. */
bool db_check(struct db *db, struct trouble *ret_trouble);
void db_interrupt(struct db *db); /* any thread; only while db_check or db_copy may run */
/* Writes a copy of it all, as of now, into a file that exists and is empty. */
bool db_copy(struct db *db, const char *path, struct trouble *ret_trouble);

/* One slice of forgetting: events before that wall time, then the oldest beyond so many bytes, then
 * free pages. */
bool db_prune(struct db *db, int64_t before, int64_t most_bytes, bool *ret_more,
              struct trouble *ret_trouble);

#endif
