/*
 * connections: looks at the connections to this server's published ports: those that end in a
 * socket of this machine and those that it forwards. What counts is bytes that move on a connection
 * that stays open. Loop thread only; never waits.
 */
#ifndef HALL_AGENT_CONNECTIONS_H
#define HALL_AGENT_CONNECTIONS_H

#include "bridges/agent/activity.h"

struct connections;

/* limits: borrowed. -ENOMEM. */
int connections_create(const struct activity_limits *limits, struct connections **ret_connections);
void connections_destroy(struct connections *connections);

/* Looks, and judges by the window. True: something new may count, and will be judged by a look that
 * comes TRAFFIC_SETTLE_MS later. */
bool connections_look(struct connections *connections, int64_t now, int64_t window_ms,
                      struct activity_connections *ret_connections);

#endif
