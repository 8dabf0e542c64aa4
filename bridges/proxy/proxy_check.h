/*
 * proxy_check: does a running Traefik lead visitors past Hall? What its API says of its routers
 * (https://doc.traefik.io/traefik/reference/install-configuration/api-dashboard/: /api/http/...) is
 * judged against the configuration. Pure.
 */
#ifndef HALL_BRIDGES_PROXY_PROXY_CHECK_H
#define HALL_BRIDGES_PROXY_PROXY_CHECK_H

#include "base/json.h"
#include "config/config.h"

/* The three lists as the API gives them; borrowed. */
struct proxy_traefik {
    const struct json *routers, *middlewares, *services;
};

/* Writes a line for each router that takes visitors of a domain without asking Hall, and for each
 * domain whose visitors no router brings to Hall. The number of lines. */
size_t proxy_check_traefik(const struct config *config, const struct proxy_traefik *traefik,
                           struct buf *out);

#endif
