/*
 * asset: the dashboard's files, put into the program when it was built. Pure.
 */
#ifndef HALL_WEB_ADMIN_ASSET_H
#define HALL_WEB_ADMIN_ASSET_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path; /* "/app/main.js" */
    const char *type;
    const char *tag; /* its ETag, with quotes */
    bool packed;     /* by gzip */
    size_t length;
    const unsigned char *bytes;
};

const struct asset *asset_find(const char *path); /* NULL: there is none */

#endif
