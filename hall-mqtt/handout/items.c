#include "handout/items.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handout/tls.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool token_is(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_char(text[i]))
            return false;
    return length == TOKEN_LENGTH;
}

static void free_bytes(char *bytes, size_t length)
{
    if (bytes)
        explicit_bzero(bytes, length);
    free(bytes);
}

int items_add(struct items *items, const char *name, const char *token, char *bytes, size_t length)
{
    struct item *item = &items->all[items->n];

    if (items->n == ITEMS_MAX || name[0] == '\0' || strlen(name) > ITEM_NAME_MAX ||
        !token_is(token, strlen(token))) {
        free_bytes(bytes, length);
        return -EINVAL;
    }
    *item = (struct item){.bytes = bytes, .length = length};
    memcpy(item->name, name, strlen(name));
    memcpy(item->token, token, TOKEN_LENGTH);
    items->n++;
    return 0;
}

void items_finish(struct items *items)
{
    for (size_t i = 0; i < items->n; i++)
        free_bytes(items->all[i].bytes, items->all[i].length);
    explicit_bzero(items, sizeof(*items));
}

/* All are compared, each to its end: neither the time nor a branch tells how near a guess was. */
struct item *items_find(struct items *items, const char token[TOKEN_LENGTH])
{
    struct item *found = NULL;

    for (size_t i = 0; i < items->n; i++)
        if (tls_equal(items->all[i].token, token, TOKEN_LENGTH))
            found = &items->all[i];
    return found;
}

/* Is what was read so far the beginning of a request for some token? */
static bool may_be(const char *bytes, size_t length)
{
    static const char head[] = "GET /", tail[] = " HTTP/1.";
    const size_t head_length = sizeof(head) - 1, tail_length = sizeof(tail) - 1;

    for (size_t i = 0; i < length && i < head_length + TOKEN_LENGTH + tail_length; i++)
        if (i < head_length ? bytes[i] != head[i]
                            : (i < head_length + TOKEN_LENGTH
                                   ? !is_token_char(bytes[i])
                                   : bytes[i] != tail[i - head_length - TOKEN_LENGTH]))
            return false;
    return true;
}

enum request_verdict items_request(const char *bytes, size_t length,
                                   char ret_token[TOKEN_LENGTH + 1])
{
    static const char end[] = "\r\n\r\n";

    if (!may_be(bytes, length) || memchr(bytes, '\0', length))
        return REQUEST_BAD;
    if (!memmem(bytes, length, end, sizeof(end) - 1))
        return length < REQUEST_MAX ? REQUEST_PART : REQUEST_BAD;
    memcpy(ret_token, bytes + strlen("GET /"), TOKEN_LENGTH);
    ret_token[TOKEN_LENGTH] = '\0';
    return REQUEST_WHOLE;
}
