/*
 * out_board: what the HTTP workers may know of the fleet, posted to the board as soon as it
 * changes. Keeps nothing itself. Loop thread only.
 */
#ifndef HALL_HALL_OUT_BOARD_H
#define HALL_HALL_OUT_BOARD_H

#include "hall/current.h"
#include "hall/outlet.h"

/* Context: a const struct current, whose board it is. */
extern const struct outlet_ops out_board_outlet;

#endif
