#include "store/db.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/db_internal.h"

enum { PROGRESS_STEPS = 2000 }; /* of SQLite's machine, between two looks at the clock */

struct db {
    bool fresh;
    int64_t deadline_ns; /* boot; of a reader's queries */
    sqlite3 *sql;
    sqlite3_stmt *statements[SCHEMA_STATEMENTS];
};

/* ---- what went wrong ---- */

static enum trouble_kind kind_of_io(int code, int system_error)
{
    if (code == SQLITE_IOERR_CORRUPTFS)
        return TROUBLE_CORRUPT;
    if (code == SQLITE_IOERR_NOMEM)
        return TROUBLE_MEMORY;
    return system_error != 0 ? trouble_kind_of_errno(system_error) : TROUBLE_IO;
}

static enum trouble_kind kind_of(int code, int system_error)
{
    if (code == SQLITE_READONLY_DBMOVED)
        return TROUBLE_MOVED;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TROUBLE_BUSY;
    case SQLITE_FULL:
        return TROUBLE_FULL;
    case SQLITE_READONLY:
        return TROUBLE_READ_ONLY;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return TROUBLE_PERMISSION;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TROUBLE_CORRUPT;
    case SQLITE_NOMEM:
        return TROUBLE_MEMORY;
    case SQLITE_INTERRUPT:
        return TROUBLE_INTERRUPTED;
    default:
        return kind_of_io(code, system_error);
    }
}

static void trouble_set(struct trouble *trouble, enum trouble_kind kind, const char *detail)
{
    trouble->kind = kind;
    text_show(trouble->detail, sizeof(trouble->detail), detail, strlen(detail));
}

/* Always false, so that a caller can return it. */
static bool fail(sqlite3 *sql, struct trouble *ret_trouble)
{
    char detail[sizeof(ret_trouble->detail)];
    int code = sqlite3_extended_errcode(sql);
    int error = sqlite3_system_errno(sql);
    bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    const char *said = of_system && error != 0 ? strerrordesc_np(error) : NULL;
    snprintf(detail, sizeof(detail), "%s%s%s, SQLite %d", sqlite3_errmsg(sql), said ? ": " : "",
             said ? said : "", code);
    trouble_set(ret_trouble, kind_of(code, error), detail);
    return false;
}

/* Always false, so that a caller can return it. */
static bool refuse(struct trouble *ret_trouble, enum trouble_kind kind, const char *detail)
{
    trouble_set(ret_trouble, kind, detail);
    return false;
}

/* ---- small doors to SQL ---- */

static bool execute(sqlite3 *sql, const char *text, struct trouble *ret_trouble)
{
    return sqlite3_exec(sql, text, NULL, NULL, NULL) == SQLITE_OK || fail(sql, ret_trouble);
}

/* The first column of the first row, as text; "" where there is none. */
static bool ask(sqlite3 *sql, const char *question, char *out, size_t size,
                struct trouble *ret_trouble)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(sql, question, -1, &statement, NULL) != SQLITE_OK)
        return fail(sql, ret_trouble);
    int code = sqlite3_step(statement);
    const unsigned char *text = code == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || fail(sql, ret_trouble);
    if (ok)
        text_copy(out, size, text ? (const char *)text : "");
    sqlite3_finalize(statement);
    return ok;
}

static bool ask_number(sqlite3 *sql, const char *question, int64_t *ret_number,
                       struct trouble *ret_trouble)
{
    char text[32];
    if (!ask(sql, question, text, sizeof(text), ret_trouble))
        return false;
    *ret_number = strtoll(text, NULL, 10);
    return true;
}

/* ---- statements ---- */

/* What does not fit our tables, though the file says it is ours and of this version, is broken. */
static bool prepare(struct db *db, enum schema_statement which, struct trouble *ret_trouble)
{
    int code = sqlite3_prepare_v3(db->sql, schema_statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                                  &db->statements[which], NULL);
    if (code == SQLITE_ERROR)
        return refuse(ret_trouble, TROUBLE_CORRUPT, sqlite3_errmsg(db->sql));
    return code == SQLITE_OK || fail(db->sql, ret_trouble);
}

