#include "hall/in_bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "mqtt/client_id.h"
#include "words/agent_report.h"
#include "words/command.h"
#include "words/payload.h"

enum { SUBSCRIPTIONS_MAX = 32 };

/* ---- agents ---- */

/* What finds no room is told once, as long as it is so; agents tell of containers when something
 * of them changes. */
static void tell_cut(const struct in_bus *in, const struct topic *topic,
                     const struct fleet_event *event)
{
    const unsigned n_cut = event->kind == FLEET_REPORT ? event->report.n_cut : 0;

    if (n_cut > 0 && fleet_power(in->current->fleet, event->server)->report.n_cut == 0)
        log_warning("agent %s: %u checks find something in use, and Hall names %d of them: the "
                    "others are named as these end; see \"ignore\" and \"command\" of its "
                    "agent.json",
                    topic->id, n_cut + AGENT_USES_MAX, AGENT_USES_MAX);
    if (event->kind == FLEET_CONTAINERS && event->containers->n_cut > 0 &&
        outlets_may_tell_of(in->outlets, topic->id))
        log_warning("agent %s: it tells of %zu containers, and Hall follows the first %d: remove "
                    "those that are not used (docker container prune)",
                    topic->id, event->containers->n_cut + CONTAINERS_TOLD_MAX, CONTAINERS_TOLD_MAX);
}

static void on_agent(const struct in_bus *in, const struct topic *topic,
                     const struct mqtt_message *message)
{
    static int (*const readers[TOPIC_KINDS])(const void *payload, size_t length,
                                             struct fleet_event *ret_event,
                                             char ret_reason[REASON_SIZE]) = {
        [TOPIC_AGENT_STATE] = report_read_state,
        [TOPIC_AGENT_REPORT] = report_read_report,
        [TOPIC_AGENT_RESULT] = report_read_result,
    };
    const int server = model_server_by_id(&in->current->config->model, topic->id);
    struct fleet_event event = {.kind = FLEET_CONTAINERS};
    struct containers_told told = {0}; /* lives until it is fed */
    const char *why = NULL;
    char reason[REASON_SIZE];
    int error = 0;

    if (server == MODEL_NONE)
        why = "no server of that name is configured";
    else if (topic->kind == TOPIC_AGENT_RESULT && message->retained)
        why = "a retained result is an old one";
    else if (topic->kind == TOPIC_AGENT_CONTAINERS)
        error = report_read_containers(message->payload, message->length, &told, reason);
    else
        error = readers[topic->kind](message->payload, message->length, &event, reason);
    if (why || error < 0) {
        if (message->length > 0 && outlets_may_tell_of(in->outlets, topic->id))
            log_warning("agent %s: message on %s ignored: %s", topic->id, message->topic,
                        why ? why : reason);
        return;
    }
    event.server = server;
    if (event.kind == FLEET_CONTAINERS)
        event.containers = &told;
    tell_cut(in, topic, &event);
    turn_feed(in->turn, &event);
    if (event.kind == FLEET_REPORT)
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_REPORT, .server = server});
}

/* ---- commands ---- */

/* A retained hold `for` a time would start again at each replay: the broker keeps its end instead.
 */
static void leave_hold_with_its_end(const struct in_bus *in, const char *topic,
                                    const struct command *command, int64_t until_wall)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_hold(command, until_wall, &text) < 0 ||
        mqtt_leave(in->mqtt, topic, buf_text(&text), text.length) < 0)
        log_error("bus: %s: no memory to keep this hold", topic);
    buf_finish(&text);
}

static void leave_again(const struct in_bus *in, const char *id, const struct lease *lease)
{
    const struct fact why = lease_why(lease);
    struct command command = {.action = COMMAND_HOLD};
    char topic[TOPIC_MAX];

    text_copy(command.reason, sizeof(command.reason), fact_text(&why, 0, 0));
    topic_format(in->current->begun->mqtt.base_topic, TOPIC_SERVER_HOLD, id, lease->holder, topic);
    leave_hold_with_its_end(in, topic, &command, lease->told);
}

/* The wall clock was set: two hours end elsewhere on it, and the broker is to know. */
static void on_clock(void *context, const struct news *news)
{
    const struct in_bus *in = context;
    const struct lease_set *set = fleet_power(in->current->fleet, news->server)->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].told != 0)
            leave_again(in, in->current->config->model.servers[news->server].id, &set->leases[i]);
}

const struct outlet_ops in_bus_outlet = {.hear = {[NEWS_CLOCK] = on_clock}};

static const struct lease *hold_named(const struct in_bus *in, int server, const char *name)
{
    return server == MODEL_NONE ? NULL
                                : lease_find(fleet_power(in->current->fleet, server)->leases,
                                             LEASE_HOLD, MODEL_NONE, name);
}

/* Does the broker repeat a hold that lasts so long and goes on? By the clock as it is now, its end
 * may be past. */
