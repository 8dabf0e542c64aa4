#include "words/command_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

static const int64_t lasts_least = INT64_C(1000);
static const int64_t lasts_most = INT64_C(30) * 24 * 3600 * 1000;

/* ---- members ---- */

static int no_text(struct reading *reading, const struct json *value)
{
    return command_refuse(
        reading, -EINVAL,
        fact_with(FACT(COMMAND_TEXT), json_key(value), json_type_name(json_type(value))));
}

/* UTF-8 was checked by the reader; U+0080 to U+009F are controls too. */
static bool is_printable(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0)
            return false;
    return !text_has_control(text);
}

static int read_text(struct reading *reading, const char *key, const struct json *value,
                     size_t least, size_t size, char *out)
{
    const char *text = json_string(value);
    if (!text)
        return no_text(reading, value);
    const size_t length = strlen(text);
    if (length < least)
        return command_refuse(reading, -ERANGE, fact_with(FACT(COMMAND_BLANK), key, NULL));
    if (length >= size)
        return command_refuse(
            reading, -ERANGE,
            fact_with(FACT(COMMAND_LENGTH, .n = {(int64_t)length, (int64_t)size - 1}), key, NULL));
    if (!is_printable(text))
        return command_refuse(reading, -EINVAL, fact_with(FACT(COMMAND_CONTROL), key, NULL));
    text_copy(out, size, text);
    return 0;
}

static int read_id(struct reading *reading, const struct json *value)
{
    return read_text(reading, "id", value, 1, sizeof(reading->command->id), reading->command->id);
}

static int read_by(struct reading *reading, const struct json *value)
{
    return read_text(reading, "by", value, 0, sizeof(reading->command->by), reading->command->by);
}

static int read_reason(struct reading *reading, const struct json *value)
{
    return read_text(reading, "reason", value, 0, sizeof(reading->command->reason),
                     reading->command->reason);
}

static int read_for(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    int64_t lasts = 0;
    char shown[COMMAND_SHOWN_SIZE];
    if (!text)
        return command_refuse(
            reading, -EINVAL,
            fact_with(FACT(COMMAND_DURATION), json_type_name(json_type(value)), NULL));
    text_show(shown, sizeof(shown), text, strlen(text));
    int error = duration_parse(text, &lasts);
    if (error < 0 || lasts < lasts_least || lasts > lasts_most)
        return command_refuse(reading, error == -EINVAL ? -EINVAL : -ERANGE,
                              fact_with(FACT(COMMAND_DURATION), shown, NULL));
    reading->command->lasts = lasts;
    return 0;
}

static int read_force(struct reading *reading, const struct json *value)
{
    return json_bool(value, &reading->command->force)
               ? 0
               : command_refuse(
                     reading, -EINVAL,
                     fact_with(FACT(COMMAND_FORCE), json_type_name(json_type(value)), NULL));
}

static int read_time(struct reading *reading, const char *key, const struct json *value,
                     int64_t *ret_wall)
{
    const char *text = json_string(value);
    char shown[COMMAND_SHOWN_SIZE];
    if (!text)
        return command_refuse(reading, -EINVAL,
                              fact_with(FACT(COMMAND_TIME), key, json_type_name(json_type(value))));
    text_show(shown, sizeof(shown), text, strlen(text));
    if (rfc3339_parse(text, ret_wall) < 0)
        return command_refuse(reading, -EINVAL, fact_with(FACT(COMMAND_TIME), key, shown));
    return 0;
}

static int read_expires(struct reading *reading, const struct json *value)
{
    int64_t at = 0;
    int error = read_time(reading, "expires", value, &at);
    if (error < 0 || at > reading->now.wall)
        return error;
    return command_refuse(reading, -ESTALE, FACT(COMMAND_EXPIRED, .n = {at, reading->now.wall}));
}

static int read_until(struct reading *reading, const struct json *value)
{
    int64_t at = 0;
    int error = read_time(reading, "until", value, &at);
    if (error < 0)
        return error;
    reading->command->until = at;
    if (reading->now.wall == 0)
        return 0;
    if (at <= reading->now.wall)
        return command_refuse(reading, -ESTALE, FACT(COMMAND_OVER, .n = {at}));
    if (at - reading->now.wall > lasts_most)
        return command_refuse(reading, -ERANGE, FACT(COMMAND_FAR, .n = {at}));
    reading->command->lasts = at - reading->now.wall;
    return 0;
}

/* ---- actions ---- */

bool command_find_action(struct reading *reading, const char *word)
{
    enum command_action action;
    if (!command_action_from_name(word, &action))
        return false;
    for (const enum command_action *at = reading->language->actions; *at != COMMAND_NONE; at++)
        if (*at == action) {
            reading->command->action = action;
            return true;
        }
    return false;
}

