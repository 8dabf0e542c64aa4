#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/guard.h"
#include "core/leases.h"
#include "core/order.h"
#include "core/projects.h"
#include "core/wish.h"

static const char *asker(const struct command *command)
{
    return command->by[0] ? command->by : "someone";
}

/* Force overrides the guards of a server, as it overrides its vetoes. */
static bool is_refused_by_guard(const struct step *step, const struct command *command,
                                char reason[REASON_SIZE])
{
    const struct power *power = step->power;
    struct guard guard;

    if (command->force || power->evidence.alive || power->wake.open || power->wake.queued ||
        power->state == POWER_SLEEPING || !guard_wake(step, &guard))
        return false;
    guard_say(step, &guard, reason);
    return true;
}

/* Whoever wakes it holds it for a while. False: refused, and answered so. */
static bool take_manual(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;
    const int64_t lasts = command->lasts > 0 ? command->lasts : step_idle(step);
    char label[CAUSE_SIZE];
    char reason[REASON_SIZE];

    if (is_refused_by_guard(step, command, reason)) {
        step_answer(step, entry, OUTCOME_REFUSED, reason);
        return false;
    }
    snprintf(label, sizeof(label), "%.56s woke it", asker(command));
    if (!lease_take(&power->leases, LEASE_MANUAL, asker(command), label, step->now.boot,
                    step->now.boot + lasts)) {
        step_answer(step, entry, OUTCOME_REFUSED, "too many leases on this server; release one");
        return false;
    }
    step->changed = true;
    return true;
}

static void order_wake(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct power *power = step->power;
    char label[CAUSE_SIZE];

    if (!take_manual(step, entry, command))
        return;
    step_answer(step, entry, OUTCOME_ACCEPTED, "");
    if (power->state == POWER_READY) {
        step_answer(step, entry, OUTCOME_DONE, "it is ready already");
        return;
    }
    snprintf(label, sizeof(label), "wake command by %s", asker(command));
    wish_wake(step, label, command->force);
}

/* A sleep command while it wakes calls the wake off, unless others wait for it. */
static void sleep_instead_of_wake(struct step *step, struct ledger_entry *entry,
                                  const struct command *command)
{
    char reason[REASON_SIZE];
    const struct lease_set *set = &step->power->leases;

    for (size_t i = 0; i < set->n && !command->force; i++)
        if (set->leases[i].kind != LEASE_MANUAL) {
            power_why(step->power, step->now, reason, sizeof(reason));
            step_answer(step, entry, OUTCOME_REFUSED, reason);
            return;
        }
    step_answer(step, entry, OUTCOME_ACCEPTED, "");
    step_release_passing_leases(step);
    if (command->force) {
        step_release_holds(step);
        step->power->resting = true;
    }
    wish_cancel(step, asker(command), entry, "the wake was called off");
}

static void order_sleep(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;

    if (power->state == POWER_SLEEPING && !power->wake.queued) {
        step_answer(step, entry, OUTCOME_ACCEPTED, "it is falling asleep already");
        return;
    }
    if (power->state == POWER_OFF) {
        step_answer(step, entry, OUTCOME_DONE, "it is off already");
        return;
    }
    if (power->wake.queued || (power->wake.open && !power->evidence.alive)) {
        sleep_instead_of_wake(step, entry, command);
        return;
    }
    wish_sleep(step, entry, asker(command), command->force, false);
}

/* Then the rule of the projects answers it, or what follows its acceptance. */
static bool is_for_project(const struct step *step, const struct ledger_entry *entry)
{
    return command_is_for_project(entry) && project_of(step, entry->site);
}

static void order_restart(struct step *step, struct ledger_entry *entry,
                          const struct command *command)
{
    char reason[REASON_SIZE];

    if (is_for_project(step, entry))
        return;
    if (step->power->sleep.phase != SLEEP_NONE || step->power->wake.open ||
        !power_is_up(step->power->state)) {
        snprintf(reason, sizeof(reason), "it is %s; only a server that is up and settled restarts",
                 power_state_name(step->power->state));
        step_answer(step, entry, OUTCOME_REFUSED, reason);
        return;
    }
    wish_sleep(step, entry, asker(command), command->force, true);
}

static void order_cancel(struct step *step, struct ledger_entry *entry,
                         const struct command *command)
{
    if (!step->power->wake.open && !step->power->wake.queued) {
        step_answer(step, entry, OUTCOME_REFUSED, "no wake is under way");
        return;
    }
    step_answer(step, entry, OUTCOME_ACCEPTED, "");
    step_release_passing_leases(step);
    wish_cancel(step, asker(command), entry, "");
}

static void order_hold(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct power *power = step->power;
    char cause[CAUSE_SIZE];

    if (!lease_take(&power->leases, LEASE_HOLD, command->name, command->reason, step->now.boot,
                    step->now.boot + command->lasts)) {
        step_answer(step, entry, OUTCOME_REFUSED, "too many leases on this server; release one");
        return;
    }
    step_tell(step, HAPPENED_HOLD, 0, "%s: %s", command->name, command->reason);
    step_answer(step, entry, OUTCOME_DONE, "");
    snprintf(cause, sizeof(cause), "hold of %s", command->name);
    if (!power_is_up(power->state))
        wish_wake(step, cause, false);
}

static void order_release(struct step *step, struct ledger_entry *entry,
                          const struct command *command)
{
    const enum lease_kind kind = command->of_kind ? command->lease : LEASE_HOLD;

    if (!lease_release(&step->power->leases, kind, command->name)) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    kind == LEASE_HOLD ? "there is no hold of that name"
                                       : "there is no such lease any more");
        return;
    }
    step->changed = true;
    step_tell(step, HAPPENED_RELEASE, 0, "%s", command->name);
    step_answer(step, entry, OUTCOME_DONE, "");
}

