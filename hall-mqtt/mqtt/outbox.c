#include "mqtt/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void outbox_finish(struct outbox *outbox)
{
    while (outbox->first)
        outbox_acknowledged(outbox, outbox->first);
}

static void message_remove(struct outbox *outbox, struct outbox_message *before,
                           struct outbox_message *message)
{
    if (before)
        before->next = message->next;
    else
        outbox->first = message->next;
    if (outbox->last == message)
        outbox->last = before;
    outbox->n--;
    outbox->of_kind[message->kind]--;
    outbox->bytes -=
        sizeof(*message) + message->topic_size + message->length + message->correlation_length;
    free(message);
}

/* False when none of this kind waits. */
static bool drop_oldest(struct outbox *outbox, enum outbox_kind kind)
{
    struct outbox_message *before = NULL,
                          *message = outbox->of_kind[kind] > 0 ? outbox->first : NULL;
    while (message && (message->flying || message->kind != kind)) {
        before = message;
        message = message->next;
    }
    if (!message)
        return false;
    message_remove(outbox, before, message);
    outbox->dropped[kind]++;
    return true;
}

static bool make_room(struct outbox *outbox, enum outbox_kind kind, size_t bytes)
{
    while (outbox->bytes + bytes > OUTBOX_BYTES)
        if (!drop_oldest(outbox, OUTBOX_PASSING) &&
            (kind == OUTBOX_PASSING || !drop_oldest(outbox, kind)))
            return false;
    return true;
}

static int refuse(struct outbox *outbox, enum outbox_kind kind, int error)
{
    outbox->dropped[kind]++;
    return error;
}

int outbox_add(struct outbox *outbox, enum outbox_kind kind, const char *topic,
               const void *correlation, size_t correlation_length, const char *payload,
               size_t length)
{
    size_t topic_size = strlen(topic) + 1;
    if (topic_size > OUTBOX_BYTES || correlation_length > OUTBOX_BYTES || length > OUTBOX_BYTES)
        return refuse(outbox, kind, -EMSGSIZE);
    size_t bytes = sizeof(struct outbox_message) + topic_size + length + correlation_length;
    if (bytes > OUTBOX_BYTES || !make_room(outbox, kind, bytes))
        return refuse(outbox, kind, -EMSGSIZE);

    struct outbox_message *message = calloc(1, bytes);
    if (!message)
        return refuse(outbox, kind, -ENOMEM);
    message->kind = kind;
    message->topic_size = topic_size;
    message->length = length;
    message->correlation_length = correlation_length;
    memcpy(message->bytes, topic, topic_size);
    if (length > 0)
        memcpy(message->bytes + topic_size, payload, length);
    if (correlation_length > 0)
        memcpy(message->bytes + topic_size + length, correlation, correlation_length);
    if (outbox->last)
        outbox->last->next = message;
    else
        outbox->first = message;
    outbox->last = message;
    outbox->n++;
    outbox->of_kind[kind]++;
    outbox->bytes += bytes;
    return 0;
}

int outbox_add_retained(struct outbox *outbox, const char *topic, const char *payload,
                        size_t length)
{
    int error = outbox_add(outbox, OUTBOX_AWAITED, topic, NULL, 0, payload, length);
    if (error == 0)
        outbox->last->retain = true;
    return error;
}

struct outbox_message *outbox_next(struct outbox *outbox)
{
    struct outbox_message *message = outbox->first;
    while (message && message->flying)
        message = message->next;
    if (message)
        message->flying = true;
    return message;
}

void outbox_acknowledged(struct outbox *outbox, struct outbox_message *message)
{
    struct outbox_message *before = NULL;
    if (outbox->first != message)
        for (before = outbox->first; before->next != message;)
            before = before->next;
    message_remove(outbox, before, message);
}

void outbox_unsent(struct outbox *outbox)
{
    for (struct outbox_message *message = outbox->first; message; message = message->next)
        message->flying = false;
}

size_t outbox_take_dropped(struct outbox *outbox, enum outbox_kind kind)
{
    size_t dropped = outbox->dropped[kind];
    outbox->dropped[kind] = 0;
    return dropped;
}

const char *outbox_topic(const struct outbox_message *message)
{
    return message->bytes;
}

const char *outbox_payload(const struct outbox_message *message)
{
    return message->bytes + message->topic_size;
}

const char *outbox_correlation(const struct outbox_message *message)
{
    return message->correlation_length == 0
               ? NULL
               : message->bytes + message->topic_size + message->length;
}
