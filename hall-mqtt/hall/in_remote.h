/* in_remote: how an ssh or a webhook that asks a server to sleep ended, as events of the fleet. */
#ifndef HALL_HALL_IN_REMOTE_H
#define HALL_HALL_IN_REMOTE_H

#include "bridges/remote/remote.h"
#include "hall/turn.h"

struct in_remote {
    const struct current *current;
    struct turn *turn;
};

extern remote_told in_remote_told; /* context: a struct in_remote */

#endif
