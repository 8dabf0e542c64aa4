#include "bridges/agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "bridges/agent/agent_internal.h"
#include "bridges/companion/companion.h"
#include "loop/daemon.h"
#include "say/say.h"

enum {
    LOOK_EVERY_MS = 15000,
    LOOK_AGAIN_MS = 5000,  /* until rates are known */
    LOOK_CHANGED_MS = 300, /* what changes comes in flocks */
    LOOK_ACCURACY_US = 1000000,
    TRIM_AFTER_MS = 3000, /* what connecting needed once */
    LIMIT_MS = 2000,      /* to say goodbye at the end */
    TOLD_A_MINUTE = 30,
    SENTENCE_SIZE = 512, /* in the log */
};

/* ---- saying ---- */

static void log_answer(struct agent *agent, const struct agent_command_name *name,
                       enum report_outcome outcome, const struct fact *why)
{
    const char *action = name->action[0] != '\0' ? name->action : "a command";
    char text[SENTENCE_SIZE] = "";
    if (!log_may_tell(&agent->told, clock_now().boot, TOLD_A_MINUTE, "commands"))
        return;
    if (why)
        say_fact_text(why, NULL, (struct say_how){0}, text, sizeof(text));
    switch (outcome) {
    case REPORT_ACCEPTED:
        log_info("%s %s: accepted", action, name->id);
        break;
    case REPORT_DONE:
        log_info("%s %s: done", action, name->id);
        break;
    case REPORT_REFUSED:
        log_warning("%s %s: refused: %s", action, name->id, text);
        break;
    case REPORT_FAILED:
        log_error("%s %s: failed: %s", action, name->id, text);
        break;
    }
}

static void answer(struct agent *agent, const struct agent_command_name *name,
                   enum report_outcome outcome, const struct fact *why, const struct vetoes *vetoes,
                   int64_t limit_ms)
{
    struct buf text = BUF_INIT(REPORT_LIMIT);
    log_answer(agent, name, outcome, why);
    int error = report_write_result(name, outcome, why, vetoes, limit_ms, &text);
    if (error == 0)
        error = mqtt_publish(agent->mqtt, agent->topics.result, buf_text(&text), text.length);
    if (error < 0)
        log_error("the result cannot be published: %s", strerror(-error));
    buf_finish(&text);
}

void agent_answer(struct agent *agent, const struct agent_command_name *name,
                  enum report_outcome outcome, const struct fact *why, const struct vetoes *vetoes)
{
    answer(agent, name, outcome, why, vetoes, 0);
}

void agent_agree(struct agent *agent, const struct agent_command_name *name, int64_t limit_ms)
{
    answer(agent, name, REPORT_ACCEPTED, NULL, NULL, limit_ms);
}

static void retain(struct agent *agent, const char *topic, const struct buf *text, int error)
{
    if (error == 0)
        error = mqtt_retain(agent->mqtt, topic, buf_text(text), text->length);
    if (error < 0)
        log_error("%s cannot be published: %s", topic, strerror(-error));
}

void agent_say(struct agent *agent, const char *state)
{
    const int error = mqtt_retain(agent->mqtt, agent->topics.state, state, strlen(state));
    if (error < 0)
        log_error("%s cannot be published: %s", agent->topics.state, strerror(-error));
}

/* ---- looking ---- */

void agent_look_within(struct agent *agent, int64_t delay_ms)
{
    uint64_t due = 0;
    const uint64_t wanted = (uint64_t)(clock_now().boot + delay_ms) * 1000;
    if (sd_event_source_get_time(agent->look_timer, &due) >= 0 && due > wanted)
        sd_event_source_set_time(agent->look_timer, wanted);
}

static int on_look_timer(sd_event_source *source, uint64_t usec, void *context)
{
    struct agent *agent = context;
    const int64_t delay = agent->measured ? LOOK_EVERY_MS : LOOK_AGAIN_MS;
    (void)usec;
    agent->measured = true;
    sd_event_source_set_time(source, (uint64_t)(clock_now().boot + delay) * 1000);
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    watch_look(agent->watch);
    return 0;
}

/* Whether work goes on or has ended is soon known. */
static bool may_end_soon(const struct vetoes *vetoes)
{
    for (size_t i = 0; i < vetoes->n; i++)
        if (fact_is(&vetoes->list[i], FACT_VETO_PROCESSOR) ||
            fact_is(&vetoes->list[i], FACT_VETO_NETWORK) ||
            fact_is(&vetoes->list[i], FACT_VETO_DISK))
            return true;
    return false;
}

