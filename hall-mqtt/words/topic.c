#include "words/topic.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum use {
    USE_TOLD,     /* Hall publishes it, not retained */
    USE_RETAINED, /* Hall publishes it, retained */
    USE_HEARD,    /* Hall subscribes to it */
};

/* base/GROUP/<id>/WORDS, without group base/WORDS, named with /<name> behind. */
static const struct row {
    const char *group, *words;
    enum use use;
    bool named;
} rows[TOPIC_KINDS] = {
    [TOPIC_STATUS] = {NULL, "status", USE_RETAINED, false},
    [TOPIC_INFO] = {NULL, "info", USE_RETAINED, false},
    [TOPIC_EVENT] = {NULL, "event", USE_TOLD, false},
    [TOPIC_RESULT] = {NULL, "result", USE_TOLD, false},
    [TOPIC_COMMAND] = {NULL, "command", USE_HEARD, false},
    [TOPIC_SERVER_STATE] = {"servers", "state", USE_RETAINED, false},
    [TOPIC_SERVER_POWER] = {"servers", "power", USE_RETAINED, false},
    [TOPIC_SERVER_STATUS] = {"servers", "status", USE_RETAINED, false},
    [TOPIC_SERVER_CONFIG] = {"servers", "config", USE_RETAINED, false},
    [TOPIC_SERVER_EVENT] = {"servers", "event", USE_TOLD, false},
    [TOPIC_SERVER_RESULT] = {"servers", "result", USE_TOLD, false},
    [TOPIC_SERVER_POWER_SET] = {"servers", "power/set", USE_HEARD, false},
    [TOPIC_SERVER_COMMAND] = {"servers", "command", USE_HEARD, false},
    [TOPIC_SERVER_POLICY_SET] = {"servers", "policy/set", USE_HEARD, false},
    [TOPIC_SERVER_IDLE_SET] = {"servers", "idle/set", USE_HEARD, false},
    [TOPIC_SERVER_KEEP_AWAKE_SET] = {"servers", "keep_awake/set", USE_HEARD, false},
    [TOPIC_SERVER_HOLD] = {"servers", "hold", USE_HEARD, true},
    [TOPIC_PROJECT_STATE] = {"projects", "state", USE_RETAINED, false},
    [TOPIC_PROJECT_STATUS] = {"projects", "status", USE_RETAINED, false},
    [TOPIC_PROJECT_RESULT] = {"projects", "result", USE_TOLD, false},
    [TOPIC_PROJECT_COMMAND] = {"projects", "command", USE_HEARD, false},
    [TOPIC_AGENT_STATE] = {"agents", "state", USE_HEARD, false},
    [TOPIC_AGENT_REPORT] = {"agents", "report", USE_HEARD, false},
    [TOPIC_AGENT_CONTAINERS] = {"agents", "containers", USE_HEARD, false},
    [TOPIC_AGENT_RESULT] = {"agents", "result", USE_HEARD, false},
    [TOPIC_AGENT_COMMAND] = {"agents", "command", USE_TOLD, false},
    [TOPIC_RELAY_STATE] = {"relays", "state", USE_HEARD, false},
    [TOPIC_RELAY_RESULT] = {"relays", "result", USE_HEARD, false},
    [TOPIC_RELAY_SEND] = {"relays", "send", USE_TOLD, false},
};

char *topic_format(const char *base, enum topic_kind kind, const char *id, const char *name,
                   char out[TOPIC_MAX])
{
    const struct row *row = &rows[kind];
    int length = !row->group ? snprintf(out, TOPIC_MAX, "%s/%s", base, row->words)
                             : snprintf(out, TOPIC_MAX, "%s/%s/%s/%s%s%s", base, row->group, id,
                                        row->words, row->named ? "/" : "", row->named ? name : "");
    if (length < 0 || length >= TOPIC_MAX)
        out[0] = '\0';
    return out;
}

/* The rest behind one level that equals word, or NULL. */
static const char *skip_level(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && text[length] == '/' ? text + length + 1 : NULL;
}

/* Takes one level that is a slug; the rest behind it, or NULL. */
static const char *take_slug(const char *text, char out[SLUG_MAX + 1])
{
    size_t length = strcspn(text, "/");
    if (length > SLUG_MAX)
        return NULL;
    memcpy(out, text, length);
    out[length] = '\0';
    return text_is_slug(out) ? text + length : NULL;
}

/* Takes one level that people could have meant as a name. */
static const char *take_word(const char *text, char out[SLUG_MAX + 1])
{
    size_t length = strcspn(text, "/");
    if (length == 0 || length > SLUG_MAX)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return NULL;
        out[i] = text[i];
    }
    out[length] = '\0';
    return text + length;
}

typedef const char *take_level(const char *text, char out[SLUG_MAX + 1]);

/* text is what follows the words: a name where the kind has one, nothing else. */
static bool take_name(const struct row *row, const char *text, take_level *take,
                      char out[SLUG_MAX + 1])
{
    if (!row->named)
        return *text == '\0';
    const char *end = *text == '/' ? take(text + 1, out) : NULL;
    return end && *end == '\0';
}

static bool row_matches(const struct row *row, const char *text, take_level *take,
                        struct topic *topic)
{
    size_t length = strlen(row->words);
    if (row->group) {
        const char *behind = skip_level(text, row->group);
        behind = behind ? take(behind, topic->id) : NULL;
        if (!behind || *behind != '/')
            return false;
        text = behind + 1;
    }
    return strncmp(text, row->words, length) == 0 &&
           take_name(row, text + length, take, topic->name);
}

bool topic_parse(const char *base, const char *text, struct topic *ret_topic)
{
    const char *below = strlen(text) < TOPIC_MAX ? skip_level(text, base) : NULL;
    for (unsigned kind = 0; below && kind < TOPIC_KINDS; kind++) {
        struct topic topic = {.kind = (enum topic_kind)kind};
        if (row_matches(&rows[kind], below, take_slug, &topic)) {
            *ret_topic = topic;
            return true;
        }
    }
    return false;
}

static bool takes_commands(const struct row *row)
{
    return row->use == USE_HEARD && row->group &&
           (strcmp(row->group, "servers") == 0 || strcmp(row->group, "projects") == 0);
}

bool topic_misnamed(const char *base, const char *text, struct topic *ret_topic)
{
    const char *below = strlen(text) < TOPIC_MAX ? skip_level(text, base) : NULL;
    for (unsigned kind = 0; below && kind < TOPIC_KINDS; kind++) {
        struct topic topic = {.kind = (enum topic_kind)kind};
        if (takes_commands(&rows[kind]) && row_matches(&rows[kind], below, take_word, &topic)) {
            *ret_topic = topic;
            return !topic_parse(base, text, &topic);
        }
    }
    return false;
}

static bool filter_at(const char *base, enum use use, size_t index, char out[TOPIC_MAX])
{
    for (unsigned kind = 0; kind < TOPIC_KINDS; kind++)
        if (rows[kind].use == use && index-- == 0) {
            topic_format(base, (enum topic_kind)kind, "+", "+", out);
            return true;
        }
    return false;
}

bool topic_subscription(const char *base, size_t index, char out[TOPIC_MAX])
{
    return filter_at(base, USE_HEARD, index, out);
}

bool topic_retained(const char *base, size_t index, char out[TOPIC_MAX])
{
    return filter_at(base, USE_RETAINED, index, out);
}

char *topic_echo(const char *base, char out[TOPIC_MAX])
{
    if (snprintf(out, TOPIC_MAX, "%s/echo", base) >= TOPIC_MAX)
        out[0] = '\0';
    return out;
}