const char *command_words(const struct reading *reading, char out[COMMAND_WORDS_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    for (const enum command_action *at = reading->language->actions;
         *at != COMMAND_NONE && used < COMMAND_WORDS_SIZE; at++)
        used += (size_t)snprintf(out + used, COMMAND_WORDS_SIZE - used, "%s%s",
                                 used > 0 ? ", " : "", command_action_name(*at));
    return out;
}

static int read_action(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    char shown[COMMAND_SHOWN_SIZE], words[COMMAND_WORDS_SIZE];
    if (!text)
        return no_text(reading, value);
    if (command_find_action(reading, text))
        return 0;
    text_show(shown, sizeof(shown), text, strlen(text));
    return command_refuse(reading, -EINVAL,
                          fact_with(FACT(COMMAND_ACTION), shown, command_words(reading, words)));
}

/* ---- the whole ---- */

static bool is_given(const struct json *root, const char *key)
{
    const struct json *value = json_get(root, key);
    return value && json_type(value) != JSON_NULL;
}

static int check_command(struct reading *reading, const struct json *root)
{
    char words[COMMAND_WORDS_SIZE];
    if (!is_given(root, "action"))
        return command_refuse(
            reading, -EINVAL,
            fact_with(FACT(COMMAND_NO_ACTION), command_words(reading, words), NULL));
    if (reading->command->lasts > 0 && reading->command->action != COMMAND_WAKE)
        return command_refuse(reading, -EINVAL,
                              FACT(COMMAND_FOR, .word = (uint8_t)reading->command->action));
    return 0;
}

static int check_hold(struct reading *reading, const struct json *root)
{
    bool has_for = is_given(root, "for"), has_until = is_given(root, "until");
    if (has_for == has_until)
        return command_refuse(reading, -EINVAL,
                              has_for ? FACT(COMMAND_TWO_ENDS) : FACT(COMMAND_NO_END));
    return 0;
}

static const struct command_member server_members[] = {
    {"id", read_id},   {"by", read_by},       {"action", read_action},
    {"for", read_for}, {"force", read_force}, {"expires", read_expires},
    {NULL, NULL},
};
static const struct command_member plain_members[] = {
    {"id", read_id},           {"by", read_by}, {"action", read_action},
    {"expires", read_expires}, {NULL, NULL},
};
static const struct command_member hold_members[] = {
    {"id", read_id},       {"by", read_by},         {"for", read_for},
    {"until", read_until}, {"reason", read_reason}, {NULL, NULL},
};

static const enum command_action server_actions[] = {COMMAND_WAKE, COMMAND_SLEEP, COMMAND_RESTART,
                                                     COMMAND_CANCEL, COMMAND_NONE};
static const enum command_action project_actions[] = {COMMAND_START, COMMAND_STOP, COMMAND_RESTART,
                                                      COMMAND_NONE};
static const enum command_action hall_actions[] = {COMMAND_ANNOUNCE, COMMAND_RELOAD, COMMAND_NONE};

const struct command_language command_to_server = {server_actions, server_members, check_command};
const struct command_language command_to_project = {project_actions, plain_members, check_command};
const struct command_language command_to_hall = {hall_actions, plain_members, check_command};
const struct command_language command_to_hold = {NULL, hold_members, check_hold};

/* The keys of a table, for a refusal. */
static const char *member_keys(const struct command_member *members, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t used = 0; members->key && used < size; members++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", members->key);
    return out;
}

/* Who fills in all keys of a server's command says null, or false, where nothing is meant. */
static bool is_left_unset(const struct json *value)
{
    bool is_true = true;
    if (json_type(value) != JSON_NULL && (!json_bool(value, &is_true) || is_true))
        return false;
    for (const struct command_member *member = server_members; member->key; member++)
        if (strcmp(member->key, json_key(value)) == 0)
            return true;
    return false;
}

static int read_member(struct reading *reading, const struct json *value)
{
    const char *key = json_key(value);
    char shown[COMMAND_SHOWN_SIZE], keys[96];
    for (const struct command_member *member = reading->language->members; member->key; member++)
        if (strcmp(member->key, key) == 0)
            return json_type(value) == JSON_NULL ? 0 : member->read(reading, value);
    if (is_left_unset(value))
        return 0;
    text_show(shown, sizeof(shown), key, strlen(key));
    return command_refuse(reading, -EINVAL,
                          fact_with(FACT(COMMAND_UNKNOWN_KEY), shown,
                                    member_keys(reading->language->members, keys, sizeof(keys))));
}

/* id and by first and whatever else is wrong, so that a refusal finds its way home. */
static void read_sender(struct reading *reading, const struct json *root)
{
    const struct json *id = json_get(root, "id"), *by = json_get(root, "by");
    if (id && json_type(id) == JSON_STRING)
        (void)read_id(reading, id);
    if (by && json_type(by) == JSON_STRING)
        (void)read_by(reading, by);
}

static int read_object(struct reading *reading, const struct json *root)
{
    read_sender(reading, root);
    for (const struct json *value = json_first(root); value; value = json_next(value)) {
        int error = read_member(reading, value);
        if (error < 0)
            return error;
    }
    return reading->language->check(reading, root);
}

int command_read_json(struct reading *reading)
{
    struct json *root = NULL;
    char wrong[REASON_SIZE];
    int error = json_read_object(reading->payload, reading->length, &root, wrong, sizeof(wrong));
    if (error < 0)
        return command_refuse(reading, error, fact_with(FACT(ANSWER_INVALID), wrong, NULL));
    error = read_object(reading, root);
    json_free(root);
    return error;
}
