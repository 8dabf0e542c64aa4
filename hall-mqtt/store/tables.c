#include "store/tables.h"

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

    "CREATE INDEX events_by_type ON events (type, at)"
    "  WHERE type NOT IN ('stage', 'packet_sent');" /* most are, and are found without */
    "CREATE INDEX events_by_domain ON events (domain, at) WHERE domain IS NOT NULL;"
    "CREATE INDEX events_by_project ON events (project, at) WHERE project IS NOT NULL;"
    "CREATE TABLE wakes ("
    "  id INTEGER PRIMARY KEY,"
    "  started INTEGER NOT NULL,"     /* ms since 1970 */
    "  ms INTEGER NOT NULL,"          /* until ready, or given up */
    "  packets INTEGER NOT NULL,"     /* sent */
    "  kind INTEGER NOT NULL,"        /* 0 resume, 1 cold boot */
    "  ready INTEGER NOT NULL,"       /* 1, or 0: failed */
    "  hour INTEGER NOT NULL,"        /* of the week, local; Monday 00:00 is 0 */
    "  packet_sent INTEGER NOT NULL," /* stages: ms after its start; -1: not reached */
    "  first_sign INTEGER NOT NULL,"
    "  agent_online INTEGER NOT NULL,"
    "  docker_up INTEGER NOT NULL,"
    "  container_present INTEGER NOT NULL,"
    "  container_healthy INTEGER NOT NULL,"
    "  site_answers INTEGER NOT NULL,"
    "  wake TEXT NOT NULL," /* its id on the bus */
    "  server TEXT NOT NULL,"
    "  project TEXT," /* whose visit caused it */
    "  domain TEXT,"
    "  cause TEXT NOT NULL," /* a sentence */
    "  class TEXT NOT NULL," /* visit, command, hold, schedule, always_on, dependent, other */
    "  failure TEXT"
    ") STRICT;"
    "CREATE TABLE sleeps ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  ms INTEGER NOT NULL,"       /* from the proposal to proven silence; -1: nobody proposed it */
    "  awake_ms INTEGER NOT NULL," /* how long it was up; -1: unknown */
    "  outcome INTEGER NOT NULL,"  /* 0 asleep, 1 refused, 2 failed */
    "  server TEXT NOT NULL,"
    "  asked_by TEXT,"
    "  reason TEXT"
    ") STRICT;"
    "CREATE TABLE spans ("
    "  id INTEGER PRIMARY KEY,"
    "  ended INTEGER NOT NULL," /* or was last seen to last */
    "  ms INTEGER NOT NULL,"    /* by a clock that never steps */
    "  state INTEGER NOT NULL," /* 0 unknown, 1 off, ... in the order of the documents */
    "  open INTEGER NOT NULL,"  /* 1: it still lasted */
    "  server TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE visits ("
    "  id INTEGER PRIMARY KEY,"
    "  hour INTEGER NOT NULL," /* its beginning */
    "  last INTEGER NOT NULL,"
    "  n INTEGER NOT NULL,"
    "  domain TEXT NOT NULL,"
    "  project TEXT,"
    "  server TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE refusals ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  last INTEGER NOT NULL,"
    "  n INTEGER NOT NULL,"
    "  address TEXT NOT NULL,"
    "  domain TEXT,"
    "  project TEXT,"
    "  path TEXT,"
    "  why TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE totals ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  on_ms INTEGER NOT NULL," /* since it is counted */
    "  asleep_ms INTEGER NOT NULL,"
    "  server TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE logins ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  ok INTEGER NOT NULL,"
    "  address TEXT NOT NULL,"
    "  detail TEXT"
    ") STRICT;"
    "CREATE TABLE changes ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  loaded INTEGER NOT NULL,"
    "  changed_by TEXT NOT NULL,"
    "  etag TEXT,"
    "  detail TEXT"
    ") STRICT;",

    /* Energy is kept as it was used, so that other watts change nothing of what has been. */
    "CREATE TABLE spans_3 ("
    "  id INTEGER PRIMARY KEY,"
    "  ended INTEGER NOT NULL,"
    "  ms INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  open INTEGER NOT NULL,"
    "  used_mj INTEGER NOT NULL,"   /* millijoules; -1: not known, of the time before */
    "  always_mj INTEGER NOT NULL," /* what it would have used, left on */
    "  server TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO spans_3 SELECT id, ended, ms, state, open, -1, -1, server FROM spans;"
    "DROP TABLE spans;"
    "ALTER TABLE spans_3 RENAME TO spans;"
    "CREATE TABLE totals_3 ("
    "  id INTEGER PRIMARY KEY,"
    "  at INTEGER NOT NULL,"
    "  on_ms INTEGER NOT NULL," /* since it is counted */
    "  asleep_ms INTEGER NOT NULL,"
    "  used_mj INTEGER NOT NULL," /* -1: not known, of the time before */
    "  saved_mj INTEGER NOT NULL,"
    "  wakes INTEGER NOT NULL," /* -1 */
    "  server TEXT NOT NULL"
    ") STRICT;"
    "INSERT INTO totals_3 SELECT id, at, on_ms, asleep_ms, -1, -1, -1, server FROM totals;"
    "DROP TABLE totals;"
    "ALTER TABLE totals_3 RENAME TO totals;",

    /* What a sentence says, as JSON. Rows of before have the sentence alone. */
    ("ALTER TABLE wakes ADD COLUMN cause_fact TEXT;"
     "ALTER TABLE sleeps ADD COLUMN reason_fact TEXT;"),

    "ALTER TABLE refusals ADD COLUMN why_fact TEXT;", /* so of refusals */
};

