#include "store/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/queue.h"

enum {
    LOG_HEADER = 32,
    FRAME_HEADER = 24,
    FRAME = FRAME_HEADER + BTREE_PAGE,
    FRAMES_MAX = 262144, /* of a log; Hall's has about a thousand */
    MAP_ENTRY = 5,
    MAP_GROUP = BTREE_PAGE / MAP_ENTRY, /* pages that one page of the map tells of */
    MAP_DEPTH = 20,
    ABOVE = 256,
    PAYLOAD_MAX = QUEUE_BODY_MAX + 8192,
};

/* What the map says a page is. */
enum { MAP_ROOT = 1, MAP_FREE = 2, MAP_TREE = 5 };

struct frame {
    uint32_t page, index;
};

struct pages {
    int file, log;
    uint32_t n, expected;
    struct frame *frames; /* committed ones, by page, the newest of each last */
    size_t n_frames;
    uint8_t *payload;
    uint32_t map_page; /* what is in map; 0: nothing */
    bool map_read;
    struct {
        uint32_t page, tree;
    } above[ABOVE]; /* whose the pages are that others were last found below */
    uint8_t map[BTREE_PAGE];
};

/* ---- the log ---- */

static void checksum(const uint8_t *bytes, size_t n, bool big, uint32_t sums[2])
{
    for (size_t i = 0; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 2; k++) {
            const uint8_t *at = bytes + i + 4 * k;
            const uint32_t word =
                big ? btree_number4(at)
                    : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
            sums[k] += word + sums[1 - k];
        }
}

static bool sums_are(const uint8_t *at, const uint32_t sums[2])
{
    return btree_number4(at) == sums[0] && btree_number4(at + 4) == sums[1];
}

static bool read_at(int fd, uint8_t *out, size_t n, uint64_t at)
{
    ssize_t got;

    do
        got = pread(fd, out, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)n;
}

/* Its frames up to the last commit: each has a sum over all before it. */
static void read_frames(struct pages *pages, const uint8_t head[LOG_HEADER], uint32_t sums[2])
{
    const bool big = head[3] & 1;
    uint8_t frame[FRAME];
    size_t n = 0, size = 0;

    while (n < FRAMES_MAX && read_at(pages->log, frame, FRAME, LOG_HEADER + (uint64_t)n * FRAME)) {
        checksum(frame, 8, big, sums);
        checksum(frame + FRAME_HEADER, BTREE_PAGE, big, sums);
        if (memcmp(frame + 8, head + 16, 8) != 0 || !sums_are(frame + 16, sums))
            return;
        if (n == size) {
            struct frame *more = realloc(pages->frames, (size = size * 2 + 256) * sizeof(*more));
            if (!more)
                return;
            pages->frames = more;
        }
        pages->frames[n] = (struct frame){btree_number4(frame), (uint32_t)n};
        n++;
        if (btree_number4(frame + 4) > 0) { /* a commit: the file size in pages after it */
            pages->n_frames = n;
            pages->expected = btree_number4(frame + 4);
        }
    }
}

