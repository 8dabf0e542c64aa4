/*
 * relay: sends the magic packets that Hall asks for, on a LAN where Hall is not. One connection to
 * the broker, one loop thread. Made by main() in three phases: create may fail, run must not,
 * destroy finishes.
 */
#ifndef HALL_BRIDGES_RELAY_RELAY_H
#define HALL_BRIDGES_RELAY_RELAY_H

#include "bridges/relay/config_relay.h"

struct relay;

/* config is borrowed. 0 or -errno; the log says what failed and what to do. */
int relay_create(const struct config_relay *config, const char *password, struct relay **ret_relay);
/* Until SIGTERM or SIGINT. */
int relay_run(struct relay *relay);
void relay_destroy(struct relay *relay);

#endif
