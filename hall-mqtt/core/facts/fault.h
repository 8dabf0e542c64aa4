/*
 * fault: why a check does not pass, as a code and one number. hall_say makes a sentence of it, as a
 * FACT_CHECK_... . Pure.
 */
#ifndef HALL_CORE_FACTS_FAULT_H
#define HALL_CORE_FACTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_code {
    FAULT_NONE,
    FAULT_SILENT,          /* nothing came back */
    FAULT_REFUSED,         /* the connection was refused */
    FAULT_STATUS,          /* an HTTP status that is not expected: the number */
    FAULT_SLOW,            /* connected, but no answer within so many seconds: the number */
    FAULT_CLOSED,          /* connected, and closed without an answer */
    FAULT_UNRESOLVED,      /* the host name has no address */
    FAULT_SELF_SIGNED,     /* the certificate is its own authority, and not trusted */
    FAULT_UNTRUSTED,       /* the authority of the certificate is not trusted */
    FAULT_EXPIRED,         /* the certificate has expired */
    FAULT_NOT_YET_VALID,   /* the certificate is not valid yet */
    FAULT_WRONG_NAME,      /* the certificate is for another name */
    FAULT_BAD_CERTIFICATE, /* otherwise refused: the number is X509_V_ERR_... of OpenSSL */
    FAULT_CA_FILE,         /* the file with the authorities cannot be read */
    FAULT_NO_TLS,          /* what answers does not speak TLS, or another version of it */
    FAULT_UNABLE,          /* the check cannot be made on this machine */
    FAULT_NO_AGENT,        /* its agent is not online */
};
enum { FAULTS = 17 };

struct fault {
    uint8_t code; /* enum fault_code */
    uint16_t number;
};

/* The code as others see it: "certificate.expired"; FAULT_NONE is NULL. */
const char *fault_name(enum fault_code code);

/* A fault of the certificate or of its authorities: it does not pass by itself. */
bool fault_is_of_tls(enum fault_code code);

#endif
