/* The JSON Schema (draft 2020-12) of domains.json, from the same rows that read it. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/option.h"

enum { SCHEMA_MAX = 256 * 1024, TABLES_MAX = 32 };

#define DURATION_PATTERN "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
#define STATUS_PATTERN   "^([1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$"

/* Every table but the root is a definition, written once. */
struct tables {
    size_t n;
    const struct option_table *all[TABLES_MAX];
};

static void collect(struct tables *tables, const struct option_table *table)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (tables->all[i] == table)
            return;
    }
    if (tables->n == TABLES_MAX)
        return;
    tables->all[tables->n++] = table;
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        const struct option *item = row->item ? row->item : row;
        if (item->table)
            collect(tables, item->table);
    }
}

static void put_type(struct json_writer *out, const char *type, bool or_null)
{
    if (!or_null) {
        json_put_string(out, "type", type);
        return;
    }
    json_begin_array(out, "type");
    json_put_string(out, NULL, type);
    json_put_string(out, NULL, "null");
    json_end_array(out);
}

static void put_reference(struct json_writer *out, const char *key,
                          const struct option_table *table)
{
    struct buf reference = BUF_INIT(128);
    buf_printf(&reference, "#/$defs/%s", table->name);
    if (key)
        json_begin_object(out, key);
    json_put_string(out, "$ref", buf_text(&reference));
    if (key)
        json_end_object(out);
    buf_finish(&reference);
}

static void put_range(struct json_writer *out, const struct option *row)
{
    json_put_integer(out, "minimum", row->min);
    json_put_integer(out, "maximum", row->max);
}

static void put_pattern(struct json_writer *out, const struct option *row)
{
    if (row->format->pattern)
        json_put_string(out, "pattern", row->format->pattern);
}

static void put_choice(struct json_writer *out, const struct option *row, bool or_null)
{
    json_begin_array(out, "enum");
    for (size_t i = 0; row->names[i]; i++) {
        if (row->names[i][0] != '\0')
            json_put_string(out, NULL, row->names[i]);
    }
    if (or_null)
        json_put_null(out, NULL);
    json_end_array(out);
}

static void put_status(struct json_writer *out)
{
    json_begin_array(out, "anyOf");
    json_begin_object(out, NULL);
    json_put_string(out, "type", "integer");
    json_put_integer(out, "minimum", 100);
    json_put_integer(out, "maximum", 599);
    json_end_object(out);
    json_begin_object(out, NULL);
    json_put_string(out, "type", "string");
    json_put_string(out, "pattern", STATUS_PATTERN);
    json_end_object(out);
    json_end_array(out);
}

static void put_object(struct json_writer *out, const struct option *row, bool or_null)
{
    if (!or_null) {
        put_reference(out, NULL, row->table);
        return;
    }
    json_begin_array(out, "anyOf");
    json_begin_object(out, NULL);
    put_reference(out, NULL, row->table);
    json_end_object(out);
    json_begin_object(out, NULL);
    json_put_string(out, "type", "null");
    json_end_object(out);
    json_end_array(out);
}

static void put_value(struct json_writer *out, const struct option *row, bool or_null);

static void put_items(struct json_writer *out, const struct option *row, bool or_null)
{
    put_type(out, "array", or_null);
    json_put_integer(out, "maxItems", row->max);
    json_begin_object(out, "items");
    put_value(out, row->item, false);
    json_end_object(out);
}

static void put_list(struct json_writer *out, const struct option *row, bool or_null)
{
    if (!row->or_one) {
        put_items(out, row, or_null);
        return;
    }
    json_begin_array(out, "anyOf");
    json_begin_object(out, NULL);
    put_value(out, row->item, or_null);
    json_end_object(out);
    json_begin_object(out, NULL);
    put_items(out, row, false);
    json_put_integer(out, "minItems", 1);
    json_end_object(out);
    json_end_array(out);
}

static void put_value(struct json_writer *out, const struct option *row, bool or_null)
{
    switch (row->kind) {
    case OPTION_TEXT:
        put_type(out, "string", or_null);
        json_put_integer(out, "maxLength", row->max);
        put_pattern(out, row);
        break;
    case OPTION_INTEGER:
    case OPTION_PORT:
        put_type(out, "integer", or_null);
        put_range(out, row);
        break;
    case OPTION_NUMBER:
        put_type(out, "number", or_null);
        put_range(out, row);
        break;
    case OPTION_BOOL:
        put_type(out, "boolean", or_null);
        break;
    case OPTION_DURATION:
        put_type(out, "string", or_null);
        json_put_integer(out, "minLength", 2);
        json_put_string(out, "pattern", DURATION_PATTERN);
        break;
    case OPTION_CHOICE:
        put_choice(out, row, or_null);
        break;
    case OPTION_STATUS:
        put_status(out);
        break;
    case OPTION_OBJECT:
        put_object(out, row, or_null);
        break;
    case OPTION_LIST:
        put_list(out, row, or_null);
        break;
    case OPTION_MAP:
        put_type(out, "object", or_null);
        json_begin_object(out, "propertyNames");
        put_pattern(out, row);
        json_end_object(out);
        json_put_integer(out, "maxProperties", row->max);
        put_reference(out, "additionalProperties", row->table);
        break;
    }
}

