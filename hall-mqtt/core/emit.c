#include "core/emit.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const happening_names[HAPPENINGS] = {
    [HAPPENED_WAKE_REQUESTED] = "wake_requested",
    [HAPPENED_PACKET_SENT] = "packet_sent",
    [HAPPENED_STAGE] = "stage",
    [HAPPENED_READY] = "ready",
    [HAPPENED_WAKE_FAILED] = "wake_failed",
    [HAPPENED_SLEEP_REQUESTED] = "sleep_requested",
    [HAPPENED_SLEEP_REFUSED] = "sleep_refused",
    [HAPPENED_ASLEEP] = "asleep",
    [HAPPENED_SLEEP_FAILED] = "sleep_failed",
    [HAPPENED_UNREACHABLE] = "unreachable",
    [HAPPENED_BACK] = "back",
    [HAPPENED_POLICY_CHANGED] = "policy_changed",
    [HAPPENED_HOLD] = "hold",
    [HAPPENED_RELEASE] = "release",
    [HAPPENED_COMMAND_REFUSED] = "command_refused",
};

const char *happening_name(enum happening what)
{
    return happening_names[what];
}

void step_emit(struct step *step, struct action *action)
{
    const struct fleet_sink *sink = &step->fleet->sink;

    action->server = step->server;
    sink->act(sink->context, action);
}

static const struct fact nothing;

void step_tell(struct step *step, enum happening what, int64_t ms, const struct fact *detail)
{
    step_emit(step, &(struct action){
                        .kind = ACTION_EVENT,
                        .event = {.what = what, .detail = detail ? detail : &nothing, .ms = ms}});
    step->changed = true;
}

void step_stage(struct step *step, enum stage stage)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;

    if ((!wake->open && !wake->recent) || wake->wait != WAIT_NOTHING ||
        wake->stages[stage] != STAGE_UNREACHED)
        return;
    const int64_t ms = step->now.boot - wake->started;
    wake->stages[stage] = history_time(ms, INT32_MAX);
    if (!wake->open)
        history_amend(&power->history, wake->kind, stage,
                      history_time(ms, step->model->wake.timeout));
    step_emit(step, &(struct action){.kind = ACTION_EVENT,
                                     .event = {.what = HAPPENED_STAGE,
                                               .detail = &FACT(WAKE_STAGE, .word = (uint8_t)stage),
                                               .stage = stage,
                                               .ms = ms}});
    step->changed = true;
}

void step_problem(struct step *step, const struct fact *problem)
{
    const struct fact *now = problem ? problem : &nothing;

    if (fact_equal(&step->power->problem, now))
        return;
    step->power->problem = *now;
    step->changed = true;
}

void step_answer(struct step *step, struct ledger_entry *entry, enum command_outcome outcome,
                 const struct fact *reason)
{
    const bool is_end = outcome != OUTCOME_ACCEPTED;

    if (!entry->answered && (outcome == OUTCOME_DONE || outcome == OUTCOME_FAILED))
        step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
    if (!is_end && entry->answered)
        return;
    /* Said once: the record of it goes to the disk first. */
    step->changed = step->durable = true;
    entry->answered = true;
    if (is_end && entry->open)
        ledger_close(&step->fleet->ledger, entry);
    entry->outcome = outcome;
    entry->seconds_ms = step->now.boot - entry->received;
    entry->reason = reason ? *reason : nothing;
    step_emit(step, &(struct action){.kind = ACTION_ANSWER, .answer = entry});
    if (outcome == OUTCOME_REFUSED) {
        const struct fact refused = fact_because(
            fact_with(FACT(COMMAND_REFUSED, .word = (uint8_t)entry->action), entry->by, NULL),
            &entry->reason);

        step_tell(step, HAPPENED_COMMAND_REFUSED, 0, &refused);
    }
}

void step_answer_open(struct step *step, enum command_action action, enum command_outcome outcome,
                      const struct fact *reason)
{
    step_answer_open_of(step, action, NULL, outcome, reason);
}

void step_answer_open_of(struct step *step, enum command_action action, const char *by,
                         enum command_outcome outcome, const struct fact *reason)
{
    const struct ledger *ledger = &step->fleet->ledger;

    for (struct ledger_entry *entry = ledger_newest(ledger, step->server); entry;
         entry = ledger_older(ledger, entry))
        if (entry->open && entry->action == action && !command_is_for_project(entry) &&
            (!by || strcmp(entry->by, by) == 0))
            step_answer(step, entry, outcome, reason);
}

void step_new_id(struct step *step, char kind, char out[COMMAND_ID_SIZE])
{
    snprintf(out, COMMAND_ID_SIZE, "%c%llx-%x", kind, (unsigned long long)step->now.wall,
             ++step->fleet->serial);
}
