#include "hallctl/setup/proxies.h"

#include <string.h>

#define CHECK(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct proxy_place proxy_places[PROXY_PLACES] = {
    {.name = "nginx",
     .kind = PROXY_NGINX,
     .program = "/usr/sbin/nginx",
     .file = "/etc/nginx/conf.d/hall.conf",
     .package = "nginx",
     .check = CHECK("nginx", "-t", "-q"),
     .service = "nginx",
     .needs_certificates = true},
    {.name = "caddy",
     .kind = PROXY_CADDY,
     .program = "/usr/bin/caddy",
     .file = "/etc/caddy/hall",
     .package = "caddy",
     .includer = "/etc/caddy/Caddyfile",
     .include = "import hall",
     .check =
         CHECK("caddy", "validate", "--adapter", "caddyfile", "--config", "/etc/caddy/Caddyfile"),
     .service = "caddy"},
    {.name = "traefik",
     .kind = PROXY_TRAEFIK,
     .program = "/etc/traefik",
     .script = "/etc/traefik/traefik.yml",
     .share = "traefik.yml",
     .marker = "/traefik/config",
     .taken = SETUP_TRAEFIK_TAKEN,
     .service = "traefik",
     .restarts = true},
    {.name = "haproxy",
     .kind = PROXY_HAPROXY,
     .program = "/usr/sbin/haproxy",
     .file = "/etc/haproxy/hall.cfg",
     .includer = "/etc/default/haproxy",
     .include = "EXTRAOPTS=\"-S /run/haproxy-master.sock -f /etc/haproxy/hall.cfg\"",
     .conflict = "EXTRAOPTS=",
     .package = "haproxy",
     .taken = SETUP_HAPROXY_TAKEN,
     .script = "/etc/haproxy/hall.lua",
     .share = "hall.lua",
     .check = CHECK("haproxy", "-c", "-q", "-f", "/etc/haproxy/haproxy.cfg", "-f",
                    "/etc/haproxy/hall.cfg"),
     .service = "haproxy",
     .restarts = true},
};

const struct proxy_place *proxy_place_named(const char *name)
{
    for (size_t i = 0; i < PROXY_PLACES; i++)
        if (strcmp(proxy_places[i].name, name) == 0)
            return &proxy_places[i];
    return NULL;
}
