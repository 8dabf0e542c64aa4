#include <stdlib.h>
#include <string.h>

#include "core/facts/projects.h"
#include "core/problem.h"

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
    if (project_missing(project))
        return booting ? PROJECT_STARTING : PROJECT_MISSING;
    if (project->order == PROJECT_STOP || (project_is_leaving(project) && !is_coming(project)))
        return PROJECT_STOPPED;
    if (project_is_looping(project))
        return PROJECT_UNHEALTHY;
    if (project_is_stopped(project))
        return is_coming(project) ? PROJECT_STARTING : PROJECT_STOPPED;
    if (project_sick(project))
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
    const struct container *missing = project_missing(project), *sick = project_sick(project);

    *ret_container = missing ? missing : sick;
    if (!project->docker_up) {
        *ret_container = NULL;
        return AILMENT_DOCKER;
    }
    if (missing)
        return AILMENT_MISSING;
    if (sick)
        return sick->looping || sick->state == CONTAINER_RESTARTING ? AILMENT_RESTARTS
                                                                    : AILMENT_UNHEALTHY;
    return AILMENT_NONE;
}

/* It is not ready, and that is not known to pass by itself. */
static enum project_ailment ailment_of_silence(const struct project *project, bool known,
                                               enum project_state state,
                                               const struct container **ret_container)
{
    if (!fact_is(&project->trouble, FACT_NONE))
        return AILMENT_FAILED;
    if (state != PROJECT_UNHEALTHY)
        return AILMENT_NONE;
    if (!known)
        return project->configured ? AILMENT_AGENT : AILMENT_SILENT;
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
    const bool known = project_is_known(power_of(fleet, site), project);
    if (known && project->n > 0)
        ailment = ailment_by_containers(project, ret_container);
    if (ailment != AILMENT_NONE || fleet->sites[site].ready)
        return ailment;
    if (fault_is_of_tls((enum fault_code)problem_of_site(fleet, site).code))
        return AILMENT_SILENT;
    return ailment_of_silence(project, known, fleet_project_state(fleet, site), ret_container);
}

enum project_ailment fleet_project_ailment(const struct fleet *fleet, int site,
                                           const char **ret_container)
{
    const struct container *container;
    const enum project_ailment ailment = find_ailment(fleet, site, &container);

    *ret_container = container ? container->name : "";
    return ailment;
}

static enum fact_code ailment_code(enum project_ailment ailment)
{
    static const uint8_t codes[AILMENTS] = {
        [AILMENT_AGENT] = FACT_PROJECT_AGENT_SILENT,
        [AILMENT_MISSING] = FACT_PROJECT_MISSING,
        [AILMENT_RESTARTS] = FACT_PROJECT_RESTARTS,
        [AILMENT_UNHEALTHY] = FACT_PROJECT_UNHEALTHY,
    };

    return (enum fact_code)codes[ailment];
}

struct fact fleet_project_problem(const struct fleet *fleet, int site)
{
    const struct container *container;
    const enum project_ailment ailment = find_ailment(fleet, site, &container);
    const struct fact fact = {.parts = {{.code = (uint16_t)ailment_code(ailment)}}};
    const struct fact fault = problem_of_fault(problem_of_site(fleet, site));

    switch (ailment) {
    case AILMENT_DOCKER:
        return fact_because(FACT(PROJECT_DOCKER_DOWN), &find(fleet, site)->trouble);
    case AILMENT_FAILED:
        return find(fleet, site)->trouble;
    case AILMENT_SILENT:
        return fact_is(&fault, FACT_NONE) ? FACT(PROJECT_SITE_SILENT)
                                          : fact_because(FACT(PROJECT_SITE_FAILS), &fault);
    case AILMENT_NONE:
    case AILMENT_AGENT:
    case AILMENT_MISSING:
    case AILMENT_RESTARTS:
    case AILMENT_UNHEALTHY:
        break;
    }
    return fact_with(fact, container ? container->name : NULL, NULL);
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
