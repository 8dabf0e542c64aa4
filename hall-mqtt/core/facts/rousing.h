/*
 * rousing: does a server wake soon after it went to sleep, though Hall did not wake it? Its card
 * may wake it by any packet: the questions of Hall's own checks are such packets. After two such
 * rounds in a row Hall asks it nothing while it sleeps, and puts it to sleep ever more seldom.
 * Pure.
 */
#ifndef HALL_CORE_FACTS_ROUSING_H
#define HALL_CORE_FACTS_ROUSING_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ROUSING_TOLD = 2,             /* rounds in a row, from which on it is named */
    ROUSING_QUIET_LOOK = 1800000, /* ms between looks at one that no agent tells of */
    ROUSING_REST_MOST = 14400000, /* ms until Hall proposes a sleep again */
};

struct rousing {
    int64_t slept;   /* boot clock, ms: asleep since then, and not woken by Hall; 0: it is not */
    int64_t until;   /* boot clock, ms: Hall does not propose a sleep before; 0: no such time */
    uint32_t rounds; /* in a row */
    bool quiet;      /* its sleep is not disturbed by questions, since they may wake it */
};

void rousing_note_sleep(struct rousing *rousing, int64_t now);
/* Hall wakes it. */
void rousing_note_wake(struct rousing *rousing, int64_t now);
/* It shows life, and Hall has not woken it. True: once more soon after it went to sleep, and that
 * is to be told. */
bool rousing_note_life(struct rousing *rousing, int64_t now);
/* Its agent names what wakes it, as ethtool(8) writes it: magic packets alone end the matter. */
bool rousing_hear(struct rousing *rousing, const char *letters);
/* Is it to be named? */
bool rousing_is_told(const struct rousing *rousing);

#endif
