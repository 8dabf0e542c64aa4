/*
 * project_rule: containers are started when somebody wants their site, stopped when nobody has used
 * it for long, and commands to them answered.
 */
#ifndef HALL_CORE_RULES_PROJECT_RULE_H
#define HALL_CORE_RULES_PROJECT_RULE_H

#include "core/state.h"

void projects_hear(struct step *step); /* answers of its agent, and that it went */
void projects_take_command(struct step *step);
void projects_order(struct step *step);  /* what is to be started or stopped now */
void projects_settle(struct step *step); /* what came of it, once the sites are looked at */
void projects_tell(struct step *step);   /* which states changed */
int64_t projects_due(const struct step *step);

#endif
