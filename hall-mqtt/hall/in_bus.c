/* Everything that comes in: bus messages, visits, probe outcomes, time. Each becomes an event of
 * the fleet. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/text.h"
#include "hall/hall_internal.h"
#include "hall/in_api.h"
#include "hall/stats.h"
#include "words/agent_report.h"
#include "words/command.h"
#include "words/payload.h"

enum { TOLD_A_MINUTE = 120, TIMER_ACCURACY_US = 5000 };

bool hall_may_tell(struct hall *hall)
{
    return log_may_tell(&hall->told, clock_now().boot, TOLD_A_MINUTE, "refused input");
}

/* Into the fleet. */

static void arm_timer(struct hall *hall)
{
    const int64_t due = fleet_deadline(hall->fleet);

    if (due == INT64_MAX) {
        sd_event_source_set_enabled(hall->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time(hall->timer, due > 0 ? (uint64_t)due * 1000 : 0);
    sd_event_source_set_enabled(hall->timer, SD_EVENT_ONESHOT);
}

void hall_settle(struct hall *hall)
{
    for (size_t i = 0; i < hall->n_deferred; i++) {
        const struct fleet_event event = hall->deferred[i];

        fleet_handle(hall->fleet, clock_now(), &event);
    }
    hall->n_deferred = 0;
    hall_release_answers(hall);
    arm_timer(hall);
}

void hall_feed(struct hall *hall, const struct fleet_event *event)
{
    fleet_handle(hall->fleet, clock_now(), event);
    hall_settle(hall);
}

int hall_on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;

    (void)source;
    (void)usec;
    fleet_tick(hall->fleet, clock_now());
    hall_settle(hall);
    return 0;
}

/* From the HTTP workers. */

/* The detail of a refused visit is its path, and why. */
static void count_refusal(struct hall *hall, const struct visit *visit)
{
    const char *why = strstr(visit->detail, ": ");
    char path[sizeof(visit->detail)] = "";

    if (why)
        text_show(path, sizeof(path), visit->detail, (size_t)(why - visit->detail));
    hall_count_refusal(hall, visit->who, visit->site, path, why ? why + 2 : visit->detail);
}

static void on_visit(struct hall *hall, const struct visit *visit)
{
    struct fleet_event event = {.visit = {.site = visit->site}};
    char detail[256];

    switch (visit->kind) {
    case VISIT_WANTS:
        event.kind = FLEET_VISIT;
        hall_count_visit(hall, visit->site);
        break;
    case VISIT_USES:
        event.kind = FLEET_USE;
        hall_streams_came(hall, visit->site, visit->who);
        hall_count_visit(hall, visit->site);
        break;
    case VISIT_REFUSED:
        snprintf(detail, sizeof(detail), "%s: %s", visit->who, visit->detail);
        count_refusal(hall, visit);
        if (hall_may_tell(hall))
            hall_tell(hall, "access_refused", detail);
        return;
    }
    text_copy(event.visit.who, sizeof(event.visit.who), visit->who);
    hall_feed(hall, &event);
}

int hall_on_visits(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct hall *hall = context;
    struct visit visit;

    (void)source;
    (void)fd;
    (void)events;
    while (board_take(hall->board, &visit))
        on_visit(hall, &visit);
    return 0;
}

int hall_listen_to_board(struct hall *hall, struct board *board, sd_event_source **ret_source)
{
    const int error =
        sd_event_add_io(hall->loop, ret_source, board_fd(board), EPOLLIN, hall_on_visits, hall);

    return error < 0 ? error : 0;
}

/* From the prober. */

static void on_outcome(void *context, int server, unsigned check, enum probe_outcome outcome,
                       struct fault fault, uint16_t detail)
{
    hall_feed(context,
              &(struct fleet_event){
                  .kind = FLEET_PROBE,
                  .server = server,
                  .probe = {.check = check, .outcome = outcome, .fault = fault, .detail = detail}});
}

static void on_neighbour(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6])
{
    struct fleet_event event = {
        .kind = FLEET_NEIGHBOUR, .server = server, .neighbour = {.verdict = verdict}};

    if (verdict == MAC_OTHER)
        memcpy(event.neighbour.mac, mac, sizeof(event.neighbour.mac));
    hall_feed(context, &event);
}

const struct prober_listener hall_prober_listener = {.outcome = on_outcome,
                                                     .neighbour = on_neighbour};

/* From the bus: agents. */

typedef int report_reader(const struct model *model, int server, const struct mqtt_message *message,
                          struct fleet_event *ret_event, char ret_reason[REASON_SIZE]);

static int read_state(const struct model *model, int server, const struct mqtt_message *message,
                      struct fleet_event *ret_event, char ret_reason[REASON_SIZE])
{
    (void)model;
    (void)server;
    return report_read_state(message->payload, message->length, ret_event, ret_reason);
}

static int read_report(const struct model *model, int server, const struct mqtt_message *message,
                       struct fleet_event *ret_event, char ret_reason[REASON_SIZE])
{
    (void)model;
    (void)server;
    return report_read_report(message->payload, message->length, ret_event, ret_reason);
}

