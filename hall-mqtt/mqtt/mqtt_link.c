#include "mqtt/mqtt_link_internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "mqtt/mqtt_ending.h"
#include "mqtt/mqtt_refusal.h"

enum { WHY_SIZE = 192 };

/* ---- failing ---- */

const char *mqtt_link_broker(const struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    return options->broker.host ? options->broker.host : options->broker.unix_path;
}

/* The broker is there, and knows by now what is wanted. */
static bool was_asked(const struct mqtt_link *link)
{
    return link->setup.options->broker.tls ? link->said : link->heard_at != 0;
}

void mqtt_link_fail(struct mqtt_link *link, const char *format, ...)
{
    char why[WHY_SIZE];
    va_list args;
    if (link->failed)
        return;
    link->failed = true;
    link->io = sd_event_source_disable_unref(link->io);
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    link->listener->failed(link->context, why);
}

/* Which events the socket is watched for; TCP's own connect, and TLS behind it, begin with
 * "writable". */
static void watch(struct mqtt_link *link)
{
    uint32_t events = EPOLLIN;
    if (!link->io)
        return;
    if (link->heard_at == 0 || mosquitto_want_write(link->client))
        events |= EPOLLOUT;
    sd_event_source_set_io_events(link->io, events);
}

static enum mqtt_ending_kind kind_of(int rc)
{
    switch (rc) {
    case MOSQ_ERR_ERRNO:
        return MQTT_ENDING_ERRNO;
    case MOSQ_ERR_CONN_LOST:
        return MQTT_ENDING_CLOSED;
    case MOSQ_ERR_TLS:
        return MQTT_ENDING_TLS;
    case MOSQ_ERR_EAI:
        return MQTT_ENDING_NAME;
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
        return MQTT_ENDING_NONSENSE;
    default:
        return MQTT_ENDING_OTHER;
    }
}

void mqtt_link_break_off(struct mqtt_link *link, int rc, int error)
{
    const struct mqtt_ending ending = {
        .kind = kind_of(rc),
        .error = error,
        .words = rc == MOSQ_ERR_TLS && link->note.text[0] != '\0' ? link->note.text
                                                                  : mosquitto_strerror(rc),
        .answered = link->answered,
        .asked = was_asked(link),
        .tls = link->setup.options->broker.tls,
        .v311 = link->setup.v311,
    };
    link->hung_up = ending.asked && !ending.answered && mqtt_ending_is_hangup(&ending);
    link->too_new = ending.asked && !ending.answered && ending.kind == MQTT_ENDING_NONSENSE;
    mqtt_link_fail(
        link, link->answered ? "the connection to %s broke: %s%s" : "no connection to %s: %s%s",
        mqtt_link_broker(link), mqtt_ending_text(&ending), mqtt_ending_hint(&ending));
}

int mqtt_link_settle(struct mqtt_link *link, int rc)
{
    int error = errno;
    if (!link->failed && rc == MOSQ_ERR_SUCCESS && mosquitto_socket(link->client) < 0)
        rc = MOSQ_ERR_CONN_LOST;
    if (!link->failed && rc != MOSQ_ERR_SUCCESS)
        mqtt_link_break_off(link, rc, error);
    watch(link);
    return link->failed ? -ENOTCONN : 0;
}

/* ---- what libmosquitto calls ---- */

static void on_connect(struct mosquitto *client, void *userdata, int reason, int flags,
                       const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    (void)client;
    (void)flags;
    (void)properties;
    link->answered = true;
    if (reason == 0) {
        link->listener->accepted(link->context);
        return;
    }
    link->too_new = mqtt_refusal_is_of_version(reason);
    mqtt_link_fail(link, "the broker at %s refuses the connection: %s%s", mqtt_link_broker(link),
                   mqtt_refusal_is_old(reason) ? mosquitto_connack_string(reason)
                                               : mosquitto_reason_string(reason),
                   mqtt_refusal_advice(link->setup.options, reason));
}

