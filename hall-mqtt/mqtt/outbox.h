/*
 * outbox: messages to be sent once, in order, kept until the broker took them. At most OUTBOX_BYTES
 * bytes. Where there is no room for a new one, the oldest gives way that is not on its way, and is
 * counted: of the passing ones first, and of the others only where there is no passing one, and
 * never for one. Does no I/O.
 */
#ifndef HALL_MQTT_OUTBOX_H
#define HALL_MQTT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

enum { OUTBOX_BYTES = 1 << 24 };

/* Messages for all subscribers, and messages somebody waits for: an answer, a command. */
enum outbox_kind { OUTBOX_PASSING, OUTBOX_AWAITED };
enum { OUTBOX_KINDS = OUTBOX_AWAITED + 1 };

struct outbox_message {
    struct outbox_message *next;
    enum outbox_kind kind;
    bool flying; /* sent, not acknowledged */
    bool retain; /* the broker is to keep it */
    size_t topic_size, length, correlation_length;
    char bytes[]; /* the topic with its NUL, the payload, the correlation data */
};

struct outbox {
    struct outbox_message *first, *last;
    size_t n, bytes;
    size_t of_kind[OUTBOX_KINDS];
    size_t dropped[OUTBOX_KINDS]; /* since outbox_take_dropped */
};

void outbox_finish(struct outbox *outbox);

/* -EMSGSIZE: there is no room, nor any that may give way; -ENOMEM. Where it was not added, it is
 * counted as dropped. */
int outbox_add(struct outbox *outbox, enum outbox_kind kind, const char *topic,
               const void *correlation, size_t correlation_length, const char *payload,
               size_t length);
/* The same, of the awaited; the broker is to keep it. */
int outbox_add_retained(struct outbox *outbox, const char *topic, const char *payload,
                        size_t length);

/* The next to be sent, on its way from now; NULL when none waits. */
struct outbox_message *outbox_next(struct outbox *outbox);
/* The broker took it: frees it. */
void outbox_acknowledged(struct outbox *outbox, struct outbox_message *message);
/* The connection is gone: everything waits again. */
void outbox_unsent(struct outbox *outbox);

/* How many were dropped since this was last asked. */
size_t outbox_take_dropped(struct outbox *outbox, enum outbox_kind kind);

const char *outbox_topic(const struct outbox_message *message);
const char *outbox_payload(const struct outbox_message *message);
const char *outbox_correlation(const struct outbox_message *message); /* NULL when none */

#endif
