#include "hall/stream_watch_internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "loop/timer.h"

enum {
    LOOK_OPEN_MS = 5000,   /* between looks while connections are open */
    LOOK_QUIET_MS = 15000, /* and while none is */
    LOOK_BLIND_MS = 30000, /* after one that failed */
    LOOK_LEAST_MS = 500,
    LOOKS_AN_IDLE = 4, /* at least, within the shortest idle time */
    ACCURACY_US = 100000,
};

/* ---- where upstreams are ---- */

static int create_peers(struct stream_watch *at)
{
    const struct model *model = at->model;
    struct stream_peer *peers = calloc(model->n_sites + 1, sizeof(*peers));
    size_t n = 0;
    int error = -ENOMEM;

    for (size_t i = 0; peers && i < model->n_sites; i++)
        n += upstreams_peer(model, (int)i, &peers[n]);
    if (peers)
        error = streams_create(peers, n, &at->streams);
    for (size_t i = 0; error == 0 && i < model->n_sites; i++) {
        struct stream_peer peer;

        at->peer_of[i] =
            upstreams_peer(model, (int)i, &peer) ? streams_find(at->streams, peer) : MODEL_NONE;
    }
    free(peers);
    return error;
}

static void collect_peers(struct stream_watch *at)
{
    upstreams_begin(at->upstreams);
    for (size_t i = 0; i < at->model->n_sites; i++)
        if (at->watches[at->model->sites[i].server].up)
            upstreams_add(at->upstreams, (int)i);
    upstreams_end(at->upstreams);
    at->peers_stale = false;
}

/* ---- Hall's own connections: its probes are nobody's use ---- */

static int compare_inodes(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* After a connection was seen: Hall closes none while it looks. */
static void list_own(struct stream_watch *at)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    at->own_listed = true;
    at->n_own = 0;
    while (folder && at->n_own < OWN_MAX && (entry = readdir(folder))) {
        int64_t fd;
        struct stat about;

        if (number_parse(entry->d_name, 0, INT32_MAX, &fd) == 0 && fstat((int)fd, &about) == 0 &&
            S_ISSOCK(about.st_mode))
            at->own[at->n_own++] = (uint32_t)about.st_ino;
    }
    if (folder)
        (void)closedir(folder);
    qsort(at->own, at->n_own, sizeof(at->own[0]), compare_inodes);
}

/* ---- a look ---- */

static bool take(void *context, const struct tcp_socket *socket)
{
    struct stream_watch *at = context;
    const struct stream_peer *peer =
        upstreams_find(at->upstreams, &socket->remote, socket->remote_port);
    struct socket_seen seen = {.cookie = socket->id,
                               .received = socket->received,
                               .sent = socket->sent,
                               .quiet_in = (uint32_t)socket->quiet_in_ms,
                               .quiet_out = (uint32_t)socket->quiet_out_ms};

    /* What no program has open any more is what one has closed. */
    if (!peer || socket->inode == 0)
        return true;
    if (!at->own_listed)
        list_own(at);
    if (bsearch(&socket->inode, at->own, at->n_own, sizeof(at->own[0]), compare_inodes))
        return true;
    seen.peer = *peer;
    at->error = streams_see(at->streams, &seen);
    return at->error == 0;
}

/* After the connections: the request of every byte seen is among these. */
static void read_passes(struct stream_watch *at)
{
    const struct model *model = at->model;

    for (size_t i = 0; i < model->n_sites; i++) {
        struct passes passes;

        if (!at->watches[model->sites[i].server].up || at->peer_of[i] == MODEL_NONE)
            continue;
        board_take_passes(at->current->board, (int)i, &passes);
        at->websocket[i] |= passes.n[PASS_WEBSOCKET] > 0;
        streams_passed(at->streams, at->peer_of[i], &passes);
    }
}

static int list_connections(struct stream_watch *at)
{
    const uint16_t *ports;
    const size_t n = upstreams_ports(at->upstreams, &ports);
    int error = at->sockets ? 0 : sockets_create(&at->sockets);

    at->own_listed = false;
    at->error = 0;
    if (error == 0)
        error = sockets_list_to(at->sockets, ports, n, take, at);
    if (error == 0)
        error = at->error;
    if (error < 0) {
        /* Half an answer may still wait there. */
        sockets_destroy(at->sockets);
        at->sockets = NULL;
    }
    return error;
}

