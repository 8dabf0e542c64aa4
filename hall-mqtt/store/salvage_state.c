#include "store/salvage_state.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/backup.h"
#include "store/queue.h"

enum {
    STATE_ROOT = 3, /* the first table that was ever made, behind the schema and the map */
    SCHEMA_ROOT = 1,
    TOTALS_MAX = 16384,
    DEPTH_MAX = 12,
    SCAN_MS = 2000,
    TOTALS_MS = 300,  /* where they are has to be guessed, which is rare */
    LOOK_EVERY = 128, /* pages */
    MANY = 1 << 30,
};

/* One file, while it is read. */
struct search {
    struct pages *pages;
    struct salvage_found *found;
    unsigned rank;
    const char *source;
    uint32_t roots[STORE_TABLES + 1]; /* of the tables wanted; 0: not known */
    uint32_t budget;                  /* pages that a walk may read: a tree may bite its tail */
    size_t n;                         /* rows found in this file */
    int64_t end_ns;                   /* boot: when to give up */
    bool guesses;                     /* where the totals are: rows are told by form */
};
enum { OF_STATE = STORE_TABLES };

/* ---- what is found ---- */

static bool add_state(struct search *search, const struct btree_cell *cell)
{
    struct salvage_found *found = search->found;
    struct found_state row = {.rank = search->rank, .source = search->source};

    if (found->n == QUEUE_ROWS_MAX || salvage_state(search->pages, cell, &row) <= 0)
        return false;
    if (found->n == found->size) {
        const size_t size = 2 * found->size + 16;
        struct found_state *more = realloc(found->rows, size * sizeof(*more));
        if (!more) {
            free(row.kind);
            return false;
        }
        found->rows = more;
        found->size = size;
    }
    found->rows[found->n++] = row;
    search->n++;
    return true;
}

/* A server's totals of a file that counts more: those of a copy are older. */
static bool has_totals(const struct salvage_found *found, const char *server)
{
    for (size_t i = 0; i < found->n_totals; i++)
        if (text_equal(found->totals[i].texts[0], server))
            return true;
    return false;
}

static bool make_room(struct salvage_found *found)
{
    if (found->n_totals < found->size_totals)
        return true;
    const size_t size = 2 * found->size_totals + 16;
    struct store_entry *totals = realloc(found->totals, size * sizeof(*totals));

    found->totals = totals ? totals : found->totals;
    char **rooms = totals ? realloc(found->rooms, size * sizeof(*rooms)) : NULL;

    found->rooms = rooms ? rooms : found->rooms;
    found->size_totals = rooms ? size : found->size_totals;
    return rooms;
}

static bool add_totals(struct search *search, const struct btree_cell *cell)
{
    struct salvage_found *found = search->found;
    struct store_entry entry;
    char *room = NULL;

    if (!salvage_entry(search->pages, cell, STORE_TOTALS, &entry, &room))
        return false;
    if (found->n_totals < TOTALS_MAX && entry.texts[0] &&
        !(search->guesses && salvage_is_span(&entry)) && make_room(found) &&
        !(search->rank > 0 && has_totals(found, entry.texts[0]))) {
        found->rooms[found->n_totals] = room;
        found->totals[found->n_totals++] = entry;
        return true;
    }
    free(room);
    return true;
}

/* "table", name, table, its first page, its words */
static bool add_root(struct search *search, const struct btree_cell *cell)
{
    enum { NAME = 1, PAGE = 3, VALUES = 5 };
    struct btree_value values[BTREE_VALUES_MAX];
    const uint8_t *payload;

    if (!pages_payload(search->pages, cell, &payload) ||
        btree_record(payload, cell->size, values) != VALUES || values[NAME].type != BTREE_TEXT ||
        values[PAGE].type != BTREE_NUMBER)
        return false;
    const struct btree_value *name = &values[NAME];

    if (name->length == 6 && memcmp(name->text, "totals", 6) == 0)
        search->roots[STORE_TOTALS] = (uint32_t)values[PAGE].number;
    return true;
}

/* ---- reading pages ---- */

typedef bool take_cell(struct search *search, const struct btree_cell *cell);

static bool take_leaf(struct search *search, const uint8_t page[BTREE_PAGE], uint32_t number,
                      take_cell *take)
{
    const size_t n = btree_cells(page, number);
    bool whole = true;

    for (size_t i = 0; i < n; i++) {
        struct btree_cell cell;
        whole = btree_cell(page, number, i, &cell) && take(search, &cell) && whole;
    }
    return whole;
}

/* Down from that page; iterative, for the depth of a hostile file is not ours. False: something on
 * the way is broken. */
static bool walk(struct search *search, uint32_t root, take_cell *take)
{
    struct step {
        uint32_t page;
        size_t next;
    } steps[DEPTH_MAX] = {{.page = root}};
    uint8_t page[BTREE_PAGE];
    bool whole = true;

    for (int depth = 0; depth >= 0;) {
        struct step *step = &steps[depth];
        const bool is_read = search->budget > 0 && pages_read(search->pages, step->page, page);
        const enum btree_kind kind = is_read ? btree_kind(page, step->page) : BTREE_OTHER;

        search->budget -= search->budget > 0;
        if (kind == BTREE_LEAF)
            whole = take_leaf(search, page, step->page, take) && whole;
        else if (kind != BTREE_INNER)
            whole = false;
        if (kind != BTREE_INNER || step->next > btree_cells(page, step->page)) {
            depth--;
        } else if (depth + 1 == DEPTH_MAX) {
            return false;
        } else {
            steps[depth + 1] = (struct step){.page = btree_child(page, step->page, step->next++)};
            depth++;
        }
    }
    return whole;
}

