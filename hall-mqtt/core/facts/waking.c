#include "core/facts/waking.h"

#include "base/text.h"
#include "core/emit.h"

bool waking_needs_packets(const struct step *step)
{
    const struct wake *wake = &step->power->wake;

    return (wake->force && wake->packets == 0) ||
           !evidence_answers(&step->power->evidence, step->model);
}

bool waking_is_answered(const struct power *power)
{
    return power->wake.open || power->failure == FAILURE_NO_SIGN ||
           power->failure == FAILURE_NOT_READY;
}

void waking_note_sign(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (!wake->open)
        return;
    step_stage(step, STAGE_FIRST_SIGN);
    if (step->power->evidence.agent == AGENT_ONLINE)
        step_stage(step, STAGE_AGENT_ONLINE);
    if (!waking_needs_packets(step))
        wake->next_packet = 0;
}

void waking_queue(struct step *step, const struct fact *cause, bool force)
{
    struct wake *wake = &step->power->wake;

    wake->force |= force;
    if (wake->open || wake->queued)
        return;
    wake->queued = true;
    wake->force = force;
    const struct fact queued = fact_because(FACT(WAKE_QUEUED), cause);

    wake->cause = *cause;
    step->durable = true;
    step_tell(step, HAPPENED_WAKE_REQUESTED, 0, &queued);
}

/* A standing lease wakes a server that is found down, with back-off after failures. */
const struct lease *waking_lease(const struct power *power)
{
    const struct lease_set *set = power->leases;
    const bool is_down = power->state == POWER_OFF || power->state == POWER_UNREACHABLE ||
                         power->state == POWER_WAKE_FAILED;

    if (!is_down || power->evidence.alive || power->wake.open || power->resting)
        return NULL;
    for (size_t i = 0; i < set->n; i++)
        if (lease_is_standing(set->leases[i].kind))
            return &set->leases[i];
    return NULL;
}
