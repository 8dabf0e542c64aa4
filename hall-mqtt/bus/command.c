#include "bus/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

enum { WORD_SIZE = 32, SHOWN_SIZE = 48, IDLE_MOST_MINUTES = 10080 };

static const int64_t lasts_least = INT64_C(1000);
static const int64_t lasts_most = INT64_C(30) * 24 * 3600 * 1000;

/* What one payload is read with. */
struct reading {
    const struct topic *topic;
    const char *payload;
    size_t length;
    bool retained;
    struct now now;
    struct command *command;
    char *reason; /* REASON_SIZE */
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reading *reading, int error,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reading->reason, REASON_SIZE, format, args);
    va_end(args);
    return error;
}

/* What was found, fit to be shown to people. */
static int refuse_payload(struct reading *reading, const char *allowed)
{
    char shown[SHOWN_SIZE];
    text_show(shown, sizeof shown, reading->payload, reading->length);
    return refuse(reading, -EINVAL, "\"%s\" is not understood; allowed: %s", shown, allowed);
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
    if (reading->length >= WORD_SIZE || memchr(reading->payload, '\0', reading->length) != NULL)
        return false;
    memcpy(out, reading->payload, reading->length);
    out[reading->length] = '\0';
    return true;
}

static bool is_json(const struct reading *reading)
{
    return reading->length > 0 && (reading->payload[0] == '{' || reading->payload[0] == '[');
}

/* ---- the members of a JSON command ---- */

typedef int member_reader(struct reading *reading, const struct json *value);

struct member {
    const char *key;
    member_reader *read;
};

static int wrong_type(struct reading *reading, const char *key, const struct json *value,
                      const char *allowed)
{
    return refuse(reading, -EINVAL, "\"%s\" is %s; allowed: %s", key,
                  json_type_name(json_type(value)), allowed);
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
    if (text == NULL)
        return wrong_type(reading, key, value, "a string");
    if (strlen(text) < least || strlen(text) >= size)
        return refuse(reading, -ERANGE, "\"%s\" has %zu bytes; allowed: %zu to %zu", key,
                      strlen(text), least, size - 1);
    if (!is_printable(text))
        return refuse(reading, -EINVAL, "\"%s\" has control characters; allowed: printable text",
                      key);
    text_copy(out, size, text);
    return 0;
}

static int read_id(struct reading *reading, const struct json *value)
{
    return read_text(reading, "id", value, 1, sizeof reading->command->id, reading->command->id);
}

static int read_by(struct reading *reading, const struct json *value)
{
    return read_text(reading, "by", value, 0, sizeof reading->command->by, reading->command->by);
}

static int read_reason(struct reading *reading, const struct json *value)
{
    return read_text(reading, "reason", value, 0, sizeof reading->command->reason,
                     reading->command->reason);
}

static int read_for(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    int64_t lasts = 0;
    char shown[SHOWN_SIZE];
    if (text == NULL)
        return wrong_type(reading, "for", value, "a duration such as \"30m\" or \"1h30m\"");
    text_show(shown, sizeof shown, text, strlen(text));
    int error = duration_parse(text, &lasts);
    if (error == -EINVAL)
        return refuse(reading, -EINVAL,
                      "\"for\" is \"%s\"; allowed: a duration such as \"30m\" or \"1h30m\"", shown);
    if (error < 0 || lasts < lasts_least || lasts > lasts_most)
        return refuse(reading, -ERANGE, "\"for\" is \"%s\"; allowed: 1s to 30d", shown);
    reading->command->lasts = lasts;
    return 0;
}

static int read_force(struct reading *reading, const struct json *value)
{
    return json_bool(value, &reading->command->force)
               ? 0
               : wrong_type(reading, "force", value, "true or false");
}

static int read_time(struct reading *reading, const char *key, const struct json *value,
                     int64_t *ret_wall)
{
    const char *text = json_string(value);
    char shown[SHOWN_SIZE];
    if (text == NULL)
        return wrong_type(reading, key, value, "a time such as \"2026-11-22T09:28:29Z\"");
    text_show(shown, sizeof shown, text, strlen(text));
    if (rfc3339_parse(text, ret_wall) < 0)
        return refuse(reading, -EINVAL,
                      "\"%s\" is \"%s\"; allowed: a time such as \"2026-11-22T09:28:29Z\"", key,
                      shown);
    return 0;
}