static void on_disconnect(struct mosquitto *client, void *userdata, int reason,
                          const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    (void)client;
    (void)properties;
    link->taken_over = reason == MQTT_RC_SESSION_TAKEN_OVER;
    if (link->taken_over)
        mqtt_link_fail(
            link, "another client took this connection over, by the same client id: does the same "
                  "program run twice, here or on a copy of this machine?");
    else if (reason >= MQTT_RC_UNSPECIFIED)
        mqtt_link_fail(link, "the broker ended the connection: %s",
                       mosquitto_reason_string(reason));
}

static const char *refusal_of(int reason)
{
    return reason >= MQTT_RC_UNSPECIFIED ? mosquitto_reason_string(reason) : NULL;
}

static void on_subscribe(struct mosquitto *client, void *userdata, int id, int n,
                         const int *granted, const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    const char *refusal = NULL;
    (void)client;
    (void)properties;
    for (int i = 0; i < n && !refusal; i++)
        refusal = refusal_of(granted[i]);
    link->listener->subscribed(link->context, id, refusal);
}

static void on_publish(struct mosquitto *client, void *userdata, int id, int reason,
                       const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    (void)client;
    (void)properties;
    if (id != 0)
        link->listener->taken(link->context, id, refusal_of(reason));
}

static bool is_marked(const struct mqtt_link *link, const mosquitto_property *properties)
{
    const mosquitto_property *at = properties;
    char *name = NULL, *value = NULL;
    bool marked = false, skip = false;
    while (!marked && (at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name,
                                                                &value, skip))) {
        marked = strcmp(name, MQTT_LINK_MARK) == 0 && strcmp(value, link->setup.mark) == 0;
        skip = true; /* this one, when looking for the next */
        free(name);
        free(value);
    }
    return marked;
}

static void on_message(struct mosquitto *client, void *userdata,
                       const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    char *response_topic = NULL;
    void *correlation = NULL;
    uint16_t correlation_length = 0;
    (void)client;
    mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &response_topic, false);
    mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &correlation,
                                   &correlation_length, false);
    struct mqtt_message out = {
        .topic = message->topic,
        .payload = message->payloadlen > 0 ? message->payload : "",
        .length = (size_t)message->payloadlen,
        .retained = message->retain,
        .response_topic = response_topic,
        .correlation = correlation,
        .correlation_length = correlation_length,
    };
    link->listener->message(link->context, &out, is_marked(link, properties));
    free(response_topic);
    free(correlation);
}

/* ---- the socket ---- */

/* libmosquitto 2.0.11 does not tell that a connection is over while TLS is being agreed on, and
 * poll would wake us for ever. It may have taken the error from the socket itself, too. */
static int look_ahead(const struct mqtt_link *link, int fd)
{
    const bool refused = link->heard_at == 0 && link->start_error == ECONNREFUSED;
    const int error = mqtt_ending_look(fd, refused ? ECONNREFUSED : ECONNRESET);
    errno = -error;
    return error == 0 ? MOSQ_ERR_SUCCESS : error == -ENODATA ? MOSQ_ERR_CONN_LOST : MOSQ_ERR_ERRNO;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct mqtt_link *link = userdata;
    bool first = link->heard_at == 0;
    int rc = MOSQ_ERR_SUCCESS;
    (void)source;
    if (!link->answered || (revents & (EPOLLHUP | EPOLLERR)) != 0)
        rc = look_ahead(link, fd);
    if (rc != MOSQ_ERR_ERRNO && (first || (revents & EPOLLIN) != 0))
        link->heard_at = clock_now().boot;
    errno = rc == MOSQ_ERR_SUCCESS ? 0 : errno;
    if (rc == MOSQ_ERR_SUCCESS && (first || (revents & ~(uint32_t)EPOLLOUT) != 0))
        rc = mosquitto_loop_read(link->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && !link->failed && mosquitto_want_write(link->client)) {
        rc = mosquitto_loop_write(link->client, 1);
        link->said = link->said || (rc == MOSQ_ERR_SUCCESS && !mosquitto_want_write(link->client));
    }
    mqtt_link_settle(link, rc);
    return 0;
}

