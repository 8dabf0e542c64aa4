#include "bus/mqtt_link.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "bus/address.h"
#include "bus/offload.h"

enum { KEEPALIVE_S = 20, WHY_SIZE = 192 };

static const char mark_name[] = "publisher";

/* A connection that a thread starts, since its host's name must be looked up. */
struct attempt {
    struct mosquitto *client;
    char *host;
    int port;
    bool tls;
    unsigned turn; /* which of the name's addresses */
    int rc, error; /* of mosquitto_connect_async, and its errno */
};

struct mqtt_link {
    sd_event *loop;
    struct mqtt_link_setup setup;
    const struct mqtt_link_listener *listener;
    void *context;

    struct mosquitto *client; /* NULL while the attempt's thread has it */
    struct offload *attempt;
    sd_event_source *io;
    int64_t heard_at; /* boot clock, ms; 0: never */
    bool failed;
    bool answered; /* the broker said yes or no */
    bool too_new;
    bool hung_up; /* it said neither */
    bool taken_over;
};

/* ---- failing ---- */

static const char *broker_name(const struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    return options->host ? options->host : options->unix_path;
}

static const char *rc_text(int rc, int error)
{
    if (rc == MOSQ_ERR_ERRNO)
        return strerror(error);
    if (rc == MOSQ_ERR_CONN_LOST)
        return "the broker closed it";
    return rc == MOSQ_ERR_EAI ? "its name cannot be resolved" : mosquitto_strerror(rc);
}

/* Tells the first reason: what follows are its consequences. */
__attribute__((format(printf, 2, 3))) static void fail(struct mqtt_link *link, const char *format,
                                                       ...)
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

/* After anything that libmosquitto was told to do; errno is its own. */
static int settle(struct mqtt_link *link, int rc)
{
    int error = errno;
    link->hung_up = link->hung_up || (rc == MOSQ_ERR_CONN_LOST && !link->answered);
    if (rc != MOSQ_ERR_SUCCESS)
        fail(link, "the connection to %s broke: %s", broker_name(link), rc_text(rc, error));
    else if (mosquitto_socket(link->client) < 0)
        fail(link, "the connection to %s broke", broker_name(link));
    watch(link);
    return link->failed ? -ENOTCONN : 0;
}

/* ---- what libmosquitto calls ---- */

/* What is probably wrong with a login that the broker does not take. */
static const char *login_advice(const struct mqtt_link *link, int reason)
{
    const struct mqtt_options *options = link->setup.options;
    if (reason != MQTT_RC_NOT_AUTHORIZED && reason != MQTT_RC_BAD_USERNAME_OR_PASSWORD &&
        reason != CONNACK_REFUSED_BAD_USERNAME_PASSWORD && reason != CONNACK_REFUSED_NOT_AUTHORIZED)
        return "";
    if (!options->username)
        return "; no user is configured (mqtt.username)";
    return options->password ? "; check the user and HALL_MQTT_PASSWORD"
                             : "; HALL_MQTT_PASSWORD is not set";
}

static void on_connect(struct mosquitto *client, void *userdata, int reason, int flags,
                       const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    bool v311 = link->setup.v311;
    (void)client;
    (void)flags;
    (void)properties;
    link->answered = true;
    if (reason == 0) {
        link->listener->accepted(link->context);
        return;
    }
    link->too_new = !v311 && reason == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
    fail(link, "the broker at %s refuses the connection: %s%s", broker_name(link),
         v311 ? mosquitto_connack_string(reason) : mosquitto_reason_string(reason),
         login_advice(link, reason));
}

