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

/* Its wake was called off when a packet had left: it was silent, and comes all the same. */
static void note_called_off(struct step *step)
{
    struct power *power = step->power;
    const struct wake *wake = &power->wake;

    power->ever_woken |= power->failure == FAILURE_CANCELLED && wake->packets_sent > 0 &&
                         !wake->found_alive &&
                         step->now.boot - wake->started <= step->model->wake.timeout &&
                         evidence_answers(&power->evidence, step->model);
}

void waking_note_sign(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (!wake->open) {
        note_called_off(step);
        return;
    }
    step_stage(step, STAGE_FIRST_SIGN);
    if (step->power->evidence.agent == AGENT_ONLINE)
        step_stage(step, STAGE_AGENT_ONLINE);
    if (waking_needs_packets(step))
        return;
    wake->next_packet = 0;
    /* It was silent and answers after our packets, whether its sites do or not. */
    step->power->ever_woken |=
        wake->packets_sent > 0 && (!wake->found_alive || wake->sent_in_silence);
}

void waking_queue(struct step *step, const struct fact *cause, bool force)
{
    struct wake *wake = &step->power->wake;

    wake->force |= force;
    if (wake->open || wake->queued)
        return;
    wake->queued = true;
    wake->deserted = false;
    wake->force = force;
    const struct fact queued = fact_because(FACT(WAKE_QUEUED), cause);

    wake->cause = *cause;
    step->durable = true;
    step_tell(step, HAPPENED_WAKE_REQUESTED, 0, &queued);
}

static bool somebody_waits(const struct step *step)
{
    static const bool wait[COMMAND_ACTIONS] = {
        [COMMAND_WAKE] = true, [COMMAND_START] = true, [COMMAND_RESTART] = true};
    const struct ledger *ledger = &step->fleet->ledger;
    const struct ledger_entry *entry = ledger_newest(ledger, step->server);

    while (entry && !(entry->open && wait[entry->action]))
        entry = ledger_older(ledger, entry);
    return entry;
}

bool waking_is_unwanted(const struct step *step)
{
    const struct wake *wake = &step->power->wake;
    const bool rests = wake->queued || (wake->open && wake->wait != WAIT_NOTHING);

    return rests && wake->deserted && lease_awake_until(step->power->leases) <= step->now.boot &&
           !somebody_waits(step);
}

/* A standing lease wakes a server that is found down, with back-off after failures. */
const struct lease *waking_lease(const struct power *power)
{
    const struct lease_set *set = power->leases;

    if (!power_is_down(power) || power->wake.open || power->resting)
        return NULL;
    for (size_t i = 0; i < set->n; i++)
        if (lease_is_standing(set->leases[i].kind))
            return &set->leases[i];
    return NULL;
}

static bool is_in_vain(const struct power *power)
{
    return power->in_vain && power->evidence.alive;
}

bool waking_is_in_vain(const struct step *step)
{
    if (is_in_vain(step->power))
        return true;
    if (step->power->failure != FAILURE_DEPENDENCY)
        return false;
    for (size_t i = 0; i < step->model->n_depends_on; i++)
        if (is_in_vain(&step->fleet->powers[step->model->depends_on[i]]))
            return true;
    return false;
}
