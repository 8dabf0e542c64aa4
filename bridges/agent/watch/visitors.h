/*
 * visitors: looks at the connections to this server's published ports: those that end in a
 * socket of this machine and those that it forwards. What counts is bytes that move on a connection
 * that stays open. Loop thread only; never waits.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_VISITORS_H
#define HALL_BRIDGES_AGENT_WATCH_VISITORS_H

#include "bridges/agent/watch/sample.h"

struct visitors;

/* config: borrowed. -ENOMEM. */
int visitors_create(const struct watch_config *config, struct visitors **ret_visitors);
void visitors_destroy(struct visitors *visitors);

/* Looks, and judges by the window. True: something new may count, and will be judged by a look that
 * comes TRAFFIC_SETTLE_MS later. */
bool visitors_look(struct visitors *visitors, int64_t now, int64_t window_ms,
                   struct sample_connections *ret_seen);

#endif