static void note_error(struct stream_watch *at, int before)
{
    if (at->error == before)
        return;
    if (at->error == 0)
        log_info("connections to the sites can be looked at again");
    else if (at->error == -ENOENT)
        log_warning("connections to the sites cannot be looked at: this kernel has no tcp_diag. A "
                    "long download may be cut off by sleep where no agent watches; load the module "
                    "tcp_diag");
    else
        log_warning("connections to the sites cannot be looked at: %s. Until they can, servers "
                    "that were watched are not put to sleep",
                    strerror(-at->error));
}

static void look(struct stream_watch *at)
{
    const int before = at->error;
    const int64_t began = clock_thread_ns();

    at->peers_stale |= upstreams_refresh(at->upstreams, clock_now().boot);
    if (at->peers_stale)
        collect_peers(at);
    streams_begin(at->streams, clock_now().boot);
    at->error = list_connections(at);
    read_passes(at);
    if (at->error == 0)
        streams_end(at->streams);
    else
        streams_undo(at->streams);
    at->took_us = (clock_thread_ns() - began) / 1000;
    note_error(at, before);
}

/* ---- what the fleet is told ---- */

/* The site whose visitor it is has the use, where it is one of this server's; whether silence
 * counts is for its domain to say. */
static void add_use_of(struct stream_watch *at, int site)
{
    const struct model *model = at->model;
    const int server = model->sites[site].server;
    int came = streams_site(at->streams, at->peer_of[site]);
    struct stream_use use;

    if (came == MODEL_NONE || model->sites[came].server != server)
        came = site;
    const struct stream_terms terms = {
        .idle = fleet_idle(at->current->fleet, server),
        .silent = model->domains[model->sites[came].domain].access.websocket_holds};

    if (!streams_use(at->streams, at->peer_of[site], terms, &use))
        return;
    use.site = came;
    for (size_t i = 0; i < at->n_uses; i++)
        if (at->uses[i].site == came) {
            if (at->uses[i].until <= use.until)
                at->uses[i] = use;
            return;
        }
    at->uses[at->n_uses++] = use;
}

