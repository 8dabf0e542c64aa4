#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/facts/depend.h"
#include "core/facts/leases.h"
#include "core/facts/waking.h"
#include "core/facts/wish.h"
#include "core/rules/sleep.h"
#include "core/transition.h"

enum {
    ANSWER_MOST = 10000,   /* an agent that has not answered by then has not agreed */
    VETO_WAIT = 60000,     /* next proposal of our own after a veto */
    LOOK_FRESH = 500,      /* a look at its connections this old still tells what is */
    LOOK_MOST = 5000,      /* a look that is ordered has been made by then */
    FAILURE_WAIT = 300000, /* next proposal of our own after a sleep that failed */
};

static bool via_agent(const struct step *step)
{
    return step->model->sleep.via == SLEEP_VIA_AGENT;
}

/* Leases that a plain sleep command may not override; its own kind, `manual`, it ends. An agent
 * that is asked looks afresh, and vetoes itself. */
static bool is_blocking(const struct step *step, const struct lease *lease)
{
    return lease->kind != LEASE_MANUAL && (lease->kind != LEASE_AGENT || !via_agent(step));
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
    if (via_agent(step) && step->power->evidence.agent != AGENT_ONLINE)
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
static bool is_barred(const struct step *step, bool force, struct fact *ret_why)
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

static bool is_in_use(const struct step *step, struct fact *ret_why)
{
    if (!is_blocked(step))
        return false;
    *ret_why = in_use(step);
    return true;
}

/* Was this lease taken or renewed while the agent made up its mind? Then somebody still wants it.
 */
static bool is_newer(const struct sleep *sleep, const struct lease *lease)
{
    if (sleep->own)
        return true;
    if (lease->kind == LEASE_VISIT)
        return sleep->id[0] && !sleep->force;
    return lease->renewed > sleep->started;
}

/* Ends the leases of the run that ends, and with force those of people and programs too. What is
 * wanted in spite of it queues a wake. */
static void release_for_sleep(struct step *step)
{
    struct power *power = step->power;
    struct lease_set *set = power->leases;

    lease_release_kind(set, LEASE_AGENT);
    lease_release_kind(set, LEASE_STREAM);
    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];
        const bool passing = lease.kind == LEASE_VISIT || lease.kind == LEASE_MANUAL;

        if (passing && !is_newer(&power->sleep, &lease))
            lease_release(set, lease.kind, lease.subject, lease.holder);
    }
    if (!power->sleep.force)
        return;
    step_release_holds(step);
    power->resting = true;
}

static void queue_wanted(struct step *step)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == LEASE_VISIT || set->leases[i].kind == LEASE_MANUAL) {
            const struct fact cause = lease_cause(&set->leases[i], step->server);

            waking_queue(step, &cause, false);
            return;
        }
}

static void propose(struct step *step, const char *id, const char *by, bool force, bool restart,
                    bool own)
{
    struct sleep *sleep = &step->power->sleep;

    if (sleep->phase != SLEEP_NONE)
        return;
    sleep->phase = SLEEP_PROPOSED;
    sleep->restart = restart;
    sleep->force = force;
    sleep->own = own;
    sleep->started = step->now.boot;
    sleep->deadline = step->now.boot + ANSWER_MOST;
    text_copy(sleep->id, sizeof(sleep->id), id);
    text_copy(sleep->by, sizeof(sleep->by), by);
    /* While a veto stands, asking again each minute is no news. */
    const struct fact asked =
        fact_with(restart ? FACT(RESTART_REQUESTED) : FACT(SLEEP_REQUESTED), by, NULL);

    if (!own || fact_is(&sleep->refusal, FACT_NONE))
        step_tell(step, HAPPENED_SLEEP_REQUESTED, 0, &asked);
    step_emit(
        step,
        &(struct action){
            .kind = ACTION_SLEEP,
            .sleep = {.id = sleep->id,
                      .force = force,
                      .restart = restart,
                      .asked = !own,
                      .lasts = ANSWER_MOST}});
}

/* Why a command may not have what it wants; false: it may. */
static bool is_refused(const struct step *step, const struct sleep_wish *wish, struct fact *ret_why)
{
    if (!wish->restart)
        return is_barred(step, wish->force, ret_why);
    return is_barred(step, true, ret_why) || (!wish->force && is_in_use(step, ret_why));
}

void sleep_take_wish(struct step *step)
{
    const struct sleep_wish wish = step->sleep;
    struct fact reason;

    if (!wish.entry)
        return;
    if (is_refused(step, &wish, &reason)) {
        step->sleep.entry = NULL;
        step_answer(step, wish.entry, OUTCOME_REFUSED, &reason);
        if (!wish.restart)
            step_tell(step, HAPPENED_SLEEP_REFUSED, 0, &reason);
    } else if (step->power->wake.open) {
        wish_cancel(step, wish.by, NULL, FACT(NONE)); /* and then it is proposed */
    } else {
        step->sleep.entry = NULL;
        propose(step, wish.entry->id, wish.by, wish.force, wish.restart, false);
    }
}

