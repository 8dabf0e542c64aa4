/*
 * count: what is counted at the gate, for /metrics. One row each in count.c; the numbers are on the
 * board, grow only, and survive a reload.
 */
#ifndef HALL_WEB_BOARD_COUNT_H
#define HALL_WEB_BOARD_COUNT_H

enum count {
    COUNT_PASSED,          /* the site is ready: let through */
    COUNT_PAGES,           /* waiting pages */
    COUNT_PROBLEMS,        /* 503 and problem+json */
    COUNT_BARE,            /* 503 without a body */
    COUNT_UNKNOWN,         /* 404 */
    COUNT_REFUSED_ADDRESS, /* not within access.allow */
    COUNT_REFUSED_CLIENT,  /* by a rule of access.monitors */
    COUNT_REFUSED_GUARD,   /* a quota, or outside the hours */
    COUNT_REFUSED_ORIGIN,  /* the button, pressed on another site's page */
    COUNT_REFUSED_PROXY,   /* who asks is no trusted proxy */
    COUNT_REFUSED_SITE,    /* the proxy leads to another site than the address names */
    COUNT_REFUSED_BROKEN,  /* not a valid request */
    COUNT_HELD,            /* programs and forms held for the site */
    COUNT_HELD_PASSED,     /* of those, let through in time */
    COUNT_HELD_CROWDED,    /* not held, for too many were already */
    /* Counted by the loop. */
    COUNT_WAKES_READY,
    COUNT_WAKES_FAILED,
    COUNT_SLEEPS_ASLEEP,
    COUNT_SLEEPS_REFUSED,
    COUNT_SLEEPS_FAILED,
    COUNT_DROPPED_EVENTS,  /* messages to the broker that found no room */
    COUNT_DROPPED_AWAITED, /* answers and commands among them */
    COUNT_STORE_TROUBLES,  /* that began, */
    COUNT_STORE_REPAIRS,   /* and ended */
};
enum { COUNTS = COUNT_STORE_REPAIRS + 1 };

/* "passed", "refused_address" ... */
const char *count_name(enum count count);

#endif
