#include "mqtt/mqtt_hear.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"

enum {
    ECHO_AGAIN_MS = 500,    /* while much is replayed the broker may drop the echo with the rest */
    REPLAY_MOST_MS = 60000, /* reading back what a very large broker holds */
    ECHO_SIZE = 40,
};

/* ---- the echo ---- */

void mqtt_hear_echo(struct mqtt *mqtt)
{
    char payload[ECHO_SIZE];
    const char *refusal = NULL;
    mqtt->echo_number++;
    mqtt->echo_at = mqtt_session_now(mqtt);
    if (!mqtt->echo_pending) {
        mqtt->echo_since = mqtt->echo_at;
        mqtt->echo_first = mqtt->echo_number;
    }
    mqtt->echo_pending = true;
    int length = snprintf(payload, sizeof(payload), "%" PRIu64, mqtt->echo_number);
    struct mqtt_parcel parcel = {
        .topic = mqtt->options.echo_topic, .payload = payload, .length = (size_t)length};
    /* One that is not sent is missed like one that does not come back. */
    mqtt_link_publish(mqtt->link, &parcel, NULL, &refusal);
}

/* ---- subscribing ---- */

static void subscribe(struct mqtt *mqtt, const char *const *filters, size_t n, int qos,
                      enum mqtt_link_reading reading)
{
    int *id = &mqtt->pending_subscriptions[mqtt->n_pending_subscriptions];
    if (n == 0)
        return;
    mqtt->n_pending_subscriptions++;
    mqtt_link_subscribe(mqtt->link, filters, n, qos, reading, id);
}

/*
 * What the broker holds of our own retained messages is read with QoS 0, so that it comes in one go
 * and before the echo; the echo itself must come back, so it is subscribed to without no-local.
 */
void mqtt_hear_accepted(void *context)
{
    struct mqtt *mqtt = context;
    const struct mqtt_options *options = &mqtt->options;
    mqtt->phase = PHASE_SUBSCRIBING;
    if (!mqtt->v311) {
        mqtt->doubts = 0;
        mqtt->knew_v5 = true;
    }
    mqtt->n_pending_subscriptions = 0;
    subscribe(mqtt, options->subscriptions, options->n_subscriptions, 1, MQTT_LINK_OTHERS);
    subscribe(mqtt, (const char *const[]){options->echo_topic}, options->echo_topic ? 1 : 0, 0,
              MQTT_LINK_ALL);
    subscribe(mqtt, options->retained_filters, options->n_retained_filters, 0, MQTT_LINK_ALL);
}

/* There may be much of it, and its end is told by another echo. */
void mqtt_hear_browse(struct mqtt *mqtt)
{
    mqtt->browsing = true;
    mqtt->echo_since = mqtt_session_now(mqtt);
    mqtt_session_arm(mqtt, MQTT_ANSWER_MS);
    mqtt_link_subscribe(mqtt->link, mqtt->options.browsed_filters, mqtt->options.n_browsed_filters,
                        0, MQTT_LINK_OTHERS, &mqtt->browsing_id);
}

static void end_browsing(struct mqtt *mqtt)
{
    mqtt->browsing = false;
    mqtt->browsed = true;
    mqtt->listener->browsed(mqtt->context);
    mqtt_session_pump(mqtt);
}

static void on_browsing(struct mqtt *mqtt)
{
    if (!mqtt->options.echo_topic) {
        end_browsing(mqtt);
        return;
    }
    mqtt_hear_echo(mqtt);
    mqtt_session_arm(mqtt, ECHO_AGAIN_MS);
}

/*
 * The broker's replay is complete. From here on the same filters show who else publishes there;
 * 3.1.1 cannot tell others from ourselves, so there they go. Mosquitto 2.0.11 keeps the options of
 * a subscription that is only renewed: hence the end of the old one first.
 */
static void end_reading(struct mqtt *mqtt)
{
    const char *const *filters = mqtt->options.retained_filters;
    size_t n = mqtt->options.n_retained_filters;
    if (n > 0)
        mqtt_link_unsubscribe(mqtt->link, filters, n);
    if (n > 0 && !mqtt->v311)
        mqtt_link_subscribe(mqtt->link, filters, n, 0, MQTT_LINK_OTHERS_ONLY, NULL);
    retained_resolve(mqtt->sender.retained);
    mqtt->phase = PHASE_RUNNING;
    mqtt_session_arm(mqtt, MQTT_TICK_MS);
    mqtt_session_pump(mqtt);
}

static void subscribed(struct mqtt *mqtt)
{
    mqtt->phase = PHASE_READING;
    mqtt->up_at = mqtt_session_now(mqtt);
    mqtt->why[0] = '\0';
    mqtt_session_tell(mqtt, true, mqtt->v311 ? "connected by MQTT 3.1.1" : "connected by MQTT 5");
    mqtt_sender_tell_dropped(&mqtt->sender);
    if (!mqtt->options.echo_topic) {
        end_reading(mqtt);
        return;
    }
    mqtt_hear_echo(mqtt);
    mqtt_session_arm(mqtt, ECHO_AGAIN_MS);
}

void mqtt_hear_subscribed(void *context, int id, const char *refusal)
{
    struct mqtt *mqtt = context;
    int *pending = mqtt->pending_subscriptions;
    const bool browsing = mqtt->browsing && id == mqtt->browsing_id;
    if ((mqtt->phase != PHASE_SUBSCRIBING && !browsing) || mqtt->broken)
        return;
    if (refusal && mqtt_session_may_complain(mqtt))
        log_warning("mqtt: the broker refuses a subscription: %s; check the rights of user %s",
                    refusal, mqtt_session_user(mqtt));
    if (browsing) {
        on_browsing(mqtt);
        return;
    }
    for (size_t i = 0; i < mqtt->n_pending_subscriptions; i++)
        if (pending[i] == id)
            pending[i--] = pending[--mqtt->n_pending_subscriptions];
    if (mqtt->n_pending_subscriptions == 0)
        subscribed(mqtt);
}

