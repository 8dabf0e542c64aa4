/* What the loop answers: what is live, and commands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "web/api/api_internal.h"

struct errand *api_errand(struct api_call *call, enum errand_kind kind)
{
    struct errand *errand = errand_new(kind);
    if (!errand)
        api_problem(call, 503, "There is no memory for this at the moment.");
    else
        api_by(call, errand->by, sizeof(errand->by));
    return errand;
}

static const char *why_not(int error)
{
    switch (error) {
    case -ETIMEDOUT:
        return "Hall did not answer in time; what was asked may still be done.";
    case -EAGAIN:
        return "Too many requests wait for an answer; try again.";
    default:
        return "Hall stops; try again when it has started.";
    }
}

bool api_run(struct api_call *call, struct errand *errand, int64_t limit_ms)
{
    int error = errands_run(call->api->errands, errand, limit_ms);
    if (error < 0) {
        api_problem(call, 503, "%s", why_not(error));
        return false;
    }
    if (errand->status < 400 && buf_error(&errand->out) == 0)
        return true;
    if (errand->report.first)
        api_answer_errors(call, errand->status, buf_text(&errand->out), &errand->report);
    else
        api_problem(call, errand->status >= 400 ? errand->status : 500, "%s",
                    errand->status >= 400 ? buf_text(&errand->out) : "The answer is too long.");
    return false;
}

/* As it is. */
static void pass_on(struct api_call *call, struct errand *errand, int64_t limit_ms)
{
    if (api_run(call, errand, limit_ms)) {
        struct buf *body = api_begin(call, errand->status, NULL);
        api_say(call, buf_text(&errand->out), errand->out.length, body);
        api_end(call);
    }
    errand_drop(errand);
}

void api_live_plain(struct api_call *call)
{
    struct api_params params;
    const bool reloads = call->route->which == ERRAND_RELOAD;
    struct errand *errand =
        api_params(call, &params) ? api_errand(call, (enum errand_kind)call->route->which) : NULL;
    if (errand)
        pass_on(call, errand, reloads ? API_COMMAND_MS : API_LOOP_MS);
}

void api_live_list(struct api_call *call)
{
    struct api_params params;
    if (!api_params(call, &params))
        return;
    struct errand *errand = api_errand(call, (enum errand_kind)call->route->which);
    if (!errand)
        return;
    errand->after = params.after;
    errand->limit = params.limit;
    pass_on(call, errand, API_LOOP_MS);
}

/* False: there is no such thing, answered. */
static bool name_subject(struct api_call *call, struct errand *errand)
{
    if (text_is_slug(call->args[0])) {
        text_copy(errand->id, sizeof(errand->id), call->args[0]);
        return true;
    }
    api_problem(call, 404, "There is nothing of that name.");
    return false;
}

void api_live_one(struct api_call *call)
{
    struct api_params params;
    struct errand *errand =
        api_params(call, &params) ? api_errand(call, (enum errand_kind)call->route->which) : NULL;
    if (!errand)
        return;
    if (name_subject(call, errand))
        pass_on(call, errand, API_LOOP_MS);
    else
        errand_drop(errand);
}

/* ---- commands ---- */

/* A refusal is a problem that has the answer of the bus with it. */
static void refuse(struct api_call *call, const struct json *result)
{
    struct json_writer writer;
    const char *reason = json_get_string(result, "reason");

    api_begin_problem(call, 409, reason ? reason : "Hall refuses.", json_get(result, "reason_fact"),
                      &writer);
    json_put_value(&writer, "result", result);
    api_end_problem(call, &writer);
}

static void answer_result(struct api_call *call, const struct errand *errand)
{
    struct buf said = BUF_INIT(ERRAND_OUT_MAX);
    struct json *result = NULL;
    struct json_error error;

    api_say(call, buf_text(&errand->out), errand->out.length, &said);
    if (json_read(buf_text(&said), said.length, &api_limits, &result, &error) < 0) {
        api_problem(call, 500, "Hall's own answer cannot be read: %s.", error.what);
        buf_finish(&said);
        return;
    }
    const char *outcome = json_get_string(result, "outcome");
    if (text_equal(outcome, "accepted") || text_equal(outcome, "done")) {
        buf_add(api_begin(call, 202, NULL), buf_text(&said), said.length);
        api_end(call);
    } else {
        refuse(call, result);
    }
    json_free(result);
    buf_finish(&said);
}

