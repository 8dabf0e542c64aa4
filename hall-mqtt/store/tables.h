/*
 * schema: the tables of the store, as text. Migration n brings a file from user_version n to n + 1;
 * a released one is never changed. Pure data.
 */
#ifndef HALL_STORE_TABLES_H
#define HALL_STORE_TABLES_H

#include <stddef.h>

#include "store/store.h"

enum {
    SCHEMA_VERSION = 5,
    SCHEMA_APPLICATION = 0x48616c6c, /* "Hall": tells our files from another program's */
};

extern const char *const schema_migrations[SCHEMA_VERSION];

/* The word in column kind of table state, by enum store_kind. */
extern const char *const schema_kinds[];

/* Every statement that is prepared once. */
enum schema_statement {
    SCHEMA_BEGIN,
    SCHEMA_COMMIT,
    SCHEMA_ROLLBACK,
    SCHEMA_PUT,    /* kind, key, body, saved_at */
    SCHEMA_REMOVE, /* kind, key */
    /* One for each table: id, then its numbers and its texts, as store.h names them. */
    SCHEMA_EVENT,
    SCHEMA_WAKE,
    SCHEMA_SLEEP,
    SCHEMA_SPAN,
    SCHEMA_VISITS,
    SCHEMA_REFUSAL,
    SCHEMA_TOTALS,
    SCHEMA_LOGIN,
    SCHEMA_CHANGE,
    SCHEMA_LOAD,         /* kind -> key, body, saved_at */
    SCHEMA_PRUNE_BEFORE, /* at */
    SCHEMA_PRUNE_WAKES,  /* and so for each table */
    SCHEMA_PRUNE_SLEEPS,
    SCHEMA_PRUNE_SPANS,
    SCHEMA_PRUNE_VISITS,
    SCHEMA_PRUNE_REFUSALS,
    SCHEMA_PRUNE_LOGINS,
    SCHEMA_PRUNE_CHANGES,
    SCHEMA_PRUNE_OLDEST,
    SCHEMA_PRUNE_OLDEST_SPANS,
    SCHEMA_PAGES,
    SCHEMA_FREE_PAGES,
    SCHEMA_SHRINK,
    SCHEMA_STATEMENTS
};
extern const char *const schema_statements[SCHEMA_STATEMENTS];

struct schema_table {
    const char *name;
    enum schema_statement write;
    size_t numbers, texts; /* columns beside the id */
};
extern const struct schema_table schema_tables[STORE_TABLES];

#endif
