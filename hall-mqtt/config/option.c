#include "config/option.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct reader {
    struct arena *arena, *scratch;
    struct report *report;
};

static void read_option(struct reader *reader, const struct option *row, const struct pointer *at,
                        const struct json *value, void *base);
static void read_object(struct reader *reader, const struct option_table *table,
                        const struct pointer *at, const struct json *object, void *target);

static void *field(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* The fields are pointers of many types; they are written byte by byte. */
static void store_items(void *base, const struct option *row, size_t n, void *items)
{
    memcpy(field(base, row->count_offset), &n, sizeof(n));
    memcpy(field(base, row->offset), &items, sizeof(items));
}

static void fail_found(struct reader *reader, const struct option *row, const struct pointer *at,
                       enum complaint_code code, struct phrase found)
{
    char names[OPTION_NAMES_SIZE];
    report_error(reader->report, code, at, found, option_allowed(row, names));
}

static void fail(struct reader *reader, const struct option *row, const struct pointer *at,
                 const struct json *value)
{
    char shown[SHOWN_SIZE];
    fail_found(reader, row, at, COMPLAINT_VALUE, report_show(value, shown));
}

static void read_text(struct reader *reader, const struct option *row, const struct pointer *at,
                      const struct json *value, void *target)
{
    char shown[SHOWN_SIZE];
    const char *text = json_string(value);
    if (!text) {
        fail(reader, row, at, value);
        return;
    }
    size_t length = strlen(text);
    if (length > (size_t)row->max) {
        report_error(reader->report, COMPLAINT_VALUE, at,
                     PHRASE(LONG_TEXT, .numbers = {(int64_t)length}),
                     PHRASE(SHORT_TEXT, .format = row->format->allowed, .numbers = {row->max}));
        return;
    }
    const enum wording better = row->format->parse(reader->arena, text, target);
    if (better)
        report_error(reader->report, COMPLAINT_VALUE, at, report_show(value, shown),
                     (struct phrase){.kind = better});
}

/* Lists and maps */

/* Room for the items; how many of them there are to read. */
static size_t begin_items(struct reader *reader, const struct option *row, const struct pointer *at,
                          const struct json *value, size_t size, char **ret_items)
{
    size_t n = json_count(value);
    if (n > (size_t)row->max) {
        report_error(reader->report, COMPLAINT_VALUE, at, PHRASE(ENTRIES, .numbers = {(int64_t)n}),
                     PHRASE(AT_MOST, .numbers = {row->max}));
        n = (size_t)row->max;
    }
    struct arena *arena = row->kind == OPTION_MAP ? reader->scratch : reader->arena;
    char *items = arena_alloc(arena, n, size);
    *ret_items = items;
    return items ? n : 0;
}

static void read_list(struct reader *reader, const struct option *row, const struct pointer *at,
                      const struct json *value, void *base)
{
    char *items;
    size_t size = row->item->size;
    bool on;
    if (row->or_bool && json_bool(value, &on)) {
        if (!on)
            store_items(base, row, 0, arena_alloc(reader->arena, 1, size));
        return;
    }
    if (row->or_one && json_type(value) == JSON_STRING) {
        items = arena_alloc(reader->arena, 1, size);
        if (items)
            read_option(reader, row->item, at, value, items);
        store_items(base, row, items ? 1 : 0, items);
        return;
    }
    if (json_type(value) != JSON_ARRAY || (row->or_one && json_count(value) == 0)) {
        fail(reader, row, at, value);
        return;
    }
    size_t n = begin_items(reader, row, at, value, size, &items);
    const struct json *item = json_first(value);
    for (size_t i = 0; i < n; i++, item = json_next(item)) {
        struct pointer here = {.parent = at, .index = i};
        if (json_type(item) == JSON_NULL)
            fail(reader, row->item, &here, item);
        else
            read_option(reader, row->item, &here, item, items + i * size);
    }
    store_items(base, row, n, items);
}

static void read_map(struct reader *reader, const struct option *row, const struct pointer *at,
                     const struct json *value, void *base)
{
    char *items;
    size_t size = row->table->size;
    char shown[SHOWN_SIZE];

    if (json_type(value) != JSON_OBJECT) {
        fail(reader, row, at, value);
        return;
    }
    size_t n = begin_items(reader, row, at, value, size, &items);
    const struct json *member = json_first(value);
    for (size_t i = 0; i < n; i++, member = json_next(member)) {
        struct pointer here = {.parent = at, .key = json_key(member)};
        struct option_key *key = (void *)(items + i * size);
        key->given = arena_copy(reader->arena, json_key(member));
        const enum wording allowed =
            row->format->parse(reader->arena, json_key(member), &key->name);
        if (allowed) {
            text_show(shown, sizeof(shown), json_key(member), strlen(json_key(member)));
            report_error(reader->report, COMPLAINT_VALUE, &here,
                         shown[0] ? PHRASE(NAME, .texts = {shown}) : PHRASE(EMPTY_NAME),
                         (struct phrase){.kind = allowed});
        }
        read_object(reader, row->table, &here, member, items + i * size);
    }
    store_items(base, row, n, items);
}

static void default_list(struct reader *reader, const struct option *row, void *base)
{
    size_t n = 1;
    size_t size = row->item->size;
    for (const char *at = row->fallback; *at != '\0'; at++)
        n += *at == ',';
    char *items = arena_alloc(reader->arena, n, size);
    if (!items)
        return;
    const char *at = row->fallback;
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(at, ",");
        char *text = arena_copy_part(reader->arena, at, length);
        if (!text)
            return;
        row->item->format->parse(reader->arena, text, items + i * size);
        at += length + 1;
    }
    store_items(base, row, n, items);
}

