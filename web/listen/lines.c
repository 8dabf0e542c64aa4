#include "web/listen/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Between the colon, where now a NUL is, and the value. */
static bool are_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at == end;
}

const char *lines_behind(const char *before, const struct header *lines, size_t n)
{
    const char *end = before + strlen(before);
    for (size_t i = 0; i < n; i++) {
        const char *name = lines[i].name;
        if (name != end + 2 || !are_blanks(name + strlen(name) + 1, lines[i].value))
            return NULL;
        end = lines[i].value + strlen(lines[i].value);
    }
    return end + 2;
}

/* Cuts one line; NULL: it is broken. Else where the next begins. */
static char *cut(char *line, struct header *out)
{
    size_t length = 0;
    while (line[length] > ' ' && line[length] < 0x7f && line[length] != ':')
        length++;
    char *end = line + strcspn(line, "\r\n");
    if (length == 0 || line[length] != ':' || end[0] != '\r' || end[1] != '\n')
        return NULL;
    line[length] = end[0] = '\0';
    char *value = line + length + 1;
    *out = (struct header){line, value + strspn(value, " \t")};
    return end + 2;
}

ssize_t lines_read(char *text, struct header *out, size_t size)
{
    size_t n = 0;
    while (text[0] != '\0' && text[0] != '\r' && text[0] != '\n') {
        if (n == size)
            return -E2BIG;
        text = cut(text, &out[n++]);
        if (!text)
            return -EBADMSG;
    }
    return (ssize_t)n;
}

/* Those that civetweb did not reach stand as they came, up to a NUL in the place of the head's last
 * byte. */
static void gather_more(const struct lines_taken *taken, char *rest, struct header *all,
                        struct raw_request *raw)
{
    memcpy(all, raw->headers, sizeof(*all) * taken->most);
    raw->headers = all;
    ssize_t more = lines_read(rest, all + taken->most, REQUEST_HEADERS_MAX - taken->most);
    raw->broken = more == -EBADMSG;
    raw->n_headers = more == -E2BIG ? REQUEST_HEADERS_MAX + 1 : taken->most;
    if (more > 0)
        raw->n_headers += (size_t)more;
}

/* Behind the last line an empty one ends the head; behind the first of all, civetweb has made a NUL
 * of that as well. */
void lines_gather(const struct lines_taken *taken, struct header *all, struct raw_request *raw)
{
    const char *rest = lines_behind(taken->before, raw->headers, raw->n_headers);
    raw->broken = !rest || rest + 1 >= taken->limit;
    if (raw->broken)
        return;
    if (raw->n_headers == taken->most)
        gather_more(taken, (char *)rest, all, raw);
    else
        raw->broken = rest[0] != (raw->n_headers > 0 ? '\r' : '\0') || rest[1] != '\0';
}