static int read_expires(struct reading *reading, const struct json *value)
{
    char expired[RFC3339_SIZE], now[RFC3339_SIZE];
    int64_t at = 0;
    int error = read_time(reading, "expires", value, &at);
    if (error < 0 || at > reading->now.wall)
        return error;
    return refuse(reading, -ESTALE, "it expired at %s, and it is %s now",
                  rfc3339_format(at, expired), rfc3339_format(reading->now.wall, now));
}

static int read_until(struct reading *reading, const struct json *value)
{
    char end[RFC3339_SIZE];
    int64_t at = 0;
    int error = read_time(reading, "until", value, &at);
    if (error < 0)
        return error;
    rfc3339_format(at, end);
    if (at <= reading->now.wall)
        return refuse(reading, -ESTALE, "\"until\" is %s, which is over: the hold has expired",
                      end);
    if (at - reading->now.wall > lasts_most)
        return refuse(reading, -ERANGE, "\"until\" is %s; allowed: at most 30d from now", end);
    reading->command->lasts = at - reading->now.wall;
    return 0;
}

static int read_server_action(struct reading *reading, const struct json *value);
static int read_project_action(struct reading *reading, const struct json *value);
static int read_hall_action(struct reading *reading, const struct json *value);

static const struct member server_members[] = {
    {"id", read_id},   {"by", read_by},       {"action", read_server_action},
    {"for", read_for}, {"force", read_force}, {"expires", read_expires},
    {NULL, NULL},
};
static const struct member project_members[] = {
    {"id", read_id},           {"by", read_by}, {"action", read_project_action},
    {"expires", read_expires}, {NULL, NULL},
};
static const struct member hall_members[] = {
    {"id", read_id},           {"by", read_by}, {"action", read_hall_action},
    {"expires", read_expires}, {NULL, NULL},
};
static const struct member hold_members[] = {
    {"id", read_id},       {"by", read_by},         {"for", read_for},
    {"until", read_until}, {"reason", read_reason}, {NULL, NULL},
};

/* The keys of a table, for a refusal. */
static const char *member_keys(const struct member *members, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t used = 0; members->key != NULL && used < size; members++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", members->key);
    return out;
}

static int read_member(struct reading *reading, const struct member *members,
                       const struct json *value)
{
    const char *key = json_key(value);
    char shown[SHOWN_SIZE], keys[96];
    for (const struct member *member = members; member->key != NULL; member++)
        if (strcmp(member->key, key) == 0)
            return json_type(value) == JSON_NULL ? 0 : member->read(reading, value);
    text_show(shown, sizeof shown, key, strlen(key));
    return refuse(reading, -EINVAL, "the key \"%s\" is unknown; allowed: %s", shown,
                  member_keys(members, keys, sizeof keys));
}

/* id and by first and whatever else is wrong, so that a refusal finds its way home. */
static void read_sender(struct reading *reading, const struct json *root)
{
    const struct json *id = json_get(root, "id"), *by = json_get(root, "by");
    if (id != NULL && json_type(id) == JSON_STRING)
        (void)read_id(reading, id);
    if (by != NULL && json_type(by) == JSON_STRING)
        (void)read_by(reading, by);
}

static bool is_given(const struct json *root, const char *key)
{
    const struct json *value = json_get(root, key);
    return value != NULL && json_type(value) != JSON_NULL;
}

typedef int whole_check(struct reading *reading, const struct json *root);

static int read_object(struct reading *reading, const struct json *root,
                       const struct member *members, whole_check *check)
{
    if (json_type(root) != JSON_OBJECT)
        return refuse(reading, -EINVAL, "the payload is %s; allowed: an object",
                      json_type_name(json_type(root)));
    read_sender(reading, root);
    for (const struct json *value = json_first(root); value != NULL; value = json_next(value)) {
        int error = read_member(reading, members, value);
        if (error < 0)
            return error;
    }
    return check(reading, root);
}

static int read_json(struct reading *reading, const struct member *members, whole_check *check)
{
    struct json *root = NULL;
    struct json_error error;
    int result = json_read(reading->payload, reading->length, &json_limits_payload, &root, &error);
    if (result < 0)
        return refuse(reading, -EINVAL, "the JSON cannot be read: %s (line %u, column %u)",
                      error.what, error.line, error.column);
    result = read_object(reading, root, members, check);
    json_free(root);
    return result;
}

