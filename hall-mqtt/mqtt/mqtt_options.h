/* mqtt_options: an own copy of the options of an MQTT client. For mqtt.c. */
#ifndef HALL_MQTT_MQTT_OPTIONS_H
#define HALL_MQTT_MQTT_OPTIONS_H

#include "mqtt/mqtt.h"

/* What must be there, is. */
bool mqtt_options_are_valid(const struct mqtt_options *options);
/* -ENOMEM; mqtt_options_finish then frees what was copied. */
int mqtt_options_copy(const struct mqtt_options *options, struct mqtt_options *ret_copy);
void mqtt_options_finish(struct mqtt_options *copy);

#endif