static bool told_hold(const struct in_bus *in, int server, const struct command *command)
{
    const struct lease *lease = hold_named(in, server, command->name);

    return lease && command->until != 0 && lease_is_told(lease, command->until);
}

static void mend_told_hold(const struct in_bus *in, const struct topic *topic,
                           const struct command *command)
{
    const int server = model_server_by_id(&in->current->config->model, topic->id);
    const struct lease *lease = hold_named(in, server, command->name);

    if (lease && lease->told != 0 && !lease_is_told(lease, command->until))
        leave_again(in, topic->id, lease);
}

/* Over 3.1.1 one that is sent just now may be retained or not, and is kept in any case. */
static bool may_be_kept(const struct in_bus *in, const struct mqtt_message *message)
{
    return message->retained || !mqtt_knows_retained(in->mqtt);
}

/* By the clock as it is set now, or its end would move at each replay. */
static void tend_retained_hold(const struct in_bus *in, const struct mqtt_message *message,
                               struct command *command)
{
    if (command->action != COMMAND_HOLD || !may_be_kept(in, message) || command->until != 0)
        return;
    command->told = clock_now().wall + command->lasts;
    leave_hold_with_its_end(in, message->topic, command, command->told);
}

static void on_command(const struct in_bus *in, const struct topic *topic,
                       const struct mqtt_message *message)
{
    struct fleet_event event = {.kind = FLEET_COMMAND};
    const bool is_project = topic->kind == TOPIC_PROJECT_COMMAND;
    struct fact refused;
    int error;

    error = command_read(topic, message->payload, message->length, message->retained,
                         current_now(in->current), &event.command, &refused);
    event.command.route = answers_route(in->answers, message);
    event.server = command_subject(&in->current->config->model, topic, &event.command);
    if (topic->kind == TOPIC_SERVER_HOLD && message->retained &&
        told_hold(in, event.server, &event.command)) {
        event.command.told = event.command.until;
        error = 0;
    }
    if (message->retained && error == -ESTALE)
        (void)mqtt_clear(in->mqtt, message->topic);
    if (error == 0 && event.server == MODEL_NONE) {
        error = -ENOENT;
        refused = is_project ? FACT(ANSWER_UNKNOWN_PROJECT) : FACT(ANSWER_UNKNOWN_SERVER);
    }
    if (error < 0) {
        answers_refuse(in->answers, topic, &event.command, &refused);
        return;
    }
    if (topic->kind == TOPIC_SERVER_HOLD)
        tend_retained_hold(in, message, &event.command);
    turn_feed(in->turn, &event);
    if (event.command.until != 0 && event.command.told != 0)
        mend_told_hold(in, topic, &event.command);
}

/* A command to hall/servers/Testing, say: its sender waits for an answer, too. */
static void on_misnamed(const struct in_bus *in, const struct topic *topic,
                        const struct mqtt_message *message)
{
    struct command command;
    struct fact why;

    if (message->retained && message->length == 0)
        return;
    (void)command_read(topic, message->payload, message->length, message->retained, clock_now(),
                       &command, &why);
    command.route = answers_route(in->answers, message);
    if (message->retained)
        (void)mqtt_clear(in->mqtt, message->topic);
    answers_refuse(in->answers, topic, &command, &FACT(ANSWER_BAD_ID));
}

static void on_hub_command(const struct in_bus *in, const struct topic *topic,
                           const struct mqtt_message *message)
{
    hub_hear(in->hub, topic, message);
}

static void on_relay(const struct in_bus *in, const struct topic *topic,
                     const struct mqtt_message *message)
{
    relays_hear(in->relays, topic, message);
}

typedef void hearer(const struct in_bus *in, const struct topic *topic,
                    const struct mqtt_message *message);

static hearer *const hearers[TOPIC_KINDS] = {
    [TOPIC_COMMAND] = on_hub_command,     [TOPIC_SERVER_POWER_SET] = on_command,
    [TOPIC_SERVER_COMMAND] = on_command,  [TOPIC_SERVER_POLICY_SET] = on_command,
    [TOPIC_SERVER_IDLE_SET] = on_command, [TOPIC_SERVER_KEEP_AWAKE_SET] = on_command,
    [TOPIC_SERVER_HOLD] = on_command,     [TOPIC_PROJECT_COMMAND] = on_command,
    [TOPIC_AGENT_STATE] = on_agent,       [TOPIC_AGENT_REPORT] = on_agent,
    [TOPIC_AGENT_CONTAINERS] = on_agent,  [TOPIC_AGENT_RESULT] = on_agent,
    [TOPIC_RELAY_STATE] = on_relay,       [TOPIC_RELAY_RESULT] = on_relay,
};

/* ---- the connection ---- */

