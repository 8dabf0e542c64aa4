#include "store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "store/backup.h"
#include "store/db_internal.h"
#include "store/place.h"
#include "store/salvage_state.h"

#define KIND "salvage"
#define KEY  "last"

enum { WORDS_MAX = 16384, FIRST_PAGE = 3 };

/* ---- how far it is, as a row ---- */

static const struct count {
    const char *name;
    size_t at;
} counts[] = {
    {"at", offsetof(struct store_salvage, at)},
    {"records", offsetof(struct store_salvage, records)},
    {"records_copied", offsetof(struct store_salvage, records_copied)},
    {"entries", offsetof(struct store_salvage, entries)},
    {"entries_copied", offsetof(struct store_salvage, entries_copied)},
    {"lost", offsetof(struct store_salvage, lost)},
};
enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

static void describe(const struct salvage *salvage, struct buf *out)
{
    struct json_writer json;

    json_writer_init(&json, out);
    json_begin_object(&json, NULL);
    json_put_bool(&json, "done", salvage->told.done);
    json_put_string(&json, "file", salvage->told.file);
    json_put_string(&json, "copy", salvage->told.copy);
    for (size_t i = 0; i < COUNTS; i++)
        json_put_integer(&json, counts[i].name,
                         *(const int64_t *)((const char *)&salvage->told + counts[i].at));
    json_begin_array(&json, "sources");
    for (size_t i = salvage->source; i < salvage->n_sources; i++)
        json_put_string(&json, NULL, salvage->sources[i]);
    json_end_array(&json);
    json_put_integer(&json, "page", salvage->page);
    json_end_object(&json);
}

static void read_sources(const struct json *list, struct salvage *salvage)
{
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *name = json_string(item);

        if (name && !strchr(name, '/') && salvage->n_sources < SALVAGE_SOURCES_MAX)
            text_copy(salvage->sources[salvage->n_sources++], sizeof(salvage->sources[0]), name);
    }
}

static bool parse(const char *words, struct salvage *ret_salvage)
{
    struct json_error why;
    struct json *json = NULL;
    int64_t page = 0;

    *ret_salvage = (struct salvage){0};
    if (json_read(words, strlen(words), &json_limits_payload, &json, &why) < 0)
        return false;
    const char *file = json_get_string(json, "file"), *copy = json_get_string(json, "copy");

    text_copy(ret_salvage->told.file, sizeof(ret_salvage->told.file), file ? file : "");
    text_copy(ret_salvage->told.copy, sizeof(ret_salvage->told.copy), copy ? copy : "");
    for (size_t i = 0; i < COUNTS; i++)
        (void)json_integer(json_get(json, counts[i].name),
                           (int64_t *)((char *)&ret_salvage->told + counts[i].at));
    read_sources(json_get(json, "sources"), ret_salvage);
    (void)json_integer(json_get(json, "page"), &page);
    ret_salvage->page = page > 0 && page < UINT32_MAX ? (uint32_t)page : FIRST_PAGE;
    ret_salvage->told.done = json_get_bool(json, "done", true);
    ret_salvage->told.turn = 1;
    json_free(json);
    return true;
}

static bool read_row(void *context, const struct db_row *row)
{
    const char *words = db_row_text(row, 0);

    (void)(words && parse(words, context));
    return false;
}

bool salvage_read(struct db *db, struct salvage *ret_salvage, struct trouble *ret_trouble)
{
    *ret_salvage = (struct salvage){0};
    return db_query(db, "SELECT body FROM state WHERE kind = '" KIND "' AND key = '" KEY "'", 0,
                    NULL, read_row, ret_salvage, ret_trouble);
}

static bool put_state(struct db *db, const char *kind, const char *key, const char *body,
                      int64_t saved_at, struct trouble *ret_trouble)
{
    const struct value values[] = {TEXT(kind), TEXT(key), TEXT(body), NUMBER(saved_at)};

    return db_run_with(db, SCHEMA_PUT, 4, values, ret_trouble);
}

