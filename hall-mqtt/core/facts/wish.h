/*
 * wish: what one rule wants of another, noted in the step.
 */
#ifndef HALL_CORE_FACTS_WISH_H
#define HALL_CORE_FACTS_WISH_H

#include "core/state.h"

/* Where several want a wake in one step, the first is its cause. */
void wish_wake(struct step *step, const struct fact *cause, bool force);

/* entry: the command that is done by that, and what it is told; or NULL. */
void wish_cancel(struct step *step, const char *by, struct ledger_entry *entry, struct fact done);
void wish_sleep(struct step *step, struct ledger_entry *entry, const char *by, bool force,
                bool restart);
/* Does a rule still have to take up what is wished? */
bool wish_is_open(const struct step *step);

#endif
