/*
 * sleep: the sleep transaction of a server: proposed, agreed, proven by silence.
 */
#ifndef HALL_CORE_SLEEP_H
#define HALL_CORE_SLEEP_H

#include "core/state.h"

/* Why it must not be put to sleep now, as a sentence in out; false when it may. idle: Hall's own
 * wish, which nobody can force. */
bool sleep_is_barred(struct step *step, bool force, char out[REASON_SIZE]);
/* Is there a lease that a plain command may not override? */
bool sleep_is_in_use(const struct step *step, char out[REASON_SIZE]);
void sleep_propose(struct step *step, const char *id, const char *by, bool force, bool restart);
void sleep_answered(struct step *step, enum sleep_answer answer, const char *id,
                    const char *reason);
void sleep_agreed(struct step *step, const char *reason); /* also a goodbye that nobody asked for */
void sleep_end(struct step *step);                        /* when silence came */
void sleep_fail(struct step *step, const char *reason);
void sleep_came_back(struct step *step); /* the agent is online again before silence was proven */
void sleep_tick(struct step *step);
void sleep_when_idle(struct step *step);
int64_t sleep_due(const struct step *step);

#endif
