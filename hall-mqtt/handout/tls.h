/*
 * tls: the only door to OpenSSL: the throw-away key and certificate of one run, and connections on
 * which they are spoken. Nobody is to trust the certificate: who connects compares its public key
 * with the pin of the line that was pasted. TLS 1.3 alone, no tickets, no sessions, no early data.
 */
#ifndef HALL_HANDOUT_TLS_H
#define HALL_HANDOUT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PIN_SIZE = 48 }; /* SHA-256 in base64 with NUL */

struct tls_identity;

/* The pin is the SHA-256 of the public key, as curl's --pinnedpubkey has it (RFC 7469, section
 * 2.4). NULL: the library fails. */
struct tls_identity *tls_identity_create(char ret_pin[PIN_SIZE]);
void tls_identity_destroy(struct tls_identity *identity); /* accepts NULL */

struct tls {
    void *session;
    short wanted; /* what poll is to wait for after -EAGAIN */
};

/* The server's side of a connection on a socket that does not block, which stays the caller's.
 * -ENOMEM. */
int tls_open(struct tls_identity *identity, int fd, struct tls *ret_tls);
void tls_close(struct tls *tls);

/* Bytes, at least one; -EAGAIN; -EPIPE: it is over. The first of these make the handshake. */
ssize_t tls_read(struct tls *tls, void *out, size_t size);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t length);
/* Says that no more comes: 0, -EAGAIN, -EPIPE. */
int tls_end(struct tls *tls);

/* Same bytes? In a time that depends on the length alone. */
bool tls_equal(const void *a, const void *b, size_t length);

#endif
