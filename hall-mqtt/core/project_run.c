#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/step.h"

enum {
    ANSWER_MOST = 10000, /* an agent that has not accepted an order by then will not */
    ORDER_MOST = 300000, /* and has said by then how an accepted one ended */
    SETTLE = 5000,       /* after a start, until what its agent tells must show it */
    RETRY_FIRST = 5000,  /* after one that failed; each time longer */
    RETRY_FACTOR = 4,
    TRIES_MAX = 3,
    REST = 300000,       /* a wish that came to nothing: the next visit begins no new one before */
    READY_MOST = 300000, /* from when its server is up until the site answers */
    IDLE_AGAIN = 60000,  /* after a stop for idleness that was refused or failed */
};

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

static struct project *first_project(const struct step *step)
{
    return next_of(step, step->fleet->site_first[step->server]);
}

static struct project *next_project(const struct step *step, const struct project *project)
{
    return next_of(step, step->fleet->site_next[project->site]);
}

static const struct model_site *site_of(const struct step *step, const struct project *project)
{
    return &step->fleet->model->sites[project->site];
}

static bool is_ready(const struct step *step, const struct project *project)
{
    return step->fleet->sites[project->site].ready;
}

/* --- commands --- */

static unsigned bit(enum project_verb verb)
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

static enum command_action action_of(enum project_verb verb)
{
    return verb == PROJECT_START  ? COMMAND_START
           : verb == PROJECT_STOP ? COMMAND_STOP
                                  : COMMAND_RESTART;
}

bool project_has_command(const struct ledger_entry *entry)
{
    return entry->site != MODEL_NONE && verb_of(entry->action) != PROJECT_NOTHING;
}

static void answer(struct step *step, struct project *project, enum project_verb verb,
                   enum command_outcome outcome, const char *reason)
{
    struct ledger *ledger = &step->fleet->ledger;
    const enum command_action action = action_of(verb);

    if ((project->asked & bit(verb)) == 0)
        return;
    if (outcome != OUTCOME_ACCEPTED)
        project->asked &= (uint8_t)~bit(verb);
    for (size_t i = 0; i < LEDGER_MAX; i++) {
        struct ledger_entry *entry = &ledger->entries[i];

        if (entry->used && entry->open && entry->server == step->server &&
            entry->site == project->site && entry->action == action)
            step_answer(step, entry, outcome, reason);
    }
}

/* Those that were under way when Hall was restarted: how they ended nobody heard. */
static void answer_lost(struct step *step, struct project *project)
{
    static const enum project_verb verbs[] = {PROJECT_STOP, PROJECT_RESTART};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (project->lost & bit(verbs[i]))
            answer(step, project, verbs[i], OUTCOME_FAILED,
                   "Hall was restarted before its agent said how it ended; look at its state");
    if (project->lost & bit(PROJECT_START))
        projects_want(step, project->site);
    project->lost = 0;
}

/* --- the wish --- */

static void begin_wish(struct step *step, struct project *project)
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
        project->trouble[0] = '\0';
    for (unsigned i = 0; i < STAGES; i++)
        project->stages[i] = STAGE_UNREACHED;
    step->changed = true;
}

void projects_want(struct step *step, int site)
{
    struct project *project = project_of(step, site);

    if (!project || project->wanted || is_ready(step, project) ||
        (project->given_up && project->retry_at > step->now.boot))
        return;
    begin_wish(step, project);
}

static void end_wish(struct step *step, struct project *project)
{
    project->wanted = false;
    project->tries = 0;
    project->deadline = 0;
    step->changed = true;
}

static void fail_commands(struct step *step, struct project *project, const char *reason)
{
    answer(step, project, PROJECT_START, OUTCOME_FAILED, reason);
    answer(step, project, PROJECT_RESTART, OUTCOME_FAILED, reason);
}

static void give_up(struct step *step, struct project *project, const char *reason)
{
    end_wish(step, project);
    project->given_up = true;
    project->retry_at = step->now.boot + REST;
    text_copy(project->trouble, sizeof(project->trouble), reason);
    fail_commands(step, project, reason);
}

