#include "base/memory.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct mapping {
    uintptr_t start, end;
    bool is_clean_file; /* of a file, not writable */
};

/* "7f00-7f10 r-xp 00000000 fe:01 1234   /usr/lib/x.so" opens a mapping's entry in smaps. */
static bool read_header(const char *line, struct mapping *ret)
{
    uint64_t start, end, inode;
    char rights[5];

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64, &start, &end, rights,
               &inode) != 4)
        return false;
    *ret = (struct mapping){.start = (uintptr_t)start,
                            .end = (uintptr_t)end,
                            .is_clean_file = inode != 0 && rights[1] == '-'};
    return true;
}

/* A page that was written and then protected (relocations) must stay: dropping it would lose what was written. */
static bool has_own_pages(const char *line)
{
    unsigned long kilobytes;

    return sscanf(line, "Anonymous: %lu kB", &kilobytes) == 1 && kilobytes > 0;
}

void memory_trim(void)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    struct mapping mapping = {0};
    char line[512];

    malloc_trim(0);
    if (!maps)
        return;
    while (fgets(line, sizeof(line), maps)) {
        if (read_header(line, &mapping))
            continue;
        if (has_own_pages(line))
            mapping.is_clean_file = false;
        if (strncmp(line, "VmFlags:", 8) == 0 && mapping.is_clean_file)
            (void)madvise((void *)mapping.start, mapping.end - mapping.start, MADV_DONTNEED);
    }
    fclose(maps);
}
