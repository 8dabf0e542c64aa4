#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "core/depend.h"
#include "core/emit.h"
#include "core/leases.h"
#include "core/sleep.h"
#include "core/transition.h"
#include "core/waking.h"
#include "core/wish.h"

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
static const struct lease *blocking_lease(const struct step *step)
{
    const struct lease_set *set = &step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind != LEASE_MANUAL &&
            (set->leases[i].kind != LEASE_AGENT || !via_agent(step)))
            return &set->leases[i];
    return NULL;
}

/* What cannot be seen may be in use. */
static bool is_out_of_sight(const struct step *step, char out[REASON_SIZE])
{
    if (!step->power->sight.failed)
        return false;
    snprintf(out, REASON_SIZE,
             "Hall cannot look at the connections to it, and not knowing is a veto");
    return true;
}

static bool is_wakeable(const struct power *power)
{
    return power->ever_woken || (power->report.wol_known && power->report.wol_armed);
}

static bool lacks_method(const struct step *step, char out[REASON_SIZE])
{
    if (step->model->sleep.via == SLEEP_VIA_NONE)
        snprintf(out, REASON_SIZE, "its configuration says sleep.via none");
    else if (via_agent(step) && step->power->evidence.agent != AGENT_ONLINE)
        snprintf(out, REASON_SIZE, "its agent is not connected, so nothing can ask it to sleep");
    else
        return false;
    return true;
}

static bool is_barred(struct step *step, bool force, char out[REASON_SIZE])
{
    struct power *power = step->power;
    const struct lease *lease = blocking_lease(step);
    const int64_t up_for = step->now.boot - power->up_since;

    if (!power->evidence.alive) {
        snprintf(out, REASON_SIZE, "it is %s, so nothing can ask it to sleep",
                 power_state_name(power->state));
        return true;
    }
    if (lacks_method(step, out))
        return true;
    if (force)
        return false;
    if (lease) {
        power_why(power, step->now, out, REASON_SIZE);
        return true;
    }
    if (is_out_of_sight(step, out))
        return true;
    if (up_for < step->model->sleep.min_up) {
        char least[32];

        snprintf(out, REASON_SIZE, "it is up for %lld s only; sleep.min_up is %s",
                 (long long)(up_for / 1000),
                 duration_format(step->model->sleep.min_up, least, sizeof(least)));
        return true;
    }
    if (!is_wakeable(power)) {
        snprintf(out, REASON_SIZE,
                 "it is not known to be wakeable: no wake has succeeded yet and its agent does not "
                 "report Wake-on-LAN as armed");
        return true;
    }
    return false;
}

static bool is_in_use(const struct step *step, char out[REASON_SIZE])
{
    if (!blocking_lease(step))
        return false;
    power_why(step->power, step->now, out, REASON_SIZE);
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
    struct lease_set *set = &power->leases;

    lease_release_kind(set, LEASE_AGENT);
    lease_release_kind(set, LEASE_STREAM);
    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];
        const bool passing = lease.kind == LEASE_VISIT || lease.kind == LEASE_MANUAL;

        if (passing && !is_newer(&power->sleep, &lease))
            lease_release(set, lease.kind, lease.holder);
    }
    if (!power->sleep.force)
        return;
    step_release_holds(step);
    power->resting = true;
}

static void queue_wanted(struct step *step)
{
    const struct lease_set *set = &step->power->leases;
    char cause[CAUSE_SIZE];

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == LEASE_VISIT || set->leases[i].kind == LEASE_MANUAL) {
            snprintf(cause, sizeof(cause), "%s of %.64s", lease_kind_name(set->leases[i].kind),
                     set->leases[i].holder);
            waking_queue(step, cause, false);
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
    if (!own || !sleep->refusal[0])
        step_tell(step, HAPPENED_SLEEP_REQUESTED, 0, "%s by %s", restart ? "restart" : "sleep", by);
    step_emit(
        step,
        &(struct action){
            .kind = ACTION_SLEEP,
            .sleep = {.id = sleep->id, .force = force, .restart = restart, .lasts = ANSWER_MOST}});
}

