/* Carries out what the fleet decides. Nothing here calls back into the fleet: what is found while
 * acting is deferred. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bridges/wol/wol.h"
#include "core/problem.h"
#include "hall/hall_internal.h"
#include "hall/in_api.h"
#include "hall/stats.h"
#include "words/payload.h"

enum { REMOTE_SPARE_MS = 1000 };

void hall_defer(struct hall *hall, const struct fleet_event *event)
{
    if (hall->n_deferred < FAILURES_MAX)
        hall->deferred[hall->n_deferred++] = *event;
}

static const struct model_server *model_of(const struct hall *hall, int server)
{
    return &hall->config->model.servers[server];
}

static void act_state(struct hall *hall, const struct action *action)
{
    const struct power *power = fleet_power(hall->fleet, action->server);

    log_info("%s: %s -> %s: %s", model_of(hall, action->server)->id,
             power_state_name(action->state.from), power_state_name(action->state.to),
             power->reason);
    hall_books_state(hall, action->server, action->state.from);
    /* At once, so that whoever watches the bus sees every state, also one that lasts a moment. */
    hall_publish_state(hall, action->server);
    hall->n_awake += power_is_up(action->state.to);
    hall->n_awake -= power_is_up(action->state.from);
    hall_streams_state(hall, action->server, action->state.to);
    if (power_is_up(action->state.to) != power_is_up(action->state.from) && !hall->renewing)
        hall_publish_info(hall);
}

static void act_status(struct hall *hall, const struct action *action)
{
    char why[REASON_SIZE];

    if (action->status.leases) {
        power_why(fleet_power(hall->fleet, action->server), clock_now(), why, sizeof(why));
        log_info("%s: %s", model_of(hall, action->server)->id, why);
    }
    hall_mark(hall, action->server);
}

/* 0, or -errno with a sentence. */
static int send_packet(const struct model_server *server, char reason[REASON_SIZE])
{
    struct wol_target target = {
        .broadcast = server->wake.broadcast,
        .port = server->wake.port,
        .interface = server->wake.interface,
        .secureon_length = server->wake.secureon_length,
    };

    memcpy(target.mac, server->mac, sizeof(target.mac));
    memcpy(target.secureon, server->wake.secureon, sizeof(target.secureon));
    const int error = wol_send(&target);
    if (error < 0)
        snprintf(reason, REASON_SIZE, "%s%s%s%s", strerror(-error), target.interface ? " on " : "",
                 target.interface ? target.interface : "",
                 error == -ENODEV ? "; correct wake.interface (ip link shows the names)" : "");
    return error;
}

int hall_send_packet(struct hall *hall, int server, char reason[REASON_SIZE])
{
    const struct model_server *configured = model_of(hall, server);

    return configured->wake.relay ? hall_relay_packet(hall, configured, reason)
                                  : send_packet(configured, reason);
}

static void act_packet(struct hall *hall, const struct action *action)
{
    const struct model_server *server = model_of(hall, action->server);
    struct fleet_event failed = {.kind = FLEET_PACKET_FAILED, .server = action->server};
    const int error = hall_send_packet(hall, action->server, failed.packet.reason);

    if (error == 0)
        return;
    log_warning("%s: magic packet %u could not be sent: %s", server->id, action->packet.number,
                failed.packet.reason);
    hall_defer(hall, &failed);
}

static void act_pace(struct hall *hall, const struct action *action)
{
    prober_pace(hall->prober, action->server, action->pace.interval, action->pace.timeout);
}

/* How a server is asked to sleep, by its configured method: 0, or -errno with a sentence. The
 * answer comes later, as FLEET_SLEEP_ANSWER or as the agent's goodbye. */
typedef int sleep_method(struct hall *hall, const struct action *action, char reason[REASON_SIZE]);

static int sleep_by_agent(struct hall *hall, const struct action *action, char reason[REASON_SIZE])
{
    const struct model_server *server = model_of(hall, action->server);
    const char *verb = action->sleep.restart ? "reboot" : sleep_mode_name(server->sleep.mode);
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (!mqtt_is_connected(hall->mqtt)) {
        snprintf(reason, REASON_SIZE, "the broker is not connected, so its agent cannot be asked");
        return -ENOTCONN;
    }
    const int error = payload_agent_command(action->sleep.id, verb, action->sleep.force,
                                            clock_now().wall + action->sleep.lasts,
                                            fleet_idle(hall->fleet, action->server), &text);
    if (error == 0)
        hall_send(hall, TOPIC_AGENT_COMMAND, server->id, buf_text(&text));
    else
        snprintf(reason, REASON_SIZE, "%s", strerror(-error));
    buf_finish(&text);
    return error;
}

/* Told a moment before the fleet gives up waiting, so that the reason is the true one. */
static int sleep_remotely(struct hall *hall, const struct action *action, char reason[REASON_SIZE])
{
    const struct remote_ask ask = {
        .server = model_of(hall, action->server),
        .id = action->sleep.id,
        .restart = action->sleep.restart,
        .limit_ms = action->sleep.lasts - REMOTE_SPARE_MS,
    };

    return remote_sleep(hall->remote, &ask, reason);
}

