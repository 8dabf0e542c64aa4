/*
 * report: what the agent publishes, as JSON with all keys, null where unset. Pure. Each returns 0
 * or -EMSGSIZE, -ENOMEM.
 */
#ifndef HALL_BRIDGES_AGENT_AGENT_WORDS_H
#define HALL_BRIDGES_AGENT_AGENT_WORDS_H

#include "base/buf.h"
#include "bridges/agent/agent_commands.h"
#include "bridges/agent/watch/watch.h"

enum { REPORT_SCHEMA = 1, REPORT_LIMIT = 60000 };

/* rights: what the configuration allows; what it does not cannot be done. */
int report_write(const struct watch_sight *sight, const struct vetoes *vetoes, unsigned rights,
                 unsigned resumes, struct buf *out);
int report_write_containers(const struct docker_view *view, struct buf *out);

enum report_outcome { REPORT_ACCEPTED, REPORT_REFUSED, REPORT_DONE, REPORT_FAILED };
/* why: NULL or FACT_NONE where there is nothing to say. limit_ms: how long the machine may take to
 * go, where it will; else 0. */
int report_write_result(const struct agent_command_name *name, enum report_outcome outcome,
                        const struct fact *why, const struct vetoes *vetoes, int64_t limit_ms,
                        struct buf *out);

#endif
