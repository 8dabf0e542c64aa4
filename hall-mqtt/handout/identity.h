/*
 * identity: the throw-away key and certificate of one run, and the context in which TLS is spoken
 * with them. Nobody is to trust the certificate: who connects compares its public key with the pin
 * of the line that was pasted. TLS 1.3 alone, no tickets, no sessions, no early data.
 */
#ifndef HALL_HANDOUT_IDENTITY_H
#define HALL_HANDOUT_IDENTITY_H

#include <openssl/ssl.h>

enum { PIN_SIZE = 48 }; /* SHA-256 in base64 with NUL */

/* The pin is the SHA-256 of the public key, as curl's --pinnedpubkey has it (RFC 7469, section
 * 2.4). NULL: the library fails. */
SSL_CTX *identity_create(char ret_pin[PIN_SIZE]);

#endif
