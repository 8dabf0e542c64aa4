#include "core/rules/want.h"

#include "core/facts/waking.h"
#include "core/facts/wish.h"

static void wish_for(struct step *step, const struct lease *lease)
{
    const struct fact cause = lease_cause(lease, step->server);

    wish_wake(step, &cause, false);
}

/* Somebody who waits; what stands is served by its policy. */
static const struct lease *waiting_lease(const struct lease_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (!lease_is_standing(set->leases[i].kind))
            return &set->leases[i];
    return NULL;
}

/* When the guard's time is over, whoever still wants the server gets it. */
static void end_guard(struct step *step)
{
    struct power *power = step->power;
    const struct lease *lease = waiting_lease(power->leases);

    /* After a restart it is looked at first. */
    if (power->guard.kind == GUARD_NONE || power->guard.until > step->now.boot ||
        power->state == POWER_UNKNOWN)
        return;
    power->guard = (struct guard){0};
    step->changed = true;
    if (lease && !power->evidence.alive)
        wish_for(step, lease);
}

void want_wakes(struct step *step)
{
    const struct power *power = step->power;

    end_guard(step);
    const struct lease *lease = waking_lease(power);
    if (lease && power->retry_at <= step->now.boot && power->guard.kind == GUARD_NONE)
        wish_for(step, lease);
}

int64_t want_due(const struct step *step)
{
    const struct power *power = step->power;

    if (power->guard.kind != GUARD_NONE)
        return power->state == POWER_UNKNOWN ? DUE_NEVER : power->guard.until;
    return waking_lease(power) ? power->retry_at : DUE_NEVER;
}
