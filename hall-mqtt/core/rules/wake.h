/*
 * wake: the wake transaction of a server: begun, joined or queued, ended by an answer or by time.
 */
#ifndef HALL_CORE_RULES_WAKE_H
#define HALL_CORE_RULES_WAKE_H

#include "core/state.h"

void wake_follow(struct step *step); /* what the evidence means for it */
void wake_hear(struct step *step);   /* a magic packet has left */
void wake_begin(struct step *step);  /* what is wished or queued */
void wake_tick(struct step *step);

int64_t wake_due(const struct step *step);

#endif