static void put_default_list(struct json_writer *out, const struct option *row)
{
    char item[128];
    if (row->or_one && !strchr(row->fallback, ',')) {
        json_put_string(out, "default", row->fallback);
        return;
    }
    json_begin_array(out, "default");
    for (const char *at = row->fallback;; at++) {
        size_t length = strcspn(at, ",");
        size_t kept = length < sizeof(item) - 1 ? length : sizeof(item) - 1;
        memcpy(item, at, kept);
        item[kept] = '\0';
        json_put_string(out, NULL, item);
        at += length;
        if (*at == '\0')
            break;
    }
    json_end_array(out);
}

static void put_default(struct json_writer *out, const struct option *row)
{
    if (!row->fallback)
        return;
    switch (row->kind) {
    case OPTION_INTEGER:
    case OPTION_PORT:
        json_put_integer(out, "default", strtoll(row->fallback, NULL, 10));
        break;
    case OPTION_NUMBER:
        json_put_number(out, "default", strtod(row->fallback, NULL));
        break;
    case OPTION_BOOL:
        json_put_bool(out, "default", strcmp(row->fallback, "true") == 0);
        break;
    case OPTION_LIST:
        put_default_list(out, row);
        break;
    case OPTION_TEXT:
    case OPTION_DURATION:
    case OPTION_CHOICE:
    case OPTION_STATUS:
    case OPTION_OBJECT:
    case OPTION_MAP:
        json_put_string(out, "default", row->fallback);
        break;
    }
}

static void put_table(struct json_writer *out, const struct option_table *table)
{
    json_put_string(out, "type", "object");
    json_put_bool(out, "additionalProperties", false);
    json_begin_array(out, "required");
    for (size_t i = 0; i < table->n_rows; i++) {
        if (table->rows[i].required)
            json_put_string(out, NULL, table->rows[i].key);
    }
    json_end_array(out);
    if (table->exactly_one) {
        json_put_integer(out, "minProperties", 1);
        json_put_integer(out, "maxProperties", 1);
    }
    json_begin_object(out, "properties");
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct option *row = &table->rows[i];
        json_begin_object(out, row->key);
        json_put_string(out, "description", row->help);
        put_default(out, row);
        put_value(out, row, !row->required && !table->exactly_one);
        json_end_object(out);
    }
    json_end_object(out);
}

static void put_schema(struct json_writer *out)
{
    struct tables tables = {0};
    collect(&tables, &option_root);
    json_begin_object(out, NULL);
    json_put_string(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_string(out, "title", "Hall: domains.json");
    put_table(out, &option_root);
    json_begin_object(out, "$defs");
    for (size_t i = 1; i < tables.n; i++) {
        json_begin_object(out, tables.all[i]->name);
        put_table(out, tables.all[i]);
        json_end_object(out);
    }
    json_end_object(out);
    json_end_object(out);
}

static void put_line(struct buf *out, unsigned depth)
{
    buf_printf(out, "\n%*s", (int)(2 * depth), "");
}

/* One member a line, so that a person and a diff can read it. */
static void indent(const char *text, struct buf *out)
{
    unsigned depth = 0;
    bool in_string = false;
    for (; *text != '\0'; text++) {
        char c = *text;
        bool empty = (c == '{' && text[1] == '}') || (c == '[' && text[1] == ']');
        if (in_string && c == '\\') {
            buf_putc(out, c);
            c = *++text;
        } else if (c == '"') {
            in_string = !in_string;
        }
        if (!in_string && (c == '}' || c == ']') && text[-1] != '{' && text[-1] != '[')
            put_line(out, --depth);
        buf_putc(out, c);
        if (in_string)
            continue;
        if ((c == '{' || c == '[') && !empty)
            put_line(out, ++depth);
        else if (c == ',')
            put_line(out, depth);
        else if (c == ':')
            buf_putc(out, ' ');
    }
    buf_putc(out, '\n');
}

int config_write_schema(struct buf *out)
{
    struct buf compact = BUF_INIT(SCHEMA_MAX);
    struct json_writer writer;
    json_writer_init(&writer, &compact);
    put_schema(&writer);
    int r = buf_error(&compact);
    if (r == 0)
        indent(buf_text(&compact), out);
    buf_finish(&compact);
    return r < 0 ? r : buf_error(out);
}