/* Gives what the client sent to the loop as the bus would have brought it, and drops the errand. */
static void command(struct api_call *call, struct errand *errand, enum errand_word word)
{
    struct api_params params;
    errand->word = word;
    if (api_params(call, &params) && name_subject(call, errand) &&
        api_run(call, errand, API_COMMAND_MS))
        answer_result(call, errand);
    errand_drop(errand);
}

void api_live_command(struct api_call *call)
{
    static const char *const of_server[] = {"id", "by", "for", "force", "expires", NULL};
    static const char *const of_project[] = {"id", "by", "expires", NULL};
    bool is_project = call->route->which == ERRAND_WORD_PROJECT;
    struct json *body = NULL;
    if (!api_body(call, true, &body))
        return;
    struct errand *errand = api_keys(call, body, is_project ? of_project : of_server)
                                ? api_errand(call, ERRAND_COMMAND)
                                : NULL;
    if (errand) {
        struct json_writer writer;
        json_writer_init(&writer, &errand->in);
        json_begin_object(&writer, NULL);
        json_put_string(&writer, "action", call->route->word);
        const struct json *member = body ? json_first(body) : NULL;
        for (; member; member = json_next(member))
            json_put_value(&writer, json_key(member), member);
        json_end_object(&writer);
        command(call, errand, (enum errand_word)call->route->which);
    }
    json_free(body);
}

/* The one value of a body that has exactly this key; NULL: answered. */
static const struct json *only_value(struct api_call *call, const struct json *body,
                                     const char *key)
{
    const char *const keys[] = {key, NULL};
    if (!api_keys(call, body, keys))
        return NULL;
    const struct json *value = json_get(body, key);
    if (!value)
        api_problem(call, 400, "\"%s\" is missing.", key);
    return value;
}

typedef bool word_reader(const struct json *value, struct buf *out);

static void set_one(struct api_call *call, enum errand_word word, const char *key,
                    word_reader *read, const char *allowed)
{
    struct json *body = NULL;
    if (!api_body(call, false, &body))
        return;
    const struct json *value = only_value(call, body, key);
    struct errand *errand = value ? api_errand(call, ERRAND_COMMAND) : NULL;
    if (errand && read(value, &errand->in)) {
        command(call, errand, word);
    } else if (errand) {
        api_problem(call, 400, "\"%s\" is not understood; allowed: %s.", key, allowed);
        errand_drop(errand);
    }
    json_free(body);
}

static bool read_policy(const struct json *value, struct buf *out)
{
    enum policy_mode mode;
    const char *text = json_string(value);
    if (json_type(value) == JSON_NULL)
        return true;
    if (!text || !policy_mode_from_name(text, &mode))
        return false;
    buf_puts(out, text);
    return true;
}

void api_live_policy(struct api_call *call)
{
    set_one(call, ERRAND_WORD_POLICY, "policy", read_policy,
            "always_on, scheduled, on_demand, or null for the configured one");
}

static bool read_minutes(const struct json *value, struct buf *out)
{
    int64_t minutes;
    if (!json_integer(value, &minutes) || minutes < 1 || minutes > 10080)
        return false;
    buf_printf(out, "%lld", (long long)minutes);
    return true;
}

void api_live_idle(struct api_call *call)
{
    set_one(call, ERRAND_WORD_IDLE, "minutes", read_minutes, "whole minutes from 1 to 10080");
}

static bool read_on(const struct json *value, struct buf *out)
{
    bool on;
    if (!json_bool(value, &on))
        return false;
    buf_puts(out, on ? "ON" : "OFF");
    return true;
}

void api_live_keep_awake(struct api_call *call)
{
    set_one(call, ERRAND_WORD_KEEP_AWAKE, "on", read_on, "true or false");
}

