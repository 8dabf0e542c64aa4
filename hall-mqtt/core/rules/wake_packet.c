/* The magic packets of a wake: when they are due, and to whom they are sent. */
#include "base/array.h"
#include "core/emit.h"
#include "core/facts/depend.h"
#include "core/facts/guard.h"
#include "core/facts/waking.h"
#include "core/rules/wake_internal.h"

/* When packets follow the first, ms after it; afterwards every PACKET_LATER. */
static const int64_t packet_times[] = {0, 1000, 3000};
enum { PACKET_LATER = 10000 };

static int64_t packet_time(uint32_t number)
{
    const uint32_t listed = ARRAY_SIZE(packet_times);

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

void wake_send(struct step *step)
{
    struct wake *wake = &step->power->wake;

    wake->packets++;
    wake->next_packet = next_packet_time(wake, step->now.boot);
    step_emit(step, &(struct action){.kind = ACTION_PACKET, .packet = {.number = wake->packets}});
    step->changed = true;
}

/* It was sent beside any wake. */
static void hear_forced(struct step *step)
{
    if (!step->power->forced_packet)
        return;
    step->power->forced_packet = false;
    step_tell(step, HAPPENED_PACKET_SENT, 0, &FACT(WAKE_PACKET, .n = {1}));
}

/* What is told is that it was sent, not that it was to be. */
void wake_hear(struct step *step)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;
    const uint32_t number = step->heard.packet;

    if (!wake->open)
        hear_forced(step);
    if (!wake->open || number > wake->packets || wake->packets_sent >= wake->packets)
        return;
    wake->packets_sent++;
    wake->sent_in_silence |= !power->evidence.alive;
    if (fact_is(&power->problem, FACT_WAKE_PACKET_FAILED))
        step_problem(step, NULL);
    step_stage(step, STAGE_PACKET_SENT);
    step_tell(step, HAPPENED_PACKET_SENT, step->now.boot - wake->started,
              &FACT(WAKE_PACKET, .n = {number}));
}

static void send_to_sleeper(struct step *step)
{
    depend_take_turn(step);
    if (step->power->wake.packets == 0)
        guard_note_wake(step);
    wake_send(step);
}

/* One that shows life may sleep all the same, when its card answers; if it does not, a packet
 * starts nothing. Those that it needs still come first. On a circuit where one starts at a time it
 * would keep the others waiting for nothing: there it takes force. */
static void send_beside_life(struct step *step)
{
    struct fact for_what;

    if (depend_wait(step, &for_what) != WAIT_NOTHING ||
        (step->model->group && !step->power->wake.force))
        return;
    depend_take_turn(step);
    wake_send(step);
}

void wake_send_first(struct step *step)
{
    if (step->power->evidence.alive)
        send_beside_life(step);
    else
        send_to_sleeper(step);
}