void hall_on_remote(void *context, const char *server, const char *id, enum sleep_answer answer,
                    const char *reason)
{
    struct hall *hall = context;
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER,
                                .server = model_server_by_id(&hall->config->model, server),
                                .sleep = {.answer = answer}};

    if (event.server == MODEL_NONE)
        return; /* configured no more */
    text_copy(event.sleep.id, sizeof(event.sleep.id), id);
    text_copy(event.sleep.reason, sizeof(event.sleep.reason), reason);
    hall_feed(hall, &event);
}

static sleep_method *const sleep_methods[] = {
    [SLEEP_VIA_AGENT] = sleep_by_agent,
    [SLEEP_VIA_SSH] = sleep_remotely,
    [SLEEP_VIA_WEBHOOK] = sleep_remotely,
    [SLEEP_VIA_NONE] = NULL,
};

static void act_sleep(struct hall *hall, const struct action *action)
{
    const struct model_server *server = model_of(hall, action->server);
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER, .server = action->server, .sleep = {.answer = SLEEP_FAILED}};
    sleep_method *const method = sleep_methods[server->sleep.via];

    if (!method)
        snprintf(failed.sleep.reason, sizeof(failed.sleep.reason),
                 "this version of Hall cannot put a server to sleep via %s",
                 sleep_via_name(server->sleep.via));
    else if (method(hall, action, failed.sleep.reason) == 0)
        return;
    text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->sleep.id);
    hall_defer(hall, &failed);
}

/* The answer comes as FLEET_SLEEP_ANSWER, as those of sleeps do. */
static void act_project(struct hall *hall, const struct action *action)
{
    const struct model_server *server = model_of(hall, action->server);
    const struct model_site *site = &hall->config->model.sites[action->project.site];
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER, .server = action->server, .sleep = {.answer = SLEEP_VETOED}};
    const struct project *project = fleet_project(hall->fleet, action->project.site);
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = mqtt_is_connected(hall->mqtt) ? 0 : -ENOTCONN;

    log_info("%s: its agent is asked to %s %s (%s)", server->id,
             project_verb_name(action->project.verb), site->id, action->project.id);
    if (action->project.verb != PROJECT_START && project->spared[0])
        log_info("%s: %s", site->id, project->spared);
    if (error == 0)
        error = payload_agent_project(site, project, action->project.id, action->project.verb,
                                      clock_now().wall + action->project.lasts, &text);
    if (error == 0) {
        hall_send(hall, TOPIC_AGENT_COMMAND, server->id, buf_text(&text));
    } else {
        snprintf(failed.sleep.reason, sizeof(failed.sleep.reason), "%s",
                 error == -ENOTCONN ? "the broker is not connected" : strerror(-error));
        text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->project.id);
        hall_defer(hall, &failed);
    }
    buf_finish(&text);
}

static void act_event(struct hall *hall, const struct action *action)
{
    const char *id = model_of(hall, action->server)->id;
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    log_info("%s: %s: %s", id, happening_name(action->event.what), action->event.detail);
    hall_books_event(hall, action); /* first: what it counts goes to the disk with the event */
    if (payload_event(&hall->config->model, action, clock_now(), &text) == 0) {
        hall_send(hall, TOPIC_SERVER_EVENT, id, buf_text(&text));
        hall_keep_event(hall, action, buf_text(&text));
    }
    buf_finish(&text);
}

/* An answer goes to the result topic of its subject, and to the response topic it was asked to. */
void hall_send_answer(struct hall *hall, const struct ledger_entry *entry, enum topic_kind kind,
                      const char *id)
{
    struct route *route = &hall->routes[entry->route % ROUTES_MAX];
    const bool routed = entry->route > 0 && route->id == entry->route;
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_result(entry, &text) == 0) {
        if (!entry->quiet)
            hall_send(hall, kind, id, buf_text(&text));
        if (routed && route->errand)
            hall_api_result(hall, route->errand, entry, buf_text(&text));
        else if (routed && route->topic[0])
            (void)mqtt_respond(hall->mqtt, route->topic, route->correlation, route->length,
                               buf_text(&text), text.length);
        if (routed)
            route->errand = NULL; /* it had its first answer */
    }
    buf_finish(&text);
}

void hall_answer(struct hall *hall, const struct ledger_entry *entry, int server)
{
    const struct model *model = &hall->config->model;
    const bool is_project = entry->site != MODEL_NONE;
    const char *id = is_project ? model->sites[entry->site].id : model->servers[server].id;

    if (!entry->quiet)
        log_info("%s: %s %s by %s: %s%s%s", id, command_action_name(entry->action), entry->id,
                 entry->by, command_outcome_name(entry->outcome), entry->reason[0] ? ": " : "",
                 entry->reason);
    hall_send_answer(hall, entry, is_project ? TOPIC_PROJECT_RESULT : TOPIC_SERVER_RESULT, id);
}