/* ---- receiving ---- */

/* One of those that are waited for: with the first that comes back everything before it has come.
 */
static bool is_awaited(const struct mqtt *mqtt, const struct mqtt_message *message)
{
    char text[ECHO_SIZE] = "";
    int64_t number = 0;
    if (message->retained || message->length >= sizeof(text))
        return false;
    memcpy(text, message->payload, message->length);
    return number_parse(text, (int64_t)mqtt->echo_first, (int64_t)mqtt->echo_number, &number) == 0;
}

static void take_echo(struct mqtt *mqtt, const struct mqtt_message *message)
{
    if (!mqtt->echo_pending || !is_awaited(mqtt, message))
        return;
    mqtt->echo_pending = false;
    if (mqtt->phase == PHASE_READING)
        end_reading(mqtt);
    else if (mqtt->browsing)
        end_browsing(mqtt);
}

static bool matches_any(const char *const *filters, size_t n, const char *topic)
{
    bool matches = false;
    for (size_t i = 0; i < n && !matches; i++)
        matches = mqtt_link_topic_matches(filters[i], topic);
    return matches;
}

static void take_retained(struct mqtt *mqtt, const struct mqtt_message *message)
{
    bool reading = mqtt->phase < PHASE_RUNNING;
    /* What is not retained is gone with the next look, but until then it misleads whoever heard it.
     */
    bool misleads = !reading && retained_has(mqtt->sender.retained, message->topic);
    if ((!message->retained && !misleads) ||
        (!mqtt->born && strcmp(message->topic, mqtt->options.will_topic) == 0))
        return;
    switch (retained_see(mqtt->sender.retained, message->topic, message->payload, message->length,
                         mqtt_session_now(mqtt))) {
    case RETAINED_AS_WANTED:
    case RETAINED_DIFFERENT:
        break;
    case RETAINED_OVERWRITTEN:
        log_warning("mqtt: someone else published to %s, which only this program may; corrected",
                    message->topic);
        break;
    case RETAINED_STRANGER:
        if (!reading && mqtt_session_may_complain(mqtt))
            log_warning(
                "mqtt: someone else published to %s, which stands for nothing here; cleared",
                message->topic);
        break;
    }
    mqtt_session_pump(mqtt);
}

/* In 3.1.1 the clearing of a retained command comes back like a new, empty one. */
static bool is_own_clearing(const struct mqtt *mqtt, const struct mqtt_message *message)
{
    return mqtt->v311 && message->length == 0 &&
           retained_has(mqtt->sender.retained, message->topic);
}

static uint64_t hash_of(const char *topic, const void *payload, size_t length)
{
    return hash_add(hash_add(HASH_START, topic, strlen(topic) + 1), payload, length);
}

void mqtt_hear_left(struct mqtt *mqtt, const char *topic, const void *payload, size_t length)
{
    if (!mqtt->v311)
        return;
    mqtt->left[mqtt->next_left] = hash_of(topic, payload, length);
    mqtt->next_left = (mqtt->next_left + 1) % MQTT_LEFT_MAX;
}

/* Others who say the same at that moment mean the same: one of the two is heard. */
static bool take_left(struct mqtt *mqtt, const struct mqtt_message *message)
{
    const uint64_t hash = hash_of(message->topic, message->payload, message->length);

    for (size_t i = 0; i < MQTT_LEFT_MAX && mqtt->v311 && !message->retained; i++)
        if (mqtt->left[i] == hash) {
            mqtt->left[i] = 0;
            return true;
        }
    return false;
}

/* Brokers that know nothing of no-local give back what is sent from here; what they replay is
 * another matter. */
static bool came_back(const struct mqtt *mqtt, const struct mqtt_message *message, bool own)
{
    const struct mqtt_options *options = &mqtt->options;
    if (!own || mqtt->phase != PHASE_RUNNING)
        return false;
    return !mqtt->browsing ||
           !matches_any(options->browsed_filters, options->n_browsed_filters, message->topic);
}

void mqtt_hear_message(void *context, const struct mqtt_message *message, bool own)
{
    struct mqtt *mqtt = context;
    if (came_back(mqtt, message, own))
        return;
    if (text_equal(message->topic, mqtt->options.echo_topic))
        take_echo(mqtt, message);
    else if (matches_any(mqtt->options.retained_filters, mqtt->options.n_retained_filters,
                         message->topic))
        take_retained(mqtt, message);
    else if (!take_left(mqtt, message) && !mqtt->closing && !is_own_clearing(mqtt, message))
        mqtt->listener->message(mqtt->context, message);
}

/* While a broker with very much to replay is still sending, it is alive. */
static bool is_still_replaying(const struct mqtt *mqtt, int64_t now)
{
    return now - mqtt->echo_since < MQTT_ANSWER_MS ||
           (now - mqtt_link_heard(mqtt->link) < MQTT_ANSWER_MS &&
            now - mqtt->echo_since < REPLAY_MOST_MS);
}

void mqtt_hear_replay(struct mqtt *mqtt, int64_t now)
{
    if (!is_still_replaying(mqtt, now)) {
        mqtt_session_echo_missing(mqtt);
        return;
    }
    mqtt_hear_echo(mqtt);
    mqtt_session_arm(mqtt, ECHO_AGAIN_MS);
}
