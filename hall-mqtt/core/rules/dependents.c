#include "core/rules/dependents.h"

#include "core/facts/depend.h"
#include "core/facts/wish.h"

/* Does it, as it stands, need the server at hand? */
static bool needs(const struct step *step, int from)
{
    const enum power_need need = power_need(&step->fleet->powers[from], step->now.boot);

    return need == NEED_ALL || (need == NEED_WHO_IS_UP && !power_is_down(step->power));
}

/* A server that is up but not ready has nobody to wake it, but somebody now waits, with a limit. */
static void wait_for_checks(struct step *step, int from)
{
    if (power_is_up(step->power->state) && step->power->state != POWER_READY)
        wish_wake(step, &FACT(WAKE_DEPENDENT, .subject = from), true);
}

static void take(struct step *step, int from)
{
    struct power *power = step->power;

    if (!lease_take(power->leases, LEASE_DEPENDENT, from, "", NULL, step->now.boot, LEASE_FOREVER))
        return;
    step->changed = true;
    power->retry_at = 0;
    power->resting = false;
    wait_for_checks(step, from);
}

void dependents_keep(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    struct lease_set *set = step->power->leases;

    for (int edge = fleet->depend.first[step->server]; edge != MODEL_NONE;
         edge = fleet->depend.next[edge]) {
        const int from = fleet->depend.from[edge];
        const bool held = lease_find(set, LEASE_DEPENDENT, from, "");
        const bool needed = needs(step, from);

        if (needed && !held)
            take(step, from);
        else if (!needed && held)
            step->changed |= lease_release(set, LEASE_DEPENDENT, from, "");
        else if (held && fleet->powers[from].wake.wait == WAIT_DEPENDENCY &&
                 (step->power->asked || step->power->failure == FAILURE_NONE))
            wait_for_checks(step, from);
    }
}

void dependents_tell(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    struct power *power = step->power;
    const enum power_need need = power_need(power, step->now.boot);
    /* What those who need this server look at. */
    const bool tells = power->state == POWER_READY;

    power->asked = false;
    if (need != power->need)
        for (size_t i = 0; i < step->model->n_depends_on; i++)
            depend_touch(step, step->model->depends_on[i]);
    if (tells != power->was_told_ready || depend_will_not_come(power))
        for (int edge = fleet->depend.first[step->server]; edge != MODEL_NONE;
             edge = fleet->depend.next[edge])
            if (fleet->powers[fleet->depend.from[edge]].wake.wait == WAIT_DEPENDENCY)
                depend_touch(step, fleet->depend.from[edge]);
    power->need = need;
    power->was_told_ready = tells;
}
