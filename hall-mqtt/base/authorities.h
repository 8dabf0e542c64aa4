/*
 * authorities: where this system keeps the certificates that it trusts, for an OpenSSL that was
 * built on another distribution and linked statically. A shared one knows its own place.
 */
#ifndef HALL_BASE_AUTHORITIES_H
#define HALL_BASE_AUTHORITIES_H

/* The first of the files that distributions use which exists below root ("" for the system's own),
 * without root in front; NULL where there is none. */
const char *authorities_find(const char *root);

/* Tells OpenSSL of it by SSL_CERT_FILE, unless the environment says so already. Before any thread
 * exists. */
void authorities_announce(void);

#endif
