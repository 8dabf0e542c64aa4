/* Hall's own proposals: when nobody needs a server any more. */
#include "core/emit.h"
#include "core/rules/sleep.h"
#include "core/rules/sleep_internal.h"

enum {
    LOOK_FRESH = 500, /* a look at its connections this old still tells what is */
    LOOK_MOST = 5000, /* a look that is ordered has been made by then */
};

/* When it may be slept for want of a lease: up, nobody needs it, nothing is under way. */
static bool is_idle(const struct step *step)
{
    const struct power *power = step->power;

    return power->evidence.alive && power->leases->n == 0 && !power->wake.open &&
           !power->wake.queued && power->sleep.phase == SLEEP_NONE &&
           power->state != POWER_SLEEPING && step->model->sleep.via != SLEEP_VIA_NONE;
}

static int64_t ripe_at(const struct step *step)
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
        sleep_note_refusal(step, &FACT(SLEEP_LOOK_LATE));
    }
    return true;
}

void sleep_when_idle(struct step *step)
{
    char id[COMMAND_ID_SIZE];
    struct fact why;

    if (!is_idle(step) || ripe_at(step) > step->now.boot)
        return;
    if (step->power->rousing.until > step->now.boot) {
        why = power_roused(step->power);
        sleep_note_refusal(step, &why);
        return;
    }
    if (sleep_is_barred(step, false, &why)) {
        sleep_note_refusal(step, &why);
        return;
    }
    if (awaits_look(step))
        return;
    step_new_id(step, 's', id);
    sleep_propose(step, id, "idle", false, false, true);
}

int64_t sleep_idle_due(const struct step *step)
{
    if (!is_idle(step))
        return DUE_NEVER;
    const int64_t ripe = ripe_at(step), looked = step->power->sight.asked + LOOK_MOST;

    return step->power->sight.asked > 0 && looked > ripe ? looked : ripe;
}