/* Is a page of that tree to be looked at? Of one of which the map says nothing only for rows of
 * state, which are told from all others by their form. */
static bool is_wanted(const struct search *search, int table, uint32_t tree)
{
    if (table == OF_STATE)
        return tree == PAGES_UNKNOWN || tree == search->roots[OF_STATE];
    return tree != PAGES_UNKNOWN && tree != PAGES_NONE &&
           (search->guesses || tree == search->roots[table]);
}

/* All pages that the map gives to the tree, in one look over it. */
static void scan(struct search *search, int table, int64_t limit_ms, take_cell *take)
{
    const int64_t own = clock_boot_ns() + limit_ms * INT64_C(1000000);
    const int64_t end = own < search->end_ns ? own : search->end_ns;
    const uint32_t n = pages_count(search->pages);
    uint8_t page[BTREE_PAGE];

    for (uint32_t i = STATE_ROOT; i <= n; i++) {
        if (i % LOOK_EVERY == 0 && clock_boot_ns() > end)
            return;
        if (is_wanted(search, table, pages_tree(search->pages, i)) &&
            pages_read(search->pages, i, page) && btree_kind(page, i) == BTREE_LEAF)
            (void)take_leaf(search, page, i, take);
    }
}

/* True: whole. */
static bool search_file(struct search *search, uint32_t totals_root)
{
    /* A page above others is read once for each of them. */
    const uint32_t budget =
        2 * (pages_count(search->pages) < MANY ? pages_count(search->pages) : MANY) + 64;
    bool broken[STORE_TABLES + 1] = {0};

    search->roots[OF_STATE] = STATE_ROOT;
    search->budget = budget;
    (void)walk(search, SCHEMA_ROOT, add_root);
    search->guesses = search->roots[STORE_TOTALS] == 0;
    if (search->guesses)
        search->roots[STORE_TOTALS] = totals_root;
    search->budget = budget;
    broken[OF_STATE] = !walk(search, STATE_ROOT, add_state);
    search->budget = budget;
    const uint32_t root = search->roots[STORE_TOTALS];
    const size_t before = search->found->n_totals;

    broken[STORE_TOTALS] = root == 0 || !walk(search, root, add_totals);
    if (search->guesses) { /* it was the right place, if some were there */
        search->guesses = search->found->n_totals == before;
        broken[STORE_TOTALS] = broken[STORE_TOTALS] || search->guesses;
    }
    if (broken[OF_STATE])
        scan(search, OF_STATE, SCAN_MS, add_state);
    if (broken[STORE_TOTALS])
        scan(search, STORE_TOTALS, TOTALS_MS, add_totals);
    return !broken[OF_STATE] && !broken[STORE_TOTALS];
}

/* ---- several files ---- */

/* Of one key first what counts. */
static int by_key(const void *a, const void *b)
{
    const struct found_state *one = a, *other = b;
    int order = strcmp(one->kind, other->kind);

    order = order != 0 ? order : strcmp(one->key, other->key);
    if (order != 0)
        return order;
    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    return one->saved_at > other->saved_at ? -1 : one->saved_at < other->saved_at;
}

static void keep_best(struct salvage_found *found)
{
    size_t n = 0;

    if (found->n > 0)
        qsort(found->rows, found->n, sizeof(*found->rows), by_key);
    for (size_t i = 0; i < found->n; i++) {
        const struct found_state *row = &found->rows[i], *last = n > 0 ? &found->rows[n - 1] : NULL;

        if (last && strcmp(row->kind, last->kind) == 0 && strcmp(row->key, last->key) == 0) {
            free(row->kind);
            continue;
        }
        if (row->rank > 0)
            found->n_copied++;
        if (row->rank > 0 && (found->copy[0] == '\0' || strcmp(row->source, found->copy) > 0))
            text_copy(found->copy, sizeof(found->copy), row->source);
        found->rows[n] = *row;
        found->rows[n++].source = "";
    }
    found->n = n;
}

static bool search_path(const char *path, struct search search, uint32_t totals_root)
{
    if (pages_open(path, &search.pages) < 0)
        return false;
    const bool whole = search_file(&search, totals_root) && search.n > 0;

    pages_close(search.pages);
    return whole;
}

void salvage_find(const char *path, uint32_t totals_root, struct salvage_found *ret_found)
{
    enum { COPIES_MAX = 8 };
    const int64_t end = clock_boot_ns() + SCAN_MS * INT64_C(1000000);
    char names[COPIES_MAX][PATH_MAX];
    const char *before = NULL;
    struct search search = {.found = ret_found, .source = "", .end_ns = end};

    *ret_found = (struct salvage_found){0};
    ret_found->whole = search_path(path, search, totals_root);
    for (unsigned i = 0; i < COPIES_MAX && !ret_found->whole; i++) {
        if (!backup_before(path, before, names[i]))
            break;
        before = names[i];
        search.rank = i + 1;
        search.source = basename(names[i]);
        if (search_path(names[i], search, totals_root))
            break;
    }
    keep_best(ret_found);
}

void salvage_found_finish(struct salvage_found *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->rows[i].kind);
    for (size_t i = 0; i < found->n_totals; i++)
        free(found->rooms[i]);
    free(found->rows);
    free(found->totals);
    free(found->rooms);
    *found = (struct salvage_found){0};
}
