#include "core/project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/step.h"

/* Names. */

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

/* What the agent tells. */

static void take(struct container *container, const struct container_told *told)
{
    container->state = (uint8_t)(told ? told->state : CONTAINER_MISSING);
    container->health = (uint8_t)(told ? told->health : HEALTH_NONE);
    container->busy = told && told->busy;
}

static const struct container_told *find_told(const struct containers_told *told, const char *name)
{
    for (size_t i = 0; i < told->n; i++)
        if (strcmp(told->list[i].name, name) == 0)
            return &told->list[i];
    return NULL;
}

static void see_configured(struct project *project, const struct containers_told *told)
{
    for (size_t i = 0; i < project->n; i++)
        take(&project->containers[i], find_told(told, project->containers[i].name));
}

/* Those that carry its id as their project. */
static void see_found(struct project *project, const char *id, const struct containers_told *told)
{
    project->n = 0;
    for (size_t i = 0; i < told->n && project->n < PROJECT_FOUND_MAX; i++) {
        if (strcmp(told->list[i].project, id) != 0)
            continue;
        text_copy(project->found[project->n], CONTAINER_NAME_SIZE, told->list[i].name);
        project->containers[project->n].name = project->found[project->n];
        take(&project->containers[project->n++], &told->list[i]);
    }
}

static void see_nothing(struct project *project, const char *why)
{
    for (size_t i = 0; i < project->n; i++)
        project->containers[i] =
            (struct container){.name = project->containers[i].name, .state = CONTAINER_UNKNOWN};
    text_copy(project->trouble, sizeof(project->trouble),
              why[0] ? why : "Docker does not answer its agent");
}

void project_told(struct step *step, struct project *project, const struct containers_told *told)
{
    const char *id = step->fleet->model->sites[project->site].id;

    /* What Docker was said to ail is over when it is back. */
    if (told->docker_up && !project->docker_up)
        project->trouble[0] = '\0';
    project->seen = true;
    project->docker_up = told->docker_up;
    if (!told->docker_up)
        see_nothing(project, told->problem);
    else if (project->configured)
        see_configured(project, told);
    else
        see_found(project, id, told);
}

/* What that means. */

static bool is_stopped_state(unsigned state)
{
    return state == CONTAINER_CREATED || state == CONTAINER_EXITED || state == CONTAINER_PAUSED ||
           state == CONTAINER_DEAD;
}

static bool runs_well(const struct container *container)
{
    return container->state == CONTAINER_RUNNING &&
           (container->health == HEALTH_NONE || container->health == HEALTH_HEALTHY);
}

/* The first container of which this is true, or NULL. */
static const struct container *first(const struct project *project,
                                     bool (*is)(const struct container *))
{
    for (size_t i = 0; i < project->n; i++)
        if (is(&project->containers[i]))
            return &project->containers[i];
    return NULL;
}

static bool is_missing(const struct container *container)
{
    return container->state == CONTAINER_MISSING;
}

static bool is_stopped(const struct container *container)
{
    return is_stopped_state(container->state);
}

static bool is_not_stopped(const struct container *container)
{
    return !is_stopped_state(container->state) && container->state != CONTAINER_MISSING;
}

static bool is_sick(const struct container *container)
{
    return container->state == CONTAINER_RESTARTING ||
           (container->state == CONTAINER_RUNNING && container->health == HEALTH_UNHEALTHY);
}

static bool is_unfit(const struct container *container)
{
    return !runs_well(container);
}

static bool is_busy(const struct container *container)
{
    return container->busy && container->state == CONTAINER_RUNNING;
}

bool project_is_known(const struct power *power, const struct project *project)
{
    return project->seen && power->evidence.agent == AGENT_ONLINE;
}

/* All that are named belong to it; of those found by their label, one may have done its work. */
bool project_is_stopped(const struct project *project)
{
    if (!project->docker_up || !first(project, is_stopped))
        return false;
    return project->configured || !first(project, is_not_stopped);
}

bool project_is_running(const struct project *project)
{
    return project->docker_up && project->n > 0 && !project_is_stopped(project) &&
           first(project, is_not_stopped);
}

