/* proxy_nginx: what the whole file for nginx and the parts to paste into others' share. */
#ifndef HALL_BRIDGES_PROXY_PROXY_NGINX_H
#define HALL_BRIDGES_PROXY_PROXY_NGINX_H

#include "bridges/proxy/proxy_internal.h"

extern const char proxy_nginx_closed[]; /* "location @hall_closed" */

/* What the visitor said is overwritten, whatever it was. The host is the one nginx routes by. */
#define PROXY_NGINX_FORWARDED(indent_)                                                             \
    indent_ "proxy_set_header Host $host$hall_port;\n" indent_                                     \
            "proxy_set_header X-Forwarded-Host $host$hall_port;\n" indent_                         \
            "proxy_set_header X-Forwarded-Uri $request_uri;\n" indent_                             \
            "proxy_set_header X-Forwarded-Method $request_method;\n" indent_                       \
            "proxy_set_header X-Forwarded-Proto $scheme;\n"

/* A comment: what happens while Hall does not answer. */
const char *proxy_nginx_mode(const struct proxy_job *job);

/* Such lines for a location that asks Hall: what Hall reads of the request, and no other header.
 * The site that Hall shall read is in $hall_site. */
void proxy_nginx_put_hall(struct proxy_job *job, const char *uri, int64_t wait_s);

/* Sets $hall_site. */
void proxy_nginx_put_name(struct proxy_job *job, const struct model_site *site);

/* Leads to that upstream from the location of path and slash ("/x" and "/"). */
void proxy_nginx_put_pass(struct proxy_job *job, const struct model_site *lead, const char *path,
                          const char *slash);

/* False: it cannot be said in nginx's language; that is reported. */
bool proxy_nginx_is_fit(struct proxy_job *job, const struct model_site *site);

/* What stands inside the server block of a domain that somebody else writes. */
void proxy_nginx_put_snippet(struct proxy_job *job, const struct model_domain *domain);

#endif
