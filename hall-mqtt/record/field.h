/*
 * field: members of plain structs as members of a JSON object, by a table. What is absent or of
 * another type keeps its value when it is read: records may be of another version. "For ever"
 * (LEASE_FOREVER) is null, since it is beyond what JSON numbers carry exactly. Pure.
 */
#ifndef HALL_RECORD_FIELD_H
#define HALL_RECORD_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum field_type { FIELD_TEXT, FIELD_BOOL, FIELD_INT, FIELD_INT32, FIELD_INT64, FIELD_UINT32 };

/* One member of a struct: its name in the record, where it is, and for text how long it may be.
 * What is zero is left out, unless its absence would mean something else: most of ten thousand
 * records are of servers that sleep. */
struct field {
    const char *name;
    enum field_type type;
    size_t offset, size;
    bool always;
};

#define FIELD_AS(struct_, member_, type_, always_)                                                 \
    {                                                                                              \
#member_, type_, offsetof(struct struct_, member_),                                        \
            sizeof(((struct struct_ *)0)->member_), always_                                        \
    }
#define FIELD(struct_, member_, type_)        FIELD_AS(struct_, member_, type_, false)
#define FIELD_ALWAYS(struct_, member_, type_) FIELD_AS(struct_, member_, type_, true)

/* Into the object that is open in the writer. */
void field_write(struct json_writer *writer, const struct field *fields, size_t n,
                 const void *from);
/* object may be NULL: then nothing is read. */
void field_read(const struct json *object, const struct field *fields, size_t n, void *to);

#endif
