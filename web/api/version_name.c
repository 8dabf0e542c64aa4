#include "web/api/version_name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "web/site/uri.h"

bool version_name_is(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    size_t length = strlen(name);
    return digits >= 1 && digits <= 15 && name[digits] == '-' && length < VERSION_NAME_SIZE &&
           strspn(name + digits + 1, "0123456789abcdef") == VERSION_HASH_SIZE &&
           name[digits + 1 + VERSION_HASH_SIZE] == '-' && !strchr(name, '/') && length > 5 &&
           strcmp(name + length - 5, ".json") == 0;
}

void version_name_id(const char *name, char out[VERSION_ID_SIZE])
{
    size_t length = strspn(name, "0123456789") + 1 + VERSION_HASH_SIZE;
    snprintf(out, VERSION_ID_SIZE, "%.*s", (int)length, name);
}

const char *version_name_hash(const char *name)
{
    return name + strspn(name, "0123456789") + 1;
}

/* What fits a file name: all else as %XX. */
static void put_by(const char *by, char *out, size_t size)
{
    size_t n = 0;
    for (; *by != '\0' && n + 4 <= size; by++) {
        char c = *by;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '.' || c == '-')
            out[n++] = *by;
        else
            n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*by);
    }
    out[n] = '\0';
}

void version_name_by(const char *name, char out[VERSION_NAME_SIZE])
{
    char query[VERSION_NAME_SIZE + 8];
    const char *by = version_name_hash(name) + VERSION_HASH_SIZE + 1;
    int length = snprintf(query, sizeof(query), "by=%.*s", (int)strlen(by) - 5, by);
    if (uri_parameter((struct span){query, (size_t)length}, "by", out, VERSION_NAME_SIZE) < 0)
        text_copy(out, VERSION_NAME_SIZE, query + 3);
}

void version_name_make(long long at, const char *hash, const char *by, char out[VERSION_NAME_SIZE])
{
    char who[64];
    put_by(by, who, sizeof(who));
    snprintf(out, VERSION_NAME_SIZE, "%lld-%.*s-%s.json", at, VERSION_HASH_SIZE, hash, who);
}
