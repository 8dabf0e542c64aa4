/*
 * zone: local time, from the system's zone database through libc.
 * libc knows one zone at a time, by the variable TZ of the whole process. So one thread alone may
 * look up (in hall: the loop's), TZ is the caller's own again when a look-up returns, and a cache
 * keeps what was read for a year ahead: TZ is touched about once a year and zone. The very first
 * look-up adds TZ to the environment (":/etc/localtime" where there was none), later ones replace
 * it in place; make one before other threads start. Memory belongs to the caller; a zeroed cache is
 * empty, and emptying it reads the database anew (after an update of tzdata). Nothing fails: a zone
 * that is not there is UTC.
 */
#ifndef HALL_BASE_ZONE_H
#define HALL_BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

enum {
    ZONE_NAME_SIZE = 65,
    ZONE_CHANGES = 7, /* kept of one block; the most any zone ever had in a year is 6 */
    ZONE_BLOCKS = 16,
};

/* What one zone's offset is between two instants. Seconds since 1970, seconds east of UTC. */
struct zone_block {
    char name[ZONE_NAME_SIZE];
    int32_t offset; /* at from */
    int64_t from, until;
    size_t n;
    struct {
        int64_t at;
        int32_t offset;
    } changes[ZONE_CHANGES];
};

struct zone_cache {
    unsigned latest; /* where the last look-up was answered */
    unsigned oldest; /* what the next block replaces */
    struct zone_block blocks[ZONE_BLOCKS];
};

/* Where local time comes from. A zone's offset changes at most once in any 24 hours. */
struct zone_port {
    int32_t (*offset)(void *context, const char *zone, int64_t utc_s); /* seconds east of UTC */
    void *context;
};

/* An IANA name, as "Europe/Paris", that the database has; "UTC" always is. Any thread. */
bool zone_exists(const char *name);

/* Seconds east of UTC in that zone at utc_s, seconds since 1970. Takes a struct zone_cache as void,
 * to be the offset function of a port as it is. */
int32_t zone_offset(void *zone_cache, const char *name, int64_t utc_s);

#endif
