/*
 * depend: servers that need each other, and circuits that bear one start at a time.
 */
#ifndef HALL_CORE_FACTS_DEPEND_H
#define HALL_CORE_FACTS_DEPEND_H

#include "core/state.h"

int depend_init(struct depend *depend, const struct model *model); /* -ENOMEM */
void depend_finish(struct depend *depend);
void depend_touch(struct step *step, int server);     /* makes it due now */
bool depend_will_not_come(const struct power *power); /* whoever needs it waits in vain */
enum wake_wait depend_wait(const struct step *step,
                           struct fact *ret_what); /* what a wake has to wait for */
bool depend_failed(const struct step *step,
                   struct fact *ret_what); /* a server that it needs will not come */
void depend_ask(struct step *step);        /* a wake begins: what it needs is wanted anew */
void depend_take_turn(struct step *step);
/* It has started, or has stopped waiting for its turn: that is the next one's, in the order of
 * asking. */
void depend_end_turn(struct step *step);

#endif
