#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/facts/depend.h"
#include "core/facts/leases.h"
#include "core/facts/look.h"
#include "core/facts/waking.h"
#include "core/facts/wish.h"
#include "core/rules/sleep.h"
#include "core/rules/sleep_internal.h"
#include "core/transition.h"

enum {
    ANSWER_MOST = 10000,   /* an agent that has not answered by then has not agreed */
    VETO_WAIT = 60000,     /* next proposal of our own after a veto */
    FAILURE_WAIT = 300000, /* next proposal of our own after a sleep that failed */
    PROOF_TAKES = 10000,   /* its silence is proven, or its failure told, so long after its limit */
    GONE_LATE = 600000,    /* it may still answer so long after its time, and go all the same */
    QUIET_SUSPEND = 10000, /* after its goodbye one that is not asked is taken for asleep; */
    QUIET_OTHERS = 60000,  /* so one that is shut down, or writes its memory to the disk */
};

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

/* By force it rests too: what stands does not wake it, until somebody does. */
static void release_by_force(struct step *step)
{
    step_release_holds(step);
    step->power->resting = true;
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
    if (power->sleep.force)
        release_by_force(step);
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

static void ask(struct step *step, const char *id)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->deadline = step->now.boot + ANSWER_MOST;
    text_copy(sleep->id, sizeof(sleep->id), id);
    step_emit(step, &(struct action){.kind = ACTION_SLEEP,
                                     .sleep = {.id = sleep->id,
                                               .force = sleep->force,
                                               .restart = sleep->restart,
                                               .asked = !sleep->own,
                                               .lasts = ANSWER_MOST}});
}

static void tell_requested(struct step *step)
{
    const struct sleep *sleep = &step->power->sleep;
    const struct fact asked = fact_with(
        sleep->restart ? FACT(RESTART_REQUESTED) : FACT(SLEEP_REQUESTED), sleep->by, NULL);

    step_tell(step, HAPPENED_SLEEP_REQUESTED, 0, &asked);
}

void sleep_propose(struct step *step, const char *id, const char *by, bool force, bool restart,
                   bool own)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_PROPOSED;
    sleep->restart = restart;
    sleep->force = force;
    sleep->own = own;
    sleep->started = step->now.boot;
    text_copy(sleep->by, sizeof(sleep->by), by);
    /* While a veto stands, asking again each minute is no news. */
    if (!own || fact_is(&sleep->refusal, FACT_NONE))
        tell_requested(step);
    ask(step, id);
}

/* It is proposed already. What a person wants weighs more than what Hall wants by itself; what
 * somebody wants by force weighs more than that, and an agent hears of both: other vetoes count
 * then, or none. The same command by ssh or webhook would say the same again. */
static void join(struct step *step, const struct sleep_wish *wish)
{
    struct sleep *sleep = &step->power->sleep;
    const bool forces = wish->force && !sleep->force;

    if (!sleep->own && !forces)
        return;
    sleep->own = false;
    sleep->force = wish->force;
    text_copy(sleep->by, sizeof(sleep->by), wish->by);
    tell_requested(step);
    if (sleep_via_agent(step))
        ask(step, wish->entry->id);
}

/* Why a command may not have what it wants; false: it may. */
static bool is_refused(const struct step *step, const struct sleep_wish *wish, struct fact *ret_why)
{
    if (step->power->sleep.phase == SLEEP_PROPOSED && step->power->sleep.restart) {
        *ret_why = FACT(ANSWER_RESTARTS);
        return true;
    }
    if (!wish->restart)
        return sleep_is_barred(step, wish->force, ret_why);
    return sleep_is_barred(step, true, ret_why) || (!wish->force && sleep_is_in_use(step, ret_why));
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
        if (step->power->sleep.phase == SLEEP_NONE)
            sleep_propose(step, wish.entry->id, wish.by, wish.force, wish.restart, false);
        else
            join(step, &wish);
    }
}

static void answer_commands(struct step *step, enum command_outcome outcome,
                            const struct fact *reason)
{
    step_answer_open(step, COMMAND_SLEEP, outcome, reason);
    if (step->power->sleep.restart)
        step_answer_open(step, COMMAND_RESTART, outcome, reason);
}

