#include "base/buf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 128 };

static void fail(struct buf *buf, int error)
{
    if (buf->error == 0)
        buf->error = error;
}

/* Makes room for more bytes and the NUL behind them. */
static bool reserve(struct buf *buf, size_t more)
{
    if (buf->error != 0)
        return false;
    if (more > buf->limit - buf->length) {
        fail(buf, -EMSGSIZE);
        return false;
    }
    size_t needed = buf->length + more + 1;
    if (needed <= buf->size)
        return true;

    size_t size = buf->size < FIRST_SIZE ? FIRST_SIZE : buf->size;
    while (size < needed)
        size = size > SIZE_MAX / 2 ? needed : size * 2;
    if (size > buf->limit && needed <= buf->limit)
        size = buf->limit + 1;
    char *text = realloc(buf->text, size);
    if (!text) {
        fail(buf, -ENOMEM);
        return false;
    }
    buf->text = text;
    buf->size = size;
    return true;
}

void buf_finish(struct buf *buf)
{
    if (!buf)
        return;
    free(buf->text);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->error = 0;
    if (buf->text)
        buf->text[0] = '\0';
}

void buf_add(struct buf *buf, const char *bytes, size_t length)
{
    if (length == 0 || !reserve(buf, length))
        return;
    memcpy(buf->text + buf->length, bytes, length);
    buf->length += length;
    buf->text[buf->length] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        fail(buf, -EMSGSIZE);
    } else if (length > 0 && reserve(buf, (size_t)length)) {
        vsnprintf(buf->text + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

const char *buf_text(const struct buf *buf)
{
    return buf->text ? buf->text : "";
}

int buf_error(const struct buf *buf)
{
    return buf->error;
}

int buf_steal(struct buf *buf, char **ret_text)
{
    if (!reserve(buf, 0))
        return buf->error;
    char *text = buf->text;
    text[buf->length] = '\0';
    *ret_text = text;
    *buf = (struct buf){.limit = buf->limit};
    return 0;
}
