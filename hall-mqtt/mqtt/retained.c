#include "mqtt/retained.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { BUCKETS_FIRST = 64 };

struct retained {
    bool resolved;       /* what the broker holds is known */
    size_t n, n_buckets; /* a power of two */
    struct retained_entry **buckets;
    struct retained_entry *first, *last; /* waiting, oldest first */
    size_t n_waiting, n_flying;
    size_t n_clearing; /* entries without a payload */
    size_t n_wrong;
};

static uint32_t topic_hash(const char *topic)
{
    return (uint32_t)hash_add(HASH_START, topic, strlen(topic));
}

static struct retained_entry **bucket_of(const struct retained *map, uint32_t hash)
{
    return &map->buckets[hash & (map->n_buckets - 1)];
}

static struct retained_entry *entry_find(const struct retained *map, const char *topic)
{
    uint32_t hash = topic_hash(topic);
    struct retained_entry *entry = *bucket_of(map, hash);
    while (entry && (entry->hash != hash || strcmp(entry->topic, topic) != 0))
        entry = entry->chain;
    return entry;
}

static void entry_free(struct retained_entry *entry)
{
    free(entry->payload);
    free(entry);
}

int retained_create(struct retained **ret_map)
{
    struct retained *map = calloc(1, sizeof(*map));
    if (!map)
        return -ENOMEM;
    map->n_buckets = BUCKETS_FIRST;
    map->buckets = calloc(map->n_buckets, sizeof(struct retained_entry *));
    if (!map->buckets) {
        free(map);
        return -ENOMEM;
    }
    *ret_map = map;
    return 0;
}

typedef void retained_visit(struct retained *map, struct retained_entry *entry, int64_t now);

/* The visitor may free the entry it is given. */
static void map_walk(struct retained *map, retained_visit *visit, int64_t now)
{
    for (size_t i = 0; i < map->n_buckets; i++) {
        struct retained_entry *after;
        for (struct retained_entry *entry = map->buckets[i]; entry; entry = after) {
            after = entry->chain;
            visit(map, entry, now);
        }
    }
}

static void visit_free(struct retained *map, struct retained_entry *entry, int64_t now)
{
    (void)map;
    (void)now;
    entry_free(entry);
}

void retained_destroy(struct retained *map)
{
    if (!map)
        return;
    map_walk(map, visit_free, 0);
    free(map->buckets);
    free(map);
}

/* Doubles the table; a failure only makes the chains longer. */
static void map_grow(struct retained *map)
{
    size_t n_old = map->n_buckets;
    struct retained_entry **old = map->buckets;
    struct retained_entry **grown = calloc(2 * n_old, sizeof(struct retained_entry *));
    if (!grown)
        return;
    map->buckets = grown;
    map->n_buckets = 2 * n_old;
    for (size_t i = 0; i < n_old; i++) {
        struct retained_entry *after;
        for (struct retained_entry *entry = old[i]; entry; entry = after) {
            struct retained_entry **bucket = bucket_of(map, entry->hash);
            after = entry->chain;
            entry->chain = *bucket;
            *bucket = entry;
        }
    }
    free(old);
}

static void entry_wait(struct retained *map, struct retained_entry *entry)
{
    entry->state = RETAINED_WAITING;
    entry->later = NULL;
    if (map->last)
        map->last->later = entry;
    else
        map->first = entry;
    map->last = entry;
    map->n_waiting++;
}

/* It is to be sent: now, or when it is known whether the broker holds it already. */
static void entry_want(struct retained *map, struct retained_entry *entry)
{
    if (map->resolved)
        entry_wait(map, entry);
    else
        entry->state = RETAINED_UNSURE;
}

/* Out of the list of those waiting: rare, so it may walk. */
static void entry_unwait(struct retained *map, struct retained_entry *entry)
{
    struct retained_entry *before = NULL;
    if (map->first != entry)
        for (before = map->first; before->later != entry;)
            before = before->later;
    if (before)
        before->later = entry->later;
    else
        map->first = entry->later;
    if (map->last == entry)
        map->last = before;
    map->n_waiting--;
}

static void entry_remove(struct retained *map, struct retained_entry *entry)
{
    struct retained_entry **place = bucket_of(map, entry->hash);
    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    map->n--;
    map->n_clearing -= !entry->payload;
    map->n_wrong -= entry->wrong;
    entry_free(entry);
}

static struct retained_entry *entry_add(struct retained *map, const char *topic)
{
    size_t size = strlen(topic) + 1;
    struct retained_entry *entry = calloc(1, sizeof(*entry) + size);
    if (!entry)
        return NULL;
    memcpy(entry->topic, topic, size);
    entry->hash = topic_hash(topic);
    if (map->n >= map->n_buckets)
        map_grow(map);
    entry->chain = *bucket_of(map, entry->hash);
    *bucket_of(map, entry->hash) = entry;
    map->n++;
    map->n_clearing++;
    return entry;
}

static bool entry_is(const struct retained_entry *entry, const char *payload, size_t length)
{
    return entry->length == length && (length == 0 || memcmp(entry->payload, payload, length) == 0);
}

static int entry_fill(struct retained *map, struct retained_entry *entry, const char *payload,
                      size_t length)
{
    char *copy = NULL;
    if (length > 0) {
        copy = malloc(length);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, payload, length);
    }
    map->n_clearing -= !entry->payload;
    map->n_clearing += !copy;
    free(entry->payload);
    entry->payload = copy;
    entry->length = length;
    return 0;
}

