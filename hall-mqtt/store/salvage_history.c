#include "store/salvage_history.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/db_internal.h"
#include "store/salvage_rows.h"

enum { FIRST_PAGE = 3, LOOK_EVERY = 8 };

/* ---- rows ---- */

static bool is_copy(const struct salvage *salvage)
{
    return strcmp(salvage->sources[salvage->source], salvage->told.copy) == 0;
}

static bool put_event(struct db *db, const struct store_entry *entry, struct trouble *ret_trouble)
{
    struct value values[7] = {NUMBER(entry->id), NUMBER(entry->numbers[0])};

    for (size_t i = 0; i < 5; i++)
        values[2 + i] = TEXT(entry->texts[i]);
    return db_run_with(db, SCHEMA_EVENT, 7, values, ret_trouble);
}

/* What is there already is newer. A row that lacks what its table asks for is passed over. */
static bool put_other(struct db *db, const struct store_entry *entry, struct trouble *ret_trouble)
{
    const struct schema_table *table = &schema_tables[entry->table];
    struct value values[1 + STORE_NUMBERS_MAX + STORE_TEXTS_MAX] = {NUMBER(entry->id)};
    char text[256];
    size_t n = 1;

    for (size_t i = 0; i < table->numbers; i++)
        values[n++] = NUMBER(entry->numbers[i]);
    for (size_t i = 0; i < table->texts; i++)
        values[n++] = TEXT(entry->texts[i]);
    size_t used =
        (size_t)snprintf(text, sizeof(text), "INSERT OR IGNORE INTO %s VALUES (?", table->name);
    for (size_t i = 1; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", ?");
    snprintf(text + used, sizeof(text) - used, ")");
    return db_query(db, text, n, values, NULL, NULL, ret_trouble);
}

/* What became of the cells of a page. */
struct yield {
    size_t n, n_taken;
};

/* False: it cannot be written. */
static bool put_cell(struct pages *pages, struct db *db, const struct btree_cell *cell,
                     struct salvage *salvage, struct yield *yield, struct trouble *ret_trouble)
{
    struct store_entry entry;
    char *room = NULL;

    if (!salvage_entry(pages, cell, STORE_TABLES, &entry, &room))
        return true;
    const bool ok = entry.table == STORE_EVENTS ? put_event(db, &entry, ret_trouble)
                                                : put_other(db, &entry, ret_trouble);

    yield->n_taken++;
    if (ok && db_changes(db) > 0)
        *(is_copy(salvage) ? &salvage->told.entries_copied : &salvage->told.entries) += 1;
    free(room);
    return ok;
}

/* ---- pages ---- */

/* A page that belongs to a tree and is none of its pages any more; or one of the history of which
 * something could not be read. All rows of a page are of one table: records and totals, which were
 * saved before, leave nothing here. Only the first page of a tree may be without rows. */
static bool is_damaged(struct pages *pages, const uint8_t page[BTREE_PAGE], uint32_t number,
                       const struct yield *yield)
{
    const uint32_t tree = pages_tree(pages, number);
    const enum btree_kind kind = btree_kind(page, number);

    if (yield->n_taken > 0)
        return yield->n_taken < yield->n;
    return tree != PAGES_NONE && tree != PAGES_UNKNOWN &&
           (kind == BTREE_OTHER || (kind == BTREE_LEAF && yield->n == 0 && tree != number));
}

static bool put_page(struct pages *pages, struct db *db, struct salvage *salvage,
                     struct trouble *ret_trouble)
{
    uint8_t page[BTREE_PAGE];
    const uint32_t number = salvage->page;
    struct yield yield = {0};
    const bool is_there = number <= pages_count(pages) && pages_read(pages, number, page);

    if (is_there && btree_kind(page, number) == BTREE_LEAF &&
        pages_tree(pages, number) != PAGES_NONE)
        yield.n = btree_cells(page, number);
    for (size_t i = 0; i < yield.n; i++) {
        struct btree_cell cell;
        if (btree_cell(page, number, i, &cell) &&
            !put_cell(pages, db, &cell, salvage, &yield, ret_trouble))
            return false;
    }
    if (!is_copy(salvage))
        salvage->told.lost += !is_there || is_damaged(pages, page, number, &yield);
    return true;
}

/* ---- files ---- */

/* The copy is of use only where something is missing. */
static void begin_next(struct salvage *salvage, struct pages **pages)
{
    pages_close(*pages);
    *pages = NULL;
    salvage->source++;
    salvage->page = FIRST_PAGE;
    if (salvage->source < salvage->n_sources && is_copy(salvage) && salvage->told.lost == 0 &&
        salvage->told.entries > 0)
        salvage->source++;
    salvage->told.done = salvage->source >= salvage->n_sources;
}

static bool open_source(const char *path, struct salvage *salvage, struct pages **pages)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int length = snprintf(name, sizeof(name), "%.*s%s", slash ? (int)(slash - path + 1) : 0,
                                path, salvage->sources[salvage->source]);

    return *pages || (length < PATH_MAX && pages_open(name, pages) == 0);
}

/* Pages until the time is over or the file is. */
static bool put_pages(struct db *db, int64_t ms, struct salvage *salvage, struct pages **pages,
                      struct trouble *ret_trouble)
{
    const int64_t end = clock_boot_ns() + ms * 1000000;
    const uint32_t last = is_copy(salvage) ? pages_count(*pages) : pages_expected(*pages);

    for (unsigned i = 1; salvage->page <= last; i++) {
        if (i % LOOK_EVERY == 0 && clock_boot_ns() > end)
            return true;
        if (!put_page(*pages, db, salvage, ret_trouble))
            return false;
        salvage->page++;
    }
    begin_next(salvage, pages);
    return true;
}

bool salvage_slice(const char *path, struct db *db, int64_t ms, struct salvage *salvage,
                   struct pages **pages, struct trouble *ret_trouble)
{
    const struct salvage before = *salvage;
    bool ok = db_check_place(db, ret_trouble) && db_run(db, SCHEMA_BEGIN, NULL, ret_trouble);

    if (!ok)
        return false;
    if (salvage->source >= salvage->n_sources || !open_source(path, salvage, pages))
        begin_next(salvage, pages);
    else
        ok = put_pages(db, ms, salvage, pages, ret_trouble);
    ok = ok && salvage_write(db, salvage, ret_trouble) &&
         db_run(db, SCHEMA_COMMIT, NULL, ret_trouble);
    if (ok) {
        salvage->told.turn++;
        return true;
    }
    db_roll_back(db);
    pages_close(*pages);
    *pages = NULL;
    *salvage = before;
    return false;
}
