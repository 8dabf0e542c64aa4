/* What forbids a sleep. */
#include "core/rules/sleep_internal.h"

bool sleep_via_agent(const struct step *step)
{
    return step->model->sleep.via == SLEEP_VIA_AGENT;
}

/* Leases that a plain sleep command may not override; its own kind, `manual`, it ends. An agent
 * that is asked looks afresh, and vetoes itself. */
static bool is_blocking(const struct step *step, const struct lease *lease)
{
    return lease->kind != LEASE_MANUAL && (lease->kind != LEASE_AGENT || !sleep_via_agent(step));
}

static bool is_blocked(const struct step *step)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (is_blocking(step, &set->leases[i]))
            return true;
    return false;
}

static bool is_wakeable(const struct power *power)
{
    return power->ever_woken || (power->report.wol_known && power->report.wol_armed);
}

/* Why nothing can ask it; FACT_NONE: something can. */
static struct fact lacking_method(const struct step *step)
{
    if (step->model->sleep.via == SLEEP_VIA_NONE)
        return FACT(SLEEP_VIA_NONE);
    if (sleep_via_agent(step) && step->power->evidence.agent != AGENT_ONLINE)
        return FACT(SLEEP_NO_AGENT);
    return FACT(NONE);
}

/* By the leases that are in its way, as many as there is room for: those that speak for themselves,
 * then one that has a cause. */
static struct fact in_use(const struct step *step)
{
    const struct lease_set *set = step->power->leases;
    struct fact last = {0}, all = FACT(SLEEP_IN_USE);

    for (size_t i = 0; i < set->n; i++) {
        const struct fact fact = lease_fact(&set->leases[i], step->server, step->now);

        if (!is_blocking(step, &set->leases[i]))
            continue;
        if (fact.parts[1].code == FACT_NONE)
            all = fact_because(all, &fact);
        else if (fact_is(&last, FACT_NONE))
            last = fact;
    }
    return fact_because(all, &last);
}

/* What forbids it where nobody insists. */
static struct fact plain_bar(const struct step *step)
{
    const struct power *power = step->power;
    const int64_t up_for = step->now.boot - power->up_since;

    if (is_blocked(step))
        return in_use(step);
    if (power->sight.failed) /* what cannot be seen may be in use */
        return FACT(SLEEP_OUT_OF_SIGHT);
    if (up_for < step->model->sleep.min_up)
        return FACT(SLEEP_TOO_SOON, .n = {up_for, step->model->sleep.min_up});
    return is_wakeable(power) ? FACT(NONE) : FACT(SLEEP_NOT_WAKEABLE);
}

/* Why it must not be put to sleep now; false: it may. */
bool sleep_is_barred(const struct step *step, bool force, struct fact *ret_why)
{
    const struct power *power = step->power;
    struct fact why = lacking_method(step);

    if (!power->evidence.alive)
        why = FACT(SLEEP_NOT_UP, .word = (uint8_t)power->state);
    else if (fact_is(&why, FACT_NONE) && !force)
        why = plain_bar(step);
    if (fact_is(&why, FACT_NONE))
        return false;
    *ret_why = why;
    return true;
}

bool sleep_is_in_use(const struct step *step, struct fact *ret_why)
{
    if (!is_blocked(step))
        return false;
    *ret_why = in_use(step);
    return true;
}
