/*
 * in_store: what comes back of the store: what is on the disk now (NEWS_STORED), and whether it
 * works (NEWS_TROUBLE, and an event of Hall); what was saved of a damaged one (NEWS_SALVAGED). Loop
 * thread only.
 */
#ifndef HALL_HALL_IN_STORE_H
#define HALL_HALL_IN_STORE_H

#include <systemd/sd-event.h>

#include "hall/outlet.h"
#include "store/store.h"

struct in_store {
    struct store *store;
    const struct outlets *outlets;
    struct store_salvage *salvage; /* as last told, for all who ask */
    char problem[256];             /* as last told; "": it works */
    sd_event_source *source;
};

/* store and outlets are set. 0 or -errno. */
int in_store_listen(struct in_store *in, sd_event *loop);
void in_store_finish(struct in_store *in);
/* What was saved of a damaged store, and what was not; nothing where that was long ago. Borrows. */
struct told in_store_tell(const struct store_salvage *salvage, int64_t wall_ms);

#endif