static void default_option(struct reader *reader, const struct option *row, void *base)
{
    void *target = field(base, row->offset);
    if (row->kind == OPTION_OBJECT) {
        for (size_t i = 0; i < row->table->n_rows && !row->table->exactly_one; i++)
            default_option(reader, &row->table->rows[i], target);
    } else if (row->kind == OPTION_LIST && row->fallback) {
        default_list(reader, row, base);
    } else {
        option_store_default(row, reader->arena, target);
    }
}

/* Objects */

static void read_option(struct reader *reader, const struct option *row, const struct pointer *at,
                        const struct json *value, void *base)
{
    void *target = field(base, row->offset);

    switch (row->kind) {
    case OPTION_TEXT:
        read_text(reader, row, at, value, target);
        break;
    case OPTION_OBJECT:
        read_object(reader, row->table, at, value, target);
        break;
    case OPTION_LIST:
        read_list(reader, row, at, value, base);
        break;
    case OPTION_MAP:
        read_map(reader, row, at, value, base);
        break;
    case OPTION_INTEGER:
    case OPTION_PORT:
    case OPTION_NUMBER:
    case OPTION_BOOL:
    case OPTION_DURATION:
    case OPTION_CHOICE:
    case OPTION_STATUS:
        if (!option_store(row, value, target))
            fail(reader, row, at, value);
        break;
    }
}

static const struct option *find_row(const struct option_table *table, const char *key)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        if (strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    }
    return NULL;
}

static const char *nearest_key(const struct option_table *table, const char *key)
{
    const char *nearest = NULL;
    unsigned least = strlen(key) > 4 ? 3 : 2;
    for (size_t i = 0; i < table->n_rows; i++) {
        unsigned distance = report_distance(table->rows[i].key, key);
        if (distance < least) {
            least = distance;
            nearest = table->rows[i].key;
        }
    }
    return nearest;
}

static void list_keys(const struct option_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->n_rows; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", table->rows[i].key);
    if (table->n_rows == 0)
        buf_puts(out, "{}");
}

static void fail_unknown(struct reader *reader, const struct option_table *table,
                         const struct pointer *at)
{
    const struct phrase secret = option_secret_hint(table, at->key);
    const char *nearest = nearest_key(table, at->key);
    struct buf keys = BUF_INIT(1024);

    if (report_is_full(reader->report)) {
        reader->report->n++;
        return;
    }
    list_keys(table, &keys);
    if (secret.kind)
        report_error(reader->report, COMPLAINT_SECRET, at, PHRASE(A_SECRET), secret);
    else
        report_error(reader->report, COMPLAINT_UNKNOWN_KEY, at, PHRASE(UNKNOWN_KEY),
                     nearest ? PHRASE(NEAR_KEY, .texts = {buf_text(&keys), nearest})
                             : PHRASE(KEYS, .texts = {buf_text(&keys)}));
    buf_finish(&keys);
}

static void check_complete(struct reader *reader, const struct option_table *table,
                           const struct pointer *at, const struct json *object)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        struct pointer here = {.parent = at, .key = row->key};
        if (row->required && !json_get(object, row->key))
            fail_found(reader, row, &here, COMPLAINT_MISSING, PHRASE(NOTHING));
    }
    if (table->exactly_one && json_count(object) != 1) {
        const bool none = json_count(object) == 0;
        struct buf keys = BUF_INIT(256);
        list_keys(table, &keys);
        report_error(reader->report, none ? COMPLAINT_MISSING : COMPLAINT_CONFLICT, at,
                     none ? PHRASE(NONE_OF_THEM) : PHRASE(SEVERAL),
                     PHRASE(ONE_KEY, .texts = {buf_text(&keys)}));
        buf_finish(&keys);
    }
}

static void read_member(struct reader *reader, const struct option_table *table,
                        const struct pointer *at, const struct json *member, void *target)
{
    const struct option *row = find_row(table, json_key(member));
    if (!row) {
        fail_unknown(reader, table, at);
        return;
    }
    if (table->exactly_one) {
        memcpy(field(target, table->tag_offset), &row->tag, sizeof(row->tag));
        default_option(reader, row, target);
    } else if (json_type(member) == JSON_NULL && !row->required) {
        return; /* null: the default */
    }
    size_t errors = reader->report->n;
    read_option(reader, row, at, member, target);
    enum option_given given = reader->report->n == errors ? GIVEN_WELL : GIVEN_BADLY;
    if (row->given_offset != 0)
        memcpy(field(target, row->given_offset), &given, sizeof(given));
}

static void read_object(struct reader *reader, const struct option_table *table,
                        const struct pointer *at, const struct json *object, void *target)
{
    char shown[SHOWN_SIZE];
    for (size_t i = 0; i < table->n_rows && !table->exactly_one; i++)
        default_option(reader, &table->rows[i], target);
    if (json_type(object) != JSON_OBJECT) {
        report_error(reader->report, COMPLAINT_VALUE, at, report_show(object, shown),
                     PHRASE(OBJECT));
        return;
    }
    for (const struct json *member = json_first(object); member; member = json_next(member)) {
        struct pointer here = {.parent = at, .key = json_key(member)};
        read_member(reader, table, &here, member, target);
    }
    check_complete(reader, table, at, object);
}

void option_read_object(struct arena *arena, struct arena *scratch, struct report *report,
                        const struct option_table *table, const struct pointer *at,
                        const struct json *object, void *target)
{
    struct reader reader = {.arena = arena, .scratch = scratch, .report = report};
    read_object(&reader, table, at, object, target);
}
