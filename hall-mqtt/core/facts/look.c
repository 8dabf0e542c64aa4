#include "core/facts/look.h"

enum { PATIENCE = 60000 }; /* ms: who waits for an answer of Hall itself waits so long */

int64_t look_before(const struct power *power, int64_t deadline)
{
    const int64_t looked = power->looking_since + LOOK_LASTS;

    return deadline > looked ? deadline : looked;
}

bool look_was_long(int64_t from, int64_t until)
{
    return until - from > PATIENCE;
}

/* Use is not seen either while Hall stands still: what a visit has taken may have run out. */
static void begin(struct power *power, struct now now, int64_t since)
{
    power->looking_since = now.boot;
    power->wake.unseen = true;
    power->wake.deserted |= look_was_long(since, now.boot);
    if (power->sleep.not_before < now.boot + LOOK_LASTS)
        power->sleep.not_before = now.boot + LOOK_LASTS;
    evidence_count_afresh(&power->evidence, now.boot);
}

void look_begin(struct fleet *fleet, struct now now, int64_t since)
{
    for (size_t i = 0; i < fleet->model->n_servers; i++)
        begin(&fleet->powers[i], now, since);
}

void look_notice_gap(struct fleet *fleet, struct now now)
{
    if (fleet_is_behind(fleet, now.boot - FLEET_LATE))
        look_begin(fleet, now, due_next(&fleet->due));
}
