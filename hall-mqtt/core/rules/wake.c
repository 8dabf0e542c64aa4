#include <string.h>

#include "base/text.h"
#include "core/emit.h"
#include "core/facts/depend.h"
#include "core/facts/guard.h"
#include "core/facts/leases.h"
#include "core/facts/look.h"
#include "core/facts/waking.h"
#include "core/problem.h"
#include "core/rules/wake_internal.h"
#include "core/transition.h"

enum {
    DEADLINE_LEAST = 30000, /* no wake is called failed sooner, however fast earlier ones were */
    RETRY_FIRST = 60000,    /* back-off of standing leases after a failed wake */
    RETRY_MOST = 3600000,
    WAIT_MOST = 3600000, /* for others, before the first packet */
};

static enum wake_kind expected_kind(const struct step *step)
{
    return step->power->said_goodbye && step->model->sleep.mode != SLEEP_POWEROFF ? WAKE_RESUME
                                                                                  : WAKE_COLD;
}

/* From here on the time counts. */
static void start_time(struct step *step)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;

    wake->begun = true;
    wake->started = step->now.boot;
    wake->deadline = step->now.boot + history_deadline(&power->history, wake->kind, DEADLINE_LEAST,
                                                       step->model->wake.timeout);
}

static void start(struct step *step)
{
    struct power *power = step->power;

    power->wake.wait = WAIT_NOTHING;
    if (!power->wake.begun)
        start_time(step);
    if (power->evidence.alive)
        waking_note_sign(step);
    if (!waking_needs_packets(step))
        return;
    wake_send_first(step);
}

/* What it waits for, beside its cause. */
static void note_wait(struct step *step, enum wake_wait wait, const struct fact *for_what)
{
    struct power *power = step->power;
    const struct fact reason = fact_because(*for_what, &power->wake.cause);

    power->wake.wait = wait;
    if (fact_equal(&reason, &power->reason))
        return;
    power->reason = reason;
    step->changed = true;
}

/* Those that it needs come first, and one start at a time on a circuit. */
static void start_or_wait(struct step *step)
{
    struct fact for_what;
    enum wake_wait wait = WAIT_NOTHING;

    if (!step->power->evidence.alive)
        wait = depend_wait(step, &for_what);
    if (wait == WAIT_NOTHING) {
        start(step);
        return;
    }
    if (wait != WAIT_TURN)
        depend_end_turn(step); /* perhaps those it waits for need it */
    note_wait(step, wait, &for_what);
}

static void begin(struct step *step, const struct fact *cause, bool force)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;

    *wake = (struct wake){.open = true,
                          .force = force,
                          .found_alive = power->evidence.alive,
                          .started = step->now.boot,
                          .deadline = step->now.boot + WAIT_MOST,
                          .kind = expected_kind(step),
                          .cause = *cause};
    for (unsigned i = 0; i < STAGES; i++)
        wake->stages[i] = STAGE_UNREACHED;
    rousing_note_wake(&power->rousing, step->now.boot);
    text_copy(wake->boot_id, sizeof(wake->boot_id), power->report.boot_id);
    step_new_id(step, 'w', wake->id);
    wake->order = step->fleet->serial;
    power->failure = FAILURE_NONE;
    power->awaited_until = 0;
    power->resting = false;
    power->in_vain = false;
    step->durable = true;
    step_problem(step, NULL);
    step_tell(step, HAPPENED_WAKE_REQUESTED, 0, cause);
    step_transition(step, POWER_WAKE, cause);
    depend_ask(step);
    start_or_wait(step);
}

static bool is_refused(struct step *step, bool force)
{
    struct power *power = step->power;
    struct guard guard;

    if (force || power->evidence.alive || !guard_wake(step, &guard))
        return false;
    power->guard = guard;
    step->changed = true;
    return true;
}

