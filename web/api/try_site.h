/*
 * fetch: one HTTP request by libcurl, on the caller's thread, to see what a site answers. Bounded
 * in time; the body is not read; redirects are not followed; certificates are verified.
 */
#ifndef HALL_WEB_API_TRY_SITE_H
#define HALL_WEB_API_TRY_SITE_H

#include <stddef.h>
#include <stdint.h>

/* 0 with the status, or -EIO with a sentence. */
int fetch_status(const char *url, int64_t limit_ms, long *ret_status, char *ret_why, size_t size);

#endif