/* What is read lives until it is fed, so here. */
static void on_containers(struct hall *hall, const struct topic *topic,
                          const struct mqtt_message *message)
{
    const int server = model_server_by_id(&hall->config->model, topic->id);
    struct containers_told told;
    char reason[REASON_SIZE];

    if (server == MODEL_NONE)
        snprintf(reason, sizeof(reason), "no server of that name is configured");
    else if (report_read_containers(message->payload, message->length, &told, reason) == 0) {
        hall_feed(hall, &(struct fleet_event){
                            .kind = FLEET_CONTAINERS, .server = server, .containers = &told});
        return;
    }
    if (message->length > 0 && hall_may_tell(hall))
        log_warning("agent %s: message on %s ignored: %s", topic->id, message->topic, reason);
}

static int read_result(const struct model *model, int server, const struct mqtt_message *message,
                       struct fleet_event *ret_event, char ret_reason[REASON_SIZE])
{
    (void)model;
    (void)server;
    if (message->retained) {
        snprintf(ret_reason, REASON_SIZE, "a retained result is an old one");
        return -ESTALE;
    }
    return report_read_result(message->payload, message->length, ret_event, ret_reason);
}

static void on_report(struct hall *hall, const struct topic *topic,
                      const struct mqtt_message *message, report_reader *read)
{
    const struct model *model = &hall->config->model;
    const int server = model_server_by_id(model, topic->id);
    struct fleet_event event = {0};
    char reason[REASON_SIZE];

    if (server == MODEL_NONE)
        snprintf(reason, sizeof(reason), "no server of that name is configured");
    else if (read(model, server, message, &event, reason) == 0) {
        event.server = server;
        hall_feed(hall, &event);
        if (event.kind == FLEET_REPORT) {
            hall_books_report(hall, server);
            hall_discover_restart(hall, server);
        }
        return;
    }
    if (message->length > 0 && hall_may_tell(hall))
        log_warning("agent %s: message on %s ignored: %s", topic->id, message->topic, reason);
}

/* From the bus: commands. */

/* Answers may not be sent where Hall's own messages stand: Hall may write there, whoever asks for
 * the answer perhaps may not. */
static bool is_fit_for_answers(const struct hall *hall, const char *topic)
{
    const char *prefix = hall->config->mqtt.discovery_prefix;
    const size_t length = strlen(prefix);
    char echo[TOPIC_MAX];
    struct topic own;

    return strlen(topic) < TOPIC_MAX && topic[0] != '$' && !strpbrk(topic, "+#") &&
           !topic_parse(hall->begun->mqtt.base_topic, topic, &own) &&
           strcmp(topic, topic_echo(hall->begun->mqtt.base_topic, echo)) != 0 &&
           !(strncmp(topic, prefix, length) == 0 && topic[length] == '/');
}

/* The oldest gives way. */
static struct route *new_route(struct hall *hall)
{
    struct route *route = &hall->routes[++hall->next_route % ROUTES_MAX];

    if (route->errand)
        hall_api_lost(hall, route->errand);
    *route = (struct route){.id = hall->next_route};
    return route;
}

uint64_t hall_remember_errand(struct hall *hall, struct errand *errand)
{
    struct route *route = new_route(hall);

    route->errand = errand;
    return route->id;
}

uint64_t hall_remember_route(struct hall *hall, const struct mqtt_message *message)
{
    struct route *route;

    if (!message->response_topic || message->correlation_length > CORRELATION_MAX)
        return 0;
    if (!is_fit_for_answers(hall, message->response_topic)) {
        if (hall_may_tell(hall))
            log_warning("response topic %s refused: it is one of Hall's own or has wildcards",
                        message->response_topic);
        return 0;
    }
    route = new_route(hall);
    text_copy(route->topic, sizeof(route->topic), message->response_topic);
    route->length = message->correlation_length;
    if (route->length > 0)
        memcpy(route->correlation, message->correlation, route->length);
    return route->id;
}

int hall_find_subject(const struct hall *hall, const struct topic *topic, struct command *command)
{
    const struct model *model = &hall->config->model;

    command->site = MODEL_NONE;
    if (topic->kind != TOPIC_PROJECT_COMMAND)
        return model_server_by_id(model, topic->id);
    command->site = model_project_by_id(model, topic->id);
    return command->site == MODEL_NONE ? MODEL_NONE : model->sites[command->site].server;
}

/* A retained hold `for` a time would begin anew at each replay: the broker keeps its end instead.
 */
static void leave_hold_with_its_end(struct hall *hall, const char *topic,
                                    const struct command *command)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_hold(command, clock_now().wall + command->lasts, &text) < 0 ||
        mqtt_leave(hall->mqtt, topic, buf_text(&text), text.length) < 0)
        log_error("bus: %s: no memory to keep this hold", topic);
    buf_finish(&text);
}

/* What is released is not to come back with the next replay. Over MQTT 3.1.1 what Hall publishes
 * would come back to it at once; there only who published a retained hold clears it. */
