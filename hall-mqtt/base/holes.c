#include "base/holes.h"

#include <string.h>

/* The bracket that ends what begins at at; end: none does. */
static const char *bracket_end(const char *at, const char *end)
{
    for (int depth = 1; at < end; at++) {
        depth += (*at == '[') - (*at == ']');
        if (depth == 0)
            break;
    }
    return at;
}

/* What the brace at at is, and how long its name. */
static enum hole hole_at(const struct holes *holes, const char *at, size_t *ret_length)
{
    *ret_length = strcspn(at + 1, "}");
    return at[1 + *ret_length] == '}' ? holes->find(holes->of, at + 1, *ret_length) : HOLE_NONE;
}

/* What a bracket is by the holes in it: HOLE_NONE where it has none. */
static enum hole look(const struct holes *holes, const char *at, const char *end)
{
    enum hole seen = HOLE_NONE, hole;
    size_t length;

    for (; at < end; at++) {
        if (*at == '[')
            at = bracket_end(at + 1, end);
        if (at == end || *at != '{')
            continue;
        hole = hole_at(holes, at, &length);
        if (hole == HOLE_EMPTY)
            return HOLE_EMPTY;
        seen = hole == HOLE_FILLED ? hole : seen;
    }
    return seen;
}

static void fill(const struct holes *holes, const char *at, const char *end, struct buf *out)
{
    const char *close;
    size_t length;

    while (at < end) {
        const char *next = at + 1;

        if (*at == '{' && hole_at(holes, at, &length) != HOLE_NONE) {
            holes->put(holes->of, at + 1, length, out);
            next = at + length + 2;
        } else if (*at == '[' && (close = bracket_end(at + 1, end)) < end) {
            const enum hole within = look(holes, at + 1, close);

            if (within == HOLE_NONE)
                buf_putc(out, *at);
            else
                next = close + 1;
            if (within == HOLE_FILLED)
                fill(holes, at + 1, close, out);
        } else {
            buf_putc(out, *at);
        }
        at = next;
    }
}

void holes_fill(const struct holes *holes, const char *text, struct buf *out)
{
    fill(holes, text, text + strlen(text), out);
}

int holes_place(const char *const *names, const char *name, size_t length)
{
    for (int i = 0; names[i]; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    return -1;
}
