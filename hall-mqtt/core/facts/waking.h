/*
 * waking: what the facts say of a wake, for all who ask.
 */
#ifndef HALL_CORE_FACTS_WAKING_H
#define HALL_CORE_FACTS_WAKING_H

#include "core/state.h"

/* A wake sends until something answers as it should; a forced one sends its first in any case. */
bool waking_needs_packets(const struct step *step);
/* Is it this wake, open or just given up, that makes the server ready? */
bool waking_is_answered(const struct power *power);
/* A visitor waits, but a wake for him would end as the last one did: it is up and not ready, it or
 * one that it needs, and nothing has changed since. */
bool waking_is_in_vain(const struct step *step);
/* What the first sign of life, or a new one, means for an open wake. */
void waking_note_sign(struct step *step);
/* It is wanted while another is under way, or while the server falls asleep: then it begins when
 * silence is proven. */
void waking_queue(struct step *step, const struct fact *cause, bool force);
/* Hall was away, nothing was sent yet, and all who wanted it have gone meanwhile. */
bool waking_is_unwanted(const struct step *step);
/* The lease for which a server that is found down is woken; NULL: it is not to be woken. */
const struct lease *waking_lease(const struct power *power);

#endif
