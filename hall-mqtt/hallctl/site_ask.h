/*
 * site_ask: does a proxy bring a site's visitors to Hall? Only Hall's own helper is asked for,
 * which wakes nothing.
 */
#ifndef HALL_HALLCTL_SITE_ASK_H
#define HALL_HALLCTL_SITE_ASK_H

#include "hallctl/fetch.h"

enum proxy_answer { PROXY_UNASKED, PROXY_SILENT, PROXY_IS_HALL, PROXY_NO_HOST, PROXY_IS_OTHER };

/* scheme: "http" or "https", via: ADDRESS:PORT of the proxy, agent: the header line "User-Agent:
 * ..." or NULL. ret_why: why nobody answers (PROXY_SILENT), else empty. */
enum proxy_answer site_ask(const char *scheme, const char *host, const char *via, const char *agent,
                           char ret_why[FETCH_WHY_SIZE]);

#endif
