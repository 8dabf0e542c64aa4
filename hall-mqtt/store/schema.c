#include "store/schema.h"

#include "store/store.h"

const char *const schema_migrations[SCHEMA_VERSION] = {
    "CREATE TABLE state ("
    "  kind TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  body TEXT NOT NULL,"        /* JSON */
    "  saved_at INTEGER NOT NULL," /* ms since 1970 */
    "  PRIMARY KEY (kind, key)"
    ") STRICT;"
    "CREATE TABLE events ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL," /* ms since 1970 */
    "  server TEXT,"
    "  domain TEXT,"
    "  project TEXT,"
    "  type TEXT NOT NULL,"
    "  body TEXT NOT NULL" /* JSON */
    ") STRICT;"
    "CREATE INDEX events_by_at ON events (at);"
    "CREATE INDEX events_by_server ON events (server, at) WHERE server IS NOT NULL;",
};

const char *const schema_kinds[] = {
    [STORE_SERVER] = "server",
    [STORE_QUOTA] = "quota",
    [STORE_SETTING] = "setting",
};

/* Events go 200 at a time, so that a commit someone waits for never waits long behind them. */
const char *const schema_statements[SCHEMA_STATEMENTS] = {
    [SCHEMA_BEGIN] = "BEGIN IMMEDIATE",
    [SCHEMA_COMMIT] = "COMMIT",
    [SCHEMA_ROLLBACK] = "ROLLBACK",
    [SCHEMA_PUT] = "INSERT INTO state (kind, key, body, saved_at) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (kind, key) DO UPDATE"
                   " SET body = excluded.body, saved_at = excluded.saved_at",
    [SCHEMA_REMOVE] = "DELETE FROM state WHERE kind = ?1 AND key = ?2",
    [SCHEMA_LOG] = "INSERT INTO events (id, at, server, domain, project, type, body)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
    [SCHEMA_LOAD] = "SELECT key, body, saved_at FROM state WHERE kind = ?1 ORDER BY key",
    [SCHEMA_PRUNE_BEFORE] = "DELETE FROM events WHERE id IN"
                            " (SELECT id FROM events WHERE at < ?1 ORDER BY at LIMIT 200)",
    [SCHEMA_PRUNE_OLDEST] = "DELETE FROM events WHERE id IN"
                            " (SELECT id FROM events ORDER BY at LIMIT 200)",
    [SCHEMA_PAGES] = "PRAGMA page_count",
    [SCHEMA_FREE_PAGES] = "PRAGMA freelist_count",
    [SCHEMA_SHRINK] = "PRAGMA incremental_vacuum(200)",
};
