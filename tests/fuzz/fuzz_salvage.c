/* A file of the store, as damaged as can be, and what is saved of it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "store/queue.h"
#include "store/salvage_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_history(const char *path)
{
    uint8_t page[BTREE_PAGE];
    struct pages *pages = NULL;
    assert(pages_open(path, &pages) == 0);
    for (uint32_t i = 1; i <= pages_count(pages); i++) {
        if (!pages_read(pages, i, page) || btree_kind(page, i) != BTREE_LEAF)
            continue;
        for (size_t k = 0; k < btree_cells(page, i); k++) {
            struct btree_cell cell;
            struct store_entry entry;
            char *room = NULL;
            if (btree_cell(page, i, k, &cell) &&
                salvage_entry(pages, &cell, STORE_TABLES, &entry, &room))
                assert(entry.table != STORE_TOTALS && entry.id > 0);
            free(room);
        }
    }
    pages_close(pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct salvage_found found;
    char path[64];
    int fd = memfd_create("store", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    salvage_find(path, 12, &found);
    for (size_t i = 0; i < found.n; i++)
        assert(salvage_is_json(found.rows[i].body, strlen(found.rows[i].body)));
    salvage_found_finish(&found);
    look_at_history(path);
    close(fd);
    return 0;
}
