/*
 * emit: the few doors through which everything leaves the core: actions to the sink, what
 * happened, answers to commands.
 */
#ifndef HALL_CORE_EMIT_H
#define HALL_CORE_EMIT_H

#include "core/state.h"

/* NULL: there is nothing to say beside. */
void step_tell(struct step *step, enum happening what, int64_t ms, const struct fact *detail);
void step_stage(struct step *step, enum stage stage);
void step_problem(struct step *step, const struct fact *problem); /* NULL: it is over */
void step_answer(struct step *step, struct ledger_entry *entry, enum command_outcome outcome,
                 const struct fact *reason);
/* Answers every open command of this action on this server. */
void step_answer_open(struct step *step, enum command_action action, enum command_outcome outcome,
                      const struct fact *reason);
/* The same of those of one person. */
void step_answer_open_of(struct step *step, enum command_action action, const char *by,
                         enum command_outcome outcome, const struct fact *reason);
void step_new_id(struct step *step, char kind, char out[COMMAND_ID_SIZE]);
void step_emit(struct step *step, struct action *action);

#endif
