/*
 * mqtt_hear: what is heard on a connection: subscriptions, what the broker holds of our own
 * retained messages, the echo that tells that all of it has come, what is browsed below others'
 * filters, and what is passed on to the listener. For mqtt_session.c, whose state it moves.
 */
#ifndef HALL_MQTT_MQTT_HEAR_H
#define HALL_MQTT_MQTT_HEAR_H

#include "mqtt/mqtt_session.h"

/* Of struct mqtt_link_listener; the context is a struct mqtt. */
void mqtt_hear_accepted(void *context);
void mqtt_hear_subscribed(void *context, int id, const char *refusal);
void mqtt_hear_message(void *context, const struct mqtt_message *message, bool own);

/* Reads what the broker holds below the browsed filters. */
void mqtt_hear_browse(struct mqtt *mqtt);
/* This is sent on a topic that is heard, too: over 3.1.1 it comes back, and is not passed on. */
void mqtt_hear_left(struct mqtt *mqtt, const char *topic, const void *payload, size_t length);
/* Sends a message to ourselves: what was sent before it, the broker has had. */
void mqtt_hear_echo(struct mqtt *mqtt);
/* The echo has not come back yet while the broker replays: asks again, or gives up. */
void mqtt_hear_replay(struct mqtt *mqtt, int64_t now);

#endif
