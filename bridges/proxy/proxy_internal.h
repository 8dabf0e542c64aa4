/* proxy_internal: what the languages share. */
#ifndef HALL_BRIDGES_PROXY_PROXY_INTERNAL_H
#define HALL_BRIDGES_PROXY_PROXY_INTERNAL_H

#include "base/json.h"
#include "bridges/proxy/proxy_config.h"
#include "web/site/site_name.h"
#include "web/site/uri.h"

struct proxy_job {
    const struct config *config;
    const struct proxy_options *options;
    const char *hall; /* http://HOST:PORT */
    bool tls;         /* the proxy itself speaks TLS to visitors */
    struct buf *out;
    struct buf *errors;
    struct json_writer json; /* Traefik's */
};

/* Where the proxy finds Hall: as configured, else where Hall itself listens (written to out). */
enum { PROXY_HALL_SIZE = 256 };
const char *proxy_hall_url(const struct config *config, char out[PROXY_HALL_SIZE]);

/* With fail_open Traefik asks Hall through itself: an entry point on loopback. */
#define PROXY_TRAEFIK_ASKING "http://127.0.0.1:8890"

/* http://HOST:PORT/BASE taken apart; borrows. */
struct proxy_target {
    struct span origin;    /* http://HOST:PORT */
    struct span authority; /* HOST:PORT */
    struct span base;      /* /BASE without a slash at its end; empty: none */
};
struct proxy_target proxy_target(const char *url);

/* How the proxy reaches an https upstream, as Hall's own check does; NULL: it is plain HTTP. */
const struct model_tls *proxy_tls(const struct model_site *site);
/* Does it speak HTTP/2 without TLS, as gRPC does? */
bool proxy_is_h2c(const struct model_site *site);
/* Can the path of a file stand in quotes, in nginx's and Caddy's language? */
bool proxy_can_quote(const char *path);
/* False: its ca cannot be quoted in a file of nginx or Caddy; that is reported. */
bool proxy_tls_is_fit(struct proxy_job *job, const struct model_site *site);

/* What Hall reads of a request besides Host and X-Forwarded-*: only this is sent to it. The last
 * has no name. */
struct proxy_header {
    const char *name;
    const char *variable; /* as nginx writes it behind "$http_" */
};
extern const struct proxy_header proxy_headers[];

/* How long the proxy waits for Hall before it takes it for hung. Hall answers at once, but holds
 * the requests for a domain as long as its `access.hold` says, and the page's questions up to 1 s.
 */
enum { PROXY_HALL_WAIT_S = 2, PROXY_HELPER_WAIT_S = 3 };
int64_t proxy_hall_wait(const struct model_domain *domain);

/* Connections that the proxy keeps while nothing goes over them. To a site only for as long as one
 * visit asks for one thing after another: a machine that has lost power takes what comes over an
 * old connection in silence, and is found out only by connecting to it. To Hall for less than the
 * 3 s after which Hall ends them. */
enum {
    PROXY_SITE_KEPT = 32,
    PROXY_SITE_IDLE_MS = 250,
    PROXY_HALL_KEPT = 16,
    PROXY_HALL_IDLE_S = 2
};

/* Writes each range of /proxy/trusted, of either family, between these two: proxies in front of
 * this one, from which alone it takes the visitor's address. False: there are none. */
bool proxy_put_fronts(struct proxy_job *job, const char *before, const char *after);

#define SPAN(span_) (int)(span_).length, (span_).at

void proxy_write_traefik(struct proxy_job *job);
void proxy_write_caddy(struct proxy_job *job);
void proxy_write_nginx(struct proxy_job *job);
void proxy_write_haproxy(struct proxy_job *job);

/* The sites of a domain: its projects, longest path first, then its own. */
typedef void proxy_site_fn(struct proxy_job *job, const struct model_domain *domain,
                           const struct model_site *site);
void proxy_each_site(struct proxy_job *job, const struct model_domain *domain, proxy_site_fn *call);

/* The site whose upstream the visitors of `site` are led to: a project without one is part of its
 * domain's own site. NULL: there is none, and Hall answers. */
const struct model_site *proxy_lead(const struct proxy_job *job, const struct model_site *site);

#endif
