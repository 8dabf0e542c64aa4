/*
 * in_admin: the admin listener, and what it has to tell: logins, refusals, the hash of a password.
 * Servers are woken without a dashboard too: one that cannot listen is said, and Hall goes on. Loop
 * thread only.
 */
#ifndef HALL_HALL_IN_ADMIN_H
#define HALL_HALL_IN_ADMIN_H

#include "hall/current.h"
#include "hall/outlet.h"
#include "store/store.h"
#include "web/admin/admin.h"

struct in_admin {
    /* Set by the caller, borrowed. */
    const struct current *current;
    struct outlets *outlets;
    struct store *store;

    /* Its own. */
    struct admin *admin; /* NULL: it could not listen */
    sd_event_source *source;
    struct throttle_known known; /* as they were kept last */
};

/* secrets and api are borrowed and outlive it. 0 or -errno. */
int in_admin_listen(struct in_admin *in, sd_event *loop, const struct secrets *secrets,
                    struct api *api);
void in_admin_finish(struct in_admin *in);
extern const struct outlet_ops in_admin_outlet; /* context: a struct in_admin */

#endif