bool project_is_whole(const struct project *project)
{
    return project->docker_up && project->n > 0 && !first(project, is_missing);
}

bool project_is_healthy(const struct project *project)
{
    return project->docker_up && project->n > 0 && !first(project, is_unfit);
}

bool project_is_busy(const struct project *project)
{
    return first(project, is_busy) != NULL;
}

/* May visitors be let through, as far as its containers say? The site's own check says more: what
 * it answers counts, whatever the containers' health is. */
bool project_admits(const struct power *power, const struct project *project, bool has_check)
{
    if (project->order == PROJECT_STOP || project->order == PROJECT_RESTART)
        return false;
    if (!project_is_known(power, project) || (project->configured && project->n == 0))
        return true;
    if (project_is_stopped(project))
        return false;
    return has_check || (!project->configured && project->docker_up && project->n == 0) ||
           project_is_healthy(project);
}

/* Its state. */

static struct project *find(const struct fleet *fleet, int site)
{
    const int place = fleet->sites[site].project;

    return place == MODEL_NONE ? NULL : &fleet->projects[place];
}

const struct project *fleet_project(const struct fleet *fleet, int site)
{
    return find(fleet, site);
}

struct project *project_of(const struct step *step, int site)
{
    return find(step->fleet, site);
}

static const struct power *power_of(const struct fleet *fleet, int site)
{
    return &fleet->powers[fleet->model->sites[site].server];
}

bool fleet_project_is_known(const struct fleet *fleet, int site)
{
    const struct project *project = find(fleet, site);

    return project && project_is_known(power_of(fleet, site), project);
}

/* On the way, and not known to be in vain. */
static bool is_coming(const struct project *project)
{
    return project->order == PROJECT_START || project->order == PROJECT_RESTART ||
           (project->wanted && !project->was_ready);
}

static enum project_state state_by_containers(const struct project *project, bool booting,
                                              bool ready)
{
    if (!project->docker_up)
        return booting ? PROJECT_STARTING : PROJECT_UNHEALTHY;
    if (first(project, is_missing))
        return booting ? PROJECT_STARTING : PROJECT_MISSING;
    if (project->order == PROJECT_STOP)
        return PROJECT_STOPPED;
    if (project_is_stopped(project))
        return is_coming(project) ? PROJECT_STARTING : PROJECT_STOPPED;
    if (first(project, is_sick))
        return PROJECT_UNHEALTHY;
    if (ready)
        return PROJECT_READY;
    return booting || is_coming(project) ? PROJECT_STARTING : PROJECT_UNHEALTHY;
}

/* Its server is up. */
static enum project_state state_when_up(const struct fleet *fleet, int site,
                                        const struct project *project)
{
    const struct power *power = power_of(fleet, site);
    const bool booting = power->state == POWER_BOOTING;
    const bool ready = fleet->sites[site].ready;

    if (project_is_known(power, project) && project->n > 0)
        return state_by_containers(project, booting, ready);
    if (ready)
        return PROJECT_READY;
    return booting || is_coming(project) ? PROJECT_STARTING : PROJECT_UNHEALTHY;
}

enum project_state fleet_project_state(const struct fleet *fleet, int site)
{
    const struct project *project = find(fleet, site);

    if (!project)
        return fleet->sites[site].ready ? PROJECT_READY : PROJECT_UNKNOWN;
    switch (power_of(fleet, site)->state) {
    case POWER_OFF:
    case POWER_SLEEPING:
    case POWER_WAKE_FAILED:
        return PROJECT_STOPPED;
    case POWER_WAKING:
        return PROJECT_STARTING;
    case POWER_BOOTING:
    case POWER_READY:
    case POWER_DEGRADED:
        return state_when_up(fleet, site, project);
    case POWER_UNKNOWN:
    case POWER_UNREACHABLE:
        break;
    }
    return PROJECT_UNKNOWN;
}

/* What is wrong with it. */

static const struct container *first_with_health(const struct project *project, unsigned health)
{
    for (size_t i = 0; i < project->n; i++)
        if (project->containers[i].state == CONTAINER_RUNNING &&
            project->containers[i].health == health)
            return &project->containers[i];
    return NULL;
}

