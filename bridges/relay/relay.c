#include "bridges/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "bridges/companion/companion.h"
#include "bridges/relay/relay_guard.h"
#include "bridges/relay/wol_raw.h"
#include "loop/daemon.h"
#include "mqtt/mqtt.h"
#include "words/topic.h"

enum {
    RESULT_LIMIT = 2048,
    TRIM_AFTER_MS = 3000, /* what connecting needed once */
    GOODBYE_MS = 1000,
    TOLD_A_MINUTE = 60,
};

struct relay {
    const struct config_relay *config;
    sd_event *loop;
    sd_event_source *trim;
    struct mqtt *mqtt;
    struct relay_guard guard;
    int raw;               /* of wol_raw_open, or -1 */
    struct log_flood told; /* about requests */
    char state[TOPIC_MAX], send[TOPIC_MAX], result[TOPIC_MAX];
};

/* ---- saying ---- */

static void log_result(struct relay *relay, const struct relay_request *request,
                       const struct relay_result *result)
{
    char mac[MAC_TEXT_SIZE];
    if (!log_may_tell(&relay->told, clock_now().boot, TOLD_A_MINUTE, "requests"))
        return;
    if (result->outcome == RELAY_DONE)
        log_info("packet for %s sent%s%s", text_format_mac(request->mac, mac),
                 result->reason[0] != '\0' ? ", but " : "", result->reason);
    else
        log_warning("request %s %s: %s", result->id, relay_outcome_name(result->outcome),
                    result->reason);
}

/* ---- sending ---- */

static struct wol_target target_of(const struct relay *relay, const struct relay_request *request)
{
    struct wol_target target = {
        .secureon_length = request->secureon_length,
        .broadcast = request->broadcast,
        .port = request->port,
        .interface = relay->config->interface,
    };
    memcpy(target.mac, request->mac, sizeof(target.mac));
    memcpy(target.secureon, request->secureon, sizeof(target.secureon));
    if (target.broadcast.s_addr == 0)
        target.broadcast.s_addr = htonl(INADDR_BROADCAST);
    return target;
}

/* One of the two is enough to wake; the other's failure is told all the same. */
static void send_packet(const struct relay *relay, const struct relay_request *request,
                        struct relay_result *result)
{
    const struct wol_target target = target_of(relay, request);
    const int udp = wol_send(&target);
    const int raw = relay->raw >= 0 ? wol_raw_send(relay->raw, &target) : udp;
    result->outcome = udp < 0 && raw < 0 ? RELAY_FAILED : RELAY_DONE;
    if (udp < 0 || raw < 0)
        snprintf(result->reason, sizeof(result->reason), "%s could not be sent%s%s: %s",
                 udp < 0 && raw < 0 ? "the packet"
                 : udp < 0          ? "the datagram"
                                    : "the frame",
                 target.interface ? " on " : "", target.interface ? target.interface : "",
                 strerror(udp < 0 ? -udp : -raw));
}

/* ---- the bus ---- */

static void on_message(void *context, const struct mqtt_message *message)
{
    struct relay *relay = context;
    struct relay_request request;
    struct relay_result result = {.outcome = RELAY_REFUSED};
    if (strcmp(message->topic, relay->send) != 0 || message->length == 0)
        return; /* empty: a retained one was cleared */
    int error = relay_read_request(message->payload, message->length, &request, result.reason);
    if (error == 0)
        error = relay_guard_check(&relay->guard, clock_now(), &request, message->retained,
                                  result.reason);
    text_copy(result.id, sizeof(result.id), request.id);
    if (error == 0)
        send_packet(relay, &request, &result);
    struct buf text = BUF_INIT(RESULT_LIMIT);
    log_result(relay, &request, &result);
    error = relay_write_result(&result, &text);
    if (error == 0)
        error = mqtt_publish(relay->mqtt, relay->result, buf_text(&text), text.length);
    if (error < 0)
        log_error("the result cannot be published: %s", strerror(-error));
    buf_finish(&text);
}

static void on_connected(void *context, bool connected, const char *why)
{
    struct relay *relay = context;
    if (!connected) {
        log_warning("not connected to the broker: %s", why);
        return;
    }
    log_info("%s", why);
    (void)daemon_trim(relay->loop, TRIM_AFTER_MS, &relay->trim);
}

static const struct mqtt_listener listener = {.message = on_message, .connected = on_connected};

/* ---- life ---- */

static int open_raw(struct relay *relay)
{
    relay->raw = -1;
    if (!relay->config->raw)
        return 0;
    relay->raw = wol_raw_open();
    if (relay->raw == -EPERM)
        log_error("raw frames need the right CAP_NET_RAW, which hall-wol.service gives; or set "
                  "\"raw\" to false");
    return relay->raw < 0 ? relay->raw : 0;
}

static int relay_init(struct relay *relay, const char *password)
{
    int error = open_raw(relay);
    if (error >= 0)
        error = daemon_create(&relay->loop);
    if (error >= 0)
        error = daemon_trim(relay->loop, TRIM_AFTER_MS, &relay->trim);
    if (error >= 0)
        error = companion_connect(relay->loop, &relay->config->head, password,
                                  &(struct companion_topics){"relay", relay->state, relay->send},
                                  &listener, relay, &relay->mqtt);
    return error < 0 ? error : 0;
}

int relay_create(const struct config_relay *config, const char *password, struct relay **ret_relay)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (!relay)
        return -ENOMEM;
    relay->config = config;
    relay->guard.rate = config->rate;
    const char *base = config->head.mqtt.base_topic, *id = config->head.id;
    topic_format(base, TOPIC_RELAY_STATE, id, NULL, relay->state);
    topic_format(base, TOPIC_RELAY_SEND, id, NULL, relay->send);
    topic_format(base, TOPIC_RELAY_RESULT, id, NULL, relay->result);
    const int error = relay_init(relay, password);
    if (error < 0) {
        log_error("cannot start: %s", strerror(-error));
        relay_destroy(relay);
        return error;
    }
    *ret_relay = relay;
    return 0;
}

int relay_run(struct relay *relay)
{
    log_info("relay %s, version " HALL_VERSION, relay->config->head.id);
    return daemon_run(relay->loop, NULL, NULL);
}

void relay_destroy(struct relay *relay)
{
    if (!relay)
        return;
    mqtt_destroy(relay->mqtt, GOODBYE_MS);
    sd_event_source_disable_unref(relay->trim);
    sd_event_unref(relay->loop);
    if (relay->raw >= 0)
        (void)close(relay->raw);
    free(relay);
}
