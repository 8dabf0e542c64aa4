#include "bridges/agent/watch/meter.h"

#include <string.h>

#include "base/clock.h"

/* Readings that follow each other at once make one. */
static void take(struct meter *meter, uint64_t counter, int64_t now)
{
    const struct meter_mark *last = meter->n > 0 ? &meter->marks[meter->n - 1] : NULL;
    if (last && counter < last->counter)
        meter->n = 0; /* it has begun again */
    else if (last && now - last->at < METER_LEAST_MS)
        return;
    else if (meter->n > 1 && now - meter->marks[meter->n - 2].at < METER_LAST_MS)
        meter->n--; /* marks that are closer tell nothing new */
    if (meter->n == METER_MARKS)
        memmove(meter->marks, meter->marks + 1, --meter->n * sizeof(meter->marks[0]));
    meter->marks[meter->n++] = (struct meter_mark){.at = now, .counter = counter};
}

/* Since the newest mark that is so old, or the oldest of all. */
static double rate_over(const struct meter *meter, int64_t ms)
{
    const struct meter_mark *last = &meter->marks[meter->n - 1], *from = last;
    while (from > meter->marks && last->at - from->at < ms)
        from--;
    return (double)(last->counter - from->counter) * 1000 / (double)(last->at - from->at);
}

void meter_take_at(struct meter *meter, const uint64_t *counter, const char *file, int64_t over_ms,
                   int64_t now, struct sample_number *ret_rate)
{
    if (counter)
        take(meter, *counter, now);
    *ret_rate = (struct sample_number){0};
    if (!counter)
        ret_rate->problem = fact_with(FACT(LOOK_UNREADABLE), file, NULL);
    else if (meter->n < 2)
        ret_rate->problem = FACT(LOOK_MEASURING, .n = {METER_SETTLE_MS});
    if (!counter || meter->n < 2)
        return;
    const double whole = rate_over(meter, over_ms), late = rate_over(meter, METER_LAST_MS);
    ret_rate->value = whole < late ? whole : late;
}

void meter_take(struct meter *meter, const uint64_t *counter, const char *file, int64_t over_ms,
                struct sample_number *ret_rate)
{
    meter_take_at(meter, counter, file, over_ms, clock_now().boot, ret_rate);
}
