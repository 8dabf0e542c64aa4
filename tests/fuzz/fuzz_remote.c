/* What ssh and a server say on stderr, line by line, and what becomes of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bridges/remote/ssh_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the exit status, the rest are lines as errand.c hands them on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ssh_heard heard = {0};
    char line[256], sentence[256];
    if (size == 0)
        return 0;
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((stop ? stop : end) - at);
        ssh_words_hear(&heard, text_show(line, sizeof line, at, length));
        at += length + (stop != NULL);
    }
    const int status = data[0] == 254 ? -1 : data[0];
    const enum ssh_end result =
        ssh_words_judge(&heard, status, "it took longer than 9 s", sentence, sizeof sentence);
    if (sentence[0] == '\0' || text_has_control(sentence) ||
        !text_is_utf8(sentence, strlen(sentence)) || (!heard.logged_in && result == SSH_ASKED))
        abort();
    return 0;
}
