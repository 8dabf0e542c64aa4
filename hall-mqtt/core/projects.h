/*
 * projects: those of the server at hand: what their agent tells, who wants them, what is ordered.
 */
#ifndef HALL_CORE_PROJECTS_H
#define HALL_CORE_PROJECTS_H

#include "core/state.h"

/* project.c: what is known of a project */
struct project *project_of(const struct step *step, int site); /* NULL: it is none */
void project_told(struct step *step, struct project *project, const struct containers_told *told);
bool project_is_known(const struct power *power, const struct project *project);
bool project_is_stopped(const struct project *project);
bool project_is_running(const struct project *project);
bool project_is_whole(const struct project *project); /* none is missing */
bool project_is_healthy(const struct project *project);
bool project_is_busy(const struct project *project);
bool project_admits(const struct power *power, const struct project *project, bool has_check);

/* projects.c, project_run.c, project_ask.c: all of a server, what is ordered, commands */
int projects_init(struct fleet *fleet); /* -ENOMEM */
void projects_finish(struct fleet *fleet);
void projects_told(struct step *step, const struct containers_told *told);
void projects_hear(struct step *step); /* answers of its agent, and that it went; commands */
/* Somebody wants this site, and it is not ready. */
void projects_want(struct step *step, int site);
void projects_order(struct step *step);  /* what is to be started or stopped now; before sites are
                                            looked at */
void projects_settle(struct step *step); /* what came of it; afterwards */
void projects_tell(struct step *step);   /* which states changed; last */
void projects_fail(struct step *step, const char *reason); /* its server does not come */
int64_t projects_due(const struct step *step);
bool project_has_command(const struct ledger_entry *entry); /* is it one to a project? */
void project_learn(struct project *project, int32_t ms);
/* After a restart or reload: whoever asked still waits for an end. */
void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry);
/* Over a reload: everything but what is configured. */
void project_adopt(struct project *project, const struct project *was);

#endif
