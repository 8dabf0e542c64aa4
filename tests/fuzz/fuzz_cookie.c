/* The session's cookie: what is found is 64 hex digits that stand in the header behind the name. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/admin/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char token[SESSION_TOKEN_SIZE];
    char *header = malloc(size + 1);
    if (header == NULL)
        return 0;
    memcpy(header, data, size);
    header[size] = '\0';
    for (int tls = 0; tls < 2; tls++) {
        if (!session_cookie(header, tls, token))
            continue;
        assert(strlen(token) == SESSION_TOKEN_SIZE - 1);
        assert(strspn(token, "0123456789abcdef") == SESSION_TOKEN_SIZE - 1);
        char pair[32 + SESSION_TOKEN_SIZE];
        snprintf(pair, sizeof pair, "%s=%s", session_cookie_name(tls), token);
        assert(strstr(header, pair) != NULL);
    }
    free(header);
    return 0;
}