/* Why a command may not have what it wants, in out; false: it may. */
static bool is_refused(struct step *step, const struct sleep_wish *wish, char out[REASON_SIZE])
{
    if (!wish->restart)
        return is_barred(step, wish->force, out);
    return is_barred(step, true, out) || (!wish->force && is_in_use(step, out));
}

void sleep_take_wish(struct step *step)
{
    const struct sleep_wish wish = step->sleep;
    char reason[REASON_SIZE];

    if (!wish.entry)
        return;
    if (is_refused(step, &wish, reason)) {
        step->sleep.entry = NULL;
        step_answer(step, wish.entry, OUTCOME_REFUSED, reason);
        if (!wish.restart)
            step_tell(step, HAPPENED_SLEEP_REFUSED, 0, "%s", reason);
    } else if (step->power->wake.open) {
        wish_cancel(step, wish.by, NULL, NULL); /* and then it is proposed */
    } else {
        step->sleep.entry = NULL;
        propose(step, wish.entry->id, wish.by, wish.force, wish.restart, false);
    }
}

static void answer_commands(struct step *step, enum command_outcome outcome, const char *reason)
{
    step_answer_open(step, COMMAND_SLEEP, outcome, reason);
    if (step->power->sleep.restart)
        step_answer_open(step, COMMAND_RESTART, outcome, reason);
}

static void begin_sleep(struct step *step, const char *reason)
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
    sleep->refusal[0] = '\0';
    sleep->deadline = step->now.boot + step->model->sleep.timeout;
    answer_commands(step, OUTCOME_ACCEPTED, "");
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
        waking_queue(step, "restart", true);
    else
        queue_wanted(step);
}

/* Also by a goodbye that nobody asked for. */
static void agreed(struct step *step, const char *reason)
{
    if (step->power->sleep.phase != SLEEP_AGREED)
        begin_sleep(step, reason);
    /* Where only the agent tells of life, its goodbye is the silence. */
    if (step->power->state == POWER_SLEEPING && !step->power->evidence.alive)
        step_transition(step, POWER_SILENT, reason);
}

/* Told once: while nothing changes, the same refusal each minute is noise. */
static void note_refusal(struct step *step, const char *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->not_before = step->now.boot + VETO_WAIT;
    if (strcmp(sleep->refusal, reason) == 0)
        return;
    text_copy(sleep->refusal, sizeof(sleep->refusal), reason);
    step_tell(step, HAPPENED_SLEEP_REFUSED, 0, "%s", reason);
}

static void vetoed(struct step *step, const char *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_NONE;
    note_refusal(step, reason);
    answer_commands(step, OUTCOME_REFUSED, reason);
}

/* Without an agent nobody agrees: the server was told, by what the reason says. */
static const char *agreement(const struct step *step, const char *reason)
{
    if (via_agent(step))
        return "its agent agreed to sleep";
    return reason[0] ? reason : "it was asked to sleep";
}

static void succeed(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;
    const int64_t ms = step->now.boot - sleep->started;

    sleep->phase = SLEEP_NONE;
    step_tell(step, HAPPENED_ASLEEP, sleep->id[0] ? ms : 0, "silence is proven");
    step_answer_open(step, COMMAND_SLEEP, OUTCOME_DONE, "");
}

static void fail(struct step *step, const char *reason)
{
    struct sleep *sleep = &step->power->sleep;

    sleep->phase = SLEEP_NONE;
    step->power->resting = false;
    sleep->not_before = step->now.boot + FAILURE_WAIT;
    answer_commands(step, OUTCOME_FAILED, reason);
    if (step->power->state == POWER_SLEEPING)
        step_transition(step, POWER_DEADLINE, reason);
    /* Of one that is silent there is something else to say. */
    if (step->power->state != POWER_OFF && step->power->state != POWER_UNREACHABLE)
        step_problem(step, "the sleep failed: %s", reason);
    step_tell(step, HAPPENED_SLEEP_FAILED, step->now.boot - sleep->started, "%s", reason);
}

