#include <string.h>

#include "core/emit.h"
#include "core/facts/look.h"
#include "core/rules/project_internal.h"
#include "core/rules/project_rule.h"

/* --- what time and sight make of it --- */

/* What is wanted is started: once, and again a few times when that did not help. */
static void pursue(struct step *step, struct project *project)
{
    if (!project->wanted || !project_may_order(step, project) ||
        project->retry_at > step->now.boot || !project_is_stopped(project) ||
        project_is_ready(step, project) || project_is_taken(step, project))
        return;
    if (project->tries < PROJECT_TRIES_MAX) {
        project->tries++;
        project_order(step, project, PROJECT_START);
    } else {
        const struct fact trouble = project->trouble;

        project_give_up(step, project,
                        fact_is(&trouble, FACT_NONE) ? &FACT(PROJECT_STOPS_AGAIN) : &trouble);
    }
}

static void stop_when_idle(struct step *step, struct project *project)
{
    const int64_t at = project_idle_at(step, project);

    if (at > 0 && at <= step->now.boot && project_has_own(step, project) &&
        project_choose(step, project, PROJECT_STOP) > 0)
        project_order(step, project, PROJECT_STOP);
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
    project->left = project->left && project_has_up(project);
    if (!project_is_stopped(project))
        return;
    project->was_ready = false;
    project_forget_answer(step, project);
}

void projects_order(struct step *step)
{
    struct project *project;

    if (step->wake_failure)
        project_fail_all(step, step->wake_failure);
    step->wake_failure = NULL;
    for (project = projects_first(step); project; project = projects_next(project)) {
        step->changed |= project_settle(project, step->now.boot);
        if (project->lost)
            project_answer_lost(step, project);
        watch_running(step, project);
        project_tick_order(step, project);
        pursue(step, project);
        if (!project->left)
            stop_when_idle(step, project);
    }
    /* The one that still runs takes along what others left to it. */
    for (project = projects_first(step); project; project = projects_next(project))
        if (project->left)
            stop_when_idle(step, project);
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
    return lease_find(step->power->leases, LEASE_VISIT, project->site, "");
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
        project_end_wish(step, project);
        /* Who waited for it counts the idle time from when it is there. */
        project->running_since = step->now.boot;
        if (project->docker_up)
            project->trouble = FACT(NONE);
    }
    project_answer(step, project, PROJECT_START, OUTCOME_DONE, NULL);
    if ((project->lost & project_bit(PROJECT_RESTART)) == 0)
        project_answer(step, project, PROJECT_RESTART, OUTCOME_DONE, &project->spared);
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
    project->wanted = false; /* what it lacks is no longer just late */
    const struct fact problem = fleet_project_problem(step->fleet, project->site);

    project_give_up(step, project,
                    fact_is(&problem, FACT_NONE) ? &FACT(PROJECT_LATE, .n = {PROJECT_READY_MOST})
                                                 : &problem);
}

static void follow_wish(struct step *step, struct project *project)
{
    if (!project->wanted)
        return;
    if (has_no_server(step)) {
        project_end_wish(step, project);
        project_fail_commands(step, project,
                              &FACT(PROJECT_SERVER_NOT_UP, .word = (uint8_t)step->power->state));
    } else if (project->deadline == 0 && power_is_up(step->power->state) &&
               !step->power->wake.open) {
        project->deadline = step->now.boot + PROJECT_READY_MOST;
    } else if (project->deadline > 0 &&
               look_before(step->power, project->deadline) <= step->now.boot) {
        give_up_late(step, project);
    }
}

void projects_settle(struct step *step)
{
    bool visited = false;
    struct project *project;

    for (project = projects_first(step); project; project = projects_next(project))
        visited |= is_visited(step, project);
    for (project = projects_first(step); project; project = projects_next(project)) {
        mark_stages(step, project, !visited || is_visited(step, project));
        if (project_is_ready(step, project) && project->order == PROJECT_NOTHING)
            succeed(step, project);
        else
            follow_wish(step, project);
    }
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

    for (project = projects_first(step); project; project = projects_next(project)) {
        if (project->order_until > 0)
            due = sooner(due, look_before(step->power, project->order_until), now);
        due = sooner(due, look_before(step->power, 0), now);
        due = sooner(due, project_lost_until(step, project), now);
        due = sooner(due, project_settles_at(project), now);
        const int64_t idle = project_idle_at(step, project);

        due = sooner(due, idle, now);
        if (idle > 0 && idle <= now && project_has_own(step, project))
            due = sooner(due, now + 1, now);
        if (project->wanted) {
            due = sooner(due, project->retry_at, now);
            if (project->deadline > 0)
                due = sooner(due, look_before(step->power, project->deadline), now);
        }
    }
    return due;
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

    for (project = projects_first(step); project; project = projects_next(project))
        tell_state(step, project);
}
