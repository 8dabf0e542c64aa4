#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/step.h"

/* When packets follow the first, ms after it; afterwards every PACKET_LATER. */
static const int64_t packet_times[] = {0, 1000, 3000};
enum {
    PACKET_LATER = 10000,
    DEADLINE_LEAST = 30000, /* no wake is called failed sooner, however fast earlier ones were */
    RETRY_FIRST = 60000,    /* back-off of standing leases after a failed wake */
    RETRY_MOST = 3600000,
};

static int64_t packet_time(uint32_t number)
{
    const uint32_t listed = sizeof(packet_times) / sizeof(packet_times[0]);

    if (number < listed)
        return packet_times[number];
    return packet_times[listed - 1] + (int64_t)(number - listed + 1) * PACKET_LATER;
}

/* The next packet of the plan. Those whose time went by unsent are left out: packets are no use in
 * a burst. */
static int64_t next_packet_time(const struct wake *wake, int64_t now)
{
    uint32_t number = wake->packets;

    while (wake->started + packet_time(number) <= now)
        number++;
    return wake->started + packet_time(number);
}

static void send_packet(struct step *step)
{
    struct wake *wake = &step->power->wake;

    wake->packets++;
    wake->next_packet = next_packet_time(wake, step->now.boot);
    step_emit(step, &(struct action){.kind = ACTION_PACKET, .packet = {.number = wake->packets}});
    if (wake->packets == 1)
        step_stage(step, STAGE_PACKET_SENT);
    step_tell(step, HAPPENED_PACKET_SENT, step->now.boot - wake->started, "magic packet %u",
              wake->packets);
}

static enum wake_kind expected_kind(const struct step *step)
{
    return step->power->said_goodbye && step->model->sleep.mode != SLEEP_POWEROFF ? WAKE_RESUME
                                                                                  : WAKE_COLD;
}

static void begin(struct step *step, const char *cause)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;

    *wake = (struct wake){.open = true, .started = step->now.boot, .kind = expected_kind(step)};
    wake->deadline = step->now.boot + history_deadline(&power->history, wake->kind, DEADLINE_LEAST,
                                                       step->model->wake.timeout);
    for (unsigned i = 0; i < STAGES; i++)
        wake->stages[i] = STAGE_UNREACHED;
    text_copy(wake->boot_id, sizeof(wake->boot_id), power->report.boot_id);
    text_copy(wake->cause, sizeof(wake->cause), cause);
    step_new_id(step, 'w', wake->id);
    power->failure = FAILURE_NONE;
    power->awaited_until = 0;
    step_problem(step, "%s", "");
    step_tell(step, HAPPENED_WAKE_REQUESTED, 0, "%s", cause);
    step_transition(step, POWER_WAKE, cause);
    if (power->evidence.alive)
        wake_sign(step);
    else
        send_packet(step);
}

void wake_request(struct step *step, const char *cause)
{
    struct power *power = step->power;

    if (power->wake.open || power->wake.queued)
        return;
    if (power->state == POWER_SLEEPING) {
        power->wake.queued = true;
        text_copy(power->wake.cause, sizeof(power->wake.cause), cause);
        step->changed = true;
        step_tell(step, HAPPENED_WAKE_REQUESTED, 0,
                  "%s; it is falling asleep and will be woken right after", cause);
        return;
    }
    begin(step, cause);
}

void wake_sign(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (!wake->open)
        return;
    step_stage(step, STAGE_FIRST_SIGN);
    if (step->power->evidence.agent == AGENT_ONLINE)
        step_stage(step, STAGE_AGENT_ONLINE);
    wake->next_packet = 0;
}

/* Packets are due again when a host that had shown itself falls silent. */
static void resume_packets(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (step->power->state == POWER_WAKING && !step->power->evidence.alive &&
        wake->next_packet == 0)
        wake->next_packet = step->now.boot;
}

static void begin_queued(struct step *step)
{
    struct wake *wake = &step->power->wake;

    if (wake->queued && step->power->state != POWER_SLEEPING) {
        char cause[LEASE_LABEL_SIZE];

        text_copy(cause, sizeof(cause), wake->cause);
        begin(step, cause);
    }
}

static bool is_awaited(const struct step *step)
{
    const struct fleet *fleet = step->fleet;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site])
        if (!fleet->sites[site].ready &&
            lease_find(&step->power->leases, LEASE_VISIT, fleet->model->sites[site].id))
            return true;
    return false;
}

static void tick_awaited(struct step *step)
{
    struct power *power = step->power;

    if (power->awaited_until > 0 && (power->awaited_until <= step->now.boot || !is_awaited(step)))
        power->awaited_until = 0;
}

void wake_tick(struct step *step)
{
    struct wake *wake = &step->power->wake;

    begin_queued(step);
    tick_awaited(step);
    if (!wake->open)
        return;
    if (wake->deadline <= step->now.boot) {
        const bool sent = wake->packets == 0 || wake->packets > wake->packets_failed;

        wake_fail(step, step->power->evidence.alive ? FAILURE_NOT_READY
                        : sent                      ? FAILURE_NO_SIGN
                                                    : FAILURE_NO_PACKET);
        return;
    }
    resume_packets(step);
    if (wake->next_packet > 0 && wake->next_packet <= step->now.boot)
        send_packet(step);
}

int64_t wake_due(const struct step *step)
{
    const struct wake *wake = &step->power->wake;
    int64_t due = step->power->awaited_until > 0 ? step->power->awaited_until : DUE_NEVER;

    if (!wake->open)
        return due;
    if (wake->next_packet > 0 && wake->next_packet < due)
        due = wake->next_packet;
    return wake->deadline < due ? wake->deadline : due;
}

