#include "bridges/agent/watch/meter.h"

#include "base/clock.h"

enum { LEAST_MS = 4000 };

static void take(struct meter *meter, uint64_t counter, int64_t now)
{
    const bool usable = meter->begun && counter >= meter->counter;
    if (usable && now - meter->at < LEAST_MS)
        return; /* too short to say more than the last time */
    meter->known = usable;
    if (usable)
        meter->rate = (double)(counter - meter->counter) * 1000 / (double)(now - meter->at);
    meter->begun = true;
    meter->at = now;
    meter->counter = counter;
}

void meter_take(struct meter *meter, const uint64_t *counter, const char *file,
                struct sample_number *ret_rate)
{
    if (counter)
        take(meter, *counter, clock_now().boot);
    ret_rate->value = meter->rate;
    ret_rate->problem = !counter       ? fact_with(FACT(LOOK_UNREADABLE), file, NULL)
                        : meter->known ? FACT(NONE)
                                       : FACT(LOOK_MEASURING, .n = {LEAST_MS});
}
