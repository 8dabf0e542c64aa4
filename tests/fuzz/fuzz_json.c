/* What is read can be written, and what is written can be read. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json_writer *out, const char *key, const struct json *value)
{
    double number = 0;
    bool flag = false;
    switch (json_type(value)) {
    case JSON_NULL:
        json_put_null(out, key);
        break;
    case JSON_BOOL:
        assert(json_bool(value, &flag));
        json_put_bool(out, key, flag);
        break;
    case JSON_NUMBER:
        assert(json_number(value, &number));
        json_put_number(out, key, number);
        break;
    case JSON_STRING:
        assert(text_is_utf8(json_string(value), strlen(json_string(value))));
        json_put_string(out, key, json_string(value));
        break;
    case JSON_ARRAY:
        json_begin_array(out, key);
        for (const struct json *item = json_first(value); item != NULL; item = json_next(item))
            write_value(out, NULL, item);
        json_end_array(out);
        break;
    case JSON_OBJECT:
        json_begin_object(out, key);
        for (const struct json *item = json_first(value); item != NULL; item = json_next(item))
            write_value(out, json_key(item), item);
        json_end_object(out);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *value = NULL;
    struct json *again = NULL;
    struct json_error error = {0};
    struct json_writer writer;
    struct buf text = BUF_INIT(json_limits_config.bytes);

    if (json_read((const char *)data, size, &json_limits_payload, &value, &error) < 0) {
        assert(value == NULL && error.what[0] != '\0');
        assert(text_is_utf8(error.what, strlen(error.what)));
        return 0;
    }
    json_writer_init(&writer, &text);
    write_value(&writer, NULL, value);
    assert(buf_error(&text) == 0);
    assert(json_read(buf_text(&text), text.length, &json_limits_config, &again, &error) == 0);
    assert(json_count(again) == json_count(value));
    json_free(again);
    json_free(value);
    buf_finish(&text);
    return 0;
}
