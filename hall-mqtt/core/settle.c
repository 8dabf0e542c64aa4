#include "core/settle.h"

#include "base/array.h"
#include "core/depend.h"
#include "core/emit.h"
#include "core/expire.h"
#include "core/guard.h"
#include "core/policy.h"
#include "core/problem.h"
#include "core/projects.h"
#include "core/sight.h"
#include "core/sites.h"
#include "core/sleep.h"
#include "core/wake.h"

static const struct rule {
    const char *name;
    void (*run)(struct step *step);
    int64_t (*due)(const struct step *step); /* when time alone makes it act, boot clock; or NULL */
} rules[] = {
    {"sight", sight_follow, sight_due},    {"sleep", sleep_tick, sleep_due},
    {"sleep_end", sleep_end, NULL},        {"wake_follow", wake_follow, NULL},
    {"policy", policy_keep, policy_due},   {"depend", depend_keep, NULL},
    {"expire", expire_leases, expire_due}, {"projects_order", projects_order, projects_due},
    {"sites", sites_update, NULL},         {"projects_settle", projects_settle, NULL},
    {"guard", guard_tick, guard_due},      {"wake", wake_tick, wake_due},
    {"policy_wake", policy_wake, NULL},    {"idle", sleep_when_idle, NULL},
    {"touch", depend_touch, NULL},
};

/* One round: each rule once, in order. Did any change a fact? */
static bool run_rules(struct step *step)
{
    const bool before = step->changed;

    step->changed = false;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        rules[i].run(step);
    const bool again = step->changed;
    step->changed |= before;
    return again;
}

static void order_pace(struct step *step)
{
    struct action action = {.kind = ACTION_PACE};

    power_pace(step->power, &action.pace.interval, &action.pace.timeout);
    if (action.pace.interval == step->power->probe_interval)
        return;
    step->power->probe_interval = action.pace.interval;
    step_emit(step, &action);
}

static void tell_status(struct step *step)
{
    const uint32_t mark = lease_mark(&step->power->leases);
    struct action action = {.kind = ACTION_STATUS,
                            .status = {.leases = mark != step->power->lease_mark}};

    step->power->lease_mark = mark;
    step_emit(step, &action);
}

static void tell_faults(struct step *step)
{
    int check;

    while ((check = problem_untold(step->power, step->fleet->model, step->server)) != MODEL_NONE)
        step_emit(step,
                  &(struct action){.kind = ACTION_CHECK, .check = {.check = (unsigned)check}});
}

/* What has changed leaves, once all of it has. */
static void leave(struct step *step)
{
    order_pace(step);
    projects_tell(step);
    tell_faults(step);
    if (!step->changed)
        return;
    tell_status(step);
    step_emit(step, &(struct action){.kind = ACTION_SAVE, .save = {.durable = step->durable}});
}

void settle(struct step *step)
{
    unsigned rounds = 1;
    int64_t due = DUE_NEVER;

    while (run_rules(step) && rounds < SETTLE_ROUNDS_MOST)
        rounds++;
    if (rounds > step->fleet->rounds_most)
        step->fleet->rounds_most = rounds;
    leave(step);
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        const int64_t at = rules[i].due ? rules[i].due(step) : DUE_NEVER;

        due = at < due ? at : due;
    }
    due_set(&step->fleet->due, step->server, due);
}
