#include "bus/mqtt_session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"

enum {
    TICK_MS = 8000, /* 3 ticks and their inaccuracy stay below 1.5 x keepalive */
    ANSWER_MS = 5000,
    ECHO_AGAIN_MS = 500, /* while much is replayed the broker may drop the echo with the rest */
    ECHO_EVERY_MS = 60000,
    REPLAY_MOST_MS = 60000, /* reading back what a very large broker holds */
    STABLE_MS = 10000,
    JUMP_US = 1000000, /* a suspend shorter than this is none */
    COMPLAIN_EVERY_MS = 10000,
    ECHO_SIZE = 40,
    HANGUPS = 2,    /* without an answer to MQTT 5, before 3.1.1 is tried */
    SETTLE_MS = 20, /* before the first attempt: the caller retains what there is */
    ACCURACY_US = 100000,
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

/* What is broken off is seen to at once. */
static void arm(struct mqtt *mqtt, int64_t delay_ms)
{
    int64_t at = now_boot(mqtt) + (mqtt->broken ? 0 : delay_ms);
    sd_event_source_set_time(mqtt->timer, (uint64_t)at * 1000);
    sd_event_source_set_enabled(mqtt->timer, SD_EVENT_ONESHOT);
}

bool mqtt_session_is_up(const struct mqtt *mqtt)
{
    return mqtt->phase >= PHASE_READING && !mqtt->broken;
}

bool mqtt_session_is_settled(const struct mqtt *mqtt)
{
    return mqtt_session_is_up(mqtt) && mqtt->born && !mqtt_sender_has_work(&mqtt->sender);
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

/* ---- sending ---- */

/* The birth message comes last: who sees it finds everything else in place. */
static bool give_birth(struct mqtt *mqtt)
{
    const char *birth = mqtt->options.birth_payload;
    if (mqtt->born || mqtt->phase != PHASE_RUNNING || retained_pending(mqtt->sender.retained) > 0)
        return false;
    mqtt->born =
        retained_set(mqtt->sender.retained, mqtt->options.will_topic, birth, strlen(birth)) == 0;
    return mqtt->born;
}

/* While the broker replays, it may drop what it has to say beyond its queue: the word that it took
 * something as well. */
static bool may_send(const struct mqtt *mqtt)
{
    return mqtt_session_is_up(mqtt) && mqtt->phase == PHASE_RUNNING && !mqtt->browsing;
}

static void browse(struct mqtt *mqtt);

/* When all that matters is in place and nothing is on its way. */
static void browse_in_time(struct mqtt *mqtt)
{
    if (mqtt->options.n_browsed_filters > 0 && !mqtt->browsed && !mqtt->closing && may_send(mqtt) &&
        mqtt_session_is_settled(mqtt))
        browse(mqtt);
}

void mqtt_session_pump(struct mqtt *mqtt)
{
    do {
        if (!may_send(mqtt))
            return;
        mqtt_sender_pump(&mqtt->sender, mqtt->link, mqtt->browsed && mqtt->born && !mqtt->closing);
    } while (give_birth(mqtt));
    browse_in_time(mqtt);
}

static void send_echo(struct mqtt *mqtt)
{
    char payload[ECHO_SIZE];
    const char *refusal = NULL;
    mqtt->echo_number++;
    mqtt->echo_at = now_boot(mqtt);
    if (!mqtt->echo_pending) {
        mqtt->echo_since = mqtt->echo_at;
        mqtt->echo_first = mqtt->echo_number;
    }
    mqtt->echo_pending = true;
    int length = snprintf(payload, sizeof payload, "%" PRIu64, mqtt->echo_number);
    struct mqtt_parcel parcel = {
        .topic = mqtt->options.echo_topic, .payload = payload, .length = (size_t)length};
    /* One that is not sent is missed like one that does not come back. */
    mqtt_link_publish(mqtt->link, &parcel, NULL, &refusal);
}

static void on_taken(void *context, int id, const char *refusal)
{
    struct mqtt *mqtt = context;
    if (mqtt_sender_taken(&mqtt->sender, id, refusal))
        mqtt_session_pump(mqtt);
    if (mqtt->listener->settled != NULL && !mqtt->closing && mqtt_session_is_settled(mqtt))
        mqtt->listener->settled(mqtt->context);
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
static void on_accepted(void *context)
{
    struct mqtt *mqtt = context;
    const struct mqtt_options *options = &mqtt->options;
    mqtt->phase = PHASE_SUBSCRIBING;
    if (!mqtt->v311)
        mqtt->hangups = 0;
    mqtt->n_pending_subscriptions = 0;
    subscribe(mqtt, options->subscriptions, options->n_subscriptions, 1, MQTT_LINK_OTHERS);
    subscribe(mqtt, (const char *const[]){options->echo_topic}, options->echo_topic != NULL, 0,
              MQTT_LINK_ALL);
    subscribe(mqtt, options->retained_filters, options->n_retained_filters, 0, MQTT_LINK_ALL);
}

/* There may be much of it, and its end is told by another echo. */
static void browse(struct mqtt *mqtt)
{
    mqtt->browsing = true;
    mqtt->echo_since = now_boot(mqtt);
    arm(mqtt, ANSWER_MS);
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
    if (mqtt->options.echo_topic == NULL) {
        end_browsing(mqtt);
        return;
    }
    send_echo(mqtt);
    arm(mqtt, ECHO_AGAIN_MS);
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
    arm(mqtt, TICK_MS);
    mqtt_session_pump(mqtt);
}

static void subscribed(struct mqtt *mqtt)
{
    mqtt->phase = PHASE_READING;
    mqtt->up_at = now_boot(mqtt);
    mqtt->why[0] = '\0';
    tell(mqtt, true, mqtt->v311 ? "connected by MQTT 3.1.1" : "connected by MQTT 5");
    mqtt_sender_tell_dropped(&mqtt->sender);
    if (mqtt->options.echo_topic == NULL) {
        end_reading(mqtt);
        return;
    }
    send_echo(mqtt);
    arm(mqtt, ECHO_AGAIN_MS);
}

static void on_subscribed(void *context, int id, const char *refusal)
{
    struct mqtt *mqtt = context;
    int *pending = mqtt->pending_subscriptions;
    const bool browsing = mqtt->browsing && id == mqtt->browsing_id;
    if ((mqtt->phase != PHASE_SUBSCRIBING && !browsing) || mqtt->broken)
        return;
    if (refusal != NULL && may_complain(mqtt))
        log_warning("mqtt: the broker refuses a subscription: %s; check the rights of user %s",
                    refusal, user_name(mqtt));
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
    if (message->retained || message->length >= sizeof text)
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

static bool is_own_retained(const struct mqtt *mqtt, const char *topic)
{
    return matches_any(mqtt->options.retained_filters, mqtt->options.n_retained_filters, topic);
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
                         now_boot(mqtt))) {
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
    mqtt_session_pump(mqtt);
}

/* In 3.1.1 the clearing of a retained command comes back like a new, empty one. */
static bool is_own_clearing(const struct mqtt *mqtt, const struct mqtt_message *message)
{
    return mqtt->v311 && message->length == 0 &&
           retained_has(mqtt->sender.retained, message->topic);
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

static void on_message(void *context, const struct mqtt_message *message, bool own)
{
    struct mqtt *mqtt = context;
    if (came_back(mqtt, message, own))
        return;
    if (text_equal(message->topic, mqtt->options.echo_topic))
        take_echo(mqtt, message);
    else if (is_own_retained(mqtt, message->topic))
        take_retained(mqtt, message);
    else if (!mqtt->closing && !is_own_clearing(mqtt, message))
        mqtt->listener->message(mqtt->context, message);
}

/* ---- connecting ---- */

static void on_started(void *context)
{
    struct mqtt *mqtt = context;
    mqtt->phase = PHASE_CONNECTING;
    arm(mqtt, ANSWER_MS);
}

/* Drops the connection, but not from inside the link: at the next turn of the loop. */
static void on_failed(void *context, const char *why)
{
    struct mqtt *mqtt = context;
    because(mqtt, "%s", why);
    mqtt->broken = true;
    arm(mqtt, 0);
}

static const struct mqtt_link_listener link_listener = {
    .started = on_started,
    .accepted = on_accepted,
    .subscribed = on_subscribed,
    .taken = on_taken,
    .message = on_message,
    .failed = on_failed,
};

static void drop_link(struct mqtt *mqtt)
{
    mqtt_link_close(mqtt->link, 0);
    mqtt->link = NULL;
    mqtt_sender_lost(&mqtt->sender);
    retained_forget(mqtt->sender.retained, mqtt->options.will_topic);
    mqtt->born = mqtt->browsing = mqtt->browsed = false;
    mqtt->echo_pending = false;
}

/* It says that it knows no MQTT 5, or has hung up on it more than once: a broker that just starts
 * or ends does so too, and one that was like that before is believed at once. */
static bool is_older(struct mqtt *mqtt)
{
    if (mqtt->link == NULL)
        return false;
    if (mqtt_link_hung_up(mqtt->link) && mqtt->hangups < HANGUPS)
        mqtt->hangups++;
    return mqtt_link_is_too_new(mqtt->link) ||
           (mqtt_link_hung_up(mqtt->link) && mqtt->hangups == HANGUPS);
}

/* Ends whatever there is of a connection and plans the next attempt. Never from inside the link. */
static void lose(struct mqtt *mqtt)
{
    bool older = is_older(mqtt);
    bool at_once = older || mqtt->again;
    char why[MQTT_WHY_SIZE];
    if (mqtt->up && now_boot(mqtt) - mqtt->up_at >= STABLE_MS)
        backoff_reset(&mqtt->backoff);
    drop_link(mqtt);
    text_copy(why, sizeof why, mqtt->why);
    mqtt->why[0] = '\0';
    mqtt->broken = mqtt->again = false;
    mqtt->retry_v311 = older;
    mqtt->phase = PHASE_WAITING;
    arm(mqtt, at_once ? 0 : backoff_next(&mqtt->backoff, now_boot(mqtt), random_bits()));
    if (!older)
        tell(mqtt, false, why);
}

static void connect_start(struct mqtt *mqtt)
{
    struct mqtt_link_setup setup = {.options = &mqtt->options,
                                    .mark = mqtt->mark,
                                    .turn = mqtt->turn++,
                                    .v311 = mqtt->retry_v311};
    mqtt->v311 = mqtt->retry_v311;
    mqtt->retry_v311 = false;
    mqtt->suspended_us = suspended_us(mqtt);
    mqtt->phase = PHASE_RESOLVING;
    int error = mqtt_link_open(mqtt->loop, &setup, &link_listener, mqtt, &mqtt->link);
    if (error < 0)
        on_failed(mqtt, strerror(-error));
}

/* ---- time ---- */

void mqtt_session_renew(struct mqtt *mqtt, const char *why)
{
    if (mqtt->phase == PHASE_RESOLVING)
        return;
    because(mqtt, "%s", why);
    backoff_reset(&mqtt->backoff);
    if (mqtt->phase != PHASE_WAITING)
        mqtt->broken = mqtt->again = true;
    arm(mqtt, 0);
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
static bool is_still_replaying(const struct mqtt *mqtt, int64_t now)
{
    return now - mqtt->echo_since < ANSWER_MS || (now - mqtt_link_heard(mqtt->link) < ANSWER_MS &&
                                                  now - mqtt->echo_since < REPLAY_MOST_MS);
}

static void replaying_late(struct mqtt *mqtt, int64_t now)
{
    if (!is_still_replaying(mqtt, now)) {
        echo_missing(mqtt);
        return;
    }
    send_echo(mqtt);
    arm(mqtt, ECHO_AGAIN_MS);
}

static void running_tick(struct mqtt *mqtt, int64_t now)
{
    if (suspended_us(mqtt) - mqtt->suspended_us > JUMP_US) {
        mqtt_session_renew(mqtt, "this machine was suspended");
        return;
    }
    if (mqtt->browsing) {
        mqtt_link_tick(mqtt->link);
        replaying_late(mqtt, now);
        return;
    }
    if (mqtt->echo_pending && now - mqtt->echo_at >= ANSWER_MS) {
        echo_missing(mqtt);
        return;
    }
    if (mqtt->options.echo_topic != NULL && !mqtt->echo_pending &&
        now - mqtt->echo_at >= ECHO_EVERY_MS)
        send_echo(mqtt);
    mqtt_sender_tell_dropped(&mqtt->sender);
    retained_correct(mqtt->sender.retained, now);
    mqtt_session_pump(mqtt);
    mqtt_link_tick(mqtt->link);
    arm(mqtt, mqtt->echo_pending ? ANSWER_MS : TICK_MS);
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
        replaying_late(mqtt, now);
        break;
    case PHASE_RUNNING:
        running_tick(mqtt, now);
        break;
    }
    return 0;
}

/* ---- beginning and end ---- */

int mqtt_session_init(struct mqtt *mqtt)
{
    mqtt->echo_number = (uint64_t)(random_bits() >> 1) << 32;
    snprintf(mqtt->mark, sizeof mqtt->mark, "%08" PRIx32 "%08" PRIx32, random_bits(),
             random_bits());
    int error = mqtt_sender_init(&mqtt->sender, user_name(mqtt), mqtt->listener, mqtt->context);
    if (error < 0)
        return error;
    return sd_event_add_time(mqtt->loop, &mqtt->timer, CLOCK_BOOTTIME,
                             (uint64_t)(clock_now().boot + SETTLE_MS) * 1000, ACCURACY_US, on_timer,
                             mqtt);
}

/* What is on the broker is put in order, then DISCONNECT; the broker closes when it has read that.
 */
static void say_goodbye(struct mqtt *mqtt, int64_t limit_ms)
{
    int64_t deadline = clock_now().boot + limit_ms;
    const char *will = mqtt->options.will_payload;
    retained_set(mqtt->sender.retained, mqtt->options.will_topic, will, strlen(will));
    mqtt->born = true;
    mqtt_session_pump(mqtt);
    while (mqtt_sender_has_work(&mqtt->sender))
        if (!mqtt_link_turn(mqtt->link, deadline))
            return;
    mqtt_link_disconnect(mqtt->link);
    while (mqtt_link_turn(mqtt->link, deadline))
        continue;
}

void mqtt_session_finish(struct mqtt *mqtt, int64_t limit_ms)
{
    mqtt->closing = true;
    mqtt->browsing = false;
    /* Where the goodbye cannot be said in order, the connection just ends and the broker publishes
     * the will. */
    if (mqtt->phase == PHASE_RUNNING && !mqtt->broken)
        say_goodbye(mqtt, limit_ms);
    mqtt_link_close(mqtt->link, limit_ms);
    sd_event_source_disable_unref(mqtt->timer);
    mqtt_sender_finish(&mqtt->sender);
}
