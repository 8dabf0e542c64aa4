/*
 * stream_watch: looks at the open connections to the upstreams of servers that are up, has
 * core/stream.c judge what is in use, and tells the fleet (FLEET_STREAM). One look serves all
 * servers: every 5 s while connections are open, else every 15 s, more often for idle times under a
 * minute, and once more before each sleep (ACTION_LOOK). Made anew with each model. Loop thread
 * only.
 */
#ifndef HALL_HALL_STREAM_WATCH_H
#define HALL_HALL_STREAM_WATCH_H

#include "hall/turn.h"

struct stream_watch;

/* All are borrowed and outlive it. -ENOMEM, -errno. */
int stream_watch_create(sd_event *loop, const struct current *current, const struct model *model,
                        struct turn *turn, struct stream_watch **ret_watch);
void stream_watch_destroy(struct stream_watch *watch);
/* The fleet of this model has taken its first step. */
void stream_watch_start(struct stream_watch *watch);

/* Context: a const struct current, whose streams it is. */
extern const struct outlet_ops stream_watch_outlet;

#endif