static int by_page(const void *a, const void *b)
{
    const struct frame *one = a, *other = b;

    if (one->page != other->page)
        return one->page < other->page ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

static void read_log(struct pages *pages)
{
    enum { MAGIC = 0x377f0682 };
    uint8_t head[LOG_HEADER];
    uint32_t sums[2] = {0};

    if (pages->log < 0 || !read_at(pages->log, head, LOG_HEADER, 0) ||
        (btree_number4(head) | 1) != (MAGIC | 1) || btree_number4(head + 8) != BTREE_PAGE)
        return;
    checksum(head, 24, head[3] & 1, sums);
    if (!sums_are(head + 24, sums))
        return;
    read_frames(pages, head, sums);
    if (pages->n_frames > 0)
        qsort(pages->frames, pages->n_frames, sizeof(struct frame), by_page);
}

static const struct frame *find_frame(const struct pages *pages, uint32_t number)
{
    size_t low = 0, high = pages->n_frames;

    while (low < high) { /* the first beyond it */
        const size_t middle = (low + high) / 2;
        if (pages->frames[middle].page <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && pages->frames[low - 1].page == number ? &pages->frames[low - 1] : NULL;
}

/* ---- the file ---- */

static void measure(struct pages *pages)
{
    enum { SIZE_AT = 28, SANE = 1 << 26 };
    uint8_t head[BTREE_PAGE];
    struct stat status;

    if (fstat(pages->file, &status) == 0 && status.st_size > 0)
        pages->n = status.st_size / BTREE_PAGE < UINT32_MAX - 1
                       ? (uint32_t)(status.st_size / BTREE_PAGE)
                       : UINT32_MAX - 1;
    if (pages->expected == 0 && pages_read(pages, 1, head) && memcmp(head, "SQLite", 6) == 0)
        pages->expected = btree_number4(head + SIZE_AT);
    if (pages->n_frames > 0 && pages->frames[pages->n_frames - 1].page > pages->n)
        pages->n = pages->frames[pages->n_frames - 1].page;
    if (pages->expected < pages->n || pages->expected > SANE)
        pages->expected = pages->n;
}

int pages_open(const char *path, struct pages **ret_pages)
{
    char log[PATH_MAX + 8];
    struct pages *pages = calloc(1, sizeof(*pages));

    if (!pages)
        return -ENOMEM;
    snprintf(log, sizeof(log), "%s-wal", path);
    pages->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int error = errno;
    pages->log = open(log, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (pages->file < 0) {
        pages_close(pages);
        return -error;
    }
    read_log(pages);
    measure(pages);
    *ret_pages = pages;
    return 0;
}

void pages_close(struct pages *pages)
{
    if (!pages)
        return;
    if (pages->file >= 0)
        close(pages->file);
    if (pages->log >= 0)
        close(pages->log);
    free(pages->frames);
    free(pages->payload);
    free(pages);
}

uint32_t pages_count(const struct pages *pages)
{
    return pages->n;
}

uint32_t pages_expected(const struct pages *pages)
{
    return pages->expected;
}

bool pages_read(struct pages *pages, uint32_t number, uint8_t ret_page[BTREE_PAGE])
{
    const struct frame *frame = find_frame(pages, number);

    if (number == 0)
        return false;
    if (frame)
        return read_at(pages->log, ret_page, BTREE_PAGE,
                       LOG_HEADER + (uint64_t)frame->index * FRAME + FRAME_HEADER);
    return read_at(pages->file, ret_page, BTREE_PAGE, (uint64_t)(number - 1) * BTREE_PAGE);
}

/* ---- whose a page is ---- */

/* The map's entry of a page: its kind, and the page above it. 0: there is none. */
static uint8_t map_entry(struct pages *pages, uint32_t number, uint32_t *ret_above)
{
    const uint32_t map = number < 2 ? 0 : (number - 2) / (MAP_GROUP + 1) * (MAP_GROUP + 1) + 2;

    if (map == 0 || map == number)
        return 0;
    if (pages->map_page != map) {
        pages->map_page = map;
        pages->map_read = pages_read(pages, map, pages->map);
    }
    const uint8_t *entry = pages->map + (size_t)MAP_ENTRY * (number - map - 1);

    *ret_above = btree_number4(entry + 1);
    return pages->map_read && entry[0] <= MAP_TREE ? entry[0] : 0;
}

static uint32_t find_tree(struct pages *pages, uint32_t number)
{
    for (int i = 0; i < MAP_DEPTH && number > 0 && number <= pages->expected; i++) {
        uint32_t above = 0;

        switch (map_entry(pages, number, &above)) {
        case MAP_ROOT:
            return number;
        case MAP_TREE:
            number = above;
            break;
        case 0:
            return PAGES_UNKNOWN;
        default: /* free, or the rest of a row */
            return PAGES_NONE;
        }
    }
    return PAGES_UNKNOWN;
}

/* Pages below one page lie beside each other. */
uint32_t pages_tree(struct pages *pages, uint32_t number)
{
    uint32_t above = 0;

    if (number > pages->expected || map_entry(pages, number, &above) != MAP_TREE)
        return find_tree(pages, number);
    const size_t at = above % ABOVE;

    if (pages->above[at].page != above || above == 0) {
        pages->above[at].tree = find_tree(pages, above);
        pages->above[at].page = above;
    }
    return pages->above[at].tree;
}

/* ---- rows ---- */

bool pages_payload(struct pages *pages, const struct btree_cell *cell, const uint8_t **ret_payload)
{
    uint8_t page[BTREE_PAGE];
    size_t n = cell->n_local;

    if (cell->overflow == 0) {
        *ret_payload = cell->local;
        return true;
    }
    if (cell->size > PAYLOAD_MAX)
        return false;
    if (!pages->payload && !(pages->payload = malloc(PAYLOAD_MAX)))
        return false;
    memcpy(pages->payload, cell->local, n);
    for (uint32_t next = cell->overflow; n < cell->size; next = btree_number4(page)) {
        const size_t rest = cell->size - n, take = rest < BTREE_CHAIN ? rest : BTREE_CHAIN;

        if (!pages_read(pages, next, page))
            return false;
        memcpy(pages->payload + n, page + 4, take);
        n += take;
    }
    *ret_payload = pages->payload;
    return true;
}
