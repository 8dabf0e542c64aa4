#include "hall/in_api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "hall/hall_internal.h"
#include "web/api/api.h"
#include "words/command.h"
#include "words/payload.h"

enum { AT_ONCE = 16 }; /* errands a turn of the loop: a page that asks much delays nothing else */

/* ---- answers ---- */

static void answer(struct hall *hall, struct errand *errand, int status)
{
    errand->status = status;
    errands_answer(hall->errands, errand);
}

static void refuse(struct hall *hall, struct errand *errand, int status, const char *why)
{
    buf_clear(&errand->out);
    buf_puts(&errand->out, why);
    answer(hall, errand, status);
}

static bool find_server(struct hall *hall, struct errand *errand, int *ret_server)
{
    *ret_server = model_server_by_id(&hall->config->model, errand->id);
    if (*ret_server == MODEL_NONE)
        refuse(hall, errand, 404, "No server of that name is configured.");
    return *ret_server != MODEL_NONE;
}

/* ---- what is live ---- */

static void on_info(struct hall *hall, struct errand *errand)
{
    hall_describe_info(hall, &errand->out);
    answer(hall, errand, 200);
}

static void on_servers(struct hall *hall, struct errand *errand)
{
    hall_describe_servers(hall, errand->after, errand->limit, &errand->out);
    answer(hall, errand, 200);
}

static void on_server(struct hall *hall, struct errand *errand)
{
    int server;

    if (!find_server(hall, errand, &server))
        return;
    hall_describe_server(hall, server, &errand->out);
    answer(hall, errand, 200);
}

static void on_projects(struct hall *hall, struct errand *errand)
{
    hall_describe_projects(hall, errand->after, errand->limit, &errand->out);
    answer(hall, errand, 200);
}

static void on_project(struct hall *hall, struct errand *errand)
{
    const int site = model_project_by_id(&hall->config->model, errand->id);

    if (site == MODEL_NONE) {
        refuse(hall, errand, 404, "No project of that name is configured.");
        return;
    }
    hall_describe_project(hall, site, &errand->out);
    answer(hall, errand, 200);
}

static void on_leases(struct hall *hall, struct errand *errand)
{
    hall_describe_leases(hall, errand->after, errand->limit, &errand->out);
    answer(hall, errand, 200);
}

static void on_preview(struct hall *hall, struct errand *errand)
{
    hall_describe_preview(hall, &errand->config->model.domains[0].policy, errand->limit,
                          &errand->out);
    answer(hall, errand, 200);
}

/* ---- commands ---- */

static enum topic_kind topic_of(enum errand_word word)
{
    switch (word) {
    case ERRAND_WORD_COMMAND:
        return TOPIC_SERVER_COMMAND;
    case ERRAND_WORD_POLICY:
        return TOPIC_SERVER_POLICY_SET;
    case ERRAND_WORD_IDLE:
        return TOPIC_SERVER_IDLE_SET;
    case ERRAND_WORD_KEEP_AWAKE:
        return TOPIC_SERVER_KEEP_AWAKE_SET;
    case ERRAND_WORD_HOLD:
        return TOPIC_SERVER_HOLD;
    case ERRAND_WORD_PROJECT:
        return TOPIC_PROJECT_COMMAND;
    }
    return TOPIC_SERVER_COMMAND;
}

static void run(struct hall *hall, struct errand *errand, struct fleet_event *event)
{
    if (!event->command.by[0])
        text_copy(event->command.by, sizeof(event->command.by), errand->by);
    event->command.route = hall_remember_errand(hall, errand);
    hall_feed(hall, event);
}

static void on_command(struct hall *hall, struct errand *errand)
{
    struct topic topic = {.kind = topic_of(errand->word)};
    struct fleet_event event = {.kind = FLEET_COMMAND};
    char reason[REASON_SIZE];
    int error;

    text_copy(topic.id, sizeof(topic.id), errand->id);
    text_copy(topic.name, sizeof(topic.name), errand->name);
    error = command_read(&topic, buf_text(&errand->in), errand->in.length, false, clock_now(),
                         &event.command, reason);
    event.server = hall_find_subject(hall, &topic, &event.command);
    if (event.server == MODEL_NONE)
        refuse(hall, errand, 404,
               topic.kind == TOPIC_PROJECT_COMMAND ? "No project of that name is configured."
                                                   : "No server of that name is configured.");
    else if (error < 0)
        refuse(hall, errand, error == -ESTALE ? 409 : 400, reason);
    else
        run(hall, errand, &event);
}

