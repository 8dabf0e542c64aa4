/*
 * stream: which open connections to upstreams are in use. A look hands in every connection there
 * is, with the bytes it has moved so far; the judge compares it with the look before and says what
 * goes on at each peer: a download, an upload, a websocket, a request that still waits for its
 * answer. Bytes of short requests that passed the gate are theirs and keep nobody awake; an idle
 * connection of a proxy's pool is not use. No clock, no I/O; it allocates when more connections
 * come. One owner (the loop thread).
 */
#ifndef HALL_CORE_STREAM_H
#define HALL_CORE_STREAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet.h"

/* Where connections lead: an upstream. */
struct stream_peer {
    struct in_addr address;
    uint16_t port; /* host byte order */
};

/* One connection, as the kernel describes its near end. */
struct socket_seen {
    uint64_t cookie; /* the kernel's name for it, never used twice */
    struct stream_peer peer;
    uint64_t received, sent;      /* bytes since it was opened; of those sent, what has arrived */
    uint32_t quiet_in, quiet_out; /* ms since the last data came, was sent */
};

/* What passed the gate to one site since the look before. A part of a page is no use by itself, but
 * it may be a long one: a film. */
enum pass_kind { PASS_PERSON, PASS_WEBSOCKET, PASS_PART, PASS_MONITOR };
enum { PASS_KINDS = 4 };
struct passes {
    uint32_t n[PASS_KINDS];
    uint32_t who; /* streams_visitor of one of them, monitors excepted; 0: there is none */
    bool several; /* and another one came */
};

struct streams;

/* The peers are copied; two equal ones are one. -ENOMEM. */
int streams_create(const struct stream_peer *peers, size_t n, struct streams **ret_streams);
void streams_destroy(struct streams *streams);
/* The peer's number, or MODEL_NONE. */
int streams_find(const struct streams *streams, struct stream_peer peer);

/* A number for a visitor, never 0. */
uint32_t streams_visitor(const char *who);
/* Who passed the gate to a peer last, and to which site. */
void streams_came(struct streams *streams, int peer, int site, const char *who);

/* One look: begin, each connection, the passes (read after the connections, so that every byte
 * that was seen comes after its pass), end. Of a look that was not whole: undo instead of end. */
void streams_begin(struct streams *streams, int64_t now);
int streams_see(struct streams *streams, const struct socket_seen *seen); /* -ENOMEM */
void streams_passed(struct streams *streams, int peer, const struct passes *passes);
void streams_end(struct streams *streams);
void streams_undo(struct streams *streams);

size_t streams_open(const struct streams *streams); /* connections that the last look saw */

/* How long use lasts after its last byte, ms. */
struct stream_terms {
    int64_t idle;
    bool silent; /* a silent websocket or open request counts, for as long as idle */
};
/* The site whose visitor uses a peer, else the one that was let through last; MODEL_NONE: not
 * known.
 */
int streams_site(const struct streams *streams, int peer);
/* What is in use at a peer, of that site; false: nothing. */
bool streams_use(const struct streams *streams, int peer, struct stream_terms terms,
                 struct stream_use *ret_use);

#endif
