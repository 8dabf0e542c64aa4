/*
 * proxies: where each reverse proxy of Debian takes a configuration beside that of others, how it
 * checks it, and how it takes it: one row each. Pure.
 */
#ifndef HALL_HALLCTL_SETUP_PROXIES_H
#define HALL_HALLCTL_SETUP_PROXIES_H

#include <stdbool.h>

#include "bridges/proxy/proxy_config.h"
#include "say/say_setup.h"

enum { PROXY_PLACES = PROXY_KINDS };

struct proxy_place {
    const char *name;
    enum proxy_kind kind;
    const char *program; /* a file that shows that it is installed */
    const char *package; /* of Debian; NULL: it has none */
    const char *file;    /* what Hall writes; NULL: it asks Hall itself */
    /* The file of others that has to name it, and the line; NULL: included by itself. */
    const char *includer, *include;
    const char *conflict; /* a line that begins so, in its place, is the user's own; NULL */
    /* A further file, and the file of /usr/share/hall/proxy that it is a copy of; NULL: none. */
    const char *script, *share;
    /* Such a file of the user's own serves as well if it has these words; NULL: it is Hall's. */
    const char *marker;
    enum setup_code taken;    /* includer or script have the user's own: what to do */
    const char *const *check; /* argv; NULL: it has none */
    const char *service;
    bool restarts; /* reload is not enough */
    bool needs_certificates;
};

/* What is there of one. */
struct proxy_found {
    bool installed;
    const char *file, *includer, *script; /* texts; NULL: not there */
    const char *share;                    /* text of the script that Hall brings */
};

extern const struct proxy_place proxy_places[PROXY_PLACES];

const struct proxy_place *proxy_place_named(const char *name); /* NULL: none */

#endif