static void put_away(struct db *db, enum schema_statement which)
{
    /* Those of upkeep are used once an hour: they are made anew, rather than kept in memory. */
    if (which < SCHEMA_LOAD) {
        sqlite3_reset(db->statements[which]);
        return;
    }
    sqlite3_finalize(db->statements[which]);
    db->statements[which] = NULL;
}

static bool take_out(struct db *db, enum schema_statement which, struct trouble *ret_trouble)
{
    return db->statements[which] || prepare(db, which, ret_trouble);
}

/* Runs a prepared statement to its end; its first column, if any, becomes the number. */
bool db_run(struct db *db, enum schema_statement which, int64_t *ret_number,
            struct trouble *ret_trouble)
{
    int code;
    if (!take_out(db, which, ret_trouble))
        return false;
    sqlite3_stmt *statement = db->statements[which];
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (ret_number)
            *ret_number = sqlite3_column_int64(statement, 0);
    bool ok = code == SQLITE_DONE || fail(db->sql, ret_trouble);
    put_away(db, which);
    return ok;
}

static int bind_one(sqlite3_stmt *statement, int index, const struct value *value)
{
    if (value->is_number)
        return sqlite3_bind_int64(statement, index, value->number);
    return sqlite3_bind_text(statement, index, value->text, -1, SQLITE_STATIC);
}

static bool bind_values(struct db *db, enum schema_statement which, size_t n,
                        const struct value values[], struct trouble *ret_trouble)
{
    if (!take_out(db, which, ret_trouble))
        return false;
    for (size_t i = 0; i < n; i++)
        if (bind_one(db->statements[which], (int)i + 1, &values[i]) != SQLITE_OK)
            return fail(db->sql, ret_trouble);
    return true;
}

bool db_run_with(struct db *db, enum schema_statement which, size_t n, const struct value values[],
                 struct trouble *ret_trouble)
{
    bool ok =
        bind_values(db, which, n, values, ret_trouble) && db_run(db, which, NULL, ret_trouble);
    if (db->statements[which])
        sqlite3_clear_bindings(db->statements[which]);
    return ok;
}

/* ---- opening ---- */

/* Before anything is changed: whose file is it? One with all of Hall's tables is Hall's, whatever
 * its header says; and no version of Hall has so large a number. */
static bool check_owner(sqlite3 *sql, int64_t *ret_version, struct trouble *ret_trouble)
{
    enum { VERSION_MOST = 1000 };
    int64_t application = 0, tables = 0, ours = 0;
    if (!ask_number(sql, "PRAGMA application_id", &application, ret_trouble) ||
        !ask_number(sql, "PRAGMA user_version", ret_version, ret_trouble) ||
        !ask_number(sql, "SELECT count(*) FROM sqlite_schema", &tables, ret_trouble) ||
        !ask_number(sql,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN"
                    " ('state', 'events', 'wakes', 'sleeps', 'spans', 'totals')",
                    &ours, ret_trouble))
        return false;
    if ((ours == 6 && (application != SCHEMA_APPLICATION || *ret_version == 0)) ||
        (application == SCHEMA_APPLICATION && (*ret_version < 0 || *ret_version > VERSION_MOST)))
        return refuse(ret_trouble, TROUBLE_CORRUPT, "its header is not as Hall wrote it");
    if (application != SCHEMA_APPLICATION && (application != 0 || tables > 0))
        return refuse(ret_trouble, TROUBLE_FOREIGN, "its application_id is not Hall's");
    if (*ret_version < 0 || *ret_version > SCHEMA_VERSION)
        return refuse(ret_trouble, TROUBLE_NEWER, "its user_version is unknown here");
    return true;
}

/* An open that may not write falls back to reading without a word. */
static bool check_writable(sqlite3 *sql, const char *path, struct trouble *ret_trouble)
{
    if (sqlite3_db_readonly(sql, "main") != 1)
        return true;
    *ret_trouble = trouble_of_errno(access(path, W_OK) < 0 ? errno : EROFS);
    return false;
}

/* What must be said before the first table, and changes nothing later. */
static bool shape(sqlite3 *sql, struct trouble *ret_trouble)
{
    char text[64];
    int64_t pages = 0;
    if (!ask_number(sql, "PRAGMA page_count", &pages, ret_trouble))
        return false;
    snprintf(text, sizeof(text), "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL",
             DB_PAGE_SIZE);
    return pages > 0 || execute(sql, text, ret_trouble);
}

