/* What a broker may hold of Hall, and what hallctl says of it: the first line is the topic's end,
 * the rest its payload; a line "--" begins the next message. What comes out is text that a terminal
 * can be shown. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "hallctl/reader.h"
#include "hallctl/why.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_LIMIT = 1 << 20 };

static int32_t no_offset(void *context, const char *zone, int64_t utc_s)
{
    (void)context;
    (void)zone;
    (void)utc_s;
    return 7200;
}

static void take(struct picture *picture, const char *message, size_t length)
{
    const char *end = memchr(message, '\n', length);
    const size_t line = end ? (size_t)(end - message) : length;
    char topic[160];
    struct topic parsed;
    if (line > 100)
        return;
    int n = snprintf(topic, sizeof topic, "hall/%.*s", (int)line, message);
    assert(n > 0);
    const char *payload = end ? end + 1 : message + length;
    picture_take(picture, topic, payload, (size_t)(message + length - payload), &parsed);
}

static void take_all(struct picture *picture, const char *text, size_t size)
{
    while (size > 0) {
        const char *next = memmem(text, size, "\n--\n", 4);
        const size_t length = next ? (size_t)(next - text) : size;
        take(picture, text, length);
        if (!next)
            return;
        size -= length + 4;
        text = next + 4;
    }
}

static void tell(const struct known *known)
{
    static const struct zone_port zones = {.offset = no_offset};
    static const struct local local = {.zones = &zones, .zone = "Test"};
    const struct say_how how = {.local = &local, .now = 1790000000000};
    struct buf out = BUF_INIT(OUT_LIMIT);
    struct json_writer json;
    why_write(known, how, &out);
    assert(buf_error(&out) == 0 && out.length > 0);
    for (const char *at = buf_text(&out); *at != '\0'; at++)
        assert((unsigned char)*at >= 0x20 || *at == '\n');
    buf_clear(&out);
    why_write_short(known, how, &out);
    buf_clear(&out);
    json_writer_init(&json, &out);
    json_put_value(&json, NULL, known->status);
    buf_clear(&out);
    say_event(known->status, how, &out);
    const char *words = reader_show(&out);
    assert(!text_has_control(words) && text_is_utf8(words, strlen(words)));
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct picture picture;
    char names[64];
    picture_init(&picture, "hall");
    take_all(&picture, (const char *)data, size);
    picture_names(&picture.servers, names, sizeof names);
    picture_guess(&picture.servers, "testing");
    for (size_t i = 0; i < picture.servers.n; i++)
        tell(picture.servers.all[i]);
    for (size_t i = 0; i < picture.projects.n; i++)
        tell(picture.projects.all[i]);
    picture_finish(&picture);
    return 0;
}
