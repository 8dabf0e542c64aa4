/*
 * sleep_internal: what the files of the sleep rule share. sleep.c runs the transaction, sleep_bar.c
 * says what forbids one, sleep_idle.c when Hall proposes one by itself.
 */
#ifndef HALL_CORE_RULES_SLEEP_INTERNAL_H
#define HALL_CORE_RULES_SLEEP_INTERNAL_H

#include "core/state.h"

bool sleep_via_agent(const struct step *step);
/* Why it must not be put to sleep now; false: it may. */
bool sleep_is_barred(const struct step *step, bool force, struct fact *ret_why);
bool sleep_is_in_use(const struct step *step, struct fact *ret_why);

/* Asks the server to sleep, unless it is asked already. own: by Hall itself. */
void sleep_propose(struct step *step, const char *id, const char *by, bool force, bool restart,
                   bool own);
/* Why a proposal of its own came to nothing; the next one waits. Told once while it stays the same.
 */
void sleep_note_refusal(struct step *step, const struct fact *reason);
/* When it may be slept for want of a lease; boot clock. */
int64_t sleep_idle_due(const struct step *step);

#endif