void projects_fail(struct step *step, const char *reason)
{
    struct project *project;

    if (power_is_up(step->power->state)) /* its containers may come all the same */
        return;
    for (project = first_project(step); project; project = next_project(step, project)) {
        if (project->wanted)
            end_wish(step, project);
        fail_commands(step, project, reason);
    }
}

/* --- orders --- */

/* Is there an agent that can be asked now? */
static bool may_order(const struct step *step, const struct project *project)
{
    return project_is_known(step->power, project) && project->docker_up && project->n > 0 &&
           project->order == PROJECT_NOTHING && step->power->sleep.phase == SLEEP_NONE &&
           power_is_up(step->power->state);
}

/* What the site answered before says nothing of what is there afterwards. */
static void forget_answer(struct step *step, const struct project *project)
{
    const int check = site_of(step, project)->check;

    if (check != MODEL_NONE &&
        evidence_forget(&step->power->evidence, step->model, (unsigned)check))
        step->changed = true;
}

static void order(struct step *step, struct project *project, enum project_verb verb)
{
    project->order = verb;
    project->accepted = false;
    project->order_until = step->now.boot + ANSWER_MOST;
    step_new_id(step, 'p', project->id);
    if (verb != PROJECT_START) {
        project->was_ready = false;
        forget_answer(step, project);
    }
    step->changed = true;
    step_emit(step, &(struct action){.kind = ACTION_PROJECT,
                                     .project = {.site = project->site,
                                                 .verb = verb,
                                                 .id = project->id,
                                                 .lasts = ANSWER_MOST}});
}

static int64_t back_off(unsigned tries)
{
    int64_t wait = RETRY_FIRST;

    for (unsigned i = 1; i < tries; i++)
        wait *= RETRY_FACTOR;
    return wait;
}

static void note_trouble(struct step *step, struct project *project, enum project_verb verb,
                         const char *reason)
{
    snprintf(project->trouble, sizeof(project->trouble), "its containers could not be %s: %.140s",
             verb == PROJECT_START  ? "started"
             : verb == PROJECT_STOP ? "stopped"
                                    : "restarted",
             reason);
    step->changed = true;
}

static void end_start(struct step *step, struct project *project, bool done)
{
    const int64_t wait = done ? SETTLE : back_off(project->tries);

    project->retry_at = step->now.boot + wait;
}

static void end_stop(struct step *step, struct project *project, enum command_outcome outcome,
                     const char *reason)
{
    project->retry_at = step->now.boot + (outcome == OUTCOME_DONE ? SETTLE : IDLE_AGAIN);
    answer(step, project, PROJECT_STOP, outcome, reason);
}

/* A restart is done when the site answers again. */
static void end_restart(struct step *step, struct project *project, enum command_outcome outcome,
                        const char *reason)
{
    if (outcome != OUTCOME_DONE) {
        answer(step, project, PROJECT_RESTART, outcome, reason);
        return;
    }
    forget_answer(step, project);
    if (!project->wanted)
        begin_wish(step, project);
    project->tries = 1;
    project->deadline = step->now.boot + READY_MOST;
    project->retry_at = step->now.boot + SETTLE;
}

static void end_order(struct step *step, struct project *project, enum command_outcome outcome,
                      const char *reason)
{
    const enum project_verb verb = project->order;

    project->order = PROJECT_NOTHING;
    project->order_until = 0;
    step->changed = true;
    if (outcome != OUTCOME_DONE)
        note_trouble(step, project, verb, reason);
    else
        project->trouble[0] = '\0';
    if (verb == PROJECT_START)
        end_start(step, project, outcome == OUTCOME_DONE);
    else if (verb == PROJECT_STOP)
        end_stop(step, project, outcome, reason);
    else
        end_restart(step, project, outcome, reason);
}

static void accept_order(struct step *step, struct project *project)
{
    project->accepted = true;
    project->order_until = step->now.boot + ORDER_MOST;
    if (project->order != PROJECT_START)
        answer(step, project, project->order, OUTCOME_ACCEPTED, "");
}

