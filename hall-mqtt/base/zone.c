#include "base/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/"

enum {
    PATH_SIZE = sizeof(ZONE_DIRECTORY) + 1 + ZONE_NAME_SIZE,
    /* Two changes of one zone were never less than 95 hours apart, so days miss none. */
    STEP = 86400,
    BLOCK = 400 * STEP,
};

/* The name of a file below the zone directory, and of nothing else. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < ZONE_NAME_SIZE && name[strspn(name, NAME_BYTES)] == '\0' &&
           name[0] != '/' && name[length - 1] != '/' && !strstr(name, "//") &&
           strncmp(name, "posix/", 6) != 0 && strncmp(name, "right/", 6) != 0;
}

static bool is_zone_file(const char *path)
{
    char magic[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    bool good = read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
    close(fd);
    return good;
}

bool zone_exists(const char *name)
{
    char path[PATH_SIZE];
    if (strcmp(name, "UTC") == 0)
        return true;
    if (!is_name(name))
        return false;
    snprintf(path, sizeof(path), ZONE_DIRECTORY "/%s", name);
    return is_zone_file(path);
}

static void set_tz(const char *value)
{
    setenv("TZ", value, 1);
    tzset();
}

/* Makes libc's zone this one; returns what to give to leave(), which frees it. */
static char *enter(const char *name)
{
    /* Never unset again: other threads may be reading the environment, and taking an entry out
     * moves the rest. */
    const char *before = getenv("TZ");
    char *saved = strdup(before ? before : ":/etc/localtime");
    char value[PATH_SIZE + 1];

    snprintf(value, sizeof(value), ":" ZONE_DIRECTORY "/%s", name);
    set_tz(zone_exists(name) ? value : "UTC0");
    return saved;
}

static int32_t libc_offset(int64_t utc_s)
{
    time_t time = (time_t)utc_s;
    struct tm parts;
    return localtime_r(&time, &parts) ? (int32_t)parts.tm_gmtoff : 0;
}

/* The first instant of the other offset; before and after differ, one change lies between them. */
static int64_t find_change(int64_t before, int64_t after)
{
    int32_t offset = libc_offset(before);
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (libc_offset(middle) == offset)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* Reads on from `from`, for a block's length or until the changes are full. */
static void scan(struct zone_block *block, int64_t from)
{
    int32_t offset = libc_offset(from);

    block->from = block->until = from;
    block->offset = offset;
    block->n = 0;
    while (block->until < from + BLOCK) {
        int64_t next = block->until + STEP;
        int32_t then = libc_offset(next);
        if (then != offset) {
            if (block->n == ZONE_CHANGES)
                return;
            block->changes[block->n].at = find_change(block->until, next);
            block->changes[block->n++].offset = then;
        }
        offset = then;
        block->until = next;
    }
}

static const struct zone_block *cache_find(struct zone_cache *cache, const char *name,
                                           int64_t utc_s)
{
    for (unsigned i = 0; i < ZONE_BLOCKS; i++) {
        unsigned place = (cache->latest + i) % ZONE_BLOCKS;
        if (cache->blocks[place].from <= utc_s && utc_s < cache->blocks[place].until &&
            strcmp(cache->blocks[place].name, name) == 0) {
            cache->latest = place;
            return &cache->blocks[place];
        }
    }
    return NULL;
}

static const struct zone_block *cache_read(struct zone_cache *cache, const char *name,
                                           int64_t utc_s)
{
    struct zone_block *block = &cache->blocks[cache->oldest];
    int64_t past = (utc_s % BLOCK + BLOCK) % BLOCK; /* of the block, counted from 1970 */
    char *saved = enter(name);

    scan(block, utc_s - past);
    if (utc_s >= block->until)
        scan(block, utc_s);
    set_tz(saved ? saved : ":/etc/localtime");
    free(saved);
    snprintf(block->name, sizeof(block->name), "%s", name);
    cache->latest = cache->oldest;
    cache->oldest = (cache->oldest + 1) % ZONE_BLOCKS;
    return block;
}

int32_t zone_offset(void *zone_cache, const char *name, int64_t utc_s)
{
    /* Farther than libc counts years, and not to be added to: there no zone has rules. */
    const int64_t farthest = INT64_C(1) << 55;
    if (utc_s > farthest || utc_s < -farthest || strlen(name) >= ZONE_NAME_SIZE)
        return 0;
    const struct zone_block *block = cache_find(zone_cache, name, utc_s);
    if (!block)
        block = cache_read(zone_cache, name, utc_s);
    int32_t offset = block->offset;
    for (size_t i = 0; i < block->n && block->changes[i].at <= utc_s; i++)
        offset = block->changes[i].offset;
    return offset;
}
