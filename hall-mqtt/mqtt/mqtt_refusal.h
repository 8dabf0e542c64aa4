/*
 * mqtt_refusal: what a broker's "no" to CONNECT means. The reasons are MQTT 5's from 0x80 on; below
 * are those of 3.1.1, which some brokers of 3.1.1 give to MQTT 5 as well. Pure.
 */
#ifndef HALL_MQTT_MQTT_REFUSAL_H
#define HALL_MQTT_MQTT_REFUSAL_H

#include <stdbool.h>

#include "mqtt/mqtt.h"

/* One of MQTT 3.1.1. */
bool mqtt_refusal_is_old(int reason);
/* Nothing that a broker of MQTT 5 would say to a CONNECT of ours. */
bool mqtt_refusal_is_of_version(int reason);
/* What is probably wrong with a login that the broker does not take; "" or a part of a sentence. */
const char *mqtt_refusal_advice(const struct mqtt_options *options, int reason);

#endif
