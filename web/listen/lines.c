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

bool lines_are_whole(const char *before, const struct header *lines, size_t n,
                     const char **ret_rest)
{
    const char *end = before + strlen(before);
    for (size_t i = 0; i < n; i++) {
        const char *name = lines[i].name;
        if (name != end + 2 || !are_blanks(name + strlen(name) + 1, lines[i].value))
            return false;
        end = lines[i].value + strlen(lines[i].value);
    }
    *ret_rest = end + 2;
    return true;
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