static void tell_websockets(struct stream_watch *at, int server)
{
    for (int site = fleet_first_site(at->current->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(at->current->fleet, site)) {
        if (!at->websocket[site])
            continue;
        at->websocket[site] = false;
        turn_feed(at->turn,
                  &(struct fleet_event){.kind = FLEET_WEBSOCKET, .visit = {.site = site}});
    }
}

/* Those who wait for it, who are in use or were, and who were not told yet. */
static void tell(struct stream_watch *at, int server, bool sight_changed)
{
    struct watch *watch = &at->watches[server];
    struct fleet_event event = {.kind = FLEET_STREAM, .server = server};

    tell_websockets(at, server);
    at->telling++;
    at->n_uses = 0;
    /* Where no site is, there is nothing to see. */
    event.streams.failed = watch->up && at->error < 0;
    for (int site = fleet_first_site(at->current->fleet, server);
         !event.streams.failed && site != MODEL_NONE;
         site = fleet_next_site(at->current->fleet, site))
        if (at->peer_of[site] != MODEL_NONE && at->asked_in[at->peer_of[site]] != at->telling) {
            at->asked_in[at->peer_of[site]] = at->telling;
            add_use_of(at, site);
        }
    event.streams.list = at->uses;
    event.streams.n = at->n_uses;
    if (!watch->ordered && watch->told && !watch->in_use && event.streams.n == 0 && !sight_changed)
        return;
    watch->ordered = false;
    watch->told = true;
    watch->in_use = event.streams.n > 0;
    if (watch->in_use)
        stream_watch_glance_later(at);
    turn_feed(at->turn, &event);
}

/* ---- when ---- */

static int64_t shortest_idle(const struct stream_watch *at)
{
    int64_t shortest = INT64_MAX;

    for (size_t i = 0; i < at->model->n_servers; i++) {
        const int64_t idle = at->watches[i].up ? fleet_idle(at->current->fleet, (int)i) : INT64_MAX;

        shortest = idle < shortest ? idle : shortest;
    }
    return shortest;
}

static int64_t pause_of(const struct stream_watch *at)
{
    const int64_t usual = at->error < 0                    ? LOOK_BLIND_MS
                          : streams_open(at->streams) == 0 ? LOOK_QUIET_MS
                                                           : LOOK_OPEN_MS;
    const int64_t often = shortest_idle(at) / LOOKS_AN_IDLE;
    const int64_t rare = at->took_us * LOOK_SHARE / 1000;
    int64_t pause = often < usual ? often : usual;

    pause = pause > LOOK_LEAST_MS ? pause : LOOK_LEAST_MS;
    return pause > rare ? pause : rare;
}

static void arm(struct stream_watch *at, int64_t pause)
{
    loop_timer_set(at->timer, clock_now().boot + pause);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    struct stream_watch *at = context;
    const bool was_blind = at->error < 0;

    (void)source;
    (void)usec;
    look(at);
    if (at->n_up > 0)
        arm(at, pause_of(at));
    for (size_t i = 0; i < at->model->n_servers; i++)
        if (at->watches[i].up || at->watches[i].ordered)
            tell(at, (int)i, was_blind != (at->error < 0));
    return 0;
}

/* ---- whom to watch ---- */

static bool has_peer(const struct stream_watch *at, int server)
{
    for (int site = fleet_first_site(at->current->fleet, server); site != MODEL_NONE;
         site = fleet_next_site(at->current->fleet, site))
        if (at->peer_of[site] != MODEL_NONE)
            return true;
    return false;
}

/* Its state is known, or has become another. */
static void watch_server(struct stream_watch *at, int server)
{
    const bool up = power_is_awake(fleet_power(at->current->fleet, server)) &&
                    at->model->servers[server].sleep.via != SLEEP_VIA_NONE && has_peer(at, server);

    if (up == at->watches[server].up)
        return;
    at->watches[server] = (struct watch){.up = up};
    at->n_up += up ? 1 : -1;
    at->peers_stale = true;
    if (up)
        arm(at, 0);
}

void stream_watch_start(struct stream_watch *at)
{
    for (size_t i = 0; i < at->model->n_servers; i++)
        watch_server(at, (int)i);
}

static void on_state(void *context, const struct action *action)
{
    const struct current *current = context;

    watch_server(current->streams, action->server);
}

static void on_look(void *context, const struct action *action)
{
    const struct current *current = context;

    current->streams->watches[action->server].ordered = true;
    arm(current->streams, 0);
}

static void on_visit(void *context, const struct news *news)
{
    const struct current *current = context;
    const struct stream_watch *at = current->streams;
    const int site = news->visit.site;

    if (news->visit.uses && at->peer_of[site] != MODEL_NONE)
        streams_came(at->streams, at->peer_of[site], site, news->visit.who);
}

const struct outlet_ops stream_watch_outlet = {
    .act = {[ACTION_STATE] = on_state, [ACTION_LOOK] = on_look},
    .hear = {[NEWS_VISIT] = on_visit},
};

int stream_watch_create(sd_event *loop, const struct current *current, const struct model *model,
                        struct turn *turn, struct stream_watch **ret_watch)
{
    struct stream_watch *at = calloc(1, sizeof(*at));
    int error = -ENOMEM;

    if (!at)
        return error;
    at->current = current;
    at->turn = turn;
    at->model = model;
    at->watches = calloc(model->n_servers + 1, sizeof(*at->watches));
    at->peer_of = calloc(model->n_sites + 1, sizeof(*at->peer_of));
    at->asked_in = calloc(model->n_sites + 1, sizeof(*at->asked_in));
    at->websocket = calloc(model->n_sites + 1, sizeof(*at->websocket));
    at->uses = calloc(model->n_sites + 1, sizeof(*at->uses));
    if (at->watches && at->peer_of && at->asked_in && at->websocket && at->uses)
        error = upstreams_create(loop, model, &at->upstreams);
    if (error == 0)
        error = create_peers(at);
    if (error == 0)
        error = sd_event_add_time(loop, &at->timer, CLOCK_BOOTTIME, 0, ACCURACY_US, on_timer, at);
    if (error == 0)
        error = stream_watch_glance_create(loop, at);
    if (error < 0) {
        stream_watch_destroy(at);
        return error;
    }
    *ret_watch = at;
    return 0;
}

void stream_watch_destroy(struct stream_watch *at)
{
    if (!at)
        return;
    sd_event_source_disable_unref(at->timer);
    sd_event_source_disable_unref(at->glance);
    sockets_destroy(at->sockets);
    upstreams_destroy(at->upstreams);
    streams_destroy(at->streams);
    free(at->watches);
    free(at->peer_of);
    free(at->asked_in);
    free(at->websocket);
    free(at->uses);
    free(at);
}
