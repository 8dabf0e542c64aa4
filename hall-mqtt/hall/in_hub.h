/*
 * in_hub: commands to Hall itself, on hall/command: announce everything to Home Assistant anew,
 * read the configuration anew. The last few are remembered, so that a repeated id is answered, not
 * run again. They end when it is told that they did (NEWS_ENDED). Loop thread only.
 */
#ifndef HALL_HALL_IN_HUB_H
#define HALL_HALL_IN_HUB_H

#include "hall/reload.h"

struct hub;

/* reload is borrowed, with what it was given, and outlives it. -ENOMEM. */
int hub_create(struct reload *reload, struct hub **ret_hub);
void hub_destroy(struct hub *hub);
extern const struct outlet_ops hub_outlet; /* context: a struct hub */

void hub_hear(struct hub *hub, const struct topic *topic, const struct mqtt_message *message);

#endif
