#include "hallctl/talk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/text.h"
#include "mqtt/client_id.h"
#include "mqtt/mqtt_link.h"
#include "words/topic.h"

enum { CONNECT_MS = 5000, READ_MS = 15000, TICK_MS = 8000, NAME_SIZE = 40, CORRELATION_SIZE = 8 };

struct talk {
    const struct settings *settings;
    struct talk_listener listener;
    sd_event *loop;
    struct mqtt_link *link;
    struct mqtt_options options;
    char name[NAME_SIZE];           /* of the topic where answers come, which others may see */
    char client_id[CLIENT_ID_SIZE]; /* which nobody else is to know */
    char answers[TOPIC_MAX];
    uint8_t correlation[CORRELATION_SIZE];
    bool v311, accepted, heard_any, failed;
    int pending, granted; /* subscriptions */
    char refusal[96];
    bool taken_badly; /* the broker does not pass on what was published */
    char why[TALK_WHY_SIZE];
    int64_t tick_at, connect_ms;
};

/* ---- what the link tells ---- */

static void on_started(void *context)
{
    (void)context;
}

static void on_accepted(void *context)
{
    ((struct talk *)context)->accepted = true;
}

static void on_subscribed(void *context, int id, const char *refusal)
{
    struct talk *talk = context;

    talk->granted = id;
    if (refusal)
        text_copy(talk->refusal, sizeof(talk->refusal), refusal);
}

static void on_taken(void *context, int id, const char *refusal)
{
    struct talk *talk = context;

    if (talk->listener.taken) {
        talk->listener.taken(talk->listener.context, id, refusal);
        return;
    }
    if (refusal)
        text_copy(talk->refusal, sizeof(talk->refusal), refusal);
    talk->taken_badly = talk->taken_badly || refusal;
}

static bool is_own(const struct talk *talk, const struct mqtt_message *message)
{
    return strcmp(message->topic, talk->answers) == 0 &&
           message->correlation_length == CORRELATION_SIZE &&
           memcmp(message->correlation, talk->correlation, CORRELATION_SIZE) == 0;
}

static void on_message(void *context, const struct mqtt_message *message, bool own)
{
    const struct talk *talk = context;

    (void)own;
    if (strcmp(message->topic, talk->answers) != 0 || is_own(talk, message))
        talk->listener.hear(talk->listener.context, message, is_own(talk, message));
}

static void on_failed(void *context, const char *why)
{
    struct talk *talk = context;

    talk->failed = true;
    text_copy(talk->why, sizeof(talk->why), why);
}

static const struct mqtt_link_listener link_listener = {
    .started = on_started,
    .accepted = on_accepted,
    .subscribed = on_subscribed,
    .taken = on_taken,
    .message = on_message,
    .failed = on_failed,
};

/* ---- waiting ---- */

/* One turn of the loop. */
static int turn(struct talk *talk, int64_t deadline)
{
    const int64_t now = clock_now().boot;
    const int64_t until = deadline < talk->tick_at ? deadline : talk->tick_at;

    if (talk->failed)
        return -ECONNRESET;
    if (now >= deadline)
        return -ETIMEDOUT;
    if (now >= talk->tick_at) {
        mqtt_link_tick(talk->link);
        talk->tick_at = now + TICK_MS;
    }
    const int error = sd_event_run(talk->loop, until > now ? (uint64_t)(until - now) * 1000 : 0);
    return error < 0 && error != -EINTR ? error : 0;
}

int talk_wait(struct talk *talk, bool (*done)(void *context), void *context, int64_t deadline)
{
    int error = 0;

    while (!done(context) && !talk->taken_badly && error == 0)
        error = turn(talk, deadline);
    if (!talk->taken_badly)
        return error;
    snprintf(talk->why, sizeof(talk->why), "the broker does not pass it on: %s", talk->refusal);
    return -EACCES;
}

static bool is_accepted(void *context)
{
    return ((struct talk *)context)->accepted;
}

static bool is_granted(void *context)
{
    const struct talk *talk = context;

    return talk->granted == talk->pending;
}

/* ---- connecting ---- */

static int open_link(struct talk *talk, bool v311)
{
    const struct mqtt_link_setup setup = {.options = &talk->options, .mark = "", .v311 = v311};

    talk->v311 = v311;
    talk->failed = talk->accepted = false;
    talk->tick_at = clock_now().boot + TICK_MS;
    const int error = mqtt_link_open(talk->loop, &setup, &link_listener, talk, &talk->link);
    return error < 0 ? error
                     : talk_wait(talk, is_accepted, talk, clock_now().boot + talk->connect_ms);
}

/* Some brokers of 3.1.1 say that they are, others hang up or are silent. */
static bool may_be_too_new(const struct talk *talk, int error)
{
    return talk->options.broker.version == MQTT_VERSION_AUTO && talk->link &&
           (error == -ECONNRESET || error == -ETIMEDOUT) &&
           mqtt_link_doubt(talk->link) != MQTT_LINK_SURE;
}

static int connect_link(struct talk *talk)
{
    const int error = open_link(talk, talk->options.broker.version == MQTT_VERSION_311);

    if (!may_be_too_new(talk, error))
        return error;
    mqtt_link_close(talk->link, 0);
    talk->link = NULL;
    return open_link(talk, true);
}

