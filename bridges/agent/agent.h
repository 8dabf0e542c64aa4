/*
 * agent: the parts of hall-agent on one loop thread, and the sleep between them. A command is
 * checked, the server is looked at afresh, then it is refused with the vetoes or accepted; an
 * accepted sleep says "sleeping" on the bus, waits until the broker took that, and only then asks
 * logind. Whoever else sends the machine to sleep: the same goodbye under the delay inhibitor. Owns
 * everything it creates; the configuration is borrowed.
 */
#ifndef HALL_AGENT_AGENT_H
#define HALL_AGENT_AGENT_H

#include "bridges/agent/config_agent.h"

struct agent;

/* password: at the broker, or NULL. -ENOMEM, -errno; said in the log. */
int agent_create(const struct config_agent *config, const char *password, struct agent **ret_agent);
/* Until SIGTERM or SIGINT. 0 or -errno. */
int agent_run(struct agent *agent);
void agent_destroy(struct agent *agent);

#endif
