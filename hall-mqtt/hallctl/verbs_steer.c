/* hallctl wake, sleep, restart, cancel, hold, release, policy, idle, keep-awake, announce, reload:
 * what Hall is told to do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/reload_signal.h"
#include "base/when.h"
#include "hallctl/meeting.h"
#include "hallctl/reader.h"
#include "hallctl/steer.h"

enum { MINUTE_MS = 60000, IDLE_MOST = 10080 };

/* ---- sending ---- */

/* Is the server (or project) there? Brokers that replay nothing for wildcards show it all the
 * same. */
static int find_subject(struct meeting *meeting, const struct steer *steer)
{
    const bool project = steer->topic == TOPIC_PROJECT_COMMAND;
    const enum topic_kind state = project ? TOPIC_PROJECT_STATE : TOPIC_SERVER_STATE;
    const struct meeting_wish wishes[] = {
        {state, NULL}, {state, text_is_slug(steer->subject) ? steer->subject : "-"}};
    const int status = meeting_read(meeting, wishes, 2);

    if (status >= 0)
        return status;
    return project ? meeting_check_project(meeting, steer->subject)
                   : meeting_check_server(meeting, steer->subject);
}

static int give(const struct call *call, struct steer *steer)
{
    struct meeting meeting = {0};
    int status = meeting_begin(&meeting, call);

    if (status < 0 && steer->subject)
        status = find_subject(&meeting, steer);
    if (status < 0)
        status = steer_run(&meeting, steer);
    meeting_finish(&meeting);
    buf_finish(&steer->payload);
    return status;
}

static struct steer to_server(const struct call *call, enum topic_kind topic, const char *action)
{
    return (struct steer){.topic = topic,
                          .result = TOPIC_SERVER_RESULT,
                          .event = TOPIC_SERVER_EVENT,
                          .subject = call->operands[0],
                          .action = action};
}

/* ---- wake, sleep, restart, cancel ---- */

static int run_command(const struct call *call)
{
    struct steer steer = to_server(call, TOPIC_SERVER_COMMAND, call->verb->name);
    struct json_writer json;

    steer.is_short = strcmp(steer.action, "cancel") == 0;
    steer_begin(&steer, call, true, &json);
    if (call_has(call, FLAG_FOR))
        json_put_string(&json, "for", call->texts[FLAG_FOR]);
    if (call_has(call, FLAG_FORCE))
        json_put_bool(&json, "force", true);
    steer_seal(&json);
    return give(call, &steer);
}

int steer_project(const struct call *call, const char *word)
{
    static const char allowed[] = "list, start PROJECT, stop PROJECT, restart PROJECT";
    struct steer steer = {.topic = TOPIC_PROJECT_COMMAND,
                          .result = TOPIC_PROJECT_RESULT,
                          .event = TOPIC_PROJECT_RESULT,
                          .action = word};
    struct json_writer json;

    if (strcmp(word, "start") != 0 && strcmp(word, "stop") != 0 && strcmp(word, "restart") != 0)
        return hallctl_refuse(call, "what to do", word, allowed);
    if (call->n_operands < 2)
        return hallctl_refuse(call, "the project", "", allowed);
    steer.subject = call->operands[1];
    steer_begin(&steer, call, true, &json);
    steer_seal(&json);
    return give(call, &steer);
}

/* ---- hold, release ---- */

static int put_until(const struct call *call, struct json_writer *json)
{
    const char *text = call->texts[FLAG_UNTIL];
    char shown[RFC3339_SIZE];
    int64_t at = 0;

    if (!when_read(text, reader_local(), clock_now().wall, true, &at))
        return hallctl_refuse(call, "--until", text,
                              "a time such as 18:00 or 2026-11-22T18:00:00Z");
    json_put_string(json, "until", rfc3339_format(at, shown));
    return -1;
}

static int check_hold(const struct call *call)
{
    if (!text_is_slug(call->operands[1]))
        return hallctl_refuse(call, "the name of the hold", call->operands[1],
                              "1 to 64 of a-z 0-9 _ -");
    if (call_has(call, FLAG_FOR) != call_has(call, FLAG_UNTIL))
        return -1;
    fprintf(stderr, "hallctl hold: a hold has one end: --for 2h, or --until 18:00\n");
    return HALLCTL_USAGE;
}

