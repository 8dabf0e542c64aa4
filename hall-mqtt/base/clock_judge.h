/*
 * clock_judge: is wall time to be believed? A Pi has no clock of its own, and its time service may
 * never reach a server. Where it does not say that the clock is right, a clock that nothing speaks
 * against is used after some minutes, unless the owner wants it otherwise. Pure.
 */
#ifndef HALL_BASE_CLOCK_JUDGE_H
#define HALL_BASE_CLOCK_JUDGE_H

#include "base/clock.h"

/* What the owner wants. */
enum clock_trust { CLOCK_TRUST_AUTO, CLOCK_TRUST_SYNCHRONISED, CLOCK_TRUST_ALWAYS };

struct clock_signs {
    enum clock_trust trust;
    bool synchronised; /* as the time service says; or there is none, and no telling */
    struct now now;
    int64_t waited;       /* ms, for the time service */
    int64_t rtc;          /* wall, ms: what the hardware clock shows; 0: there is none */
    int64_t saved;        /* wall, ms: the latest time that was written down before; 0: none */
    int64_t saved_before; /* the same, before this boot */
};

enum clock_verdict {
    CLOCK_RIGHT,     /* the time service says so */
    CLOCK_CHOSEN,    /* the owner does */
    CLOCK_PLAUSIBLE, /* nothing speaks against it */
    CLOCK_WAITS,     /* for the time service */
    CLOCK_EARLY,     /* it shows a time before this program was made; */
    CLOCK_BACK,      /* or before what was written down; */
    CLOCK_STOOD,     /* or hardly later, and it may have stood still while the machine was off; */
    CLOCK_APART,     /* or another time than the hardware clock */
};
enum { CLOCK_VERDICTS = 8, CLOCK_WAIT_MOST = 300000 }; /* ms for the time service */

enum clock_verdict clock_judge(const struct clock_signs *signs);
bool clock_is_usable(enum clock_verdict verdict);

#endif
