#include <string.h>

#include "core/emit.h"
#include "core/facts/look.h"
#include "core/rules/project_internal.h"
#include "core/rules/project_rule.h"

enum {
    LOST_MOST = 50000, /* ms after a look: what an agent does takes its time */
    REST = 300000,     /* a wish that came to nothing: the next visit begins no new one before */
};

/* --- commands --- */

static void end_lost(struct step *step, struct project *project, enum project_verb verb,
                     enum command_outcome outcome, const struct fact *reason)
{
    if ((project->lost & project_bit(verb)) == 0)
        return;
    project->lost &= (uint8_t)~project_bit(verb);
    project_answer(step, project, verb, outcome, reason);
}

/* Those that were under way when Hall was restarted: nobody heard how they ended, but what its
 * agent tells shows it. */
void project_answer_lost(struct step *step, struct project *project)
{
    const bool known = project_is_known(step->power, project);
    const int64_t now = step->now.boot;

    if (project->lost & project_bit(PROJECT_START))
        projects_want(step, project->site);
    project->lost &= (uint8_t)~project_bit(PROJECT_START);
    if (known && project_is_stopped(project))
        end_lost(step, project, PROJECT_STOP, OUTCOME_DONE, &FACT(NONE));
    /* What the agent had agreed to it has done by the time of a look. */
    if (known && project->accepted && project_is_ready(step, project) &&
        look_before(step->power, 0) <= now)
        end_lost(step, project, PROJECT_RESTART, OUTCOME_DONE, &FACT(NONE));
    if (project_lost_until(step, project) > now)
        return;
    end_lost(step, project, PROJECT_STOP, OUTCOME_FAILED, &FACT(PROJECT_LOST));
    end_lost(step, project, PROJECT_RESTART, OUTCOME_FAILED, &FACT(PROJECT_LOST));
}

int64_t project_lost_until(const struct step *step, const struct project *project)
{
    return project->lost ? look_before(step->power, 0) + LOST_MOST : DUE_NEVER;
}

/* --- the wish --- */

void project_give_up(struct step *step, struct project *project, const struct fact *reason)
{
    project_end_wish(step, project);
    project->given_up = true;
    project->retry_at = step->now.boot + REST;
    project->trouble = *reason;
    project_fail_commands(step, project, reason);
}

void project_fail_all(struct step *step, const struct fact *reason)
{
    struct project *project;

    if (power_is_up(step->power->state)) /* its containers may come all the same */
        return;
    for (project = projects_first(step); project; project = projects_next(project)) {
        if (project->wanted)
            project_end_wish(step, project);
        project_fail_commands(step, project, reason);
    }
}

/* --- commands to a project --- */

static void command_start(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);

    project->asked |= (uint8_t)project_bit(PROJECT_START);
    step->fleet->sites[entry->site].last_visit = step->now.boot;
    if (!project->wanted)
        project_begin_wish(step, project);
}

/* Why its containers cannot be stopped or restarted now; FACT_NONE: they can. */
static struct fact bar_of(const struct step *step, const struct project *project)
{
    const struct power *power = step->power;

    if (!power_is_up(power->state))
        return FACT(PROJECT_SERVER_NOT_UP, .word = (uint8_t)power->state);
    if (power->evidence.agent != AGENT_ONLINE)
        return FACT(PROJECT_NO_AGENT);
    if (!project->seen || (project->docker_up && project->n == 0))
        return FACT(PROJECT_UNTOLD);
    if (!project->docker_up)
        return project->trouble;
    if (project->order != PROJECT_NOTHING)
        return FACT(PROJECT_BUSY, .word = (uint8_t)project->order);
    return power->sleep.phase != SLEEP_NONE ? FACT(PROJECT_SERVER_SLEEPS) : FACT(NONE);
}

/* Who wants it stopped wants nobody to be waited for. */
static void call_off(struct step *step, struct project *project)
{
    if (project->wanted)
        project_end_wish(step, project);
    project_fail_commands(step, project, &FACT(PROJECT_STOPPED));
    lease_release(step->power->leases, LEASE_VISIT, project->site, "");
}

/* Is there a container of its own to stop or restart? If not, the command is refused. */
static bool has_own(struct step *step, struct project *project, struct ledger_entry *entry,
                    enum project_verb verb)
{
    const uint8_t before = project->asked;

    project->asked |= (uint8_t)project_bit(verb);
    if (project_choose(step, project, verb) > 0)
        return true;
    project->asked = before;
    step_answer(step, entry, OUTCOME_REFUSED,
                fact_is(&project->spared, FACT_NONE) ? &FACT(PROJECT_TAKEN) : &project->spared);
    return false;
}

static void command_stop(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);
    const struct fact bar = bar_of(step, project);

    if (step->power->state == POWER_OFF) {
        step_answer(step, entry, OUTCOME_DONE, &FACT(PROJECT_SERVER_OFF));
    } else if (!fact_is(&bar, FACT_NONE)) {
        step_answer(step, entry, OUTCOME_REFUSED, &bar);
    } else if (!project_is_running(project) && !project_has_own(step, project)) {
        call_off(step, project);
        step_answer(step, entry, OUTCOME_DONE, &FACT(PROJECT_IDLE));
    } else if (has_own(step, project, entry, PROJECT_STOP)) {
        call_off(step, project);
        project_order(step, project, PROJECT_STOP);
    }
}

static void command_restart(struct step *step, struct ledger_entry *entry)
{
    struct project *project = project_of(step, entry->site);
    const struct fact bar = bar_of(step, project);

    if (!fact_is(&bar, FACT_NONE)) {
        step_answer(step, entry, OUTCOME_REFUSED, &bar);
        return;
    }
    if (!has_own(step, project, entry, PROJECT_RESTART))
        return;
    step->fleet->sites[entry->site].last_visit = step->now.boot;
    project_order(step, project, PROJECT_RESTART);
}

void projects_take_command(struct step *step)
{
    struct ledger_entry *entry = step->heard.entry;

    if (!entry || !entry->open || !command_is_for_project(entry) || !project_of(step, entry->site))
        return;
    if (entry->action == COMMAND_START)
        command_start(step, entry);
    else if (entry->action == COMMAND_STOP)
        command_stop(step, entry);
    else
        command_restart(step, entry);
}
