/*
 * front: the gateway: its listener, and the desk at which its workers answer, from the board alone.
 * A new configuration brings a new board and desk while workers are at work.
 */
#ifndef HALL_WEB_LISTEN_FRONT_H
#define HALL_WEB_LISTEN_FRONT_H

#include "web/board/board.h"

struct front;

/* Listens on the configured gateway addresses and starts its workers. board is borrowed.
 * -EADDRINUSE: all of their ports are taken; -EACCES, -errno; the log says which address and what
 * to do. */
int front_create(struct board *board, struct front **ret_front);
size_t front_retry(struct front *front); /* the ports that were taken; how many still are */
uint16_t
front_port(const struct front *front); /* of the gateway: the real one where 0 was configured */
/* Workers answer from this board from now on (loop thread). Who is at an answer finishes it from
 * the old one, which must live until front_drop says that nobody reads it any more. -EBUSY after
 * many reloads in a moment, -ENOMEM. */
int front_replace(struct front *front, struct board *board);
bool front_drop(struct front *front, const struct board *board);
void front_destroy(struct front *front); /* board_close first */

#endif
