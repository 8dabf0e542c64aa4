#include "bus/mqtt.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/backoff.h"
#include "bus/mqtt_options.h"
#include "bus/offload.h"
#include "bus/outbox.h"
#include "bus/retained.h"

enum {
    KEEPALIVE_S = 20,
    TICK_MS = 8000, /* 3 ticks and their inaccuracy stay below 1.5 x keepalive */
    ANSWER_MS = 5000,
    ECHO_EVERY_MS = 60000,
    REPLAY_MOST_MS = 60000, /* reading back what a very large broker holds */
    STABLE_MS = 10000,
    JUMP_US = 1000000, /* a suspend shorter than this is none */
    COMPLAIN_EVERY_MS = 10000,
    FLIGHTS_MAX = 20, /* QoS 1 messages on their way at once */
    WHY_SIZE = 192,
    ECHO_SIZE = 40,
    PAYLOAD_MOST = 1 << 20,
    SETTLE_MS = 20, /* before the first attempt: the caller retains what there is */
    ACCURACY_US = 100000,
};

enum phase {
    PHASE_WAITING,     /* for the next attempt */
    PHASE_RESOLVING,   /* a thread looks the name up */
    PHASE_CONNECTING,  /* until CONNACK */
    PHASE_SUBSCRIBING, /* until every SUBACK */
    PHASE_READING,     /* until the first echo: by then the broker has replayed what it holds */
    PHASE_RUNNING,
};

/* One QoS 1 message on its way: one of the two is set. */
struct flight {
    int id; /* 0: free */
    struct retained_entry *entry;
    struct outbox_message *message;
};

/* A connection that a thread starts, since its host's name must be looked up. */
struct attempt {
    struct mosquitto *client;
    char *host;
    int port;
    bool tls;
    unsigned turn; /* which of the name's addresses */
    int rc, error; /* of mosquitto_connect_async, and its errno */
};

struct mqtt {
    sd_event *loop;
    struct mqtt_options options; /* own copies */
    const struct mqtt_listener *listener;
    void *context;

    struct retained *retained;
    struct outbox outbox;
    struct flight flights[FLIGHTS_MAX];

    struct mosquitto *client; /* of this attempt or connection; a new one each time */
    sd_event_source *timer, *io;
    struct offload *attempt;
    enum phase phase;
    struct backoff backoff;
    unsigned turn;
    bool v311;       /* this connection's protocol */
    bool retry_v311; /* the next attempt's */
    bool up, told;   /* what the listener was told, and whether it was */
    bool born;       /* the birth message is in the map */
    bool closing;
    bool broken; /* the connection is to be dropped at the next turn of the loop */
    bool again;  /* and made anew at once */
    int pending_subscriptions[3];
    size_t n_pending_subscriptions;
    int64_t up_at, heard_at, echo_at; /* boot clock, ms */
    bool echo_pending;
    uint64_t echo_number;
    int64_t suspended_us; /* BOOTTIME minus MONOTONIC */
    int64_t complained_at;
    char why[WHY_SIZE], told_why[WHY_SIZE];
};

/* ---- small things ---- */

static int64_t now_boot(const struct mqtt *mqtt)
{
    uint64_t us = 0;
    int error = sd_event_now(mqtt->loop, CLOCK_BOOTTIME, &us);
    assert(error >= 0);
    return (int64_t)(us / 1000);
}

static int64_t suspended_us(const struct mqtt *mqtt)
{
    uint64_t boot = 0, monotonic = 0;
    sd_event_now(mqtt->loop, CLOCK_BOOTTIME, &boot);
    sd_event_now(mqtt->loop, CLOCK_MONOTONIC, &monotonic);
    return (int64_t)(boot - monotonic);
}

static uint32_t random_bits(void)
{
    uint32_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
        bits = (uint32_t)clock_boot_ns(); /* jitter needs no secrecy */
    return bits;
}

static void arm(struct mqtt *mqtt, int64_t delay_ms)
{
    int64_t at = now_boot(mqtt) + (delay_ms > 0 ? delay_ms : 0);
    sd_event_source_set_time(mqtt->timer, (uint64_t)at * 1000);
    sd_event_source_set_enabled(mqtt->timer, SD_EVENT_ONESHOT);
}

static bool is_up(const struct mqtt *mqtt)
{
    return mqtt->phase >= PHASE_READING && !mqtt->broken;
}

