#include "core/facts/wish.h"

void wish_wake(struct step *step, const struct fact *cause, bool force)
{
    const struct wake *wake = &step->power->wake;
    struct wake_wish *wish = &step->wish;

    if ((wake->open || wake->queued) && (wake->force || !force))
        return; /* it is under way */
    wish->force |= force;
    if (wish->cause)
        return;
    step->fleet->cause = *cause;
    wish->cause = &step->fleet->cause;
    wish->site = MODEL_NONE;
}

void wish_cancel(struct step *step, const char *by, struct ledger_entry *entry, struct fact done)
{
    step->fleet->done = done;
    step->cancel = (struct cancel_wish){.by = by, .entry = entry, .done = &step->fleet->done};
}

void wish_sleep(struct step *step, struct ledger_entry *entry, const char *by, bool force,
                bool restart)
{
    step->sleep = (struct sleep_wish){.entry = entry, .by = by, .force = force, .restart = restart};
}

bool wish_is_open(const struct step *step)
{
    return step->wish.cause || step->cancel.by || step->sleep.entry;
}
