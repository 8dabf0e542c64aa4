/*
 * asset: the dashboard's files, put into the program when it was built. Pure.
 */
#ifndef HALL_WEB_ADMIN_ASSET_H
#define HALL_WEB_ADMIN_ASSET_H

#include <stdbool.h>
#include <stddef.h>

#include "web/gate/language.h"

struct asset {
    const char *path; /* "/app/hall.<hash>.js" */
    const char *type;
    const char *tag; /* its ETag, with quotes */
    bool packed;     /* by gzip */
    bool lasting;    /* its path changes whenever its content does: may be kept for ever */
    size_t length;
    const unsigned char *bytes;
};

const struct asset *asset_find(const char *path); /* NULL: there is none */
/* The page itself, at "/". */
const struct asset *asset_page(enum language language);

#endif