/* The reports tell afterwards whether it resumed or booted; without them the expectation stands. */
static enum wake_kind actual_kind(const struct power *power)
{
    if (power->wake.boot_id[0] == '\0' || power->report.boot_id[0] == '\0')
        return power->wake.kind;
    return strcmp(power->wake.boot_id, power->report.boot_id) == 0 ? WAKE_RESUME : WAKE_COLD;
}

/* Leases that were waiting for the server count their idle time from when it is there. */
static void renew_waiting(struct step *step)
{
    struct lease_set *set = &step->power->leases;
    const int64_t until = step->now.boot + step_idle(step);

    for (size_t i = 0; i < set->n; i++) {
        struct lease *lease = &set->leases[i];
        const bool waits = lease->kind == LEASE_VISIT || lease->kind == LEASE_MANUAL;

        if (waits && lease->until < until)
            lease->until = until;
    }
}

static void answer_commands(struct step *step, enum command_outcome outcome, const char *reason)
{
    step_answer_open(step, COMMAND_WAKE, outcome, reason);
    step_answer_open(step, COMMAND_START, outcome, reason);
    /* A restart that is only proposed has not begun. */
    if (step->power->sleep.phase != SLEEP_PROPOSED)
        step_answer_open(step, COMMAND_RESTART, outcome, reason);
}

bool wake_is_answered(const struct power *power)
{
    return power->wake.open || power->failure == FAILURE_NO_SIGN ||
           power->failure == FAILURE_NOT_READY;
}

/* Only a server that was silent and answered after our packets has shown that it can be woken, and
 * how long that takes. */
static void learn(struct step *step, int64_t ms)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;
    struct boot boot = {.ready = ms < INT32_MAX ? (int32_t)ms : INT32_MAX};

    if (wake->packets <= wake->packets_failed)
        return;
    memcpy(boot.stages, wake->stages, sizeof(boot.stages));
    history_add(&power->history, wake->kind, &boot);
    wake->recent = true;
    power->last_boot = ms;
    power->ever_woken = true;
}

/* One that was given up and comes late counts too: else the learned deadline could never grow. */
static void conclude(struct step *step)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;
    const int64_t ms = step->now.boot - wake->started;

    step_stage(step, STAGE_FIRST_SIGN);
    wake->open = false;
    wake->kind = actual_kind(power);
    learn(step, ms);
    power->failures = 0;
    power->retry_at = 0;
    power->awaited_until = step->now.boot + WAKE_AWAITED_MOST;
    renew_waiting(step);
    step_tell(step, HAPPENED_READY, ms, "ready after %lld.%03lld s (%s)", (long long)(ms / 1000),
              (long long)(ms % 1000), wake_kind_name(wake->kind));
}

void wake_succeed(struct step *step)
{
    struct power *power = step->power;

    power->wake.queued = false;
    if (wake_is_answered(power))
        conclude(step);
    power->failure = FAILURE_NONE;
    answer_commands(step, OUTCOME_DONE, "");
}

static const char *failure_advice(enum wake_failure failure)
{
    switch (failure) {
    case FAILURE_NO_SIGN:
        return "no sign of life: check its power and cable, Wake-on-LAN in its firmware and on its "
               "network card, the MAC and the broadcast address";
    case FAILURE_NOT_READY:
        return "it is up, but its checks do not pass: check its services and the check's address";
    case FAILURE_NO_PACKET:
        return "no magic packet could be sent: check the interface and the broadcast address";
    case FAILURE_CANCELLED:
        return "cancelled";
    case FAILURE_NONE:
        break;
    }
    return "";
}

static void end_failed(struct step *step, enum wake_failure failure, const char *reason)
{
    struct power *power = step->power;
    const int64_t ms = power->wake.open ? step->now.boot - power->wake.started : 0;

    power->wake.open = false;
    power->wake.queued = false;
    power->wake.next_packet = 0;
    power->failure = failure;
    step_tell(step, HAPPENED_WAKE_FAILED, ms, "%s", reason);
    answer_commands(step, OUTCOME_FAILED, reason);
}

static int64_t back_off(uint32_t failures)
{
    int64_t wait = RETRY_FIRST;

    for (uint32_t i = 1; i < failures && wait < RETRY_MOST; i++)
        wait *= 2;
    return wait < RETRY_MOST ? wait : RETRY_MOST;
}

void wake_fail(struct step *step, enum wake_failure failure)
{
    struct power *power = step->power;
    const unsigned stage = power_stage(power);
    char reason[REASON_SIZE];

    snprintf(reason, sizeof(reason), "not ready after %lld s, last stage reached: %s; %s",
             (long long)((step->now.boot - power->wake.started) / 1000),
             stage < STAGES ? stage_name((enum stage)stage) : "none", failure_advice(failure));
    power->failures++;
    power->retry_at = step->now.boot + back_off(power->failures);
    step_transition(step, POWER_DEADLINE, reason);
    step_problem(step, "%s", reason);
    end_failed(step, failure, reason);
}

void wake_cancel(struct step *step, const char *by)
{
    struct power *power = step->power;
    char reason[REASON_SIZE];

    snprintf(reason, sizeof(reason), "cancelled by %s", by);
    end_failed(step, FAILURE_CANCELLED, reason);
    /* A standing lease must not undo at once what a person did. */
    if (power->retry_at < step->now.boot + RETRY_FIRST)
        power->retry_at = step->now.boot + RETRY_FIRST;
    step_transition(step, POWER_CANCEL, reason);
}