static void act_answer(struct hall *hall, const struct action *action)
{
    hall_hold_answer(hall, action->server, action->answer);
}

static void act_save(struct hall *hall, const struct action *action)
{
    hall_keep_server(hall, action->server, action->save.durable);
}

static void act_quota(struct hall *hall, const struct action *action)
{
    hall_keep_quota(hall, action->quota);
}

static void act_limit(struct hall *hall, const struct action *action)
{
    const struct model_site *site = &hall->config->model.sites[action->limit.site];
    char detail[256], until[RFC3339_SIZE] = "";
    struct in_addr address = {.s_addr = htonl(action->limit.address)};

    board_limit(hall->board, action->limit.site, action->limit.address, action->limit.guard);
    if (!action->limit.refused)
        return;
    snprintf(detail, sizeof(detail), "guard %s refuses", guard_name(action->limit.guard.kind));
    hall_count_refusal(hall, action->limit.address ? inet_ntoa(address) : "", action->limit.site,
                       NULL, detail);
    if (!hall_may_tell(hall))
        return;
    if (action->limit.guard.until != LEASE_FOREVER)
        rfc3339_format(clock_wall_at(clock_now(), action->limit.guard.until), until);
    snprintf(detail, sizeof(detail), "%s%s%.64s: guard %s refuses%s%s",
             action->limit.address ? inet_ntoa(address) : "", action->limit.address ? " " : "",
             site->id, guard_name(action->limit.guard.kind), until[0] ? " until " : "", until);
    hall_tell(hall, "access_refused", detail);
}

static void log_project(const struct hall *hall, int site)
{
    char problem[REASON_SIZE];
    const bool has_problem = fleet_project_problem(hall->fleet, site, problem);

    log_info("%s: project %s%s%s", hall->config->model.sites[site].id,
             project_state_name(fleet_project_state(hall->fleet, site)), has_problem ? ": " : "",
             problem);
}

static void act_site(struct hall *hall, const struct action *action)
{
    if (action->site.changed)
        log_project(hall, action->site.site);
    board_set_closed(hall->board, action->site.site,
                     fleet_site(hall->fleet, action->site.site)->closed_until);
    hall_mark(hall, action->server);
}

void hall_refuse(struct hall *hall, const struct topic *topic, const struct command *command,
                 const char *reason)
{
    struct ledger_entry entry = {.used = true,
                                 .answered = true,
                                 .site = MODEL_NONE,
                                 .action = command->action,
                                 .outcome = OUTCOME_REFUSED,
                                 .route = command->route};
    const bool is_project = topic->kind == TOPIC_PROJECT_COMMAND;
    const int server =
        is_project ? MODEL_NONE : model_server_by_id(&hall->config->model, topic->id);

    text_copy(entry.id, sizeof(entry.id), command->id);
    text_copy(entry.by, sizeof(entry.by), command->by[0] ? command->by : "someone");
    text_copy(entry.reason, sizeof(entry.reason), reason);
    if (hall_may_tell(hall))
        log_warning("%s: command refused: %s", topic->id, reason);
    hall_send_answer(hall, &entry, is_project ? TOPIC_PROJECT_RESULT : TOPIC_SERVER_RESULT,
                     topic->id);
    if (server != MODEL_NONE) {
        const struct action event = {.kind = ACTION_EVENT,
                                     .server = server,
                                     .event = {.what = HAPPENED_COMMAND_REFUSED, .detail = reason}};
        struct buf text = BUF_INIT(PAYLOAD_LIMIT);

        if (payload_event(&hall->config->model, &event, clock_now(), &text) == 0)
            hall_send(hall, TOPIC_SERVER_EVENT, topic->id, buf_text(&text));
        buf_finish(&text);
    }
}

static void act_look(struct hall *hall, const struct action *action)
{
    hall_streams_order(hall, action->server);
}

static void act_check(struct hall *hall, const struct action *action)
{
    const struct model *model = &hall->config->model;
    const struct model_server *server = &model->servers[action->server];
    const unsigned check = action->check.check;
    char text[PROBLEM_SIZE];

    log_warning(
        "%s: %s", server->id,
        problem_say_check(model, &server->checks[check],
                          fleet_power(hall->fleet, action->server)->evidence.checks[check].fault,
                          text, sizeof(text)));
}

typedef void actor(struct hall *, const struct action *);

static actor *const actors[] = {
    [ACTION_STATE] = act_state,   [ACTION_STATUS] = act_status, [ACTION_SITE] = act_site,
    [ACTION_PACKET] = act_packet, [ACTION_PACE] = act_pace,     [ACTION_SLEEP] = act_sleep,
    [ACTION_EVENT] = act_event,   [ACTION_ANSWER] = act_answer, [ACTION_LIMIT] = act_limit,
    [ACTION_SAVE] = act_save,     [ACTION_QUOTA] = act_quota,   [ACTION_PROJECT] = act_project,
    [ACTION_LOOK] = act_look,     [ACTION_CHECK] = act_check,
};

void hall_act(void *context, const struct action *action)
{
    actors[action->kind](context, action);
}
