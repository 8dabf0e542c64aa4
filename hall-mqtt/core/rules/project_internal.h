/*
 * project_internal: what the files of the projects' rule share. project_run.c says what
 * is done when, project_ask.c has commands, project_order.c the orders to the agent,
 * project_share.c what several projects list, project_answer.c the answers to commands.
 */
#ifndef HALL_CORE_RULES_PROJECT_INTERNAL_H
#define HALL_CORE_RULES_PROJECT_INTERNAL_H

#include "core/facts/projects.h"

enum {
    PROJECT_TRIES_MAX = 3,       /* starts ordered for one wish */
    PROJECT_READY_MOST = 300000, /* ms from when its server is up until the site answers */
};

/* project_answer.c: answers to commands that wait for an end */
void project_answer(struct step *step, struct project *project, enum project_verb verb,
                    enum command_outcome outcome, const struct fact *reason);
void project_fail_commands(struct step *step, struct project *project, const struct fact *reason);

/* project_ask.c: wishes that come to nothing */
void project_answer_lost(struct step *step, struct project *project);
int64_t project_lost_until(const struct step *step, const struct project *project);
void project_give_up(struct step *step, struct project *project, const struct fact *reason);
void project_fail_all(struct step *step, const struct fact *reason); /* the server does not come */

/* project_order.c: what the agent is asked for, one thing at a time */
void project_order(struct step *step, struct project *project, enum project_verb verb);
void project_tick_order(struct step *step, struct project *project);

/* project_share.c: what a stop or restart is about; how many containers that leaves */
size_t project_choose(const struct step *step, struct project *project, enum project_verb verb);
void project_choose_all(struct project *project);
/* Would a stop for want of visits be about any? */
bool project_has_own(const struct step *step, const struct project *project);
/* Another order about one of its containers is under way. */
bool project_is_taken(const struct step *step, const struct project *project);
/* Tells those that list what is ordered of this one. */
void project_mark_leaving(struct step *step, const struct project *project, bool leaving);

#endif
