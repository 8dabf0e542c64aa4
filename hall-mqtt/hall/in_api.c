#include "hall/in_api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "words/command.h"

enum { FLUSH_PAUSE_MS = 2000, BOOKS_PAUSE_MS = 60000 };
enum { AT_ONCE = 16 }; /* errands a turn of the loop: a page that asks much delays nothing else */

/* Each answers an errand: the HTTP status, with the document or a sentence in errand->out; or 0,
 * and it is answered later. server: the one that is named, where the table says so. */
typedef int errand_handler(struct in_api *in, struct errand *errand, int server);

static int refuse(struct errand *errand, int status, const char *why)
{
    buf_clear(&errand->out);
    buf_puts(&errand->out, why);
    return status;
}

static int refuse_name(struct errand *errand, const char *what)
{
    buf_clear(&errand->out);
    buf_printf(&errand->out, "No %s of that name is configured.", what);
    return 404;
}

static const struct model *model_of(const struct in_api *in)
{
    return &in->describe.current->config->model;
}

/* ---- what is live ---- */

static int on_info(struct in_api *in, struct errand *errand, int server)
{
    (void)server;
    describe_info(&in->describe, &errand->out);
    return 200;
}

static int on_list(struct in_api *in, struct errand *errand, int server)
{
    static void (*const lists[])(const struct describe *from, int64_t after, int64_t limit,
                                 struct buf *out) = {[ERRAND_SERVERS] = describe_servers,
                                                     [ERRAND_PROJECTS] = describe_projects,
                                                     [ERRAND_LEASES] = describe_leases};

    (void)server;
    lists[errand->kind](&in->describe, errand->after, errand->limit, &errand->out);
    return 200;
}

static int on_server(struct in_api *in, struct errand *errand, int server)
{
    describe_server(&in->describe, server, &errand->out);
    return 200;
}

static int on_project(struct in_api *in, struct errand *errand, int server)
{
    const int site = model_project_by_id(model_of(in), errand->id);

    (void)server;
    if (site == MODEL_NONE)
        return refuse_name(errand, "project");
    describe_project(&in->describe, site, &errand->out);
    return 200;
}

static int on_heard(struct in_api *in, struct errand *errand, int server)
{
    (void)server;
    describe_heard(&in->describe, errand->id, &errand->out);
    return 200;
}

static int on_preview(struct in_api *in, struct errand *errand, int server)
{
    (void)server;
    describe_preview(&in->describe, &errand->config->model.domains[0].policy, errand->limit,
                     &errand->out);
    return 200;
}

/* ---- commands ---- */

static int run(struct in_api *in, struct errand *errand, struct fleet_event *event)
{
    if (!event->command.by[0])
        text_copy(event->command.by, sizeof(event->command.by), errand->by);
    event->command.route = answers_route_errand(in->answers, errand);
    turn_feed(in->act->turn, event);
    return 0;
}

static int on_command(struct in_api *in, struct errand *errand, int server)
{
    static const enum topic_kind topics[] = {
        [ERRAND_WORD_COMMAND] = TOPIC_SERVER_COMMAND,
        [ERRAND_WORD_POLICY] = TOPIC_SERVER_POLICY_SET,
        [ERRAND_WORD_IDLE] = TOPIC_SERVER_IDLE_SET,
        [ERRAND_WORD_KEEP_AWAKE] = TOPIC_SERVER_KEEP_AWAKE_SET,
        [ERRAND_WORD_HOLD] = TOPIC_SERVER_HOLD,
        [ERRAND_WORD_PROJECT] = TOPIC_PROJECT_COMMAND,
    };
    struct topic topic = {.kind = topics[errand->word]};
    struct fleet_event event = {.kind = FLEET_COMMAND};
    struct fact why;
    char said[SAID_SIZE];
    int error;

    (void)server;
    text_copy(topic.id, sizeof(topic.id), errand->id);
    text_copy(topic.name, sizeof(topic.name), errand->name);
    error = command_read(&topic, buf_text(&errand->in), errand->in.length, false,
                         current_now(in->describe.current), &event.command, &why);
    event.server = command_subject(model_of(in), &topic, &event.command);
    if (event.server == MODEL_NONE)
        return refuse_name(errand, topic.kind == TOPIC_PROJECT_COMMAND ? "project" : "server");
    if (error < 0)
        return refuse(errand, error == -ESTALE ? 409 : 400,
                      say_english(&why, NULL, clock_now().wall, said));
    return run(in, errand, &event);
}

static int on_release(struct in_api *in, struct errand *errand, int server)
{
    struct fleet_event event = {
        .kind = FLEET_COMMAND,
        .server = server,
        .command = {.action = COMMAND_RELEASE,
                    .site = MODEL_NONE,
                    .of_kind = true,
                    .lease = errand->lease},
    };

    text_copy(event.command.name, sizeof(event.command.name), errand->name);
    return run(in, errand, &event);
}

/* ---- tools ---- */

static int on_address(struct in_api *in, struct errand *errand, int server)
{
    char address[INET_ADDRSTRLEN];

    buf_puts(&errand->out,
             inet_ntop(AF_INET, &model_of(in)->servers[server].address, address, sizeof(address)));
    return 200;
}