bool projects_answered(struct step *step, enum sleep_answer said, const char *id,
                       const char *reason)
{
    struct project *project = first_project(step);

    while (project && (project->order == PROJECT_NOTHING || strcmp(project->id, id) != 0))
        project = next_project(step, project);
    if (!project)
        return false;
    switch (said) {
    case SLEEP_ACCEPTED:
        accept_order(step, project);
        break;
    case SLEEP_DONE:
        end_order(step, project, OUTCOME_DONE, "");
        break;
    case SLEEP_VETOED:
        end_order(step, project, project->accepted ? OUTCOME_FAILED : OUTCOME_REFUSED, reason);
        break;
    case SLEEP_FAILED:
        end_order(step, project, OUTCOME_FAILED, reason);
        break;
    }
    return true;
}

void projects_agent_away(struct step *step)
{
    struct project *project;

    for (project = first_project(step); project; project = next_project(step, project)) {
        project->seen = false;
        if (project->order != PROJECT_NOTHING)
            end_order(step, project, OUTCOME_FAILED, "its agent went away");
    }
}

/* --- commands to a project --- */

void project_command_start(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);

    project->asked |= (uint8_t)bit(PROJECT_START);
    step->fleet->sites[entry->site].last_visit = step->now.boot;
    if (!project->wanted)
        begin_wish(step, project);
}

/* Why its containers cannot be stopped or restarted now; false: they can. */
static bool is_barred(const struct step *step, const struct project *project,
                      char reason[REASON_SIZE])
{
    if (!power_is_up(step->power->state))
        snprintf(reason, REASON_SIZE, "its server is %s", power_state_name(step->power->state));
    else if (step->power->evidence.agent != AGENT_ONLINE)
        snprintf(reason, REASON_SIZE, "the agent of its server is not connected");
    else if (!project->seen || (project->docker_up && project->n == 0))
        snprintf(reason, REASON_SIZE, "the agent of its server tells of no containers of it");
    else if (!project->docker_up)
        snprintf(reason, REASON_SIZE, "%s", project->trouble);
    else if (project->order != PROJECT_NOTHING)
        snprintf(reason, REASON_SIZE, "another %s of it is under way; wait for its end",
                 project_verb_name(project->order));
    else if (step->power->sleep.phase != SLEEP_NONE)
        snprintf(reason, REASON_SIZE, "its server is about to sleep");
    else
        return false;
    return true;
}

/* Who wants it stopped wants nobody to be waited for. */
static void call_off(struct step *step, struct project *project)
{
    if (project->wanted)
        end_wish(step, project);
    fail_commands(step, project, "it was told to stop");
    lease_release(&step->power->leases, LEASE_VISIT, site_of(step, project)->id);
}

void project_command_stop(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);
    char reason[REASON_SIZE];

    if (step->power->state == POWER_OFF) {
        step_answer(step, entry, OUTCOME_DONE, "its server is off");
    } else if (is_barred(step, project, reason)) {
        step_answer(step, entry, OUTCOME_REFUSED, reason);
    } else {
        call_off(step, project);
        if (!project_is_running(project)) {
            step_answer(step, entry, OUTCOME_DONE, "its containers do not run");
            return;
        }
        project->asked |= (uint8_t)bit(PROJECT_STOP);
        order(step, project, PROJECT_STOP);
    }
}

void project_command_restart(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);
    char reason[REASON_SIZE];

    if (is_barred(step, project, reason)) {
        step_answer(step, entry, OUTCOME_REFUSED, reason);
        return;
    }
    project->asked |= (uint8_t)bit(PROJECT_RESTART);
    step->fleet->sites[entry->site].last_visit = step->now.boot;
    order(step, project, PROJECT_RESTART);
}

/* --- what time and sight make of it --- */

static void tick_order(struct step *step, struct project *project)
{
    if (project->order == PROJECT_NOTHING || project->order_until > step->now.boot)
        return;
    if (project->accepted)
        end_order(step, project, OUTCOME_FAILED, "its agent did not say how it ended");
    else
        end_order(step, project, OUTCOME_REFUSED, "its agent did not answer");
}

