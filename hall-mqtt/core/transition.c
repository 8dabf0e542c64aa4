#include "core/transition.h"

#include "base/text.h"
#include "core/emit.h"
#include "core/facts/leases.h"
#include "core/facts/projects.h"
#include "core/facts/waking.h"

/* What entering a state brings with it; one function per state that has something to do. */

/* What put it to sleep wanted it to sleep on. */
static void note_rousing(struct step *step)
{
    struct power *power = step->power;

    if (power->wake.open)
        rousing_note_wake(&power->rousing, step->now.boot);
    else if (rousing_note_life(&power->rousing, step->now.boot)) {
        const struct fact roused = power_roused(power);

        step->durable = true;
        step_tell(step, HAPPENED_SLEEP_FAILED, 0, &roused);
    }
}

static void begin_run(struct step *step, enum power_state from)
{
    struct power *power = step->power;

    if (power->up_since == 0)
        power->up_since = step->now.boot;
    power->down_since = 0;
    power->resting &= power->leaving != 0;
    power->guard = (struct guard){0};
    note_rousing(step);
    /* One that is asked to sleep as its run begins is not found awake: it goes. */
    if (!power->wake.open && power->leases->n == 0 && power->sleep.phase == SLEEP_NONE)
        lease_take(power->leases, LEASE_MANUAL, MODEL_NONE, "found awake",
                   from == POWER_UNKNOWN ? &FACT(LEASE_FOUND_UP) : &FACT(LEASE_FOUND_AWAKE),
                   step->now.boot, step->now.boot + step_idle(step));
}

static void end_run(struct step *step)
{
    struct power *power = step->power;

    /* A wake that is begun, called off or given up is no run. */
    if (power->up_since > 0)
        power->down_since = step->now.boot;
    power->up_since = 0;
    power->was_ready = false;
    power->in_vain = false;
    power->report.past = true;
    lease_release_kind(power->leases, LEASE_AGENT);
    lease_release_kind(power->leases, LEASE_STREAM);
    power->sight = (struct sight){.watched = power->sight.watched};
    power->wake.recent = false;
}

static void enter_booting(struct step *step, enum power_state from)
{
    if (from != POWER_SLEEPING)
        begin_run(step, from);
    if (from == POWER_UNREACHABLE)
        step_tell(step, HAPPENED_BACK, 0, &FACT(SEEN_SIGN_AGAIN));
}

static void enter_ready(struct step *step, enum power_state from)
{
    struct power *power = step->power;

    if (from != POWER_DEGRADED && from != POWER_SLEEPING)
        begin_run(step, from);
    if (from == POWER_UNREACHABLE)
        step_tell(step, HAPPENED_BACK, 0, &FACT(SEEN_PASS_AGAIN));
    if (!waking_is_answered(power) && !power->was_ready)
        step_tell(step, HAPPENED_READY, 0, &FACT(SEEN_READY));
    if (!power->was_ready)
        power->last_ready = step->now.wall;
    power->was_ready = true;
    if (from != POWER_SLEEPING)
        step_problem(step, NULL);
    step->became_ready = true;
}

/* Was it asked to sleep before Hall went away? What it said to that may be lost. */
static bool was_asked(const struct power *power, enum power_state from)
{
    return from == POWER_UNKNOWN && power->sleep.phase != SLEEP_NONE;
}

/* Silence ends a sleep: as it was meant to, be it late, or before it was agreed. */
static void note_silence(struct step *step, enum power_state from)
{
    struct power *power = step->power;
    const bool late = power->leaving != 0 && power->evidence.settled;
    const bool agreed = from == POWER_SLEEPING || was_asked(power, from) || late;

    step->silence = agreed ? SILENCE_AGREED : SILENCE_SUDDEN;
    /* A cable that was pulled takes nothing from a machine; one that went starts afresh. */
    if (agreed)
        projects_forget(step, LEASE_FOREVER);
    power->leaving = 0;
}

static void enter_off(struct step *step, enum power_state from)
{
    struct power *power = step->power;
    const bool was_asleep = from == POWER_WAKING && power->said_goodbye;

    end_run(step);
    power->said_goodbye = from == POWER_SLEEPING || was_asleep || was_asked(power, from) ||
                          power->leaving != 0 || power->evidence.agent == AGENT_SLEEPING;
    note_silence(step, from);
    /* Of a wake that was called off the views still tell. */
    if (from != POWER_WAKING)
        power->failure = FAILURE_NONE;
    step_problem(step, NULL);
}

static void enter_waking(struct step *step, enum power_state from)
{
    struct power *power = step->power;

    end_run(step);
    power->wake.next_packet = 0; /* due at once, after those that it needs */
    if (from == POWER_SLEEPING || power->leaving != 0)
        power->said_goodbye = true;
    else if (power_is_up(from))
        power->said_goodbye = false;
    note_silence(step, from);
}

static void enter_unreachable(struct step *step, enum power_state from)
{
    end_run(step);
    step->power->said_goodbye = false;
    step->power->failure = FAILURE_NONE;
    step->power->retry_at = step->now.boot + 30000;
    note_silence(step, from);
    step_problem(step, evidence_echoes(&step->power->evidence, step->model) ? &FACT(SEEN_ECHOES)
                                                                            : &FACT(SEEN_CRASH));
    step_tell(step, HAPPENED_UNREACHABLE, 0, &step->power->problem);
}

static void (*const enter[POWER_STATES])(struct step *, enum power_state from) = {
    [POWER_BOOTING] = enter_booting,
    [POWER_READY] = enter_ready,
    [POWER_OFF] = enter_off,
    [POWER_WAKING] = enter_waking,
    [POWER_UNREACHABLE] = enter_unreachable,
};

/* Why an event moves the state, where the caller says nothing better. */
static const uint8_t event_reasons[POWER_EVENTS] = {
    [POWER_SIGN] = FACT_SEEN_SIGN,
    [POWER_PASS] = FACT_SEEN_PASS,
    [POWER_FAIL] = FACT_SEEN_FAIL,
    [POWER_SILENT] = FACT_SEEN_SILENT,
    [POWER_GOODBYE] = FACT_AGENT_GOODBYE,
    [POWER_BACK] = FACT_AGENT_BACK,
    [POWER_WAKE] = FACT_WAKE_REQUESTED,
    [POWER_SLEEP] = FACT_SLEEP_AGREED,
    [POWER_DEADLINE] = FACT_WAKE_OUT_OF_TIME,
    [POWER_CANCEL] = FACT_WAKE_CANCELLED,
};

void step_transition(struct step *step, enum power_event event, const struct fact *reason)
{
    struct power *power = step->power;
    const enum power_state from = power->state;
    const enum power_state to = power_next_state(power, event);

    if (to == from)
        return;
    power->state = to;
    power->since = step->now.boot;
    power->reason = reason ? *reason : (struct fact){.parts = {{.code = event_reasons[event]}}};
    step->changed = true;
    step_emit(step, &(struct action){.kind = ACTION_STATE, .state = {.from = from, .to = to}});
    if (enter[to])
        enter[to](step, from);
}