static int run_hold(const struct call *call)
{
    struct steer steer = to_server(call, TOPIC_SERVER_HOLD, "hold");
    struct json_writer json;
    int status = check_hold(call);

    if (status >= 0)
        return status;
    steer.name = call->operands[1];
    steer.is_short = true;
    steer_begin(&steer, call, false, &json);
    if (call_has(call, FLAG_FOR))
        json_put_string(&json, "for", call->texts[FLAG_FOR]);
    else
        status = put_until(call, &json);
    json_put_string(&json, "reason",
                    call_has(call, FLAG_REASON) ? call->texts[FLAG_REASON] : steer.name);
    steer_seal(&json);
    if (status < 0)
        return give(call, &steer);
    buf_finish(&steer.payload);
    return status;
}

static int run_release(const struct call *call)
{
    struct steer steer = to_server(call, TOPIC_SERVER_HOLD, "release");

    if (!text_is_slug(call->operands[1]))
        return hallctl_refuse(call, "the name of the hold", call->operands[1],
                              "1 to 64 of a-z 0-9 _ -");
    steer.name = call->operands[1];
    steer.is_short = true;
    steer.payload = BUF_INIT(STEER_PAYLOAD_MAX);
    return give(call, &steer);
}

/* ---- policy, idle, keep-awake ---- */

/* Without a value: what it is now. */
static int show_config(const struct call *call, const char *key)
{
    struct meeting meeting = {0};
    int status = meeting_begin(&meeting, call);
    const char *id = call->operands[0];
    const struct meeting_wish wishes[] = {{TOPIC_SERVER_STATE, NULL}, {TOPIC_SERVER_CONFIG, id}};

    if (status < 0)
        status = text_is_slug(id) ? meeting_read(&meeting, wishes, 2)
                                  : meeting_read(&meeting, wishes, 1);
    if (status < 0)
        status = meeting_check_server(&meeting, id);
    if (status < 0) {
        const struct known *server = picture_find(&meeting.picture.servers, id);
        const struct json *value = json_get(server->config, key);
        int64_t seconds = 0;
        if (json_integer(value, &seconds))
            printf("%lld\n", (long long)seconds / 60);
        else if (json_type(value) == JSON_BOOL)
            puts(json_get_bool(server->config, key, false) ? "on" : "off");
        else
            puts(json_string(value) && !text_has_control(json_string(value)) ? json_string(value)
                                                                             : "unknown");
        status = HALLCTL_OK;
    }
    meeting_finish(&meeting);
    return status;
}

static int give_word(const struct call *call, enum topic_kind topic, const char *action,
                     const char *word)
{
    struct steer steer = to_server(call, topic, action);

    steer.is_short = true;
    steer.payload = BUF_INIT(STEER_PAYLOAD_MAX);
    buf_puts(&steer.payload, word);
    return give(call, &steer);
}

static int run_policy(const struct call *call)
{
    const char *word = call->n_operands > 1 ? call->operands[1] : NULL;
    enum policy_mode mode;

    if (!word)
        return show_config(call, "policy");
    if (strcmp(word, "configured") == 0)
        return give_word(call, TOPIC_SERVER_POLICY_SET, "policy", "");
    if (!policy_mode_from_name(word, &mode))
        return hallctl_refuse(call, "the policy", word,
                              "always_on, scheduled, on_demand, configured");
    return give_word(call, TOPIC_SERVER_POLICY_SET, "policy", word);
}

static int run_idle(const struct call *call)
{
    const char *text = call->n_operands > 1 ? call->operands[1] : NULL;
    char minutes[24];
    int64_t value = 0;

    if (!text)
        return show_config(call, "idle_s");
    if (number_parse(text, 1, IDLE_MOST, &value) < 0) {
        if (duration_parse(text, &value) < 0 || value % MINUTE_MS != 0 || value < MINUTE_MS ||
            value > (int64_t)IDLE_MOST * MINUTE_MS)
            return hallctl_refuse(call, "the idle time", text,
                                  "whole minutes, 1 to 10080, or a duration such as 20m or 2h");
        value /= MINUTE_MS;
    }
    snprintf(minutes, sizeof(minutes), "%lld", (long long)value);
    return give_word(call, TOPIC_SERVER_IDLE_SET, "idle", minutes);
}

