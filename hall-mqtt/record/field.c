#include "record/field.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/lease.h"

static void write_field(struct json_writer *writer, const struct field *field, const void *from)
{
    const char *at = (const char *)from + field->offset;

    switch (field->type) {
    case FIELD_TEXT:
        json_put_string(writer, field->name, at);
        break;
    case FIELD_BOOL:
        json_put_bool(writer, field->name, *(const bool *)at);
        break;
    case FIELD_INT:
    case FIELD_INT32:
        json_put_integer(writer, field->name, *(const int32_t *)(const void *)at);
        break;
    case FIELD_UINT32:
        json_put_integer(writer, field->name, *(const uint32_t *)(const void *)at);
        break;
    case FIELD_INT64:
        if (*(const int64_t *)(const void *)at == LEASE_FOREVER)
            json_put_null(writer, field->name);
        else
            json_put_integer(writer, field->name, *(const int64_t *)(const void *)at);
        break;
    }
}

static bool is_zero(const struct field *field, const void *from)
{
    static const char zeros[sizeof(int64_t)];
    const char *at = (const char *)from + field->offset;

    return field->type == FIELD_TEXT ? at[0] == '\0' : memcmp(at, zeros, field->size) == 0;
}

void field_write(struct json_writer *writer, const struct field *fields, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].always || !is_zero(&fields[i], from))
            write_field(writer, &fields[i], from);
}

static void read_number(const struct field *field, const struct json *value, char *at)
{
    int64_t number = 0;

    if (json_type(value) == JSON_NULL)
        number = LEASE_FOREVER;
    else if (!json_integer(value, &number))
        return;
    if (field->type == FIELD_INT64)
        memcpy(at, &number, sizeof(number));
    else if (field->type == FIELD_UINT32 && number >= 0 && number <= UINT32_MAX)
        *(uint32_t *)(void *)at = (uint32_t)number;
    else if (field->type != FIELD_UINT32 && number >= INT32_MIN && number <= INT32_MAX)
        *(int32_t *)(void *)at = (int32_t)number;
}

void field_read(const struct json *object, const struct field *fields, size_t n, void *to)
{
    for (size_t i = 0; i < n; i++) {
        const struct json *value = json_get(object, fields[i].name);
        char *at = (char *)to + fields[i].offset;

        if (!value)
            continue;
        if (fields[i].type == FIELD_TEXT && json_string(value))
            text_copy(at, fields[i].size, json_string(value));
        else if (fields[i].type == FIELD_BOOL)
            (void)json_bool(value, (bool *)at);
        else if (fields[i].type != FIELD_TEXT)
            read_number(&fields[i], value, at);
    }
}
