/* What a wake that went well teaches: how long it takes, and whether it resumed or booted. */
#include <string.h>

#include "core/rules/wake_internal.h"

/* The reports tell afterwards whether it resumed or booted; without them the expectation stands. */
enum wake_kind wake_actual_kind(const struct power *power)
{
    if (power->wake.boot_id[0] == '\0' || power->report.boot_id[0] == '\0' ||
        power->report.heard_at <= power->wake.started)
        return power->wake.kind;
    return strcmp(power->wake.boot_id, power->report.boot_id) == 0 ? WAKE_RESUME : WAKE_COLD;
}

/* One that was given up and came long after, by its button perhaps, says only that a wake
 * may take as long as it may. */
static void bound(struct boot *boot, int64_t most)
{
    boot->ready = history_time(boot->ready, most);
    for (unsigned i = 0; i < STAGES; i++)
        if (boot->stages[i] != STAGE_UNREACHED)
            boot->stages[i] = history_time(boot->stages[i], most);
}

enum { LATE = 5000 }; /* ms: so late a first packet does not leave, but for a fault */

/* Only a server that was silent and answered after our packets has shown that it can be woken, and
 * how long that takes: where Hall saw all of it, and the packets left when they should. */
void wake_learn(struct step *step, int64_t ms)
{
    struct power *power = step->power;
    struct wake *wake = &power->wake;
    struct boot boot = {.ready = history_time(ms, INT32_MAX)};

    if (wake->packets_sent == 0 || wake->found_alive)
        return;
    power->ever_woken = true;
    if (wake->unseen || wake->stages[STAGE_PACKET_SENT] > LATE)
        return;
    memcpy(boot.stages, wake->stages, sizeof(boot.stages));
    bound(&boot, step->model->wake.timeout);
    history_add(&power->history, wake->kind, &boot);
    wake->recent = true;
    power->last_boot = ms;
}

/* The agent is online, and so the server may be ready, a moment before it has reported. */
void wake_correct_kind(struct power *power)
{
    const enum wake_kind kind = wake_actual_kind(power);

    if (power->wake.open || !power->wake.recent || kind == power->wake.kind)
        return;
    history_move(&power->history, power->wake.kind, kind);
    power->wake.kind = kind;
}
