/*
 * script: what a machine runs to become one of Hall's, a server with an agent or a relay: a POSIX
 * shell script that is the same for all (enroll.sh), behind the words of this one; and the line
 * that fetches it. Every word is quoted for the shell, whatever it has in it. Pure.
 */
#ifndef HALL_HALLCTL_ENROLL_SCRIPT_H
#define HALL_HALLCTL_ENROLL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    ENROLL_TOKEN_SIZE = 33, /* 32 characters of base64url, and NUL */
    ENROLL_SHA256_SIZE = 65,
    ENROLL_MACHINE_SIZE = 16,
    ENROLL_PACKAGES_MAX = 3,
    ENROLL_SCRIPT_LIMIT = 96 << 20,
};

struct enroll_package {
    char machine[ENROLL_MACHINE_SIZE]; /* "x86_64", "aarch64", "armv7l" */
    char token[ENROLL_TOKEN_SIZE];     /* "": it is carried */
    char sha256[ENROLL_SHA256_SIZE];   /* lower case */
    char *bytes;
    size_t length;
};

/* What a machine becomes. */
struct enroll_kind {
    const char *role;    /* "agent": the files /etc/hall/agent.json and agent.env */
    const char *program; /* "hall-agent": its unit and its packages are named so, too */
    const char *user;    /* of its unit, who may put the machine to sleep; "": the unit makes one */
    const char *option;  /* of hallctl enroll, before the id: "", "--relay " */
};
extern const struct enroll_kind enroll_agent, enroll_relay;

/* What its program is told in its file. */
struct enroll_machine {
    const struct enroll_kind *kind;
    const char *id;
    const char *broker;     /* "mqtts://hall.lan:8883" */
    const char *base_topic; /* NULL: the default */
    const char *interface;  /* NULL: that of the default route */
    bool docker;
};

struct enroll_script {
    struct enroll_machine machine;
    int64_t made;         /* when, in seconds since 1970 */
    const char *ca;       /* PEM */
    const char *password; /* of its user at the broker */
    const char *url;      /* "https://192.168.1.2:8885", NULL: everything is carried */
    const char *pin;      /* base64 of the SHA-256 of the public key there */
    const char *commit;   /* the token that has the password taken */
    const struct enroll_package *packages;
    size_t n_packages;
};

/* agent.json, relay.json. */
void enroll_write_config(const struct enroll_machine *machine, struct buf *out);
void enroll_write_script(const struct enroll_script *script, struct buf *out);
/* One line, for any shell that knows '...': fetches URL/TOKEN with curl or wget and runs it. */
void enroll_write_line(const char *url, const char *pin, const char *token, struct buf *out);

/* The text as one word of a POSIX shell. */
void enroll_quote(const char *text, struct buf *out);
/* Are these certificates and nothing else, above all no key? */
bool enroll_is_certificates(const char *text, size_t length);

#endif
