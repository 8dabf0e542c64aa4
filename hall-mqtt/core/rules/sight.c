#include "core/rules/sight.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/facts/waking.h"
#include "core/transition.h"

enum { UNKNOWN_MOST = 15000 }; /* ms: one that has shown nothing since the start is off */

static void follow_evidence(struct step *step, struct evidence_change change)
{
    const enum power_state state = step->power->state;
    /* To be found silent at last is no news of a server that was not up. */
    const bool falls_silent =
        change.silent && (step->power->up_since > 0 || state == POWER_UNKNOWN);

    if (change.changed)
        step->changed = true;
    if (change.sign || change.pass)
        waking_note_sign(step);
    if (change.pass)
        step_transition(step, POWER_PASS, NULL);
    else if (change.sign)
        step_transition(step, POWER_SIGN, NULL);
    if (change.fail)
        step_transition(step, POWER_FAIL, NULL);
    if (falls_silent)
        step_transition(step, POWER_SILENT, NULL);
}

static void tell_intruder(struct step *step)
{
    char mac[MAC_TEXT_SIZE];
    const struct fact taken =
        fact_with(FACT(ADDRESS_TAKEN), text_format_mac(step->power->evidence.other_mac, mac), NULL);

    step_problem(step, &taken);
}

/* Where nothing can prove silence (its agent was never heard, echoes are not permitted), time
 * decides. */
void sight_expect(struct step *step)
{
    if (step->power->state == POWER_UNKNOWN && step->power->since + UNKNOWN_MOST <= step->now.boot)
        step_transition(step, POWER_SILENT, &FACT(SEEN_NOTHING));
}

void sight_follow(struct step *step)
{
    follow_evidence(step, step->heard.seen);
    if (step->heard.intruder)
        tell_intruder(step);
}

int64_t sight_due(const struct step *step)
{
    return step->power->state == POWER_UNKNOWN ? step->power->since + UNKNOWN_MOST : DUE_NEVER;
}
