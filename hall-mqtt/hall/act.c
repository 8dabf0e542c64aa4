#include "hall/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bridges/wol/wol.h"
#include "words/payload.h"

enum { REMOTE_SPARE_MS = 1000 };

static const struct model_server *model_of(const struct act *act, int server)
{
    return &act->current->config->model.servers[server];
}

/* 0, or -errno and why. */
static int send_packet(const struct model_server *server, struct fact *ret_why)
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
    if (error == 0)
        return 0;
    *ret_why = error == -ENODEV && target.interface ? fact_with(FACT(WOL_NO_INTERFACE),
                                                                target.interface, NULL)
                                                    : fact_with(FACT(WOL_SEND_FAILED),
                                                                strerror(-error), target.interface);
    return error;
}

int act_send_packet(const struct act *act, int server, struct fact *ret_why)
{
    const struct model_server *configured = model_of(act, server);

    return configured->wake.relay ? relays_ask(act->relays, configured, 0, ret_why)
                                  : send_packet(configured, ret_why);
}

static void on_packet(void *context, const struct action *action)
{
    const struct act *act = context;
    const struct model_server *server = model_of(act, action->server);
    struct fleet_event event = {.kind = FLEET_PACKET_SENT,
                                .server = action->server,
                                .packet = {.number = action->packet.number}};
    struct fact why;
    char said[SAID_SIZE];

    if (server->wake.relay && relays_ask(act->relays, server, action->packet.number, &why) == 0)
        return; /* it says what became of it */
    if (!server->wake.relay && send_packet(server, &why) == 0) {
        turn_defer(act->turn, &event);
        return;
    }
    log_warning("%s: magic packet %u could not be sent: %s", server->id, action->packet.number,
                say_english(&why, NULL, clock_now().wall, said));
    event.kind = FLEET_PACKET_FAILED;
    event.packet.reason = fact_is(&why, FACT_SAID)
                              ? fact_with(FACT(WAKE_PACKET_FAILED), fact_text(&why, 0, 0), NULL)
                              : fact_because(FACT(WAKE_PACKET_FAILED), &why);
    turn_defer(act->turn, &event);
}

static void on_pace(void *context, const struct action *action)
{
    const struct act *act = context;

    prober_pace(act->current->prober, action->server, action->pace.interval, action->pace.timeout);
}

/* How a server is asked to sleep, by its configured method: 0, or -errno and why. The
 * answer comes later, as FLEET_SLEEP_ANSWER or as the agent's goodbye. */
typedef int sleep_method(const struct act *act, const struct action *action, struct fact *ret_why);

static int sleep_by_agent(const struct act *act, const struct action *action, struct fact *ret_why)
{
    const struct model_server *server = model_of(act, action->server);
    const char *verb = action->sleep.restart ? "reboot" : sleep_mode_name(server->sleep.mode);
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (!mqtt_is_connected(act->mqtt)) {
        *ret_why = FACT(SLEEP_NO_BROKER);
        return -ENOTCONN;
    }
    const int error =
        payload_agent_command(action->sleep.id, verb, action->sleep.force, action->sleep.asked,
                              clock_now().wall + action->sleep.lasts,
                              fleet_idle(act->current->fleet, action->server), &text);
    if (error == 0)
        out_bus_send(act->bus, TOPIC_AGENT_COMMAND, server->id, buf_text(&text));
    else
        *ret_why = fact_said(strerror(-error));
    buf_finish(&text);
    return error;
}

/* Told a moment before the fleet gives up waiting, so that the reason is the true one. */
static int sleep_remotely(const struct act *act, const struct action *action, struct fact *ret_why)
{
    const struct remote_ask ask = {
        .server = model_of(act, action->server),
        .id = action->sleep.id,
        .restart = action->sleep.restart,
        .limit_ms = action->sleep.lasts - REMOTE_SPARE_MS,
    };

    char reason[REASON_SIZE];
    const int error = remote_sleep(act->remote, &ask, reason);

    if (error < 0)
        *ret_why = fact_said(reason);
    return error;
}

static sleep_method *const sleep_methods[] = {
    [SLEEP_VIA_AGENT] = sleep_by_agent,
    [SLEEP_VIA_SSH] = sleep_remotely,
    [SLEEP_VIA_WEBHOOK] = sleep_remotely,
    [SLEEP_VIA_NONE] = NULL,
};

static void on_sleep(void *context, const struct action *action)
{
    const struct act *act = context;
    const struct model_server *server = model_of(act, action->server);
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER, .server = action->server, .sleep = {.answer = SLEEP_FAILED}};
    sleep_method *const method = sleep_methods[server->sleep.via];

    if (!method)
        failed.sleep.reason = FACT(SLEEP_VIA_NONE);
    else if (method(act, action, &failed.sleep.reason) == 0)
        return;
    text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->sleep.id);
    turn_defer(act->turn, &failed);
}

/* The answer comes as FLEET_SLEEP_ANSWER, as those of sleeps do. */
static void on_project(void *context, const struct action *action)
{
    const struct act *act = context;
    const struct model_server *server = model_of(act, action->server);
    const struct model_site *site = &act->current->config->model.sites[action->project.site];
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER, .server = action->server, .sleep = {.answer = SLEEP_VETOED}};
    const struct project *project = fleet_project(act->current->fleet, action->project.site);
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = mqtt_is_connected(act->mqtt) ? 0 : -ENOTCONN;
    char said[SAID_SIZE];

    log_info("%s: its agent is asked to %s %s (%s)", server->id,
             project_verb_name(action->project.verb), site->id, action->project.id);
    if (action->project.verb != PROJECT_START && !fact_is(&project->spared, FACT_NONE))
        log_info(
            "%s: %s", site->id,
            say_english(&project->spared, &act->current->config->model, clock_now().wall, said));
    if (error == 0)
        error = payload_agent_project(site, project, action->project.id, action->project.verb,
                                      clock_now().wall + action->project.lasts, &text);
    if (error == 0) {
        out_bus_send(act->bus, TOPIC_AGENT_COMMAND, server->id, buf_text(&text));
    } else {
        failed.sleep.reason =
            error == -ENOTCONN ? FACT(PROJECT_NO_BROKER) : fact_said(strerror(-error));
        text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->project.id);
        turn_defer(act->turn, &failed);
    }
    buf_finish(&text);
}

const struct outlet_ops act_outlet = {
    .act = {[ACTION_PACKET] = on_packet,
            [ACTION_PACE] = on_pace,
            [ACTION_SLEEP] = on_sleep,
            [ACTION_PROJECT] = on_project},
};
