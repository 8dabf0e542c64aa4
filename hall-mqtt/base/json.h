/*
 * json: the only door to cJSON. Reading is guarded: size, nesting (at most 16, so that no thread's
 * stack overflows), number of values, UTF-8 and duplicate keys are checked before and after the
 * parse. Writing is a stream into a buf, so that no tree is built to print one.
 *
 * A document is owned by whoever called json_read and freed by json_free; values borrowed from it
 * live as long.
 */
#ifndef HALL_BASE_JSON_H
#define HALL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json; /* one value of a document */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_limits {
    size_t bytes;   /* of text at most */
    unsigned depth; /* of brackets at most, <= 16 */
};
extern const struct json_limits json_limits_payload; /* 64 KiB, 16 deep: what the network sends */
extern const struct json_limits json_limits_config;  /* 4 MiB, 16 deep: configuration files */

struct json_error {
    char what[160]; /* a sentence without full stop, for people */
    unsigned line;  /* 1-based; 0 where no place applies */
    unsigned column;
};

/*
 * Parses length bytes (no NUL needed). On failure ret_value is untouched.
 * -EMSGSIZE too large or too deep, -EBADMSG not JSON (RFC 8259), -EEXIST a key twice in one object,
 * -ENOMEM.
 */
int json_read(const char *bytes, size_t length, const struct json_limits *limits,
              struct json **ret_value, struct json_error *ret_error);
/* What the network sends, which must be an object. -EINVAL with a sentence that says why not. */
int json_read_object(const char *bytes, size_t length, struct json **ret_object, char *why,
                     size_t size);
void json_free(struct json *value);

enum json_type json_type(const struct json *value);
/* "null", "true or false", "number", "string", "array", "object" */
const char *json_type_name(enum json_type type);

/* Look-ups: NULL (or the fallback) when absent or of another type. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_string(const struct json *value); /* NULL unless a string */
const char *json_get_string(const struct json *object, const char *key);
bool json_get_bool(const struct json *object, const char *key, bool fallback);
bool json_bool(const struct json *value, bool *ret); /* false unless true or false */
/* False unless a whole number within 2^53. */
bool json_integer(const struct json *value, int64_t *ret);
/* False unless a finite number. */
bool json_number(const struct json *value, double *ret);

/* Walking arrays and objects: first child, next sibling, the key of an object's member. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);
const char *json_key(const struct json *member); /* NULL in arrays */
size_t json_count(const struct json *container);

/* A key as part of a JSON pointer: '~' and '/' are escaped (RFC 6901). */
void json_pointer_key(struct buf *out, const char *key);

/* Writer: commas and escapes are its business; nesting at most 16. Errors are the buf's, checked at
 * the end. */
struct json_writer {
    struct buf *buf;
    unsigned depth;
    uint32_t started; /* bit d: level d already has a member */
};

void json_writer_init(struct json_writer *writer, struct buf *buf);
/* The key is NULL at top level and in arrays. */
void json_begin_object(struct json_writer *writer, const char *key);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer, const char *key);
void json_end_array(struct json_writer *writer);
/* NULL writes null; broken UTF-8 becomes U+FFFD. */
void json_put_string(struct json_writer *writer, const char *key, const char *text);
void json_put_integer(struct json_writer *writer, const char *key, int64_t value);
/* Milliseconds written as seconds with up to 3 decimals. */
void json_put_seconds(struct json_writer *writer, const char *key, int64_t ms);
/* Not finite writes null. */
void json_put_number(struct json_writer *writer, const char *key, double value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
void json_put_null(struct json_writer *writer, const char *key);
/* A value that was read; NULL writes null. */
void json_put_value(struct json_writer *writer, const char *key, const struct json *value);
/* RFC 3339; null where wall_ms <= 0. */
void json_put_time(struct json_writer *writer, const char *key, int64_t wall_ms);

#endif
