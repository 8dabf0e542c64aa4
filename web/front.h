/*
 * front: Hall's HTTP listeners, by civetweb (the only file that knows it is front.c). Workers
 * answer from the board alone; routes are a table. Listeners are separate civetweb contexts, so
 * that one being full never starves another.
 */
#ifndef HALL_WEB_FRONT_H
#define HALL_WEB_FRONT_H

#include "web/board.h"

struct front;

/* Listens on the configured gateway address and starts its workers. board is borrowed. -EADDRINUSE,
 * -EACCES, -errno; the log says which address and what to do. */
int front_create(struct board *board, struct front **ret_front);
uint16_t
front_port(const struct front *front);   /* of the gateway: the real one where 0 was configured */
void front_destroy(struct front *front); /* board_close first */

#endif