/* secure_delete would write what is deleted once more. The log: a checkpoint each MiB or so. */
static bool tune(sqlite3 *sql, struct trouble *ret_trouble)
{
    char mode[16];
    if (!ask(sql, "PRAGMA journal_mode=WAL", mode, sizeof(mode), ret_trouble))
        return false;
    if (strcmp(mode, "wal") != 0)
        return refuse(ret_trouble, TROUBLE_NO_LOG, "journal_mode=WAL is refused");
    return execute(sql,
                   "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-40;"
                   "PRAGMA mmap_size=0; PRAGMA secure_delete=OFF; PRAGMA trusted_schema=OFF;"
                   "PRAGMA cell_size_check=ON; PRAGMA wal_autocheckpoint=1000;"
                   "PRAGMA journal_size_limit=1048576",
                   ret_trouble);
}

static bool migrate_within(sqlite3 *sql, int64_t version, struct trouble *ret_trouble)
{
    char mark[96];
    for (int64_t i = version; i < SCHEMA_VERSION; i++)
        if (!execute(sql, schema_migrations[i], ret_trouble))
            return false;
    snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
             SCHEMA_APPLICATION, SCHEMA_VERSION);
    return execute(sql, mark, ret_trouble);
}

static void roll_back(sqlite3 *sql)
{
    if (!sqlite3_get_autocommit(sql))
        sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
}

static bool migrate(sqlite3 *sql, int64_t version, struct trouble *ret_trouble)
{
    if (version == SCHEMA_VERSION)
        return true;
    if (!execute(sql, "BEGIN IMMEDIATE", ret_trouble))
        return false;
    bool ok = migrate_within(sql, version, ret_trouble);
    if (!ok)
        roll_back(sql);
    return ok;
}

static bool prepare_all(struct db *db, struct trouble *ret_trouble)
{
    for (enum schema_statement i = 0; i < SCHEMA_STATEMENTS; i++)
        if (!prepare(db, i, ret_trouble))
            return false;
        else
            put_away(db, i);
    return true;
}

