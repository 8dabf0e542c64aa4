#include "hall/out_discovery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/version.h"
#include "loop/timer.h"

enum {
    BIRTH_LEAST_MS = 1000, /* a Home Assistant that starts has much to do: a short random delay */
    BIRTH_MOST_MS = 4000,
    ACCURACY_US = 50000,
    URL_SIZE = 48,
    KEY_SIZE = DISCOVERY_OBJECT_SIZE + 32,
};

static const char removed_key[] = "discovery.removed.";

struct out_discovery {
    const struct current *current;
    struct mqtt *mqtt;
    struct store *store;
    struct outlets *outlets;
    struct announcer *announcer;
    sd_event_source *later; /* for what has to wait */
    struct loop_idle *more; /* for what was too much for one turn of the loop */
    int64_t repeat_at;      /* boot clock, ms; 0: nobody was born */
    char url[2][URL_SIZE];  /* of the dashboard, of this and the next configuration */
    unsigned turn;
};

/* ---- what is announced ---- */

/* Where the dashboard is found by others, as far as the configuration tells; "" if it does not. */
static void write_url(const struct config *config, char out[URL_SIZE])
{
    char text[INET_ADDRSTRLEN] = "";

    out[0] = '\0';
    for (size_t i = 0; i < config->http.n_admin && out[0] == '\0'; i++) {
        const struct sockaddr_in *admin = &config->http.admin[i];
        const uint32_t address = ntohl(admin->sin_addr.s_addr);
        if (address >> 24 == 127 || address == INADDR_ANY || admin->sin_port == 0)
            continue;
        inet_ntop(AF_INET, &admin->sin_addr, text, sizeof(text));
        snprintf(out, URL_SIZE, "http://%s:%u/", text, ntohs(admin->sin_port));
    }
}

/* mqtt: as it was when Hall began, since it changes with a restart only. */
static struct discovery discovery_of(const struct config *config, const struct config_mqtt *mqtt)
{
    return (struct discovery){.model = &config->model,
                              .base_topic = mqtt->base_topic,
                              .prefix = mqtt->discovery_prefix,
                              .version = HALL_VERSION,
                              .site = config->site,
                              .language = config->language};
}

void out_discovery_filters(const struct config *config, char ret_filters[2][DISCOVERY_TOPIC_SIZE])
{
    const struct discovery discovery = discovery_of(config, &config->mqtt);

    discovery_topic(&discovery, "+", ret_filters[0]);
    discovery_birth_topic(&discovery, ret_filters[1]);
}

int out_discovery_prepare(struct out_discovery *out, const struct config *config,
                          struct announcer **ret_announcer)
{
    struct discovery discovery = discovery_of(config, &out->current->begun->mqtt);
    char *url = out->url[++out->turn % 2];

    write_url(config, url);
    discovery.url = url[0] ? url : NULL;
    return announcer_create(&discovery, ret_announcer);
}

/* ---- sending ---- */

static void arm_later(struct out_discovery *out)
{
    int64_t at = announcer_due(out->announcer);

    if (out->repeat_at != 0 && out->repeat_at < at)
        at = out->repeat_at;
    loop_timer_set(out->later, at);
}

bool out_discovery_spare(void *context, struct mqtt_spare *ret_spare)
{
    struct out_discovery *out = context;
    struct announcement next;
    const int result = announcer_next(out->announcer, clock_now().boot, &next);

    if (result == 1) {
        *ret_spare = (struct mqtt_spare){.topic = next.topic,
                                         .payload = next.payload,
                                         .length = next.length,
                                         .token = next.token};
        return true;
    }
    if (result < 0 && result != -EAGAIN)
        log_error("discovery: a device cannot be announced: %s", strerror(-result));
    if (result < 0)
        loop_idle_set(out->more);
    else
        arm_later(out);
    return false;
}

void out_discovery_taken(void *context, uint64_t token, bool taken)
{
    struct out_discovery *out = context;

    announcer_taken(out->announcer, token, taken);
    if (announcer_is_done(out->announcer))
        loop_idle_set(out->more);
}

static void on_more(void *context)
{
    struct out_discovery *out = context;

    mqtt_hurry(out->mqtt);
    if (announcer_is_done(out->announcer))
        outlets_tell(out->outlets,
                     &(struct news){.kind = NEWS_ENDED, .ended = {.action = COMMAND_ANNOUNCE}});
}

static int on_later(sd_event_source *source, uint64_t usec, void *context)
{
    struct out_discovery *out = context;

    (void)source;
    (void)usec;
    if (out->repeat_at != 0 && out->repeat_at <= clock_now().boot) {
        out->repeat_at = 0;
        announcer_repeat(out->announcer);
    }
    loop_idle_set(out->more);
    return 0;
}

/* ---- hearing ---- */

static void remember_removed(struct out_discovery *out, const char *object, bool removed)
{
    char key[KEY_SIZE], body[64], at[RFC3339_SIZE];

    snprintf(key, sizeof(key), "%s%s", removed_key, object);
    snprintf(body, sizeof(body), "{\"at\":\"%s\"}", rfc3339_format(clock_now().wall, at));
    (void)store_put(out->store, STORE_SETTING, key, removed ? body : NULL, true);
}