static void answer_commands(struct step *step, enum command_outcome outcome,
                            const struct fact *reason)
{
    step_answer_open(step, COMMAND_WAKE, outcome, reason);
    step_answer_open(step, COMMAND_START, outcome, reason);
    /* A restart that is only proposed has not begun. */
    if (step->power->sleep.phase != SLEEP_PROPOSED)
        step_answer_open(step, COMMAND_RESTART, outcome, reason);
}

static void note_failure(struct step *step, const struct fact *reason)
{
    step->fleet->failure = *reason;
    step->wake_failure = &step->fleet->failure;
}

static void end_failed(struct step *step, enum wake_failure failure, const struct fact *reason)
{
    struct power *power = step->power;
    const int64_t ms = power->wake.open ? step->now.boot - power->wake.started : 0;

    depend_end_turn(step);
    power->wake.open = false;
    power->wake.queued = false;
    power->wake.next_packet = 0;
    power->failure = failure;
    power->wake.wait = WAIT_NOTHING;
    step->durable = true;
    step_tell(step, HAPPENED_WAKE_FAILED, ms, reason);
    answer_commands(step, OUTCOME_FAILED, reason);
    note_failure(step, reason);
}

static int64_t back_off(uint32_t failures)
{
    int64_t wait = RETRY_FIRST;

    for (uint32_t i = 1; i < failures && wait < RETRY_MOST; i++)
        wait *= 2;
    return wait < RETRY_MOST ? wait : RETRY_MOST;
}

static void fail(struct step *step, enum wake_failure failure, const struct fact *reason)
{
    struct power *power = step->power;

    power->failures++;
    power->retry_at = step->now.boot + back_off(power->failures);
    step_transition(step, POWER_DEADLINE, reason);
    step_problem(step, reason);
    end_failed(step, failure, reason);
    power->in_vain = power->evidence.alive && failure == FAILURE_NOT_READY;
}

/* It is up, or its card answers: which check keeps it from being ready? MODEL_NONE: it is not
 * known.
 */
static int find_failing_check(struct step *step)
{
    struct power *power = step->power;

    power->wake.open = false; /* its time is over: what fails now is a fault */
    power->failure = FAILURE_NOT_READY;
    const int check = problem_check(power, step->fleet->model, step->server);
    power->wake.open = true;
    power->failure = FAILURE_NONE;
    return check;
}

static enum fact_code failure_code(enum wake_failure failure)
{
    switch (failure) {
    case FAILURE_NO_SIGN:
        return FACT_WAKE_NO_SIGN;
    case FAILURE_NO_PACKET:
        return FACT_WAKE_NO_PACKET;
    case FAILURE_NOT_READY:
    case FAILURE_CANCELLED:
    case FAILURE_DEPENDENCY:
    case FAILURE_NONE:
        break;
    }
    return FACT_WAKE_NOT_READY;
}

static void fail_in_vain(struct step *step, enum wake_failure failure)
{
    const struct power *power = step->power;
    const bool is_taken = power->evidence.mac == MAC_OTHER;
    struct fact reason = FACT(WAKE_ADDRESS_TAKEN, .word = (uint8_t)power_stage(power),
                              .n = {step->now.boot - power->wake.started});
    int check = MODEL_NONE;

    if (!is_taken)
        reason.parts[0].code = (uint16_t)failure_code(failure);
    if (!is_taken && failure == FAILURE_NOT_READY)
        check = find_failing_check(step);
    if (failure == FAILURE_NO_PACKET && fact_is(&power->problem, FACT_WAKE_PACKET_FAILED)) {
        const struct fact why = fact_cause(&power->problem);

        reason = fact_because(reason, &why);
    }
    if (check != MODEL_NONE) {
        const struct fact fault = problem_of_check(power, step->server, check);

        reason.parts[0].code = FACT_WAKE_CHECK_FAILS;
        reason = fact_because(reason, &fault);
    }
    fail(step, failure, &reason);
}