static void on_seen(void *context, unsigned look)
{
    struct agent *agent = context;
    const struct watch_sight *sight = watch_sight(agent->watch);
    struct buf text = BUF_INIT(REPORT_LIMIT);
    vetoes_judge(&agent->config->watch, &sight->sample, false, &agent->vetoes);
    retain(agent, agent->topics.report, &text,
           report_write(sight, &agent->vetoes, agent->config->rights, agent->resumes, &text));
    buf_finish(&text);
    if (may_end_soon(&agent->vetoes))
        agent_look_within(agent, LOOK_AGAIN_MS);
    leave_seen(agent, look);
}

/* ---- logind ---- */

static void on_going(void *context, enum logind_change change, bool begins)
{
    leave_going(context, change, begins);
}

static void on_logind_changed(void *context)
{
    agent_look_within(context, LOOK_CHANGED_MS);
}

static const struct logind_listener logind_listener = {.going = on_going,
                                                       .changed = on_logind_changed};

/* ---- containers ---- */

static void on_containers(void *context, const struct docker_view *view)
{
    struct agent *agent = context;
    struct buf text = BUF_INIT(REPORT_LIMIT);
    agent->containers = view;
    watch_hear_containers(agent->watch, view);
    retain(agent, agent->topics.containers, &text, report_write_containers(view, &text));
    buf_finish(&text);
    agent_look_within(agent, LOOK_CHANGED_MS);
}

static void on_docker_done(void *context, const char *request, const struct fact *why)
{
    struct agent *agent = context;
    for (size_t i = 0; i < agent->under_way.n; i++)
        if (strcmp(agent->under_way.list[i].id, request) == 0) {
            const struct agent_command_name name = agent->under_way.list[i];
            agent->under_way.list[i] = agent->under_way.list[--agent->under_way.n];
            agent_answer(agent, &name, fact_is(why, FACT_NONE) ? REPORT_DONE : REPORT_FAILED, why,
                         NULL);
            return;
        }
}

static const struct docker_listener docker_listener = {.changed = on_containers,
                                                       .done = on_docker_done};

static bool is_meant(const struct agent_command *command, const struct docker_container *container)
{
    for (size_t i = 0; i < command->n_names; i++)
        if (strcmp(command->names[i], container->name) == 0)
            return true;
    return command->n_names == 0 && strcmp(command->project, container->project) == 0;
}

/* The busy container that a stop or restart would take away from under someone, or NULL. */
static const char *find_busy(const struct agent *agent, const struct agent_command *command)
{
    if (!agent->containers || command->verb == VERB_START || command->force)
        return NULL;
    for (size_t i = 0; i < agent->containers->n; i++) {
        const struct docker_container *container = &agent->containers->containers[i];
        if (container->busy && is_meant(command, container))
            return container->name;
    }
    return NULL;
}

static struct fact explain_docker(const struct agent *agent, int error)
{
    switch (-error) {
    case EBUSY:
        return FACT(CONTAINERS_TAKEN);
    case ENOENT:
        return FACT(CONTAINERS_NONE);
    case ENOTCONN:
        return agent->containers && !agent->containers->up ? agent->containers->problem
                                                           : FACT(DOCKER_SILENT);
    default:
        return fact_with(FACT(CONTAINERS_FAILED), strerror(-error), NULL);
    }
}

static int start_containers(struct agent *agent, const struct agent_command *command)
{
    static const enum docker_verb verbs[AGENT_VERBS] = {
        [VERB_START] = DOCKER_START, [VERB_STOP] = DOCKER_STOP, [VERB_RESTART] = DOCKER_RESTART};
    const char *names[AGENT_COMMAND_CONTAINERS_MAX];
    for (size_t i = 0; i < command->n_names; i++)
        names[i] = command->names[i];
    return docker_command(agent->docker, verbs[command->verb], command->project, names,
                          command->n_names, command->id);
}

static void move_containers(struct agent *agent, const struct agent_command *command,
                            const struct agent_command_name *name)
{
    struct under_way *under_way = &agent->under_way;
    const char *busy = find_busy(agent, command);
    struct fact why = !agent->docker                                ? FACT(CONTAINERS_OFF)
                      : under_way->n == ARRAY_SIZE(under_way->list) ? FACT(CONTAINERS_FULL)
                      : busy ? fact_with(FACT(VETO_CONTAINER), busy, NULL)
                             : FACT(NONE);
    if (!fact_is(&why, FACT_NONE)) {
        agent_answer(agent, name, REPORT_REFUSED, &why, NULL);
        return;
    }
    /* Docker may be done before it returns: the name is in the list by then, and "accepted" is said
     * first. */
    under_way->list[under_way->n++] = *name;
    const int error = start_containers(agent, command);
    if (error == 0) {
        agent_answer(agent, name, REPORT_ACCEPTED, NULL, NULL);
        return;
    }
    under_way->n--;
    why = explain_docker(agent, error);
    agent_answer(agent, name, REPORT_REFUSED, &why, NULL);
}

