#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/facts/guard.h"
#include "core/facts/leases.h"
#include "core/facts/projects.h"
#include "core/facts/wish.h"
#include "core/rules/order.h"

static const char *asker(const struct command *command)
{
    return command->by[0] ? command->by : "someone";
}

/* Force overrides the guards of a server, as it overrides its vetoes. */
static bool is_refused_by_guard(const struct step *step, const struct command *command,
                                struct fact *ret_reason)
{
    const struct power *power = step->power;
    struct guard guard;

    if (command->force || power->evidence.alive || power->wake.open ||
        power->state == POWER_SLEEPING || !guard_wake(step, &guard))
        return false;
    *ret_reason = guard_fact(&guard, step->now);
    return true;
}

/* Of two wakes of the same person the later end holds. */
static int64_t later_end(const struct lease_set *set, const char *by, int64_t until)
{
    const struct lease *held = lease_find(set, LEASE_MANUAL, MODEL_NONE, by);

    return held && held->until > until ? held->until : until;
}

/* Whoever wakes it holds it for a while. False: refused, and answered so. */
static bool take_manual(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;
    const int64_t lasts = command->lasts > 0 ? command->lasts : step_idle(step);
    struct fact reason;

    if (is_refused_by_guard(step, command, &reason)) {
        step_answer(step, entry, OUTCOME_REFUSED, &reason);
        return false;
    }
    if (!lease_take(power->leases, LEASE_MANUAL, MODEL_NONE, asker(command), NULL, step->now.boot,
                    later_end(power->leases, asker(command), step->now.boot + lasts))) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    &FACT(ANSWER_LEASES_FULL, .n = {LEASES_ASKED_MAX}));
        return false;
    }
    return true;
}

/* What answers may be something else than the server: its card, or what keeps copies of its pages.
 */
static void send_to_ready(struct step *step)
{
    step->power->forced_packet = true;
    step_emit(step, &(struct action){.kind = ACTION_PACKET, .packet = {.number = 1}});
}

static void order_wake(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct power *power = step->power;
    const struct fact cause = fact_with(FACT(WAKE_COMMAND), asker(command), NULL);

    if (!take_manual(step, entry, command))
        return;
    step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
    if (power->state == POWER_READY) {
        if (command->force)
            send_to_ready(step);
        step_answer(step, entry, OUTCOME_DONE, &FACT(ANSWER_READY_ALREADY));
        return;
    }
    wish_wake(step, &cause, command->force);
}

/* Is this lease the asker's own, or nobody's, so that it stands in the way of nothing he does? */
static bool is_own(const struct lease *lease, const struct command *command)
{
    return lease->kind == LEASE_MANUAL &&
           (lease->why.code == FACT_LEASE_FOUND_UP || lease->why.code == FACT_LEASE_FOUND_AWAKE ||
            strncmp(lease->holder, asker(command), LEASE_HOLDER_SIZE - 1) == 0);
}

/* What others want of it; NULL: nobody else wants anything. */
static const struct lease *find_others(const struct step *step, const struct command *command)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n && !command->force; i++)
        if (!is_own(&set->leases[i], command))
            return &set->leases[i];
    return NULL;
}

/* As a sleep by force releases them. */
static void release_for_rest(struct step *step)
{
    step_release_passing_leases(step);
    step_release_holds(step);
    step->power->resting = true;
}

static void release_own(struct step *step, const struct command *command)
{
    struct lease_set *set = step->power->leases;

    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];

        if (is_own(&lease, command))
            step->changed |= lease_release(set, lease.kind, lease.subject, lease.holder);
    }
}

/* A sleep command while it wakes calls the wake off, unless others wait for it. */
static void sleep_instead_of_wake(struct step *step, struct ledger_entry *entry,
                                  const struct command *command)
{
    const struct lease *other = find_others(step, command);

    if (other) {
        const struct fact because = lease_fact(other, step->server, step->now);
        const struct fact reason = fact_because(FACT(SLEEP_IN_USE), &because);

        step_answer(step, entry, OUTCOME_REFUSED, &reason);
        return;
    }
    step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
    if (command->force)
        release_for_rest(step);
    else
        release_own(step, command);
    wish_cancel(step, asker(command), entry, FACT(WAKE_CALLED_OFF));
}

static void order_sleep(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;

    if (power->state == POWER_SLEEPING && !power->wake.queued) {
        step_answer(step, entry, OUTCOME_ACCEPTED, &FACT(ANSWER_SLEEPS_ALREADY));
        if (command->force)
            release_for_rest(step);
        return;
    }
    if (power->state == POWER_OFF) {
        step_answer(step, entry, OUTCOME_DONE, &FACT(ANSWER_OFF_ALREADY));
        if (command->force)
            release_for_rest(step);
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
    if (is_for_project(step, entry))
        return;
    if (step->power->sleep.phase != SLEEP_NONE || step->power->wake.open ||
        !power_is_up(step->power->state)) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    &FACT(ANSWER_NOT_SETTLED, .word = (uint8_t)step->power->state));
        return;
    }
    wish_sleep(step, entry, asker(command), command->force, true);
}

