/*
 * doctor: what stands in the way of a wake, each line with the command that mends it. A check is a
 * row of doctor_checks: `gather` finds facts and decides nothing, `judge` makes findings of them
 * and is pure. Each gather runs in a process of its own, beside the others, and writes into memory
 * that it shares with the doctor, who ends it when its time is over and judges what is there: facts
 * that are all zero say nothing, and each list of facts only counts what is complete. Nothing is
 * changed, and nobody is asked who is not configured.
 */
#ifndef HALL_HALLCTL_DOCTOR_DOCTOR_H
#define HALL_HALLCTL_DOCTOR_DOCTOR_H

#include "base/json.h"
#include "hallctl/hallctl.h"
#include "say/say_doctor.h"

enum {
    DOCTOR_MS = 12000,     /* all checks */
    FINDINGS_MAX = 4096,   /* what is more is left out */
    DOCTOR_SERVERS = 256,  /* servers looked at; more are looked at by their names */
    DOCTOR_NAMES = 128,    /* domains, upstreams */
    DOCTOR_WORD = 64,      /* ids, states, names of interfaces and programs */
    DOCTOR_WHY = 200,      /* words of others */
    DOCTOR_HOST = 256,     /* host names, with a port; paths */
    DOCTOR_LISTENERS = 16, /* addresses of gateway and admin */
};

/* What is known before anything is looked at. */
struct doctor {
    const struct call *call;
    const char *file;            /* of the configuration */
    const struct config *config; /* NULL: none, or not a valid one */
    const struct settings *settings;
    const char *root; /* "" or the folder that stands for / : of files alone; for tests */
};

struct findings {
    struct doctor_finding *all;
    size_t n, size;
};

/* Adds one, with its values in the order of its row; NULL ends them. What has no room is left out.
 */
void findings_add(struct findings *findings, enum doctor_code code, ...) __attribute__((sentinel));
/* A number as a value, in a buffer that lives until the end of the expression. */
#define COUNT(n_) doctor_count((char[24]){0}, (long long)(n_))
const char *doctor_count(char text[24], long long n);

struct doctor_check {
    const char *name; /* for people: what it looks at */
    size_t size;      /* of its facts */
    void (*gather)(const struct doctor *doctor, void *facts);
    void (*judge)(const void *facts, struct findings *findings);
};

extern const struct doctor_check configuration_check; /* configuration.c: file, secrets' modes */
extern const struct doctor_check broker_check;        /* broker.c: reachable, login, rights */
extern const struct doctor_check bus_check;           /* bus.c: Hall, versions, servers */
extern const struct doctor_check network_check;       /* network.c: interfaces, broadcasts */
extern const struct doctor_check ping_check;          /* ping.c */
extern const struct doctor_check clock_check;         /* clock.c */
extern const struct doctor_check ports_check;         /* listeners.c: Hall's listeners */
extern const struct doctor_check dns_check;           /* dns.c: domains, upstreams */
extern const struct doctor_check proxy_check;         /* proxy.c: headers, routers, namespace */
extern const struct doctor_check disk_check;          /* disk.c: the store's folder */
extern const struct doctor_check units_check;         /* units.c: systemd */
extern const struct doctor_check certificate_check;   /* certificate.c: broker, upstreams */

/* Runs all of them, at most DOCTOR_MS, and adds what they find. */
void doctor_examine(const struct doctor *doctor, const struct doctor_check *const *checks, size_t n,
                    int64_t limit_ms, struct findings *findings);

/* ---- for the checks ---- */

/* A path below the root; cut paths are "". Returns out. */
const char *doctor_path(const struct doctor *doctor, const char *path, char out[DOCTOR_HOST]);
/* The first bytes of a file, NUL-terminated; how many, or -errno. */
int doctor_read(const struct doctor *doctor, const char *path, char *out, size_t size);
/* Is it one of this machine's addresses? Loopback is. */
bool doctor_is_here(struct in_addr address);
/* Does work(context, i) for each i < n (at most DOCTOR_NAMES), beside each other: each waits. */
void doctor_beside(size_t n, void (*work)(void *context, size_t i), void *context);
/* Who listens on a port of this machine, "nginx, 1234"; "" where nobody is seen: other users'
 * programs are for root. (listeners.c) */
void doctor_owner(const struct doctor *doctor, unsigned port, char who[DOCTOR_WORD]);
/* Has Hall an API here, as far as the configuration tells? (api.c) */
bool doctor_has_api(const struct doctor *doctor);
/* What is at /api/v1PATH; the caller frees it. -ENOKEY: no API, or no key to it; -EACCES,
 * -EHOSTUNREACH: ret_why says why; -EBADMSG. */
int doctor_api(const struct doctor *doctor, const char *path, struct json **ret_json,
               char ret_why[DOCTOR_WHY]);
/* Asks the resolver. 0 with the first IPv4 address (0.0.0.0: it has only IPv6), or an error for
 * gai_strerror. */
int doctor_resolve(const char *host, struct in_addr *ret_address);

#endif
