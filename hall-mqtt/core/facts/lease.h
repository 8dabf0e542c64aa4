/*
 * lease: why a server is awake. A set of leases of one server; the server should be on exactly
 * while one of them is alive. Kind, subject and holder together name a lease: taking it again
 * renews it. Pure, fixed size.
 */
#ifndef HALL_CORE_FACTS_LEASE_H
#define HALL_CORE_FACTS_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/fact.h"

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

enum { LEASE_KINDS = 8, LEASES_MAX = 10, LEASE_HOLDER_SIZE = 65, LEASE_TEXT_SIZE = 104 };
#define LEASE_FOREVER INT64_MAX
/* Holder of the `stream` that an agent reports: the name of its check. */
#define AGENT_STREAM "connections"
/* Holder of what an agent reports in words, without a code that names the check. */
#define AGENT_WORDS "agent"
/* Name of the hold that the switch of that name takes. */
#define KEEP_AWAKE "keep_awake"

struct lease {
    int64_t since, renewed, until; /* boot clock, ms; until LEASE_FOREVER: no end known */
    enum lease_kind kind;
    int subject; /* visit, stream: its site; schedule, always_on: its domain; dependent: the server
                    that needs it; MODEL_NONE: an always_on of the server itself, and all others */
    char holder[LEASE_TEXT_SIZE]; /* of the others: name of the hold, who commanded, the check of
                                     the agent, up to LEASE_HOLDER_SIZE; else "". Behind its end
                                     are the texts of `why`, each with its own */
    struct fact_part why;         /* what is known besides: of a hold why, of a stream what goes
                                     on, of an agent its veto, of a manual one how it began */
};

struct lease_set {
    size_t n;
    struct lease leases[LEASES_MAX];
};

/* Takes or renews. A renewal keeps since; until and why (of which only the first code is kept;
 * NULL: nothing) become the new ones. False when the set is full. */
bool lease_take(struct lease_set *set, enum lease_kind kind, int subject, const char *holder,
                const struct fact *why, int64_t now, int64_t until);
/* Ends one. False if there was none. */
bool lease_release(struct lease_set *set, enum lease_kind kind, int subject, const char *holder);
/* Ends all of a kind; how many. */
size_t lease_release_kind(struct lease_set *set, enum lease_kind kind);
/* Removes those whose until has come; how many. */
size_t lease_expire(struct lease_set *set, int64_t now);

const struct lease *lease_find(const struct lease_set *set, enum lease_kind kind, int subject,
                               const char *holder);
/* The one that lives longest; of several, the first. NULL: there is none. */
const struct lease *lease_longest(const struct lease_set *set);
/* The latest until of all; 0 when there is none. */
int64_t lease_awake_until(const struct lease_set *set);
/* The earliest until; LEASE_FOREVER when none ends. */
int64_t lease_next_end(const struct lease_set *set);

/* A number that tells two sets with other holders apart; renewals leave it. 0 for an empty
 * set. */
uint32_t lease_mark(const struct lease_set *set);

/* Does a policy, a hold or another server want it? It wakes a server that is found down. */
bool lease_is_standing(enum lease_kind kind);
/* Why the server is awake, and why it is woken, where this lease is the reason. */
struct fact lease_fact(const struct lease *lease, int server, struct now now);
struct fact lease_cause(const struct lease *lease, int server);
/* Keeps the first code of a fact as `why`; NULL: none. */
void lease_say(struct lease *lease, const struct fact *why);
/* What `why` was, whole. */
struct fact lease_why(const struct lease *lease);
/* The name of who holds it: of the site, domain or server, else the holder. */
const char *lease_holder(const struct lease *lease, const struct model *model, int server);

bool lease_is_of_agent(const struct lease *lease); /* what an agent reported as in use */
const char *lease_kind_name(enum lease_kind kind);
const char *stream_kind_name(enum stream_kind kind); /* "download" ... */

#endif