/* It fell asleep, and a guard does not let it be woken so soon. Leases wait for the guard's end. */
static void refuse_queued(struct step *step)
{
    struct power *power = step->power;
    const struct fact reason = guard_fact(&power->guard, step->now);

    power->wake.queued = false;
    step_transition(step, POWER_CANCEL, &reason);
    step_tell(step, HAPPENED_WAKE_FAILED, 0, &reason);
    answer_commands(step, OUTCOME_FAILED, &reason);
    note_failure(step, &reason);
}

static void forsake(struct step *step)
{
    end_failed(step, FAILURE_NONE, &FACT(WAKE_UNWANTED));
    step_transition(step, POWER_CANCEL, &FACT(WAKE_UNWANTED));
}

static void begin_queued(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (!wake->queued || step->power->state == POWER_SLEEPING)
        return;
    if (is_refused(step, wake->force)) {
        refuse_queued(step);
        return;
    }
    const struct fact cause = wake->cause;

    begin(step, &cause, wake->force);
}

static void cancel(struct step *step, const char *by)
{
    struct power *power = step->power;
    const struct fact reason = fact_with(FACT(WAKE_CANCELLED), by, NULL);

    end_failed(step, FAILURE_CANCELLED, &reason);
    /* A standing lease must not undo at once what a person did. */
    if (power->retry_at < step->now.boot + RETRY_FIRST)
        power->retry_at = step->now.boot + RETRY_FIRST;
    step_transition(step, POWER_CANCEL, &reason);
}

static void call_off(struct step *step)
{
    const struct cancel_wish wish = step->cancel;

    step->cancel = (struct cancel_wish){0};
    cancel(step, wish.by);
    if (wish.entry)
        step_answer(step, wish.entry, OUTCOME_DONE, wish.done);
}

/* Begins it, joins the one under way, or queues it. */
static void take_up(struct step *step)
{
    const struct wake_wish wish = step->wish;
    struct power *power = step->power;
    const bool joins = power->wake.open || power->wake.queued;

    step->wish = (struct wake_wish){0};
    if (joins || power->state == POWER_SLEEPING)
        waking_queue(step, wish.cause, wish.force);
    else if (is_refused(step, wish.force))
        return;
    else
        begin(step, wish.cause, wish.force);
    if (wish.site != MODEL_NONE && !joins && !power->evidence.alive)
        guard_note_use(step, wish.site, wish.who, true);
}

void wake_begin(struct step *step)
{
    if (step->cancel.by)
        call_off(step);
    if (step->wish.cause)
        take_up(step);
    if (waking_is_unwanted(step))
        forsake(step);
    begin_queued(step);
}

static bool is_awaited(const struct step *step)
{
    const struct fleet *fleet = step->fleet;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site])
        if (!fleet->sites[site].ready && lease_find(step->power->leases, LEASE_VISIT, site, ""))
            return true;
    return false;
}

/* An open wake that has not begun to send: may it now, or is it in vain? */
static void tick_wait(struct step *step)
{
    struct fact reason;

    start_or_wait(step);
    if (step->power->wake.wait == WAIT_DEPENDENCY && depend_failed(step, &reason))
        fail(step, FAILURE_DEPENDENCY, &reason);
}

/* Out of time. */
static void give_up(struct step *step)
{
    const struct wake *wake = &step->power->wake;
    const bool sent = wake->packets == 0 || wake->packets_sent > 0;
    struct fact for_what;

    if (wake->wait != WAIT_NOTHING && depend_wait(step, &for_what) != WAIT_NOTHING) {
        const struct fact reason = fact_because(FACT(WAKE_GIVEN_UP), &for_what);

        fail(step, FAILURE_DEPENDENCY, &reason);
        return;
    }
    const struct evidence *evidence = &step->power->evidence;
    const bool there = evidence->alive || evidence_echoes(evidence, step->model);

    fail_in_vain(step, there ? FAILURE_NOT_READY : sent ? FAILURE_NO_SIGN : FAILURE_NO_PACKET);
}

