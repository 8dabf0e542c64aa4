#include <string.h>

#include "core/facts/projects.h"

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

/* What an agent says that names no containers, but their project. */
static const struct container_told *find_nameless(const struct containers_told *told,
                                                  const char *id)
{
    for (size_t i = 0; i < told->n; i++)
        if (!told->list[i].name[0] && strcmp(told->list[i].project, id) == 0)
            return &told->list[i];
    return NULL;
}

static void see_configured(struct project *project, const char *id,
                           const struct containers_told *told)
{
    for (size_t i = 0; i < project->n; i++) {
        const struct container_told *one = find_told(told, project->containers[i].name);

        take(&project->containers[i], one ? one : find_nameless(told, id));
    }
}

/* What is under way with those found before. */
static void keep_orders(struct project *project, const struct container *was, size_t n)
{
    for (size_t i = 0; i < project->n; i++)
        for (size_t k = 0; k < n; k++) {
            if (strcmp(project->containers[i].name, was[k].name) != 0)
                continue;
            project->containers[i].ordered = was[k].ordered;
            project->containers[i].leaving = was[k].leaving;
        }
}

/* Those that carry its id as their project. */
static void find_all(struct project *project, const char *id, const struct containers_told *told)
{
    project->n = 0;
    for (size_t i = 0; i < told->n && project->n < PROJECT_FOUND_MAX; i++) {
        if (strcmp(told->list[i].project, id) != 0)
            continue;
        text_copy(project->found[project->n], CONTAINER_NAME_SIZE,
                  told->list[i].name[0] ? told->list[i].name : id);
        project->containers[project->n] = (struct container){.name = project->found[project->n]};
        take(&project->containers[project->n++], &told->list[i]);
    }
}

static void see_found(struct project *project, const char *id, const struct containers_told *told)
{
    char names[PROJECT_FOUND_MAX][CONTAINER_NAME_SIZE];
    struct container was[PROJECT_FOUND_MAX];
    const size_t n = project->n;

    for (size_t i = 0; i < n; i++) {
        memcpy(names[i], project->found[i], sizeof(names[i]));
        was[i] = project->containers[i];
        was[i].name = names[i];
    }
    find_all(project, id, told);
    keep_orders(project, was, n);
}

void project_told(struct step *step, struct project *project, const struct containers_told *told)
{
    const char *id = step->fleet->model->sites[project->site].id;

    /* What Docker was said to ail is over when it is back. */
    if (told->docker_up && !project->docker_up)
        project->trouble = FACT(NONE);
    project->seen = true;
    project->docker_up = told->docker_up;
    if (!told->docker_up) {
        for (size_t i = 0; i < project->n; i++)
            take(&project->containers[i], &(struct container_told){.state = CONTAINER_UNKNOWN});
        project->trouble = fact_is(&told->problem, FACT_NONE) ? FACT(DOCKER_SILENT) : told->problem;
    } else if (project->configured) {
        see_configured(project, id, told);
    } else {
        see_found(project, id, told);
    }
}

/* What that means. */

static bool is_stopped_state(unsigned state)
{
    return state == CONTAINER_CREATED || state == CONTAINER_EXITED || state == CONTAINER_PAUSED ||
           state == CONTAINER_DEAD;
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

bool container_is_up(const struct container *container)
{
    return !is_stopped_state(container->state) && container->state != CONTAINER_MISSING;
}

/* What another project names as well may run for that one. */
static bool is_up_itself(const struct container *container)
{
    return container_is_up(container) && !container->listed;
}

static bool is_sick(const struct container *container)
{
    return container->state == CONTAINER_RESTARTING ||
           (container->state == CONTAINER_RUNNING && container->health == HEALTH_UNHEALTHY);
}

static bool is_unfit(const struct container *container)
{
    return container->state != CONTAINER_RUNNING ||
           (container->health != HEALTH_NONE && container->health != HEALTH_HEALTHY);
}

static bool is_busy(const struct container *container)
{
    return container->busy && container->state == CONTAINER_RUNNING;
}

const struct container *project_missing(const struct project *project)
{
    return first(project, is_missing);
}

const struct container *project_sick(const struct project *project)
{
    return first(project, is_sick);
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
    return project->configured || !first(project, is_up_itself);
}

bool project_has_up(const struct project *project)
{
    return first(project, container_is_up);
}

bool project_is_running(const struct project *project)
{
    return project->docker_up && project->n > 0 && !project_is_stopped(project) &&
           project_has_up(project);
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
    return first(project, is_busy);
}

bool project_is_leaving(const struct project *project)
{
    for (size_t i = 0; i < project->n; i++)
        if (project->containers[i].leaving)
            return true;
    return false;
}

/* May visitors be let through, as far as its containers say? The site's own check says more: what
 * it answers counts, whatever the containers' health is. */
bool project_admits(const struct power *power, const struct project *project, bool has_check)
{
    if (project->order == PROJECT_STOP || project->order == PROJECT_RESTART ||
        project_is_leaving(project))
        return false;
    if (!project_is_known(power, project) || (project->configured && project->n == 0))
        return true;
    if (project_is_stopped(project))
        return false;
    return has_check || (!project->configured && project->docker_up && project->n == 0) ||
           project_is_healthy(project);
}
