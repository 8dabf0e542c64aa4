/*
 * depend: servers that need each other, and circuits that bear one start at a time.
 */
#ifndef HALL_CORE_DEPEND_H
#define HALL_CORE_DEPEND_H

#include "core/state.h"

int depend_init(struct depend *depend, const struct model *model); /* -ENOMEM */
void depend_finish(struct depend *depend);
void depend_keep(struct step *step);  /* leases of those that need this server */
void depend_touch(struct step *step); /* makes those due whom a change concerns */
enum wake_wait depend_wait(const struct step *step,
                           char out[REASON_SIZE]); /* what a wake has to wait for, as a sentence */
bool depend_failed(const struct step *step,
                   char out[REASON_SIZE]); /* a server that it needs will not come */
void depend_ask(struct step *step);        /* a wake begins: what it needs is wanted anew */
void depend_take_turn(struct step *step);
void depend_end_turn(struct step *step);

#endif
