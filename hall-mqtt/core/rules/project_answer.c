#include "core/emit.h"
#include "core/rules/project_internal.h"

static enum command_action action_of(enum project_verb verb)
{
    return verb == PROJECT_START  ? COMMAND_START
           : verb == PROJECT_STOP ? COMMAND_STOP
                                  : COMMAND_RESTART;
}

void project_answer(struct step *step, struct project *project, enum project_verb verb,
                    enum command_outcome outcome, const struct fact *reason)
{
    const struct ledger *ledger = &step->fleet->ledger;
    const enum command_action action = action_of(verb);

    if ((project->asked & project_bit(verb)) == 0)
        return;
    if (outcome != OUTCOME_ACCEPTED)
        project->asked &= (uint8_t)~project_bit(verb);
    for (struct ledger_entry *entry = ledger_newest(ledger, step->server); entry;
         entry = ledger_older(ledger, entry))
        if (entry->open && entry->site == project->site && entry->action == action)
            step_answer(step, entry, outcome, reason);
}

void project_fail_commands(struct step *step, struct project *project, const struct fact *reason)
{
    project_answer(step, project, PROJECT_START, OUTCOME_FAILED, reason);
    project_answer(step, project, PROJECT_RESTART, OUTCOME_FAILED, reason);
}
