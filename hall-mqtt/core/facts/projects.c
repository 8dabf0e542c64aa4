#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/emit.h"
#include "core/facts/agent_ports.h"
#include "core/facts/projects.h"

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
    size_t slots = 0, at = 0, unnamed = 0;

    for (size_t i = 0; i < model->n_sites; i++) {
        fleet->sites[i].project =
            model->sites[i].is_project ? (int)fleet->n_projects++ : MODEL_NONE;
        slots += model->sites[i].is_project ? slots_of(&model->sites[i]) : 0;
        unnamed += model->sites[i].is_project && model->sites[i].n_containers == 0;
    }
    fleet->project_first = calloc(model->n_servers + 1, sizeof(struct project *));
    fleet->projects = calloc(fleet->n_projects + 1, sizeof(*fleet->projects));
    fleet->containers = calloc(slots + 1, sizeof(*fleet->containers));
    fleet->found = calloc(unnamed * PROJECT_FOUND_MAX + 1, sizeof(*fleet->found));
    if (!fleet->project_first || !fleet->projects || !fleet->containers || !fleet->found)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_sites; i++) {
        if (fleet->sites[i].project == MODEL_NONE)
            continue;
        struct project *project = &fleet->projects[fleet->sites[i].project];

        init_project(project, model, (int)i, &fleet->containers[at]);
        at += slots_of(&model->sites[i]);
        if (!project->configured)
            project->found = &fleet->found[--unnamed * PROJECT_FOUND_MAX];
    }
    /* From the last to the first, so that each server has its own in the order of the model. */
    for (size_t i = fleet->n_projects; i-- > 0;) {
        struct project **first =
            &fleet->project_first[model->sites[fleet->projects[i].site].server];

        fleet->projects[i].next = *first;
        *first = &fleet->projects[i];
    }
    return 0;
}

void projects_finish(struct fleet *fleet)
{
    free(fleet->found);
    free(fleet->project_first);
    free(fleet->projects);
    free(fleet->containers);
}

/* --- walking --- */

struct project *projects_first(const struct step *step)
{
    return step->fleet->project_first[step->server];
}

struct project *projects_next(const struct project *project)
{
    return project->next;
}

const struct model_site *project_site(const struct step *step, const struct project *project)
{
    return &step->fleet->model->sites[project->site];
}

bool project_is_ready(const struct step *step, const struct project *project)
{
    return step->fleet->sites[project->site].ready;
}

/* --- the wish --- */

void project_begin_wish(struct step *step, struct project *project)
{
    const struct power *power = step->power;

    project->wanted = true;
    project->given_up = false;
    project->alone = power_is_up(power->state) && !power->wake.open;
    project->tries = 0;
    project->retry_at = 0;
    project->deadline = 0;
    project->started = step->now.boot;
    if (project->docker_up)
        project->trouble = FACT(NONE);
    for (unsigned i = 0; i < STAGES; i++)
        project->stages[i] = STAGE_UNREACHED;
    step->changed = true;
}

void projects_want(struct step *step, int site)
{
    struct project *project = project_of(step, site);

    if (!project || project->wanted || project_is_ready(step, project) ||
        (project->given_up && project->retry_at > step->now.boot))
        return;
    project_begin_wish(step, project);
}

void project_end_wish(struct step *step, struct project *project)
{
    project->wanted = false;
    project->tries = 0;
    project->deadline = 0;
    step->changed = true;
}

/* --- may something be ordered --- */

/* Is there an agent that can be asked now? */
bool project_may_order(const struct step *step, const struct project *project)
{
    return project_is_known(step->power, project) && project->docker_up && project->n > 0 &&
           project->order == PROJECT_NOTHING && step->power->sleep.phase == SLEEP_NONE &&
           !step->sleep.entry && power_is_up(step->power->state);
}

