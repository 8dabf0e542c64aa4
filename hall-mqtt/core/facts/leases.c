#include "core/facts/leases.h"

#include "core/emit.h"

int64_t step_idle(const struct step *step)
{
    return fleet_idle(step->fleet, step->server);
}

void step_release_passing_leases(struct step *step)
{
    lease_release_kind(step->power->leases, LEASE_VISIT);
    lease_release_kind(step->power->leases, LEASE_MANUAL);
    step->changed = true;
}

void step_release_holds(struct step *step)
{
    struct power *power = step->power;

    for (size_t i = power->leases->n; i-- > 0;)
        if (power->leases->leases[i].kind == LEASE_HOLD) {
            const struct lease lease = power->leases->leases[i];
            const struct fact forced = fact_with(FACT(HOLD_FORCED), lease.holder, NULL);

            step_tell(step, HAPPENED_RELEASE, 0, &forced);
            lease_release(power->leases, LEASE_HOLD, MODEL_NONE, lease.holder);
        }
}
