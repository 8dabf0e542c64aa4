/*
 * out_discovery: Home Assistant: carries what ha-discovery/announcer.c offers to the broker,
 * whenever nothing else waits there, and what is heard there back. Loop thread only.
 */
#ifndef HALL_HALL_OUT_DISCOVERY_H
#define HALL_HALL_OUT_DISCOVERY_H

#include "ha-discovery/announcer.h"
#include "hall/current.h"
#include "hall/outlet.h"
#include "mqtt/mqtt.h"
#include "store/store.h"

struct out_discovery;

/* All are borrowed and outlive it. -ENOMEM, -errno. */
int out_discovery_create(sd_event *loop, const struct current *current, struct mqtt *mqtt,
                         struct store *store, struct outlets *outlets,
                         struct out_discovery **ret_out);
void out_discovery_destroy(struct out_discovery *out);
extern const struct outlet_ops out_discovery_outlet; /* context: a struct out_discovery */

/* What is to be heard of the broker for it. */
void out_discovery_filters(const struct config *config, char ret_filters[2][DISCOVERY_TOPIC_SIZE]);
bool out_discovery_message(struct out_discovery *out,
                           const struct mqtt_message *message); /* false: none of its own */
/* As in struct mqtt_listener; context: a struct out_discovery. */
void out_discovery_browsed(void *context);
bool out_discovery_spare(void *context, struct mqtt_spare *ret_spare);
void out_discovery_taken(void *context, uint64_t token, bool taken);

/* Everything, also what was deleted; its end is told (NEWS_ENDED). */
void out_discovery_announce(struct out_discovery *out);
/* A new configuration: what may fail, and what may not, while both stand. */
int out_discovery_prepare(struct out_discovery *out, const struct config *config,
                          struct announcer **ret_announcer);
void out_discovery_adopt(struct out_discovery *out, struct announcer *announcer);

#endif