const char *const schema_kinds[] = {
    [STORE_SERVER] = "server",
    [STORE_QUOTA] = "quota",
    [STORE_SETTING] = "setting",
};

/* These tables are small: they are looked through as they lie. */
#define PRUNE(table_, column_)                                                                     \
    "DELETE FROM " table_ " WHERE id IN (SELECT id FROM " table_ " WHERE " column_                 \
    " < ?1 LIMIT 200)"

/* Events go 200 at a time, so that a commit someone waits for never waits long behind them. */
const char *const schema_statements[SCHEMA_STATEMENTS] = {
    [SCHEMA_BEGIN] = "BEGIN IMMEDIATE",
    [SCHEMA_COMMIT] = "COMMIT",
    [SCHEMA_ROLLBACK] = "ROLLBACK",
    [SCHEMA_PUT] = "INSERT INTO state (kind, key, body, saved_at) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (kind, key) DO UPDATE"
                   " SET body = excluded.body, saved_at = excluded.saved_at",
    [SCHEMA_REMOVE] = "DELETE FROM state WHERE kind = ?1 AND key = ?2",
    [SCHEMA_EVENT] = "INSERT INTO events (id, at, server, domain, project, type, body)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
    [SCHEMA_WAKE] = "INSERT OR REPLACE INTO wakes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                    " ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
    [SCHEMA_SLEEP] = "INSERT OR REPLACE INTO sleeps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SCHEMA_SPAN] = "INSERT OR REPLACE INTO spans VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SCHEMA_VISITS] = "INSERT OR REPLACE INTO visits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SCHEMA_REFUSAL] =
        "INSERT OR REPLACE INTO refusals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SCHEMA_TOTALS] = "INSERT OR REPLACE INTO totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SCHEMA_LOGIN] = "INSERT OR REPLACE INTO logins VALUES (?1, ?2, ?3, ?4, ?5)",
    [SCHEMA_CHANGE] = "INSERT OR REPLACE INTO changes VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SCHEMA_LOAD] = "SELECT key, body, saved_at FROM state WHERE kind = ?1 ORDER BY key",
    [SCHEMA_PRUNE_BEFORE] = "DELETE FROM events WHERE id IN"
                            " (SELECT id FROM events WHERE at < ?1 ORDER BY at LIMIT 200)",
    [SCHEMA_PRUNE_WAKES] = PRUNE("wakes", "started"),
    [SCHEMA_PRUNE_SLEEPS] = PRUNE("sleeps", "at"),
    [SCHEMA_PRUNE_SPANS] = PRUNE("spans", "ended"),
    [SCHEMA_PRUNE_VISITS] = PRUNE("visits", "hour"),
    [SCHEMA_PRUNE_REFUSALS] = PRUNE("refusals", "last"),
    [SCHEMA_PRUNE_LOGINS] = PRUNE("logins", "at"),
    [SCHEMA_PRUNE_CHANGES] = PRUNE("changes", "at"),
    [SCHEMA_PRUNE_OLDEST] = "DELETE FROM events WHERE id IN"
                            " (SELECT id FROM events ORDER BY at LIMIT 200)",
    [SCHEMA_PRUNE_OLDEST_SPANS] = "DELETE FROM spans WHERE id IN"
                                  " (SELECT id FROM spans ORDER BY id LIMIT 200)",
    [SCHEMA_PAGES] = "PRAGMA page_count",
    [SCHEMA_FREE_PAGES] = "PRAGMA freelist_count",
    [SCHEMA_SHRINK] = "PRAGMA incremental_vacuum(200)",
};

const struct schema_table schema_tables[STORE_TABLES] = {
    [STORE_EVENTS] = {"events", SCHEMA_EVENT, 1, 5},
    [STORE_WAKES] = {"wakes", SCHEMA_WAKE, 13, 8},
    [STORE_SLEEPS] = {"sleeps", SCHEMA_SLEEP, 4, 4},
    [STORE_SPANS] = {"spans", SCHEMA_SPAN, 6, 1},
    [STORE_VISITS] = {"visits", SCHEMA_VISITS, 3, 3},
    [STORE_REFUSALS] = {"refusals", SCHEMA_REFUSAL, 3, 6},
    [STORE_TOTALS] = {"totals", SCHEMA_TOTALS, 6, 1},
    [STORE_LOGINS] = {"logins", SCHEMA_LOGIN, 2, 2},
    [STORE_CHANGES] = {"changes", SCHEMA_CHANGE, 2, 3},
};