/* What is wanted is started: once, and again a few times when that did not help. */
static void pursue(struct step *step, struct project *project)
{
    if (!project->wanted || !may_order(step, project) || project->retry_at > step->now.boot ||
        !project_is_stopped(project) || is_ready(step, project))
        return;
    if (project->tries < TRIES_MAX) {
        project->tries++;
        order(step, project, PROJECT_START);
    } else if (project->trouble[0]) {
        char reason[TROUBLE_SIZE];

        text_copy(reason, sizeof(reason), project->trouble);
        give_up(step, project, reason);
    } else {
        give_up(step, project,
                "its containers stop again right after they were started: look at their logs");
    }
}

/* When nobody has used it for idle_stop; 0: it is not to be stopped. */
static int64_t idle_at(const struct step *step, const struct project *project)
{
    const int64_t idle_stop = site_of(step, project)->idle_stop;
    const int64_t used = step->fleet->sites[project->site].last_visit;
    const int64_t since = used > project->running_since ? used : project->running_since;

    if (idle_stop == 0 || project->running_since == 0 || project->wanted || project->asked ||
        !may_order(step, project) || !project_is_running(project) || project_is_busy(project))
        return 0;
    return since + idle_stop > project->retry_at ? since + idle_stop : project->retry_at;
}

static void stop_when_idle(struct step *step, struct project *project)
{
    const int64_t at = idle_at(step, project);

    if (at > 0 && at <= step->now.boot)
        order(step, project, PROJECT_STOP);
}

/* Since when it runs; and while it does not, no answer of its site counts. */
static void watch_running(struct step *step, struct project *project)
{
    if (!project_is_known(step->power, project))
        return;
    if (project_is_running(project)) {
        if (project->running_since == 0)
            project->running_since = step->now.boot;
        return;
    }
    project->running_since = 0;
    if (!project_is_stopped(project))
        return;
    project->was_ready = false;
    forget_answer(step, project);
}

void projects_order(struct step *step)
{
    struct project *project;

    for (project = first_project(step); project; project = next_project(step, project)) {
        if (project->lost)
            answer_lost(step, project);
        watch_running(step, project);
        tick_order(step, project);
        pursue(step, project);
        stop_when_idle(step, project);
    }
}

/* --- what came of it --- */

static void mark(struct step *step, struct project *project, enum stage stage)
{
    const int64_t ms = step->now.boot - project->started;

    if (!project->wanted || project->stages[stage] != STAGE_UNREACHED)
        return;
    project->stages[stage] = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
    step->changed = true;
}

static bool is_visited(const struct step *step, const struct project *project)
{
    return lease_find(&step->power->leases, LEASE_VISIT, site_of(step, project)->id) != NULL;
}

/* Of the project, and of the wake under way where it is this one that is waited for. */
static void mark_both(struct step *step, struct project *project, enum stage stage, bool awaited)
{
    mark(step, project, stage);
    if (awaited)
        step_stage(step, stage);
}

