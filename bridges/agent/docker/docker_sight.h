/*
 * docker_sight: what is known of the health of the containers in a list, and from where: the list
 * itself, an inspection, or the list before. `before` is NULL where there was none. Pure but for
 * the log.
 */
#ifndef HALL_BRIDGES_AGENT_DOCKER_DOCKER_SIGHT_H
#define HALL_BRIDGES_AGENT_DOCKER_DOCKER_SIGHT_H

#include "bridges/agent/docker/docker_api.h"
#include "bridges/agent/docker/docker_http.h"

/* What need not be inspected again. */
void docker_sight_recall(struct docker_list *list, const struct docker_list *before);
/* The answer to an inspection; one that cannot be read counts as unhealthy. */
void docker_sight_inspected(struct docker_entry *entry, const struct docker_answer *answer,
                            const struct docker_list *before);
/* It went since the list was made; the next one will not have it. */
void docker_sight_gone(struct docker_entry *entry);

#endif
