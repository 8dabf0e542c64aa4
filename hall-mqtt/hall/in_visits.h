/*
 * in_visits: what the HTTP workers left in the board's inbox: visits, as events of the fleet;
 * refusals, as news. Loop thread only.
 */
#ifndef HALL_HALL_IN_VISITS_H
#define HALL_HALL_IN_VISITS_H

#include "hall/turn.h"

struct in_visits {
    const struct current *current;
    struct turn *turn;
    struct outlets *outlets;
};

/* in outlives the source. 0 or -errno. */
int in_visits_listen(struct in_visits *in, sd_event *loop, const struct board *board,
                     sd_event_source **ret_source);
/* Those that wait on the current board, now. */
void in_visits_take(const struct in_visits *in);

#endif
