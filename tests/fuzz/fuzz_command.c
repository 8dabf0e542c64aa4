/* The first byte chooses the topic's kind and "retained"; the rest is the payload. A refusal has a
 * reason fit to be shown. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "say/say.h"
#include "words/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct now now = {.boot = 5000, .wall = INT64_C(1795339709000)};
    struct command command;
    char reason[REASON_SIZE];
    struct fact why;
    if (size == 0)
        return 0;
    struct topic topic = {
        .kind = (enum topic_kind)((data[0] & 0x7f) % TOPIC_KINDS), .id = "a", .name = "b"};
    bool retained = (data[0] & 0x80) != 0;
    int error = command_read(&topic, data + 1, size - 1, retained, now, &command, &why);
    say_fact_text(&why, NULL, (struct say_how){.now = now.wall}, reason, sizeof reason);
    assert(error <= 0);
    assert((error == 0) == (reason[0] == '\0'));
    assert(!text_has_control(reason) && text_is_utf8(reason, strlen(reason)));
    assert(!text_has_control(command.id) && !text_has_control(command.by));
    assert(command.lasts >= 0);
    return 0;
}
