/*
 * orphans: the open commands of servers and projects that were removed from the configuration while
 * Hall did not run. Each has its end, as after a reload. Called once, after the fleet was given
 * back what is known of it and before anything is written; nothing fails.
 */
#ifndef HALL_HALL_ORPHANS_H
#define HALL_HALL_ORPHANS_H

#include "hall/answers.h"
#include "hall/out_store.h"

void orphans_answer(const struct current *current, struct outlets *outlets, struct answers *answers,
                    struct out_store *store);

#endif