static void answer_commands(struct step *step, enum command_outcome outcome,
                            const struct fact *reason)
{
    step_answer_open(step, COMMAND_SLEEP, outcome, reason);
    if (step->power->sleep.restart)
        step_answer_open(step, COMMAND_RESTART, outcome, reason);
}

static void begin_sleep(struct step *step, const struct fact *reason)
{
    struct power *power = step->power;
    struct sleep *sleep = &power->sleep;
    const bool was_waking = power->wake.open;

    if (sleep->phase == SLEEP_NONE) {
        sleep->restart = sleep->force = sleep->own = false;
        sleep->started = step->now.boot;
        sleep->id[0] = '\0';
    }
    sleep->phase = SLEEP_AGREED;
    sleep->refusal = FACT(NONE);
    sleep->deadline = step->now.boot + step->model->sleep.timeout;
    answer_commands(step, OUTCOME_ACCEPTED, NULL);
    /* A wake under way begins anew when silence is proven, and nobody who waits is forgotten. */
    power->wake.open = false;
    power->wake.wait = WAIT_NOTHING;
    power->wake.queued = was_waking;
    depend_end_turn(step);
    step->durable = true;
    if (!was_waking && !sleep->restart)
        release_for_sleep(step);
    step_transition(step, POWER_SLEEP, reason);
    if (sleep->restart)
        waking_queue(step, &FACT(WAKE_RESTART), true);
    else
        queue_wanted(step);
}

/* Also by a goodbye that nobody asked for. */
static void agreed(struct step *step, const struct fact *reason)
{
    if (step->power->sleep.phase != SLEEP_AGREED)
        begin_sleep(step, reason);
    /* Where only the agent tells of life, its goodbye is the silence. */
    if (step->power->state == POWER_SLEEPING && !step->power->evidence.alive)
        step_transition(step, POWER_SILENT, reason);
}

/* The same but for what passes with time alone. */
static bool is_as_refused(const struct fact *before, const struct fact *now)
{
    struct fact a = *before, b = *now;

    for (size_t i = 0; i < FACT_DEPTH; i++) {
        memset(a.parts[i].n, 0, sizeof(a.parts[i].n));
        memset(b.parts[i].n, 0, sizeof(b.parts[i].n));
    }
    return fact_equal(&a, &b);
}

/* Told once: while nothing changes, the same refusal each minute is noise. */
static void note_refusal(struct step *step, const struct fact *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->not_before = step->now.boot + VETO_WAIT;
    const bool is_new = !is_as_refused(&sleep->refusal, reason);

    step->changed |= !fact_equal(&sleep->refusal, reason);
    sleep->refusal = *reason;
    if (is_new)
        step_tell(step, HAPPENED_SLEEP_REFUSED, 0, reason);
}

static void vetoed(struct step *step, const struct fact *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_NONE;
    note_refusal(step, reason);
    answer_commands(step, OUTCOME_REFUSED, reason);
}

/* Without an agent nobody agrees: the server was told, by what the reason says. */
static struct fact agreement(const struct step *step, const struct fact *reason)
{
    if (via_agent(step))
        return FACT(SLEEP_AGENT_AGREED);
    return fact_is(reason, FACT_NONE) ? FACT(SLEEP_ASKED) : *reason;
}

static void succeed(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;
    const int64_t ms = step->now.boot - sleep->started;

    sleep->phase = SLEEP_NONE;
    step_tell(step, HAPPENED_ASLEEP, sleep->id[0] ? ms : 0, &FACT(SLEEP_PROVEN));
    step_answer_open(step, COMMAND_SLEEP, OUTCOME_DONE, NULL);
}

static void fail(struct step *step, const struct fact *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_NONE;
    step->power->resting = false;
    sleep->not_before = step->now.boot + FAILURE_WAIT;
    answer_commands(step, OUTCOME_FAILED, reason);
    if (step->power->state == POWER_SLEEPING)
        step_transition(step, POWER_DEADLINE, reason);
    const struct fact failed = fact_because(FACT(SLEEP_FAILED), reason);

    /* Of one that is silent there is something else to say. */
    if (step->power->state != POWER_OFF && step->power->state != POWER_UNREACHABLE)
        step_problem(step, &failed);
    step_tell(step, HAPPENED_SLEEP_FAILED, step->now.boot - sleep->started, reason);
}

/* Silence ends a sleep: as it was meant to, or before it was agreed. */
void sleep_end(struct step *step)
{
    const enum silence silence = step->silence;

    step->silence = SILENCE_NONE;
    if (silence == SILENCE_AGREED)
        succeed(step);
    else if (silence == SILENCE_SUDDEN && step->power->sleep.phase != SLEEP_NONE)
        fail(step, &FACT(SLEEP_FELL_SILENT));
}

