/* Streams that stop of a sudden: a machine that is gone is seen sooner by what it was sending, or
 * by what it leaves unacknowledged, than by its checks. */
#include "hall/stream_watch_internal.h"
#include "loop/timer.h"

enum {
    GLANCE_MS = 400,          /* between two glances */
    STOPPED_MS = 500,         /* one that was in use, and is so long without a byte: perhaps */
    STOPPED_MOST_MS = 3000,   /* and after so long it has ended */
    STREAM_LEAST = 64 * 1024, /* bytes: what moved less was no stream */
    STALL_REST_MS = 5000,     /* until the fleet is told again */
    ACCURACY_US = 50000,
};

/* Sent bytes are no longer acknowledged; or many bytes came, and now none do. */
static bool has_stalled(const struct tcp_socket *socket)
{
    return socket->unheard ||
           (socket->received >= STREAM_LEAST && socket->quiet_in_ms >= STOPPED_MS &&
            socket->quiet_in_ms <= STOPPED_MOST_MS && socket->quiet_in_ms <= socket->quiet_out_ms);
}

static bool take_stalled(void *context, const struct tcp_socket *socket)
{
    struct stream_watch *at = context;
    const struct stream_peer *peer =
        upstreams_find(at->upstreams, &socket->remote, socket->remote_port);

    if (!peer || socket->inode == 0 || !has_stalled(socket))
        return true;
    const int found = streams_find(at->streams, *peer);
    for (size_t i = 0; i < at->model->n_sites; i++)
        if (at->peer_of[i] == found)
            at->watches[at->model->sites[i].server].stalled = true;
    return true;
}

static int on_glance(sd_event_source *source, uint64_t usec, void *context)
{
    struct stream_watch *at = context;
    const int64_t now = clock_now().boot;
    const uint16_t *ports;
    const size_t n = upstreams_ports(at->upstreams, &ports);
    bool again = false;

    (void)source;
    (void)usec;
    if (at->peers_stale || !at->sockets ||
        sockets_list_to(at->sockets, ports, n, take_stalled, at) < 0)
        return 0; /* the next look sees to it */
    for (size_t i = 0; i < at->model->n_servers; i++) {
        struct watch *watch = &at->watches[i];
        const bool stalled = watch->stalled && watch->in_use && watch->rest <= now;

        again |= watch->in_use;
        watch->stalled = false;
        if (!stalled)
            continue;
        watch->rest = now + STALL_REST_MS;
        turn_feed(at->turn, &(struct fleet_event){.kind = FLEET_STALLED, .server = (int)i});
    }
    if (again)
        loop_timer_set(at->glance, now + GLANCE_MS);
    return 0;
}

/* Where a look at all of them takes long, none is made in between. */
void stream_watch_glance_later(struct stream_watch *at)
{
    if (at->took_us * LOOK_SHARE / 1000 <= GLANCE_MS)
        loop_timer_set(at->glance, clock_now().boot + GLANCE_MS);
}

int stream_watch_glance_create(sd_event *loop, struct stream_watch *at)
{
    return loop_timer_create(loop, ACCURACY_US, on_glance, at, &at->glance);
}
