/* What is read as a topic is written back the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "words/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512], again[TOPIC_MAX];
    struct topic topic;
    if (size >= sizeof text)
        size = sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (!topic_parse("hall", text, &topic) && !topic_misnamed("hall", text, &topic))
        return 0;
    topic_format("hall", topic.kind, topic.id, topic.name, again);
    assert(strcmp(text, again) == 0);
    return 0;
}
