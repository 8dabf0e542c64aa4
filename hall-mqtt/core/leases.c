#include "core/leases.h"

#include "base/text.h"
#include "core/emit.h"

int64_t step_idle(const struct step *step)
{
    return fleet_idle(step->fleet, step->server);
}

void step_release_passing_leases(struct step *step)
{
    lease_release_kind(&step->power->leases, LEASE_VISIT);
    lease_release_kind(&step->power->leases, LEASE_MANUAL);
    step->changed = true;
}

void step_release_holds(struct step *step)
{
    struct power *power = step->power;

    for (size_t i = power->leases.n; i-- > 0;)
        if (power->leases.leases[i].kind == LEASE_HOLD) {
            char holder[LEASE_HOLDER_SIZE];

            text_copy(holder, sizeof(holder), power->leases.leases[i].holder);
            step_tell(step, HAPPENED_RELEASE, 0, "%s: released by a forced sleep", holder);
            lease_release(&power->leases, LEASE_HOLD, holder);
        }
}
