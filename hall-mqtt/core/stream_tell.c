/* What goes on at a peer, in the words and figures of a lease. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "core/stream_internal.h"

enum {
    WINDOW_MOST = 120000, /* ms: use ends so long after its last byte, or after idle */
    SILENT_LEAST = 1000,  /* ms: before that a request is merely under way */
    FIGURES_SIZE = 32,    /* "999 bytes in the last minute" */
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

static void say_bytes(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double number = (double)bytes / 1000;
    size_t unit = 0;

    while (number >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
        number /= 1000;
        unit++;
    }
    if (bytes < 1000)
        snprintf(out, size, "%u bytes", (unsigned)bytes);
    else
        snprintf(out, size, number < 9.95 ? "%.1f %s" : "%.0f %s", number, units[unit]);
}

static void say_silence(int64_t ms, char *out, size_t size)
{
    if (ms < 90000)
        snprintf(out, size, "silent for %lld s", (long long)(ms / 1000));
    else
        snprintf(out, size, "silent for %lld min", (long long)(ms / 60000));
}

/* A long address gives way, so that the figures always fit. */
static void label(const struct peer *peer, enum stream_kind kind, const char *figures,
                  char out[LEASE_LABEL_SIZE])
{
    const char *name = stream_kind_name(kind);
    const size_t taken = strlen(name) + strlen(" from , ") + strlen(figures);
    char who[sizeof(peer->who)];
    size_t room = LEASE_LABEL_SIZE - taken;

    room = room < sizeof(who) ? room : sizeof(who);
    text_show(who, room, peer->who, strlen(peer->who));
    snprintf(out, LEASE_LABEL_SIZE, "%s%s%s, %s", name, who[0] ? " from " : "", who, figures);
}

static void label_moving(const struct streams *streams, const struct peer *peer,
                         char out[LEASE_LABEL_SIZE])
{
    char bytes[24], figures[FIGURES_SIZE];

    say_bytes(last_minute(peer, streams->at), bytes, sizeof(bytes));
    snprintf(figures, sizeof(figures), "%.12s in the last minute", bytes);
    label(peer, peer->kind, figures, out);
}

static void label_silent(const struct streams *streams, const struct peer *peer,
                         char out[LEASE_LABEL_SIZE])
{
    char figures[FIGURES_SIZE];

    say_silence(streams->at - peer->silent, figures, sizeof(figures));
    label(peer, peer->silent_websocket ? STREAM_WEBSOCKET : STREAM_REQUEST, figures, out);
}

static bool peer_use(const struct streams *streams, const struct peer *at,
                     struct stream_terms terms, int *ret_site, struct stream_use *ret_use)
{
    const int64_t window = terms.idle < WINDOW_MOST ? terms.idle : WINDOW_MOST;
    /* The visit outlives a short request, unless the idle time is so short that its bytes do. */
    const int64_t moved = terms.idle <= WINDOW_MOST ? later(at->moved, at->answered) : at->moved;
    const int64_t moving = moved > 0 ? moved + window : 0;
    const bool waits = terms.silent && at->silent > 0 && streams->at - at->silent >= SILENT_LEAST;
    const int64_t silent = waits ? at->silent + terms.idle : 0;

    if (later(moving, silent) <= streams->at)
        return false;
    *ret_use = (struct stream_use){.until = later(moving, silent),
                                   .renamed = moving > 0 && at->kind != at->kind_before};
    if (moving > streams->at)
        label_moving(streams, at, ret_use->label);
    else
        label_silent(streams, at, ret_use->label);
    *ret_site = at->site;
    return true;
}

bool streams_use(const struct streams *streams, int peer, struct stream_terms terms, int *ret_site,
                 struct stream_use *ret_use)
{
    const struct peer *at = streams->places[peer].peer;

    return at && peer_use(streams, at, terms, ret_site, ret_use);
}
