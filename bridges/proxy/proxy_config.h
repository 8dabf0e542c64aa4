/*
 * proxy_config: what a reverse proxy is to be told, made from domains.json: that it asks Hall
 * before each request, sends /.hall/ to it, and where the sites are. Traefik gets JSON (for its
 * HTTP provider at /traefik/config, or as a file), Caddy a Caddyfile, nginx a file for conf.d,
 * HAProxy a whole configuration for which haproxy/hall.lua asks. Pure.
 */
#ifndef HALL_BRIDGES_PROXY_PROXY_CONFIG_H
#define HALL_BRIDGES_PROXY_PROXY_CONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/config.h"

enum proxy_kind { PROXY_TRAEFIK, PROXY_CADDY, PROXY_NGINX, PROXY_HAPROXY };
enum { PROXY_KINDS = 4, PROXY_CONFIG_MAX = 16 * 1024 * 1024 };

bool proxy_kind_from_name(const char *name, enum proxy_kind *ret_kind); /* "traefik" ... */

/* How much of it is wanted. */
enum proxy_form {
    PROXY_WHOLE,
    PROXY_SNIPPET,    /* nginx: what stands inside a server block that somebody else writes */
    PROXY_SWAG,       /* nginx: one site's file for SWAG */
    PROXY_MIDDLEWARE, /* Traefik: what routers of the user's own go through */
};

struct proxy_options {
    enum proxy_kind kind;
    enum proxy_form form;
    const char *domain; /* of PROXY_SNIPPET and PROXY_SWAG: the one that is meant */
    bool fail_open;     /* visitors are let through while Hall does not answer */
    const char *listen; /* ADDRESS:PORT, plain HTTP (not Traefik); NULL: as configured */
};

/* Hall's address for the proxy is /proxy/hall of the configuration. -EINVAL: something cannot be
 * said in that proxy's language; errors then names it. -EMSGSIZE, -ENOMEM. */
int proxy_config_write(const struct config *config, const struct proxy_options *options,
                       struct buf *out, struct buf *errors);

#endif
