#include "words/command_internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"

enum { WORD_SIZE = 32, IDLE_MOST_MINUTES = 10080 };

int command_refuse(struct reading *reading, int error, struct fact why)
{
    *reading->why = why;
    return error;
}

/* With what was found, fit to be shown to people, as its first text. */
static int refuse_payload(struct reading *reading, int error, struct fact why, const char *allowed)
{
    char shown[COMMAND_SHOWN_SIZE];
    text_show(shown, sizeof(shown), reading->payload, reading->length);
    return command_refuse(reading, error, fact_with(why, shown, allowed));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space around a payload is what `echo wake | mosquitto_pub -l` and editors leave. */
static void trim(struct reading *reading)
{
    while (reading->length > 0 && is_blank(reading->payload[0])) {
        reading->payload++;
        reading->length--;
    }
    while (reading->length > 0 && is_blank(reading->payload[reading->length - 1]))
        reading->length--;
}

/* The payload as one short word; false when it is too long for one or has a NUL inside. */
static bool take_word(const struct reading *reading, char out[WORD_SIZE])
{
    if (reading->length >= WORD_SIZE || memchr(reading->payload, '\0', reading->length))
        return false;
    memcpy(out, reading->payload, reading->length);
    out[reading->length] = '\0';
    return true;
}

static bool is_json(const struct reading *reading)
{
    return reading->length > 0 && (reading->payload[0] == '{' || reading->payload[0] == '[');
}

/* ---- the topics ---- */

/* An action as one word, or a JSON object with one. */
static int read_action(struct reading *reading)
{
    char word[WORD_SIZE], words[COMMAND_WORDS_SIZE];
    if (is_json(reading))
        return command_read_json(reading);
    if (take_word(reading, word) && command_find_action(reading, word))
        return 0;
    return refuse_payload(reading, -EINVAL, FACT(COMMAND_WORD), command_words(reading, words));
}

static int read_switch(struct reading *reading, bool *ret_on)
{
    char word[WORD_SIZE];
    bool is_word = take_word(reading, word);
    if (!is_word || (strcasecmp(word, "ON") != 0 && strcasecmp(word, "OFF") != 0))
        return refuse_payload(reading, -EINVAL, FACT(COMMAND_SWITCH), NULL);
    *ret_on = strcasecmp(word, "ON") == 0;
    return 0;
}

static int read_power(struct reading *reading)
{
    bool on = false;
    int error = read_switch(reading, &on);
    if (error == 0)
        reading->command->action = on ? COMMAND_WAKE : COMMAND_SLEEP;
    return error;
}

static int read_policy(struct reading *reading)
{
    char word[WORD_SIZE];
    reading->command->action = COMMAND_POLICY;
    if (reading->length == 0)
        reading->command->policy_configured = true;
    else if (!take_word(reading, word) || !policy_mode_from_name(word, &reading->command->policy))
        return refuse_payload(reading, -EINVAL, FACT(COMMAND_POLICY), NULL);
    return 0;
}

/* Home Assistant's templates write whole numbers as "30.0". */
static void drop_zero_decimals(char *word)
{
    char *point = strchr(word, '.');
    if (point && point != word && point[1] != '\0' && point[1 + strspn(point + 1, "0")] == '\0')
        *point = '\0';
}

static int read_idle(struct reading *reading)
{
    char word[WORD_SIZE];
    int64_t minutes = 0;
    reading->command->action = COMMAND_IDLE;
    const bool is_word = take_word(reading, word);
    if (is_word)
        drop_zero_decimals(word);
    const int error = is_word ? number_parse(word, 1, IDLE_MOST_MINUTES, &minutes) : -EINVAL;
    if (error < 0)
        return refuse_payload(reading, error, FACT(COMMAND_MINUTES, .n = {IDLE_MOST_MINUTES}),
                              NULL);
    reading->command->minutes = (int)minutes;
    return 0;
}

static int read_keep_awake(struct reading *reading)
{
    reading->command->action = COMMAND_KEEP_AWAKE;
    return read_switch(reading, &reading->command->on);
}

static int read_hold(struct reading *reading)
{
    text_copy(reading->command->name, sizeof(reading->command->name), reading->topic->name);
    reading->command->action = reading->length == 0 ? COMMAND_RELEASE : COMMAND_HOLD;
    if (reading->length == 0)
        return 0;
    if (!is_json(reading))
        return refuse_payload(reading, -EINVAL, FACT(COMMAND_HOLD), NULL);
    return command_read_json(reading);
}

typedef int topic_reader(struct reading *reading);

static const struct kind {
    topic_reader *read;
    const struct command_language *language;
    bool may_be_empty;
    bool may_be_retained;
} kinds[TOPIC_KINDS] = {
    [TOPIC_COMMAND] = {read_action, &command_to_hall, false, false},
    [TOPIC_SERVER_POWER_SET] = {read_power, NULL, false, false},
    [TOPIC_SERVER_COMMAND] = {read_action, &command_to_server, false, false},
    [TOPIC_SERVER_POLICY_SET] = {read_policy, NULL, true, false},
    [TOPIC_SERVER_IDLE_SET] = {read_idle, NULL, false, false},
    [TOPIC_SERVER_KEEP_AWAKE_SET] = {read_keep_awake, NULL, false, false},
    [TOPIC_SERVER_HOLD] = {read_hold, &command_to_hold, true, true},
    [TOPIC_PROJECT_COMMAND] = {read_action, &command_to_project, false, false},
};

static int read_kind(struct reading *reading, const struct kind *kind)
{
    /* Empty and retained clears what is retained: on a hold's topic that ends the hold. */
    if (reading->length == 0 &&
        (!kind->may_be_empty || (reading->retained && !kind->may_be_retained)))
        return command_refuse(reading, -EINVAL,
                              reading->retained && !kind->may_be_retained ? FACT(ANSWER_RETAINED)
                                                                          : FACT(COMMAND_EMPTY));
    trim(reading);
    int error = kind->read(reading);
    if (reading->retained && !kind->may_be_retained)
        return command_refuse(reading, -ESTALE, FACT(ANSWER_RETAINED));
    /* Stale: what the broker would replay for ever is to be cleared, whatever is wrong with it. */
    return reading->retained && error < 0 ? -ESTALE : error;
}

bool command_may_be_retained(enum topic_kind kind)
{
    return kinds[kind].may_be_retained;
}

int command_read(const struct topic *topic, const void *payload, size_t length, bool retained,
                 struct now now, struct command *ret_command, struct fact *ret_why)
{
    const struct kind *kind = &kinds[topic->kind];
    struct reading reading = {
        .topic = topic,
        .language = kind->language,
        .payload = payload,
        .length = length,
        .retained = retained,
        .now = now,
        .command = ret_command,
        .why = ret_why,
    };
    *ret_command = (struct command){.action = COMMAND_NONE, .site = MODEL_NONE};
    *ret_why = FACT(NONE);
    if (!kind->read)
        return command_refuse(&reading, -ENOTSUP, FACT(COMMAND_NO_TOPIC));
    return read_kind(&reading, kind);
}

int command_subject(const struct model *model, const struct topic *topic, struct command *command)
{
    command->site = MODEL_NONE;
    if (topic->kind != TOPIC_PROJECT_COMMAND)
        return model_server_by_id(model, topic->id);
    command->site = model_project_by_id(model, topic->id);
    return command->site == MODEL_NONE ? MODEL_NONE : model->sites[command->site].server;
}
