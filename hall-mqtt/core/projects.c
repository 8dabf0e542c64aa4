#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/emit.h"
#include "core/project_internal.h"

/* --- making --- */

static size_t slots_of(const struct model_site *site)
{
    return site->n_containers > 0 ? site->n_containers : PROJECT_FOUND_MAX;
}

static void init_project(struct project *project, const struct model *model, int site,
                         struct container *containers)
{
    const struct model_site *configured = &model->sites[site];

    project->site = site;
    project->configured = configured->n_containers > 0;
    project->containers = containers;
    project->n = configured->n_containers;
    for (size_t i = 0; i < project->n; i++)
        containers[i] =
            (struct container){.name = configured->containers[i], .state = CONTAINER_UNKNOWN};
    for (unsigned i = 0; i < STAGES; i++)
        project->stages[i] = STAGE_UNREACHED;
}

int projects_init(struct fleet *fleet)
{
    const struct model *model = fleet->model;
    size_t slots = 0, at = 0;

    for (size_t i = 0; i < model->n_sites; i++) {
        fleet->sites[i].project =
            model->sites[i].is_project ? (int)fleet->n_projects++ : MODEL_NONE;
        slots += model->sites[i].is_project ? slots_of(&model->sites[i]) : 0;
    }
    fleet->projects = calloc(fleet->n_projects + 1, sizeof(*fleet->projects));
    fleet->containers = calloc(slots + 1, sizeof(*fleet->containers));
    if (!fleet->projects || !fleet->containers)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_sites; i++) {
        if (fleet->sites[i].project == MODEL_NONE)
            continue;
        struct project *project = &fleet->projects[fleet->sites[i].project];

        init_project(project, model, (int)i, &fleet->containers[at]);
        at += slots_of(&model->sites[i]);
        if (project->configured)
            continue;
        project->found = calloc(PROJECT_FOUND_MAX, sizeof(*project->found));
        if (!project->found)
            return -ENOMEM;
    }
    return 0;
}

void projects_finish(struct fleet *fleet)
{
    for (size_t i = 0; fleet->projects && i < fleet->n_projects; i++)
        free(fleet->projects[i].found);
    free(fleet->projects);
    free(fleet->containers);
}

/* --- walking --- */

/* The projects of the server at hand: first, next, NULL. */
static struct project *next_of(const struct step *step, int site)
{
    const struct fleet *fleet = step->fleet;

    for (; site != MODEL_NONE; site = fleet->site_next[site])
        if (fleet->sites[site].project != MODEL_NONE)
            return &fleet->projects[fleet->sites[site].project];
    return NULL;
}

struct project *projects_first(const struct step *step)
{
    return next_of(step, step->fleet->site_first[step->server]);
}

struct project *projects_next(const struct step *step, const struct project *project)
{
    return next_of(step, step->fleet->site_next[project->site]);
}

const struct model_site *project_site(const struct step *step, const struct project *project)
{
    return &step->fleet->model->sites[project->site];
}

bool project_is_ready(const struct step *step, const struct project *project)
{
    return step->fleet->sites[project->site].ready;
}

/* --- what its agent tells, and who is told --- */

/* One that Hall does not understand tells nothing. */
static void distrust(struct project *project, int schema)
{
    project->seen = project->docker_up = false;
    snprintf(project->trouble, sizeof(project->trouble),
             "its agent speaks schema %d, this Hall knows %d: update the older of the two", schema,
             AGENT_SCHEMA);
}

void projects_told(struct step *step, const struct containers_told *told)
{
    const bool foreign = told->schema > 0 && told->schema != AGENT_SCHEMA;
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(step, project))
        if (foreign)
            distrust(project, told->schema);
        else
            project_told(step, project, told);
    projects_note_listed(step);
    if (told->docker_up && !projects_first(step))
        step_stage(step, STAGE_DOCKER_UP);
    step->changed = true;
}

static void tell_state(struct step *step, struct project *project)
{
    const enum project_state state = fleet_project_state(step->fleet, project->site);

    if (state == project->state)
        return;
    project->state = state;
    step->changed = true;
    step_emit(step, &(struct action){.kind = ACTION_SITE,
                                     .site = {.site = project->site, .changed = true}});
}

void projects_tell(struct step *step)
{
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(step, project))
        tell_state(step, project);
}

/* --- over a reload --- */

static const struct container *find_container(const struct project *project, const char *name)
{
    for (size_t i = 0; i < project->n; i++)
        if (strcmp(project->containers[i].name, name) == 0)
            return &project->containers[i];
    return NULL;
}

static void take_over(struct container *container, const struct container *known)
{
    const char *name = container->name;

    *container = *known;
    container->name = name;
}

/* Containers that are new here are not known until the agent tells of them again. */
static void adopt_containers(struct project *project, const struct project *was)
{
    for (size_t i = 0; i < project->n; i++) {
        const struct container *known = find_container(was, project->containers[i].name);

        if (known)
            take_over(&project->containers[i], known);
    }
    for (size_t i = 0; !project->configured && !was->configured && i < was->n; i++) {
        text_copy(project->found[i], CONTAINER_NAME_SIZE, was->found[i]);
        project->containers[i].name = project->found[i];
        take_over(&project->containers[i], &was->containers[i]);
        project->n = i + 1;
    }
}

void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry)
{
    if (!entry->open || !project_has_command(entry))
        return;
    struct project *project = &fleet->projects[fleet->sites[entry->site].project];
    const uint8_t flag = (uint8_t)project_bit(project_verb_of(entry->action));

    project->asked |= flag;
    project->lost |= flag;
}

void project_adopt(struct project *project, const struct project *was)
{
    struct project new = *was;

    new.site = project->site;
    new.configured = project->configured;
    new.n = project->n;
    new.containers = project->containers;
    new.found = project->found;
    *project = new;
    adopt_containers(project, was);
}
