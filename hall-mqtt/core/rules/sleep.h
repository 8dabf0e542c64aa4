/*
 * sleep: the sleep transaction of a server: proposed, agreed, proven by silence.
 */
#ifndef HALL_CORE_RULES_SLEEP_H
#define HALL_CORE_RULES_SLEEP_H

#include "core/state.h"

void sleep_hear(struct step *step); /* what its agent or its sleep method says */
void sleep_tick(struct step *step);
void sleep_end(struct step *step);       /* when silence came */
void sleep_take_wish(struct step *step); /* a command wants one */
void sleep_when_idle(struct step *step);
int64_t sleep_due(const struct step *step);

#endif
