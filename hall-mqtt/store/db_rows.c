#include "store/db_internal.h"

#include <stdio.h>

enum { FREE_PAGES_KEPT = 256 };

/* ---- reading ---- */

struct load {
    store_row *row;
    void *context;
};

static const char *known(const char *text)
{
    return text ? text : "";
}

static bool load_row(void *context, const struct db_row *row)
{
    const struct load *load = context;
    load->row(load->context, known(db_row_text(row, 0)), known(db_row_text(row, 1)),
              db_row_number(row, 2));
    return true;
}

bool db_load(struct db *db, enum store_kind kind, store_row *row, void *context,
             struct trouble *ret_trouble)
{
    struct load load = {row, context};
    return db_walk(db, SCHEMA_LOAD, 1, (struct value[]){TEXT(schema_kinds[kind])}, load_row, &load,
                   ret_trouble);
}

bool db_last_ids(struct db *db, int64_t ret_ids[STORE_TABLES], struct trouble *ret_trouble)
{
    char question[64];
    for (size_t i = 0; i < STORE_TABLES; i++) {
        snprintf(question, sizeof(question), "SELECT max(id) FROM %s", schema_tables[i].name);
        if (!db_ask_number(db, question, &ret_ids[i], ret_trouble))
            return false;
    }
    return true;
}

/* ---- writing ---- */

static bool write_row(struct db *db, const struct batch_row *item, struct trouble *ret_trouble)
{
    struct value values[] = {TEXT(schema_kinds[item->row->kind]), TEXT(item->row->key), TEXT(NULL),
                             NUMBER(0)};
    if (!item->body)
        return db_run_with(db, SCHEMA_REMOVE, 2, values, ret_trouble);
    values[2] = TEXT(item->body->text);
    values[3] = NUMBER(item->body->saved_wall);
    return db_run_with(db, SCHEMA_PUT, 4, values, ret_trouble);
}

static bool write_entry(struct db *db, const struct queue_event *entry, struct trouble *ret_trouble)
{
    const struct schema_table *table = &schema_tables[entry->table];
    struct value values[1 + STORE_NUMBERS_MAX + STORE_TEXTS_MAX] = {NUMBER(entry->id)};
    size_t n = 1;
    for (size_t i = 0; i < table->numbers; i++)
        values[n++] = NUMBER(entry->numbers[i]);
    for (size_t i = 0; i < table->texts; i++)
        values[n++] = TEXT(entry->texts[i]);
    return db_run_with(db, table->write, n, values, ret_trouble);
}

static bool write_all(struct db *db, const struct batch *batch, struct trouble *ret_trouble)
{
    for (size_t i = 0; i < batch->n_rows; i++)
        if (!write_row(db, &batch->rows[i], ret_trouble))
            return false;
    for (const struct queue_event *event = batch->events.first; event; event = event->after)
        if (!write_entry(db, event, ret_trouble))
            return false;
    return db_run(db, SCHEMA_COMMIT, NULL, ret_trouble);
}

bool db_write(struct db *db, const struct batch *batch, struct trouble *ret_trouble)
{
    if (!db_check_place(db, ret_trouble) || !db_run(db, SCHEMA_BEGIN, NULL, ret_trouble))
        return false;
    bool ok = write_all(db, batch, ret_trouble);
    if (!ok)
        db_roll_back(db);
    return ok;
}

/* ---- forgetting ---- */

static bool shrink(struct db *db, bool *ret_more, struct trouble *ret_trouble)
{
    int64_t unused = 0;
    if (!db_run(db, SCHEMA_FREE_PAGES, &unused, ret_trouble))
        return false;
    *ret_more = unused > FREE_PAGES_KEPT;
    return !*ret_more || db_run(db, SCHEMA_SHRINK, NULL, ret_trouble);
}

static bool prune_by_size(struct db *db, int64_t most_bytes, bool *ret_more,
                          struct trouble *ret_trouble)
{
    int64_t pages = 0, unused = 0;
    if (!db_run(db, SCHEMA_PAGES, &pages, ret_trouble) ||
        !db_run(db, SCHEMA_FREE_PAGES, &unused, ret_trouble))
        return false;
    if ((pages - unused) * DB_PAGE_SIZE <= most_bytes)
        return true;
    if (!db_run(db, SCHEMA_PRUNE_OLDEST, NULL, ret_trouble))
        return false;
    *ret_more = db_changes(db) > 0;
    if (*ret_more)
        return true;
    if (!db_run(db, SCHEMA_PRUNE_OLDEST_SPANS, NULL, ret_trouble))
        return false;
    *ret_more = db_changes(db) > 0;
    return true;
}

static bool prune_by_age(struct db *db, int64_t before, bool *ret_more, struct trouble *ret_trouble)
{
    for (enum schema_statement i = SCHEMA_PRUNE_BEFORE; i < SCHEMA_PRUNE_OLDEST; i++) {
        if (!db_run_with(db, i, 1, (struct value[]){NUMBER(before)}, ret_trouble))
            return false;
        *ret_more = *ret_more || db_changes(db) > 0;
    }
    return true;
}

bool db_prune(struct db *db, int64_t before, int64_t most_bytes, bool *ret_more,
              struct trouble *ret_trouble)
{
    bool more = false;
    if (!prune_by_age(db, before, &more, ret_trouble))
        return false;
    if (!more && !prune_by_size(db, most_bytes, &more, ret_trouble))
        return false;
    if (!more && !shrink(db, &more, ret_trouble))
        return false;
    *ret_more = more;
    return true;
}
