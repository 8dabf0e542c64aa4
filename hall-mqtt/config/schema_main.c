/* Prints the JSON Schema of domains.json; the build writes it where editors find it. */
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

enum { SCHEMA_MAX = 1024 * 1024 };

int main(void)
{
    struct buf schema = BUF_INIT(SCHEMA_MAX);
    int r = config_write_schema(&schema);
    if (r == 0 && (fputs(buf_text(&schema), stdout) == EOF || fflush(stdout) == EOF))
        r = -1;
    if (r < 0)
        fputs("the schema cannot be written\n", stderr);
    buf_finish(&schema);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
