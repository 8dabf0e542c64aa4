#include "base/clock_judge.h"

#include <stdlib.h>

enum {
    APART_MOST = 60000, /* ms: a hardware clock is set every eleven minutes, and drifts */
    OFF_LEAST =
        600000, /* ms: a clock that moved on by more while the machine was off did not stand */
};
#define PROGRAM_MADE INT64_C(1767225600000) /* 2026-01-01 */

/* Nobody says what time it is. */
static enum clock_verdict judge_alone(const struct clock_signs *signs)
{
    const int64_t wall = signs->now.wall;

    if (signs->saved > wall)
        return CLOCK_BACK;
    if (signs->rtc >= PROGRAM_MADE)
        return llabs(signs->rtc - wall) <= APART_MOST ? CLOCK_PLAUSIBLE : CLOCK_APART;
    if (signs->saved_before > 0 && wall - signs->now.boot - signs->saved_before < OFF_LEAST)
        return CLOCK_STOOD;
    return CLOCK_PLAUSIBLE;
}

enum clock_verdict clock_judge(const struct clock_signs *signs)
{
    if (signs->now.wall < PROGRAM_MADE)
        return CLOCK_EARLY;
    if (signs->synchronised)
        return CLOCK_RIGHT;
    if (signs->trust == CLOCK_TRUST_ALWAYS)
        return CLOCK_CHOSEN;
    if (signs->trust == CLOCK_TRUST_SYNCHRONISED || signs->waited < CLOCK_WAIT_MOST)
        return CLOCK_WAITS;
    return judge_alone(signs);
}

bool clock_is_usable(enum clock_verdict verdict)
{
    return verdict == CLOCK_RIGHT || verdict == CLOCK_CHOSEN || verdict == CLOCK_PLAUSIBLE;
}
