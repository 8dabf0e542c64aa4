/*
 * turn: one turn of the fleet: feeds it an event, then what was found while acting on it, says that
 * the turn is over (NEWS_SETTLED) and sets the timer for what time makes due next. The only way
 * into the fleet. Loop thread only.
 */
#ifndef HALL_HALL_TURN_H
#define HALL_HALL_TURN_H

#include "hall/current.h"
#include "hall/outlet.h"

struct turn;

/* current and outlets are borrowed and outlive it. -ENOMEM, -errno. */
int turn_create(sd_event *loop, const struct current *current, const struct outlets *outlets,
                struct turn **ret_turn);
void turn_destroy(struct turn *turn);

const struct fleet *turn_fleet(const struct turn *turn);
void turn_feed(struct turn *turn, const struct fleet_event *event);
/* What time alone makes due. */
void turn_tick(struct turn *turn);
/* The loop has waited. Before it hears of anything: did it stand still? */
void turn_awake(void *turn);
/* For outlets: an event found while acting; it is fed once the step is over. */
void turn_defer(struct turn *turn, const struct fleet_event *event);
/* After a step that was not fed here: the first of a fleet. */
void turn_settle(struct turn *turn);

#endif
