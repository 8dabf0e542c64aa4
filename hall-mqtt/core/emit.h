/*
 * emit: the few doors through which everything leaves the core: actions to the sink, what
 * happened, answers to commands.
 */
#ifndef HALL_CORE_EMIT_H
#define HALL_CORE_EMIT_H

#include "core/state.h"

#define SAYS(format_, first_) __attribute__((format(printf, format_, first_)))

void step_tell(struct step *step, enum happening what, int64_t ms, const char *format, ...)
    SAYS(4, 5);
void step_stage(struct step *step, enum stage stage);
void step_problem(struct step *step, const char *format, ...) SAYS(2, 3);
void step_answer(struct step *step, struct ledger_entry *entry, enum command_outcome outcome,
                 const char *reason);
/* Answers every open command of this action on this server. */
void step_answer_open(struct step *step, enum command_action action, enum command_outcome outcome,
                      const char *reason);
void step_new_id(struct step *step, char kind, char out[COMMAND_ID_SIZE]);
void step_emit(struct step *step, struct action *action);

#endif
