#include "bus/backoff.h"

/* The longest delay leaves room for a quarter of jitter. */
static const int64_t delay_most = (int64_t)BACKOFF_MOST_MS * 4 / 5;

int64_t backoff_next(struct backoff *backoff, int64_t now, uint32_t random)
{
    if (backoff->since == 0)
        *backoff = (struct backoff){.since = now, .delay = BACKOFF_LEAST_MS};
    else if (now - backoff->since >= BACKOFF_SHORT_MS)
        backoff->delay += backoff->delay / 2;
    if (backoff->delay > delay_most)
        backoff->delay = delay_most;
    return backoff->delay + backoff->delay / 4 * (random % 1001) / 1000;
}

void backoff_reset(struct backoff *backoff)
{
    *backoff = (struct backoff){0};
}
