#include "core/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/stream_internal.h"

enum {
    SHORT_MOST = 1024 * 1024, /* bytes: a request that moves no more is a short one */
    HEAD_MOST = 16384,        /* bytes: no request is longer that sends nothing but its head */
    ANSWER_MOST = 1000,       /* ms: an answer that takes longer is one that streams */
    BRIEF_MOST = 250,         /* ms: an answer is there at once */
    PASSED_LEAST = 1000,      /* ms: so long a pass explains bytes, however many looks there are */
    SLOTS_FIRST = 64,
    PINGS_MOST = 1000, /* bytes: more pings do not come from look to look */
};

/* ---- peers ---- */

static int compare_peers(const void *a, const void *b)
{
    const struct stream_peer *x = a, *y = b;
    const uint32_t left = ntohl(x->address.s_addr), right = ntohl(y->address.s_addr);

    if (left != right)
        return left < right ? -1 : 1;
    return (int)x->port - (int)y->port;
}

int streams_create(const struct stream_peer *peers, size_t n, struct streams **ret_streams)
{
    struct streams *streams = calloc(1, sizeof(*streams) + n * sizeof(streams->places[0]));

    if (!streams)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        streams->places[i].at = peers[i];
    /* The address and port come first in a place. */
    qsort(streams->places, n, sizeof(streams->places[0]), compare_peers);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare_peers(&streams->places[i], &streams->places[streams->n - 1]) != 0)
            streams->places[streams->n++] = streams->places[i];
    *ret_streams = streams;
    return 0;
}
_Static_assert(offsetof(struct place, at) == 0, "places are compared by their first member");

void streams_destroy(struct streams *streams)
{
    if (!streams)
        return;
    for (size_t i = 0; i < streams->n; i++)
        free(streams->places[i].peer);
    free(streams->now.slots);
    free(streams->before.slots);
    free(streams);
}

int streams_find(const struct streams *streams, struct stream_peer peer)
{
    const struct place *found =
        bsearch(&peer, streams->places, streams->n, sizeof(streams->places[0]), compare_peers);

    return found ? (int)(found - streams->places) : MODEL_NONE;
}

/* NULL: no memory. */
static struct peer *peer_of(struct streams *streams, int number)
{
    struct place *place = &streams->places[number];

    if (!place->peer) {
        place->peer = calloc(1, sizeof(*place->peer));
    }
    return place->peer;
}

void streams_came(struct streams *streams, int peer, int site, const char *who)
{
    struct peer *at = peer_of(streams, peer);

    if (!at)
        return;
    const uint32_t visitor = streams_visitor(who);
    struct came *came = &at->came[at->n_came % CAME_MAX];

    if (at->n_came > 0 && at->came[(at->n_came - 1) % CAME_MAX].who == visitor)
        came = &at->came[(at->n_came - 1) % CAME_MAX];
    else
        at->n_came++;
    came->who = visitor;
    came->site = site;
    text_copy(came->text, sizeof(came->text), who);
}

uint32_t streams_visitor(const char *who)
{
    const uint32_t number = (uint32_t)hash_add(HASH_START, who, strlen(who)) | 1;

    return number != WHO_SEVERAL ? number : 1;
}

/* ---- the table of connections ---- */

static struct connection *slot_of(const struct table *table, uint64_t cookie)
{
    size_t at = (size_t)(cookie * 0x9e3779b97f4a7c15U >> 20) & (table->size - 1);

    while (table->slots[at].cookie != 0 && table->slots[at].cookie != cookie)
        at = (at + 1) & (table->size - 1);
    return &table->slots[at];
}

static const struct connection *find(const struct table *table, uint64_t cookie)
{
    const struct connection *slot = table->size > 0 ? slot_of(table, cookie) : NULL;

    return slot && slot->cookie != 0 ? slot : NULL;
}

static int grow(struct table *table)
{
    struct table larger = {.size = table->size > 0 ? 2 * table->size : SLOTS_FIRST, .n = table->n};

    larger.slots = calloc(larger.size, sizeof(larger.slots[0]));
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->size; i++)
        if (table->slots[i].cookie != 0)
            *slot_of(&larger, table->slots[i].cookie) = table->slots[i];
    free(table->slots);
    *table = larger;
    return 0;
}

/* The one that held the look before the last becomes empty. A table much too large is given back.
 */
static void turn_over(struct streams *streams)
{
    const struct table old = streams->before;
    const bool too_large = old.size > SLOTS_FIRST && old.size > 8 * (streams->now.n + 1);

    streams->before = streams->now;
    streams->now = (struct table){0};
    if (too_large) {
        free(old.slots);
        return;
    }
    if (old.n > 0)
        memset(old.slots, 0, old.size * sizeof(old.slots[0]));
    streams->now.slots = old.slots;
    streams->now.size = old.size;
}

/* ---- what is seen ---- */

