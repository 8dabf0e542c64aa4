/*
 * metrics: what Hall counts, as Prometheus reads it (text format 0.0.4). Pure; any worker. Names
 * and labels are part of the contract with docs/monitoring.
 */
#ifndef HALL_WEB_BOARD_METRICS_H
#define HALL_WEB_BOARD_METRICS_H

#include "web/board/board.h"

enum { METRICS_SERVERS_MAX = 2000 }; /* that are named one by one */

void metrics_write(struct board *board, struct buf *out);

#endif