static void on_release(struct hall *hall, struct errand *errand)
{
    struct fleet_event event = {
        .kind = FLEET_COMMAND,
        .command = {.action = COMMAND_RELEASE,
                    .site = MODEL_NONE,
                    .of_kind = true,
                    .lease = errand->lease},
    };

    if (!find_server(hall, errand, &event.server))
        return;
    text_copy(event.command.name, sizeof(event.command.name), errand->name);
    run(hall, errand, &event);
}

void hall_api_result(struct hall *hall, struct errand *errand, const struct ledger_entry *entry,
                     const char *text)
{
    (void)entry;
    buf_puts(&errand->out, text);
    answer(hall, errand, 202);
}

void hall_api_flushed(struct hall *hall, struct errand *errand)
{
    answer(hall, errand, 200);
}

void hall_api_lost(struct hall *hall, struct errand *errand)
{
    refuse(hall, errand, 503, "Too many commands are under way; the end of this one is not known.");
}

/* ---- tools ---- */

static void on_address(struct hall *hall, struct errand *errand)
{
    char address[INET_ADDRSTRLEN];
    int server;

    if (!find_server(hall, errand, &server))
        return;
    buf_puts(&errand->out, inet_ntop(AF_INET, &hall->config->model.servers[server].address, address,
                                     sizeof(address)));
    answer(hall, errand, 200);
}

/* The check of the project, or the first by HTTP. */
static const struct model_check *find_check(const struct hall *hall, int server, const char *name)
{
    const struct model *model = &hall->config->model;
    const struct model_server *configured = &model->servers[server];
    const int site = name[0] ? model_project_by_id(model, name) : MODEL_NONE;

    for (size_t i = 0; i < configured->n_checks; i++)
        if (configured->checks[i].kind == CHECK_HTTP &&
            (!name[0] || (site != MODEL_NONE && configured->checks[i].site == site)))
            return &configured->checks[i];
    return NULL;
}

static void on_check(struct hall *hall, struct errand *errand)
{
    const struct model_check *check;
    int server;

    if (!find_server(hall, errand, &server))
        return;
    check = find_check(hall, server, errand->name);
    if (!check) {
        refuse(hall, errand, 409,
               errand->name[0] ? "No project of that name on this server has an upstream to ask."
                               : "Nothing on this server is asked by HTTP: configure an upstream "
                                 "or an http check.");
        return;
    }
    buf_puts(&errand->out, check->url);
    answer(hall, errand, 200);
}

static void on_packet(struct hall *hall, struct errand *errand)
{
    char reason[REASON_SIZE] = "", where[INET_ADDRSTRLEN];
    int server;

    if (!find_server(hall, errand, &server))
        return;
    const struct model_server *configured = &hall->config->model.servers[server];
    if (hall_send_packet(hall, server, reason) < 0) {
        refuse(hall, errand, 409, reason);
        return;
    }
    log_info("%s: one magic packet sent for %s", configured->id, errand->by);
    if (configured->wake.relay)
        buf_printf(&errand->out, "relay %s", configured->wake.relay);
    else
        buf_printf(&errand->out, "%s:%u",
                   inet_ntop(AF_INET, &configured->wake.broadcast, where, sizeof(where)),
                   configured->wake.port);
    answer(hall, errand, 200);
}

/* ---- the configuration ---- */

static void on_reload(struct hall *hall, struct errand *errand)
{
    struct json_writer writer;

    text_copy(hall->reload_by, sizeof(hall->reload_by), errand->by);
    hall_reload(hall);
    if (hall->reload_why[0]) {
        refuse(hall, errand, 422, hall->reload_why);
        return;
    }
    json_writer_init(&writer, &errand->out);
    json_begin_object(&writer, NULL);
    json_put_bool(&writer, "loaded", !hall->reload_again);
    json_put_string(&writer, "detail",
                    hall->reload_again ? "it is loaded as soon as older requests have ended"
                                       : NULL);
    json_end_object(&writer);
    answer(hall, errand, 200);
}

/* ---- errands ---- */

typedef void errand_handler(struct hall *, struct errand *);

