#include "mqtt/mqtt_session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "mqtt/mqtt_hear.h"

enum {
    ECHO_EVERY_MS = 60000,
    JUMP_US = 1000000, /* a suspend shorter than this is none */
    COMPLAIN_EVERY_MS = 10000,
    RIVAL_SUSPECTED = 3, /* connections that were ended soon after they began */
    DOUBTS = 2,          /* attempts without an answer to MQTT 5, before 3.1.1 is tried */
    DOUBTS_KNOWN = 10,   /* silent ones, where MQTT 5 was spoken before */
    HASTY_MS = 1000,     /* for the answer to MQTT 5 of a broker that gave none before */
    SETTLE_MS = 20,      /* before the first attempt: the caller retains what there is */
    ACCURACY_US = 100000,
};

/* ---- small things ---- */

int64_t mqtt_session_now(const struct mqtt *mqtt)
{
    uint64_t us = 0;
    int error = sd_event_now(mqtt->loop, CLOCK_BOOTTIME, &us);
    assert(error >= 0);
    (void)error;
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
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint32_t)clock_boot_ns(); /* jitter needs no secrecy */
    return bits;
}

/* What is broken off is seen to at once. */
void mqtt_session_arm(struct mqtt *mqtt, int64_t delay_ms)
{
    int64_t at = mqtt_session_now(mqtt) + (mqtt->broken ? 0 : delay_ms);
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
    vsnprintf(mqtt->why, sizeof(mqtt->why), format, args);
    va_end(args);
}

const char *mqtt_session_user(const struct mqtt *mqtt)
{
    return mqtt->options.broker.username ? mqtt->options.broker.username : "(none)";
}

bool mqtt_session_may_complain(struct mqtt *mqtt)
{
    int64_t now = mqtt_session_now(mqtt);
    if (mqtt->complained_at != 0 && now - mqtt->complained_at < COMPLAIN_EVERY_MS)
        return false;
    mqtt->complained_at = now;
    return true;
}

