#include "web/api/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "say/say.h"
#include "web/api/api_internal.h"

#define PREFIX "/api/v1"

int api_create(const struct api_options *options, struct api **ret_api)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        return -ENOMEM;
    pthread_mutex_init(&api->file_lock, NULL);
    api->errands = options->errands;
    api->config_file = strdup(options->config_file);
    api->store_path = strdup(options->store_path);
    api->version = strdup(options->version);
    if (!api->config_file || !api->store_path || !api->version) {
        api_destroy(api);
        return -ENOMEM;
    }
    *ret_api = api;
    return 0;
}

void api_destroy(struct api *api)
{
    if (!api)
        return;
    pthread_mutex_destroy(&api->file_lock);
    free(api->config_file);
    free(api->store_path);
    free(api->version);
    free(api);
}

size_t api_body_max(const char *path)
{
    static const char config[] = PREFIX "/config";
    return strncmp(path, config, sizeof(config) - 1) == 0 ? API_CONFIG_MAX : API_BODY_MAX;
}

/* ---- the reader's language ---- */

/* A document as it is, or with its sentences in another language than English. */
static void add_document(enum language language, const char *text, size_t length, struct buf *out)
{
    const struct say_how how = {.language = SAY_FRENCH, .now = clock_now().wall};
    struct json *document = NULL;
    struct json_writer writer;
    struct json_error error;

    if (language == LANGUAGE_ENGLISH ||
        json_read(text, length, &api_limits, &document, &error) < 0) {
        buf_add(out, text, length);
        return;
    }
    json_writer_init(&writer, out);
    say_localize(document, how, &writer);
    json_free(document);
}

void api_say(struct api_call *call, const char *text, size_t length, struct buf *out)
{
    add_document(call->request->language, text, length, out);
}

/* Each event is a line "data: JSON" between others. */
static void add_events(enum language language, const char *text, struct buf *out)
{
    static const char data[] = "data: ";

    while (*text) {
        const size_t length = strcspn(text, "\n");

        if (strncmp(text, data, sizeof(data) - 1) == 0) {
            buf_puts(out, data);
            add_document(language, text + sizeof(data) - 1, length - (sizeof(data) - 1), out);
        } else {
            buf_add(out, text, length);
        }
        text += length;
        if (*text)
            buf_putc(out, *text++);
    }
}

int api_stream(struct api *api, enum language language, uint64_t *cursor, int64_t limit_ms,
               struct buf *out)
{
    if (!api)
        return -ESHUTDOWN;
    if (language == LANGUAGE_ENGLISH)
        return errands_watch(api->errands, cursor, limit_ms, out);
    struct buf english = BUF_INIT(out->limit);
    const int error = errands_watch(api->errands, cursor, limit_ms, &english);
    add_events(language, buf_text(&english), out);
    buf_finish(&english);
    return error;
}

/* ---- routes ---- */

#define HISTORY (PARAM_TIMES | PARAM_BEFORE | PARAM_LIMIT)
#define EVENTS                                                                                     \
    (PARAM_SERVER | PARAM_DOMAIN | PARAM_PROJECT | PARAM_TYPE | PARAM_SEARCH | PARAM_TIMES)
#define THINGS (PARAM_AFTER | PARAM_LIMIT)