/* ---- the bus ---- */

static void on_message(void *context, const struct mqtt_message *message)
{
    struct agent *agent = context;
    struct agent_command_name name;
    struct agent_command command;
    struct fact why;
    if (strcmp(message->topic, agent->topics.command) != 0 || message->length == 0)
        return; /* empty: a retained one was cleared */
    if (agent_commands_read(&agent->commands, message->payload, message->length, message->retained,
                            clock_now().wall, agent->config->rights, &command, &name, &why) < 0)
        agent_answer(agent, &name, REPORT_REFUSED, &why, NULL);
    else if (agent_verb_is_power(command.verb))
        leave_command(agent, &command);
    else
        move_containers(agent, &command, &name);
}

static void on_connected(void *context, bool connected, const char *why)
{
    struct agent *agent = context;
    if (connected) {
        agent->connections++;
        log_info("%s", why);
        (void)daemon_trim(agent->loop, TRIM_AFTER_MS, &agent->trim_timer);
        return;
    }
    log_warning("not connected to the broker: %s", why);
    leave_unheard(agent, FACT(AGENT_NO_BROKER));
}

static void on_settled(void *context)
{
    leave_said(context);
}

static const struct mqtt_listener mqtt_listener = {
    .message = on_message, .connected = on_connected, .settled = on_settled};

/* ---- life ---- */

static int agent_init(struct agent *agent, const char *password)
{
    const struct config_agent *config = agent->config;
    int error = daemon_create(&agent->loop);
    if (error >= 0)
        error = sd_event_add_time_relative(agent->loop, &agent->look_timer, CLOCK_BOOTTIME, 0,
                                           LOOK_ACCURACY_US, on_look_timer, agent);
    if (error >= 0)
        error = daemon_trim(agent->loop, TRIM_AFTER_MS, &agent->trim_timer);
    if (error >= 0)
        error = leave_init(agent);
    if (error >= 0)
        error = companion_connect(
            agent->loop, &config->head, password,
            &(struct companion_topics){"agent", agent->topics.state, agent->topics.command},
            &mqtt_listener, agent, &agent->mqtt);
    if (error >= 0)
        error = logind_create(agent->loop, &logind_listener, agent, &agent->logind);
    if (error >= 0)
        error =
            watch_create(agent->loop, &config->watch, agent->logind, on_seen, agent, &agent->watch);
    if (error >= 0 && config->docker_socket)
        error = docker_create(agent->loop, config->docker_socket, &docker_listener, agent,
                              &agent->docker);
    return error < 0 ? error : 0;
}

int agent_create(const struct config_agent *config, const char *password, struct agent **ret_agent)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    if (!agent)
        return -ENOMEM;
    agent->config = config;
    const char *base = config->head.mqtt.base_topic, *id = config->head.id;
    topic_format(base, TOPIC_AGENT_STATE, id, NULL, agent->topics.state);
    topic_format(base, TOPIC_AGENT_REPORT, id, NULL, agent->topics.report);
    topic_format(base, TOPIC_AGENT_CONTAINERS, id, NULL, agent->topics.containers);
    topic_format(base, TOPIC_AGENT_COMMAND, id, NULL, agent->topics.command);
    topic_format(base, TOPIC_AGENT_RESULT, id, NULL, agent->topics.result);
    const int error = agent_init(agent, password);
    if (error < 0) {
        log_error("cannot start: %s", strerror(-error));
        agent_destroy(agent);
        return error;
    }
    *ret_agent = agent;
    return 0;
}

int agent_run(struct agent *agent)
{
    log_info("agent of %s, version " HALL_VERSION, agent->config->head.id);
    return daemon_run(agent->loop, NULL, NULL);
}

void agent_destroy(struct agent *agent)
{
    if (!agent)
        return;
    docker_destroy(agent->docker);
    watch_destroy(agent->watch);
    logind_destroy(agent->logind);
    mqtt_destroy(agent->mqtt, LIMIT_MS);
    leave_finish(agent);
    sd_event_source_disable_unref(agent->trim_timer);
    sd_event_source_disable_unref(agent->look_timer);
    sd_event_unref(agent->loop);
    free(agent);
}
