/*
 * holes: texts with holes. "{name}" is a hole; what stands between [ and ] is left out where it has
 * a hole without a value (those of inner brackets aside). A bracket without holes, and a brace
 * whose name nobody knows, are text like any other. Pure.
 */
#ifndef HALL_BASE_HOLES_H
#define HALL_BASE_HOLES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum hole { HOLE_NONE, HOLE_EMPTY, HOLE_FILLED }; /* no such name; no value; a value */

/* Who fills them. A name is not ended by NUL. */
struct holes {
    const void *of;
    enum hole (*find)(const void *of, const char *name, size_t length);
    void (*put)(const void *of, const char *name, size_t length, struct buf *out);
};

void holes_fill(const struct holes *holes, const char *text, struct buf *out);

/* The place of a name among those of a list that ends with NULL; -1: it is not there. */
int holes_place(const char *const *names, const char *name, size_t length);

#endif
