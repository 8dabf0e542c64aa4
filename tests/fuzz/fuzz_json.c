/* What is read can be written, and what is written can be read. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    json_put_value(&writer, NULL, value);
    assert(buf_error(&text) == 0);
    assert(json_read(buf_text(&text), text.length, &json_limits_config, &again, &error) == 0);
    assert(json_count(again) == json_count(value));
    json_free(again);
    json_free(value);
    buf_finish(&text);
    return 0;
}