/* The more exact path first. */
static const struct api_route routes[] = {
    {"GET", "/info", api_live_plain, 0, ERRAND_INFO, NULL},
    {"GET", "/servers", api_live_list, THINGS, ERRAND_SERVERS, NULL},
    {"GET", "/servers/*", api_live_one, 0, ERRAND_SERVER, NULL},
    {"POST", "/servers/*/wake", api_live_command, 0, ERRAND_WORD_COMMAND, "wake"},
    {"POST", "/servers/*/sleep", api_live_command, 0, ERRAND_WORD_COMMAND, "sleep"},
    {"POST", "/servers/*/restart", api_live_command, 0, ERRAND_WORD_COMMAND, "restart"},
    {"POST", "/servers/*/cancel", api_live_command, 0, ERRAND_WORD_COMMAND, "cancel"},
    {"POST", "/servers/*/policy", api_live_policy, 0, 0, NULL},
    {"POST", "/servers/*/idle", api_live_idle, 0, 0, NULL},
    {"POST", "/servers/*/keep_awake", api_live_keep_awake, 0, 0, NULL},
    {"POST", "/servers/*/ping", api_tool_ping, 0, 0, NULL},
    {"POST", "/servers/*/http", api_tool_http, 0, 0, NULL},
    {"POST", "/servers/*/packet", api_tool_packet, 0, 0, NULL},
    {"PUT", "/servers/*/holds/*", api_live_hold, 0, 0, NULL},
    {"DELETE", "/servers/*/holds/*", api_live_release_hold, 0, 0, NULL},
    {"DELETE", "/servers/*/leases/visit/*", api_live_release, 0, LEASE_VISIT, NULL},
    {"DELETE", "/servers/*/leases/manual/*", api_live_release, 0, LEASE_MANUAL, NULL},
    {"DELETE", "/servers/*/leases/hold/*", api_live_release, 0, LEASE_HOLD, NULL},
    {"GET", "/projects", api_live_list, THINGS, ERRAND_PROJECTS, NULL},
    {"GET", "/projects/*", api_live_one, 0, ERRAND_PROJECT, NULL},
    {"POST", "/projects/*/start", api_live_command, 0, ERRAND_WORD_PROJECT, "start"},
    {"POST", "/projects/*/stop", api_live_command, 0, ERRAND_WORD_PROJECT, "stop"},
    {"POST", "/projects/*/restart", api_live_command, 0, ERRAND_WORD_PROJECT, "restart"},
    {"GET", "/leases", api_live_list, THINGS, ERRAND_LEASES, NULL},
    {"GET", "/heard/*", api_live_one, 0, ERRAND_HEARD, NULL},
    {"GET", "/events", api_past_list, EVENTS | PARAM_BEFORE | PARAM_LIMIT, 0, "events"},
    {"GET", "/events/export", api_past_export, EVENTS | PARAM_FORMAT, 0, NULL},
    {"GET", "/wakes", api_past_list, PARAM_SERVER | HISTORY, 0, "wakes"},
    {"GET", "/sleeps", api_past_list, PARAM_SERVER | HISTORY, 0, "sleeps"},
    {"GET", "/states", api_past_list, PARAM_SERVER | HISTORY, 0, "states"},
    {"GET", "/access", api_past_list, PARAM_DOMAIN | PARAM_ADDRESS | HISTORY, 0, "refusals"},
    {"POST", "/access/rules", api_rules, 0, 0, NULL},
    {"GET", "/logins", api_past_list, HISTORY, 0, "logins"},
    {"GET", "/statistics", api_figures, PARAM_SERVER | PARAM_TIMES, 0, NULL},
    {"GET", "/config", api_file_get, 0, 0, NULL},
    {"PUT", "/config", api_file_put, 0, 0, NULL},
    {"POST", "/config/validate", api_file_validate, 0, 0, NULL},
    {"POST", "/config/diff", api_file_diff, 0, 0, NULL},
    {"GET", "/config/schema", api_file_schema, 0, 0, NULL},
    {"GET", "/config/versions", api_version_list, 0, 0, NULL},
    {"GET", "/config/versions/*", api_version_get, 0, 0, NULL},
    {"POST", "/config/versions/*/restore", api_version_restore, 0, 0, NULL},
    {"GET", "/config/changes", api_past_list, PARAM_BEFORE | PARAM_LIMIT, 0, "changes"},
    {"POST", "/config/reload", api_live_plain, 0, ERRAND_RELOAD, NULL},
    {"POST", "/policies/preview", api_live_preview, 0, 0, NULL},
};
enum { ROUTES = ARRAY_SIZE(routes) };

