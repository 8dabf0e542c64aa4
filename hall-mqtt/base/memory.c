#include "base/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct mapping {
    uintptr_t start, end; /* addresses, as the kernel writes them */
    bool is_code;         /* of a file, executable: nobody writes there, not even the loader */
};

/* Reads a hexadecimal number and what must stand behind it. */
static bool read_address(const char **at, char behind, uintptr_t *ret)
{
    char *end;
    const unsigned long value = strtoul(*at, &end, 16);

    if (end == *at || *end != behind)
        return false;
    *ret = value;
    *at = end + 1;
    return true;
}

/* A mapping's entry in smaps (proc(5)) opens with "7f00-7f10 r-xp 00000000 fe:01 1234
 * /usr/lib/x.so"; an absolute path stands there for files alone. */
static bool read_header(const char *line, struct mapping *ret)
{
    struct mapping mapping;
    const char *at = line;

    if (!read_address(&at, '-', &mapping.start) || !read_address(&at, ' ', &mapping.end))
        return false;
    mapping.is_code = strncmp(at, "r-x", 3) == 0 && strchr(at, '/');
    *ret = mapping;
    return true;
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
        /* A page of code that was written all the same (a debugger's breakpoint) must stay. */
        static const char key[] = "Anonymous:";
        if (strncmp(line, key, sizeof(key) - 1) == 0 &&
            strtoul(line + sizeof(key) - 1, NULL, 10) > 0)
            mapping.is_code = false;
        if (strncmp(line, "VmFlags:", 8) == 0 && mapping.is_code) {
            /* The kernel's text is where this address comes from: there is no pointer to derive it
             * from. */
            void *start = (void *)mapping.start; /* NOLINT(performance-no-int-to-ptr) */

            (void)madvise(start, mapping.end - mapping.start, MADV_DONTNEED);
        }
    }
    fclose(maps);
}