/* Over 3.1.1 it may be retained: what was run is not to be refused, or run, once it is replayed. */
static void clear_command(const struct in_bus *in, const struct topic *topic,
                          const struct mqtt_message *message)
{
    hearer *const hear = hearers[topic->kind];

    if ((hear == on_command || hear == on_hub_command) && !message->retained &&
        message->length > 0 && may_be_kept(in, message) && !command_may_be_retained(topic->kind))
        (void)mqtt_leave(in->mqtt, message->topic, "", 0);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    const struct in_bus *in = context;
    struct topic topic;
    char shown[96];

    if (out_discovery_message(in->discovery, message))
        return;
    if (topic_misnamed(in->current->begun->mqtt.base_topic, message->topic, &topic)) {
        on_misnamed(in, &topic, message);
        return;
    }
    if (!topic_parse(in->current->begun->mqtt.base_topic, message->topic, &topic)) {
        if (outlets_may_tell(in->outlets))
            log_warning("bus: message on %s ignored: Hall has no such topic",
                        text_show(shown, sizeof(shown), message->topic, strlen(message->topic)));
        return;
    }
    /* What has no hearer is Hall's own; the client watches over those that are retained. */
    clear_command(in, &topic, message);
    if (hearers[topic.kind])
        hearers[topic.kind](in, &topic, message);
}

static bool has_agents_word(const struct fleet *fleet, int server)
{
    const struct lease_set *set = fleet_power(fleet, server)->leases;
    size_t i = 0;

    while (i < set->n && !lease_is_of_agent(&set->leases[i]))
        i++;
    return i < set->n;
}

/* Before the broker says what it has kept. */
static void await_reports(const struct in_bus *in)
{
    for (size_t i = 0; i < in->current->config->model.n_servers; i++)
        if (has_agents_word(in->current->fleet, (int)i))
            turn_feed(in->turn, &(struct fleet_event){.kind = FLEET_UNHEARD, .server = (int)i});
}

static void on_connected(void *context, bool connected, const char *why)
{
    const struct in_bus *in = context;

    if (connected)
        await_reports(in);

    log_info("bus: %s: %s", connected ? "connected" : "not connected", why);
    outlets_tell(in->outlets, &(struct news){.kind = NEWS_BROKER, .connected = connected});
}

static void on_dropped(void *context, size_t n, bool awaited)
{
    const struct in_bus *in = context;

    outlets_tell(in->outlets,
                 &(struct news){.kind = NEWS_DROPPED, .dropped = {.n = n, .awaited = awaited}});
}

static void on_browsed(void *context)
{
    out_discovery_browsed(((const struct in_bus *)context)->discovery);
}

static bool on_spare(void *context, struct mqtt_spare *ret_spare)
{
    return out_discovery_spare(((const struct in_bus *)context)->discovery, ret_spare);
}

static void on_spare_taken(void *context, uint64_t token, bool taken)
{
    out_discovery_taken(((const struct in_bus *)context)->discovery, token, taken);
}

static const struct mqtt_listener listener = {.message = on_message,
                                              .connected = on_connected,
                                              .browsed = on_browsed,
                                              .dropped = on_dropped,
                                              .spare = on_spare,
                                              .spare_taken = on_spare_taken};

int in_bus_connect(struct in_bus *in, sd_event *loop, const struct secrets *secrets)
{
    const struct config_mqtt *config = &in->current->begun->mqtt;
    char names[SUBSCRIPTIONS_MAX][TOPIC_MAX], kept[SUBSCRIPTIONS_MAX][TOPIC_MAX];
    const char *subscriptions[SUBSCRIPTIONS_MAX], *filters[SUBSCRIPTIONS_MAX];
    char browsed[2][DISCOVERY_TOPIC_SIZE];
    char status[TOPIC_MAX], echo[TOPIC_MAX], client_id[CLIENT_ID_SIZE];
    size_t n = 0, n_kept = 0;

    for (; n < SUBSCRIPTIONS_MAX && topic_subscription(config->base_topic, n, names[n]); n++)
        subscriptions[n] = names[n];
    for (; n_kept < SUBSCRIPTIONS_MAX && topic_retained(config->base_topic, n_kept, kept[n_kept]);
         n_kept++)
        filters[n_kept] = kept[n_kept];
    out_discovery_filters(in->current->config, browsed);
    topic_format(config->base_topic, TOPIC_STATUS, NULL, NULL, status);
    topic_echo(config->base_topic, echo);
    client_id_derive(&(struct client_id_owner){.role = "hall",
                                               .name = in->current->config->site,
                                               .base_topic = config->base_topic,
                                               .username = config->broker.username,
                                               .password = secrets->mqtt_password},
                     client_id);
    const struct mqtt_options options = {
        .broker = config->broker,
        .client_id = client_id,
        .password = secrets->mqtt_password,
        .will_topic = status,
        .will_payload = "offline",
        .birth_payload = "online",
        .echo_topic = echo,
        .subscriptions = subscriptions,
        .n_subscriptions = n,
        .retained_filters = filters,
        .n_retained_filters = n_kept,
        .browsed_filters = (const char *const[]){browsed[0], browsed[1]},
        .n_browsed_filters = 2,
    };
    return mqtt_create(loop, &options, &listener, in, &in->mqtt);
}
