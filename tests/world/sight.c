/* The look at the connections, by the real core/stream.c, at the times and with the rules of
 * hall-mqtt/hall/stream_watch.c. */
#include <arpa/inet.h>

#include "world.h"

enum { LOOK_OPEN = 5000, LOOK_QUIET = 15000, LOOK_LEAST = 500 };

static void on_look(struct world *world, const struct moment *moment);

static void arm(struct world *world, int64_t pause)
{
    world_later(world, pause, on_look, 0, 0, ++world->hall.look);
}

static struct stream_peer peer_at(const struct world *world, int site)
{
    const int server = world->plan.sites[site].server;

    return (struct stream_peer){.address = world->plan.servers[server].address,
                                .port = (uint16_t)(8000 + site)};
}

void sight_start(struct world *world)
{
    struct hall *hall = &world->hall;
    struct stream_peer peers[SITES_MAX] = {0};
    const size_t n = world->plan.model.n_sites;

    for (size_t i = 0; i < n; i++)
        peers[i] = peer_at(world, (int)i);
    if (streams_create(peers, n, &hall->streams) < 0)
        abort();
    for (size_t i = 0; i < n; i++)
        hall->peer_of[i] = streams_find(hall->streams, peers[i]);
    memset(hall->watches, 0, sizeof(hall->watches));
    for (size_t i = 0; i < world->plan.model.n_servers; i++)
        sight_state(world, (int)i);
}

void sight_stop(struct world *world)
{
    world->hall.look++;
    streams_destroy(world->hall.streams);
    world->hall.streams = NULL;
}

void sight_state(struct world *world, int server)
{
    struct hall *hall = &world->hall;
    const bool up = power_is_awake(fleet_power(hall->fleet, server)) &&
                    world->plan.servers[server].sleep.via != SLEEP_VIA_NONE;

    if (up == hall->watches[server].up || !hall->streams)
        return;
    memset(&hall->watches[server], 0, sizeof(hall->watches[server]));
    hall->watches[server].up = up;
    if (up)
        arm(world, 0);
}

void sight_order(struct world *world, int server)
{
    world->hall.watches[server].ordered = true;
    arm(world, 0);
}

static void see(struct world *world)
{
    struct hall *hall = &world->hall;

    streams_begin(hall->streams, hall_now(world).boot);
    for (int i = 0; i < STREAMS_HERE; i++) {
        const struct stream *stream = &world->people.streams[i];
        struct socket_seen seen;
        int64_t last;

        if (!stream->open || !world->people.near || world->broken == BREAK_STREAMS)
            continue;
        stream_look(world, stream, &seen, &last);
        seen.peer = peer_at(world, stream->site);
        (void)streams_see(hall->streams, &seen);
    }
    for (size_t i = 0; i < world->plan.model.n_sites; i++) {
        if (!hall->watches[world->plan.sites[i].server].up)
            continue;
        streams_passed(hall->streams, hall->peer_of[i], &hall->passes[i]);
        hall->passes[i] = (struct passes){0};
    }
    streams_end(hall->streams);
}

static void add_use(const struct world *world, int site, struct stream_use *uses, size_t *n)
{
    const struct hall *hall = &world->hall;
    const int server = world->plan.sites[site].server;
    int came = streams_site(hall->streams, hall->peer_of[site]);
    struct stream_use use;

    if (came == MODEL_NONE || world->plan.sites[came].server != server)
        came = site;
    const struct stream_terms terms = {
        .idle = fleet_idle(hall->fleet, server),
        .silent = world->plan.domains[world->plan.sites[came].domain].access.websocket_holds};

    if (!streams_use(hall->streams, hall->peer_of[site], terms, &use))
        return;
    use.site = came;
    for (size_t i = 0; i < *n; i++)
        if (uses[i].site == came) {
            if (uses[i].until <= use.until)
                uses[i] = use;
            return;
        }
    uses[(*n)++] = use;
}

static void tell_server(struct world *world, int server)
{
    struct hall *hall = &world->hall;
    struct stream_use uses[SITES_MAX] = {0};
    struct fleet_event event = {.kind = FLEET_STREAM, .server = server, .streams = {.list = uses}};

    for (int site = 0; site < (int)world->plan.model.n_sites; site++)
        if (world->plan.sites[site].server == server)
            add_use(world, site, uses, &event.streams.n);
    if (!hall->watches[server].ordered && hall->watches[server].told &&
        !hall->watches[server].in_use && event.streams.n == 0)
        return;
    hall->watches[server].ordered = false;
    hall->watches[server].told = true;
    hall->watches[server].in_use = event.streams.n > 0;
    hall_feed(world, &event);
}

static void on_look(struct world *world, const struct moment *moment)
{
    struct hall *hall = &world->hall;
    const int n = (int)world->plan.model.n_servers;
    int64_t pause = NEVER;

    if (hall->stands_still && hall->look == (uint32_t)moment->n) {
        world_later(world, SECOND, on_look, 0, 0, moment->n);
        return;
    }
    if (!hall_runs(world) || hall->look != (uint32_t)moment->n)
        return;
    see(world);
    for (int i = 0; i < n; i++)
        if (hall->watches[i].up) {
            const int64_t often = fleet_idle(hall->fleet, i) / 4;
            const int64_t usual = streams_open(hall->streams) > 0 ? LOOK_OPEN : LOOK_QUIET;

            pause = often < pause ? often : pause;
            pause = usual < pause ? usual : pause;
        }
    if (pause != NEVER)
        arm(world, pause > LOOK_LEAST ? pause : LOOK_LEAST);
    for (int i = 0; i < n; i++)
        if (hall->watches[i].up || hall->watches[i].ordered)
            tell_server(world, i);
}
