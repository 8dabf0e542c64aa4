/* JSON compared with JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "web/api/api_internal.h"

enum { POINTER_MAX = 2048, DIFFS_MAX = 2000 };

struct differ {
    struct json_writer *writer;
    char pointer[POINTER_MAX]; /* RFC 6901 */
    int n;
};

static void tell(struct differ *differ, const char *op, const struct json *old,
                 const struct json *new)
{
    if (differ->n++ >= DIFFS_MAX)
        return;
    json_begin_object(differ->writer, NULL);
    json_put_string(differ->writer, "op", op);
    json_put_string(differ->writer, "pointer", differ->pointer);
    if (old)
        json_put_value(differ->writer, "old", old);
    if (new)
        json_put_value(differ->writer, "new", new);
    json_end_object(differ->writer);
}

/* Goes one step deeper; the length before, to come back. */
static size_t enter(struct differ *differ, const char *key)
{
    size_t before = strlen(differ->pointer), at = before;
    if (at + 1 < POINTER_MAX)
        differ->pointer[at++] = '/';
    for (; *key != '\0' && at + 3 < POINTER_MAX; key++) {
        if (*key == '~' || *key == '/') {
            differ->pointer[at++] = '~';
            differ->pointer[at++] = *key == '~' ? '0' : '1';
        } else {
            differ->pointer[at++] = *key;
        }
    }
    differ->pointer[at] = '\0';
    return before;
}

static bool is_same(const struct json *old, const struct json *new)
{
    double a, b;
    bool x, y;
    switch (json_type(old)) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return json_bool(old, &x) && json_bool(new, &y) && x == y;
    case JSON_NUMBER:
        return json_number(old, &a) && json_number(new, &b) && fabs(a - b) <= 0;
    case JSON_STRING:
        return strcmp(json_string(old), json_string(new)) == 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

static void compare(struct differ *differ, const struct json *old, const struct json *new);

static void compare_objects(struct differ *differ, const struct json *old, const struct json *new)
{
    for (const struct json *child = json_first(old); child; child = json_next(child)) {
        const struct json *other = json_get(new, json_key(child));
        size_t back = enter(differ, json_key(child));
        if (!other)
            tell(differ, "remove", child, NULL);
        else
            compare(differ, child, other);
        differ->pointer[back] = '\0';
    }
    for (const struct json *child = json_first(new); child; child = json_next(child)) {
        size_t back = enter(differ, json_key(child));
        if (!json_get(old, json_key(child)))
            tell(differ, "add", NULL, child);
        differ->pointer[back] = '\0';
    }
}

static void compare_arrays(struct differ *differ, const struct json *old, const struct json *new)
{
    const struct json *a = json_first(old), *b = json_first(new);
    for (size_t i = 0; a || b; i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        size_t back = enter(differ, index);
        if (!a)
            tell(differ, "add", NULL, b);
        else if (!b)
            tell(differ, "remove", a, NULL);
        else
            compare(differ, a, b);
        differ->pointer[back] = '\0';
        a = a ? json_next(a) : NULL;
        b = b ? json_next(b) : NULL;
    }
}

static void compare(struct differ *differ, const struct json *old, const struct json *new)
{
    const bool same_type = json_type(old) == json_type(new);
    if (same_type && json_type(old) == JSON_OBJECT)
        compare_objects(differ, old, new);
    else if (same_type && json_type(old) == JSON_ARRAY)
        compare_arrays(differ, old, new);
    else if (!same_type || !is_same(old, new))
        tell(differ, "replace", old, new);
}

void api_diff(struct json_writer *writer, const struct json *old, const struct json *new)
{
    struct differ differ = {.writer = writer};
    compare(&differ, old, new);
}
