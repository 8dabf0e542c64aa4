#include "hallctl/setup/edit.h"

#include <string.h>

#include "base/buf.h"

enum { TEXT_MAX = 8 << 20 };

static const char *skip_blank(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

/* Behind the value that begins here. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    if (*at != '{' && *at != '[' && *at != '"')
        return at + strcspn(at, ",]} \t\r\n");
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
    } while (*at && depth > 0);
    return at;
}

struct member {
    const char *from, *to; /* its value; NULL: there is none */
    const char *behind;    /* the object's last member ends here, or its bracket */
    bool empty;
};

/* object: at its bracket. */
static struct member find(const char *object, const char *key)
{
    const size_t length = strlen(key);
    struct member member = {.behind = object + 1, .empty = true};
    const char *at = skip_blank(object + 1);

    while (*at == '"') {
        const char *name = at + 1, *end = skip_string(at);
        const char *from = skip_blank(skip_blank(end) + 1); /* the colon */
        const char *to = skip_value(from);

        if ((size_t)(end - 1 - name) == length && memcmp(name, key, length) == 0) {
            member.from = from;
            member.to = to;
        }
        member.behind = to;
        member.empty = false;
        at = skip_blank(to);
        if (*at == ',')
            at = skip_blank(at + 1);
    }
    return member;
}

/* What the first key gets: the value, or { "b": value }. */
static void put_value(struct buf *out, const char *const *keys, const char *value)
{
    if (!keys[1]) {
        buf_puts(out, value);
        return;
    }
    buf_printf(out, "{ \"%s\": ", keys[1]);
    put_value(out, keys + 1, value);
    buf_puts(out, " }");
}

static void put_line(struct buf *out, unsigned depth)
{
    buf_printf(out, "\n%*s", (int)(2 * depth), "");
}

/* Is an object written over several lines? */
static bool is_spread(const char *object, const struct member *member)
{
    return member->empty || memchr(object, '\n', (size_t)(member->behind - object)) != NULL;
}

static void insert(struct buf *out, const char *object, const struct member *member,
                   const char *const *keys, const char *value, unsigned depth)
{
    const bool spread = is_spread(object, member);

    if (!member->empty)
        buf_puts(out, spread ? "," : ", ");
    if (spread)
        put_line(out, depth);
    buf_printf(out, "\"%s\": ", keys[0]);
    put_value(out, keys, value);
    if (member->empty) {
        put_line(out, depth - 1);
        buf_puts(out, skip_blank(member->behind));
    } else {
        buf_puts(out, member->behind);
    }
}

char *edit_set(struct arena *arena, const char *text, const char *const *keys, const char *value)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    const char *object = skip_blank(text);
    unsigned depth = 1;
    struct member member;

    for (;; keys++, depth++) {
        if (*object != '{')
            return NULL;
        member = find(object, keys[0]);
        if (!member.from || !keys[1] || *member.from == 'n')
            break;
        object = member.from;
    }
    buf_add(&out, text, (size_t)((member.from ? member.from : member.behind) - text));
    if (member.from) {
        put_value(&out, keys, value);
        buf_puts(&out, member.to);
    } else {
        insert(&out, object, &member, keys, value, depth);
    }
    char *edited = buf_error(&out) == 0 ? arena_copy(arena, buf_text(&out)) : NULL;
    buf_finish(&out);
    return edited;
}
