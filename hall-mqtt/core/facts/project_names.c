#include <string.h>

#include "core/facts/project.h"

static const char *const state_names[PROJECT_STATES] = {
    [PROJECT_UNKNOWN] = "unknown",     [PROJECT_MISSING] = "missing",
    [PROJECT_STOPPED] = "stopped",     [PROJECT_STARTING] = "starting",
    [PROJECT_UNHEALTHY] = "unhealthy", [PROJECT_READY] = "ready",
};

static const char *const verb_names[PROJECT_VERBS] = {
    [PROJECT_NOTHING] = "nothing",
    [PROJECT_START] = "start",
    [PROJECT_STOP] = "stop",
    [PROJECT_RESTART] = "restart",
};

static const char *const container_names[CONTAINER_STATES] = {
    [CONTAINER_MISSING] = "missing",   [CONTAINER_UNKNOWN] = "unknown",
    [CONTAINER_CREATED] = "created",   [CONTAINER_RUNNING] = "running",
    [CONTAINER_PAUSED] = "paused",     [CONTAINER_RESTARTING] = "restarting",
    [CONTAINER_REMOVING] = "removing", [CONTAINER_EXITED] = "exited",
    [CONTAINER_DEAD] = "dead",
};

static const char *const health_names[HEALTHS] = {
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};

const char *project_state_name(enum project_state state)
{
    return state_names[state];
}

const char *project_verb_name(enum project_verb verb)
{
    return verb_names[verb];
}

const char *container_state_name(enum container_state state)
{
    return container_names[state];
}

enum container_state container_state_from_name(const char *name)
{
    for (unsigned i = CONTAINER_CREATED; name && i < CONTAINER_STATES; i++)
        if (strcmp(container_names[i], name) == 0)
            return (enum container_state)i;
    return CONTAINER_UNKNOWN;
}

const char *container_health_name(enum container_health health)
{
    return health_names[health];
}

/* A word that nobody knows is not healthy. */
enum container_health container_health_from_name(const char *name)
{
    if (!name || !name[0] || strcmp(name, "none") == 0)
        return HEALTH_NONE;
    for (unsigned i = HEALTH_STARTING; i < HEALTHS; i++)
        if (strcmp(health_names[i], name) == 0)
            return (enum container_health)i;
    return HEALTH_UNHEALTHY;
}