static void say_unreachable(const struct talk *talk, int error, char ret_why[TALK_WHY_SIZE])
{
    const struct settings *settings = talk->settings;

    snprintf(ret_why, TALK_WHY_SIZE,
             "%s: %.180s\nWhere the broker is: --broker, HALL_MQTT_URL; who asks: --user, "
             "HALL_MQTT_USERNAME, HALL_MQTT_PASSWORD (%s)",
             settings->broker, error == -ETIMEDOUT ? "it does not answer within 5 s" : talk->why,
             settings->mqtt.broker.username ? settings->mqtt.broker.username : "no user now");
}

/* Names of its own for each run, so that two do not push each other off the broker. */
static void name_self(struct talk *talk)
{
    uint32_t bits[2] = {0};

    if (getrandom(bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits[0] = (uint32_t)clock_boot_ns();
    memcpy(talk->correlation, bits, sizeof(talk->correlation));
    snprintf(talk->name, sizeof(talk->name), "hallctl-%08" PRIx32, bits[0]);
    client_id_random("hallctl", talk->client_id);
    snprintf(talk->answers, sizeof(talk->answers), "%.128s/answers/%s",
             talk->settings->mqtt.base_topic, talk->name);
}

int talk_try(const struct settings *settings, const struct talk_listener *listener,
             int64_t limit_ms, struct talk **ret_talk)
{
    struct talk *talk = *ret_talk = calloc(1, sizeof(*talk));

    if (!talk)
        return -ENOMEM;
    talk->settings = settings;
    talk->listener = *listener;
    talk->connect_ms = limit_ms;
    name_self(talk);
    talk->options = (struct mqtt_options){
        .broker = settings->mqtt.broker,
        .client_id = talk->client_id,
        .password = settings->mqtt.broker.username ? settings->password : NULL,
    };
    const int error = sd_event_new(&talk->loop);
    return error < 0 ? error : connect_link(talk);
}

int talk_open(const struct settings *settings, const struct talk_listener *listener,
              struct talk **ret_talk, char ret_why[TALK_WHY_SIZE])
{
    struct talk *talk;
    const int error = talk_try(settings, listener, CONNECT_MS, &talk);

    if (!talk)
        return error;
    if (error < 0) {
        say_unreachable(talk, error, ret_why);
        talk_close(talk);
        return error == -ENOMEM ? error : -EHOSTUNREACH;
    }
    *ret_talk = talk;
    return 0;
}

void talk_close(struct talk *talk)
{
    if (!talk)
        return;
    if (talk->link && talk->accepted && !talk->failed) {
        mqtt_link_disconnect(talk->link);
        while (mqtt_link_turn(talk->link, clock_now().boot + 500))
            continue;
    }
    mqtt_link_close(talk->link, 0);
    sd_event_unref(talk->loop);
    free(talk);
}

/* ---- talking ---- */

static int subscribe(struct talk *talk, const char *const *filters, size_t n, int qos)
{
    talk->granted = 0;
    talk->pending = -1;
    talk->refusal[0] = '\0';
    mqtt_link_subscribe(talk->link, filters, n, qos, MQTT_LINK_OTHERS, &talk->pending);
    const int error = talk_wait(talk, is_granted, talk, clock_now().boot + READ_MS);
    if (error < 0 || talk->refusal[0] == '\0')
        return error;
    snprintf(talk->why, sizeof(talk->why), "the broker refuses to let us read %s: %s", filters[0],
             talk->refusal);
    return -EACCES;
}

/*
 * What the broker holds comes with QoS 0 behind its answer, and so before its answer to the next
 * subscription: to our own topic, where answers will come. Who may only look is refused that one,
 * and needs no answers.
 */
static int read_filter(struct talk *talk, const char *filter)
{
    const char *const filters[] = {filter}, *const own[] = {talk->answers};
    int error = subscribe(talk, filters, 1, 0);

    if (error < 0)
        return error;
    error = subscribe(talk, own, 1, 1);
    return error == -EACCES ? 0 : error;
}

/* One after the other: a broker drops what is more than it cares to queue. */
int talk_read(struct talk *talk, const char *const *filters, size_t n)
{
    int error = 0;

    for (size_t i = 0; i < n && error == 0; i++)
        error = read_filter(talk, filters[i]);
    return error;
}

void talk_subscribe_all(struct talk *talk, const char *const *filters, size_t n, int64_t limit_ms)
{
    talk->granted = 0;
    talk->pending = -1;
    mqtt_link_subscribe(talk->link, filters, n, 1, MQTT_LINK_ALL, &talk->pending);
    talk_wait(talk, is_granted, talk, clock_now().boot + limit_ms);
}

int talk_publish(struct talk *talk, const char *topic, const char *payload, int *ret_id)
{
    const struct mqtt_parcel parcel = {
        .topic = topic, .payload = payload, .length = strlen(payload), .qos = 1};
    const char *refusal;

    return mqtt_link_publish(talk->link, &parcel, ret_id, &refusal);
}

int talk_ask(struct talk *talk, const char *topic, const char *payload, size_t length)
{
    const struct mqtt_parcel parcel = {
        .topic = topic,
        .payload = payload,
        .length = length,
        .qos = 1,
        .correlation = talk->correlation,
        .correlation_length = sizeof(talk->correlation),
        .response_topic = talk->answers,
    };
    const char *refusal = NULL;
    int id = 0;
    const int error = mqtt_link_publish(talk->link, &parcel, &id, &refusal);

    if (error == -EBADMSG)
        snprintf(talk->why, sizeof(talk->why), "%s cannot be sent: %s", topic, refusal);
    return error;
}

bool talk_is_v5(const struct talk *talk)
{
    return !talk->v311;
}

const char *talk_why(const struct talk *talk)
{
    return talk->why;
}
