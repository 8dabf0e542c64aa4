#include "web/site/uri.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/text.h"

enum { KEPT_SEPARATOR = 1 }; /* stands for a '/' that is part of a name */

/* One byte of percent-encoded text; advances *at. -1: broken, or a NUL. */
static int decode_one(const char **at, const char *end)
{
    const char *here = *at;
    if (*here != '%') {
        *at = here + 1;
        return (unsigned char)*here;
    }
    if (end - here < 3)
        return -1;
    int high = text_hex_digit(here[1]);
    int low = text_hex_digit(here[2]);
    if (high < 0 || low < 0 || (high | low) == 0)
        return -1;
    *at = here + 3;
    return high << 4 | low;
}

bool uri_is_clean(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.at[i] <= 0x20 || text.at[i] == 0x7f || text.at[i] == '#')
            return false;
    }
    return true;
}

/* Drops the last segment of path[0..length), which ends with '/'. */
static size_t drop_segment(const char *path, size_t length)
{
    while (length > 1 && path[length - 2] != '/')
        length--;
    return length > 1 ? length - 1 : 1;
}

static bool is_climb(const char *segment, size_t length)
{
    return length == 2 && memcmp(segment, "..", 2) == 0;
}

/* What a segment that begins behind path[start - 1] == '/' and ends at length leaves of the path.
 * `closed`: a '/' follows it. */
static size_t end_segment(char *path, size_t start, size_t length, bool closed, unsigned how)
{
    bool dots = (how & URI_KEEPS_DOTS) == 0;
    if (dots && is_climb(path + start, length - start))
        return drop_segment(path, start);
    if (dots && length - start == 1 && path[start] == '.')
        return start;
    while ((how & URI_TRIMS_DOTS) != 0 && length > start && strchr(". ", path[length - 1]))
        length--;
    if (closed && length > start)
        path[length++] = '/';
    return length;
}

bool uri_climbs(struct span raw)
{
    const char *end = raw.at + raw.length;
    char segment[2] = "";
    size_t length = 0;

    for (const char *at = raw.at; at < end;) {
        int c = decode_one(&at, end);
        if (c == '/' && is_climb(segment, length))
            return true;
        if (c != '/' && length < sizeof(segment))
            segment[length] = (char)c;
        length = c == '/' ? 0 : length + 1;
    }
    return is_climb(segment, length);
}

struct span uri_take_authority(struct span *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        size_t scheme = strlen(schemes[i]);
        if (url->length <= scheme || strncasecmp(url->at, schemes[i], scheme) != 0)
            continue;
        struct span authority = {url->at + scheme, 0};
        size_t most = url->length - scheme;
        while (authority.length < most && !strchr("/?#", authority.at[authority.length]))
            authority.length++;
        *url = (struct span){authority.at + authority.length, most - authority.length};
        return authority;
    }
    return (struct span){NULL, 0};
}

static bool separates(int c, bool encoded, unsigned how)
{
    if (encoded && (how & URI_KEEPS_SEPARATORS) != 0)
        return false;
    return c == '/' || (c == '\\' && (how & URI_BACKSLASHES) != 0);
}

bool uri_read_path(struct span raw, unsigned how, char *out)
{
    bool parameter = false;
    const char *at = raw.at;
    const char *end = raw.at + raw.length;
    size_t start = 1;
    size_t length = 1;

    out[0] = '/';
    at++;
    while (at < end) {
        bool encoded = *at == '%';
        int c = decode_one(&at, end);
        if (c < 0)
            return false;
        if (separates(c, encoded, how)) {
            length = end_segment(out, start, length, true, how);
            start = length;
            parameter = false;
        } else if (parameter || (c == ';' && (how & URI_PARAMETERS) != 0)) {
            parameter = true;
        } else {
            out[length++] = (char)(c == '/' ? KEPT_SEPARATOR : c);
        }
    }
    length = end_segment(out, start, length, false, how);
    out[length] = '\0';
    return true;
}

bool uri_normalise_path(struct span raw, char *out)
{
    return uri_read_path(raw, 0, out);
}

static int decode_value(const char *at, const char *end, char *out, size_t size)
{
    size_t length = 0;
    while (at < end) {
        int c = decode_one(&at, end);
        if (c < 0 || length + 1 >= size)
            return -EBADMSG;
        out[length++] = (char)c;
    }
    out[length] = '\0';
    return (int)length;
}

int uri_parameter(struct span query, const char *name, char *ret_value, size_t size)
{
    size_t name_length = strlen(name);
    const char *at = query.at;
    const char *end = query.at ? query.at + query.length : NULL;

    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        if ((size_t)(stop - at) > name_length && strncmp(at, name, name_length) == 0 &&
            at[name_length] == '=')
            return decode_value(at + name_length + 1, stop, ret_value, size);
        at = stop + 1;
    }
    return -ENOENT;
}

static size_t encode(char *out, struct span text, const char *also)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        /* What RFC 3986 lets stand in a path or query, and '%'. */
        if (c > 0x20 && c < 0x7f && !strchr("\"#<>\\^`{|}", c) && !strchr(also, c)) {
            out[length++] = (char)c;
        } else {
            out[length++] = '%';
            out[length++] = digits[c >> 4];
            out[length++] = digits[c & 15];
        }
    }
    return length;
}

size_t uri_encode(char *out, struct span text)
{
    return encode(out, text, "");
}

size_t uri_encode_path(char *out, const char *path)
{
    return encode(out, (struct span){path, strlen(path)}, "%?");
}
