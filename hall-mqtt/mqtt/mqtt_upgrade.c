#include "mqtt/mqtt_upgrade.h"

enum { FIRST_MS = 5000, MOST_MS = 3600000 };

static void on_started(void *context)
{
    (void)context;
}

static void on_accepted(void *context)
{
    ((struct mqtt_upgrade *)context)->agreed = true;
}

static void on_answer(void *context, int id, const char *refusal)
{
    (void)context;
    (void)id;
    (void)refusal;
}

static void on_message(void *context, const struct mqtt_message *message, bool own)
{
    (void)context;
    (void)message;
    (void)own;
}

static void on_failed(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static const struct mqtt_link_listener listener = {
    .started = on_started,
    .accepted = on_accepted,
    .subscribed = on_answer,
    .taken = on_answer,
    .message = on_message,
    .failed = on_failed,
};

bool mqtt_upgrade_tick(struct mqtt_upgrade *upgrade, sd_event *loop,
                       const struct mqtt_options *options, int64_t now)
{
    if (upgrade->agreed)
        return true;
    if (now < upgrade->at)
        return false;
    if (!upgrade->link) {
        const struct mqtt_link_setup setup = {.options = &upgrade->options, .mark = ""};
        upgrade->options = *options;
        upgrade->options.will_topic = NULL;
        upgrade->options.client_id = upgrade->client_id;
        client_id_random("check", upgrade->client_id);
        upgrade->at = now + MQTT_UPGRADE_ANSWER_MS;
        (void)mqtt_link_open(loop, &setup, &listener, upgrade, &upgrade->link);
        return false;
    }
    mqtt_link_close(upgrade->link, 0);
    upgrade->link = NULL;
    upgrade->wait = upgrade->wait == 0 ? FIRST_MS : upgrade->wait * 2;
    if (upgrade->wait > MOST_MS)
        upgrade->wait = MOST_MS;
    upgrade->at = now + upgrade->wait;
    return false;
}

void mqtt_upgrade_end(struct mqtt_upgrade *upgrade)
{
    mqtt_link_close(upgrade->link, 0);
    *upgrade = (struct mqtt_upgrade){0};
}