static bool is_up(const struct power *power)
{
    return power->state == POWER_READY || power->state == POWER_DEGRADED;
}

static enum project_ailment ailment_by_containers(const struct project *project,
                                                  const struct container **ret_container)
{
    const struct container *missing = first(project, is_missing), *sick = first(project, is_sick);

    *ret_container = missing ? missing : sick;
    if (!project->docker_up) {
        *ret_container = NULL;
        return AILMENT_DOCKER;
    }
    if (missing)
        return AILMENT_MISSING;
    if (sick)
        return sick->state == CONTAINER_RESTARTING ? AILMENT_RESTARTS : AILMENT_UNHEALTHY;
    return AILMENT_NONE;
}

/* It is not ready, and that is not known to pass by itself. */
static enum project_ailment ailment_of_silence(const struct project *project,
                                               enum project_state state,
                                               const struct container **ret_container)
{
    if (project->trouble[0])
        return AILMENT_FAILED;
    if (state != PROJECT_UNHEALTHY)
        return AILMENT_NONE;
    *ret_container = first_with_health(project, HEALTH_STARTING);
    return *ret_container ? AILMENT_UNHEALTHY : AILMENT_SILENT;
}

static enum project_ailment find_ailment(const struct fleet *fleet, int site,
                                         const struct container **ret_container)
{
    const struct project *project = find(fleet, site);
    enum project_ailment ailment = AILMENT_NONE;

    *ret_container = NULL;
    if (!project || !is_up(power_of(fleet, site)))
        return AILMENT_NONE;
    if (project_is_known(power_of(fleet, site), project) && project->n > 0)
        ailment = ailment_by_containers(project, ret_container);
    if (ailment != AILMENT_NONE || fleet->sites[site].ready)
        return ailment;
    return ailment_of_silence(project, fleet_project_state(fleet, site), ret_container);
}

enum project_ailment fleet_project_ailment(const struct fleet *fleet, int site,
                                           const char **ret_container)
{
    const struct container *container;
    const enum project_ailment ailment = find_ailment(fleet, site, &container);

    *ret_container = container ? container->name : "";
    return ailment;
}

/* Around the container, or what its last order or Docker came to. */
static const struct {
    const char *before, *behind;
} ailment_texts[AILMENTS] = {
    [AILMENT_NONE] = {"", ""},
    [AILMENT_DOCKER] = {"Docker is down on its server: ", ""},
    [AILMENT_MISSING] = {"its container ", " is not on the server: create it, or correct its name"},
    [AILMENT_RESTARTS] = {"its container ", " restarts again and again: look at its log"},
    [AILMENT_UNHEALTHY] = {"its container ", " is unhealthy: look at its health check and its log"},
    [AILMENT_FAILED] = {"", ""},
    [AILMENT_SILENT] = {"the server is up, but its site does not answer as it should: look at its ",
                        "containers' logs, and at its upstream and health in the configuration"},
};

bool fleet_project_problem(const struct fleet *fleet, int site, char out[REASON_SIZE])
{
    const struct container *container;
    const enum project_ailment ailment = find_ailment(fleet, site, &container);
    const char *about = "";
    char shown[128];

    if (container)
        about = text_show(shown, sizeof(shown), container->name, strlen(container->name));
    else if (ailment == AILMENT_DOCKER || ailment == AILMENT_FAILED)
        about = find(fleet, site)->trouble;
    snprintf(out, REASON_SIZE, "%s%.190s%s", ailment_texts[ailment].before, about,
             ailment_texts[ailment].behind);
    return ailment != AILMENT_NONE;
}

static int compare(const void *a, const void *b)
{
    const int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

int64_t project_expected(const struct project *project)
{
    int32_t times[PROJECT_RUNS_MAX];

    if (!project->wanted || !project->alone || project->n_runs == 0)
        return -1;
    memcpy(times, project->runs, sizeof(times));
    qsort(times, project->n_runs, sizeof(times[0]), compare);
    return project->started + times[project->n_runs / 2];
}
