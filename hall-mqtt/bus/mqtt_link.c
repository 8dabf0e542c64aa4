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
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/address.h"
#include "bus/mqtt_refusal.h"
#include "bus/offload.h"

enum { KEEPALIVE_S = 20, WHY_SIZE = 192, TLS_ERROR_SIZE = 64 };

static const char mark_name[] = "publisher";

/* What libmosquitto logs of TLS; begins what it knows as its user data. */
struct note {
    char text[TLS_ERROR_SIZE];
};

/* A connection that a thread starts, since its host's name must be looked up. */
struct attempt {
    struct note note;
    struct mosquitto *client;
    char *host;
    int port;
    bool tls;
    unsigned turn; /* which of the name's addresses */
    int rc, error; /* of mosquitto_connect_async, and its errno */
};

struct mqtt_link {
    struct note note;
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
    bool said;     /* it was asked, where TLS had to be agreed on first */
    bool too_new;
    bool hung_up; /* it said neither */
    bool taken_over;
    int start_error; /* errno of the start */
};

/* ---- failing ---- */

static const char *broker_name(const struct mqtt_link *link)
{
    const struct mqtt_options *options = link->setup.options;
    return options->host ? options->host : options->unix_path;
}

static bool is_nonsense(int rc)
{
    return rc == MOSQ_ERR_PROTOCOL || rc == MOSQ_ERR_MALFORMED_PACKET;
}

static const char *rc_text(const struct mqtt_link *link, int rc, int error)
{
    if (rc == MOSQ_ERR_ERRNO)
        return strerror(error);
    if (rc == MOSQ_ERR_CONN_LOST)
        return "the broker closed it";
    if (rc == MOSQ_ERR_TLS && link->note.text[0] != '\0')
        return link->note.text;
    if (!link->answered && is_nonsense(rc))
        return link->setup.v311 ? "the answer is not MQTT 3.1.1" : "the answer is not MQTT 5";
    return rc == MOSQ_ERR_EAI ? "its name cannot be resolved" : mosquitto_strerror(rc);
}

/* The broker is there, and knows by now what is wanted. */
static bool was_asked(const struct mqtt_link *link)
{
    return link->setup.options->tls ? link->said : link->heard_at != 0;
}

/* What to look at where no answer came. */
static const char *hint(const struct mqtt_link *link, int rc, int error)
{
    if (rc == MOSQ_ERR_ERRNO)
        return error == ECONNREFUSED ? "; no broker listens there; is it started?" : "";
    if (link->answered)
        return "";
    if (link->setup.options->tls)
        return was_asked(link) ? "" : "; does it speak TLS on this port, with a good certificate?";
    return is_nonsense(rc) ? "; does it speak TLS on this port (mqtts://)?" : "";
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

static bool is_hangup(int rc, int error)
{
    return rc == MOSQ_ERR_CONN_LOST ||
           (rc == MOSQ_ERR_ERRNO && (error == ECONNRESET || error == EPIPE));
}

/* What no MQTT 5 broker would do to MQTT 5 is remembered. */
static void break_off(struct mqtt_link *link, int rc, int error)
{
    if (!link->answered && was_asked(link)) {
        link->hung_up = is_hangup(rc, error);
        link->too_new = is_nonsense(rc);
    }
    fail(link, link->answered ? "the connection to %s broke: %s%s" : "no connection to %s: %s%s",
         broker_name(link), rc_text(link, rc, error), hint(link, rc, error));
}

/* After anything that libmosquitto was told to do; errno is its own. */
static int settle(struct mqtt_link *link, int rc)
{
    int error = errno;
    if (!link->failed && rc == MOSQ_ERR_SUCCESS && mosquitto_socket(link->client) < 0)
        rc = MOSQ_ERR_CONN_LOST;
    if (!link->failed && rc != MOSQ_ERR_SUCCESS)
        break_off(link, rc, error);
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
    fail(link, "the broker at %s refuses the connection: %s%s", broker_name(link),
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

/* The first error alone; the last part of what OpenSSL says is for people. */
static void on_log(struct mosquitto *client, void *userdata, int level, const char *text)
{
    struct note *note = userdata;
    const char *last = strrchr(text, ':');
    (void)client;
    if (level == MOSQ_LOG_ERR && note->text[0] == '\0')
        text_copy(note->text, sizeof(note->text), last ? last + 1 : text);
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
    mosquitto_log_callback_set(link->client, on_log);
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

/* The end of a connection that was refused or reset, not closed, after libmosquitto has taken the
 * error itself. */
static bool is_lost(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &size) < 0 && errno == ENOTCONN;
}

/* Whether the connection is over. libmosquitto 2.0.11 does not tell while TLS is being agreed on,
 * and poll would wake us for ever. */
static int look_ahead(const struct mqtt_link *link, int fd)
{
    char byte;
    const ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return MOSQ_ERR_SUCCESS;
    if (n < 0 || !is_lost(fd))
        return n < 0 ? MOSQ_ERR_ERRNO : MOSQ_ERR_CONN_LOST;
    errno = link->heard_at == 0 && link->start_error == ECONNREFUSED ? ECONNREFUSED : ECONNRESET;
    return MOSQ_ERR_ERRNO;
}

static int write_on(struct mqtt_link *link)
{
    const int rc = mosquitto_loop_write(link->client, 1);
    link->said = link->said || (rc == MOSQ_ERR_SUCCESS && !mosquitto_want_write(link->client));
    return rc;
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
    if (rc == MOSQ_ERR_SUCCESS)
        errno = 0;
    if (rc == MOSQ_ERR_SUCCESS && (first || (revents & ~(uint32_t)EPOLLOUT) != 0))
        rc = mosquitto_loop_read(link->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && !link->failed && mosquitto_want_write(link->client))
        rc = write_on(link);
    settle(link, rc);
    return 0;
}

/* libmosquitto has a socket; what follows comes from the loop. */
static void connection_started(struct mqtt_link *link, int rc, int error)
{
    int fd = rc == MOSQ_ERR_SUCCESS ? mosquitto_socket(link->client) : -1;
    link->start_error = error;
    if (fd < 0 || sd_event_add_io(link->loop, &link->io, fd, EPOLLIN | EPOLLOUT, on_io, link) < 0)
        break_off(link, rc, error);
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
    errno = 0;
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
    link->note = attempt->note;
    mosquitto_user_data_set(link->client, link);
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
    mosquitto_user_data_set(attempt->client, attempt);
    int error = !attempt->host
                    ? -ENOMEM
                    : offload_start(link->loop, &attempt_task, attempt, link, &link->attempt);
    if (error < 0) {
        mosquitto_user_data_set(attempt->client, link);
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
        errno = 0;
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
