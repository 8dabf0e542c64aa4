#include "core/wish.h"

#include "base/text.h"

void wish_wake(struct step *step, const char *cause, bool force)
{
    const struct wake *wake = &step->power->wake;
    struct wake_wish *wish = &step->wish;

    if ((wake->open || wake->queued) && (wake->force || !force))
        return; /* it is under way */
    wish->force |= force;
    if (wish->made)
        return;
    wish->made = true;
    wish->site = MODEL_NONE;
    text_copy(wish->cause, sizeof(wish->cause), cause);
}