bool salvage_write(struct db *db, const struct salvage *salvage, struct trouble *ret_trouble)
{
    struct buf words = BUF_INIT(WORDS_MAX);

    describe(salvage, &words);
    const bool ok = put_state(db, KIND, KEY, buf_text(&words), salvage->told.at, ret_trouble);

    buf_finish(&words);
    return ok;
}

/* ---- the new file ---- */

static bool name_of(const char *path, const char *suffix, char out[PATH_MAX])
{
    const int length = snprintf(out, PATH_MAX, "%s%s", path, suffix);

    return length > 0 && length < PATH_MAX;
}

static bool in_folder(const char *path, const char *name, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const int length =
        snprintf(out, PATH_MAX, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);

    return length > 0 && length < PATH_MAX;
}

static void remove_all(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_MAX];

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (name_of(path, suffixes[i], name))
            unlink(name);
}

static bool put_totals(struct db *db, const struct store_entry *entry, struct trouble *ret_trouble)
{
    struct value values[1 + STORE_NUMBERS_MAX + STORE_TEXTS_MAX] = {NUMBER(entry->id)};
    size_t n = 1;

    for (size_t i = 0; i < schema_tables[STORE_TOTALS].numbers; i++)
        values[n++] = NUMBER(entry->numbers[i]);
    values[n++] = TEXT(entry->texts[0]);
    return db_run_with(db, SCHEMA_TOTALS, n, values, ret_trouble);
}

/* What one that was under way in the damaged file had still before it. */
static void go_on_with(struct salvage *salvage, const char *words)
{
    struct salvage before;

    if (!parse(words, &before) || before.told.done)
        return;
    for (size_t i = 0; i < before.n_sources && salvage->n_sources < SALVAGE_SOURCES_MAX; i++)
        text_copy(salvage->sources[salvage->n_sources++], sizeof(salvage->sources[0]),
                  before.sources[i]);
}

static bool put_found(struct db *db, const struct salvage_found *found, struct salvage *salvage,
                      struct trouble *ret_trouble)
{
    if (!db_run(db, SCHEMA_BEGIN, NULL, ret_trouble))
        return false;
    for (size_t i = 0; i < found->n; i++) {
        const struct found_state *row = &found->rows[i];

        if (strcmp(row->kind, KIND) == 0)
            go_on_with(salvage, row->body);
        else if (!put_state(db, row->kind, row->key, row->body, row->saved_at, ret_trouble))
            return false;
        else
            *(row->rank > 0 ? &salvage->told.records_copied : &salvage->told.records) += 1;
    }
    for (size_t i = 0; i < found->n_totals; i++)
        if (!put_totals(db, &found->totals[i], ret_trouble))
            return false;
    return salvage_write(db, salvage, ret_trouble) && db_run(db, SCHEMA_COMMIT, NULL, ret_trouble);
}

/* The damaged file has its history first, then what was still to be read, then the copy. */
static void choose_sources(const char *path, const struct salvage_found *found,
                           struct salvage *salvage)
{
    char copy[PATH_MAX];

    if (salvage->told.file[0] != '\0')
        text_copy(salvage->sources[salvage->n_sources++], sizeof(salvage->sources[0]),
                  salvage->told.file);
    text_copy(salvage->told.copy, sizeof(salvage->told.copy), found->copy);
    if (found->copy[0] == '\0' && backup_before(path, NULL, copy))
        text_copy(salvage->told.copy, sizeof(salvage->told.copy), basename(copy));
    if (salvage->told.copy[0] != '\0')
        text_copy(salvage->sources[salvage->n_sources++], sizeof(salvage->sources[0]),
                  salvage->told.copy);
}

static bool fill(const char *path, const char *work, struct salvage *salvage,
                 struct trouble *ret_trouble)
{
    struct salvage_found found;
    struct db *db = NULL;
    int64_t root = 0;
    int error = place_prepare(work);

    if (error < 0)
        *ret_trouble = trouble_of_errno(error);
    if (error < 0 || !db_open(work, 0, &db, ret_trouble))
        return false;
    bool ok = db_ask_number(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'totals'", &root,
                            ret_trouble);