/* Its own limit counts where it names one: it knows how long its shutdown may take. */
static int64_t most_of(const struct step *step, int64_t limit)
{
    const int64_t timeout = step->model->sleep.timeout;

    return limit > 0 && limit + PROOF_TAKES > timeout ? limit + PROOF_TAKES : timeout;
}

static void begin_sleep(struct step *step, const struct fact *reason, int64_t limit)
{
    struct power *power = step->power;
    struct sleep *sleep = &power->sleep;
    const bool was_waking = power->wake.open;

    if (sleep->phase == SLEEP_NONE) {
        sleep->restart = sleep->force = sleep->own = false;
        sleep->started = step->now.boot;
        sleep->id[0] = '\0';
    }
    /* Nothing was seen of it since Hall began: its silence is still to be proven. */
    if (power->state == POWER_UNKNOWN && !power->evidence.settled)
        evidence_assume_up(&power->evidence, step->model);
    sleep->phase = SLEEP_AGREED;
    sleep->refusal = FACT(NONE);
    sleep->deadline = step->now.boot + most_of(step, limit);
    power->leaving = sleep->deadline + GONE_LATE;
    answer_commands(step, OUTCOME_ACCEPTED, NULL);
    /* A wake under way begins anew when silence is proven, and nobody who waits is forgotten. */
    depend_end_turn(step);
    power->wake.open = false;
    power->wake.wait = WAIT_NOTHING;
    power->wake.queued = was_waking;
    step->durable = true;
    if (!was_waking && !sleep->restart)
        release_for_sleep(step);
    step_transition(step, POWER_SLEEP, reason);
    if (sleep->restart)
        waking_queue(step, &FACT(WAKE_RESTART), true);
    else
        queue_wanted(step);
}

/* A goodbye said is a goodbye: it goes, however long that takes. */
static void note_goodbye(struct step *step)
{
    struct power *power = step->power;

    if (power->leaving == LEASE_FOREVER)
        return;
    power->leaving = LEASE_FOREVER;
    power->sleep.deadline += GONE_LATE;
    step->changed = step->durable = true;
}

/* Also by a goodbye that nobody asked for. */
static void agreed(struct step *step, const struct fact *reason, int64_t limit)
{
    /* It was asked before Hall went away, and is woken since: it goes, and the wake goes on. */
    if (step->power->sleep.phase == SLEEP_PROPOSED && step->power->state == POWER_WAKING) {
        answer_commands(step, OUTCOME_ACCEPTED, NULL);
        step->power->sleep.phase = SLEEP_NONE;
        step_answer_open(step, COMMAND_SLEEP, OUTCOME_DONE, NULL);
        return;
    }
    if (step->power->sleep.phase != SLEEP_AGREED)
        begin_sleep(step, reason, limit);
    if (step->heard.goodbye)
        note_goodbye(step);
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
void sleep_note_refusal(struct step *step, const struct fact *reason)
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
    sleep_note_refusal(step, reason);
    answer_commands(step, OUTCOME_REFUSED, reason);
}

/* Without an agent nobody agrees: the server was told, by what the reason says. */
static struct fact agreement(const struct step *step, const struct fact *reason)
{
    if (sleep_via_agent(step))
        return FACT(SLEEP_AGENT_AGREED);
    return fact_is(reason, FACT_NONE) ? FACT(SLEEP_ASKED) : *reason;
}

static void succeed(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;
    const int64_t ms = step->now.boot - sleep->started;

    sleep->phase = SLEEP_NONE;
    step->power->leaving = 0;
    if (!step->power->wake.open && !step->power->wake.queued)
        rousing_note_sleep(&step->power->rousing, step->now.boot);
    step_tell(step, HAPPENED_ASLEEP, sleep->id[0] ? ms : 0, &FACT(SLEEP_PROVEN));
    step_answer_open(step, COMMAND_SLEEP, OUTCOME_DONE, NULL);
}

