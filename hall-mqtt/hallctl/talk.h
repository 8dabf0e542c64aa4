/*
 * talk: one conversation with Hall over the broker, for a program that waits: each function returns
 * when what it waits for has come, or when its time is over. MQTT 5, or 3.1.1 where the broker
 * knows no better; then answers are read where everyone reads them. One thread; messages are handed
 * to `hear` from inside the functions that wait.
 */
#ifndef HALL_HALLCTL_TALK_H
#define HALL_HALLCTL_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hallctl/settings.h"
#include "mqtt/mqtt.h"

struct talk;

struct talk_listener {
    /* own: an answer to what was asked here, known by its correlation data (MQTT 5). */
    void (*hear)(void *context, const struct mqtt_message *message, bool own);
    /* What talk_publish sent is done with; refusal: why the broker does not pass it on, or NULL.
     * NULL: a refusal ends talk_wait. */
    void (*taken)(void *context, int id, const char *refusal);
    void *context;
};

enum { TALK_ANSWER_MS = 10000, TALK_WHY_SIZE = 320 };

/* -EHOSTUNREACH: no broker, or it refuses us; -ENOMEM. ret_why says what, and what to do. */
int talk_open(const struct settings *settings, const struct talk_listener *listener,
              struct talk **ret_talk, char ret_why[TALK_WHY_SIZE]);
void talk_close(struct talk *talk);
/* The same for one who wants to know what it was: -ETIMEDOUT: no answer within limit_ms (twice,
 * where the broker may be of 3.1.1), -ECONNRESET and others: talk_why says why. The talk is to be
 * closed then too; NULL: -ENOMEM. */
int talk_try(const struct settings *settings, const struct talk_listener *listener,
             int64_t limit_ms, struct talk **ret_talk);

/* Subscribes, and returns when all that the broker holds there has been heard. -EACCES: it refuses;
 * -ECONNRESET, -ETIMEDOUT. */
int talk_read(struct talk *talk, const char *const *filters, size_t n);

/* Asks for these, what comes from here too, and waits limit_ms at most for the broker's word. What
 * it refuses does not come. */
void talk_subscribe_all(struct talk *talk, const char *const *filters, size_t n, int64_t limit_ms);
/* Publishes with QoS 1, without a wish for answers; ret_id is what `taken` brings. */
int talk_publish(struct talk *talk, const char *topic, const char *payload, int *ret_id);

/* Publishes a command; its answers come to `hear`, on a topic of our own where the broker can that
 * (else subscribe to the result topic as well). -ECONNRESET, -EINVAL. */
int talk_ask(struct talk *talk, const char *topic, const char *payload, size_t length);

/* Until done(context) says so after some message, or the deadline (boot clock, ms; INT64_MAX:
 * none). -ETIMEDOUT, -ECONNRESET (talk_why says more). */
int talk_wait(struct talk *talk, bool (*done)(void *context), void *context, int64_t deadline);

bool talk_is_v5(const struct talk *talk);
const char *talk_why(const struct talk *talk); /* why the connection is gone */

#endif
