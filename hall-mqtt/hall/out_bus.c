#include "hall/out_bus.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "base/version.h"
#include "hall/in_clock.h"
#include "hall/in_store.h"
#include "loop/timer.h"

/* Servers whose topics are to be published, in the order in which they changed. */
struct marks {
    size_t n;
    struct {
        int server; /* of the first n */
        bool is_marked;
    } of[];
};

struct out_bus {
    const struct current *current;
    struct mqtt *mqtt;
    struct stats *stats;
    struct outlets *outlets;
    struct loop_idle *publish; /* after all events of this turn of the loop */
    struct marks *marks;
    size_t n_awake;     /* servers that are up */
    uint64_t n_dropped; /* messages that found no room */
};

/* ---- messages ---- */

static const char *format(const struct out_bus *bus, enum topic_kind kind, const char *id,
                          char topic[TOPIC_MAX])
{
    topic_format(bus->current->begun->mqtt.base_topic, kind, id, NULL, topic);
    return topic;
}

static void retain(struct out_bus *bus, enum topic_kind kind, const char *id, const char *text)
{
    char topic[TOPIC_MAX];

    if (mqtt_retain(bus->mqtt, format(bus, kind, id, topic), text, strlen(text)) < 0)
        log_error("bus: %s: no memory to keep this message", topic);
}

static void retain_buf(struct out_bus *bus, enum topic_kind kind, const char *id, int error,
                       struct buf *text)
{
    if (error < 0)
        log_error("bus: the message of %s is too long to publish",
                  id ? id : bus->current->begun->mqtt.base_topic);
    else
        retain(bus, kind, id, buf_text(text));
    buf_finish(text);
}

void out_bus_clear(struct out_bus *bus, enum topic_kind kind, const char *id)
{
    retain(bus, kind, id, "");
}

/* Of the sentences beside the English ones. */
static enum say_language language_of(const struct out_bus *bus)
{
    return bus->current->config->language == CONFIG_FRENCH ? SAY_FRENCH : SAY_ENGLISH;
}

/* An event. What finds no room is counted and told by the client. */
static void publish(struct out_bus *bus, enum topic_kind kind, const char *id, const char *text)
{
    char topic[TOPIC_MAX];

    (void)mqtt_publish(bus->mqtt, format(bus, kind, id, topic), text, strlen(text));
}

/* said: what the other outlets are told of it beside topic, id and text. */
static void tell_said(struct out_bus *bus, enum topic_kind kind, const char *id, const char *text,
                      struct news said)
{
    said.kind = NEWS_SAID;
    said.said.topic = kind;
    said.said.id = id;
    said.said.text = text;
    outlets_tell(bus->outlets, &said);
}

void out_bus_send(struct out_bus *bus, enum topic_kind kind, const char *id, const char *text)
{
    char topic[TOPIC_MAX];

    (void)mqtt_deliver(bus->mqtt, format(bus, kind, id, topic), text, strlen(text));
    tell_said(bus, kind, id, text, (struct news){0});
}

/* The store keeps it, and the API says it in each reader's language: both are told it in English
 * alone. */
static void send_event(struct out_bus *bus, const struct action *action, struct news said)
{
    const struct model *model = &bus->current->config->model;
    const char *id = model->servers[action->server].id;
    const struct now now = clock_now();
    struct buf told = BUF_INIT(PAYLOAD_LIMIT), text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_event(model, action, language_of(bus), now, &told) == 0 &&
        payload_event(model, action, SAY_ENGLISH, now, &text) == 0) {
        publish(bus, TOPIC_SERVER_EVENT, id, buf_text(&told));
        tell_said(bus, TOPIC_SERVER_EVENT, id, buf_text(&text), said);
    }
    buf_finish(&told);
    buf_finish(&text);
}

void out_bus_event(struct out_bus *bus, const struct action *action)
{
    send_event(bus, action, (struct news){0});
}

/* ---- retained topics ---- */

static void publish_state(struct out_bus *bus, int server)
{
    const char *id = bus->current->config->model.servers[server].id;
    const struct power *power = fleet_power(bus->current->fleet, server);

    retain(bus, TOPIC_SERVER_STATE, id, power_state_name(power->state));
    retain(bus, TOPIC_SERVER_POWER, id, payload_server_power(bus->current->fleet, server));
}