int64_t project_idle_at(const struct step *step, const struct project *project)
{
    const int64_t idle_stop = project_site(step, project)->idle_stop;
    const int64_t used = step->fleet->sites[project->site].last_visit;
    const int64_t since = used > project->running_since ? used : project->running_since;

    if (project->wanted || project->asked || !project_may_order(step, project) ||
        project_is_busy(project) || agent_ports_move(step, project->site))
        return 0;
    if (project->left && !project_is_running(project))
        return project->retry_at > 0 ? project->retry_at : step->now.boot;
    if (idle_stop == 0 || project->running_since == 0 || !project_is_running(project))
        return 0;
    return since + idle_stop > project->retry_at ? since + idle_stop : project->retry_at;
}

/* What the site answered before says nothing of what is there afterwards. */
void project_forget_answer(struct step *step, const struct project *project)
{
    const int check = project_site(step, project)->check;

    if (check != MODEL_NONE &&
        evidence_forget(&step->power->evidence, step->model, (unsigned)check))
        step->changed = true;
}

/* --- what its agent tells --- */

static const struct container *find_container(const struct project *project, const char *name)
{
    for (size_t i = 0; i < project->n; i++)
        if (strcmp(project->containers[i].name, name) == 0)
            return &project->containers[i];
    return NULL;
}

static bool is_listed_elsewhere(const struct step *step, const struct project *project,
                                const char *name)
{
    const struct project *other;

    for (other = projects_first(step); other; other = projects_next(other))
        if (other != project && find_container(other, name))
            return true;
    return false;
}

/* Which containers that were found by their label others name. */
static void note_listed(struct step *step)
{
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(project))
        for (size_t i = 0; !project->configured && i < project->n; i++)
            project->containers[i].listed =
                is_listed_elsewhere(step, project, project->containers[i].name);
}

void projects_told(struct step *step, const struct containers_told *told)
{
    const bool foreign = told->schema > 0 && told->schema != AGENT_SCHEMA;
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(project))
        if (foreign) {
            /* One that Hall does not understand tells nothing. */
            project->seen = project->docker_up = false;
            project->trouble = FACT(PROJECT_SCHEMA, .n = {told->schema, AGENT_SCHEMA});
        } else {
            project_told(step, project, told);
        }
    note_listed(step);
    if (told->docker_up && !projects_first(step))
        step_stage(step, STAGE_DOCKER_UP);
    step->changed = true;
}

void projects_forget(struct step *step, int64_t before)
{
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(project))
        if (project->seen && project->told_at < before) {
            project->seen = false;
            step->changed = true;
        }
}

void project_learn(struct project *project, int32_t ms)
{
    if (ms < 0)
        return;
    project->runs[project->next_run] = ms;
    project->next_run = (uint8_t)((project->next_run + 1) % PROJECT_RUNS_MAX);
    if (project->n_runs < PROJECT_RUNS_MAX)
        project->n_runs++;
}

/* --- over a reload --- */

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

unsigned project_bit(enum project_verb verb)
{
    return 1U << verb;
}

static enum project_verb verb_of(enum command_action action)
{
    return action == COMMAND_START     ? PROJECT_START
           : action == COMMAND_STOP    ? PROJECT_STOP
           : action == COMMAND_RESTART ? PROJECT_RESTART
                                       : PROJECT_NOTHING;
}

void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry)
{
    if (!entry->open || !command_is_for_project(entry))
        return;
    struct project *project = &fleet->projects[fleet->sites[entry->site].project];
    const uint8_t flag = (uint8_t)project_bit(verb_of(entry->action));

    project->asked |= flag;
    project->lost |= flag;
    project->accepted |= entry->answered;
}

void project_want_again(struct project *project, struct now now)
{
    project->wanted = true;
    project->alone = true;
    project->started = now.boot;
    for (unsigned i = 0; i < STAGES; i++)
        project->stages[i] = STAGE_UNREACHED;
}

void project_adopt(struct project *project, const struct project *was)
{
    struct project new = *was;

    new.site = project->site;
    new.next = project->next;
    new.configured = project->configured;
    new.n = project->n;
    new.containers = project->containers;
    new.found = project->found;
    *project = new;
    adopt_containers(project, was);
}
