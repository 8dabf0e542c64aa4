#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/text.h"

void json_writer_init(struct json_writer *writer, struct buf *buf)
{
    *writer = (struct json_writer){.buf = buf};
}

static void put_escape(struct buf *buf, unsigned char c)
{
    switch (c) {
    case '"':
        buf_puts(buf, "\\\"");
        break;
    case '\\':
        buf_puts(buf, "\\\\");
        break;
    case '\n':
        buf_puts(buf, "\\n");
        break;
    case '\t':
        buf_puts(buf, "\\t");
        break;
    default:
        buf_printf(buf, "\\u%04x", c);
        break;
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain. Those that steer a terminal are escaped as well (DEL, and U+0080
 * to U+009F): people look at JSON. */
static void put_character(struct buf *buf, const char *text, size_t step)
{
    if (step == 0)
        buf_puts(buf, "\xef\xbf\xbd");
    else if (step == 1)
        put_escape(buf, (unsigned char)*text);
    else if (step == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0)
        put_escape(buf, (unsigned char)text[1]);
    else
        buf_add(buf, text, step);
}

static void put_text(struct buf *buf, const char *text)
{
    size_t length = strlen(text);

    buf_putc(buf, '"');
    while (length > 0) {
        size_t step = 0;
        while (step < length && is_plain((unsigned char)text[step]))
            step++;
        if (step == 0) {
            step = text_utf8_step(text, length);
            put_character(buf, text, step);
            step = step == 0 ? 1 : step;
        } else {
            buf_add(buf, text, step);
        }
        text += step;
        length -= step;
    }
    buf_putc(buf, '"');
}

/* What stands in front of every value: the comma and the key. */
static void begin_value(struct json_writer *writer, const char *key)
{
    uint32_t level = UINT32_C(1) << writer->depth;
    if ((writer->started & level) != 0)
        buf_putc(writer->buf, ',');
    writer->started |= level;
    if (key) {
        put_text(writer->buf, key);
        buf_putc(writer->buf, ':');
    }
}

static void begin_container(struct json_writer *writer, const char *key, char open)
{
    assert(writer->depth < JSON_DEPTH_MAX);
    begin_value(writer, key);
    buf_putc(writer->buf, open);
    writer->depth++;
    writer->started &= ~(UINT32_C(1) << writer->depth);
}

static void end_container(struct json_writer *writer, char close)
{
    assert(writer->depth > 0);
    writer->depth--;
    buf_putc(writer->buf, close);
}

void json_begin_object(struct json_writer *writer, const char *key)
{
    begin_container(writer, key, '{');
}

void json_end_object(struct json_writer *writer)
{
    end_container(writer, '}');
}

void json_begin_array(struct json_writer *writer, const char *key)
{
    begin_container(writer, key, '[');
}

void json_end_array(struct json_writer *writer)
{
    end_container(writer, ']');
}

void json_put_string(struct json_writer *writer, const char *key, const char *text)
{
    if (!text) {
        json_put_null(writer, key);
        return;
    }
    begin_value(writer, key);
    put_text(writer->buf, text);
}

void json_put_integer(struct json_writer *writer, const char *key, int64_t value)
{
    begin_value(writer, key);
    buf_printf(writer->buf, "%lld", (long long)value);
}

void json_put_seconds(struct json_writer *writer, const char *key, int64_t ms)
{
    char fraction[8];
    int rest = (int)(ms % 1000);

    begin_value(writer, key);
    snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)abs(rest) % 1000);
    size_t length = 4;
    while (length > 0 && (fraction[length - 1] == '0' || fraction[length - 1] == '.'))
        fraction[--length] = '\0';
    buf_printf(writer->buf, "%s%lld%s", ms < 0 && ms / 1000 == 0 ? "-" : "", (long long)(ms / 1000),
               fraction);
}

void json_put_number(struct json_writer *writer, const char *key, double value)
{
    char text[32];
    if (!isfinite(value)) {
        json_put_null(writer, key);
        return;
    }
    begin_value(writer, key);
    snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof(text), "%.17g", value);
    buf_puts(writer->buf, text);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    buf_puts(writer->buf, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer, const char *key)
{
    begin_value(writer, key);
    buf_puts(writer->buf, "null");
}

void json_put_time(struct json_writer *writer, const char *key, int64_t wall_ms)
{
    char text[RFC3339_SIZE];
    json_put_string(writer, key, wall_ms > 0 ? rfc3339_format(wall_ms, text) : NULL);
}

static void put_members(struct json_writer *writer, const struct json *value)
{
    for (const struct json *child = json_first(value); child; child = json_next(child))
        json_put_value(writer, json_key(child), child);
}

/* As deep as its document, which the reader bounds. */
// NOLINTNEXTLINE(misc-no-recursion)
void json_put_value(struct json_writer *writer, const char *key, const struct json *value)
{
    int64_t whole = 0;
    double number = 0;
    bool truth = false;

    switch (json_type(value)) {
    case JSON_NULL:
        json_put_null(writer, key);
        break;
    case JSON_BOOL:
        (void)json_bool(value, &truth);
        json_put_bool(writer, key, truth);
        break;
    case JSON_NUMBER:
        (void)json_number(value, &number);
        if (json_integer(value, &whole))
            json_put_integer(writer, key, whole);
        else
            json_put_number(writer, key, number);
        break;
    case JSON_STRING:
        json_put_string(writer, key, json_string(value));
        break;
    case JSON_ARRAY:
        json_begin_array(writer, key);
        put_members(writer, value);
        json_end_array(writer);
        break;
    case JSON_OBJECT:
        json_begin_object(writer, key);
        put_members(writer, value);
        json_end_object(writer);
        break;
    }
}