static errand_handler *const handlers[] = {
    [ERRAND_INFO] = on_info,       [ERRAND_SERVERS] = on_servers,
    [ERRAND_SERVER] = on_server,   [ERRAND_PROJECTS] = on_projects,
    [ERRAND_PROJECT] = on_project, [ERRAND_LEASES] = on_leases,
    [ERRAND_COMMAND] = on_command, [ERRAND_RELEASE] = on_release,
    [ERRAND_ADDRESS] = on_address, [ERRAND_CHECK] = on_check,
    [ERRAND_PACKET] = on_packet,   [ERRAND_PREVIEW] = on_preview,
    [ERRAND_RELOAD] = on_reload,   [ERRAND_FLUSH] = hall_keep_flush,
};

static int on_errands(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct hall *hall = context;

    (void)source;
    (void)fd;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        struct errand *errand = errands_take(hall->errands);

        if (!errand)
            break;
        handlers[errand->kind](hall, errand);
    }
    return 0;
}

/* ---- for those who watch ---- */

static void put_event(const char *text, const struct json *body, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_put_string(&writer, "at", json_get_string(body, "at"));
    json_put_string(&writer, "server", json_get_string(body, "server"));
    json_put_null(&writer, "domain");
    json_put_null(&writer, "project");
    json_put_string(&writer, "type", json_get_string(body, "event_type"));
    json_put_string(&writer, "detail", json_get_string(body, "detail"));
    buf_printf(out, ",\"body\":%s", text);
    json_end_object(&writer);
}

static void tell_event(struct hall *hall, const char *text)
{
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);
    struct json_error error;
    struct json *body = NULL;

    if (json_read(text, strlen(text), &json_limits_payload, &body, &error) == 0)
        put_event(text, body, &out);
    if (body && buf_error(&out) == 0)
        errands_news(hall->errands, "event", buf_text(&out));
    json_free(body);
    buf_finish(&out);
}

/* The bus's answer with its subject in front. */
static void tell_result(struct hall *hall, const char *key, const char *id, const char *text)
{
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);

    buf_printf(&out, "{\"%s\":\"%s\",%s", key, id, text + 1);
    if (buf_error(&out) == 0)
        errands_news(hall->errands, "result", buf_text(&out));
    buf_finish(&out);
}

void hall_api_said(struct hall *hall, enum topic_kind kind, const char *id, const char *text)
{
    if (!hall->errands || !errands_watched(hall->errands) || text[0] != '{')
        return;
    if (kind == TOPIC_SERVER_EVENT || kind == TOPIC_EVENT)
        tell_event(hall, text);
    else if (kind == TOPIC_SERVER_RESULT)
        tell_result(hall, "server", id, text);
    else if (kind == TOPIC_PROJECT_RESULT)
        tell_result(hall, "project", id, text);
}

static void tell(struct hall *hall, const char *event, struct buf *out)
{
    if (buf_error(out) == 0)
        errands_news(hall->errands, event, buf_text(out));
    buf_finish(out);
}

void hall_api_changed(struct hall *hall, int server)
{
    struct buf out = BUF_INIT(2 * PAYLOAD_LIMIT);

    if (!hall->errands || !errands_watched(hall->errands))
        return;
    hall_describe_server(hall, server, &out);
    tell(hall, "server", &out);
    for (int site = fleet_first_site(hall->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(hall->fleet, site)) {
        if (!hall->config->model.sites[site].is_project)
            continue;
        out = BUF_INIT(PAYLOAD_LIMIT);
        hall_describe_project(hall, site, &out);
        tell(hall, "project", &out);
    }
}

/* ---- life ---- */

int hall_api_create(struct hall *hall)
{
    const struct api_options options = {.config_file = hall->config_file,
                                        .store_path = hall->config->store.path,
                                        .version = HALL_VERSION};
    struct api_options with = options;
    int error = errands_create(&hall->errands);

    if (error < 0)
        return error;
    with.errands = hall->errands;
    error = api_create(&with, &hall->api);
    if (error == 0)
        error = sd_event_add_io(hall->loop, &hall->errand_source, errands_fd(hall->errands),
                                EPOLLIN, on_errands, hall);
    return error < 0 ? error : 0;
}

void hall_api_close(struct hall *hall)
{
    if (hall->errands)
        errands_close(hall->errands);
}

void hall_api_destroy(struct hall *hall)
{
    sd_event_source_disable_unref(hall->errand_source);
    api_destroy(hall->api);
    for (size_t i = 0; hall->routes && i < ROUTES_MAX; i++)
        errand_drop(hall->routes[i].errand);
    errands_destroy(hall->errands);
    hall->errand_source = NULL;
    hall->api = NULL;
    hall->errands = NULL;
}
