/*
 * retained: the retained messages that are to stand on the broker, as a map from topic to payload,
 * and what is known of each: sure, to be sent, on its way, or unsure after a new connection until
 * the broker has replayed what it holds. An empty payload is a message to be cleared; its entry
 * goes once the broker took it. For mqtt_sender.c and mqtt_session.c; does no I/O and is told the
 * time. One owner.
 */
#ifndef HALL_MQTT_RETAINED_H
#define HALL_MQTT_RETAINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RETAINED_STRANGERS_MAX = 65536, RETAINED_CORRECT_MS = 10000 };

enum retained_state {
    RETAINED_UNSURE,  /* the broker may or may not hold it */
    RETAINED_WAITING, /* it is to be sent */
    RETAINED_FLYING,  /* sent, not acknowledged */
    RETAINED_STALE,   /* sent, not acknowledged, and changed since */
    RETAINED_SURE,    /* the broker holds it */
};

struct retained_entry {
    struct retained_entry *chain; /* the same bucket */
    struct retained_entry *later; /* the list of those waiting */
    uint32_t hash;
    enum retained_state state;
    bool warned;       /* a foreign publisher was told of */
    bool wrong;        /* overwritten by someone else; to be corrected when its time has come */
    int64_t corrected; /* boot clock, ms; 0: never */
    size_t length;
    char *payload; /* NULL: to be cleared */
    char topic[];
};

struct retained;

int retained_create(struct retained **ret_map);
void retained_destroy(struct retained *map);

/* Wants this payload on the broker; the same again does nothing; length 0 wants none. -ENOMEM. */
int retained_set(struct retained *map, const char *topic, const char *payload, size_t length);
/* Takes a topic out of the map, without clearing it anywhere. Not while it is on its way. */
void retained_forget(struct retained *map, const char *topic);

/* A new connection: nothing is known any more, nothing is on its way. So it is with a new map. */
void retained_unsure(struct retained *map);
/* What the broker holds has been seen: whatever is still unsure is to be sent; nothing is, before.
 */
void retained_resolve(struct retained *map);

/* What a message seen on the broker means. */
enum retained_seen {
    RETAINED_AS_WANTED,   /* the same, or nothing to say about it */
    RETAINED_DIFFERENT,   /* ours, with another payload: will be sent again */
    RETAINED_OVERWRITTEN, /* the same, for the first time: worth a log line */
    RETAINED_STRANGER,    /* not ours: will be cleared */
};
/*
 * A retained message of the broker was seen: before retained_resolve it is a replay of what stands
 * there, afterwards someone else published it just now.
 */
enum retained_seen retained_see(struct retained *map, const char *topic, const char *payload,
                                size_t length, int64_t now);
/* Those overwritten too soon after their last correction, now due. */
void retained_correct(struct retained *map, int64_t now);

/* The next to be sent, on its way from now; NULL when none waits. */
struct retained_entry *retained_next(struct retained *map);
/* The broker took it. The entry may be gone afterwards. */
void retained_acknowledged(struct retained *map, struct retained_entry *entry);

bool retained_has(const struct retained *map, const char *topic);
/* How many wait or are on their way. */
size_t retained_pending(const struct retained *map);

#endif