void mqtt_session_tell(struct mqtt *mqtt, bool up, const char *why)
{
    if (mqtt->told && mqtt->up == up && (up || strcmp(mqtt->told_why, why) == 0))
        return;
    mqtt->told = true;
    mqtt->up = up;
    text_copy(mqtt->told_why, sizeof(mqtt->told_why), why);
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

void mqtt_session_pump(struct mqtt *mqtt)
{
    do {
        if (!may_send(mqtt))
            return;
        mqtt_sender_pump(&mqtt->sender, mqtt->link, mqtt->browsed && mqtt->born && !mqtt->closing);
    } while (give_birth(mqtt));
    /* When all that matters is in place and nothing is on its way. */
    if (mqtt->options.n_browsed_filters > 0 && !mqtt->browsed && !mqtt->closing && may_send(mqtt) &&
        mqtt_session_is_settled(mqtt))
        mqtt_hear_browse(mqtt);
}

static void on_taken(void *context, int id, const char *refusal)
{
    struct mqtt *mqtt = context;
    if (mqtt_sender_taken(&mqtt->sender, id, refusal))
        mqtt_session_pump(mqtt);
    if (mqtt->listener->settled && !mqtt->closing && mqtt_session_is_settled(mqtt))
        mqtt->listener->settled(mqtt->context);
}

/* ---- connecting ---- */

/* A broker that was silent before gets less time to answer. */
static void on_started(void *context)
{
    struct mqtt *mqtt = context;
    const bool hasty = mqtt->silent && mqtt->doubts >= DOUBTS && !mqtt->knew_v5 && !mqtt->v311;
    mqtt->phase = PHASE_CONNECTING;
    mqtt_session_arm(mqtt, hasty ? HASTY_MS : MQTT_ANSWER_MS);
}

/* Drops the connection, but not from inside the link: at the next turn of the loop. */
static void on_failed(void *context, const char *why)
{
    struct mqtt *mqtt = context;
    because(mqtt, "%s", why);
    mqtt->broken = true;
    mqtt_session_arm(mqtt, 0);
}

static const struct mqtt_link_listener link_listener = {
    .started = on_started,
    .accepted = mqtt_hear_accepted,
    .subscribed = mqtt_hear_subscribed,
    .taken = on_taken,
    .message = mqtt_hear_message,
    .failed = on_failed,
};

/* It says that it knows no MQTT 5, or gave it no answer more than once: a broker that just starts
 * or ends, or is slow, does so too. One that was like that before is believed at once. */
static bool is_older(struct mqtt *mqtt)
{
    const bool asks = mqtt->options.broker.version == MQTT_VERSION_AUTO && !mqtt->again;
    const enum mqtt_link_doubt doubt = asks ? mqtt_link_doubt(mqtt->link) : MQTT_LINK_SURE;
    if (doubt == MQTT_LINK_SURE || doubt == MQTT_LINK_TOO_NEW)
        return doubt == MQTT_LINK_TOO_NEW;
    mqtt->silent = doubt == MQTT_LINK_SILENT;
    mqtt->doubts += mqtt->doubts < DOUBTS_KNOWN;
    mqtt->guessed = mqtt->doubts >= (mqtt->silent && mqtt->knew_v5 ? DOUBTS_KNOWN : DOUBTS);
    return mqtt->guessed;
}

/* A connection that the broker took is over. Where others end them again and again, the reason says
 * what may be behind that; not every broker tells. */
static void judge_end(struct mqtt *mqtt)
{
    const bool by_other = mqtt->broken && !mqtt->again;
    const bool pushed = mqtt_link_taken_over(mqtt->link);
    const size_t length = strlen(mqtt->why);
    const int64_t stood = mqtt->up ? mqtt_session_now(mqtt) - mqtt->up_at : 0;
    if (mqtt->phase < PHASE_SUBSCRIBING)
        return;
    backoff_ended(&mqtt->backoff, stood, by_other, pushed);
    if (by_other && !pushed && mqtt->backoff.young >= RIVAL_SUSPECTED)
        snprintf(mqtt->why + length, sizeof(mqtt->why) - length,
                 ", soon after it began, %u times now: does another client use the same client id?",
                 mqtt->backoff.young);
}

/* Ends whatever there is of a connection and plans the next attempt. Never from inside the link. */
static void lose(struct mqtt *mqtt)
{
    bool older = is_older(mqtt);
    bool at_once = older || mqtt->again;
    char why[MQTT_WHY_SIZE];
    judge_end(mqtt);
    mqtt_link_close(mqtt->link, 0);
    mqtt->link = NULL;
    mqtt_upgrade_end(&mqtt->upgrade);
    mqtt_sender_lost(&mqtt->sender);
    retained_forget(mqtt->sender.retained, mqtt->options.will_topic);
    mqtt->born = mqtt->browsing = mqtt->browsed = false;
    mqtt->echo_pending = false;
    text_copy(why, sizeof(why), mqtt->why);
    mqtt->why[0] = '\0';
    mqtt->broken = mqtt->again = false;
    mqtt->retry_v311 = older;
    mqtt->phase = PHASE_WAITING;
    mqtt_session_arm(
        mqtt, at_once ? 0 : backoff_next(&mqtt->backoff, mqtt_session_now(mqtt), random_bits()));
    if (!older)
        mqtt_session_tell(mqtt, false, why);
}

static void connect_start(struct mqtt *mqtt)
{
    mqtt->v311 = mqtt->retry_v311 || mqtt->options.broker.version == MQTT_VERSION_311;
    mqtt->guessed = mqtt->guessed && mqtt->retry_v311;
    mqtt->retry_v311 = false;
    struct mqtt_link_setup setup = {
        .options = &mqtt->options, .mark = mqtt->mark, .turn = mqtt->turn++, .v311 = mqtt->v311};
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
    mqtt_session_arm(mqtt, 0);
}

void mqtt_session_echo_missing(struct mqtt *mqtt)
{
    because(mqtt,
            "the broker does not give back what is published to %s: check the rights of user %s, "
            "and the network",
            mqtt->options.echo_topic, mqtt_session_user(mqtt));
    lose(mqtt);
}

/* True: reconnect, with MQTT 5. */
static bool upgrade(struct mqtt *mqtt, int64_t now)
{
    if (!mqtt->guessed || !mqtt_upgrade_tick(&mqtt->upgrade, mqtt->loop, &mqtt->options, now))
        return false;
    mqtt->doubts = 0;
    mqtt_session_renew(mqtt, "the broker answers to MQTT 5 now");
    return true;
}

static int64_t next_look(const struct mqtt *mqtt)
{
    if (mqtt->upgrade.link)
        return MQTT_UPGRADE_ANSWER_MS;
    return mqtt->echo_pending ? MQTT_ANSWER_MS : MQTT_TICK_MS;
}

static void running_tick(struct mqtt *mqtt, int64_t now)
{
    if (suspended_us(mqtt) - mqtt->suspended_us > JUMP_US) {
        mqtt_session_renew(mqtt, "this machine was suspended");
        return;
    }
    if (mqtt->browsing) {
        mqtt_link_tick(mqtt->link);
        mqtt_hear_replay(mqtt, now);
        return;
    }
    if (mqtt->echo_pending && now - mqtt->echo_at >= MQTT_ANSWER_MS) {
        mqtt_session_echo_missing(mqtt);
        return;
    }
    if (upgrade(mqtt, now))
        return;
    if (mqtt->options.echo_topic && !mqtt->echo_pending && now - mqtt->echo_at >= ECHO_EVERY_MS)
        mqtt_hear_echo(mqtt);
    mqtt_sender_tell_dropped(&mqtt->sender);
    retained_correct(mqtt->sender.retained, now);
    mqtt_session_pump(mqtt);
    mqtt_link_tick(mqtt->link);
    mqtt_session_arm(mqtt, next_look(mqtt));
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
    struct mqtt *mqtt = userdata;
    int64_t now = mqtt_session_now(mqtt);
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
        because(mqtt, "the broker at %s does not answer within %d s",
                mqtt->options.broker.host ? mqtt->options.broker.host
                                          : mqtt->options.broker.unix_path,
                MQTT_ANSWER_MS / 1000);
        lose(mqtt);
        break;
    case PHASE_READING:
        mqtt_hear_replay(mqtt, now);
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
    snprintf(mqtt->mark, sizeof(mqtt->mark), "%08" PRIx32 "%08" PRIx32, random_bits(),
             random_bits());
    int error =
        mqtt_sender_init(&mqtt->sender, mqtt_session_user(mqtt), mqtt->listener, mqtt->context);
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
    mqtt_upgrade_end(&mqtt->upgrade);
    sd_event_source_disable_unref(mqtt->timer);
    mqtt_sender_finish(&mqtt->sender);
}