/* Silence ends a sleep: as it was meant to, or before it was agreed. */
void sleep_end(struct step *step)
{
    const enum silence silence = step->silence;

    step->silence = SILENCE_NONE;
    if (silence == SILENCE_AGREED)
        succeed(step);
    else if (silence == SILENCE_SUDDEN && step->power->sleep.phase != SLEEP_NONE)
        fail(step, "it fell silent before it agreed");
}

/* The agent is online again before silence was proven. */
static void came_back(struct step *step)
{
    struct power *power = step->power;

    power->resting = false;
    if (power->sleep.phase != SLEEP_NONE && power->sleep.restart) {
        power->sleep.phase = SLEEP_NONE;
        step_answer_open(step, COMMAND_SLEEP, OUTCOME_FAILED, "it restarted");
        step_transition(step, POWER_BACK, "it restarted");
        return;
    }
    step_transition(step, POWER_BACK, NULL);
    fail(step, "it came back before it fell silent");
}

static void answered(struct step *step, enum sleep_answer answer, const char *id,
                     const char *reason)
{
    struct sleep *sleep = &step->power->sleep;

    if (sleep->phase == SLEEP_NONE || (id[0] && strcmp(id, sleep->id) != 0))
        return;
    switch (answer) {
    case SLEEP_ACCEPTED:
    case SLEEP_DONE:
        agreed(step, agreement(step, reason));
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
        agreed(step, "its agent said goodbye");
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
                 heard->answer->sleep.reason);
}

void sleep_tick(struct step *step)
{
    struct sleep *sleep = &step->power->sleep;
    char reason[REASON_SIZE];

    if (sleep->phase == SLEEP_NONE || sleep->deadline > step->now.boot)
        return;
    if (sleep->phase == SLEEP_PROPOSED) {
        snprintf(reason, sizeof(reason), "it did not answer within %d s, and not knowing is a veto",
                 ANSWER_MOST / 1000);
        vetoed(step, reason);
        return;
    }
    snprintf(reason, sizeof(reason), "%s, but still answers after %lld s",
             via_agent(step) ? "it agreed" : "it was asked",
             (long long)(step->model->sleep.timeout / 1000));
    fail(step, reason);
}

/* When it may be slept for want of a lease: up, nobody needs it, nothing is under way. */
static bool is_idle(const struct step *step)
{
    const struct power *power = step->power;

    return power->evidence.alive && power->leases.n == 0 && !power->wake.open &&
           !power->wake.queued && power->sleep.phase == SLEEP_NONE &&
           power->state != POWER_SLEEPING && step->model->sleep.via != SLEEP_VIA_NONE;
}

static int64_t idle_due(const struct step *step)
{
    const int64_t ripe = step->power->up_since + step->model->sleep.min_up;

    return ripe > step->power->sleep.not_before ? ripe : step->power->sleep.not_before;
}

static void order_look(struct step *step)
{
    step->power->sight.asked = step->now.boot;
    step_emit(step, &(struct action){.kind = ACTION_LOOK});
}

/* Bytes may have moved since the last look, so a new one comes before the proposal. */
static bool awaits_look(struct step *step)
{
    struct sight *sight = &step->power->sight;

    if (!sight->watched || step->now.boot - sight->looked <= LOOK_FRESH)
        return false;
    if (sight->asked == 0) {
        order_look(step);
    } else if (sight->asked + LOOK_MOST <= step->now.boot) {
        sight->asked = 0;
        note_refusal(step, "Hall could not look at the connections to it in time");
    }
    return true;
}

void sleep_when_idle(struct step *step)
{
    char text[REASON_SIZE];

    if (!is_idle(step) || idle_due(step) > step->now.boot)
        return;
    if (is_barred(step, false, text)) {
        note_refusal(step, text);
        return;
    }
    if (awaits_look(step))
        return;
    step_new_id(step, 's', text);
    propose(step, text, "idle", false, false, true);
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