static void publish_projects(struct out_bus *bus, int server)
{
    const struct model *model = &bus->current->config->model;
    const struct fleet *fleet = bus->current->fleet;

    for (int site = fleet_first_site(fleet, server); site != MODEL_NONE;
         site = fleet_next_site(fleet, site)) {
        const char *id = model->sites[site].id;
        struct buf text = BUF_INIT(PAYLOAD_LIMIT);

        if (!model->sites[site].is_project)
            continue;
        retain(bus, TOPIC_PROJECT_STATE, id, payload_project_state(fleet, model, site));
        retain_buf(bus, TOPIC_PROJECT_STATUS, id,
                   payload_project_status(fleet, model, site, language_of(bus), clock_now(), &text),
                   &text);
    }
}

static void publish_server(struct out_bus *bus, int server)
{
    const struct model *model = &bus->current->config->model;
    const struct fleet *fleet = bus->current->fleet;
    const char *id = model->servers[server].id;
    struct buf status = BUF_INIT(PAYLOAD_LIMIT);
    struct buf config = BUF_INIT(PAYLOAD_LIMIT);
    struct payload_energy energy;

    stats_look(bus->stats, server);
    const bool counted = stats_energy(bus->stats, server, &energy);

    publish_state(bus, server);
    retain_buf(bus, TOPIC_SERVER_STATUS, id,
               payload_server_status(fleet, model, server, counted ? &energy : NULL,
                                     language_of(bus), clock_now(), &status),
               &status);
    retain_buf(bus, TOPIC_SERVER_CONFIG, id, payload_server_config(fleet, model, server, &config),
               &config);
    publish_projects(bus, server);
    outlets_tell(bus->outlets, &(struct news){.kind = NEWS_PUBLISHED, .server = server});
}

static void publish_info(struct out_bus *bus)
{
    const struct current *current = bus->current;
    const struct told trouble = start_tell_trouble(&current->trouble);
    const struct told salvaged = in_store_tell(&current->salvage, clock_now().wall);
    const struct told clock = in_clock_tell(current->clock);
    const struct hall_info info = {.version = HALL_VERSION,
                                   .started = current->started,
                                   .awake = bus->n_awake,
                                   .config_problem = &trouble,
                                   .store_salvaged = &salvaged,
                                   .clock_trusted = clock_is_usable(current->clock),
                                   .clock_problem = &clock,
                                   .dropped = bus->n_dropped,
                                   .broker = mqtt_protocol(bus->mqtt)};
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    retain_buf(bus, TOPIC_INFO, NULL, payload_info(&info, &current->config->model, &text), &text);
}

static void mark(struct out_bus *bus, int server)
{
    struct marks *marks = bus->marks;

    if (marks->of[server].is_marked)
        return;
    marks->of[server].is_marked = true;
    marks->of[marks->n++].server = server;
    loop_idle_set(bus->publish);
}

void out_bus_publish(struct out_bus *bus)
{
    struct marks *marks = bus->marks;

    for (size_t i = 0; i < marks->n; i++) {
        marks->of[marks->of[i].server].is_marked = false;
        publish_server(bus, marks->of[i].server);
    }
    marks->n = 0;
}

void out_bus_renew(struct out_bus *bus)
{
    const size_t n = bus->current->config->model.n_servers;

    bus->n_awake = 0;
    for (size_t i = 0; i < n; i++)
        bus->n_awake += power_is_up(fleet_power(bus->current->fleet, (int)i)->state);
    publish_info(bus);
    for (size_t i = 0; i < n; i++)
        outlets_tell(bus->outlets, &(struct news){.kind = NEWS_CHANGED, .server = (int)i});
}

/* ---- what it listens to ---- */

static void on_state(void *context, const struct action *action)
{
    struct out_bus *bus = context;
    const bool was = power_is_up(action->state.from), is = power_is_up(action->state.to);

    publish_state(bus, action->server);
    bus->n_awake += is;
    bus->n_awake -= was;
    if (is != was && !bus->current->renewing)
        publish_info(bus);
}

static void on_status(void *context, const struct action *action)
{
    mark(context, action->server);
}

static void on_changed(void *context, const struct news *news)
{
    mark(context, news->server);
}

