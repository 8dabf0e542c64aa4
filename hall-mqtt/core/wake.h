/*
 * wake: the wake transaction of a server: begun, joined or queued, ended by an answer or by time.
 */
#ifndef HALL_CORE_WAKE_H
#define HALL_CORE_WAKE_H

#include "core/state.h"

/* ms a visited site is watched closely while its server is up */
enum { WAKE_AWAITED_MOST = 180000 };
/* Begins one, joins the one under way, or queues it. False: a guard refuses, and step->power->guard
 * says which. */
bool wake_request(struct step *step, const char *cause, bool force);
void wake_sign(struct step *step);
void wake_tick(struct step *step);
/* Is it this wake, open or just given up, that makes the server ready? */
bool wake_is_answered(const struct power *power);
void wake_follow(struct step *step); /* what the evidence means for a wake */
/* The agent's first report since a wake that has ended: it tells which kind that was. */
void wake_correct_kind(struct step *step);
void wake_fail(struct step *step, enum wake_failure failure);
void wake_cancel(struct step *step, const char *by);
int64_t wake_due(const struct step *step);

#endif
