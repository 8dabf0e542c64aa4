/*
 * wake: the wake transaction of a server: begun, joined or queued, ended by an answer or by time.
 */
#ifndef HALL_CORE_WAKE_H
#define HALL_CORE_WAKE_H

#include "core/state.h"

void wake_follow(struct step *step); /* what the evidence means for it */
void wake_begin(struct step *step);  /* what is wished or queued */
void wake_tick(struct step *step);

/* The agent's first report since a wake that has ended: it tells which kind that was. */
void wake_correct_kind(struct step *step);
void wake_fail(struct step *step, enum wake_failure failure);
void wake_cancel(struct step *step, const char *by);
int64_t wake_due(const struct step *step);

#endif