static struct errand *hold_errand(struct api_call *call)
{
    if (!text_is_slug(call->args[1])) {
        api_problem(call, 400,
                    "The name of a hold is not understood; allowed: 1 to 64 of a-z 0-9 _ -.");
        return NULL;
    }
    struct errand *errand = api_errand(call, ERRAND_COMMAND);
    if (errand)
        text_copy(errand->name, sizeof(errand->name), call->args[1]);
    return errand;
}

void api_live_hold(struct api_call *call)
{
    struct json *body = NULL;
    if (!api_body(call, false, &body))
        return;
    json_free(body);
    struct errand *errand = hold_errand(call);
    if (!errand)
        return;
    buf_add(&errand->in, call->request->body, call->request->length);
    command(call, errand, ERRAND_WORD_HOLD);
}

void api_live_release_hold(struct api_call *call)
{
    struct errand *errand = hold_errand(call);
    if (errand)
        command(call, errand, ERRAND_WORD_HOLD);
}

void api_live_release(struct api_call *call)
{
    struct errand *errand = api_errand(call, ERRAND_RELEASE);
    if (!errand)
        return;
    errand->lease = (enum lease_kind)call->route->which;
    text_copy(errand->name, sizeof(errand->name), call->args[1]);
    command(call, errand, ERRAND_WORD_COMMAND);
}

/* ---- the next week of a policy ---- */

/* A configuration of one server and one domain that has this policy. */
static void write_around(const struct json *policy, const char *zone, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "timezone", zone);
    json_begin_object(&writer, "servers");
    json_begin_object(&writer, "preview");
    json_put_string(&writer, "address", "192.0.2.1");
    json_put_string(&writer, "mac", "02:00:00:00:00:01");
    json_end_object(&writer);
    json_end_object(&writer);
    json_begin_object(&writer, "domains");
    json_begin_object(&writer, "preview.invalid");
    json_put_string(&writer, "server", "preview");
    json_put_value(&writer, "policy", policy);
    json_end_object(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
}

/* The zone of the file as it stands; where it cannot be read, UTC. */
static void find_timezone(const struct api *api, char *out, size_t size)
{
    struct report report = {0};
    struct config *config = NULL;
    text_copy(out, size, "UTC");
    if (config_load(api->config_file, &config, &report) == 0)
        text_copy(out, size, config->timezone);
    config_free(config);
    report_finish(&report);
}

static bool parse_policy(struct api_call *call, const struct json *policy, struct errand *errand)
{
    struct buf text = BUF_INIT(API_BODY_MAX + 1024);
    struct report report = {0};
    char zone[128];
    find_timezone(call->api, zone, sizeof(zone));
    write_around(policy, zone, &text);
    int error = config_parse("policy", buf_text(&text), text.length, &errand->config, &report);
    if (error < 0)
        api_answer_errors(call, 400, "The policy has errors; `errors` names them all.", &report);
    buf_finish(&text);
    report_finish(&report);
    return error == 0;
}

static void preview(struct api_call *call, const struct json *body)
{
    static const char *const keys[] = {"policy", "days", NULL};
    const struct json *policy = json_get(body, "policy"), *days = json_get(body, "days");
    int64_t n = 7;
    if (!api_keys(call, body, keys))
        return;
    if (!policy || json_type(policy) != JSON_OBJECT) {
        api_problem(call, 400, "\"policy\" is missing, or no object.");
        return;
    }
    if (days && (!json_integer(days, &n) || n < 1 || n > 31)) {
        api_problem(call, 400, "\"days\" is not understood; allowed: 1 to 31.");
        return;
    }
    struct errand *errand = api_errand(call, ERRAND_PREVIEW);
    if (!errand)
        return;
    errand->limit = n;
    if (parse_policy(call, policy, errand))
        pass_on(call, errand, API_LOOP_MS);
    else
        errand_drop(errand);
}

void api_live_preview(struct api_call *call)
{
    struct json *body = NULL;
    if (!api_body(call, false, &body))
        return;
    preview(call, body);
    json_free(body);
}
