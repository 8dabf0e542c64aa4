/*
 * mqtt_sender: what is to be sent and what is on its way. Hands over to the link as much as may be
 * on its way at once, the outbox first, the listener's spare messages last, and keeps each message
 * until the broker took it. Says in the log what is refused, and what was dropped. For mqtt.c.
 */
#ifndef HALL_MQTT_MQTT_SENDER_H
#define HALL_MQTT_MQTT_SENDER_H

#include "mqtt/mqtt_link.h"
#include "mqtt/outbox.h"
#include "mqtt/retained.h"

enum {
    MQTT_FLIGHTS_MAX = 20, /* QoS 1 messages on their way at once */
    MQTT_SPARES_MAX = 4,   /* spare ones among them */
};

/* One QoS 1 message on its way: one of the three is set. */
struct mqtt_flight {
    int id; /* 0: free */
    struct retained_entry *entry;
    struct outbox_message *message;
    bool spare;
    uint64_t token; /* of a spare one */
};

struct mqtt_sender {
    const char *user;                     /* borrowed; named in the log */
    const struct mqtt_listener *listener; /* borrowed; has the spare messages */
    void *context;
    struct retained *retained;
    struct outbox outbox;
    struct mqtt_flight flights[MQTT_FLIGHTS_MAX];
    int64_t complained_at;       /* boot clock, ms; 0: never */
    size_t untold[OUTBOX_KINDS]; /* dropped, and not in the log yet */
    int64_t told_dropped_at;     /* likewise */
};

/* -ENOMEM. */
int mqtt_sender_init(struct mqtt_sender *sender, const char *user,
                     const struct mqtt_listener *listener, void *context);
void mqtt_sender_finish(struct mqtt_sender *sender);

/* What the broker holds of ours is known by now; with_spare: and what it holds below the browsed
 * filters. */
void mqtt_sender_pump(struct mqtt_sender *sender, struct mqtt_link *link, bool with_spare);
/* The link's word on a message; false when it is none of those on their way. */
bool mqtt_sender_taken(struct mqtt_sender *sender, int id, const char *refusal);
/* The connection is gone. */
void mqtt_sender_lost(struct mqtt_sender *sender);

/* Something waits or is on its way. */
bool mqtt_sender_has_work(const struct mqtt_sender *sender);
/* What was dropped is told the listener at once, and the log every ten seconds. */
void mqtt_sender_tell_dropped(struct mqtt_sender *sender);

#endif