/* A hold that is released is not to come back with the next replay of what the broker keeps. */
static void clear_hold(const struct out_bus *bus, const struct action *action)
{
    const struct fact *detail = action->event.detail;
    char topic[TOPIC_MAX];

    if (action->event.what != HAPPENED_RELEASE ||
        !(fact_is(detail, FACT_HOLD_RELEASED) || fact_is(detail, FACT_HOLD_FORCED)) ||
        !mqtt_is_connected(bus->mqtt))
        return;
    topic_format(bus->current->begun->mqtt.base_topic, TOPIC_SERVER_HOLD,
                 bus->current->config->model.servers[action->server].id, fact_text(detail, 0, 0),
                 topic);
    (void)mqtt_leave(bus->mqtt, topic, "", 0);
}

static void on_event(void *context, const struct action *action)
{
    clear_hold(context, action);
    send_event(context, action, (struct news){.said = {.action = action}});
}

/* A guard refused a visitor: an event of Hall itself. */
static void on_limit(void *context, const struct action *action)
{
    const struct out_bus *bus = context;
    char who[ADDRESS_TEXT_SIZE];
    const struct fact refuses = guard_fact(&action->limit.guard, clock_now());

    address_format_client(action->limit.address, who);
    const struct fact refused = fact_because(
        fact_with(FACT(ACCESS_REFUSED, .subject = action->limit.site), who[0] ? who : NULL, NULL),
        &refuses);
    struct told told;

    if (!action->limit.refused || !outlets_may_tell(bus->outlets))
        return;
    say_resolve(&refused, &bus->current->config->model, &told);
    outlets_event(bus->outlets, "access_refused", told);
}

static void on_hall_event(void *context, const struct news *news)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);

    if (payload_hall_event(news->event.type, news->event.told, clock_now(), &text) == 0) {
        publish(context, TOPIC_EVENT, NULL, buf_text(&text));
        tell_said(context, TOPIC_EVENT, NULL, buf_text(&text),
                  (struct news){.said = {.type = news->event.type}});
    }
    buf_finish(&text);
}

static void on_broker(void *context, const struct news *news)
{
    if (news->connected)
        publish_info(context);
}

static void on_dropped(void *context, const struct news *news)
{
    struct out_bus *bus = context;

    bus->n_dropped += news->dropped.n;
    publish_info(bus);
}

static void on_config(void *context, const struct news *news)
{
    (void)news;
    publish_info(context);
}

const struct outlet_ops out_bus_outlet = {
    .act = {[ACTION_STATE] = on_state,
            [ACTION_STATUS] = on_status,
            [ACTION_SITE] = on_status,
            [ACTION_EVENT] = on_event,
            [ACTION_LIMIT] = on_limit},
    .hear = {[NEWS_CHANGED] = on_changed,
             [NEWS_EVENT] = on_hall_event,
             [NEWS_BROKER] = on_broker,
             [NEWS_DROPPED] = on_dropped,
             [NEWS_CONFIG] = on_config,
             [NEWS_SALVAGED] = on_config,
             [NEWS_VERDICT] = on_config},
};

/* ---- life ---- */

static void on_publish(void *context)
{
    out_bus_publish(context);
}

struct marks *out_bus_marks(size_t n)
{
    struct marks *marks = NULL;

    return calloc(1, sizeof(*marks) + n * sizeof(marks->of[0]));
}

void out_bus_adopt(struct out_bus *bus, struct marks *marks)
{
    free(bus->marks);
    bus->marks = marks;
}

int out_bus_create(sd_event *loop, const struct current *current, struct mqtt *mqtt,
                   struct stats *stats, struct outlets *outlets, struct out_bus **ret_bus)
{
    struct out_bus *bus = calloc(1, sizeof(*bus));
    int error = -ENOMEM;

    if (!bus)
        return error;
    *bus = (struct out_bus){.current = current, .mqtt = mqtt, .stats = stats, .outlets = outlets};
    bus->marks = out_bus_marks(current->config->model.n_servers);
    if (bus->marks)
        error = loop_idle_create(loop, on_publish, bus, &bus->publish);
    if (error < 0) {
        out_bus_destroy(bus);
        return error;
    }
    *ret_bus = bus;
    return 0;
}

void out_bus_destroy(struct out_bus *bus)
{
    if (!bus)
        return;
    loop_idle_destroy(bus->publish);
    free(bus->marks);
    free(bus);
}