/* The segment that stands for a star; false: it is empty or too long. */
static bool take_star(const char **path, char arg[API_ARG_SIZE])
{
    size_t length = strcspn(*path, "/");
    if (length == 0 || length >= API_ARG_SIZE)
        return false;
    memcpy(arg, *path, length);
    arg[length] = '\0';
    *path += length;
    return true;
}

static bool path_fits(const char *pattern, const char *path, char args[][API_ARG_SIZE])
{
    int n = 0;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '*') {
            if (!take_star(&path, args[n++]))
                return false;
        } else if (*path++ != *pattern) {
            return false;
        }
    }
    return *path == '\0';
}

static bool method_fits(const char *method, const char *wanted)
{
    return strcmp(method, wanted) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

static void no_route(struct api_call *call, const char *path)
{
    char allow[64] = "";
    for (size_t i = 0; i < ROUTES; i++) {
        size_t used = strlen(allow);
        if (path_fits(routes[i].path, path, call->args) && used + 10 < sizeof(allow))
            snprintf(allow + used, sizeof(allow) - used, "%s%s", used > 0 ? ", " : "",
                     routes[i].method);
    }
    if (allow[0] == '\0') {
        api_problem(call, 404, "There is no such address below /api/v1; see /api/v1/openapi.json.");
        return;
    }
    const struct fact why = fact_with(FACT(REQUEST_METHOD), allow, NULL);
    answer_begin(call->answer, 405);
    answer_header(call->answer, "Allow", allow);
    answer_refuse(call->answer, &why);
}

static void answer_call(struct api_call *call, const char *path)
{
    for (size_t i = 0; i < ROUTES; i++) {
        if (!method_fits(call->request->method, routes[i].method) ||
            !path_fits(routes[i].path, path, call->args))
            continue;
        call->route = &routes[i];
        routes[i].answer(call);
        return;
    }
    no_route(call, path);
}

void api_answer(struct api *api, const struct api_request *request, struct answer *answer)
{
    struct api_call call = {.api = api, .request = request, .answer = answer};
    size_t prefix = strlen(PREFIX);
    if (!api)
        api_problem(&call, 503, "Hall is starting; try again.");
    else if (strncmp(request->path, PREFIX, prefix) != 0)
        no_route(&call, "");
    else
        answer_call(&call, request->path + prefix);
}

/* ---- answers ---- */

void api_problem(struct api_call *call, int status, const char *format, ...)
{
    char detail[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    answer_begin(call->answer, status);
    if (status == 503)
        answer_header(call->answer, "Retry-After", "2");
    answer_problem(call->answer, detail);
}

struct buf *api_begin(struct api_call *call, int status, struct json_writer *writer)
{
    struct buf *body = answer_begin(call->answer, status);
    if (writer)
        json_writer_init(writer, body);
    return body;
}

void api_begin_problem(struct api_call *call, int status, const char *detail,
                       const struct json *fact, struct json_writer *writer)
{
    api_begin(call, status, writer);
    json_begin_object(writer, NULL);
    json_put_string(writer, "type", "about:blank");
    json_put_string(writer, "title", answer_reason(status));
    json_put_integer(writer, "status", status);
    json_put_string(writer, "detail", detail);
    json_put_value(writer, "detail_fact", fact);
}

void api_end_problem(struct api_call *call, struct json_writer *writer)
{
    json_end_object(writer);
    answer_never_kept(call->answer);
    answer_end(call->answer, "application/problem+json");
}

void api_end(struct api_call *call)
{
    answer_never_kept(call->answer);
    answer_end(call->answer, "application/json");
}

void api_by(const struct api_call *call, char *out, size_t size)
{
    char by[128];
    snprintf(by, sizeof(by), "%s (%s)", call->request->by, call->request->who);
    text_show(out, size, by, strlen(by));
}
