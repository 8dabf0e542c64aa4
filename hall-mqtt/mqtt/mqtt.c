#include "mqtt/mqtt.h"

#include <errno.h>
#include <stdlib.h>

#include "mqtt/mqtt_hear.h"
#include "mqtt/mqtt_options.h"
#include "mqtt/mqtt_session.h"

enum { PAYLOAD_MOST = 1 << 20 };

static void mqtt_free(struct mqtt *mqtt, int64_t limit_ms)
{
    mqtt_session_finish(mqtt, limit_ms);
    mqtt_options_finish(&mqtt->options);
    sd_event_unref(mqtt->loop);
    free(mqtt);
}

int mqtt_create(sd_event *loop, const struct mqtt_options *options,
                const struct mqtt_listener *listener, void *context, struct mqtt **ret_mqtt)
{
    if (!mqtt_options_are_valid(options))
        return -EINVAL;
    struct mqtt *mqtt = calloc(1, sizeof(*mqtt));
    if (!mqtt)
        return -ENOMEM;
    mqtt->loop = sd_event_ref(loop);
    mqtt->listener = listener;
    mqtt->context = context;
    int error = mqtt_options_copy(options, &mqtt->options);
    if (error == 0)
        error = mqtt_session_init(mqtt);
    if (error < 0) {
        mqtt_free(mqtt, 0);
        return error;
    }
    *ret_mqtt = mqtt;
    return 0;
}

void mqtt_destroy(struct mqtt *mqtt, int64_t limit_ms)
{
    if (mqtt)
        mqtt_free(mqtt, limit_ms);
}

bool mqtt_is_connected(const struct mqtt *mqtt)
{
    return mqtt_session_is_up(mqtt);
}

bool mqtt_is_settled(const struct mqtt *mqtt)
{
    return mqtt_session_is_settled(mqtt);
}

const char *mqtt_protocol(const struct mqtt *mqtt)
{
    return !mqtt_session_is_up(mqtt) ? NULL : mqtt->v311 ? "3.1.1" : "5";
}

void mqtt_reconnect(struct mqtt *mqtt, const char *why)
{
    mqtt_session_renew(mqtt, why);
}

int mqtt_retain(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    if (length > PAYLOAD_MOST)
        return -EMSGSIZE;
    int error = retained_set(mqtt->sender.retained, topic, payload, length);
    if (error == 0)
        mqtt_session_pump(mqtt);
    return error;
}

/* In the outbox, or not: on its way as far as there is room, and what was dropped is told. */
static int added(struct mqtt *mqtt, int error)
{
    if (error == 0)
        mqtt_session_pump(mqtt);
    mqtt_sender_tell_dropped(&mqtt->sender);
    return error;
}

static int add(struct mqtt *mqtt, enum outbox_kind kind, const char *topic, const char *payload,
               size_t length)
{
    if (!mqtt_link_topic_is_valid(topic))
        return -EINVAL;
    return added(mqtt, outbox_add(&mqtt->sender.outbox, kind, topic, NULL, 0, payload, length));
}

int mqtt_publish(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    return add(mqtt, OUTBOX_PASSING, topic, payload, length);
}

int mqtt_deliver(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    return add(mqtt, OUTBOX_AWAITED, topic, payload, length);
}

int mqtt_respond(struct mqtt *mqtt, const char *topic, const void *correlation,
                 size_t correlation_length, const char *payload, size_t length)
{
    if (!mqtt_link_topic_is_valid(topic))
        return -EINVAL;
    if (correlation_length > UINT16_MAX)
        return -EMSGSIZE;
    return added(mqtt, outbox_add(&mqtt->sender.outbox, OUTBOX_AWAITED, topic, correlation,
                                  correlation_length, payload, length));
}

int mqtt_leave(struct mqtt *mqtt, const char *topic, const char *payload, size_t length)
{
    if (!mqtt_link_topic_is_valid(topic))
        return -EINVAL;
    mqtt_hear_left(mqtt, topic, payload, length);
    return added(mqtt, outbox_add_retained(&mqtt->sender.outbox, topic, payload, length));
}

bool mqtt_knows_retained(const struct mqtt *mqtt)
{
    return !mqtt->v311;
}

void mqtt_hurry(struct mqtt *mqtt)
{
    mqtt_session_pump(mqtt);
}

int mqtt_clear(struct mqtt *mqtt, const char *topic)
{
    return mqtt_retain(mqtt, topic, NULL, 0);
}