static bool has_windows(const struct step *step)
{
    const struct fleet *fleet = step->fleet;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site])
        if (fleet->model->domains[fleet->model->sites[site].domain].policy.n_windows > 0)
            return true;
    return false;
}

static void order_policy(struct step *step, struct ledger_entry *entry,
                         const struct command *command)
{
    struct override *override = &step->fleet->overrides[step->server];

    if (!command->policy_configured && command->policy == POLICY_SCHEDULED && !has_windows(step)) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    "none of its domains has windows; configure policy.windows first");
        return;
    }
    override->policy_set = !command->policy_configured;
    override->policy = command->policy;
    text_copy(override->by, sizeof(override->by), asker(command));
    step->power->resting = false;
    step->durable = true;
    step_tell(step, HAPPENED_POLICY_CHANGED, 0, "%s by %s",
              policy_mode_name(fleet_policy(step->fleet, step->server)), asker(command));
    step_answer(step, entry, OUTCOME_DONE, "");
}

static void order_idle(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct override *override = &step->fleet->overrides[step->server];

    override->idle = (int64_t)command->minutes * 60000;
    text_copy(override->by, sizeof(override->by), asker(command));
    step_tell(step, HAPPENED_POLICY_CHANGED, 0, "idle %d min by %s", command->minutes,
              asker(command));
    step_answer(step, entry, OUTCOME_DONE, "");
}

static void order_keep_awake(struct step *step, struct ledger_entry *entry,
                             const struct command *command)
{
    struct lease_set *set = &step->power->leases;

    if (command->on &&
        !lease_take(set, LEASE_HOLD, "keep_awake", "", step->now.boot, LEASE_FOREVER)) {
        step_answer(step, entry, OUTCOME_REFUSED, "too many leases on this server; release one");
        return;
    }
    if (!command->on)
        lease_release(set, LEASE_HOLD, "keep_awake");
    step_tell(step, command->on ? HAPPENED_HOLD : HAPPENED_RELEASE, 0, "keep_awake by %s",
              asker(command));
    step_answer(step, entry, OUTCOME_DONE, "");
    if (command->on && !power_is_up(step->power->state))
        wish_wake(step, "hold of keep_awake", false);
}

/* Of a project: its server is woken like by a wake command, its containers are started when it is
 * up. */
static void order_start(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;
    char label[CAUSE_SIZE];

    if (!is_for_project(step, entry)) {
        order_wake(step, entry, command);
        return;
    }
    if (!take_manual(step, entry, command))
        return;
    step_answer(step, entry, OUTCOME_ACCEPTED, "");
    if (power->state == POWER_READY)
        return;
    snprintf(label, sizeof(label), "start of %.40s by %.40s",
             step->fleet->model->sites[entry->site].id, asker(command));
    wish_wake(step, label, command->force);
}

static void order_stop(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    (void)command;
    if (!is_for_project(step, entry))
        step_answer(step, entry, OUTCOME_REFUSED, "only a project is stopped; a server sleeps");
}

typedef void order(struct step *, struct ledger_entry *, const struct command *);

static order *const orders[COMMAND_ACTIONS] = {
    [COMMAND_WAKE] = order_wake,
    [COMMAND_SLEEP] = order_sleep,
    [COMMAND_RESTART] = order_restart,
    [COMMAND_CANCEL] = order_cancel,
    [COMMAND_POLICY] = order_policy,
    [COMMAND_IDLE] = order_idle,
    [COMMAND_KEEP_AWAKE] = order_keep_awake,
    [COMMAND_HOLD] = order_hold,
    [COMMAND_RELEASE] = order_release,
    [COMMAND_START] = order_start,
    [COMMAND_STOP] = order_stop,
};

/* Said again as it was said before. What is still to be said of an open one will be. */
static void repeat_answer(struct step *step, struct ledger_entry *known,
                          const struct command *command)
{
    struct ledger_entry again = *known;

    if (known->open)
        ledger_join(known, command->route);
    if (!known->answered)
        return;
    again.route = command->route;
    step_emit(step, &(struct action){.kind = ACTION_ANSWER, .answer = &again});
}

static void take(struct step *step, const struct command *command)
{
    struct ledger *ledger = &step->fleet->ledger;
    char id[COMMAND_ID_SIZE];
    struct ledger_entry *entry;

    if (command->id[0]) {
        text_copy(id, sizeof(id), command->id);
        entry = ledger_find(ledger, step->server, id);
        if (entry) {
            repeat_answer(step, entry, command);
            return;
        }
    } else {
        step_new_id(step, 'c', id);
    }
    entry = ledger_add(ledger, step->server, command->action, id, asker(command), step->now.boot);
    if (!entry) {
        struct ledger_entry refused = {.used = true,
                                       .server = step->server,
                                       .action = command->action,
                                       .site = command->site,
                                       .route = command->route,
                                       .received = step->now.boot};

        text_copy(refused.id, sizeof(refused.id), id);
        text_copy(refused.by, sizeof(refused.by), asker(command));
        step_answer(step, &refused, OUTCOME_REFUSED,
                    "too many commands are under way; wait for their end");
        return;
    }
    entry->site = command->site;
    entry->route = command->route;
    step->durable = true;
    step->heard.entry = entry;
    orders[command->action](step, entry, command);
}

void order_take(struct step *step)
{
    if (step->heard.command)
        take(step, step->heard.command);
}
