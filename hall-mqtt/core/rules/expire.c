#include "core/rules/expire.h"

#include "core/emit.h"

static void tell_ended_holds(struct step *step)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == LEASE_HOLD && set->leases[i].until <= step->now.boot) {
            const struct fact ended = fact_with(FACT(HOLD_ENDED), set->leases[i].holder, NULL);

            step_tell(step, HAPPENED_RELEASE, 0, &ended);
        }
}

void expire_leases(struct step *step)
{
    /* A wake always ends; until then nobody who waits for it is forgotten. */
    if (step->power->wake.open)
        return;
    tell_ended_holds(step);
    if (lease_expire(step->power->leases, step->now.boot) > 0)
        step->changed = true;
}

int64_t expire_due(const struct step *step)
{
    return step->power->wake.open ? DUE_NEVER : lease_next_end(step->power->leases);
}
