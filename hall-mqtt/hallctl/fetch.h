/*
 * fetch: one HTTP GET, waited for, and a look at a certificate. The only door of hallctl to
 * libcurl. No redirects, no proxy, ten seconds and 8 MiB at most. One thread.
 */
#ifndef HALL_HALLCTL_FETCH_H
#define HALL_HALLCTL_FETCH_H

#include <stdbool.h>

#include "base/buf.h"

enum { FETCH_WHY_SIZE = 256, FETCH_BYTES_MAX = 8 << 20 };

/* ret_status is the HTTP status, body what came with it. api_key goes into X-API-Key; NULL: none.
 * -EHOSTUNREACH: no answer, ret_why says why; -ENOMEM. */
int fetch_get(const char *url, const char *api_key, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE]);

/* How else it is asked; zeroed as above. */
struct fetch_how {
    const char *api_key;        /* or NULL */
    const char *via;            /* ADDRESS:PORT to connect to, whatever the URL says; or NULL */
    bool insecure;              /* whatever certificate it has */
    long limit_ms;              /* 0: ten seconds */
    bool head;                  /* HEAD in place of GET */
    const char *const *headers; /* more of them, "NAME: VALUE", NULL at their end; or NULL */
};
int fetch_ask(const char *url, const struct fetch_how *how, struct buf *body, long *ret_status,
              char ret_why[FETCH_WHY_SIZE]);

/* Only the handshake of TLS with HOST:PORT; pem is the certificate it shows. verify: by this file
 * of authorities, or by the system's (NULL). -EHOSTUNREACH, ret_why says why; -ENOMEM. */
int fetch_certificate(const char *endpoint, bool verify, const char *ca, struct buf *pem,
                      char ret_why[FETCH_WHY_SIZE]);

#endif