static int run_keep_awake(const struct call *call)
{
    const char *word = call->n_operands > 1 ? call->operands[1] : NULL;

    if (!word)
        return show_config(call, "keep_awake");
    if (strcasecmp(word, "on") != 0 && strcasecmp(word, "off") != 0)
        return hallctl_refuse(call, "keep-awake", word, "on, off");
    return give_word(call, TOPIC_SERVER_KEEP_AWAKE_SET, "keep_awake",
                     strcasecmp(word, "on") == 0 ? "ON" : "OFF");
}

/* ---- Hall itself ---- */

static int give_hall(const struct call *call)
{
    struct steer steer = {.topic = TOPIC_COMMAND,
                          .result = TOPIC_RESULT,
                          .event = TOPIC_RESULT,
                          .action = call->verb->name,
                          .is_short = true};
    struct json_writer json;

    steer_begin(&steer, call, true, &json);
    steer_seal(&json);
    return give(call, &steer);
}

static int run_reload(const struct call *call)
{
    if (!call_has(call, FLAG_PID))
        return give_hall(call);
    return reload_signal_send("hallctl reload", call->numbers[FLAG_PID]) ? HALLCTL_OK
                                                                         : HALLCTL_ERROR;
}

/* clang-format off */
#define GIVING (WITH_BROKER | WITH(FLAG_JSON) | WITH(FLAG_BY) | WITH(FLAG_TIMEOUT))
#define SETTING (WITH_BROKER | WITH(FLAG_JSON) | WITH(FLAG_TIMEOUT))
static const struct verb verbs[] = {
    {.name = "wake", .operands = "SERVER", .summary = "wakes a server",
     .flags = GIVING | WITH(FLAG_WAIT) | WITH(FLAG_FOR), .least = 1, .most = 1, .run = run_command,
     .detail = "Without --for it stays on for the server's idle time.\n"},
    {.name = "sleep", .operands = "SERVER", .summary = "puts a server to sleep, if nothing needs it",
     .flags = GIVING | WITH(FLAG_WAIT) | WITH(FLAG_FORCE), .least = 1, .most = 1, .run = run_command,
     .detail = "Refused while something needs it; hallctl why SERVER says what. --force ends those leases and\n"
               "overrides the agent's vetoes, but not access rights.\n"},
    {.name = "restart", .operands = "SERVER", .summary = "restarts a server",
     .flags = GIVING | WITH(FLAG_WAIT) | WITH(FLAG_FORCE), .least = 1, .most = 1, .run = run_command},
    {.name = "cancel", .operands = "SERVER", .summary = "cancels a wake in progress",
     .flags = GIVING, .least = 1, .most = 1, .run = run_command},
    {.name = "hold", .operands = "SERVER NAME", .summary = "keeps a server on under a name, until a given time",
     .flags = GIVING | WITH(FLAG_FOR) | WITH(FLAG_UNTIL) | WITH(FLAG_REASON), .least = 2, .most = 2, .run = run_hold,
     .detail = "Give either --for or --until. Using the same NAME again replaces the hold.\n"},
    {.name = "release", .operands = "SERVER NAME", .summary = "ends a hold early",
     .flags = SETTING, .least = 2, .most = 2, .run = run_release},
    {.name = "policy", .operands = "SERVER [always_on|scheduled|on_demand|configured]", .summary = "shows or changes the policy of a server",
     .flags = SETTING, .least = 1, .most = 2, .run = run_policy,
     .detail = "configured: the policy in the configuration.\n"},
    {.name = "idle", .operands = "SERVER [MINUTES]", .summary = "shows or changes how long a visit keeps it on",
     .flags = SETTING, .least = 1, .most = 2, .run = run_idle,
     .detail = "MINUTES: 1 to 10080, or a duration such as 20m or 2h.\n"},
    {.name = "keep-awake", .operands = "SERVER [on|off]", .summary = "shows or changes whether it always stays on",
     .flags = SETTING, .least = 1, .most = 2, .run = run_keep_awake},
    {.name = "announce", .operands = "", .summary = "re-sends Home Assistant discovery",
     .flags = GIVING, .run = give_hall,
     .detail = "Devices that were deleted there come back.\n"},
    {.name = "reload", .operands = "", .summary = "reloads Hall's configuration",
     .flags = GIVING | WITH(FLAG_PID), .run = run_reload,
     .detail = "By MQTT, and prints each error in the new configuration. With --pid by a signal, without a broker;\n"
               "if Hall runs as a service, or with RUNTIME_DIRECTORY set, it prints the errors as well.\n"},
};
/* clang-format on */

const struct verb_family steer_family = {"Steer", verbs, ARRAY_SIZE(verbs)};