static void fail(struct step *step, const struct fact *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_NONE;
    if (step->power->leaving == 0)
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
    /* It was asked when Hall went away, and has done so. */
    if (silence == SILENCE_AGREED && step->power->sleep.phase == SLEEP_PROPOSED)
        begin_sleep(step, NULL, 0);
    if (silence == SILENCE_AGREED)
        succeed(step);
    else if (silence == SILENCE_SUDDEN && step->power->sleep.phase != SLEEP_NONE)
        fail(step, &FACT(SLEEP_FELL_SILENT));
}

/* It slept, if only for a moment: one whose sleep failed says that instead. */
static struct fact why_it_is_back(struct step *step)
{
    struct power *power = step->power;

    if (power->wake.queued)
        return FACT(SLEEP_CAME_BACK);
    rousing_note_sleep(&power->rousing, step->now.boot);
    return rousing_note_life(&power->rousing, step->now.boot) ? power_roused(power)
                                                              : FACT(SLEEP_CAME_BACK);
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
    const struct fact why = why_it_is_back(step);

    step_transition(step, POWER_BACK, NULL);
    fail(step, &why);
}

static void answered(struct step *step, const struct fleet_event *event)
{
    struct sleep *sleep = &step->power->sleep;
    const char *id = event->sleep.id;
    const struct fact *reason = &event->sleep.reason;
    const struct fact agrees = agreement(step, reason);

    if (sleep->phase == SLEEP_NONE || (id[0] && strcmp(id, sleep->id) != 0))
        return;
    switch (event->sleep.answer) {
    case SLEEP_ACCEPTED:
    case SLEEP_DONE:
        agreed(step, &agrees, event->sleep.limit);
        break;
    case SLEEP_VETOED:
        if (sleep->phase == SLEEP_PROPOSED)
            vetoed(step, reason);
        break;
    case SLEEP_FAILED:
        if (sleep->phase == SLEEP_PROPOSED) {
            vetoed(step, reason);
            break;
        }
        power_forget_goodbye(step->power);
        fail(step, reason);
        break;
    }
}

static void hear_goodbye(struct step *step)
{
    if (power_next_state(step->power, POWER_GOODBYE) == POWER_SLEEPING ||
        step->power->sleep.phase != SLEEP_NONE)
        agreed(step, &FACT(AGENT_GOODBYE), 0);
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
        answered(step, heard->answer);
}

static int64_t deadline_of(const struct power *power)
{
    return look_before(power, power->sleep.deadline);
}

/* Whose sleep no question may disturb is asleep some time after its goodbye. */
static int64_t quiet_due(const struct step *step)
{
    const struct power *power = step->power;
    const int64_t lasts = step->model->sleep.mode == SLEEP_SUSPEND ? QUIET_SUSPEND : QUIET_OTHERS;
    const int64_t most = step->model->sleep.timeout / 2;
    const int64_t since = power->evidence.agent_since > power->sleep.started
                              ? power->evidence.agent_since
                              : power->sleep.started;

    if (power->state != POWER_SLEEPING || !power_is_left_alone(power))
        return DUE_NEVER;
    return look_before(power, since + (lasts < most ? lasts : most));
}

void sleep_tick(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;

    if (quiet_due(step) <= step->now.boot) {
        evidence_believe_silence(&step->power->evidence, step->model);
        step_transition(step, POWER_SILENT, &FACT(AGENT_GOODBYE));
        return;
    }
    if (sleep->phase == SLEEP_NONE || deadline_of(step->power) > step->now.boot)
        return;
    if (sleep->phase == SLEEP_PROPOSED) {
        vetoed(step, &FACT(SLEEP_UNANSWERED, .n = {ANSWER_MOST}));
        return;
    }
    struct fact reason = FACT(SLEEP_ASKED_AWAKE, .n = {sleep->deadline - step->power->since});

    if (sleep_via_agent(step))
        reason.parts[0].code = FACT_SLEEP_AGREED_AWAKE;
    fail(step, &reason);
}

int64_t sleep_due(const struct step *step)
{
    const int64_t quiet = quiet_due(step);

    if (quiet < DUE_NEVER)
        return quiet;
    return step->power->sleep.phase != SLEEP_NONE ? deadline_of(step->power) : sleep_idle_due(step);
}
