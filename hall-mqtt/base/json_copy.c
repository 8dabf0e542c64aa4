#include "base/json_copy.h"

static void copy_number(struct json_writer *writer, const char *key, const struct json *value)
{
    int64_t whole = 0;
    double number = 0;

    if (json_integer(value, &whole))
        json_put_integer(writer, key, whole);
    else if (json_number(value, &number))
        json_put_number(writer, key, number);
    else
        json_put_null(writer, key);
}

static void copy_array(struct json_writer *writer, const char *key, const struct json *value)
{
    json_begin_array(writer, key);
    for (const struct json *item = json_first(value); item; item = json_next(item))
        json_copy(writer, NULL, item);
    json_end_array(writer);
}

static void copy_object(struct json_writer *writer, const char *key, const struct json *value)
{
    json_begin_object(writer, key);
    for (const struct json *item = json_first(value); item; item = json_next(item))
        json_copy(writer, json_key(item), item);
    json_end_object(writer);
}

/* As deep as its document, which the reader bounds. */
// NOLINTNEXTLINE(misc-no-recursion)
void json_copy(struct json_writer *writer, const char *key, const struct json *value)
{
    switch (value ? json_type(value) : JSON_NULL) {
    case JSON_NULL:
        json_put_null(writer, key);
        break;
    case JSON_BOOL: {
        bool truth = false;
        json_bool(value, &truth);
        json_put_bool(writer, key, truth);
        break;
    }
    case JSON_NUMBER:
        copy_number(writer, key, value);
        break;
    case JSON_STRING:
        json_put_string(writer, key, json_string(value));
        break;
    case JSON_ARRAY:
        copy_array(writer, key, value);
        break;
    case JSON_OBJECT:
        copy_object(writer, key, value);
        break;
    }
}