static void tend_retained_hold(struct hall *hall, const struct mqtt_message *message,
                               const struct command *command)
{
    const char *protocol = mqtt_protocol(hall->mqtt);

    if (command->action == COMMAND_HOLD && message->retained && command->end_is_relative)
        leave_hold_with_its_end(hall, message->topic, command);
    else if (command->action == COMMAND_RELEASE && !message->retained && protocol &&
             strcmp(protocol, "5") == 0)
        (void)mqtt_leave(hall->mqtt, message->topic, "", 0);
}

static void on_command(struct hall *hall, const struct topic *topic,
                       const struct mqtt_message *message)
{
    struct fleet_event event = {.kind = FLEET_COMMAND};
    char reason[REASON_SIZE];
    int error;

    error = command_read(topic, message->payload, message->length, message->retained, clock_now(),
                         &event.command, reason);
    event.command.route = hall_remember_route(hall, message);
    if (message->retained && error == -ESTALE)
        (void)mqtt_clear(hall->mqtt, message->topic);
    event.server = hall_find_subject(hall, topic, &event.command);
    if (error == 0 && event.server == MODEL_NONE) {
        error = -ENOENT;
        snprintf(reason, sizeof(reason), "no %s of that name is configured",
                 topic->kind == TOPIC_PROJECT_COMMAND ? "project" : "server");
    }
    if (error < 0) {
        hall_refuse(hall, topic, &event.command, reason);
        return;
    }
    if (topic->kind == TOPIC_SERVER_HOLD)
        tend_retained_hold(hall, message, &event.command);
    hall_feed(hall, &event);
}

/* A command to hall/servers/Testing, say: its sender waits for an answer, too. */
static void on_misnamed(struct hall *hall, const struct topic *topic,
                        const struct mqtt_message *message)
{
    struct command command;
    char reason[REASON_SIZE];

    if (message->retained && message->length == 0)
        return;
    (void)command_read(topic, message->payload, message->length, message->retained, clock_now(),
                       &command, reason);
    command.route = hall_remember_route(hall, message);
    if (message->retained)
        (void)mqtt_clear(hall->mqtt, message->topic);
    hall_refuse(hall, topic, &command, "ids and names are 1 to 64 of a-z, 0-9, '_' and '-'");
}

static void on_state(struct hall *hall, const struct topic *topic,
                     const struct mqtt_message *message)
{
    on_report(hall, topic, message, read_state);
}

static void on_agent_report(struct hall *hall, const struct topic *topic,
                            const struct mqtt_message *message)
{
    on_report(hall, topic, message, read_report);
}

static void on_result(struct hall *hall, const struct topic *topic,
                      const struct mqtt_message *message)
{
    on_report(hall, topic, message, read_result);
}

typedef void hearer(struct hall *hall, const struct topic *topic,
                    const struct mqtt_message *message);

static hearer *const hearers[TOPIC_KINDS] = {
    [TOPIC_COMMAND] = hall_hub_command,       [TOPIC_SERVER_POWER_SET] = on_command,
    [TOPIC_SERVER_COMMAND] = on_command,      [TOPIC_SERVER_POLICY_SET] = on_command,
    [TOPIC_SERVER_IDLE_SET] = on_command,     [TOPIC_SERVER_KEEP_AWAKE_SET] = on_command,
    [TOPIC_SERVER_HOLD] = on_command,         [TOPIC_PROJECT_COMMAND] = on_command,
    [TOPIC_AGENT_STATE] = on_state,           [TOPIC_AGENT_REPORT] = on_agent_report,
    [TOPIC_AGENT_CONTAINERS] = on_containers, [TOPIC_AGENT_RESULT] = on_result,
    [TOPIC_RELAY_STATE] = hall_on_relay,      [TOPIC_RELAY_RESULT] = hall_on_relay,
};

static void on_message(void *context, const struct mqtt_message *message)
{
    struct hall *hall = context;
    struct topic topic;
    char shown[96];

    if (hall_discover_message(hall, message))
        return;
    if (topic_misnamed(hall->begun->mqtt.base_topic, message->topic, &topic)) {
        on_misnamed(hall, &topic, message);
        return;
    }
    if (!topic_parse(hall->begun->mqtt.base_topic, message->topic, &topic)) {
        if (hall_may_tell(hall))
            log_warning("bus: message on %s ignored: Hall has no such topic",
                        text_show(shown, sizeof(shown), message->topic, strlen(message->topic)));
        return;
    }
    /* What has no hearer is Hall's own; the client watches over those that are retained. */
    if (hearers[topic.kind])
        hearers[topic.kind](hall, &topic, message);
}

static void on_connected(void *context, bool connected, const char *why)
{
    struct hall *hall = context;

    log_info("bus: %s: %s", connected ? "connected" : "not connected", why);
    board_set_broker(hall->board, connected);
    hall_discover_connected(hall);
    if (connected)
        hall_publish_info(hall);
}

const struct mqtt_listener hall_mqtt_listener = {.message = on_message,
                                                 .connected = on_connected,
                                                 .browsed = hall_discover_browsed,
                                                 .spare = hall_discover_spare,
                                                 .spare_taken = hall_discover_taken};