/* ---- the topics ---- */

static bool find_action(const char *word, const enum command_action *allowed, size_t n,
                        enum command_action *ret_action)
{
    enum command_action action;
    if (!command_action_from_name(word, &action))
        return false;
    for (size_t i = 0; i < n; i++)
        if (allowed[i] == action) {
            *ret_action = action;
            return true;
        }
    return false;
}

static const enum command_action server_actions[] = {COMMAND_WAKE, COMMAND_SLEEP, COMMAND_RESTART,
                                                     COMMAND_CANCEL};
static const enum command_action project_actions[] = {COMMAND_START, COMMAND_STOP, COMMAND_RESTART};
static const enum command_action hall_actions[] = {COMMAND_ANNOUNCE, COMMAND_RELOAD};
static const char server_words[] = "wake, sleep, restart, cancel";
static const char project_words[] = "start, stop, restart";
static const char hall_words[] = "announce, reload";

static bool find_server_action(const char *word, enum command_action *ret_action)
{
    return find_action(word, server_actions, sizeof server_actions / sizeof server_actions[0],
                       ret_action);
}

static bool find_project_action(const char *word, enum command_action *ret_action)
{
    return find_action(word, project_actions, sizeof project_actions / sizeof project_actions[0],
                       ret_action);
}

static bool find_hall_action(const char *word, enum command_action *ret_action)
{
    return find_action(word, hall_actions, sizeof hall_actions / sizeof hall_actions[0],
                       ret_action);
}

static int refuse_action(struct reading *reading, const struct json *value, const char *allowed)
{
    const char *text = json_string(value);
    char shown[SHOWN_SIZE];
    if (text == NULL)
        return wrong_type(reading, "action", value, allowed);
    text_show(shown, sizeof shown, text, strlen(text));
    return refuse(reading, -EINVAL, "\"action\" is \"%s\"; allowed: %s", shown, allowed);
}

static int read_server_action(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    return text != NULL && find_server_action(text, &reading->command->action)
               ? 0
               : refuse_action(reading, value, server_words);
}

static int read_project_action(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    return text != NULL && find_project_action(text, &reading->command->action)
               ? 0
               : refuse_action(reading, value, project_words);
}

static int read_hall_action(struct reading *reading, const struct json *value)
{
    const char *text = json_string(value);
    return text != NULL && find_hall_action(text, &reading->command->action)
               ? 0
               : refuse_action(reading, value, hall_words);
}

static int check_server_command(struct reading *reading, const struct json *root)
{
    if (!is_given(root, "action"))
        return refuse(reading, -EINVAL, "\"action\" is missing; allowed: %s", server_words);
    if (reading->command->lasts > 0 && reading->command->action != COMMAND_WAKE)
        return refuse(reading, -EINVAL, "\"for\" goes with wake only, not with %s",
                      command_action_name(reading->command->action));
    return 0;
}

static int check_project_command(struct reading *reading, const struct json *root)
{
    if (!is_given(root, "action"))
        return refuse(reading, -EINVAL, "\"action\" is missing; allowed: %s", project_words);
    return 0;
}

static int check_hall_command(struct reading *reading, const struct json *root)
{
    if (!is_given(root, "action"))
        return refuse(reading, -EINVAL, "\"action\" is missing; allowed: %s", hall_words);
    return 0;
}

static int check_hold(struct reading *reading, const struct json *root)
{
    bool has_for = is_given(root, "for"), has_until = is_given(root, "until");
    reading->command->end_is_relative = has_for;
    if (has_for == has_until)
        return refuse(reading, -EINVAL,
                      has_for ? "\"for\" and \"until\" are both given; allowed: one of them"
                              : "a hold needs an end: \"for\", such as \"2h\", or \"until\"");
    return 0;
}

static int read_command(struct reading *reading)
{
    char word[WORD_SIZE];
    if (is_json(reading))
        return read_json(reading, server_members, check_server_command);
    if (take_word(reading, word) && find_server_action(word, &reading->command->action))
        return 0;
    return refuse_payload(reading, "wake, sleep, restart, cancel, or JSON with an \"action\"");
}

