/*
 * items: what is handed out, each for one token, each once; and the reading of the request that
 * asks for it. Knows nothing of sockets. A token is 32 characters of base64url, 192 bits of chance:
 * nobody guesses one, and looking one up takes the same time whatever was asked for.
 */
#ifndef HALL_HANDOUT_ITEMS_H
#define HALL_HANDOUT_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    ITEMS_MAX = 16,
    ITEM_NAME_MAX = 32,
    ITEM_BYTES_MAX = 32 << 20,
    TOKEN_LENGTH = 32,
    REQUEST_MAX = 2048, /* bytes of a request with all its header lines */
};

struct item {
    char name[ITEM_NAME_MAX + 1];
    char token[TOKEN_LENGTH + 1];
    char *bytes; /* NULL: the answer is asked for, not handed out */
    size_t length;
    bool used;
};

struct items {
    struct item all[ITEMS_MAX];
    size_t n;
};

/* Takes the bytes over, also when it fails. -EINVAL: the name or the token is none, or there are
 * too many. */
int items_add(struct items *items, const char *name, const char *token, char *bytes, size_t length);
void items_finish(struct items *items); /* wipes */

bool token_is(const char *text, size_t length);
/* NULL: there is none of that token. */
struct item *items_find(struct items *items, const char token[TOKEN_LENGTH]);

enum request_verdict {
    REQUEST_PART,  /* more of it is to come */
    REQUEST_WHOLE, /* it asks for ret_token */
    REQUEST_BAD,   /* no request for a token */
};
/* "GET /TOKEN HTTP/1.1" and header lines, which mean nothing here, up to the empty line. */
enum request_verdict items_request(const char *bytes, size_t length,
                                   char ret_token[TOKEN_LENGTH + 1]);

#endif
