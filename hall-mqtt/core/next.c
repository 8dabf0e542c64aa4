/* What time alone brings next to a server, for the views. */
#include <stdio.h>

#include "core/state.h"
#include "core/waking.h"

static void consider(struct next_event *next, int64_t at, const char *what, const char *reason,
                     const char *subject)
{
    if (next->what && at >= next->at)
        return;
    next->at = at;
    next->what = what;
    snprintf(next->reason, sizeof(next->reason), "%s%.64s", reason, subject);
}

static void consider_wake(struct next_event *next, const struct power *power, struct now now)
{
    const int64_t eta = power_eta(power, now.boot);

    if (!power->wake.open)
        return;
    if (eta > 0)
        consider(next, now.wall + eta, "ready", "woken by ", power->wake.cause);
    else
        consider(next, clock_wall_at(now, power->wake.deadline), "wake_deadline",
                 "given up if not ready by then; woken by ", power->wake.cause);
}

static void consider_sleep(struct next_event *next, const struct power *power, struct now now)
{
    const int64_t until = lease_awake_until(&power->leases);

    if (power->sleep.phase != SLEEP_NONE)
        consider(next, clock_wall_at(now, power->sleep.deadline), "sleep_deadline",
                 "asked to sleep by ", power->sleep.by);
    else if (power_is_up(power->state) && power->leases.n > 0 && until != LEASE_FOREVER)
        consider(next, clock_wall_at(now, until), "sleep", "the last lease ends", "");
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
            consider(next, state->next, "schedule", "woken in time for the window of ",
                     fleet->model->domains[domain].name);
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
                 "may be woken again; refused by guard ", guard_name(power->guard.kind));
    if (waking_lease(power) && power->retry_at > now.boot)
        consider(&next, clock_wall_at(now, power->retry_at), "wake_retry", "woken again for ",
                 waking_lease(power)->holder);
    consider_schedules(&next, fleet, server);
    if (!next.what)
        return false;
    *ret_next = next;
    return true;
}