static void mark_stages(struct step *step, struct project *project, bool awaited)
{
    if (!project_is_known(step->power, project) || !project->docker_up)
        return;
    mark_both(step, project, STAGE_DOCKER_UP, awaited);
    if (project_is_whole(project))
        mark_both(step, project, STAGE_CONTAINER_PRESENT, awaited);
    if (project_is_healthy(project))
        mark_both(step, project, STAGE_CONTAINER_HEALTHY, awaited);
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

/* Only a start of its own, with its server up, tells how long one takes. */
static void learn(struct step *step, struct project *project)
{
    const int64_t ms = step->now.boot - project->started;

    if (project->alone && project->tries > 0 && ms <= INT32_MAX)
        project_learn(project, (int32_t)ms);
}

static void succeed(struct step *step, struct project *project)
{
    project->was_ready = true;
    project->given_up = false;
    if (project->wanted) {
        mark(step, project, STAGE_SITE_ANSWERS);
        learn(step, project);
        end_wish(step, project);
        /* Who waited for it counts the idle time from when it is there. */
        project->running_since = step->now.boot;
        if (project->docker_up)
            project->trouble[0] = '\0';
    }
    answer(step, project, PROJECT_START, OUTCOME_DONE, "");
    answer(step, project, PROJECT_RESTART, OUTCOME_DONE, "");
}

/* Neither up nor on its way; just after a restart of Hall that is not known yet. */
static bool has_no_server(const struct step *step)
{
    const struct power *power = step->power;

    return !power_is_up(power->state) && !power->wake.open && !power->wake.queued &&
           power->state != POWER_UNKNOWN;
}

static void give_up_late(struct step *step, struct project *project)
{
    char problem[REASON_SIZE], reason[REASON_SIZE];

    project->wanted = false; /* what it lacks is no longer just late */
    (void)fleet_project_problem(step->fleet, project->site, problem);
    if (problem[0])
        text_copy(reason, sizeof(reason), problem);
    else
        snprintf(reason, sizeof(reason), "not ready after %d s: look at its containers' logs",
                 READY_MOST / 1000);
    give_up(step, project, reason);
}

static void follow_wish(struct step *step, struct project *project)
{
    char reason[REASON_SIZE];

    if (!project->wanted)
        return;
    if (has_no_server(step)) {
        snprintf(reason, sizeof(reason), "its server is %s", power_state_name(step->power->state));
        end_wish(step, project);
        fail_commands(step, project, reason);
    } else if (project->deadline == 0 && power_is_up(step->power->state) &&
               !step->power->wake.open) {
        project->deadline = step->now.boot + READY_MOST;
    } else if (project->deadline > 0 && project->deadline <= step->now.boot) {
        give_up_late(step, project);
    }
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

void projects_settle(struct step *step)
{
    bool visited = false;
    struct project *project;

    for (project = first_project(step); project; project = next_project(step, project))
        visited |= is_visited(step, project);
    for (project = first_project(step); project; project = next_project(step, project)) {
        mark_stages(step, project, !visited || is_visited(step, project));
        if (is_ready(step, project) && project->order == PROJECT_NOTHING)
            succeed(step, project);
        else
            follow_wish(step, project);
    }
}

void projects_tell(struct step *step)
{
    struct project *project;

    for (project = first_project(step); project; project = next_project(step, project))
        tell_state(step, project);
}

static int64_t sooner(int64_t due, int64_t at, int64_t now)
{
    return at > now && at < due ? at : due;
}

int64_t projects_due(const struct step *step)
{
    const int64_t now = step->now.boot;
    int64_t due = DUE_NEVER;
    const struct project *project;

    for (project = first_project(step); project; project = next_project(step, project)) {
        due = sooner(due, project->order_until, now);
        const int64_t idle = idle_at(step, project);

        due = sooner(due, idle > 0 && idle <= now ? now + 1 : idle, now);
        if (project->wanted) {
            due = sooner(due, project->retry_at, now);
            due = sooner(due, project->deadline, now);
        }
    }
    return due;
}

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

    for (project = first_project(step); project; project = next_project(step, project))
        if (foreign)
            distrust(project, told->schema);
        else
            project_told(step, project, told);
    if (told->docker_up && !first_project(step))
        step_stage(step, STAGE_DOCKER_UP);
    step->changed = true;
}

/* --- over a reload --- */

static const struct container *find_container(const struct project *project, const char *name)
{
    for (size_t i = 0; i < project->n; i++)
        if (strcmp(project->containers[i].name, name) == 0)
            return &project->containers[i];
    return NULL;
}

/* Containers named anew are not known until the agent tells of them again. */
static void adopt_containers(struct project *project, const struct project *was)
{
    for (size_t i = 0; i < project->n; i++) {
        const struct container *known = find_container(was, project->containers[i].name);

        if (known)
            project->containers[i] = (struct container){.name = project->containers[i].name,
                                                        .state = known->state,
                                                        .health = known->health,
                                                        .busy = known->busy};
    }
    for (size_t i = 0; !project->configured && !was->configured && i < was->n; i++) {
        text_copy(project->found[i], CONTAINER_NAME_SIZE, was->found[i]);
        project->containers[i] = was->containers[i];
        project->containers[i].name = project->found[i];
        project->n = i + 1;
    }
}

void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry)
{
    if (!entry->open || !project_has_command(entry))
        return;
    struct project *project = &fleet->projects[fleet->sites[entry->site].project];
    const uint8_t flag = (uint8_t)bit(verb_of(entry->action));

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
