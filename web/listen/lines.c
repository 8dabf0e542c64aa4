#include "web/listen/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static size_t name_length(const char *line)
{
    size_t length = 0;
    while (line[length] > ' ' && line[length] < 0x7f && line[length] != ':')
        length++;
    return length;
}

/* Cuts one line; NULL: it is broken. Else where the next begins. */
static char *cut(char *line, struct header *out)
{
    size_t length = name_length(line);
    char *end = line + strcspn(line, "\r\n");
    if (length == 0 || line[length] != ':' || end[0] != '\r' || end[1] != '\n')
        return NULL;
    line[length] = end[0] = '\0';
    char *value = line + length + 1;
    *out = (struct header){line, value + strspn(value, " \t")};
    return end + 2;
}

static bool is_end(const char *line)
{
    return line[0] == '\0' || line[0] == '\r' || line[0] == '\n';
}

ssize_t lines_read(char *text, struct header *out, size_t size)
{
    size_t n = 0;
    while (!is_end(text)) {
        if (n == size)
            return -E2BIG;
        text = cut(text, &out[n++]);
        if (!text)
            return -EBADMSG;
    }
    return (ssize_t)n;
}
