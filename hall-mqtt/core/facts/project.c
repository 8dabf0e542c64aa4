#include <string.h>

#include "core/facts/projects.h"

/* What the agent tells. */

static void take(struct container *container, const struct container_told *told)
{
    container->state = (uint8_t)(told ? told->state : CONTAINER_MISSING);
    container->health = (uint8_t)(told ? told->health : HEALTH_NONE);
    container->busy = told && told->busy;
}

enum {
    SETTLES_FIRST = 10000, /* ms: Docker takes one that ran for so long for started */
    SETTLES_MOST = 6,      /* falls after each of which it takes twice as long */
    FALLS_APART = 600000,  /* ms: what lies further back is another matter */
    FALLS_LOOP = 3,        /* of one that nobody but its project's own supervisor starts again */
};

static int64_t settle_time(const struct container *container)
{
    const unsigned falls = container->falls > SETTLES_MOST ? SETTLES_MOST : container->falls;

    return (int64_t)SETTLES_FIRST << (falls > 0 ? falls - 1 : 0);
}

static bool is_end(unsigned state)
{
    return state == CONTAINER_EXITED || state == CONTAINER_DEAD || state == CONTAINER_RESTARTING;
}

/* What it was before it was told of again. One that ends by itself, starts and ends again is one
 * matter, not as many as it has lives. */
static void note_fall(struct container *container, const struct container *was, int64_t now,
                      bool ordered)
{
    container->falls = was->falls;
    container->looping = was->looping;
    container->fell_at = was->fell_at;
    container->settles_at = was->settles_at;
    if (ordered || container->state == CONTAINER_MISSING) {
        container->falls = 0;
        container->looping = false;
        return;
    }
    if (is_end(container->state) &&
        (was->state == CONTAINER_RUNNING ||
         (container->state == CONTAINER_RESTARTING && was->state != CONTAINER_RESTARTING))) {
        container->falls = now - was->fell_at > FALLS_APART ? 1
                           : was->falls < UINT8_MAX         ? (uint8_t)(was->falls + 1)
                                                            : was->falls;
        container->fell_at = now;
        container->looping |=
            container->state == CONTAINER_RESTARTING || container->falls >= FALLS_LOOP;
    }
    if (container->state != was->state)
        container->settles_at = now + settle_time(container);
}

bool project_settle(struct project *project, int64_t now)
{
    bool changed = false;

    for (size_t i = 0; i < project->n; i++) {
        struct container *container = &project->containers[i];

        if (!container->looping || container->state == CONTAINER_RESTARTING ||
            now < container->settles_at)
            continue;
        container->looping = false;
        changed = true;
    }
    return changed;
}

int64_t project_settles_at(const struct project *project)
{
    int64_t at = 0;

    for (size_t i = 0; i < project->n; i++)
        if (project->containers[i].looping &&
            project->containers[i].state != CONTAINER_RESTARTING &&
            (at == 0 || project->containers[i].settles_at < at))
            at = project->containers[i].settles_at;
    return at;
}

static bool is_ordered(const struct project *project, const struct container *container)
{
    return project->order != PROJECT_NOTHING || container->ordered || container->leaving;
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
                           const struct containers_told *told, int64_t now)
{
    for (size_t i = 0; i < project->n; i++) {
        struct container *container = &project->containers[i];
        const struct container_told *one = find_told(told, container->name);
        const struct container was = *container;

        take(container, one ? one : find_nameless(told, id));
        note_fall(container, &was, now, is_ordered(project, &was));
    }
}

/* What is under way with those found before, and what they did. */
static void keep_known(struct project *project, const struct container *was, size_t n, int64_t now)
{
    for (size_t i = 0; i < project->n; i++)
        for (size_t k = 0; k < n; k++) {
            if (strcmp(project->containers[i].name, was[k].name) != 0)
                continue;
            project->containers[i].ordered = was[k].ordered;
            project->containers[i].leaving = was[k].leaving;
            note_fall(&project->containers[i], &was[k], now, is_ordered(project, &was[k]));
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

static void see_found(struct project *project, const char *id, const struct containers_told *told,
                      int64_t now)
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
    keep_known(project, was, n, now);
}

void project_told(struct step *step, struct project *project, const struct containers_told *told)
{
    const char *id = step->fleet->model->sites[project->site].id;

    /* What Docker was said to ail is over when it is back. */
    if (told->docker_up && !project->docker_up)
        project->trouble = FACT(NONE);
    project->seen = true;
    project->told_at = step->now.boot;
    project->docker_up = told->docker_up;
    if (!told->docker_up) {
        for (size_t i = 0; i < project->n; i++)
            take(&project->containers[i], &(struct container_told){.state = CONTAINER_UNKNOWN});
        project->trouble = fact_is(&told->problem, FACT_NONE) ? FACT(DOCKER_SILENT) : told->problem;
    } else if (project->configured) {
        see_configured(project, id, told, step->now.boot);
    } else {
        see_found(project, id, told, step->now.boot);
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
    return container->looping || container->state == CONTAINER_RESTARTING ||
           (container->state == CONTAINER_RUNNING && container->health == HEALTH_UNHEALTHY);
}

static bool is_unfit(const struct container *container)
{
    return container->state != CONTAINER_RUNNING || container->looping ||
           (container->health != HEALTH_NONE && container->health != HEALTH_HEALTHY);
}

static bool is_looping(const struct container *container)
{
    return container->looping;
}

static bool is_busy(const struct container *container)
{
    return container->busy && container->state == CONTAINER_RUNNING;
}

const struct container *project_missing(const struct project *project)
{
    return first(project, is_missing);
}

bool project_is_looping(const struct project *project)
{
    return first(project, is_looping);
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
