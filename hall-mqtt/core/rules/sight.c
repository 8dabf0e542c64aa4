#include "core/rules/sight.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/facts/look.h"
#include "core/facts/waking.h"
#include "core/transition.h"

enum {
    UNKNOWN_MOST = 15000, /* ms: one that has shown nothing since the start is off */
    AGENT_MOST = 60000,   /* it reports four times in that */
};

static void follow_evidence(struct step *step, struct evidence_change change)
{
    const enum power_state state = step->power->state;
    /* To be found silent at last is no news of a server that was not up. */
    const bool falls_silent =
        change.silent && (step->power->up_since > 0 || state == POWER_UNKNOWN);

    if (state != POWER_SLEEPING && step->power->leaving <= step->now.boot)
        power_forget_goodbye(step->power);
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

static int64_t unknown_due(const struct step *step)
{
    return step->power->state == POWER_UNKNOWN
               ? look_before(step->power, step->power->since + UNKNOWN_MOST)
               : DUE_NEVER;
}

/* When a report of its agent is missed: of one that has reported before. */
static int64_t agent_due(const struct step *step)
{
    const struct power *power = step->power;

    return power->evidence.agent == AGENT_ONLINE && power->report.heard &&
                   !power->evidence.agent_late
               ? look_before(power, power->agent_heard + AGENT_MOST)
               : DUE_NEVER;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t sight_due(const struct step *step)
{
    const int64_t until = step->power->suspect_until;

    return sooner(sooner(unknown_due(step), agent_due(step)), until > 0 ? until : DUE_NEVER);
}

/* Where nothing can prove silence (its agent was never heard, echoes are not permitted), time
 * decides. */
void sight_expect(struct step *step)
{
    struct power *power = step->power;

    if (power->suspect_until > 0 && power->suspect_until <= step->now.boot)
        power->suspect_until = 0;
    if (agent_due(step) <= step->now.boot)
        follow_evidence(step, evidence_miss_agent(&power->evidence, step->model));
    if (unknown_due(step) <= step->now.boot)
        step_transition(step, POWER_SILENT, &FACT(SEEN_NOTHING));
}

void sight_follow(struct step *step)
{
    follow_evidence(step, step->heard.seen);
    if (step->heard.intruder)
        tell_intruder(step);
}
