#include "hallctl/event_words.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

enum { PHRASE_SIZE = 1024 };

static const struct stage_words {
    const char *stage, *words;
} stages[] = {
    {"packet_sent", "the magic packet is sent"},
    {"first_sign", "the server answers"},
    {"agent_online", "its agent is online"},
    {"docker_up", "Docker is up"},
    {"container_present", "the containers are there"},
    {"container_healthy", "the containers are healthy"},
    {"site_answers", "the site answers"},
};

static const char *stage_words_of(const char *stage)
{
    for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
        if (strcmp(stages[i].stage, stage) == 0)
            return stages[i].words;
    return stage;
}

static void spell_out(char *words)
{
    for (; *words != '\0'; words++)
        if (*words == '_')
            *words = ' ';
}

char *phrase_event(const struct json *event, char *out, size_t size)
{
    const char *type = json_get_string(event, "event_type");
    const char *stage = json_get_string(event, "stage"), *detail = json_get_string(event, "detail");
    char words[64], text[PHRASE_SIZE];

    if (stage) {
        const char *said = stage_words_of(stage);
        return text_show(out, size, said, strlen(said));
    }
    text_show(words, sizeof(words), type ? type : "event", strlen(type ? type : "event"));
    spell_out(words);
    snprintf(text, sizeof(text), "%s%s%s", words, detail && detail[0] ? ": " : "",
             detail ? detail : "");
    return text_show(out, size, text, strlen(text));
}