static int read_project_command(struct reading *reading)
{
    char word[WORD_SIZE];
    if (is_json(reading))
        return read_json(reading, project_members, check_project_command);
    if (take_word(reading, word) && find_project_action(word, &reading->command->action))
        return 0;
    return refuse_payload(reading, "start, stop, restart, or JSON with an \"action\"");
}

static int read_hall_command(struct reading *reading)
{
    char word[WORD_SIZE];
    if (is_json(reading))
        return read_json(reading, hall_members, check_hall_command);
    if (take_word(reading, word) && find_hall_action(word, &reading->command->action))
        return 0;
    return refuse_payload(reading, "announce, reload, or JSON with an \"action\"");
}

static int read_switch(struct reading *reading, bool *ret_on)
{
    char word[WORD_SIZE];
    bool is_word = take_word(reading, word);
    if (!is_word || (strcasecmp(word, "ON") != 0 && strcasecmp(word, "OFF") != 0))
        return refuse_payload(reading, "ON, OFF");
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
        return refuse_payload(reading,
                              "always_on, scheduled, on_demand, or nothing for the configured one");
    return 0;
}

static int read_idle(struct reading *reading)
{
    char word[WORD_SIZE];
    int64_t minutes = 0;
    reading->command->action = COMMAND_IDLE;
    int error =
        take_word(reading, word) ? number_parse(word, 1, IDLE_MOST_MINUTES, &minutes) : -EINVAL;
    if (error == -ERANGE)
        return refuse(reading, -ERANGE, "%s minutes; allowed: 1 to %d", word, IDLE_MOST_MINUTES);
    if (error < 0)
        return refuse_payload(reading, "whole minutes, 1 to 10080");
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
    text_copy(reading->command->name, sizeof reading->command->name, reading->topic->name);
    reading->command->action = reading->length == 0 ? COMMAND_RELEASE : COMMAND_HOLD;
    if (reading->length == 0)
        return 0;
    if (!is_json(reading))
        return refuse_payload(reading, "JSON such as {\"for\":\"2h\",\"reason\":\"backup\"}, or "
                                       "nothing to release");
    return read_json(reading, hold_members, check_hold);
}

typedef int topic_reader(struct reading *reading);

static const struct kind {
    topic_reader *read;
    bool may_be_empty;
    bool may_be_retained;
} kinds[TOPIC_KINDS] = {
    [TOPIC_COMMAND] = {read_hall_command, false, false},
    [TOPIC_SERVER_POWER_SET] = {read_power, false, false},
    [TOPIC_SERVER_COMMAND] = {read_command, false, false},
    [TOPIC_SERVER_POLICY_SET] = {read_policy, true, false},
    [TOPIC_SERVER_IDLE_SET] = {read_idle, false, false},
    [TOPIC_SERVER_KEEP_AWAKE_SET] = {read_keep_awake, false, false},
    [TOPIC_SERVER_HOLD] = {read_hold, true, true},
    [TOPIC_PROJECT_COMMAND] = {read_project_command, false, false},
};

static int read_kind(struct reading *reading, const struct kind *kind)
{
    /* Empty and retained clears what is retained: on a hold's topic that ends the hold. */
    if (reading->length == 0 &&
        (!kind->may_be_empty || (reading->retained && !kind->may_be_retained)))
        return refuse(reading, -EINVAL, "empty");
    trim(reading);
    int error = kind->read(reading);
    if (reading->retained && !kind->may_be_retained)
        return refuse(reading, -ESTALE, "a retained command is refused; publish without -r");
    /* Stale: what the broker would replay for ever is to be cleared, whatever is wrong with it. */
    return reading->retained && error < 0 ? -ESTALE : error;
}

int command_read(const struct topic *topic, const void *payload, size_t length, bool retained,
                 struct now now, struct command *ret_command, char ret_reason[REASON_SIZE])
{
    const struct kind *kind = &kinds[topic->kind];
    struct reading reading = {
        .topic = topic,
        .payload = payload,
        .length = length,
        .retained = retained,
        .now = now,
        .command = ret_command,
        .reason = ret_reason,
    };
    *ret_command = (struct command){.action = COMMAND_NONE, .site = MODEL_NONE};
    ret_reason[0] = '\0';
    if (kind->read == NULL)
        return refuse(&reading, -ENOTSUP, "this topic takes no commands");
    return read_kind(&reading, kind);
}
