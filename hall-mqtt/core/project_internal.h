/*
 * project_internal: what the files about projects share. projects.c makes and walks them,
 * project.c knows what their agent tells, project_state.c says what that means, project_ask.c has
 * wishes and commands, project_order.c the orders to the agent, project_run.c what is done when,
 * project_share.c what several of them list.
 */
#ifndef HALL_CORE_PROJECT_INTERNAL_H
#define HALL_CORE_PROJECT_INTERNAL_H

#include "core/projects.h"

enum {
    PROJECT_TRIES_MAX = 3,       /* starts ordered for one wish */
    PROJECT_READY_MOST = 300000, /* ms from when its server is up until the site answers */
};

/* projects.c: those of the server at hand: first, next, NULL */
struct project *projects_first(const struct step *step);
struct project *projects_next(const struct step *step, const struct project *project);
const struct model_site *project_site(const struct step *step, const struct project *project);
bool project_is_ready(const struct step *step, const struct project *project);

/* project.c: the first container that is not there; that is unwell; NULL: none */
const struct container *project_missing(const struct project *project);
const struct container *project_sick(const struct project *project);
bool container_is_up(const struct container *container); /* there, and not stopped */
bool project_has_up(const struct project *project);      /* at least one that is up */

/* project_ask.c: the wish, and commands that wait for an end */
unsigned project_bit(enum project_verb verb);
enum project_verb project_verb_of(enum command_action action);
void project_answer(struct step *step, struct project *project, enum project_verb verb,
                    enum command_outcome outcome, const char *reason);
void project_answer_lost(struct step *step, struct project *project);
void project_fail_commands(struct step *step, struct project *project, const char *reason);
void project_begin_wish(struct step *step, struct project *project);
void project_end_wish(struct step *step, struct project *project);
void project_give_up(struct step *step, struct project *project, const char *reason);

/* A command to a project: accepted already where it is a start. */
void project_command(struct step *step, struct ledger_entry *entry);

/* project_order.c: what the agent is asked for, one thing at a time */
bool project_may_order(const struct step *step, const struct project *project);
void project_order(struct step *step, struct project *project, enum project_verb verb);
void project_tick_order(struct step *step, struct project *project);
/* What the site answered before says nothing of what is there afterwards. */
void project_forget_answer(struct step *step, const struct project *project);

/* project_run.c: when nobody has used it for idle_stop; 0: it is not to be stopped */
int64_t project_idle_at(const struct step *step, const struct project *project);

/* project_share.c: what a stop or restart is about; how many containers that leaves */
size_t project_choose(const struct step *step, struct project *project, enum project_verb verb);
void project_choose_all(struct project *project);
/* Would a stop for want of visits be about any? */
bool project_has_own(const struct step *step, const struct project *project);
/* Another order about one of its containers is under way. */
bool project_is_taken(const struct step *step, const struct project *project);
/* The same, where that order stops or restarts it. */
bool project_is_leaving(const struct project *project);
/* Tells those that list what is ordered of this one. */
void project_mark_leaving(struct step *step, const struct project *project, bool leaving);
/* Which containers that were found by their label others name. */
void projects_note_listed(struct step *step);

#endif
