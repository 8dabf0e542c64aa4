/*
 * projects: those of the server at hand: what their agent tells of them, and who wants them.
 */
#ifndef HALL_CORE_FACTS_PROJECTS_H
#define HALL_CORE_FACTS_PROJECTS_H

#include "core/state.h"

/* projects.c: those of the server at hand: first, next, NULL */
struct project *projects_first(const struct step *step);
struct project *projects_next(const struct project *project);
const struct model_site *project_site(const struct step *step, const struct project *project);
bool project_is_ready(const struct step *step, const struct project *project);
struct project *project_of(const struct step *step, int site); /* NULL: it is none */

/* project.c: what is known of one */
void project_told(struct step *step, struct project *project, const struct containers_told *told);
bool project_is_known(const struct power *power, const struct project *project);
bool project_is_stopped(const struct project *project);
bool project_is_running(const struct project *project);
bool project_is_whole(const struct project *project); /* none is missing */
bool project_is_healthy(const struct project *project);
bool project_is_busy(const struct project *project);
bool project_is_leaving(const struct project *project);  /* another's order stops one of its own */
bool project_has_up(const struct project *project);      /* at least one that is up */
bool container_is_up(const struct container *container); /* there, and not stopped */
/* Those that restarted again and again and have run for long enough do so no longer; true: one
 * does. */
bool project_settle(struct project *project, int64_t now);
bool project_is_looping(const struct project *project);
int64_t project_settles_at(const struct project *project); /* the next; boot clock; 0: none */
/* The first container that is not there; that is unwell; NULL: none. */
const struct container *project_missing(const struct project *project);
const struct container *project_sick(const struct project *project);
/* May visitors be let through, as far as its containers say? */
bool project_admits(const struct power *power, const struct project *project, bool has_check);

/* projects.c */
int projects_init(struct fleet *fleet); /* -ENOMEM */
void projects_finish(struct fleet *fleet);
void projects_told(struct step *step, const struct containers_told *told);
/* What was told before is of an earlier life of its machine. */
void projects_forget(struct step *step, int64_t before);
/* Somebody wants this site, and it is not ready. */
void projects_want(struct step *step, int site);
void project_begin_wish(struct step *step, struct project *project);
void project_end_wish(struct step *step, struct project *project);
/* Is there an agent that can be asked now? */
bool project_may_order(const struct step *step, const struct project *project);
/* When nobody has used it for idle_stop; 0: it is not to be stopped. */
int64_t project_idle_at(const struct step *step, const struct project *project);
/* What the site answered before says nothing of what is there afterwards. */
void project_forget_answer(struct step *step, const struct project *project);
/* Commands that wait for their end: a bit each. */
unsigned project_bit(enum project_verb verb);
void project_learn(struct project *project, int32_t ms); /* how long a start took */
/* After a restart or reload: whoever asked still waits for an end. */
void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry);
/* Over a reload: everything but what is configured. */
/* Somebody waited for it when Hall ended: from now on he waits again. */
void project_want_again(struct project *project, struct now now);
void project_adopt(struct project *project, const struct project *was);

#endif