/* Who waits for the wake beside him who cancels it. A policy or another server is nobody. */
static const struct lease *find_waiting(const struct step *step, const struct command *command)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++) {
        const struct lease *lease = &set->leases[i];

        if ((lease->kind == LEASE_VISIT || lease->kind == LEASE_HOLD ||
             lease->kind == LEASE_MANUAL) &&
            !is_own(lease, command))
            return lease;
    }
    return NULL;
}

/* Others wait for the wake, so it goes on; his own wish ends. */
static void leave_wake(struct step *step, struct ledger_entry *entry, const struct command *command,
                       const struct lease *other)
{
    const struct fact because = lease_fact(other, step->server, step->now);
    const struct fact goes_on = fact_because(FACT(WAKE_GOES_ON), &because);
    const struct fact cancelled = fact_with(FACT(WAKE_CANCELLED), asker(command), NULL);

    if (!lease_find(step->power->leases, LEASE_MANUAL, MODEL_NONE, asker(command))) {
        step_answer(step, entry, OUTCOME_REFUSED, &goes_on);
        return;
    }
    step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
    release_own(step, command);
    step_answer_open_of(step, COMMAND_WAKE, asker(command), OUTCOME_FAILED, &cancelled);
    step_answer(step, entry, OUTCOME_DONE, &goes_on);
}

static void order_cancel(struct step *step, struct ledger_entry *entry,
                         const struct command *command)
{
    const struct lease *other = find_waiting(step, command);

    if (!step->power->wake.open && !step->power->wake.queued) {
        step_answer(step, entry, OUTCOME_REFUSED, &FACT(ANSWER_NO_WAKE));
    } else if (other) {
        leave_wake(step, entry, command, other);
    } else {
        step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
        release_own(step, command);
        wish_cancel(step, asker(command), entry, FACT(NONE));
    }
}

/* An instant that was named means nothing before the wall clock is known: until then it holds. */
static struct lease_end end_of_hold(const struct step *step, const struct command *command)
{
    static const int64_t until_known = 30LL * 24 * 3600000; /* ms */
    struct lease_end end = {.ends = command->until, .told = command->told};
    const int64_t lasts = command->until == 0           ? command->lasts
                          : !step->fleet->clock_trusted ? until_known
                                                        : command->until - step->now.wall;

    end.until = step->now.boot + lasts;
    return end;
}

/* The broker repeats a span that goes on, with the end that it had by the clock as it was then. */
static bool is_repeated(const struct step *step, const struct command *command)
{
    struct lease_set *set = step->power->leases;

    for (size_t i = 0; command->told != 0 && i < set->n; i++) {
        struct lease *lease = &set->leases[i];

        if (lease->kind == LEASE_HOLD && strcmp(lease->holder, command->name) == 0 &&
            lease_is_told(lease, command->until)) {
            lease->told = clock_wall_at(step->now, lease->until);
            return true;
        }
    }
    return false;
}

static void order_hold(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct power *power = step->power;
    const struct fact cause = fact_with(FACT(WAKE_HOLD), command->name, NULL);
    const struct fact why = fact_said(command->reason);
    const struct fact begun = fact_with(FACT(HOLD_BEGUN), command->name, command->reason);

    if (is_repeated(step, command)) {
        step_answer(step, entry, OUTCOME_DONE, NULL);
        return;
    }
    if (!lease_hold(power->leases, command->name, &why, end_of_hold(step, command),
                    step->now.boot)) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    &FACT(ANSWER_LEASES_FULL, .n = {LEASES_ASKED_MAX}));
        return;
    }
    step_tell(step, HAPPENED_HOLD, 0, &begun);
    step_answer(step, entry, OUTCOME_DONE, NULL);
    if (!power_is_up(power->state))
        wish_wake(step, &cause, false);
}

/* The lease that people know by this name. */
static const struct lease *find_named(const struct step *step, enum lease_kind kind,
                                      const char *name)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == kind &&
            strcmp(lease_holder(&set->leases[i], step->fleet->model, step->server), name) == 0)
            return &set->leases[i];
    return NULL;
}

