/*
 * mqtt_link: one connection to a broker, from the look-up of its name until it fails or is closed;
 * never tried again. Driven from the sd-event loop, blocks nowhere but in mqtt_link_turn. The only
 * door to libmosquitto. The caller knows how long an answer may take and gives up on its own. Loop
 * thread only; for mqtt.c and mqtt_sender.c, and for hallctl, which connects once. There the
 * options need no will.
 */
#ifndef HALL_MQTT_MQTT_LINK_H
#define HALL_MQTT_MQTT_LINK_H

#include "mqtt/mqtt.h"

struct mqtt_link;

/* Borrowed until the link is closed. */
struct mqtt_link_setup {
    const struct mqtt_options *options;
    const char *mark; /* tells own messages from others', and this process from the one before */
    unsigned turn;    /* which of a name's addresses */
    bool v311;
};

/* Called from the loop, or from inside the functions below; the link must not be closed there. */
struct mqtt_link_listener {
    void (*started)(void *context);  /* there is a socket; its answer is to be waited for */
    void (*accepted)(void *context); /* by the broker */
    /* refusal: of at least one of the filters, or NULL. */
    void (*subscribed)(void *context, int id, const char *refusal);
    /* A message of QoS 1 is done with; refusal: why the broker does not pass it on, or NULL. */
    void (*taken)(void *context, int id, const char *refusal);
    /* own: one that mqtt_link_publish marked. */
    void (*message)(void *context, const struct mqtt_message *message, bool own);
    /* Once, and the last of all; nothing can be sent from now on. */
    void (*failed)(void *context, const char *why);
};

/* -ENOMEM. Every other failure is told to the listener, maybe before this returns. */
int mqtt_link_open(sd_event *loop, const struct mqtt_link_setup *setup,
                   const struct mqtt_link_listener *listener, void *context,
                   struct mqtt_link **ret_link);
/* Ends it where it stands, without a word to the broker; waits at most so long for the thread that
 * looks the name up. NULL does nothing. */
void mqtt_link_close(struct mqtt_link *link, int64_t limit_ms);

struct mqtt_parcel {
    const char *topic, *payload;
    size_t length;
    int qos;
    bool retain;
    bool marked;             /* recognized when it comes back (MQTT 5) */
    const void *correlation; /* MQTT 5, or NULL */
    size_t correlation_length;
    const char *response_topic; /* MQTT 5, or NULL */
};

/* -EBADMSG: this one can never be sent, ret_refusal says why; -ENOTCONN: failed. */
int mqtt_link_publish(struct mqtt_link *link, const struct mqtt_parcel *parcel, int *ret_id,
                      const char **ret_refusal);

enum mqtt_link_reading {
    MQTT_LINK_OTHERS,      /* what others publish, and what the broker holds of it */
    MQTT_LINK_ALL,         /* the same and what comes from here */
    MQTT_LINK_OTHERS_ONLY, /* what others publish from now on */
};
/* ret_id may be NULL when nobody waits for the answer; unset when failed. */
void mqtt_link_subscribe(struct mqtt_link *link, const char *const *filters, size_t n, int qos,
                         enum mqtt_link_reading reading, int *ret_id);
void mqtt_link_unsubscribe(struct mqtt_link *link, const char *const *filters, size_t n);

/* Keeps the connection alive; to be called at least every 8 s. */
void mqtt_link_tick(struct mqtt_link *link);
/* Waits for the broker until the deadline (boot clock, ms), for a second at most, and does what
 * there is to do. False when the connection or the time is over. */
bool mqtt_link_turn(struct mqtt_link *link, int64_t deadline);
/* Says goodbye; the broker ends the connection when it has read that. */
void mqtt_link_disconnect(struct mqtt_link *link);

/* When the broker was last heard of, boot clock, ms; 0: never. */
int64_t mqtt_link_heard(const struct mqtt_link *link);

/* Whether the broker may know no MQTT 5, as far as it was spoken. */
enum mqtt_link_doubt {
    MQTT_LINK_SURE,    /* it does, or nothing is known of that */
    MQTT_LINK_TOO_NEW, /* it said so, or answered as no broker of MQTT 5 does */
    MQTT_LINK_HUNG_UP, /* it took the connection and ended it without an answer, as RabbitMQ 3.10
                          does; or it was just about to end */
    MQTT_LINK_SILENT,  /* no answer until now, as of aMQTT; or it is slow */
};
enum mqtt_link_doubt mqtt_link_doubt(const struct mqtt_link *link);
/* It ended because another client came with the same client id (MQTT 5; 3.1.1 does not tell). */
bool mqtt_link_taken_over(const struct mqtt_link *link);

bool mqtt_link_topic_matches(const char *filter, const char *topic);
/* One that may be published to. */
bool mqtt_link_topic_is_valid(const char *topic);

#endif
