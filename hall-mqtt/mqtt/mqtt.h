/*
 * mqtt: one connection to a broker, driven from the caller's sd-event loop; nothing here blocks
 * (names are resolved on a short-lived thread). Reconnects by itself for ever, 1-60 s with jitter;
 * a short outage is over within 2 s. MQTT 5 (3.1.1 where the broker knows no better), clean start,
 * session expiry 0, keepalive 20 s, last will; subscriptions with no-local and retain-as-published.
 * Health is a self-echo: after each connect and once a minute a message to an own topic must come
 * back; where it does not, Hall reconnects.
 *
 * Retained messages are a map: a newer payload for a topic replaces the older, an unchanged one is
 * not sent again, and on each connect those the broker does not hold any more (learned from what it
 * replays) are sent, those below the own filters that are not in the map are cleared. So retain
 * everything before the loop first runs. Other messages wait in an outbox of 16 MiB, also while
 * there is no connection; beyond that the oldest gives way, those that somebody awaits last, which
 * the listener and the log are told. Nothing is returned to the caller as "sent".
 *
 * mqtt_session has the life of the connections, mqtt_sender what is to be sent, mqtt_link alone
 * knows libmosquitto. Loop thread only.
 */
#ifndef HALL_MQTT_MQTT_H
#define HALL_MQTT_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/mqtt_broker.h"

struct mqtt;

/* A retained message that is least in haste. */
struct mqtt_spare {
    const char *topic, *payload; /* borrowed until the next is asked for; an empty payload clears */
    size_t length;
    uint64_t token;
};

struct mqtt_message {
    const char *topic;
    const void *payload; /* not NUL-terminated; may be as large as the broker lets through */
    size_t length;
    bool retained; /* its publisher said "retain", whether replayed or sent just now; 3.1.1:
                      replayed */
    const char *response_topic; /* MQTT 5, or NULL */
    const void *correlation;    /* MQTT 5, or NULL */
    size_t correlation_length;
};

/* Called from the loop. All functions below may be called from inside, but mqtt_destroy. */
struct mqtt_listener {
    void (*message)(void *context, const struct mqtt_message *message);
    /* At each change, and while not connected when the reason becomes another one; mqtt itself logs
     * neither. */
    void (*connected)(void *context, bool connected, const char *why);
    /* The broker took all there was to send; NULL: nobody waits for that. */
    void (*settled)(void *context);
    /* What the broker holds below browsed_filters has been told, as messages; once a connection.
     * From now on spare messages are asked for. */
    void (*browsed)(void *context);
    /* There is room for a spare message, behind everything else: the next, or false. Some few are
     * on their way at once; mqtt_hurry says that there is one again. NULL: there are none. */
    bool (*spare)(void *context, struct mqtt_spare *ret_spare);
    /* So many messages gave way, or found no room; awaited: answers or commands. NULL: nobody
     * counts them. */
    void (*dropped)(void *context, size_t n, bool awaited);
    /* The broker took it, or refused it. Not told of those that a lost connection took along. */
    void (*spare_taken)(void *context, uint64_t token, bool taken);
};

struct mqtt_options {
    struct mqtt_broker broker;
    const char *client_id;
    const char *password;   /* or NULL */
    const char *will_topic; /* retained, QoS 1 */
    const char *will_payload;
    const char *birth_payload; /* published retained on will_topic once connected, subscribed and up
                                  to date */
    const char *echo_topic;    /* below the own base, for the self-echo; matched by no other filter
                                  here.    NULL: no topic may be both written and read, health is the
                                  broker's answer    to pings; then without retained_filters */
    const char *const *subscriptions;
    size_t n_subscriptions;
    const char *const *retained_filters; /* own retained topics, read back after a connect to learn
                                            what the broker still has */
    size_t n_retained_filters;
    const char *const *browsed_filters; /* read once what the broker holds there (QoS 0) and what
                                           others publish; not ours alone: the listener judges */
    size_t n_browsed_filters;
};

/* Copies the options; the first attempt to connect is made by the loop, 20 ms from now. -EINVAL,
 * -ENOMEM, -errno of sd-event. */
int mqtt_create(sd_event *loop, const struct mqtt_options *options,
                const struct mqtt_listener *listener, void *context, struct mqtt **ret_mqtt);
/* Publishes will_payload, disconnects in good order (waiting at most limit_ms), frees. */
void mqtt_destroy(struct mqtt *mqtt, int64_t limit_ms);

bool mqtt_is_connected(const struct mqtt *mqtt);
/* Connected, and the broker took all there was to send. */
bool mqtt_is_settled(const struct mqtt *mqtt);
const char *mqtt_protocol(const struct mqtt *mqtt); /* "5" or "3.1.1"; NULL while not connected */

/* Drops the connection and makes it anew at once: for whoever knows it is stale, as after a
 * suspend. */
void mqtt_reconnect(struct mqtt *mqtt, const char *why);

/* Keeps this retained on the broker, QoS 1. An empty payload clears it there. -EMSGSIZE, -ENOMEM.
 */
int mqtt_retain(struct mqtt *mqtt, const char *topic, const char *payload, size_t length);
/* Sends once, QoS 1, not retained; waits in the outbox while not connected. -EINVAL (no topic),
 * -EMSGSIZE, -ENOMEM: counted as dropped. */
int mqtt_publish(struct mqtt *mqtt, const char *topic, const char *payload, size_t length);
/* The same, of what somebody waits for: the last to give way. */
int mqtt_deliver(struct mqtt *mqtt, const char *topic, const char *payload, size_t length);
/* The same to an MQTT 5 response topic with its correlation data. */
int mqtt_respond(struct mqtt *mqtt, const char *topic, const void *correlation,
                 size_t correlation_length, const char *payload, size_t length);
/* Sends once what the broker is to keep on a topic that is not ours: unlike mqtt_retain it is not
 * watched over afterwards. Errors as mqtt_publish. */
int mqtt_leave(struct mqtt *mqtt, const char *topic, const char *payload, size_t length);
/* Does `retained` of a message that is sent just now say what its publisher said? Not over 3.1.1.
 */
bool mqtt_knows_retained(const struct mqtt *mqtt);
/* A spare message waits. */
void mqtt_hurry(struct mqtt *mqtt);
/* Clears a retained message that is not ours to keep (a retained command). */
int mqtt_clear(struct mqtt *mqtt, const char *topic);

#endif