static void order_release(struct step *step, struct ledger_entry *entry,
                          const struct command *command)
{
    const enum lease_kind kind = command->of_kind ? command->lease : LEASE_HOLD;
    const struct lease *lease = find_named(step, kind, command->name);
    const struct fact released = fact_with(FACT(HOLD_RELEASED), command->name, NULL);

    if (!lease) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    kind == LEASE_HOLD ? &FACT(ANSWER_NO_HOLD) : &FACT(ANSWER_NO_LEASE));
        return;
    }
    const struct lease ended = *lease;

    lease_release(step->power->leases, kind, ended.subject, ended.holder);
    step_tell(step, HAPPENED_RELEASE, 0, &released);
    step_answer(step, entry, OUTCOME_DONE, NULL);
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
        step_answer(step, entry, OUTCOME_REFUSED, &FACT(ANSWER_NO_WINDOWS));
        return;
    }
    override->policy_set = !command->policy_configured;
    override->policy = command->policy;
    text_copy(override->by, sizeof(override->by), asker(command));
    step->power->resting = false;
    const struct fact changed =
        fact_with(FACT(POLICY_CHANGED, .word = (uint8_t)fleet_policy(step->fleet, step->server)),
                  asker(command), NULL);

    step_tell(step, HAPPENED_POLICY_CHANGED, 0, &changed);
    step_answer(step, entry, OUTCOME_DONE, NULL);
}

static void order_idle(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    struct override *override = &step->fleet->overrides[step->server];
    const struct fact changed =
        fact_with(FACT(POLICY_IDLE, .n = {command->minutes}), asker(command), NULL);

    override->idle = (int64_t)command->minutes * 60000;
    text_copy(override->by, sizeof(override->by), asker(command));
    step_tell(step, HAPPENED_POLICY_CHANGED, 0, &changed);
    step_answer(step, entry, OUTCOME_DONE, NULL);
}

static void order_keep_awake(struct step *step, struct ledger_entry *entry,
                             const struct command *command)
{
    struct lease_set *set = step->power->leases;
    const struct fact cause = fact_with(FACT(WAKE_HOLD), KEEP_AWAKE, NULL);
    const struct fact told = fact_with(FACT(HOLD_KEEP_AWAKE), asker(command), NULL);

    if (command->on &&
        !lease_take(set, LEASE_HOLD, MODEL_NONE, KEEP_AWAKE, NULL, step->now.boot, LEASE_FOREVER)) {
        step_answer(step, entry, OUTCOME_REFUSED,
                    &FACT(ANSWER_LEASES_FULL, .n = {LEASES_ASKED_MAX}));
        return;
    }
    if (!command->on)
        lease_release(set, LEASE_HOLD, MODEL_NONE, KEEP_AWAKE);
    step_tell(step, command->on ? HAPPENED_HOLD : HAPPENED_RELEASE, 0, &told);
    step_answer(step, entry, OUTCOME_DONE, NULL);
    if (command->on && !power_is_up(step->power->state))
        wish_wake(step, &cause, false);
}

/* Of a project: its server is woken like by a wake command, its containers are started when it is
 * up. */
static void order_start(struct step *step, struct ledger_entry *entry,
                        const struct command *command)
{
    struct power *power = step->power;
    const struct fact cause =
        fact_with(FACT(WAKE_START, .subject = entry->site), asker(command), NULL);

    if (!is_for_project(step, entry)) {
        order_wake(step, entry, command);
        return;
    }
    if (!take_manual(step, entry, command))
        return;
    step_answer(step, entry, OUTCOME_ACCEPTED, NULL);
    if (power->state == POWER_READY)
        return;
    wish_wake(step, &cause, command->force);
}

static void order_stop(struct step *step, struct ledger_entry *entry, const struct command *command)
{
    (void)command;
    if (!is_for_project(step, entry))
        step_answer(step, entry, OUTCOME_REFUSED, &FACT(ANSWER_NO_PROJECT));
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

    if (known->open && command->route != 0 && known->route == 0)
        known->route = command->route;
    else if (known->open && command->route != 0)
        step_emit(step, &(struct action){.kind = ACTION_JOIN,
                                         .join = {.route = command->route, .to = known->route}});
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
        struct ledger_entry refused = {.server = step->server,
                                       .action = command->action,
                                       .site = command->site,
                                       .route = command->route,
                                       .received = step->now.boot};

        text_copy(refused.id, sizeof(refused.id), id);
        text_copy(refused.by, sizeof(refused.by), asker(command));
        step_answer(step, &refused, OUTCOME_REFUSED,
                    &FACT(ANSWER_COMMANDS_FULL, .n = {ledger->servers[step->server].n_open}));
        return;
    }
    entry->site = command->site;
    entry->route = command->route;
    step->changed = step->durable = true; /* also one that is answered later */
    step->heard.entry = entry;
    orders[command->action](step, entry, command);
}

void order_take(struct step *step)
{
    if (step->heard.command)
        take(step, step->heard.command);
}
