/*
 * lease: why a server is awake. A set of leases of one server; the server should be on exactly
 * while one of them is alive. Kind and holder together name a lease: taking it again renews it.
 * Pure, fixed size.
 */
#ifndef HALL_CORE_LEASE_H
#define HALL_CORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lease_kind {
    LEASE_VISIT,
    LEASE_SCHEDULE,
    LEASE_ALWAYS_ON,
    LEASE_MANUAL,
    LEASE_HOLD,
    LEASE_AGENT,
    LEASE_DEPENDENT,
    LEASE_STREAM, /* last: the store keeps kinds by number */
};
/* What goes on at an open connection. */
enum stream_kind { STREAM_DOWNLOAD, STREAM_UPLOAD, STREAM_WEBSOCKET, STREAM_REQUEST };
enum { STREAM_KINDS = 4 };

enum { LEASE_KINDS = 8, LEASES_MAX = 10, LEASE_HOLDER_SIZE = 65, LEASE_LABEL_SIZE = 64 };
#define LEASE_FOREVER INT64_MAX
/* Holder of the `stream` that an agent reports: the name of its check. */
#define AGENT_STREAM "connections"

struct lease {
    int64_t since, renewed, until;  /* boot clock, ms; until LEASE_FOREVER: no end known */
    char holder[LEASE_HOLDER_SIZE]; /* project, domain, name of the hold, who commanded */
    char label[LEASE_LABEL_SIZE];   /* reason for people; may be "" */
    enum lease_kind kind;
};

struct lease_set {
    size_t n;
    struct lease leases[LEASES_MAX];
};

/* Takes or renews. A renewal keeps since; until and label become the new ones. False when the set
 * is full. */
bool lease_take(struct lease_set *set, enum lease_kind kind, const char *holder, const char *label,
                int64_t now, int64_t until);
/* Ends one. False if there was none. */
bool lease_release(struct lease_set *set, enum lease_kind kind, const char *holder);
/* Ends all of a kind; how many. */
size_t lease_release_kind(struct lease_set *set, enum lease_kind kind);
/* Removes those whose until has come; how many. */
size_t lease_expire(struct lease_set *set, int64_t now);

const struct lease *lease_find(const struct lease_set *set, enum lease_kind kind,
                               const char *holder);
/* The latest until of all; 0 when there is none. */
int64_t lease_awake_until(const struct lease_set *set);
/* The earliest until; LEASE_FOREVER when none ends. */
int64_t lease_next_end(const struct lease_set *set);

/* A number that tells two sets with other holders apart; renewals leave it. 0 for an empty
 * set. */
uint32_t lease_mark(const struct lease_set *set);

/* Does a policy, a hold or another server want it? It wakes a server that is found down. */
bool lease_is_standing(enum lease_kind kind);
bool lease_is_of_agent(const struct lease *lease); /* what an agent reported as in use */
const char *lease_kind_name(enum lease_kind kind);
const char *stream_kind_name(enum stream_kind kind); /* "download" ... */

#endif