static void on_birth(struct out_discovery *out, const struct mqtt_message *message)
{
    uint32_t bits = 0;

    if (message->retained || message->length != 6 || memcmp(message->payload, "online", 6) != 0 ||
        out->repeat_at != 0)
        return;
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint32_t)clock_boot_ns();
    out->repeat_at = clock_now().boot + BIRTH_LEAST_MS + bits % (BIRTH_MOST_MS - BIRTH_LEAST_MS);
    log_info("discovery: Home Assistant has started; everything is announced to it again");
    arm_later(out);
}

static void on_config(struct out_discovery *out, const struct mqtt_message *message)
{
    char object[DISCOVERY_OBJECT_SIZE] = "";

    switch (announcer_hear(out->announcer, message->topic, message->payload, message->length,
                           clock_now().boot, object)) {
    case HEARD_NOTHING:
        return;
    case HEARD_REMOVED:
        log_info(
            "discovery: somebody deleted %s in Home Assistant; it stays away until the command "
            "announce",
            object);
        remember_removed(out, object, true);
        return;
    case HEARD_REPLACED:
        if (outlets_may_tell(out->outlets))
            log_warning("discovery: someone else published to %s, which only this program may; "
                        "corrected",
                        message->topic);
        break;
    case HEARD_GHOST:
        log_info("discovery: %s is no more; cleared", object);
        break;
    }
    loop_idle_set(out->more);
}

bool out_discovery_message(struct out_discovery *out, const struct mqtt_message *message)
{
    const struct discovery discovery =
        discovery_of(out->current->config, &out->current->begun->mqtt);
    char topic[DISCOVERY_TOPIC_SIZE], object[DISCOVERY_OBJECT_SIZE];

    if (strcmp(message->topic, discovery_birth_topic(&discovery, topic)) == 0)
        on_birth(out, message);
    else if (discovery_parse_topic(&discovery, message->topic, object))
        on_config(out, message);
    else
        return false;
    return true;
}

void out_discovery_browsed(void *context)
{
    struct out_discovery *out = context;

    announcer_browsed(out->announcer);
}

/* ---- from the rest of Hall ---- */

static void on_broker(void *context, const struct news *news)
{
    struct out_discovery *out = context;

    (void)news;
    announcer_connected(out->announcer);
}

/* Now it is known whether the agent can restart its server. */
static void on_report(void *context, const struct news *news)
{
    struct out_discovery *out = context;
    const int server = news->server;
    const struct agent_report *report = &fleet_power(out->current->fleet, server)->report;
    const bool by_agent = out->current->config->model.servers[server].sleep.via == SLEEP_VIA_AGENT;

    if (!report->heard)
        return;
    announcer_set_restart(out->announcer, server, by_agent && report->can_restart);
    if (!announcer_is_done(out->announcer))
        loop_idle_set(out->more);
}

const struct outlet_ops out_discovery_outlet = {
    .hear = {[NEWS_BROKER] = on_broker, [NEWS_REPORT] = on_report},
};

static void on_recalled(void *context, const char *object)
{
    remember_removed(context, object, false);
}

void out_discovery_announce(struct out_discovery *out)
{
    announcer_recall(out->announcer, on_recalled, out);
    announcer_repeat(out->announcer);
    loop_idle_set(out->more);
}

void out_discovery_adopt(struct out_discovery *out, struct announcer *announcer)
{
    announcer_adopt(announcer, out->announcer);
    announcer_destroy(out->announcer);
    out->announcer = announcer;
    loop_idle_set(out->more);
}

/* ---- beginning and end ---- */

static void restore_removed(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct out_discovery *out = context;

    (void)body;
    (void)saved_wall;
    if (strncmp(key, removed_key, sizeof(removed_key) - 1) != 0)
        return;
    if (!announcer_set_removed(out->announcer, key + sizeof(removed_key) - 1, true))
        (void)store_put(out->store, STORE_SETTING, key, NULL, false);
}

int out_discovery_create(sd_event *loop, const struct current *current, struct mqtt *mqtt,
                         struct store *store, struct outlets *outlets,
                         struct out_discovery **ret_out)
{
    struct out_discovery *out = calloc(1, sizeof(*out));
    int error;

    if (!out)
        return -ENOMEM;
    *out = (struct out_discovery){
        .current = current, .mqtt = mqtt, .store = store, .outlets = outlets};
    error = out_discovery_prepare(out, current->config, &out->announcer);
    if (error == 0)
        error = loop_timer_create(loop, ACCURACY_US, on_later, out, &out->later);
    /* Visitors and commands come first. */
    if (error == 0)
        error = loop_idle_create(loop, on_more, out, &out->more);
    if (error < 0) {
        out_discovery_destroy(out);
        return error;
    }
    (void)store_load(store, STORE_SETTING, restore_removed, out);
    *ret_out = out;
    return 0;
}

void out_discovery_destroy(struct out_discovery *out)
{
    if (!out)
        return;
    sd_event_source_disable_unref(out->later);
    loop_idle_destroy(out->more);
    announcer_destroy(out->announcer);
    free(out);
}
