#include "store/salvage_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "store/queue.h"
#include "store/tables.h"

static const int64_t time_most = INT64_C(1) << 43; /* ms: the year 2248 */

enum { SPAN_STATE = 2, SPAN_OPEN = 3, STATES_MOST = 15, STATE_VALUES = 4, EVENT_TYPE = 3 };

static bool is_text(const struct btree_value *value, size_t most)
{
    return value->type == BTREE_TEXT && value->length <= most &&
           text_is_utf8(value->text, value->length);
}

static bool is_time(const struct btree_value *value)
{
    return value->type == BTREE_NUMBER && value->number >= 0 && value->number < time_most;
}

bool salvage_is_json(const char *text, size_t length)
{
    const struct json_limits limits = {.bytes = QUEUE_BODY_MAX, .depth = 16};
    struct json_error why;
    struct json *json = NULL;

    if (json_read(text, length, &limits, &json, &why) < 0)
        return false;
    json_free(json);
    return true;
}

static char *append(char *at, const struct btree_value *value)
{
    memcpy(at, value->text, value->length);
    at[value->length] = '\0';
    return at + value->length + 1;
}

int salvage_state(struct pages *pages, const struct btree_cell *cell, struct found_state *ret_row)
{
    struct btree_value values[BTREE_VALUES_MAX];
    const uint8_t *payload;

    if (!pages_payload(pages, cell, &payload) ||
        btree_record(payload, cell->size, values) != STATE_VALUES || !is_time(&values[3]) ||
        !is_text(&values[0], SLUG_MAX) || !is_text(&values[1], QUEUE_KEY_MAX) ||
        !is_text(&values[2], QUEUE_BODY_MAX) || !salvage_is_json(values[2].text, values[2].length))
        return 0;
    char *at = malloc(values[0].length + values[1].length + values[2].length + 3);

    if (!at)
        return -ENOMEM;
    ret_row->kind = at;
    ret_row->key = append(ret_row->kind, &values[0]);
    ret_row->body = append(ret_row->key, &values[1]);
    append(ret_row->body, &values[2]);
    ret_row->saved_at = values[3].number;
    return 1;
}

/* ---- the other tables ---- */

/* Rows of before a column was added are shorter by it. */
static bool has_form(const struct schema_table *table, const struct btree_value *values, size_t n)
{
    const size_t all = 1 + table->numbers + table->texts;

    if ((n != all && n + 1 != all) || n <= 1 + table->numbers || values[0].type != BTREE_NULL ||
        !is_time(&values[1]))
        return false;
    for (size_t i = 1; i <= table->numbers; i++)
        if (values[i].type != BTREE_NUMBER)
            return false;
    for (size_t i = 1 + table->numbers; i < n; i++)
        if (values[i].type != BTREE_NULL && !is_text(&values[i], QUEUE_BODY_MAX))
            return false;
    return true;
}

static bool is_event(const struct btree_value *texts)
{
    const struct btree_value *type = &texts[EVENT_TYPE], *body = &texts[EVENT_TYPE + 1];

    return type->type == BTREE_TEXT && type->length <= SLUG_MAX && body->type == BTREE_TEXT &&
           salvage_is_json(body->text, body->length);
}

/* Totals of a server have six numbers and a text too. */
static bool is_span(int64_t state, int64_t open)
{
    return state >= 0 && state <= STATES_MOST && open >= 0 && open <= 1;
}

bool salvage_is_span(const struct store_entry *entry)
{
    return is_span(entry->numbers[SPAN_STATE], entry->numbers[SPAN_OPEN]);
}

static bool belongs(enum store_table which, const struct btree_value *values, size_t n)
{
    const struct schema_table *table = &schema_tables[which];
    const bool has_grown = which == STORE_WAKES || which == STORE_SLEEPS || which == STORE_REFUSALS;

    if (!has_form(table, values, n) || (!has_grown && n != 1 + table->numbers + table->texts))
        return false;
    if (which == STORE_EVENTS)
        return is_event(values + 1 + table->numbers);
    return which != STORE_SPANS ||
           is_span(values[1 + SPAN_STATE].number, values[1 + SPAN_OPEN].number);
}

static int table_of(int only, const struct btree_value *values, size_t n)
{
    if (only != STORE_TABLES)
        return belongs((enum store_table)only, values, n) ? only : STORE_TABLES;
    for (size_t i = 0; i < STORE_TABLES; i++)
        if (i != STORE_TOTALS && belongs((enum store_table)i, values, n))
            return (int)i;
    return STORE_TABLES;
}

/* Copies, since in a page no text has an end. */
static bool take_texts(const struct btree_value *values, size_t n, struct store_entry *entry,
                       char **ret_room)
{
    size_t size = 1;

    for (size_t i = 0; i < n; i++)
        size += values[i].length + 1;
    char *at = *ret_room = malloc(size);

    for (size_t i = 0; at && i < n; i++) {
        entry->texts[i] = values[i].type == BTREE_TEXT ? at : NULL;
        if (entry->texts[i])
            at = append(at, &values[i]);
    }
    return at;
}

bool salvage_entry(struct pages *pages, const struct btree_cell *cell, int only,
                   struct store_entry *ret_entry, char **ret_room)
{
    struct btree_value values[BTREE_VALUES_MAX] = {{0}};
    const uint8_t *payload;
    const size_t n =
        pages_payload(pages, cell, &payload) ? btree_record(payload, cell->size, values) : 0;
    const int which = n > 0 && cell->id > 0 ? table_of(only, values, n) : STORE_TABLES;

    if (which == STORE_TABLES)
        return false;
    const size_t numbers = schema_tables[which].numbers;

    *ret_entry = (struct store_entry){.table = (enum store_table)which, .id = cell->id};
    for (size_t i = 0; i < numbers; i++)
        ret_entry->numbers[i] = values[1 + i].number;
    return take_texts(values + 1 + numbers, n - 1 - numbers, ret_entry, ret_room);
}
