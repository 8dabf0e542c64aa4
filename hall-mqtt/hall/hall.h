/*
 * hall: the daemon as a whole: one loop thread that owns all state, feeds events to the fleet and
 * carries out the actions that come back. Made by main() in three phases: hall_create may fail,
 * hall_run must not, hall_destroy finishes.
 */
#ifndef HALL_HALL_HALL_H
#define HALL_HALL_HALL_H

#include "config/config.h"

struct hall;
struct trouble;

/* config and secrets are borrowed; trouble: why config is not what the file says. Serves as soon as
 * it returns. 0 or -errno; the log says what failed and what to do. */
int hall_create(const struct config *config, const struct secrets *secrets,
                const struct trouble *trouble, struct hall **ret_hall);
/* Until SIGTERM or SIGINT. */
int hall_run(struct hall *hall);
void hall_destroy(struct hall *hall);

#endif
