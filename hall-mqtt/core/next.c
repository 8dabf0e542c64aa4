/* What time alone brings next to a server, for the views. */
#include "core/facts/look.h"
#include "core/facts/waking.h"
#include "core/state.h"

static void consider(struct next_event *next, int64_t at, const char *what, struct fact reason)
{
    if (!next->what || at < next->at)
        *next = (struct next_event){.at = at, .what = what, .reason = reason};
}

static void consider_wake(struct next_event *next, const struct power *power, struct now now)
{
    const int64_t eta = power_eta(power, now.boot);

    if (!power->wake.open)
        return;
    if (eta > 0)
        consider(next, now.wall + eta, "ready", fact_because(FACT(NEXT_READY), &power->wake.cause));
    else
        consider(next, clock_wall_at(now, look_before(power, power->wake.deadline)),
                 "wake_deadline", fact_because(FACT(NEXT_WAKE_DEADLINE), &power->wake.cause));
}

static void consider_sleep(struct next_event *next, const struct power *power, struct now now)
{
    const int64_t until = lease_awake_until(power->leases);

    if (power->sleep.phase != SLEEP_NONE)
        consider(next, clock_wall_at(now, look_before(power, power->sleep.deadline)),
                 "sleep_deadline", fact_with(FACT(NEXT_SLEEP_DEADLINE), power->sleep.by, NULL));
    else if (power_is_up(power->state) && power->leases->n > 0 && until != LEASE_FOREVER)
        consider(next, clock_wall_at(now, until), "sleep", FACT(NEXT_SLEEP));
    else if (power_is_up(power->state) && power->leases->n == 0 && power->rousing.until > now.boot)
        consider(next, clock_wall_at(now, power->rousing.until), "sleep", power_roused(power));
}

static void consider_retry(struct next_event *next, const struct power *power, int server,
                           struct now now)
{
    const struct lease *lease = waking_lease(power);

    if (!lease || power->retry_at <= now.boot)
        return;
    const struct fact cause = lease_cause(lease, server);

    consider(next, clock_wall_at(now, power->retry_at), "wake_retry",
             fact_because(FACT(NEXT_WAKE_RETRY), &cause));
}

static void consider_schedules(struct next_event *next, const struct fleet *fleet, int server)
{
    if (power_is_up(fleet->powers[server].state))
        return;
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site]) {
        const int domain = fleet->model->sites[site].domain;
        const struct domain_state *state = &fleet->domains[domain];

        if (!fleet->model->sites[site].is_project && state->looked > 0 &&
            state->next != SCHEDULE_NEVER)
            consider(next, state->next, "schedule", FACT(NEXT_SCHEDULE, .subject = domain));
    }
}

bool fleet_next_event(const struct fleet *fleet, int server, struct now now,
                      struct next_event *ret_next)
{
    const struct power *power = &fleet->powers[server];
    struct next_event next = {0};

    consider_wake(&next, power, now);
    consider_sleep(&next, power, now);
    if (power->guard.kind && power->guard.until != LEASE_FOREVER)
        consider(&next, clock_wall_at(now, power->guard.until), "guard_end",
                 FACT(NEXT_GUARD_END, .word = (uint8_t)power->guard.kind));
    consider_retry(&next, power, server, now);
    consider_schedules(&next, fleet, server);
    if (!next.what)
        return false;
    *ret_next = next;
    return true;
}
