/*
 * outbox: messages to be sent once, in order, kept until the broker took them. At most OUTBOX_MAX
 * messages and OUTBOX_BYTES bytes: the oldest that is not on its way gives room for a new one and
 * is counted. Does no I/O.
 */
#ifndef HALL_MQTT_OUTBOX_H
#define HALL_MQTT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

enum { OUTBOX_MAX = 256, OUTBOX_BYTES = 1 << 20 };

struct outbox_message {
    struct outbox_message *next;
    bool flying; /* sent, not acknowledged */
    bool retain; /* the broker is to keep it */
    size_t topic_size, length, correlation_length;
    char bytes[]; /* the topic with its NUL, the payload, the correlation data */
};

struct outbox {
    struct outbox_message *first, *last;
    size_t n, bytes;
    size_t dropped; /* since outbox_take_dropped */
};

void outbox_finish(struct outbox *outbox);

/* -EMSGSIZE: larger than the whole outbox; -ENOMEM. */
int outbox_add(struct outbox *outbox, const char *topic, const void *correlation,
               size_t correlation_length, const char *payload, size_t length);
/* The same; the broker is to keep it. */
int outbox_add_retained(struct outbox *outbox, const char *topic, const char *payload,
                        size_t length);

/* The next to be sent, on its way from now; NULL when none waits. */
struct outbox_message *outbox_next(struct outbox *outbox);
/* The broker took it: frees it. */
void outbox_acknowledged(struct outbox *outbox, struct outbox_message *message);
/* The connection is gone: everything waits again. */
void outbox_unsent(struct outbox *outbox);

/* How many were dropped since this was last asked. */
size_t outbox_take_dropped(struct outbox *outbox);

const char *outbox_topic(const struct outbox_message *message);
const char *outbox_payload(const struct outbox_message *message);
const char *outbox_correlation(const struct outbox_message *message); /* NULL when none */

#endif
