/* address: what a host's name stands for. No state. */
#ifndef HALL_MQTT_ADDRESS_H
#define HALL_MQTT_ADDRESS_H

#include <stdbool.h>

enum { ADDRESS_SIZE = 64 }; /* with the zone of a link-local one */

/* Of either family, and nothing to be looked up. */
bool address_is_numeric(const char *host);
/* Looks a name up, which may take long. One that has several addresses gives each in its turn.
 * False when it has none. */
bool address_pick(const char *host, unsigned turn, char out[ADDRESS_SIZE]);

#endif
