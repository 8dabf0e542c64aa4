/* The name of a file in the folder of kept versions, which may be anybody's; and the same bytes as
 * the one who wrote a version. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "web/api/version_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* It is shown as JSON, and asked for again by its part. */
static void read_name(const char *name)
{
    char id[VERSION_ID_SIZE], by[VERSION_NAME_SIZE];
    struct buf out = BUF_INIT(4096);
    struct json_writer writer;
    struct json_error error;
    struct json *json = NULL;

    if (!version_name_is(name))
        return;
    assert(strlen(name) < VERSION_NAME_SIZE && !strchr(name, '/') && name[0] != '.');
    version_name_id(name, id);
    assert(strncmp(name, id, strlen(id)) == 0 && name[strlen(id)] == '-');
    assert(strspn(version_name_hash(name), "0123456789abcdef") == VERSION_HASH_SIZE);
    version_name_by(name, by);
    assert(strnlen(by, sizeof by) < sizeof by);
    json_writer_init(&writer, &out);
    json_put_string(&writer, NULL, by);
    assert(json_read(buf_text(&out), out.length, &json_limits_payload, &json, &error) == 0);
    json_free(json);
    buf_finish(&out);
}

/* Who wrote it comes back as he was, or cut where he has too many letters. */
static void write_name(const char *by)
{
    char name[VERSION_NAME_SIZE], again[VERSION_NAME_SIZE];
    version_name_make(1700000000000, "0123456789abcdef", by, name);
    assert(version_name_is(name));
    version_name_by(name, again);
    if (strlen(by) < 20)
        assert(strcmp(by, again) == 0);
    read_name(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    memcpy(text, data, size);
    read_name(text);
    write_name(text);
    free(text);
    return 0;
}