/* Keeps the first reason: what follows are its consequences. */
__attribute__((format(printf, 2, 3))) static void because(struct mqtt *mqtt, const char *format,
                                                          ...)
{
    va_list args;
    if (mqtt->why[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(mqtt->why, sizeof mqtt->why, format, args);
    va_end(args);
}

/* Drops the connection, but not from inside libmosquitto: at the next turn of the loop. */
static void break_off(struct mqtt *mqtt)
{
    mqtt->broken = true;
    arm(mqtt, 0);
}

static const char *rc_text(int rc, int error)
{
    if (rc == MOSQ_ERR_ERRNO)
        return strerror(error);
    return rc == MOSQ_ERR_EAI ? "its name cannot be resolved" : mosquitto_strerror(rc);
}

static const char *broker_name(const struct mqtt *mqtt)
{
    return mqtt->options.host != NULL ? mqtt->options.host : mqtt->options.unix_path;
}

static const char *user_name(const struct mqtt *mqtt)
{
    return mqtt->options.username != NULL ? mqtt->options.username : "(none)";
}

static bool may_complain(struct mqtt *mqtt)
{
    int64_t now = now_boot(mqtt);
    if (mqtt->complained_at != 0 && now - mqtt->complained_at < COMPLAIN_EVERY_MS)
        return false;
    mqtt->complained_at = now;
    return true;
}

static void tell(struct mqtt *mqtt, bool up, const char *why)
{
    if (mqtt->told && mqtt->up == up && (up || strcmp(mqtt->told_why, why) == 0))
        return;
    mqtt->told = true;
    mqtt->up = up;
    text_copy(mqtt->told_why, sizeof mqtt->told_why, why);
    if (!mqtt->closing)
        mqtt->listener->connected(mqtt->context, up, mqtt->told_why);
}

static void tell_dropped(struct mqtt *mqtt)
{
    size_t dropped = outbox_take_dropped(&mqtt->outbox);
    if (dropped > 0)
        log_warning(
            "mqtt: %zu messages were dropped, the oldest first: more than %d waited for the broker",
            dropped, OUTBOX_MAX);
}

/* ---- sending ---- */

static struct flight *flight_find(struct mqtt *mqtt, int id)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        if (mqtt->flights[i].id == id)
            return &mqtt->flights[i];
    return NULL;
}

/* False, and the connection given up, when libmosquitto does not take it. */
static bool client_took(struct mqtt *mqtt, int rc)
{
    if (rc == MOSQ_ERR_SUCCESS)
        return true;
    because(mqtt, "the connection broke: %s", rc_text(rc, errno));
    break_off(mqtt);
    return false;
}

/* The message is done with: the broker took it, or never will. */
static void flight_land(struct mqtt *mqtt, struct flight *flight)
{
    if (flight->entry != NULL)
        retained_acknowledged(mqtt->retained, flight->entry);
    else
        outbox_acknowledged(&mqtt->outbox, flight->message);
    *flight = (struct flight){0};
}

static void complain_refused(struct mqtt *mqtt, const struct flight *flight, const char *why)
{
    if (may_complain(mqtt))
        log_warning("mqtt: what is published to %s is refused: %s; user %s",
                    flight->entry != NULL ? flight->entry->topic : outbox_topic(flight->message),
                    why, user_name(mqtt));
}

/* The message itself cannot be sent on this connection, and trying again would change nothing. */
static bool is_message_fault(int rc)
{
    return rc == MOSQ_ERR_OVERSIZE_PACKET || rc == MOSQ_ERR_PAYLOAD_SIZE || rc == MOSQ_ERR_INVAL ||
           rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_QOS_NOT_SUPPORTED;
}

/* Hands a message over; its place in flight is filled in. False when nothing more can be sent. */
static bool send_flight(struct mqtt *mqtt, struct flight *flight, const char *topic,
                        const char *payload, size_t length, bool retain,
                        const mosquitto_property *properties)
{
    int id = 0;
    int rc =
        mosquitto_publish_v5(mqtt->client, &id, topic, (int)length, payload, 1, retain, properties);
    if (is_message_fault(rc)) {
        complain_refused(mqtt, flight, mosquitto_strerror(rc));
        flight_land(mqtt, flight);
        return true;
    }
    flight->id = rc == MOSQ_ERR_SUCCESS ? id : 0;
    return client_took(mqtt, rc);
}

static bool send_message(struct mqtt *mqtt, struct flight *flight, struct outbox_message *message)
{
    mosquitto_property *properties = NULL;
    if (message->correlation_length > 0 && !mqtt->v311)
        mosquitto_property_add_binary(&properties, MQTT_PROP_CORRELATION_DATA,
                                      outbox_correlation(message),
                                      (uint16_t)message->correlation_length);
    flight->message = message;
    bool sent = send_flight(mqtt, flight, outbox_topic(message), outbox_payload(message),
                            message->length, false, properties);
    mosquitto_property_free_all(&properties);
    return sent;
}

static bool send_retained(struct mqtt *mqtt, struct flight *flight, struct retained_entry *entry)
{
    flight->entry = entry;
    return send_flight(mqtt, flight, entry->topic, entry->payload, entry->length, true, NULL);
}

/* The birth message comes last: who sees it finds everything else in place. */
static void give_birth(struct mqtt *mqtt)
{
    if (mqtt->born || mqtt->phase != PHASE_RUNNING || retained_pending(mqtt->retained) > 0)
        return;
    const char *birth = mqtt->options.birth_payload;
    mqtt->born = retained_set(mqtt->retained, mqtt->options.will_topic, birth, strlen(birth)) == 0;
}

static bool send_next(struct mqtt *mqtt, struct flight *flight)
{
    *flight = (struct flight){0};
    struct outbox_message *message = outbox_next(&mqtt->outbox);
    if (message != NULL)
        return send_message(mqtt, flight, message);
    if (mqtt->phase != PHASE_RUNNING)
        return false;
    give_birth(mqtt);
    struct retained_entry *entry = retained_next(mqtt->retained);
    return entry != NULL && send_retained(mqtt, flight, entry);
}

/* Hands over as much as may be on its way at once. */
static void pump(struct mqtt *mqtt)
{
    struct flight *flight;
    while (is_up(mqtt) && (flight = flight_find(mqtt, 0)) != NULL)
        if (!send_next(mqtt, flight))
            break;
}

static void send_echo(struct mqtt *mqtt)
{
    char payload[ECHO_SIZE];
    mqtt->echo_number++;
    mqtt->echo_pending = true;
    mqtt->echo_at = now_boot(mqtt);
    snprintf(payload, sizeof payload, "%" PRIu64, mqtt->echo_number);
    client_took(mqtt, mosquitto_publish(mqtt->client, NULL, mqtt->options.echo_topic,
                                        (int)strlen(payload), payload, 0, false));
}

static void on_publish(struct mosquitto *client, void *userdata, int id, int reason,
                       const mosquitto_property *properties)
{
    struct mqtt *mqtt = userdata;
    struct flight *flight = id != 0 ? flight_find(mqtt, id) : NULL;
    (void)client;
    (void)properties;
    if (flight == NULL)
        return;
    if (reason >= MQTT_RC_UNSPECIFIED)
        complain_refused(mqtt, flight, mosquitto_reason_string(reason));
    flight_land(mqtt, flight);
    pump(mqtt);
}

/* ---- subscribing ---- */

enum {
    OPTIONS_LISTEN = MQTT_SUB_OPT_NO_LOCAL | MQTT_SUB_OPT_RETAIN_AS_PUBLISHED,
    OPTIONS_READ = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED,
    OPTIONS_WATCH = OPTIONS_LISTEN | MQTT_SUB_OPT_SEND_RETAIN_NEVER,
};

/* libmosquitto wants them so, and changes nothing. */
static char *const *mutable_list(const char *const *filters)
{
    return (char *const *)(const void *)filters;
}

/* ret_id may be NULL when nobody waits for the answer. */
static void subscribe(struct mqtt *mqtt, int *ret_id, const char *const *filters, size_t n, int qos,
                      int options)
{
    if (n == 0)
        return;
    client_took(mqtt,
                mosquitto_subscribe_multiple(mqtt->client, ret_id, (int)n, mutable_list(filters),
                                             qos, mqtt->v311 ? 0 : options, NULL));
}

static void subscribe_awaited(struct mqtt *mqtt, const char *const *filters, size_t n, int qos,
                              int options)
{
    int *id = &mqtt->pending_subscriptions[mqtt->n_pending_subscriptions];
    if (n == 0)
        return;
    mqtt->n_pending_subscriptions++;
    subscribe(mqtt, id, filters, n, qos, options);
}

/*
 * What the broker holds of our own retained messages is read with QoS 0, so that it comes in one go
 * and before the echo; the echo itself must come back, so it is subscribed to without no-local.
 */
static void subscribe_all(struct mqtt *mqtt)
{
    const char *echo[] = {mqtt->options.echo_topic};
    mqtt->phase = PHASE_SUBSCRIBING;
    mqtt->n_pending_subscriptions = 0;
    subscribe_awaited(mqtt, mqtt->options.subscriptions, mqtt->options.n_subscriptions, 1,
                      OPTIONS_LISTEN);
    subscribe_awaited(mqtt, echo, 1, 0, OPTIONS_READ);
    subscribe_awaited(mqtt, mqtt->options.retained_filters, mqtt->options.n_retained_filters, 0,
                      OPTIONS_READ);
}

/*
 * The broker's replay is complete. From here on the same filters show who else publishes
 * there; 3.1.1 cannot tell others from ourselves, so there they go.
 */
static void end_reading(struct mqtt *mqtt)
{
    size_t n = mqtt->options.n_retained_filters;
    if (!mqtt->v311)
        subscribe(mqtt, NULL, mqtt->options.retained_filters, n, 0, OPTIONS_WATCH);
    else if (n > 0)
        client_took(mqtt, mosquitto_unsubscribe_multiple(
                              mqtt->client, NULL, (int)n,
                              mutable_list(mqtt->options.retained_filters), NULL));
    retained_resolve(mqtt->retained);
    mqtt->phase = PHASE_RUNNING;
    arm(mqtt, TICK_MS);
    pump(mqtt);
}

static void subscribed(struct mqtt *mqtt)
{
    mqtt->phase = PHASE_READING;
    mqtt->up_at = now_boot(mqtt);
    mqtt->why[0] = '\0';
    tell(mqtt, true, mqtt->v311 ? "connected by MQTT 3.1.1" : "connected by MQTT 5");
    tell_dropped(mqtt);
    send_echo(mqtt);
    arm(mqtt, ANSWER_MS);
    pump(mqtt);
}

static void on_subscribe(struct mosquitto *client, void *userdata, int id, int n,
                         const int *granted, const mosquitto_property *properties)
{
    struct mqtt *mqtt = userdata;
    (void)client;
    (void)properties;
    if (mqtt->phase != PHASE_SUBSCRIBING)
        return;
    for (int i = 0; i < n; i++)
        if (granted[i] >= MQTT_RC_UNSPECIFIED && may_complain(mqtt))
            log_warning("mqtt: the broker refuses a subscription: %s; check the rights of user %s",
                        mosquitto_reason_string(granted[i]), user_name(mqtt));
    for (size_t i = 0; i < mqtt->n_pending_subscriptions; i++)
        if (mqtt->pending_subscriptions[i] == id)
            mqtt->pending_subscriptions[i--] =
                mqtt->pending_subscriptions[--mqtt->n_pending_subscriptions];
    if (mqtt->n_pending_subscriptions == 0)
        subscribed(mqtt);
}

/* ---- receiving ---- */

static bool is_echo(const struct mqtt *mqtt, const struct mosquitto_message *message)
{
    return strcmp(message->topic, mqtt->options.echo_topic) == 0;
}

static void take_echo(struct mqtt *mqtt, const struct mosquitto_message *message)
{
    char expected[ECHO_SIZE];
    int length = snprintf(expected, sizeof expected, "%" PRIu64, mqtt->echo_number);
    if (message->retain || message->payloadlen != length ||
        memcmp(message->payload, expected, (size_t)length) != 0)
        return;
    mqtt->echo_pending = false;
    if (mqtt->phase == PHASE_READING)
        end_reading(mqtt);
}

static bool is_own_retained(const struct mqtt *mqtt, const char *topic)
{
    bool matches = false;
    for (size_t i = 0; i < mqtt->options.n_retained_filters && !matches; i++)
        mosquitto_topic_matches_sub(mqtt->options.retained_filters[i], topic, &matches);
    return matches;
}

static void take_retained(struct mqtt *mqtt, const struct mosquitto_message *message)
{
    bool reading = mqtt->phase < PHASE_RUNNING;
    if (!message->retain || (!mqtt->born && strcmp(message->topic, mqtt->options.will_topic) == 0))
        return;
    switch (retained_see(mqtt->retained, message->topic, message->payload,
                         (size_t)message->payloadlen, now_boot(mqtt))) {
    case RETAINED_AS_WANTED:
    case RETAINED_DIFFERENT:
        break;
    case RETAINED_OVERWRITTEN:
        log_warning("mqtt: someone else published to %s, which only this program may; corrected",
                    message->topic);
        break;
    case RETAINED_STRANGER:
        if (!reading && may_complain(mqtt))
            log_warning(
                "mqtt: someone else published to %s, which stands for nothing here; cleared",
                message->topic);
        break;
    }
    pump(mqtt);
}

/* In 3.1.1 the clearing of a retained command comes back like a new, empty one. */
static bool is_own_clearing(const struct mqtt *mqtt, const struct mosquitto_message *message)
{
    return mqtt->v311 && message->payloadlen == 0 && retained_has(mqtt->retained, message->topic);
}

static void hand_over(struct mqtt *mqtt, const struct mosquitto_message *message,
                      const mosquitto_property *properties)
{
    char *response_topic = NULL;
    void *correlation = NULL;
    uint16_t correlation_length = 0;
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
    mqtt->listener->message(mqtt->context, &out);
    free(response_topic);
    free(correlation);
}

static void on_message(struct mosquitto *client, void *userdata,
                       const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    struct mqtt *mqtt = userdata;
    (void)client;
    mqtt->heard_at = now_boot(mqtt);
    if (is_echo(mqtt, message))
        take_echo(mqtt, message);
    else if (is_own_retained(mqtt, message->topic))
        take_retained(mqtt, message);
    else if (!mqtt->closing && !is_own_clearing(mqtt, message))
        hand_over(mqtt, message, properties);
}

/* ---- connecting ---- */

static void on_connect(struct mosquitto *client, void *userdata, int reason, int flags,
                       const mosquitto_property *properties)
{
    struct mqtt *mqtt = userdata;
    (void)client;
    (void)flags;
    (void)properties;
    if (mqtt->phase != PHASE_CONNECTING)
        return;
    if (reason == 0) {
        subscribe_all(mqtt);
        return;
    }
    mqtt->retry_v311 = !mqtt->v311 && reason == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
    because(mqtt, "the broker at %s refuses the connection: %s", broker_name(mqtt),
            mqtt->v311 ? mosquitto_connack_string(reason) : mosquitto_reason_string(reason));
    break_off(mqtt);
}

static void on_disconnect(struct mosquitto *client, void *userdata, int reason,
                          const mosquitto_property *properties)
{
    struct mqtt *mqtt = userdata;
    (void)client;
    (void)properties;
    if (reason >= MQTT_RC_UNSPECIFIED)
        because(mqtt, "the broker ended the connection: %s", mosquitto_reason_string(reason));
}

static int client_set_tls(struct mqtt *mqtt)
{
    const char *ca = mqtt->options.ca;
    if (!mqtt->options.tls)
        return MOSQ_ERR_SUCCESS;
    int rc = ca != NULL ? mosquitto_tls_set(mqtt->client, ca, NULL, NULL, NULL, NULL)
                        : mosquitto_int_option(mqtt->client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    if (rc != MOSQ_ERR_SUCCESS)
        because(mqtt, "the certificate authority's file %s cannot be used: %s",
                ca ? ca : "of the system", mosquitto_strerror(rc));
    return rc;
}

static int client_configure(struct mqtt *mqtt)
{
    const struct mqtt_options *options = &mqtt->options;
    int version = mqtt->v311 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    mosquitto_int_option(mqtt->client, MOSQ_OPT_PROTOCOL_VERSION, version);
    mosquitto_int_option(mqtt->client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_v5_callback_set(mqtt->client, on_connect);
    mosquitto_disconnect_v5_callback_set(mqtt->client, on_disconnect);
    mosquitto_subscribe_v5_callback_set(mqtt->client, on_subscribe);
    mosquitto_publish_v5_callback_set(mqtt->client, on_publish);
    mosquitto_message_v5_callback_set(mqtt->client, on_message);
    int rc = mosquitto_will_set(mqtt->client, options->will_topic,
                                (int)strlen(options->will_payload), options->will_payload, 1, true);
    if (rc == MOSQ_ERR_SUCCESS && options->username != NULL)
        rc = mosquitto_username_pw_set(mqtt->client, options->username, options->password);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = client_set_tls(mqtt);
    return rc;
}

static void drop_client(struct mqtt *mqtt)
{
    mqtt->io = sd_event_source_disable_unref(mqtt->io);
    mosquitto_destroy(mqtt->client);
    mqtt->client = NULL;
    memset(mqtt->flights, 0, sizeof mqtt->flights);
    outbox_unsent(&mqtt->outbox);
    retained_unsure(mqtt->retained);
    retained_forget(mqtt->retained, mqtt->options.will_topic);
    mqtt->born = false;
    mqtt->echo_pending = false;
}

static void drop_attempt(struct mqtt *mqtt)
{
    offload_drop(mqtt->attempt);
    mqtt->attempt = NULL;
}

/* Ends whatever there is of a connection and plans the next attempt. Never from inside
 * libmosquitto. */
static void lose(struct mqtt *mqtt)
{
    bool older = mqtt->retry_v311;
    bool at_once = older || mqtt->again;
    char why[WHY_SIZE];
    if (mqtt->up && now_boot(mqtt) - mqtt->up_at >= STABLE_MS)
        backoff_reset(&mqtt->backoff);
    drop_attempt(mqtt);
    drop_client(mqtt);
    because(mqtt, "the connection to %s broke", broker_name(mqtt));
    text_copy(why, sizeof why, mqtt->why);
    mqtt->why[0] = '\0';
    mqtt->broken = mqtt->again = false;
    mqtt->phase = PHASE_WAITING;
    arm(mqtt, at_once ? 0 : backoff_next(&mqtt->backoff, now_boot(mqtt), random_bits()));
    if (!older)
        tell(mqtt, false, why);
}

/* Which events the socket is watched for; TCP's own connect, and TLS behind it, begin with
 * "writable". */
static void watch(struct mqtt *mqtt)
{
    uint32_t events = EPOLLIN;
    if (mqtt->phase == PHASE_CONNECTING && mqtt->heard_at == 0)
        events |= EPOLLOUT;
    if (mosquitto_want_write(mqtt->client))
        events |= EPOLLOUT;
    sd_event_source_set_io_events(mqtt->io, events);
}

static void after_io(struct mqtt *mqtt, int rc)
{
    if (rc != MOSQ_ERR_SUCCESS)
        because(mqtt, "the connection to %s broke: %s", broker_name(mqtt), rc_text(rc, errno));
    if (rc != MOSQ_ERR_SUCCESS || mqtt->broken || mosquitto_socket(mqtt->client) < 0)
        lose(mqtt);
    else
        watch(mqtt);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct mqtt *mqtt = userdata;
    bool first = mqtt->phase == PHASE_CONNECTING && mqtt->heard_at == 0;
    int rc = MOSQ_ERR_SUCCESS;
    (void)source;
    (void)fd;
    mqtt->heard_at = now_boot(mqtt);
    errno = 0;
    if (first || (revents & ~(uint32_t)EPOLLOUT) != 0)
        rc = mosquitto_loop_read(mqtt->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && !mqtt->broken && mosquitto_want_write(mqtt->client))
        rc = mosquitto_loop_write(mqtt->client, 1);
    after_io(mqtt, rc);
    return 0;
}

/* libmosquitto has a socket; what follows comes from the loop. */
static void connection_started(struct mqtt *mqtt, int rc, int error)
{
    int fd = rc == MOSQ_ERR_SUCCESS ? mosquitto_socket(mqtt->client) : -1;
    mqtt->phase = PHASE_CONNECTING;
    mqtt->heard_at = 0;
    if (fd < 0 || sd_event_add_io(mqtt->loop, &mqtt->io, fd, EPOLLIN | EPOLLOUT, on_io, mqtt) < 0) {
        because(mqtt, "no connection to %s: %s", broker_name(mqtt), rc_text(rc, error));
        break_off(mqtt);
        return;
    }
    arm(mqtt, ANSWER_MS);
}

/* A host that has several addresses is tried at each in turn. With TLS the name itself must be
 * given to libmosquitto, which verifies the certificate against it, and takes the first address. */
static bool attempt_pick_address(const struct attempt *attempt, char *out, size_t size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found, *pick;
    unsigned n = 0;
    if (getaddrinfo(attempt->host, NULL, &hints, &found) != 0)
        return false;
    for (pick = found; pick != NULL; pick = pick->ai_next)
        n++;
    pick = found;
    for (unsigned i = attempt->turn % n; i > 0; i--)
        pick = pick->ai_next;
    bool named = getnameinfo(pick->ai_addr, pick->ai_addrlen, out, (socklen_t)size, NULL, 0,
                             NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return named;
}

static void attempt_free(struct attempt *attempt)
{
    mosquitto_destroy(attempt->client);
    free(attempt->host);
    free(attempt);
}

static void attempt_run(void *data)
{
    struct attempt *attempt = data;
    char address[NI_MAXHOST];
    const char *host = attempt->host;
    attempt->rc = MOSQ_ERR_EAI;
    if (!attempt->tls)
        host = attempt_pick_address(attempt, address, sizeof address) ? address : NULL;
    if (host != NULL)
        attempt->rc = mosquitto_connect_async(attempt->client, host, attempt->port, KEEPALIVE_S);
    attempt->error = errno;
}

static void attempt_done(void *context, void *data)
{
    struct mqtt *mqtt = context;
    struct attempt *attempt = data;
    mqtt->attempt = NULL;
    mqtt->client = attempt->client;
    attempt->client = NULL;
    connection_started(mqtt, attempt->rc, attempt->error);
    attempt_free(attempt);
}

static void attempt_drop(void *data)
{
    attempt_free(data);
}

static const struct offload_task attempt_task = {attempt_run, attempt_done, attempt_drop};

/* Hands the client to a thread until attempt_done takes it back. */
static int attempt_start(struct mqtt *mqtt)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL)
        return -ENOMEM;
    attempt->host = strdup(mqtt->options.host);
    attempt->port = mqtt->options.port;
    attempt->tls = mqtt->options.tls;
    attempt->turn = mqtt->turn++;
    attempt->client = mqtt->client;
    int error = attempt->host == NULL
                    ? -ENOMEM
                    : offload_start(mqtt->loop, &attempt_task, attempt, mqtt, &mqtt->attempt);
    if (error < 0) {
        attempt->client = NULL;
        attempt_free(attempt);
        return error;
    }
    mqtt->client = NULL;
    mqtt->phase = PHASE_RESOLVING;
    return 0;
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static int client_create(struct mqtt *mqtt)
{
    mqtt->client = mosquitto_new(mqtt->options.client_id, true, mqtt);
    return mqtt->client == NULL ? MOSQ_ERR_NOMEM : client_configure(mqtt);
}

static void connect_start(struct mqtt *mqtt)
{
    const struct mqtt_options *options = &mqtt->options;
    mqtt->v311 = mqtt->retry_v311;
    mqtt->retry_v311 = false;
    mqtt->suspended_us = suspended_us(mqtt);
    int rc = client_create(mqtt);
    if (rc == MOSQ_ERR_SUCCESS && options->host != NULL && !is_numeric(options->host)) {
        int error = attempt_start(mqtt);
        if (error == 0)
            return;
        rc = MOSQ_ERR_ERRNO;
        errno = -error;
    } else if (rc == MOSQ_ERR_SUCCESS) {
        /* Port 0 means a unix socket. */
        rc = mosquitto_connect_async(mqtt->client, broker_name(mqtt),
                                     options->host != NULL ? options->port : 0, KEEPALIVE_S);
    }
    connection_started(mqtt, rc, errno);
}

/* ---- time ---- */

static bool echo_is_late(struct mqtt *mqtt, int64_t now)
{
    return mqtt->echo_pending && now - mqtt->echo_at >= ANSWER_MS;
}

static void echo_missing(struct mqtt *mqtt)
{
    because(mqtt,
            "the broker does not give back what is published to %s: check the rights of user %s, "
            "and the network",
            mqtt->options.echo_topic, user_name(mqtt));
    lose(mqtt);
}

/* While a broker with very much to replay is still sending, it is alive. */
static void reading_late(struct mqtt *mqtt, int64_t now)
{
    if (now - mqtt->heard_at < ANSWER_MS && now - mqtt->echo_at < REPLAY_MOST_MS)
        arm(mqtt, ANSWER_MS);
    else
        echo_missing(mqtt);
}

static bool was_suspended(struct mqtt *mqtt)
{
    return suspended_us(mqtt) - mqtt->suspended_us > JUMP_US;
}

static void running_tick(struct mqtt *mqtt, int64_t now)
{
    if (was_suspended(mqtt)) {
        mqtt_reconnect(mqtt, "this machine was suspended");
        return;
    }
    if (echo_is_late(mqtt, now)) {
        echo_missing(mqtt);
        return;
    }
    if (!mqtt->echo_pending && now - mqtt->echo_at >= ECHO_EVERY_MS)
        send_echo(mqtt);
    arm(mqtt, mqtt->echo_pending ? ANSWER_MS : TICK_MS);
    tell_dropped(mqtt);
    retained_correct(mqtt->retained, now);
    pump(mqtt);
    after_io(mqtt, mosquitto_loop_misc(mqtt->client));
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
    struct mqtt *mqtt = userdata;
    int64_t now = now_boot(mqtt);
    (void)source;
    (void)us;
    if (mqtt->broken) {
        lose(mqtt);
        return 0;
    }
    switch (mqtt->phase) {
    case PHASE_WAITING:
        connect_start(mqtt);
        break;
    case PHASE_RESOLVING:
        break;
    case PHASE_CONNECTING:
    case PHASE_SUBSCRIBING:
        because(mqtt, "the broker at %s does not answer within %d s", broker_name(mqtt),
                ANSWER_MS / 1000);
        lose(mqtt);
        break;
    case PHASE_READING:
        reading_late(mqtt, now);
        break;
    case PHASE_RUNNING:
        running_tick(mqtt, now);
        break;
    }
    return 0;
}

/* ---- the port ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_start(void)
{
    mosquitto_lib_init();
}

static void mqtt_free(struct mqtt *mqtt)
{
    sd_event_source_disable_unref(mqtt->timer);
    retained_destroy(mqtt->retained);
    outbox_finish(&mqtt->outbox);
    mqtt_options_finish(&mqtt->options);
    sd_event_unref(mqtt->loop);
    free(mqtt);
}

int mqtt_create(sd_event *loop, const struct mqtt_options *options,
                const struct mqtt_listener *listener, void *context, struct mqtt **ret_mqtt)
{
    if (!mqtt_options_are_valid(options))
        return -EINVAL;
    pthread_once(&library_once, library_start);
    struct mqtt *mqtt = calloc(1, sizeof *mqtt);
    if (mqtt == NULL)
        return -ENOMEM;
    mqtt->loop = sd_event_ref(loop);
    mqtt->listener = listener;
    mqtt->context = context;
    mqtt->echo_number = (uint64_t)random_bits() << 32;
    int error = mqtt_options_copy(options, &mqtt->options);
    if (error == 0)
        error = retained_create(&mqtt->retained);
    if (error == 0)
        error = sd_event_add_time(loop, &mqtt->timer, CLOCK_BOOTTIME,
                                  (uint64_t)(clock_now().boot + SETTLE_MS) * 1000, ACCURACY_US,
                                  on_timer, mqtt);
    if (error < 0) {
        mqtt_free(mqtt);
        return error;
    }
    *ret_mqtt = mqtt;
    return 0;
}

static bool has_work(const struct mqtt *mqtt)
{
    bool flying = false;
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        flying = flying || mqtt->flights[i].id != 0;
    return flying || retained_pending(mqtt->retained) > 0 || mqtt->outbox.first != NULL;
}

/* One wait for the socket, one turn of libmosquitto. False when the connection or the time is over.
 */
static bool drain_turn(struct mqtt *mqtt, int64_t deadline)
{
    int64_t left = deadline - clock_now().boot;
    struct pollfd wait = {.fd = mosquitto_socket(mqtt->client), .events = POLLIN};
    if (wait.fd < 0 || mqtt->broken || left <= 0)
        return false;
    if (mosquitto_want_write(mqtt->client))
        wait.events |= POLLOUT;
    if (poll(&wait, 1, (int)(left < 1000 ? left : 1000)) < 0 && errno != EINTR)
        return false;
    int rc = MOSQ_ERR_SUCCESS;
    if ((wait.revents & ~POLLOUT) != 0)
        rc = mosquitto_loop_read(mqtt->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && (wait.revents & POLLOUT) != 0)
        rc = mosquitto_loop_write(mqtt->client, 1);
    return rc == MOSQ_ERR_SUCCESS;
}

/* What is on the broker is put in order, then DISCONNECT; the broker closes when it has read that.
 */
static void say_goodbye(struct mqtt *mqtt, int64_t limit_ms)
{
    int64_t deadline = clock_now().boot + limit_ms;
    const char *will = mqtt->options.will_payload;
    retained_set(mqtt->retained, mqtt->options.will_topic, will, strlen(will));
    mqtt->born = true;
    pump(mqtt);
    while (has_work(mqtt))
        if (!drain_turn(mqtt, deadline))
            return;
    mosquitto_disconnect_v5(mqtt->client, 0, NULL);
    while (drain_turn(mqtt, deadline))
        continue;
}

void mqtt_destroy(struct mqtt *mqtt, int64_t limit_ms)
{
    if (mqtt == NULL)
        return;
    mqtt->closing = true;
    /* Where the goodbye cannot be said in order, the connection just ends and the broker publishes
     * the will. */
    if (mqtt->phase == PHASE_RUNNING && !mqtt->broken)
        say_goodbye(mqtt, limit_ms);
    drop_attempt(mqtt);
    drop_client(mqtt);
    mqtt_free(mqtt);
}

bool mqtt_is_connected(const struct mqtt *mqtt)
{
    return is_up(mqtt);
}

const char *mqtt_protocol(const struct mqtt *mqtt)
{
    return !is_up(mqtt) ? NULL : mqtt->v311 ? "3.1.1" : "5";
}

void mqtt_reconnect(struct mqtt *mqtt, const char *why)
{
    if (mqtt->phase == PHASE_RESOLVING)
        return;
    because(mqtt, "%s", why);
    backoff_reset(&mqtt->backoff);
    if (mqtt->phase != PHASE_WAITING)
        mqtt->broken = mqtt->again = true;
    arm(mqtt, 0);
}

/* A publish outside of libmosquitto's callbacks may leave bytes that the socket did not take. */
static void pump_and_watch(struct mqtt *mqtt)
{
    pump(mqtt);
    if (mqtt->io != NULL && mosquitto_socket(mqtt->client) >= 0)
        watch(mqtt);
}

int mqtt_retain(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    if (length > PAYLOAD_MOST)
        return -EMSGSIZE;
    int error = retained_set(mqtt->retained, topic, payload, length);
    if (error == 0)
        pump_and_watch(mqtt);
    return error;
}

int mqtt_publish(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    return mqtt_respond(mqtt, topic, NULL, 0, payload, length);
}

int mqtt_respond(struct mqtt *mqtt, const char *topic, const void *correlation,
                 size_t correlation_length, const char *payload, size_t length)
{
    if (mosquitto_pub_topic_check(topic) != MOSQ_ERR_SUCCESS || topic[0] == '\0')
        return -EINVAL;
    if (correlation_length > UINT16_MAX)
        return -EMSGSIZE;
    int error = outbox_add(&mqtt->outbox, topic, correlation, correlation_length, payload, length);
    if (error == 0)
        pump_and_watch(mqtt);
    return error;
}

int mqtt_clear(struct mqtt *mqtt, const char *topic)
{
    return mqtt_retain(mqtt, topic, NULL, 0);
}