int mqtt_link_watch(struct mqtt_link *link, int fd)
{
    return sd_event_add_io(link->loop, &link->io, fd, EPOLLIN | EPOLLOUT, on_io, link);
}

/* ---- beginning and end ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_start(void)
{
    mosquitto_lib_init();
}

int mqtt_link_open(sd_event *loop, const struct mqtt_link_setup *setup,
                   const struct mqtt_link_listener *listener, void *context,
                   struct mqtt_link **ret_link)
{
    pthread_once(&library_once, library_start);
    struct mqtt_link *link = calloc(1, sizeof(*link));
    if (!link)
        return -ENOMEM;
    link->loop = loop;
    link->setup = *setup;
    link->listener = listener;
    link->context = context;
    link->client = mosquitto_new(setup->options->client_id, true, link);
    if (!link->client) {
        free(link);
        return -ENOMEM;
    }
    mosquitto_connect_v5_callback_set(link->client, on_connect);
    mosquitto_disconnect_v5_callback_set(link->client, on_disconnect);
    mosquitto_subscribe_v5_callback_set(link->client, on_subscribe);
    mosquitto_publish_v5_callback_set(link->client, on_publish);
    mosquitto_message_v5_callback_set(link->client, on_message);
    *ret_link = link;
    mqtt_link_start(link);
    return 0;
}

void mqtt_link_close(struct mqtt_link *link, int64_t limit_ms)
{
    if (!link)
        return;
    offload_end(link->attempt, limit_ms);
    sd_event_source_disable_unref(link->io);
    mosquitto_destroy(link->client);
    free(link);
}

/* ---- the rest ---- */

void mqtt_link_tick(struct mqtt_link *link)
{
    if (!link->failed)
        mqtt_link_settle(link, mosquitto_loop_misc(link->client));
}

bool mqtt_link_turn(struct mqtt_link *link, int64_t deadline)
{
    int64_t left = deadline - clock_now().boot;
    struct pollfd wait = {.fd = mosquitto_socket(link->client), .events = POLLIN};
    if (wait.fd < 0 || link->failed || left <= 0)
        return false;
    if (mosquitto_want_write(link->client))
        wait.events |= POLLOUT;
    if (poll(&wait, 1, (int)(left < 1000 ? left : 1000)) < 0 && errno != EINTR)
        return false;
    int rc = MOSQ_ERR_SUCCESS;
    if ((wait.revents & ~POLLOUT) != 0)
        rc = mosquitto_loop_read(link->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && (wait.revents & POLLOUT) != 0)
        rc = mosquitto_loop_write(link->client, 1);
    return rc == MOSQ_ERR_SUCCESS;
}

void mqtt_link_disconnect(struct mqtt_link *link)
{
    if (!link->failed)
        mosquitto_disconnect_v5(link->client, 0, NULL);
}

int64_t mqtt_link_heard(const struct mqtt_link *link)
{
    return link->heard_at;
}

enum mqtt_link_doubt mqtt_link_doubt(const struct mqtt_link *link)
{
    if (!link || link->setup.v311)
        return MQTT_LINK_SURE;
    if (link->too_new)
        return MQTT_LINK_TOO_NEW;
    if (link->hung_up)
        return MQTT_LINK_HUNG_UP;
    return !link->answered && !link->failed && was_asked(link) ? MQTT_LINK_SILENT : MQTT_LINK_SURE;
}

bool mqtt_link_taken_over(const struct mqtt_link *link)
{
    return link && link->taken_over;
}

bool mqtt_link_topic_matches(const char *filter, const char *topic)
{
    bool matches = false;
    mosquitto_topic_matches_sub(filter, topic, &matches);
    return matches;
}

bool mqtt_link_topic_is_valid(const char *topic)
{
    return topic[0] != '\0' && mosquitto_pub_topic_check(topic) == MOSQ_ERR_SUCCESS;
}
