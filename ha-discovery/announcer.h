/*
 * announcer: which device is announced to Home Assistant, and when. It learns what the broker holds
 * and offers only what differs; knows what somebody deleted there and lets it be; takes components
 * away in two steps; never sends two different payloads for one device within 5 s, of which Home
 * Assistant would lose components. Payloads are made when they are sent: a device costs some 50
 * bytes. Pure: time is passed in (boot clock, ms), what is to be sent is asked for. One owner.
 */
#ifndef HALL_HA_DISCOVERY_ANNOUNCER_H
#define HALL_HA_DISCOVERY_ANNOUNCER_H

#include <stdint.h>

#include "ha-discovery/discovery.h"

enum { ANNOUNCER_APART_MS = 5000 };

struct announcer;

/* Borrows what the discovery names. -ENOMEM. */
int announcer_create(const struct discovery *discovery, struct announcer **ret_announcer);
void announcer_destroy(struct announcer *announcer);

/* There is a new connection: what the broker holds is not known, nothing is on its way. */
void announcer_connected(struct announcer *announcer);
/* What the broker holds has been heard: from now on something may be offered. */
void announcer_browsed(struct announcer *announcer);

enum announcer_heard {
    HEARD_NOTHING,  /* not ours to care, or as it should be */
    HEARD_REMOVED,  /* somebody deleted this device: it is not announced any more */
    HEARD_REPLACED, /* somebody put something else there: it will be corrected */
    HEARD_GHOST,    /* a device of ours that is no more: it will be cleared */
};
/* A retained message on one of discovery_topic's, held or just published by someone else. The
 * object is written out where something was heard. */
enum announcer_heard announcer_hear(struct announcer *announcer, const char *topic,
                                    const char *payload, size_t length, int64_t now,
                                    char ret_object[DISCOVERY_OBJECT_SIZE]);

/* Announces everything once more, as for a Home Assistant that has just started. */
void announcer_repeat(struct announcer *announcer);
/* What somebody deleted: said at the start, called off with the next. False: no such device. */
bool announcer_set_removed(struct announcer *announcer, const char *object, bool removed);
/* Called off for all; each is told to the caller. */
void announcer_recall(struct announcer *announcer,
                      void (*recalled)(void *context, const char *object), void *context);
/* The agent of a server said whether it can restart it. */
void announcer_set_restart(struct announcer *announcer, int server, bool can);
/* For a new configuration: what it keeps goes on as it was with the old announcer, which is to be
 * destroyed then; what is gone will be cleared. Both configurations still stand. */
void announcer_adopt(struct announcer *announcer, struct announcer *old);

struct announcement {
    const char *topic, *payload; /* until the next call; an empty payload clears */
    size_t length;
    uint64_t token;
};
/* The next to be sent: 1; 0 none now (see announcer_due); -EAGAIN: none of those looked at so far,
 * ask again; -ENOMEM. */
int announcer_next(struct announcer *announcer, int64_t now, struct announcement *ret_next);
/* The broker took it, or refused it: then it is not tried again on this connection. */
void announcer_taken(struct announcer *announcer, uint64_t token, bool taken);
/* When announcer_next has something that it has not now; INT64_MAX: nothing waits. */
int64_t announcer_due(const struct announcer *announcer);
/* Nothing waits and nothing is on its way. */
bool announcer_is_done(const struct announcer *announcer);

#endif
