/*
 * announcer_internal: the announcer's state, shared by its two files: announcer.c (what is sent,
 * and when) and announcer_hear.c (what is heard of the broker, and what a new configuration
 * changes).
 */
#ifndef HALL_HA_DISCOVERY_ANNOUNCER_INTERNAL_H
#define HALL_HA_DISCOVERY_ANNOUNCER_INTERNAL_H

#include "ha-discovery/announcer.h"
#include "ha-discovery/ghosts.h"

struct announced {
    uint64_t held;      /* digest of what the broker holds; 0: nothing, or not known */
    uint64_t flying;    /* token; 0: not on its way */
    uint64_t sent;      /* digest of what is on its way */
    int64_t changed_at; /* when a different payload was last sent; 0: never */
    uint32_t next;      /* in the queue */
    bool queued, again; /* again: also where the broker holds the same */
    bool changed;       /* since it is on its way */
    bool removed;
    bool can_restart, restart_known;
    bool has_windows;
    char *stale; /* components to be taken away; NULL: none */
};

struct announcer {
    struct discovery discovery;
    size_t n, n_queued, n_flying;
    struct announced *devices;
    uint32_t first, last; /* the queue, by number */
    struct ghosts ghosts;
    bool browsed;
    uint32_t turn; /* of the last token */
    struct buf payload;
    char topic[DISCOVERY_TOPIC_SIZE];
};

uint64_t announcer_digest(const char *bytes, size_t length); /* never 0 */
struct device announcer_device(const struct announcer *announcer, uint32_t number);
void announcer_enqueue(struct announcer *announcer, uint32_t number);
void announcer_enqueue_all(struct announcer *announcer);
/* Into announcer->payload: what is wanted of a device, beside what is to be taken away. */
int announcer_write(struct announcer *announcer, uint32_t number, const char *stale);

#endif
