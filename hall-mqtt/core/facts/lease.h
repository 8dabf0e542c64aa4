/*
 * lease: why a server is awake. A set of leases of one server; the server should be on exactly
 * while one of them is alive. Kind, subject and holder together name a lease: taking it again
 * renews it. Each site, domain and server that can hold one has its place in the set, and so has
 * what the agent reports; what people and programs ask for by name has LEASES_ASKED_MAX places.
 * Pure; the room is the caller's.
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

enum {
    LEASE_KINDS = 8,
    LEASES_ASKED_MAX = 128, /* holds and wake commands of one server at once */
    LEASES_AGENT_MAX = 32,  /* of what its agent reports */
    LEASE_HOLDER_SIZE = 65,
    LEASE_TEXT_SIZE = 136, /* a holder and what a person says, whole */
};
#define LEASE_FOREVER INT64_MAX
/* Holder of the `stream` that an agent reports: the name of its check. */
#define AGENT_STREAM "connections"
/* Holder of what an agent reports in words, without a code that names the check. */
#define AGENT_WORDS "agent"
/* Name of the hold that the switch of that name takes. */
#define KEEP_AWAKE "keep_awake"

struct lease {
    int64_t since, renewed, until; /* boot clock, ms; until LEASE_FOREVER: no end known */
    int64_t ends;                  /* wall, ms: its end was named as this instant; 0: as a span */
    int64_t told; /* wall, ms: of a span that the broker keeps, the end that stands there; else 0 */
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
    size_t n, room;
    struct lease *leases; /* [room] */
};

/* How many places those have who hold by what they are. */
struct lease_holders {
    size_t sites, domains, servers;
};
/* The places of a set: those of these, and those of agents, people and programs. */
size_t lease_room(const struct lease_holders *holders);

/* Takes or renews. A renewal keeps since; until and why (of which only the first code is kept;
 * NULL: nothing) become the new ones. False: as many of its sort are there as may be. */
bool lease_take(struct lease_set *set, enum lease_kind kind, int subject, const char *holder,
                const struct fact *why, int64_t now, int64_t until);
/* A copy of one, as it was, where it has a place and is not there yet. */
void lease_put(struct lease_set *set, const struct lease *lease);
/* A hold with these members. False: as lease_take. */
struct lease_end {
    int64_t until, ends, told;
};
bool lease_hold(struct lease_set *set, const char *name, const struct fact *why,
                struct lease_end end, int64_t now);
/* Is this end, as the broker has it, the one of a span that this hold is? */
bool lease_is_told(const struct lease *lease, int64_t ends);
/* The wall clock was set: ends that were named as instants stand elsewhere on the boot clock; */
void lease_clock_was_set(struct lease_set *set, struct now now);
/* and what the broker is to have of spans is said by the new one. */
void lease_tell_again(struct lease_set *set, struct now now);
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
