/*
 * mqtt_link_internal: what the files of mqtt_link share: mqtt_link.c hears and ends, and has the
 * socket, mqtt_link_start.c begins, mqtt_link_send.c sends. The only door to libmosquitto.
 */
#ifndef HALL_MQTT_MQTT_LINK_INTERNAL_H
#define HALL_MQTT_MQTT_LINK_INTERNAL_H

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "mqtt/mqtt_link.h"
#include "mqtt/offload.h"

enum { MQTT_NOTE_SIZE = 64 };

/* What libmosquitto logs of TLS; begins what it knows as its user data. */
struct mqtt_note {
    char text[MQTT_NOTE_SIZE];
};

struct mqtt_link {
    struct mqtt_note note;
    sd_event *loop;
    struct mqtt_link_setup setup;
    const struct mqtt_link_listener *listener;
    void *context;

    struct mosquitto *client; /* NULL while the attempt's thread has it */
    struct offload *attempt;
    sd_event_source *io;
    int64_t heard_at; /* boot clock, ms; 0: never */
    bool failed;
    bool answered; /* the broker said yes or no */
    bool said;     /* it was asked, where TLS had to be agreed on first */
    bool too_new;
    bool hung_up; /* it said neither */
    bool taken_over;
    int start_error; /* errno of the start */
};

#define MQTT_LINK_MARK "publisher" /* name of the user property */

const char *mqtt_link_broker(const struct mqtt_link *link); /* its name, for messages */

/* Tells the first reason: what follows are its consequences. */
void mqtt_link_fail(struct mqtt_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* By libmosquitto's code, and its errno. What no broker of MQTT 5 would do to MQTT 5 is remembered.
 */
void mqtt_link_break_off(struct mqtt_link *link, int rc, int error);
/* After anything that libmosquitto was told to do; errno is its own. -ENOTCONN: it has failed. */
int mqtt_link_settle(struct mqtt_link *link, int rc);

/* Begins to connect; a name goes by way of a thread. */
void mqtt_link_start(struct mqtt_link *link);
/* libmosquitto has a socket; what follows comes from the loop. -errno of sd-event. */
int mqtt_link_watch(struct mqtt_link *link, int fd);

#endif
