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
    outbox->bytes -=
        sizeof(*message) + message->topic_size + message->length + message->correlation_length;
    free(message);
}

/* False when all are on their way. */
static bool drop_oldest(struct outbox *outbox)
{
    struct outbox_message *before = NULL, *message = outbox->first;
    while (message && message->flying) {
        before = message;
        message = message->next;
    }
    if (!message)
        return false;
    message_remove(outbox, before, message);
    outbox->dropped++;
    return true;
}

int outbox_add(struct outbox *outbox, const char *topic, const void *correlation,
               size_t correlation_length, const char *payload, size_t length)
{
    size_t topic_size = strlen(topic) + 1;
    if (topic_size > OUTBOX_BYTES || correlation_length > OUTBOX_BYTES || length > OUTBOX_BYTES)
        return -EMSGSIZE;
    size_t bytes = sizeof(struct outbox_message) + topic_size + length + correlation_length;
    while (outbox->n >= OUTBOX_MAX || outbox->bytes + bytes > OUTBOX_BYTES)
        if (!drop_oldest(outbox))
            return -EMSGSIZE;

    struct outbox_message *message = calloc(1, bytes);
    if (!message)
        return -ENOMEM;
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
    outbox->bytes += bytes;
    return 0;
}

int outbox_add_retained(struct outbox *outbox, const char *topic, const char *payload,
                        size_t length)
{
    int error = outbox_add(outbox, topic, NULL, 0, payload, length);
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

size_t outbox_take_dropped(struct outbox *outbox)
{
    size_t dropped = outbox->dropped;
    outbox->dropped = 0;
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
