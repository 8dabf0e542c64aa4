#include <string.h>

#include "core/emit.h"
#include "core/facts/look.h"
#include "core/rules/project_internal.h"
#include "core/rules/project_rule.h"

enum {
    ANSWER_MOST = 10000, /* an agent that has not accepted an order by then will not */
    ORDER_MOST = 300000, /* and has said by then how an accepted one ended */
    SETTLE = 5000,       /* after a start, until what its agent tells must show it */
    RETRY_FIRST = 5000,  /* after one that failed; each time longer */
    RETRY_FACTOR = 4,
    IDLE_AGAIN = 60000, /* after a stop for idleness that was refused or failed */
};

void project_order(struct step *step, struct project *project, enum project_verb verb)
{
    if (verb == PROJECT_START)
        project_choose_all(project);
    project->left = verb == PROJECT_STOP && !fact_is(&project->spared, FACT_NONE);
    project->order = verb;
    project->accepted = false;
    project->order_until = step->now.boot + ANSWER_MOST;
    step_new_id(step, 'p', project->id);
    if (verb != PROJECT_START) {
        project->was_ready = false;
        project_forget_answer(step, project);
        project_mark_leaving(step, project, true);
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
                         const struct fact *reason)
{
    project->trouble = fact_because(verb == PROJECT_START  ? FACT(PROJECT_START_FAILED)
                                    : verb == PROJECT_STOP ? FACT(PROJECT_STOP_FAILED)
                                                           : FACT(PROJECT_RESTART_FAILED),
                                    reason);
    step->changed = true;
}

static void end_start(struct step *step, struct project *project, bool done)
{
    const bool last = project->tries == PROJECT_TRIES_MAX;

    /* When the last one failed there is nothing to wait for. */
    project->retry_at = step->now.boot + (done ? SETTLE : last ? 0 : back_off(project->tries));
}

/* A restart is done when the site answers again. */
static void end_restart(struct step *step, struct project *project, enum command_outcome outcome,
                        const struct fact *reason)
{
    if (outcome != OUTCOME_DONE) {
        project_answer(step, project, PROJECT_RESTART, outcome, reason);
        return;
    }
    project_forget_answer(step, project);
    if (!project->wanted)
        project_begin_wish(step, project);
    project->tries = 1;
    project->deadline = step->now.boot + PROJECT_READY_MOST;
    project->retry_at = step->now.boot + SETTLE;
}

static void end_order(struct step *step, struct project *project, enum command_outcome outcome,
                      const struct fact *reason)
{
    const enum project_verb verb = project->order;

    if (verb != PROJECT_START)
        project_mark_leaving(step, project, false);
    project->order = PROJECT_NOTHING;
    project->order_until = 0;
    step->changed = true;
    if (outcome != OUTCOME_DONE)
        note_trouble(step, project, verb, reason);
    else
        project->trouble = FACT(NONE);
    if (verb == PROJECT_START) {
        end_start(step, project, outcome == OUTCOME_DONE);
    } else if (verb == PROJECT_STOP) {
        project->retry_at = step->now.boot + (outcome == OUTCOME_DONE ? SETTLE : IDLE_AGAIN);
        project_answer(step, project, PROJECT_STOP, outcome,
                       outcome == OUTCOME_DONE ? &project->spared : reason);
    } else {
        end_restart(step, project, outcome, reason);
    }
}

static void answered(struct step *step, enum sleep_answer said, const char *id,
                     const struct fact *reason)
{
    struct project *project = projects_first(step);

    while (project && (project->order == PROJECT_NOTHING || strcmp(project->id, id) != 0))
        project = projects_next(project);
    if (!project)
        return;
    switch (said) {
    case SLEEP_ACCEPTED:
        project->accepted = true;
        project->order_until = step->now.boot + ORDER_MOST;
        if (project->order != PROJECT_START)
            project_answer(step, project, project->order, OUTCOME_ACCEPTED, &project->spared);
        break;
    case SLEEP_DONE:
        end_order(step, project, OUTCOME_DONE, &FACT(NONE));
        break;
    case SLEEP_VETOED:
        end_order(step, project, project->accepted ? OUTCOME_FAILED : OUTCOME_REFUSED, reason);
        break;
    case SLEEP_FAILED:
        end_order(step, project, OUTCOME_FAILED, reason);
        break;
    }
}

void projects_hear(struct step *step)
{
    const struct heard *heard = &step->heard;

    if (heard->agent_gone) {
        const bool may_stay = step->power->evidence.agent == AGENT_SLEEPING;
        struct project *project;
        for (project = projects_first(step); project; project = projects_next(project)) {
            project->seen &= may_stay;
            if (project->order != PROJECT_NOTHING)
                end_order(step, project, OUTCOME_FAILED, &FACT(PROJECT_AGENT_WENT));
        }
    }
    if (heard->answer)
        answered(step, heard->answer->sleep.answer, heard->answer->sleep.id,
                 &heard->answer->sleep.reason);
}

void project_tick_order(struct step *step, struct project *project)
{
    if (project->order == PROJECT_NOTHING ||
        look_before(step->power, project->order_until) > step->now.boot)
        return;
    if (project->accepted)
        end_order(step, project, OUTCOME_FAILED, &FACT(PROJECT_UNENDED));
    else
        end_order(step, project, OUTCOME_REFUSED, &FACT(PROJECT_UNANSWERED));
}
