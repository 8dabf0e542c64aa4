/*
 * fetch: one HTTP GET of Hall's admin API, waited for. The only door of hallctl to libcurl. No
 * redirects, no proxy, ten seconds and 8 MiB at most. One thread.
 */
#ifndef HALL_HALLCTL_FETCH_H
#define HALL_HALLCTL_FETCH_H

#include "base/buf.h"

enum { FETCH_WHY_SIZE = 256, FETCH_BYTES_MAX = 8 << 20 };

/* ret_status is the HTTP status, body what came with it. api_key goes into X-API-Key; NULL: none.
 * -EHOSTUNREACH: no answer, ret_why says why; -ENOMEM. */
int fetch_get(const char *url, const char *api_key, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE]);

#endif
