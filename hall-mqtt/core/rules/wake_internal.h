/* wake_internal: what the files of the wake transaction share. */
#ifndef HALL_CORE_RULES_WAKE_INTERNAL_H
#define HALL_CORE_RULES_WAKE_INTERNAL_H

#include "core/rules/wake.h"

/* The first packet, or the first after a silence: its circuit is taken, its guards count. May send
 * none, where it shows life and others come first. */
void wake_send_first(struct step *step);
void wake_send(struct step *step); /* the next of the plan */

/* wake_learn.c */
enum wake_kind wake_actual_kind(const struct power *power);
void wake_learn(struct step *step, int64_t ms);
void wake_correct_kind(struct power *power);

#endif
