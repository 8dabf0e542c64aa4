/*
 * schema: the tables of the store, as text. Migration n brings a file from user_version n to n + 1;
 * a released one is never changed. Pure data.
 */
#ifndef HALL_STORE_SCHEMA_H
#define HALL_STORE_SCHEMA_H

#include <stddef.h>

enum {
    SCHEMA_VERSION = 1,
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
    SCHEMA_PUT,          /* kind, key, body, saved_at */
    SCHEMA_REMOVE,       /* kind, key */
    SCHEMA_LOG,          /* id, at, server, domain, project, type, body */
    SCHEMA_LOAD,         /* kind -> key, body, saved_at */
    SCHEMA_PRUNE_BEFORE, /* at */
    SCHEMA_PRUNE_OLDEST,
    SCHEMA_PAGES,
    SCHEMA_FREE_PAGES,
    SCHEMA_SHRINK,
    SCHEMA_STATEMENTS
};
extern const char *const schema_statements[SCHEMA_STATEMENTS];

#endif
