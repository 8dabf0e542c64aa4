/* Home Assistant: carries what the announcer offers to the broker, and what is heard there back. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "ha-discovery/announcer.h"
#include "hall/hall_internal.h"

enum {
    BIRTH_LEAST_MS = 1000, /* a Home Assistant that starts has much to do: a short random delay */
    BIRTH_MOST_MS = 4000,
    ACCURACY_US = 50000,
    URL_SIZE = 48,
    KEY_SIZE = DISCOVERY_OBJECT_SIZE + 32,
};

static const char removed_key[] = "discovery.removed.";

struct hall_discover {
    struct announcer *announcer;
    sd_event_source *later; /* for what has to wait */
    sd_event_source *more;  /* for what was too much for one turn of the loop */
    int64_t repeat_at;      /* boot clock, ms; 0: nobody was born */
    char url[2][URL_SIZE];  /* of the dashboard, of this and the next configuration */
    unsigned turn;
};

/* ---- what is announced ---- */

/* Where the dashboard is found by others, as far as the configuration tells; "" if it does not. */
static void write_url(const struct config *config, char out[URL_SIZE])
{
    const struct sockaddr_in *admin = &config->http.admin;
    const uint32_t address = ntohl(admin->sin_addr.s_addr);
    char text[INET_ADDRSTRLEN] = "";

    out[0] = '\0';
    if (address >> 24 == 127 || address == INADDR_ANY || admin->sin_port == 0)
        return;
    inet_ntop(AF_INET, &admin->sin_addr, text, sizeof(text));
    snprintf(out, URL_SIZE, "http://%s:%u/", text, ntohs(admin->sin_port));
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

void hall_discover_filters(const struct config *config, char out[2][HALL_FILTER_SIZE])
{
    const struct discovery discovery = discovery_of(config, &config->mqtt);

    _Static_assert((int)HALL_FILTER_SIZE >= (int)DISCOVERY_TOPIC_SIZE, "a filter fits");
    discovery_topic(&discovery, "+", out[0]);
    discovery_birth_topic(&discovery, out[1]);
}

static int create_announcer(struct hall *hall, const struct config *config,
                            struct announcer **ret_announcer)
{
    struct hall_discover *discover = hall->discover;
    struct discovery discovery = discovery_of(config, &hall->begun->mqtt);
    char *url = discover->url[++discover->turn % 2];

    write_url(config, url);
    discovery.url = url[0] ? url : NULL;
    return announcer_create(&discovery, ret_announcer);
}

/* ---- sending ---- */

static void arm_later(struct hall *hall)
{
    struct hall_discover *discover = hall->discover;
    int64_t at = announcer_due(discover->announcer);

    if (discover->repeat_at != 0 && discover->repeat_at < at)
        at = discover->repeat_at;
    if (at == INT64_MAX) {
        sd_event_source_set_enabled(discover->later, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time(discover->later, at > 0 ? (uint64_t)at * 1000 : 0);
    sd_event_source_set_enabled(discover->later, SD_EVENT_ONESHOT);
}

static void go_on(struct hall *hall)
{
    sd_event_source_set_enabled(hall->discover->more, SD_EVENT_ONESHOT);
}

bool hall_discover_spare(void *context, struct mqtt_spare *ret_spare)
{
    struct hall *hall = context;
    struct announcement next;
    const int result = announcer_next(hall->discover->announcer, clock_now().boot, &next);

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
        go_on(hall);
    else
        arm_later(hall);
    return false;
}

void hall_discover_taken(void *context, uint64_t token, bool taken)
{
    struct hall *hall = context;

    announcer_taken(hall->discover->announcer, token, taken);
    if (announcer_is_done(hall->discover->announcer))
        go_on(hall);
}

static int on_more(sd_event_source *source, void *context)
{
    struct hall *hall = context;

    (void)source;
    mqtt_hurry(hall->mqtt);
    if (announcer_is_done(hall->discover->announcer))
        hall_hub_end(hall, COMMAND_ANNOUNCE, NULL);
    return 0;
}

static int on_later(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;
    struct hall_discover *discover = hall->discover;

    (void)source;
    (void)usec;
    if (discover->repeat_at != 0 && discover->repeat_at <= clock_now().boot) {
        discover->repeat_at = 0;
        announcer_repeat(discover->announcer);
    }
    go_on(hall);
    return 0;
}

/* ---- hearing ---- */

static void remember_removed(struct hall *hall, const char *object, bool removed)
{
    char key[KEY_SIZE], body[64], at[RFC3339_SIZE];

    snprintf(key, sizeof(key), "%s%s", removed_key, object);
    snprintf(body, sizeof(body), "{\"at\":\"%s\"}", rfc3339_format(clock_now().wall, at));
    if (hall->store)
        (void)store_put(hall->store, STORE_SETTING, key, removed ? body : NULL, true);
}

static void on_birth(struct hall *hall, const struct mqtt_message *message)
{
    struct hall_discover *discover = hall->discover;
    uint32_t bits = 0;

    if (message->retained || message->length != 6 || memcmp(message->payload, "online", 6) != 0 ||
        discover->repeat_at != 0)
        return;
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint32_t)clock_boot_ns();
    discover->repeat_at =
        clock_now().boot + BIRTH_LEAST_MS + bits % (BIRTH_MOST_MS - BIRTH_LEAST_MS);
    log_info("discovery: Home Assistant has started; everything is announced to it again");
    arm_later(hall);
}

static void on_config(struct hall *hall, const struct mqtt_message *message)
{
    char object[DISCOVERY_OBJECT_SIZE] = "";

    switch (announcer_hear(hall->discover->announcer, message->topic, message->payload,
                           message->length, clock_now().boot, object)) {
    case HEARD_NOTHING:
        return;
    case HEARD_REMOVED:
        log_info(
            "discovery: somebody deleted %s in Home Assistant; it stays away until the command "
            "announce",
            object);
        remember_removed(hall, object, true);
        return;
    case HEARD_REPLACED:
        if (hall_may_tell(hall))
            log_warning("discovery: someone else published to %s, which only this program may; "
                        "corrected",
                        message->topic);
        break;
    case HEARD_GHOST:
        log_info("discovery: %s is no more; cleared", object);
        break;
    }
    go_on(hall);
}

bool hall_discover_message(struct hall *hall, const struct mqtt_message *message)
{
    const struct discovery discovery = discovery_of(hall->config, &hall->begun->mqtt);
    char topic[DISCOVERY_TOPIC_SIZE], object[DISCOVERY_OBJECT_SIZE];

    if (strcmp(message->topic, discovery_birth_topic(&discovery, topic)) == 0)
        on_birth(hall, message);
    else if (discovery_parse_topic(&discovery, message->topic, object))
        on_config(hall, message);
    else
        return false;
    return true;
}

void hall_discover_browsed(void *context)
{
    struct hall *hall = context;

    announcer_browsed(hall->discover->announcer);
}

void hall_discover_connected(struct hall *hall)
{
    announcer_connected(hall->discover->announcer);
}

/* ---- from the rest of Hall ---- */

void hall_discover_restart(struct hall *hall, int server)
{
    const struct agent_report *report = &fleet_power(hall->fleet, server)->report;
    const bool by_agent = hall->config->model.servers[server].sleep.via == SLEEP_VIA_AGENT;

    if (!report->heard)
        return;
    announcer_set_restart(hall->discover->announcer, server, by_agent && report->can_restart);
    if (!announcer_is_done(hall->discover->announcer))
        go_on(hall);
}

static void on_recalled(void *context, const char *object)
{
    remember_removed(context, object, false);
}

void hall_discover_announce(struct hall *hall)
{
    announcer_recall(hall->discover->announcer, on_recalled, hall);
    announcer_repeat(hall->discover->announcer);
    go_on(hall);
}

int hall_discover_prepare(struct hall *hall, const struct config *config,
                          struct announcer **ret_announcer)
{
    return create_announcer(hall, config, ret_announcer);
}

void hall_discover_adopt(struct hall *hall, struct announcer *announcer)
{
    announcer_adopt(announcer, hall->discover->announcer);
    announcer_destroy(hall->discover->announcer);
    hall->discover->announcer = announcer;
    go_on(hall);
}

/* ---- beginning and end ---- */

static void restore_removed(void *context, const char *key, const char *body, int64_t saved_wall)
{
    struct hall *hall = context;

    (void)body;
    (void)saved_wall;
    if (strncmp(key, removed_key, sizeof(removed_key) - 1) != 0)
        return;
    if (!announcer_set_removed(hall->discover->announcer, key + sizeof(removed_key) - 1, true))
        (void)store_put(hall->store, STORE_SETTING, key, NULL, false);
}

int hall_discover_create(struct hall *hall)
{
    struct hall_discover *discover = calloc(1, sizeof(*discover));
    int error;

    if (!discover)
        return -ENOMEM;
    hall->discover = discover;
    error = create_announcer(hall, hall->config, &discover->announcer);
    if (error == 0)
        error = sd_event_add_time(hall->loop, &discover->later, CLOCK_BOOTTIME, 0, ACCURACY_US,
                                  on_later, hall);
    if (error >= 0)
        error = sd_event_add_defer(hall->loop, &discover->more, on_more, hall);
    if (error < 0)
        return error;
    sd_event_source_set_enabled(discover->later, SD_EVENT_OFF);
    sd_event_source_set_enabled(discover->more, SD_EVENT_OFF);
    if (hall->store)
        (void)store_load(hall->store, STORE_SETTING, restore_removed, hall);
    /* Visitors and commands come first. */
    error = sd_event_source_set_priority(discover->more, SD_EVENT_PRIORITY_IDLE);
    return error < 0 ? error : 0;
}

void hall_discover_destroy(struct hall *hall)
{
    if (!hall->discover)
        return;
    sd_event_source_disable_unref(hall->discover->later);
    sd_event_source_disable_unref(hall->discover->more);
    announcer_destroy(hall->discover->announcer);
    free(hall->discover);
    hall->discover = NULL;
}
