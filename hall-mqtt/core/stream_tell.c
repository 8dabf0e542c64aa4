/* What goes on at a peer, as a fact with its figures. */
#include "core/stream_internal.h"

enum {
    WINDOW_MOST = 120000, /* ms: use ends so long after its last byte, or after idle */
    SILENT_LEAST = 1000,  /* ms: before that a request is merely under way */
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static uint64_t last_minute(const struct peer *peer, int64_t now)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < BUCKETS; i++)
        if (peer->buckets[i].number > now / BUCKET_MS - BUCKETS)
            bytes += peer->buckets[i].in + peer->buckets[i].out;
    return bytes;
}

static struct fact moving(const struct streams *streams, const struct peer *peer)
{
    return fact_with(FACT(STREAM_MOVING, .word = (uint8_t)peer->kind,
                          .n = {(int64_t)last_minute(peer, streams->at)}),
                     peer->who, NULL);
}

static struct fact silent(const struct streams *streams, const struct peer *peer)
{
    const enum stream_kind kind = peer->silent_websocket ? STREAM_WEBSOCKET : STREAM_REQUEST;

    return fact_with(FACT(STREAM_SILENT, .word = (uint8_t)kind, .n = {streams->at - peer->silent}),
                     peer->who, NULL);
}

static bool peer_use(const struct streams *streams, const struct peer *at,
                     struct stream_terms terms, int *ret_site, struct stream_use *ret_use)
{
    const int64_t window = terms.idle < WINDOW_MOST ? terms.idle : WINDOW_MOST;
    /* The visit outlives a short request, unless the idle time is so short that its bytes do. */
    const int64_t moved = terms.idle <= WINDOW_MOST ? later(at->moved, at->answered) : at->moved;
    const int64_t moves = moved > 0 ? moved + window : 0;
    const bool waits = terms.silent && at->silent > 0 && streams->at - at->silent >= SILENT_LEAST;
    const int64_t rests = waits ? at->silent + terms.idle : 0;

    if (later(moves, rests) <= streams->at)
        return false;
    *ret_use =
        (struct stream_use){.site = at->site,
                            .what = moves > streams->at ? moving(streams, at) : silent(streams, at),
                            .until = later(moves, rests),
                            .renamed = moves > 0 && at->kind != at->kind_before};
    *ret_site = at->site;
    return true;
}

bool streams_use(const struct streams *streams, int peer, struct stream_terms terms, int *ret_site,
                 struct stream_use *ret_use)
{
    const struct peer *at = streams->places[peer].peer;

    return at && peer_use(streams, at, terms, ret_site, ret_use);
}