static void on_disconnect(struct mosquitto *client, void *userdata, int reason,
                          const mosquitto_property *properties)
{
    struct mqtt_link *link = userdata;
    (void)client;
    (void)properties;
    link->taken_over = reason == MQTT_RC_SESSION_TAKEN_OVER;
    if (link->taken_over)
        fail(link, "another client took this connection over, by the same client id: does the same "
                   "program run twice, here or on a copy of this machine?");
    else if (reason >= MQTT_RC_UNSPECIFIED)
        fail(link, "the broker ended the connection: %s", mosquitto_reason_string(reason));
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
        marked = strcmp(name, mark_name) == 0 && strcmp(value, link->setup.mark) == 0;
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

/* ---- connecting ---- */

static int client_set_tls(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    if (!options->tls)
        return MOSQ_ERR_SUCCESS;
    int rc = options->ca ? mosquitto_tls_set(link->client, options->ca, NULL, NULL, NULL, NULL)
                         : mosquitto_int_option(link->client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    if (rc != MOSQ_ERR_SUCCESS)
        fail(link, "the certificate authority's file %s cannot be used: %s",
             options->ca ? options->ca : "of the system", mosquitto_strerror(rc));
    return rc;
}

/* A client that keeps nothing on the broker leaves nothing behind. */
static int client_set_will(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    if (!options->will_topic)
        return MOSQ_ERR_SUCCESS;
    return mosquitto_will_set(link->client, options->will_topic, (int)strlen(options->will_payload),
                              options->will_payload, 1, true);
}

static int client_configure(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    int version = link->setup.v311 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    mosquitto_int_option(link->client, MOSQ_OPT_PROTOCOL_VERSION, version);
    mosquitto_int_option(link->client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_v5_callback_set(link->client, on_connect);
    mosquitto_disconnect_v5_callback_set(link->client, on_disconnect);
    mosquitto_subscribe_v5_callback_set(link->client, on_subscribe);
    mosquitto_publish_v5_callback_set(link->client, on_publish);
    mosquitto_message_v5_callback_set(link->client, on_message);
    int rc = client_set_will(link);
    if (rc == MOSQ_ERR_SUCCESS && options->username)
        rc = mosquitto_username_pw_set(link->client, options->username, options->password);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = client_set_tls(link);
    return rc;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct mqtt_link *link = userdata;
    bool first = link->heard_at == 0;
    int rc = MOSQ_ERR_SUCCESS;
    (void)source;
    (void)fd;
    if (first || (revents & EPOLLIN) != 0)
        link->heard_at = clock_now().boot;
    errno = 0;
    if (first || (revents & ~(uint32_t)EPOLLOUT) != 0)
        rc = mosquitto_loop_read(link->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && !link->failed && mosquitto_want_write(link->client))
        rc = mosquitto_loop_write(link->client, 1);
    settle(link, rc);
    return 0;
}

/* libmosquitto has a socket; what follows comes from the loop. */
static void connection_started(struct mqtt_link *link, int rc, int error)
{
    int fd = rc == MOSQ_ERR_SUCCESS ? mosquitto_socket(link->client) : -1;
    if (fd < 0 || sd_event_add_io(link->loop, &link->io, fd, EPOLLIN | EPOLLOUT, on_io, link) < 0)
        fail(link, "no connection to %s: %s%s", broker_name(link), rc_text(rc, error),
             rc == MOSQ_ERR_ERRNO && error == ECONNREFUSED
                 ? "; no broker listens there; is it started?"
                 : "");
    else
        link->listener->started(link->context);
}

static void attempt_free(void *data)
{
    struct attempt *attempt = data;
    mosquitto_destroy(attempt->client);
    free(attempt->host);
    free(attempt);
}

/* With TLS the name itself must be given to libmosquitto, which verifies the certificate against
 * it, and takes the first address. */
static void attempt_run(void *data)
{
    struct attempt *attempt = data;
    char address[ADDRESS_SIZE];
    const char *host = attempt->host;
    attempt->rc = MOSQ_ERR_EAI;
    if (!attempt->tls)
        host = address_pick(attempt->host, attempt->turn, address) ? address : NULL;
    if (host)
        attempt->rc = mosquitto_connect_async(attempt->client, host, attempt->port, KEEPALIVE_S);
    attempt->error = errno;
}

static void attempt_done(void *context, void *data)
{
    struct mqtt_link *link = context;
    struct attempt *attempt = data;
    link->attempt = NULL;
    link->client = attempt->client;
    attempt->client = NULL;
    connection_started(link, attempt->rc, attempt->error);
    attempt_free(attempt);
}

static const struct offload_task attempt_task = {attempt_run, attempt_done, attempt_free};

/* Hands the client to a thread until attempt_done takes it back. */
static int attempt_start(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (!attempt)
        return -ENOMEM;
    attempt->host = strdup(options->host);
    attempt->port = options->port;
    attempt->tls = options->tls;
    attempt->turn = link->setup.turn;
    attempt->client = link->client;
    int error = !attempt->host
                    ? -ENOMEM
                    : offload_start(link->loop, &attempt_task, attempt, link, &link->attempt);
    if (error < 0) {
        attempt->client = NULL;
        attempt_free(attempt);
        return error;
    }
    link->client = NULL;
    return 0;
}

/* A name goes by way of the thread. */
static void connection_start(struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    int rc = client_configure(link);
    if (rc == MOSQ_ERR_SUCCESS && options->host && !address_is_numeric(options->host)) {
        int error = attempt_start(link);
        if (error == 0)
            return;
        rc = MOSQ_ERR_ERRNO;
        errno = -error;
    } else if (rc == MOSQ_ERR_SUCCESS) {
        /* Port 0 means a unix socket. */
        rc = mosquitto_connect_async(link->client, broker_name(link),
                                     options->host ? options->port : 0, KEEPALIVE_S);
    }
    connection_started(link, rc, errno);
}

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
    *ret_link = link;
    connection_start(link);
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

/* ---- sending ---- */

/* The message itself cannot be sent on this connection, and trying again would change nothing. */
static bool is_message_fault(int rc)
{
    return rc == MOSQ_ERR_OVERSIZE_PACKET || rc == MOSQ_ERR_PAYLOAD_SIZE || rc == MOSQ_ERR_INVAL ||
           rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_QOS_NOT_SUPPORTED;
}

static int properties_of(const struct mqtt_link *link, const struct mqtt_parcel *parcel,
                         mosquitto_property **properties)
{
    int rc = MOSQ_ERR_SUCCESS;
    if (link->setup.v311)
        return rc;
    if (parcel->correlation_length > 0)
        rc = mosquitto_property_add_binary(properties, MQTT_PROP_CORRELATION_DATA,
                                           parcel->correlation,
                                           (uint16_t)parcel->correlation_length);
    if (rc == MOSQ_ERR_SUCCESS && parcel->response_topic)
        rc = mosquitto_property_add_string(properties, MQTT_PROP_RESPONSE_TOPIC,
                                           parcel->response_topic);
    if (rc == MOSQ_ERR_SUCCESS && parcel->marked)
        rc = mosquitto_property_add_string_pair(properties, MQTT_PROP_USER_PROPERTY, mark_name,
                                                link->setup.mark);
    return rc;
}

int mqtt_link_publish(struct mqtt_link *link, const struct mqtt_parcel *parcel, int *ret_id,
                      const char **ret_refusal)
{
    mosquitto_property *properties = NULL;
    if (link->failed)
        return -ENOTCONN;
    int rc = properties_of(link, parcel, &properties);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_publish_v5(link->client, ret_id, parcel->topic, (int)parcel->length,
                                  parcel->payload, parcel->qos, parcel->retain, properties);
    mosquitto_property_free_all(&properties);
    if (!is_message_fault(rc))
        return settle(link, rc);
    *ret_refusal = mosquitto_strerror(rc);
    return -EBADMSG;
}

/* libmosquitto wants them so, and changes nothing. */
static char *const *mutable_list(const char *const *filters)
{
    return (char *const *)(const void *)filters;
}

void mqtt_link_subscribe(struct mqtt_link *link, const char *const *filters, size_t n, int qos,
                         enum mqtt_link_reading reading, int *ret_id)
{
    static const int options[] = {
        [MQTT_LINK_OTHERS] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_NO_LOCAL,
        [MQTT_LINK_ALL] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED,
        [MQTT_LINK_OTHERS_ONLY] = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_NO_LOCAL |
                                  MQTT_SUB_OPT_SEND_RETAIN_NEVER,
    };
    if (!link->failed)
        settle(link,
               mosquitto_subscribe_multiple(link->client, ret_id, (int)n, mutable_list(filters),
                                            qos, link->setup.v311 ? 0 : options[reading], NULL));
}

void mqtt_link_unsubscribe(struct mqtt_link *link, const char *const *filters, size_t n)
{
    if (!link->failed)
        settle(link, mosquitto_unsubscribe_multiple(link->client, NULL, (int)n,
                                                    mutable_list(filters), NULL));
}

/* ---- the rest ---- */

void mqtt_link_tick(struct mqtt_link *link)
{
    if (!link->failed)
        settle(link, mosquitto_loop_misc(link->client));
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

bool mqtt_link_is_too_new(const struct mqtt_link *link)
{
    return link->too_new;
}

bool mqtt_link_hung_up(const struct mqtt_link *link)
{
    return link->hung_up && !link->setup.v311;
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