void streams_begin(struct streams *streams, int64_t now)
{
    const bool is_later = now - streams->passed_since >= PASSED_LEAST;

    turn_over(streams);
    streams->at = now;
    streams->looks++;
    if (is_later)
        streams->passed_since = now;
    for (size_t i = 0; i < streams->n; i++) {
        struct peer *peer = streams->places[i].peer;

        if (!peer)
            continue;
        if (is_later) {
            peer->before = peer->passes;
            peer->passes = (struct passes){0};
        }
        peer->opened = 0;
        peer->most = 0;
        peer->kind_before = peer->kind;
        peer->silent = 0;
        peer->counted = false;
    }
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static struct connection describe(const struct streams *streams, const struct socket_seen *seen)
{
    const struct connection *before = find(&streams->before, seen->cookie);
    struct connection one = before ? *before : (struct connection){.cookie = seen->cookie};

    one.known = before != NULL;
    one.in = grown(seen->received, one.received);
    one.out = grown(seen->sent, one.sent);
    one.received = seen->received;
    one.sent = seen->sent;
    one.last_in = streams->at - seen->quiet_in;
    one.last_out = streams->at - seen->quiet_out;
    one.waited = one.waiting;
    one.waiting = seen->sent > 0 && (seen->received == 0 || seen->quiet_out < seen->quiet_in);
    return one;
}

int streams_see(struct streams *streams, const struct socket_seen *seen)
{
    struct table *table = &streams->now;
    const int peer = streams_find(streams, seen->peer);

    if (peer == MODEL_NONE || seen->cookie == 0)
        return 0;
    if (!peer_of(streams, peer))
        return -ENOMEM;
    if (4 * (table->n + 1) > 3 * table->size) {
        const int error = grow(table);

        if (error < 0)
            return error;
    }
    struct connection *slot = slot_of(table, seen->cookie);

    table->n += slot->cookie == 0;
    *slot = describe(streams, seen);
    slot->peer = peer;
    return 0;
}

void streams_passed(struct streams *streams, int peer, const struct passes *passes)
{
    uint64_t n = 0;

    for (unsigned kind = 0; kind < PASS_KINDS; kind++)
        n += passes->n[kind];
    /* Its connection may be there only at the next look. */
    struct peer *at = n > 0 ? peer_of(streams, peer) : NULL;

    for (unsigned kind = 0; at && kind < PASS_KINDS; kind++)
        at->passes.n[kind] += passes->n[kind];
    if (at)
        at->opened += passes->n[PASS_WEBSOCKET];
    if (!at || passes->who == 0)
        return;
    at->passes.several |= passes->several || (at->passes.who != 0 && at->passes.who != passes->who);
    at->passes.who = passes->who;
}

size_t streams_open(const struct streams *streams)
{
    return streams->now.n;
}

/* ---- the judgement ---- */

/* A request that passed shortly before a look may move its bytes after it. */
static uint64_t passed(const struct peer *peer, enum pass_kind kind)
{
    return (uint64_t)peer->passes.n[kind] + peer->before.n[kind];
}

static uint64_t passed_at_all(const struct peer *peer)
{
    uint64_t n = 0;

    for (unsigned kind = 0; kind < PASS_KINDS; kind++)
        n += passed(peer, (enum pass_kind)kind);
    return n;
}

static bool only_monitors_passed(const struct peer *peer)
{
    return passed(peer, PASS_MONITOR) > 0 && passed(peer, PASS_MONITOR) == passed_at_all(peer);
}

/* No new request can have begun on it: it only answers, or is still being asked. */
static bool goes_on(const struct connection *one)
{
    return one->known && (one->out == 0 || (one->waited && one->in == 0));
}

/* Of this look and the one before. */
static uint32_t who_passed(const struct peer *peer)
{
    const uint32_t now = peer->passes.who, before = peer->before.who;

    if (peer->passes.several || peer->before.several)
        return WHO_SEVERAL;
    if (now == 0 || before == 0)
        return now | before;
    return now == before ? now : WHO_SEVERAL;
}

/* Of one that was in use the request may go on, beside that of another visitor. */
static void name_visitor(const struct peer *peer, struct connection *one)
{
    const uint32_t who = who_passed(peer);

    if (who == 0 || (one->websocket && passed(peer, PASS_WEBSOCKET) == 0))
        return;
    one->who = one->used && one->who != who ? WHO_SEVERAL : who;
}

/* A new request: whose is it? Of several candidates for one websocket each is marked. */
static void attribute(struct peer *peer, struct connection *one)
{
    if (one->out == 0 || goes_on(one))
        return;
    name_visitor(peer, one);
    one->monitor = only_monitors_passed(peer);
    one->websocket |= passed(peer, PASS_WEBSOCKET) > 0;
}

/* Between two looks far apart a request can begin and go on: by the times of its bytes, or by their
 * number while no answer comes. */
static bool is_under_way(const struct connection *one)
{
    return goes_on(one) || one->last_in - one->last_out > ANSWER_MOST ||
           (one->waiting && one->out > HEAD_MOST);
}

static bool is_short(const struct connection *one, uint64_t requests)
{
    return one->in + one->out <= SHORT_MOST * requests;
}

/* A connection that rests whenever nothing passes the gate, and moves when a monitor does, is not
 * the websocket that it was taken for. */
static bool is_websocket_in_use(const struct peer *peer, const struct connection *one)
{
    return !(one->gap && only_monitors_passed(peer) && is_short(one, passed(peer, PASS_MONITOR)));
}

/* Pings of HTTP/2 and their answers, in plain, by TLS 1.3 or by TLS 1.2: a proxy sends them on idle
 * connections too. */
static bool is_ping(const struct connection *one)
{
    static const uint64_t sizes[] = {17, 39, 46};

    if (one->in != one->out || one->in > PINGS_MOST)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        if (one->in % sizes[i] == 0)
            return true;
    return false;
}

/* Is what moved use, beside the visit that the gate has seen? */
static bool is_use(const struct peer *peer, const struct connection *one)
{
    const uint64_t requests = passed_at_all(peer);

    if (one->websocket)
        return is_websocket_in_use(peer, one);
    if (is_ping(one))
        return false;
    if (is_under_way(one))
        return !one->monitor || !is_short(one, 1);
    return requests == 0 || !is_short(one, requests);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t last_byte(const struct connection *one)
{
    return later(one->last_in, one->last_out);
}

/* More out than in is an upload once it cannot be a request's head alone. */
static enum stream_kind kind_of(const struct connection *one)
{
    if (one->websocket)
        return STREAM_WEBSOCKET;
    return one->out > one->in && one->sent > HEAD_MOST ? STREAM_UPLOAD : STREAM_DOWNLOAD;
}

static void add_figures(struct peer *peer, const struct connection *one, int64_t now)
{
    const int64_t number = now / BUCKET_MS;
    struct bucket *bucket = &peer->buckets[number % BUCKETS];

    if (bucket->number != number)
        *bucket = (struct bucket){.number = number};
    bucket->in += one->in;
    bucket->out += one->out;
}

static void count(struct streams *streams, struct peer *peer, struct connection *one)
{
    const uint64_t bytes = one->in + one->out;

    one->used = true;
    peer->user = peer->counted && peer->user != one->who ? WHO_SEVERAL : one->who;
    peer->counted = true;
    if (bytes >= peer->most) {
        peer->most = bytes;
        peer->kind = kind_of(one);
    }
    /* What moved before the first look is not of the last minute. */
    if (streams->looks > 1)
        add_figures(peer, one, streams->at);
}

static void note_silence(struct peer *peer, const struct connection *one)
{
    const int64_t last = last_byte(one);

    if (one->monitor || !(one->websocket || one->waiting) || last <= peer->silent)
        return;
    peer->silent = last;
    peer->silent_websocket = one->websocket;
    peer->silent_user = one->who;
}

/* Its bytes came after those of the request, so they may outlive a visit that is as short. */
static bool is_drawn_out(const struct connection *one)
{
    return one->last_in - one->last_out > BRIEF_MOST;
}

static void judge(struct streams *streams, struct connection *one)
{
    struct peer *peer = streams->places[one->peer].peer;
    const bool quiet_gate = passed_at_all(peer) == 0;

    attribute(peer, one);
    note_silence(peer, one);
    one->used = false;
    if (one->in + one->out == 0) {
        one->gap |= quiet_gate;
        return;
    }
    if (is_use(peer, one)) {
        count(streams, peer, one);
        peer->moved = later(peer->moved, last_byte(one));
        one->gap &= !quiet_gate;
    } else if (is_drawn_out(one) && !one->monitor && passed(peer, PASS_PERSON) > 0) {
        count(streams, peer, one);
        peer->answered = later(peer->answered, last_byte(one));
    }
}

static void forget_websockets(struct streams *streams, int peer)
{
    for (size_t i = 0; i < streams->now.size; i++)
        if (streams->now.slots[i].peer == peer)
            streams->now.slots[i].websocket = false;
}

/* As many marked connections have gone as websockets have passed: the others are none. */
static void bury(struct streams *streams)
{
    for (size_t i = 0; i < streams->before.size; i++) {
        const struct connection *old = &streams->before.slots[i];
        struct peer *peer = old->cookie != 0 ? streams->places[old->peer].peer : NULL;

        if (!peer || !old->websocket || find(&streams->now, old->cookie) || peer->websockets == 0)
            continue;
        peer->websockets--;
        if (peer->websockets == 0)
            forget_websockets(streams, old->peer);
    }
}

void streams_end(struct streams *streams)
{
    bury(streams);
    for (size_t i = 0; i < streams->n; i++) {
        struct peer *peer = streams->places[i].peer;

        if (peer)
            peer->websockets += peer->opened;
    }
    for (size_t i = 0; i < streams->now.size; i++)
        if (streams->now.slots[i].cookie != 0)
            judge(streams, &streams->now.slots[i]);
}

/* The next look is compared with the last whole one. */
void streams_undo(struct streams *streams)
{
    const struct table partial = streams->now;

    streams->now = streams->before;
    streams->before = partial;
}
