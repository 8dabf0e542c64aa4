/*
 * uri: paths and queries as they come over the wire (RFC 3986): decoded, resolved, taken apart,
 * encoded. Pure; nothing is allocated, results never exceed what the caller gave.
 */
#ifndef HALL_WEB_SITE_URI_H
#define HALL_WEB_SITE_URI_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *at;
    size_t length;
};

/* Neither blanks nor control characters, nor a '#', which no client sends and proxies read in
 * different ways. */
bool uri_is_clean(struct span text);

/* The path as a server behind would see it: decoded once, "//", "." and ".." resolved. raw begins
 * with '/'; the result is never longer and ends with NUL. False: a broken percent sequence, or
 * %00. */
bool uri_normalise_path(struct span raw, char *out);

/* The same as other programs may read it. */
enum uri_reading {
    URI_KEEPS_SEPARATORS = 1, /* %2f and %5c are part of a name */
    URI_BACKSLASHES = 2,      /* '\\' separates as '/' does */
    URI_PARAMETERS = 4,       /* what follows ';' in a segment does not count */
    URI_TRIMS_DOTS = 8,       /* nor do dots and blanks at its end */
    URI_KEEPS_DOTS = 16,      /* "." and ".." are names like others */
};
bool uri_read_path(struct span raw, unsigned how, char *out);

/* Is a segment of the path "..", plain or encoded? */
bool uri_climbs(struct span raw);

/* Takes "http://AUTHORITY" or "https://AUTHORITY" off the front of a URL; length 0: it has none. */
struct span uri_take_authority(struct span *url);

/* The value of a parameter in a query string, percent-decoded. Its length; -ENOENT: absent;
 * -EBADMSG: broken, or longer than size - 1. */
int uri_parameter(struct span query, const char *name, char *ret_value, size_t size);

/* Leaves what may stand in a path or query, and '%'; the rest as percent sequences, up to 3 bytes
 * for one. No NUL. The length written. */
size_t uri_encode(char *out, struct span text);
/* The same of a path that is decoded already. */
size_t uri_encode_path(char *out, const char *path);

#endif