/* An answer is on its way: it gets its time, as far as the configuration goes. */
static void leave_room(struct step *step)
{
    struct wake *wake = &step->power->wake;
    const int64_t most = wake->started + step->model->wake.timeout;
    const int64_t room = step->now.boot + evidence_pending(&step->power->evidence, step->model);

    if (wake->begun && room > wake->deadline)
        wake->deadline = room < most ? room : most;
}

void wake_tick(struct step *step)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;

    if (power->awaited_until > 0 && (power->awaited_until <= step->now.boot || !is_awaited(step)))
        power->awaited_until = 0;
    if (wake->open && wake->wait != WAIT_NOTHING)
        tick_wait(step);
    if (!wake->open)
        return;
    if (wake->deadline <= step->now.boot)
        leave_room(step);
    if (wake->deadline <= step->now.boot) {
        if (look_before(power, wake->deadline) <= step->now.boot)
            give_up(step);
        return;
    }
    /* Packets are due again when a host that had shown itself falls silent; then too those that it
     * needs come first. */
    if (wake->next_packet == 0 && wake->wait == WAIT_NOTHING && waking_needs_packets(step))
        start_or_wait(step);
    if (!waking_needs_packets(step))
        wake->next_packet = 0;
    if (wake->next_packet > 0 && wake->next_packet <= step->now.boot)
        wake_send(step);
}

int64_t wake_due(const struct step *step)
{
    const struct wake *wake = &step->power->wake;
    int64_t due = step->power->awaited_until > 0 ? step->power->awaited_until : DUE_NEVER;

    if (!wake->open)
        return due;
    const int64_t deadline = look_before(step->power, wake->deadline);

    /* Its time is over: no packet is sent any more. */
    if (wake->deadline <= step->now.boot)
        return deadline < due ? deadline : due;
    if (wake->next_packet > 0 && wake->next_packet < due)
        due = wake->next_packet;
    return wake->deadline < due ? wake->deadline : due;
}

/* Leases that were waiting for the server last the idle time at least from when it is there; one
 * whose time was named shorter, that time. */
static void renew_waiting(struct step *step)
{
    struct lease_set *set = step->power->leases;
    const int64_t idle = step_idle(step);

    for (size_t i = 0; i < set->n; i++) {
        struct lease *lease = &set->leases[i];

        if ((lease->kind != LEASE_VISIT && lease->kind != LEASE_MANUAL) ||
            lease->until == LEASE_FOREVER)
            continue;
        const int64_t named = lease->until - lease->renewed;
        const int64_t until = step->now.boot + (named < idle ? named : idle);

        if (lease->until < until)
            lease->until = until;
    }
}

/* One that was given up and comes late counts too: else the learned deadline could never grow. */
static void conclude(struct step *step)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;
    const int64_t ms = step->now.boot - wake->started;

    step_stage(step, STAGE_FIRST_SIGN);
    depend_end_turn(step);
    wake->open = false;
    wake->wait = WAIT_NOTHING;
    step->durable = true;
    wake->kind = wake_actual_kind(power);
    wake_learn(step, ms);
    power->failures = 0;
    power->retry_at = 0;
    power->awaited_until = step->now.boot + AWAITED_MOST;
    renew_waiting(step);
    step_tell(step, HAPPENED_READY, ms, &FACT(WAKE_READY, .word = (uint8_t)wake->kind, .n = {ms}));
}

static void succeed(struct step *step)
{
    struct power *power = step->power;

    power->wake.queued = false;
    if (waking_is_answered(power))
        conclude(step);
    power->failure = FAILURE_NONE;
    answer_commands(step, OUTCOME_DONE, NULL);
}

void wake_follow(struct step *step)
{
    struct power *power = step->power;

    if (step->became_ready)
        succeed(step);
    step->became_ready = false;
    /* It may be heard long after the first sign, or once the server was ready. */
    if (power->evidence.alive && power->evidence.agent == AGENT_ONLINE)
        step_stage(step, STAGE_AGENT_ONLINE);
    if (step->heard.reported)
        wake_correct_kind(power);
}
