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

/* NULL: it is not known, or not any more. */
static const struct came *find_visitor(const struct peer *peer, uint32_t who)
{
    for (uint32_t i = peer->n_came; i > 0 && peer->n_came - i < CAME_MAX; i--)
        if (peer->came[(i - 1) % CAME_MAX].who == who)
            return &peer->came[(i - 1) % CAME_MAX];
    return NULL;
}

static const char *visitor(const struct peer *peer, uint32_t who)
{
    const struct came *came = find_visitor(peer, who);

    return came ? came->text : "";
}

static struct fact moving(const struct streams *streams, const struct peer *peer)
{
    struct fact fact = FACT(STREAM_MOVING, .word = (uint8_t)peer->kind,
                            .n = {(int64_t)last_minute(peer, streams->at)});

    if (peer->user == WHO_SEVERAL)
        fact.parts[0].code = FACT_STREAM_SEVERAL;
    return fact_with(fact, visitor(peer, peer->user), NULL);
}

static struct fact silent(const struct streams *streams, const struct peer *peer)
{
    const enum stream_kind kind = peer->silent_websocket ? STREAM_WEBSOCKET : STREAM_REQUEST;

    return fact_with(FACT(STREAM_SILENT, .word = (uint8_t)kind, .n = {streams->at - peer->silent}),
                     visitor(peer, peer->silent_user), NULL);
}

static bool peer_use(const struct streams *streams, const struct peer *at,
                     struct stream_terms terms, struct stream_use *ret_use)
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
        (struct stream_use){.site = MODEL_NONE,
                            .what = moves > streams->at ? moving(streams, at) : silent(streams, at),
                            .until = later(moves, rests),
                            .renamed = moves > 0 && at->kind != at->kind_before};
    return true;
}

int streams_site(const struct streams *streams, int peer)
{
    const struct peer *at = streams->places[peer].peer;

    if (!at || at->n_came == 0)
        return MODEL_NONE;
    const struct came *user = find_visitor(at, at->moved > at->silent ? at->user : at->silent_user);

    return user ? user->site : at->came[(at->n_came - 1) % CAME_MAX].site;
}

bool streams_use(const struct streams *streams, int peer, struct stream_terms terms,
                 struct stream_use *ret_use)
{
    const struct peer *at = streams->places[peer].peer;

    return at && peer_use(streams, at, terms, ret_use);
}