/* The agent is online again before silence was proven. */
static void came_back(struct step *step)
{
    struct power *power = step->power;

    power->resting = false;
    if (power->sleep.phase != SLEEP_NONE && power->sleep.restart) {
        power->sleep.phase = SLEEP_NONE;
        step_answer_open(step, COMMAND_SLEEP, OUTCOME_FAILED, &FACT(SLEEP_RESTARTED));
        step_transition(step, POWER_BACK, &FACT(SLEEP_RESTARTED));
        return;
    }
    step_transition(step, POWER_BACK, NULL);
    fail(step, &FACT(SLEEP_CAME_BACK));
}

static void answered(struct step *step, enum sleep_answer answer, const char *id,
                     const struct fact *reason)
{
    struct sleep *sleep = &step->power->sleep;
    const struct fact agrees = agreement(step, reason);

    if (sleep->phase == SLEEP_NONE || (id[0] && strcmp(id, sleep->id) != 0))
        return;
    switch (answer) {
    case SLEEP_ACCEPTED:
    case SLEEP_DONE:
        agreed(step, &agrees);
        break;
    case SLEEP_VETOED:
        if (sleep->phase == SLEEP_PROPOSED)
            vetoed(step, reason);
        break;
    case SLEEP_FAILED:
        if (sleep->phase == SLEEP_PROPOSED)
            vetoed(step, reason);
        else
            fail(step, reason);
        break;
    }
}

static void hear_goodbye(struct step *step)
{
    if (power_next_state(step->power, POWER_GOODBYE) == POWER_SLEEPING)
        agreed(step, &FACT(AGENT_GOODBYE));
    else
        step_transition(step, POWER_GOODBYE, NULL);
}

void sleep_hear(struct step *step)
{
    const struct heard *heard = &step->heard;

    if (heard->goodbye)
        hear_goodbye(step);
    if (heard->back)
        came_back(step);
    if (heard->answer)
        answered(step, heard->answer->sleep.answer, heard->answer->sleep.id,
                 &heard->answer->sleep.reason);
}

void sleep_tick(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;

    if (sleep->phase == SLEEP_NONE || sleep->deadline > step->now.boot)
        return;
    if (sleep->phase == SLEEP_PROPOSED) {
        vetoed(step, &FACT(SLEEP_UNANSWERED, .n = {ANSWER_MOST}));
        return;
    }
    struct fact reason = FACT(SLEEP_ASKED_AWAKE, .n = {step->model->sleep.timeout});

    if (via_agent(step))
        reason.parts[0].code = FACT_SLEEP_AGREED_AWAKE;
    fail(step, &reason);
}

/* When it may be slept for want of a lease: up, nobody needs it, nothing is under way. */
static bool is_idle(const struct step *step)
{
    const struct power *power = step->power;

    return power->evidence.alive && power->leases->n == 0 && !power->wake.open &&
           !power->wake.queued && power->sleep.phase == SLEEP_NONE &&
           power->state != POWER_SLEEPING && step->model->sleep.via != SLEEP_VIA_NONE;
}

static int64_t idle_due(const struct step *step)
{
    const int64_t ripe = step->power->up_since + step->model->sleep.min_up;

    return ripe > step->power->sleep.not_before ? ripe : step->power->sleep.not_before;
}

/* Bytes may have moved since the last look, so a new one comes before the proposal. */
static bool awaits_look(struct step *step)
{
    struct sight *sight = &step->power->sight;

    if (!sight->watched || step->now.boot - sight->looked <= LOOK_FRESH)
        return false;
    if (sight->asked == 0) {
        step->power->sight.asked = step->now.boot;
        step_emit(step, &(struct action){.kind = ACTION_LOOK});
    } else if (sight->asked + LOOK_MOST <= step->now.boot) {
        sight->asked = 0;
        note_refusal(step, &FACT(SLEEP_LOOK_LATE));
    }
    return true;
}

void sleep_when_idle(struct step *step)
{
    char id[COMMAND_ID_SIZE];
    struct fact why;

    if (!is_idle(step) || idle_due(step) > step->now.boot)
        return;
    if (is_barred(step, false, &why)) {
        note_refusal(step, &why);
        return;
    }
    if (awaits_look(step))
        return;
    step_new_id(step, 's', id);
    propose(step, id, "idle", false, false, true);
}

int64_t sleep_due(const struct step *step)
{
    if (step->power->sleep.phase != SLEEP_NONE)
        return step->power->sleep.deadline;
    if (!is_idle(step))
        return DUE_NEVER;
    const int64_t ripe = idle_due(step), looked = step->power->sight.asked + LOOK_MOST;

    return step->power->sight.asked > 0 && looked > ripe ? looked : ripe;
}
