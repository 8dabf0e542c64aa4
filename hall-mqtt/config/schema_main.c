/* Prints the JSON Schema of domains.json, or with --man its manual page; the build writes them
 * where editors and man find them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/manual.h"

enum { SCHEMA_MAX = 1024 * 1024 };

int main(int argc, char *argv[])
{
    struct buf schema = BUF_INIT(SCHEMA_MAX);
    const bool manual = argc > 1 && strcmp(argv[1], "--man") == 0;
    int r = manual ? manual_write(&schema) : config_write_schema(&schema);
    if (r == 0 && (fputs(buf_text(&schema), stdout) == EOF || fflush(stdout) == EOF))
        r = -1;
    if (r < 0)
        fputs("it cannot be written\n", stderr);
    buf_finish(&schema);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
