/*
 * buf: text that grows up to a limit. The caller owns the struct; buf_finish frees what it holds.
 * Any failure (limit reached, no memory) is sticky: later calls do nothing and buf_error tells,
 * so a writer checks once, at its end. The text is always NUL-terminated. Not for sharing between
 * threads.
 */
#ifndef HALL_BASE_BUF_H
#define HALL_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *text;    /* NUL-terminated; never NULL to readers: use buf_text */
    size_t length; /* bytes, without the NUL */
    size_t size;   /* bytes allocated */
    size_t limit;  /* bytes of text at most */
    int error;     /* 0, -EMSGSIZE or -ENOMEM */
};

#define BUF_INIT(limit_) ((struct buf){.limit = (limit_)})

void buf_finish(struct buf *buf);
void buf_clear(struct buf *buf); /* empties it, keeps the memory, forgets the error */

void buf_add(struct buf *buf, const char *bytes, size_t length);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

const char *buf_text(const struct buf *buf); /* "" when nothing was written */
int buf_error(const struct buf *buf);

/* Hands the text over to the caller, who frees it; the buffer is empty afterwards. -ENOMEM,
 * -EMSGSIZE. */
int buf_steal(struct buf *buf, char **ret_text);

#endif
