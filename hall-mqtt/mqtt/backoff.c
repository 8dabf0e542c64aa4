#include "mqtt/backoff.h"

enum { YOUNG_FREE = 2, DOUBLINGS_MOST = 6 };

/* The longest delay leaves room for a quarter of jitter. */
static const int64_t delay_most = (int64_t)BACKOFF_MOST_MS * 4 / 5;

/* The first ones may be a broker that restarts. */
static int64_t delay_of_young(const struct backoff *backoff)
{
    const unsigned more = backoff->young > YOUNG_FREE ? backoff->young - YOUNG_FREE : 0;
    return (int64_t)BACKOFF_LEAST_MS << (more < DOUBLINGS_MOST ? more : DOUBLINGS_MOST);
}

/* Two that push each other off wait alike: one stands for as long as the other waits. */
static bool is_young(const struct backoff *backoff, int64_t stood_ms)
{
    return stood_ms < BACKOFF_YOUNG_MS ||
           (backoff->young > YOUNG_FREE && stood_ms < 2 * delay_of_young(backoff));
}

int64_t backoff_next(struct backoff *backoff, int64_t now, uint32_t random)
{
    if (backoff->since == 0) {
        backoff->since = now;
        backoff->delay = delay_of_young(backoff);
    } else if (now - backoff->since >= BACKOFF_SHORT_MS) {
        backoff->delay += backoff->delay / 2;
    }
    if (backoff->delay > delay_most)
        backoff->delay = delay_most;
    return backoff->delay + backoff->delay / 4 * (random % 1001) / 1000;
}

void backoff_ended(struct backoff *backoff, int64_t stood_ms, bool by_other, bool pushed)
{
    if (stood_ms >= BACKOFF_SETTLED_MS)
        backoff->young = 0;
    if (by_other && (pushed || is_young(backoff, stood_ms))) {
        backoff->young++;
        backoff->since = 0;
    } else if (stood_ms >= BACKOFF_YOUNG_MS) {
        backoff->since = 0;
    }
}

void backoff_reset(struct backoff *backoff)
{
    *backoff = (struct backoff){0};
}
