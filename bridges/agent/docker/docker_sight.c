#include "bridges/agent/docker/docker_sight.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"

static const struct docker_entry *find(const struct docker_list *list, const char *id)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (strcmp(list->entries[i].id, id) == 0)
            return &list->entries[i];
    return NULL;
}

/* A container's health check cannot change, so one without is not inspected again. */
static void recall(struct docker_entry *entry, const struct docker_entry *before)
{
    if (entry->sight == DOCKER_SIGHT_UNKNOWN && before && before->sight == DOCKER_SIGHT_NONE)
        entry->sight = DOCKER_SIGHT_NONE;
}

void docker_sight_recall(struct docker_list *list, const struct docker_list *before)
{
    for (size_t i = 0; i < list->n; i++)
        recall(&list->entries[i], find(before, list->entries[i].id));
}

/* Not to know is not to be healthy. */
static void set_unreadable(struct docker_entry *entry, const struct docker_entry *before)
{
    entry->sight = DOCKER_SIGHT_UNREADABLE;
    text_copy(entry->shown.health, sizeof(entry->shown.health), "unhealthy");
    if (!before || before->sight != DOCKER_SIGHT_UNREADABLE)
        log_warning("docker: the health of %s cannot be read; it counts as unhealthy: inspect it",
                    entry->shown.name);
}

void docker_sight_inspected(struct docker_entry *entry, const struct docker_answer *answer,
                            const struct docker_list *before)
{
    char health[sizeof(entry->shown.health)];
    if (answer->status != 200 || docker_api_health(answer->body, answer->length, health) < 0) {
        set_unreadable(entry, find(before, entry->id));
        return;
    }
    entry->sight = *health ? DOCKER_SIGHT_INSPECTED : DOCKER_SIGHT_NONE;
    text_copy(entry->shown.health, sizeof(entry->shown.health), health);
}

void docker_sight_gone(struct docker_entry *entry)
{
    entry->sight = DOCKER_SIGHT_LISTED;
    text_copy(entry->shown.state, sizeof(entry->shown.state), "removing");
}
