/*
 * observer: looks at what the fleet does and says what of it an owner wants to know: states, wakes,
 * leases, refusals, what comes next. Keeps the account of each server. Owns its memory; the rest is
 * borrowed.
 */
#ifndef HALL_SIMULATE_OBSERVER_H
#define HALL_SIMULATE_OBSERVER_H

#include "base/address.h"
#include "core/fleet.h"
#include "simulate/telling.h"

struct observed_server {
    struct lease_set leases; /* as last told */
    struct guard guard;
    struct next_event next;
    bool touched;     /* something happened since its next event was looked at */
    bool packet_lost; /* the one that is about to be told */
    bool vetoed;      /* the last proposal to sleep was refused, and nothing has changed since */
    struct telling_account account;
};

struct observed_site {
    bool ready;
    int64_t closed_until;
    struct guard limit; /* what is used up, as last told, and whose it was */
    struct address limit_of;
};

struct observer {
    const struct model *model;
    const struct fleet *fleet; /* follows a restart */
    struct now now;            /* as the fleet is told */
    struct telling telling;
    struct observed_server *servers;
    struct observed_site *sites;
    size_t n_touched;
    int *touched;
};

int observer_init(struct observer *observer, const struct model *model,
                  const struct telling *telling);
void observer_finish(struct observer *observer);

/* During a step: tells an action, and what changed without one. */
void observer_action(struct observer *observer, const struct action *action);
/* After it: tells what comes next. */
void observer_settle(struct observer *observer);

#endif
