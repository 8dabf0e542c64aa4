#include "core/settle.h"

#include "base/array.h"
#include "core/emit.h"
#include "core/facts/wish.h"
#include "core/problem.h"
#include "core/rules/dependents.h"
#include "core/rules/expire.h"
#include "core/rules/order.h"
#include "core/rules/policy.h"
#include "core/rules/project_rule.h"
#include "core/rules/sight.h"
#include "core/rules/sites.h"
#include "core/rules/sleep.h"
#include "core/rules/visit.h"
#include "core/rules/wake.h"
#include "core/rules/want.h"

/* Who hears what an event says, once, in this order. What others say is in the facts already. */
static void (*const hear[FLEET_EVENTS][3])(struct step *step) = {
    [FLEET_VISIT] = {visit_take}, /* visitors take leases, and want wakes */
    [FLEET_USE] = {visit_take},
    [FLEET_COMMAND] = {order_take, projects_take_command}, /* answered, or begun */
    [FLEET_PROBE] = {sight_follow},                        /* the evidence moves the state */
    [FLEET_NEIGHBOUR] = {sight_follow},
    [FLEET_REPORT] = {sight_follow},                           /* whose MACs it names */
    [FLEET_AGENT] = {projects_hear, sleep_hear, sight_follow}, /* it is there, goes, is back */
    [FLEET_SLEEP_ANSWER] = {projects_hear, sleep_hear},        /* what came of an order */
    [FLEET_PACKET_SENT] = {wake_hear},                         /* and of a magic packet */
};

/* In this order: what it makes of the transactions, who wants what, what time makes due. */
static const struct rule {
    void (*run)(struct step *step);
    int64_t (*due)(const struct step *step); /* when time alone makes it act, boot clock; or NULL */
} rules[] = {
    {sight_expect, sight_due},      /* one that nothing was seen of is off */
    {sleep_tick, sleep_due},        /* a sleep runs out of time */
    {sleep_end, NULL},              /* silence ends it */
    {wake_follow, NULL},            /* an answer ends a wake */
    {sleep_take_wish, NULL},        /* a sleep that is wished is proposed */
    {wake_begin, NULL},             /* a wake that is wished or queued begins */
    {policy_keep, policy_due},      /* standing leases come and go */
    {dependents_keep, NULL},        /* and those of servers that need this one */
    {expire_leases, expire_due},    /* all others end with their time */
    {projects_order, projects_due}, /* containers are started and stopped */
    {sites_update, NULL},           /* visitors are let through, or no more */
    {projects_settle, NULL},        /* who waited for a project has it, or not */
    {wake_tick, wake_due},          /* a wake sends, waits, runs out of time */
    {want_wakes, want_due},         /* leases want a server that is down */
    {sleep_when_idle, NULL},        /* no lease: it may sleep */
    {dependents_tell, NULL},        /* those that are concerned look at it */
};

/* One round: each rule once, in order. Did any change a fact? */
static bool run_rules(struct step *step)
{
    const bool before = step->changed;

    step->changed = false;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        rules[i].run(step);
    const bool again = step->changed || wish_is_open(step);
    step->changed |= before;
    return again;
}

static void order_pace(struct step *step)
{
    int64_t interval, timeout;

    power_pace(step->power, step->model->n_checks, &interval, &timeout);
    if (interval == step->power->probe_interval)
        return;
    step->power->probe_interval = interval;
    step_emit(step, &(struct action){.kind = ACTION_PACE,
                                     .pace = {.interval = interval, .timeout = timeout}});
}

/* What has changed leaves, once all of it has. */
static void leave(struct step *step)
{
    order_pace(step);
    projects_tell(step);
    int check;
    while ((check = problem_untold(step->power, step->fleet->model, step->server)) != MODEL_NONE)
        step_emit(step,
                  &(struct action){.kind = ACTION_CHECK, .check = {.check = (unsigned)check}});
    if (!step->changed)
        return;
    const uint32_t mark = lease_mark(step->power->leases);
    struct action action = {.kind = ACTION_STATUS,
                            .status = {.leases = mark != step->power->lease_mark}};
    step->power->lease_mark = mark;
    step_emit(step, &action);
    step_emit(step, &(struct action){.kind = ACTION_SAVE, .save = {.durable = step->durable}});
}

void settle(struct step *step)
{
    unsigned rounds = 1;
    int64_t due = DUE_NEVER;

    for (size_t i = 0; i < ARRAY_SIZE(hear[0]) && hear[step->heard.kind][i]; i++)
        hear[step->heard.kind][i](step);
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
