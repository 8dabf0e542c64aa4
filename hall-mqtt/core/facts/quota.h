/*
 * quota: what clients and projects used up today: wakes, and time awake. The table grows between
 * steps, up to QUOTA_SLOTS_MAX; then a flood of addresses pushes out those that used least, never
 * the heavy ones, and never a project. Pure.
 */
#ifndef HALL_CORE_FACTS_QUOTA_H
#define HALL_CORE_FACTS_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

enum quota_kind { QUOTA_CLIENT, QUOTA_PROJECT };
enum {
    QUOTA_SLOTS_FIRST = 1024, /* powers of two */
    QUOTA_SLOTS_MAX = 65536,
    QUOTA_REACH = 32, /* a key is looked for in this many neighbouring slots */
};

struct quota {
    bool used;
    enum quota_kind kind;
    int subject;            /* CLIENT: the domain; PROJECT: the site */
    struct address address; /* CLIENT: as address_client; else none */
    int32_t day;            /* local day since 1970; counts of another day are forgotten */
    uint32_t wakes;
    int64_t awake_ms;
    int64_t last_use; /* boot clock, ms; 0: none today */
    int64_t at;       /* boot clock, ms: when it last counted; 0: before this boot */
};

struct quota_book {
    uint32_t size, n; /* slots, and those in use, of whichever day */
    struct quota *slots;
};

int quota_init(struct quota_book *book); /* -ENOMEM */
void quota_finish(struct quota_book *book);
/* Between steps: makes room for more before the table is full. -ENOMEM: it stays as it is. */
int quota_reserve(struct quota_book *book);

/* The entry of this key for this day, made if need be. Never NULL. */
struct quota *quota_open(struct quota_book *book, enum quota_kind kind, int subject,
                         struct address address, int32_t day);
/* The same without making one; NULL where nothing was used that day. */
const struct quota *quota_look(const struct quota_book *book, enum quota_kind kind, int subject,
                               struct address address, int32_t day);
/* Counts a use at now: the time since the last one, gap at most, was time awake for it. */
void quota_use(struct quota *quota, int64_t now, int64_t gap);

#endif