/* What the broker holds, or was last sent, is not what is wanted any more. */
static void entry_changed(struct retained *map, struct retained_entry *entry)
{
    switch (entry->state) {
    case RETAINED_SURE:
        entry_want(map, entry);
        break;
    case RETAINED_FLYING:
        entry->state = RETAINED_STALE;
        break;
    case RETAINED_UNSURE:
    case RETAINED_WAITING:
    case RETAINED_STALE:
        break;
    }
}

static int map_add(struct retained *map, const char *topic, const char *payload, size_t length)
{
    struct retained_entry *entry = entry_add(map, topic);
    if (!entry)
        return -ENOMEM;
    int error = entry_fill(map, entry, payload, length);
    if (error < 0) {
        entry_remove(map, entry);
        return error;
    }
    entry_want(map, entry);
    return 0;
}

int retained_set(struct retained *map, const char *topic, const char *payload, size_t length)
{
    struct retained_entry *entry = entry_find(map, topic);
    if (!entry)
        return map_add(map, topic, payload, length);
    if (entry_is(entry, payload, length))
        return 0;
    int error = entry_fill(map, entry, payload, length);
    if (error < 0)
        return error;
    entry_changed(map, entry);
    return 0;
}

void retained_forget(struct retained *map, const char *topic)
{
    struct retained_entry *entry = entry_find(map, topic);
    if (!entry)
        return;
    assert(entry->state != RETAINED_FLYING && entry->state != RETAINED_STALE);
    if (entry->state == RETAINED_WAITING)
        entry_unwait(map, entry);
    entry_remove(map, entry);
}

static void entry_set_wrong(struct retained *map, struct retained_entry *entry, bool wrong)
{
    map->n_wrong -= entry->wrong;
    map->n_wrong += wrong;
    entry->wrong = wrong;
}

static void visit_unsure(struct retained *map, struct retained_entry *entry, int64_t now)
{
    (void)now;
    entry->state = RETAINED_UNSURE;
    entry_set_wrong(map, entry, false);
}

void retained_unsure(struct retained *map)
{
    map_walk(map, visit_unsure, 0);
    map->first = map->last = NULL;
    map->n_waiting = map->n_flying = 0;
    map->resolved = false;
}

static void visit_resolve(struct retained *map, struct retained_entry *entry, int64_t now)
{
    (void)now;
    if (entry->state == RETAINED_UNSURE)
        entry_wait(map, entry);
}

void retained_resolve(struct retained *map)
{
    map->resolved = true;
    map_walk(map, visit_resolve, 0);
}

static enum retained_seen see_stranger(struct retained *map, const char *topic, size_t length)
{
    if (length == 0 || map->n_clearing >= RETAINED_STRANGERS_MAX)
        return RETAINED_AS_WANTED;
    return map_add(map, topic, NULL, 0) == 0 ? RETAINED_STRANGER : RETAINED_AS_WANTED;
}

static enum retained_seen see_other(struct retained *map, struct retained_entry *entry, int64_t now)
{
    bool first = !entry->warned;
    entry->warned = true;
    if (entry->state == RETAINED_SURE || entry->state == RETAINED_FLYING)
        entry_set_wrong(map, entry, true);
    retained_correct(map, now);
    return first ? RETAINED_OVERWRITTEN : RETAINED_DIFFERENT;
}

enum retained_seen retained_see(struct retained *map, const char *topic, const char *payload,
                                size_t length, int64_t now)
{
    struct retained_entry *entry = entry_find(map, topic);
    if (!entry)
        return see_stranger(map, topic, length);
    bool same = entry_is(entry, payload, length);
    if (same && entry->state == RETAINED_UNSURE && length > 0)
        entry->state = RETAINED_SURE;
    if (same)
        return RETAINED_AS_WANTED;
    return map->resolved ? see_other(map, entry, now) : RETAINED_DIFFERENT;
}

static void visit_correct(struct retained *map, struct retained_entry *entry, int64_t now)
{
    if (!entry->wrong || (entry->corrected != 0 && now - entry->corrected < RETAINED_CORRECT_MS))
        return;
    entry_set_wrong(map, entry, false);
    entry->corrected = now;
    entry_changed(map, entry);
}

void retained_correct(struct retained *map, int64_t now)
{
    if (map->n_wrong > 0)
        map_walk(map, visit_correct, now);
}

struct retained_entry *retained_next(struct retained *map)
{
    struct retained_entry *entry = map->first;
    if (!entry)
        return NULL;
    map->first = entry->later;
    if (!map->first)
        map->last = NULL;
    map->n_waiting--;
    map->n_flying++;
    entry->state = RETAINED_FLYING;
    return entry;
}

void retained_acknowledged(struct retained *map, struct retained_entry *entry)
{
    map->n_flying--;
    if (entry->state == RETAINED_STALE)
        entry_wait(map, entry);
    else if (!entry->payload)
        entry_remove(map, entry);
    else
        entry->state = RETAINED_SURE;
}

bool retained_has(const struct retained *map, const char *topic)
{
    return entry_find(map, topic);
}

size_t retained_pending(const struct retained *map)
{
    return map->n_waiting + map->n_flying;
}