    if (ok) {
        salvage_find(path, (uint32_t)root, &found);
        choose_sources(path, &found, salvage);
        ok = put_found(db, &found, salvage, ret_trouble);
        salvage_found_finish(&found);
    }
    db_close(db, ok);
    return ok;
}

bool salvage_is_sound(const char *body)
{
    return salvage_is_json(body, strlen(body));
}

static bool is_empty(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? S_ISREG(status.st_mode) && status.st_size == 0
                                    : errno == ENOENT;
}

/* The library would throw away what the log of an empty file holds. */
static bool has_log(const char *path)
{
    char name[PATH_MAX];
    struct stat status;

    return name_of(path, "-wal", name) && stat(name, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size > 0;
}

bool salvage_is_missing(const char *path)
{
    char copy[PATH_MAX];

    return is_empty(path) && (has_log(path) || backup_before(path, NULL, copy));
}

/* A log is set aside together with its file. */
static int make_empty(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/* ---- taking its place ---- */

static int put_in_place(const char *path, const char *ready)
{
    char aside[PATH_MAX];
    struct salvage salvage = {0};
    struct trouble trouble;
    struct db *db = NULL;

    if (db_open(ready, 0, &db, &trouble))
        (void)salvage_read(db, &salvage, &trouble);
    db_close(db, true);
    if (salvage.told.turn == 0) { /* it is none, or broken: as if it had never been made */
        remove_all(ready);
        return 0;
    }
    int error = 0;

    if (salvage.told.file[0] == '\0')
        remove_all(path);
    else
        error = in_folder(path, salvage.told.file, aside) ? place_move(path, aside) : -ENAMETOOLONG;
    if (error == 0 && rename(ready, path) < 0)
        error = -errno;
    return error < 0 ? error : place_sync(path);
}

int salvage_finish(const char *path)
{
    char ready[PATH_MAX];

    if (!name_of(path, ".salvaged", ready) || access(ready, F_OK) < 0)
        return 0;
    return put_in_place(path, ready);
}

bool salvage_begin(const char *path, int64_t wall_ms, struct salvage *ret_salvage,
                   struct trouble *ret_trouble)
{
    char work[PATH_MAX], ready[PATH_MAX], aside[PATH_MAX];
    struct stat status;
    struct salvage salvage = {.page = FIRST_PAGE, .told = {.turn = 1, .at = wall_ms}};
    int error = name_of(path, ".salvaged.new", work) && name_of(path, ".salvaged", ready)
                    ? place_choose_aside(path, wall_ms, aside)
                    : -ENAMETOOLONG;

    if (error == 0 && has_log(path) && stat(path, &status) < 0 && errno == ENOENT)
        error = make_empty(path);
    if (error == 0 && stat(path, &status) == 0 && (status.st_size > 0 || has_log(path)))
        text_copy(salvage.told.file, sizeof(salvage.told.file), basename(aside));
    if (error == 0) {
        remove_all(work);
        if (!fill(path, work, &salvage, ret_trouble)) {
            remove_all(work);
            return false;
        }
        error = place_sync(work);
    }
    if (error == 0 && rename(work, ready) < 0)
        error = -errno;
    if (error == 0)
        error = place_sync(ready);
    if (error == 0)
        error = salvage_finish(path);
    if (error < 0)
        *ret_trouble = trouble_of_errno(error);
    *ret_salvage = salvage;
    return error == 0;
}

int salvage_load(const char *path, enum store_kind kind, store_row *row, void *context)
{
    struct salvage_found found;

    salvage_find(path, 0, &found);
    const size_t n = found.n;

    for (size_t i = 0; i < n; i++)
        if (strcmp(found.rows[i].kind, schema_kinds[kind]) == 0)
            row(context, found.rows[i].key, found.rows[i].body, found.rows[i].saved_at);
    salvage_found_finish(&found);
    return n > 0 ? 0 : -ENODATA;
}
