/*
 * front: the gateway: its listener, and the desk at which its workers answer, from the board alone.
 * A new configuration brings a new board and desk while workers are at work.
 */
#ifndef HALL_WEB_LISTEN_FRONT_H
#define HALL_WEB_LISTEN_FRONT_H

#include "web/board/board.h"

struct front;

/* Listens on the configured gateway address and starts its workers. board is borrowed. -EADDRINUSE,
 * -EACCES, -errno; the log says which address and what to do. */
int front_create(struct board *board, struct front **ret_front);
uint16_t
front_port(const struct front *front); /* of the gateway: the real one where 0 was configured */
/* Workers answer from this board from now on (loop thread). Who is at an answer finishes it from
 * the old one, which must live until front_drop says that nobody reads it any more. -EBUSY after
 * many reloads in a moment, -ENOMEM. */
int front_replace(struct front *front, struct board *board);
bool front_drop(struct front *front, const struct board *board);
void front_destroy(struct front *front); /* board_close first */

#endif