/* The check of the project, or the first by HTTP. */
static int on_check(struct in_api *in, struct errand *errand, int server)
{
    const struct model_server *configured = &model_of(in)->servers[server];
    const char *name = errand->name;
    const int site = name[0] ? model_project_by_id(model_of(in), name) : MODEL_NONE;

    for (size_t i = 0; i < configured->n_checks; i++) {
        const struct model_check *check = &configured->checks[i];

        if (check->kind == CHECK_HTTP &&
            (!name[0] || (site != MODEL_NONE && check->site == site))) {
            buf_puts(&errand->out, check->url);
            return 200;
        }
    }
    return refuse(errand, 409,
                  name[0] ? "No project of that name on this server has an upstream to ask."
                          : "Nothing on this server is asked by HTTP: configure an upstream or an "
                            "http check.");
}

static int on_packet(struct in_api *in, struct errand *errand, int server)
{
    const struct model_server *configured = &model_of(in)->servers[server];
    struct fact why;
    char said[SAID_SIZE], where[INET_ADDRSTRLEN];

    if (act_send_packet(in->act, server, &why) < 0)
        return refuse(errand, 409, say_english(&why, NULL, clock_now().wall, said));
    log_info("%s: one magic packet sent for %s", configured->id, errand->by);
    if (configured->wake.relay)
        buf_printf(&errand->out, "relay %s", configured->wake.relay);
    else
        buf_printf(&errand->out, "%s:%u",
                   inet_ntop(AF_INET, &configured->wake.broadcast, where, sizeof(where)),
                   configured->wake.port);
    return 200;
}

/* ---- the configuration ---- */

static int on_reload(struct in_api *in, struct errand *errand, int server)
{
    struct reload *reload = in->reload;
    struct json_writer writer;

    (void)server;
    reload_now(reload, errand->by);
    errand->report = reload->report;
    reload->report = (struct report){0};
    if (reload->why[0])
        return refuse(errand, 422, reload->why);
    json_writer_init(&writer, &errand->out);
    json_begin_object(&writer, NULL);
    json_put_bool(&writer, "loaded", !reload->again);
    json_put_string(&writer, "detail",
                    reload->again ? "it is loaded as soon as older requests have ended" : NULL);
    json_end_object(&writer);
    return 200;
}

/* ---- the disk ---- */

static void answer(struct in_api *in, struct errand *errand, int status)
{
    errand->status = status;
    errands_answer(in->errands, errand);
}

static void on_stored(void *context, const struct news *news)
{
    struct in_api *in = context;
    size_t kept = 0;

    for (size_t i = 0; i < in->n_flushing; i++)
        if (in->flushing[i].ticket > news->ticket)
            in->flushing[kept++] = in->flushing[i];
        else
            answer(in, in->flushing[i].errand, 200);
    in->n_flushing = kept;
}

const struct outlet_ops in_api_outlet = {.hear = {[NEWS_STORED] = on_stored}};

/* Not more often than that, so that a page that is left open does not wear out an SD card. */
static int on_flush(struct in_api *in, struct errand *errand, int server)
{
    const int64_t now = clock_now().boot;
    uint64_t ticket = 0;

    (void)server;
    if (errand->limit > 0 && now - in->books_flushed >= BOOKS_PAUSE_MS) {
        in->books_flushed = now;
        stats_flush(in->stats);
    }
    if (in->flushed == 0 || now - in->flushed >= FLUSH_PAUSE_MS) {
        stats_flush_visitors(in->stats);
        ticket = store_flush(in->store);
        in->flushed = ticket > 0 ? now : in->flushed;
    }
    if (ticket == 0 || in->n_flushing == FLUSHING_MAX)
        return 200;
    in->flushing[in->n_flushing].ticket = ticket;
    in->flushing[in->n_flushing++].errand = errand;
    return 0;
}

/* ---- errands ---- */

static const struct {
    errand_handler *run;
    bool of_server;
} handlers[] = {
    [ERRAND_INFO] = {on_info, false},       [ERRAND_SERVERS] = {on_list, false},
    [ERRAND_SERVER] = {on_server, true},    [ERRAND_PROJECTS] = {on_list, false},
    [ERRAND_PROJECT] = {on_project, false}, [ERRAND_LEASES] = {on_list, false},
    [ERRAND_HEARD] = {on_heard, false},     [ERRAND_COMMAND] = {on_command, false},
    [ERRAND_RELEASE] = {on_release, true},  [ERRAND_ADDRESS] = {on_address, true},
    [ERRAND_CHECK] = {on_check, true},      [ERRAND_PACKET] = {on_packet, true},
    [ERRAND_PREVIEW] = {on_preview, false}, [ERRAND_RELOAD] = {on_reload, false},
    [ERRAND_FLUSH] = {on_flush, false},
};

static int on_errands(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_api *in = context;
    struct errand *errand;

    (void)source;
    (void)fd;
    (void)events;
    for (int i = 0; i < AT_ONCE && (errand = errands_take(in->errands)); i++) {
        const int server = model_server_by_id(model_of(in), errand->id);
        const int status = handlers[errand->kind].of_server && server == MODEL_NONE
                               ? refuse_name(errand, "server")
                               : handlers[errand->kind].run(in, errand, server);
        if (status > 0)
            answer(in, errand, status);
    }
    return 0;
}

int in_api_listen(struct in_api *in, sd_event *loop)
{
    const int error =
        sd_event_add_io(loop, &in->source, errands_fd(in->errands), EPOLLIN, on_errands, in);

    return error < 0 ? error : 0;
}

void in_api_finish(struct in_api *in)
{
    on_stored(in, &(struct news){.ticket = UINT64_MAX});
    sd_event_source_disable_unref(in->source);
}