static bool connect_to(struct db *db, const char *name, int flags, int busy_ms,
                       struct trouble *ret_trouble)
{
    int code = sqlite3_open_v2(name, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (!db->sql)
        return refuse(ret_trouble, TROUBLE_MEMORY, "no memory for a connection");
    sqlite3_extended_result_codes(db->sql, 1);
    sqlite3_db_config(db->sql, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
    sqlite3_busy_timeout(db->sql, busy_ms);
    return code == SQLITE_OK || fail(db->sql, ret_trouble);
}

static bool set_up(struct db *db, const char *path, int busy_ms, struct trouble *ret_trouble)
{
    int64_t version = 0;
    bool ok = connect_to(db, path, SQLITE_OPEN_READWRITE, busy_ms, ret_trouble) &&
              check_writable(db->sql, path, ret_trouble) &&
              check_owner(db->sql, &version, ret_trouble) && shape(db->sql, ret_trouble) &&
              tune(db->sql, ret_trouble) && migrate(db->sql, version, ret_trouble) &&
              prepare_all(db, ret_trouble);
    db->fresh = version == 0;
    return ok;
}

bool db_open(const char *path, int busy_ms, struct db **ret_db, struct trouble *ret_trouble)
{
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return refuse(ret_trouble, TROUBLE_MEMORY, "no memory for a connection");
    if (!set_up(db, path, busy_ms, ret_trouble)) {
        db_close(db, false);
        return false;
    }
    *ret_db = db;
    return true;
}

/* "file:PATH?immutable=1": a file without a log, on a file system where none can be made. */
static void immutable_name(const char *path, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "file:");
    for (; *path != '\0' && n + 20 < size; path++)
        n += (size_t)snprintf(out + n, size - n, strchr("?#%", *path) ? "%%%02x" : "%c",
                              (unsigned char)*path);
    snprintf(out + n, size - n, "?immutable=1");
}

static bool set_up_reader(struct db *db, const char *path, struct trouble *ret_trouble)
{
    char name[3 * PATH_MAX + 32];
    int64_t version = 0;
    snprintf(name, sizeof(name), "%s-wal", path);
    bool has_log = access(name, F_OK) == 0;
    if (has_log)
        text_copy(name, sizeof(name), path);
    else
        immutable_name(path, name, sizeof(name));
    return connect_to(db, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, 0, ret_trouble) &&
           check_owner(db->sql, &version, ret_trouble) && prepare(db, SCHEMA_LOAD, ret_trouble);
}

bool db_open_reader(const char *path, struct db **ret_db, struct trouble *ret_trouble)
{
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return refuse(ret_trouble, TROUBLE_MEMORY, "no memory for a connection");
    if (!set_up_reader(db, path, ret_trouble)) {
        db_close(db, false);
        return false;
    }
    *ret_db = db;
    return true;
}

void db_close(struct db *db, bool well)
{
    if (!db)
        return;
    for (enum schema_statement i = 0; i < SCHEMA_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    if (db->sql)
        sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, well ? 0 : 1, NULL);
    sqlite3_close(db->sql);
    free(db);
}

bool db_is_fresh(const struct db *db)
{
    return db->fresh;
}

void db_set_busy(struct db *db, int busy_ms)
{
    sqlite3_busy_timeout(db->sql, busy_ms);
}

/* ---- rows ---- */

struct db_row {
    sqlite3_stmt *statement;
};

int64_t db_row_number(const struct db_row *row, int column)
{
    return sqlite3_column_int64(row->statement, column);
}

const char *db_row_text(const struct db_row *row, int column)
{
    return (const char *)sqlite3_column_text(row->statement, column);
}

/* Steps through the rows until there are no more, or the reader has enough. */
static bool walk(struct db *db, sqlite3_stmt *statement, db_reader *read, void *context,
                 struct trouble *ret_trouble)
{
    const struct db_row row = {.statement = statement};
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (!read || !read(context, &row))
            return true;
    return code == SQLITE_DONE || fail(db->sql, ret_trouble);
}

bool db_walk(struct db *db, enum schema_statement which, size_t n, const struct value values[],
             db_reader *read, void *context, struct trouble *ret_trouble)
{
    bool ok = bind_values(db, which, n, values, ret_trouble) &&
              walk(db, db->statements[which], read, context, ret_trouble);
    put_away(db, which);
    return ok;
}

bool db_query(struct db *db, const char *text, size_t n, const struct value values[],
              db_reader *read, void *context, struct trouble *ret_trouble)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->sql, text, -1, &statement, NULL) != SQLITE_OK)
        return fail(db->sql, ret_trouble);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = bind_one(statement, (int)i + 1, &values[i]) == SQLITE_OK || fail(db->sql, ret_trouble);
    ok = ok && walk(db, statement, read, context, ret_trouble);
    sqlite3_finalize(statement);
    return ok;
}

bool db_ask_number(struct db *db, const char *question, int64_t *ret_number,
                   struct trouble *ret_trouble)
{
    return ask_number(db->sql, question, ret_number, ret_trouble);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes(db->sql);
}

void db_roll_back(struct db *db)
{
    roll_back(db->sql);
}

static int is_late(void *context)
{
    const struct db *db = context;
    return clock_boot_ns() > db->deadline_ns;
}

void db_limit(struct db *db, int64_t limit_ms)
{
    db->deadline_ns = clock_boot_ns() + limit_ms * 1000000;
    sqlite3_progress_handler(db->sql, PROGRESS_STEPS, is_late, db);
}

/* A file that is no longer where it was would take every row and lose it. */
bool db_check_place(struct db *db, struct trouble *ret_trouble)
{
    int moved = 0;
    int code = sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (code == SQLITE_OK && moved)
        return refuse(ret_trouble, TROUBLE_MOVED, "another file or none is at that path");
    return true;
}

/* ---- upkeep ---- */

bool db_check(struct db *db, struct trouble *ret_trouble)
{
    char found[sizeof(ret_trouble->detail)];
    if (!ask(db->sql, "PRAGMA quick_check(1)", found, sizeof(found), ret_trouble))
        return false;
    return strcmp(found, "ok") == 0 || refuse(ret_trouble, TROUBLE_CORRUPT, found);
}

void db_interrupt(struct db *db)
{
    sqlite3_interrupt(db->sql);
}

bool db_copy(struct db *db, const char *path, struct trouble *ret_trouble)
{
    return db_query(db, "VACUUM INTO ?1", 1, (struct value[]){TEXT(path)}, NULL, NULL, ret_trouble);
}
