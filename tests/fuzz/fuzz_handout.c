/* What strangers send to the helper of hallctl enroll: a token is found only where one stands, and
 * more bytes never change a request that is whole. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "handout/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char token[TOKEN_LENGTH + 1];
    const size_t length = size < REQUEST_MAX ? size : REQUEST_MAX;
    char *bytes = malloc(length + 1);

    if (bytes == NULL)
        return 0;
    memcpy(bytes, data, length);
    for (size_t part = 0; part <= length; part++) {
        const enum request_verdict verdict = items_request(bytes, part, token);

        if (verdict == REQUEST_PART) {
            assert(part < REQUEST_MAX);
            continue;
        }
        if (verdict == REQUEST_WHOLE) {
            assert(part >= 4 && memcmp(bytes + part - 4, "\r\n\r\n", 4) == 0);
            assert(strlen(token) == TOKEN_LENGTH && token_is(token, TOKEN_LENGTH));
            assert(memcmp(bytes, "GET /", 5) == 0 && memcmp(bytes + 5, token, TOKEN_LENGTH) == 0);
        }
        break;
    }
    free(bytes);
    return 0;
}
