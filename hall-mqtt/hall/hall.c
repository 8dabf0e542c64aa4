#include "hall/hall.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "hall/in_admin.h"
#include "hall/in_api.h"
#include "hall/in_bus.h"
#include "hall/in_clock.h"
#include "hall/in_remote.h"
#include "hall/orphans.h"
#include "hall/out_api.h"
#include "hall/out_board.h"
#include "hall/out_log.h"
#include "hall/out_store.h"
#include "hall/ports.h"
#include "hall/stream_watch.h"
#include "loop/daemon.h"
#include "web/api/api.h"

enum {
    TRIM_AFTER_MS = 5000, /* what only the start needed is given back then */
    GOODBYE_MS = 1000,    /* how long the last messages may take */
};

struct hall {
    sd_event *loop;
    const struct secrets *secrets;
    struct current current;
    struct outlets outlets;
    sd_event_source *trim;

    struct turn *turn;
    struct front *front;
    struct errands *errands; /* what workers of the API ask */
    struct api *api;
    struct out_store *out_store;
    struct stats *stats;
    struct out_bus *out_bus;
    struct out_discovery *out_discovery;
    struct out_api out_api;
    struct answers *answers;
    struct relays *relays;
    struct remote *remote; /* sleep without an agent */
    struct hub *hub;
    struct reload reload;
    struct act act;

    struct in_admin in_admin;
    struct in_api in_api;
    struct in_bus in_bus;
    struct in_clock in_clock;
    struct in_remote in_remote;
    struct in_store in_store;
    struct in_visits in_visits;
    struct ports ports;
};

/* ---- beginning: each function makes what the next one needs ---- */

/* The front comes first: visitors are answered while the rest is still being set up. */
static int create_front(struct hall *hall)
{
    struct current *current = &hall->current;
    int error = turn_create(hall->loop, current, &hall->outlets, &hall->turn);

    if (error < 0)
        return error;
    current->zones = (struct zone_port){.offset = zone_offset, .context = &current->zone_cache};
    /* The first look-up touches the environment; later there are threads. */
    (void)zone_offset(&current->zone_cache, current->config->timezone, clock_now().wall / 1000);
    hall->in_visits = (struct in_visits){current, hall->turn, &hall->outlets};
    hall->reload = (struct reload){.loop = hall->loop,
                                   .current = current,
                                   .turn = hall->turn,
                                   .outlets = &hall->outlets,
                                   .visits = &hall->in_visits};
    error = reload_make(&hall->reload, current);
    if (error < 0)
        return error;
    fleet_set_zones(current->fleet, &current->zones);
    error = front_create(current->board, &hall->front);
    hall->reload.front = hall->front;
    return error;
}

static int create_store(struct hall *hall)
{
    struct current *current = &hall->current;
    int error = out_store_create(current, &hall->outlets, &hall->out_store);

    if (error < 0)
        return error;
    out_store_restore(hall->out_store);
    out_store_saved(hall->out_store, &hall->in_clock.saved, &hall->in_clock.saved_before);
    hall->in_store = (struct in_store){.store = out_store_store(hall->out_store),
                                       .outlets = &hall->outlets,
                                       .salvage = &hall->current.salvage};
    error = in_store_listen(&hall->in_store, hall->loop);
    if (error == 0)
        error =
            stats_create(hall->loop, current, hall->in_store.store, &hall->outlets, &hall->stats);
    return error;
}

static int create_bus(struct hall *hall)
{
    const struct current *current = &hall->current;
    struct outlets *outlets = &hall->outlets;
    struct in_bus *bus = &hall->in_bus;
    sd_event *loop = hall->loop;
    int error;

    *bus = (struct in_bus){.current = current, .turn = hall->turn, .outlets = outlets};
    error = in_bus_connect(bus, loop, hall->secrets);
    if (error == 0)
        error = out_bus_create(loop, current, bus->mqtt, hall->stats, outlets, &hall->out_bus);
    if (error == 0)
        error = answers_create(current, bus->mqtt, hall->out_bus, outlets, hall->errands,
                               &hall->answers);
    if (error == 0)
        error = relays_create(loop, current, hall->turn, bus->mqtt, hall->out_bus, outlets,
                              &hall->relays);
    if (error == 0)
        error = out_discovery_create(loop, current, bus->mqtt, hall->in_store.store, outlets,
                                     &hall->out_discovery);
    hall->in_remote = (struct in_remote){current, hall->turn};
    if (error == 0)
        error = remote_create(loop, in_remote_told, &hall->in_remote, &hall->remote);
    if (error == 0)
        error = hub_create(&hall->reload, &hall->hub);
    hall->reload.mqtt = bus->mqtt;
    hall->reload.stats = hall->stats;
    hall->reload.bus = hall->out_bus;
    hall->reload.answers = bus->answers = hall->answers;
    hall->reload.discovery = bus->discovery = hall->out_discovery;
    bus->relays = hall->relays;
    bus->hub = hall->hub;
    return error;
}

static int create_admin(struct hall *hall)
{
    const struct current *current = &hall->current;
    const struct api_options options = {.errands = hall->errands,
                                        .config_file = out_store_config_file(hall->out_store),
                                        .store_path = current->config->store.path,
                                        .version = HALL_VERSION};
    int error = api_create(&options, &hall->api);

    hall->act = (struct act){.current = current,
                             .turn = hall->turn,
                             .mqtt = hall->in_bus.mqtt,
                             .bus = hall->out_bus,
                             .relays = hall->relays,
                             .remote = hall->remote};
    hall->in_api = (struct in_api){
        .errands = hall->errands,
        .describe = {current, hall->stats, hall->in_bus.mqtt, &hall->in_store},
        .act = &hall->act,
        .answers = hall->answers,
        .reload = &hall->reload,
        .stats = hall->stats,
        .store = hall->in_store.store,
    };
    hall->out_api = (struct out_api){hall->errands, &hall->in_api.describe};
    hall->in_admin = (struct in_admin){
        .current = current, .outlets = &hall->outlets, .store = hall->in_store.store};
    if (error == 0)
        error = in_api_listen(&hall->in_api, hall->loop);
    if (error == 0)
        error = in_admin_listen(&hall->in_admin, hall->loop, hall->secrets, hall->api);
    hall->ports = (struct ports){.front = hall->front, .admin = hall->in_admin.admin};
    if (error == 0)
        error = ports_watch(&hall->ports, hall->loop);
    return error;
}

/* Who is told what the fleet decides, in this order: the log first; the statistics before the
 * store, so that what an event counts goes to the disk with it. */
static void add_outlets(struct hall *hall)
{
    struct outlets *outlets = &hall->outlets;

    outlets_add(outlets, &out_log_outlet, &hall->current);
    outlets_add(outlets, &stats_outlet, hall->stats);
    outlets_add(outlets, &out_board_outlet, &hall->current);
    outlets_add(outlets, &out_bus_outlet, hall->out_bus);
    outlets_add(outlets, &out_store_outlet, hall->out_store);
    outlets_add(outlets, &out_api_outlet, &hall->out_api);
    outlets_add(outlets, &answers_outlet, hall->answers);
    outlets_add(outlets, &act_outlet, &hall->act);
    outlets_add(outlets, &stream_watch_outlet, &hall->current);
    outlets_add(outlets, &out_discovery_outlet, hall->out_discovery);
    outlets_add(outlets, &hub_outlet, hall->hub);
    outlets_add(outlets, &in_api_outlet, &hall->in_api);
    outlets_add(outlets, &in_admin_outlet, &hall->in_admin);
    outlets_add(outlets, &in_bus_outlet, &hall->in_bus);
    outlets_add(outlets, &in_clock_outlet, &hall->in_clock);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct hall *hall = context;

    (void)source;
    (void)info;
    reload_now(&hall->reload, "");
    return 0;
}

static int create_parts(struct hall *hall)
{
    int error = create_front(hall);

    hall->in_clock =
        (struct in_clock){.current = &hall->current, .turn = hall->turn, .outlets = &hall->outlets};
    if (error == 0)
        error = in_clock_listen(&hall->in_clock, hall->loop);
    if (error == 0)
        error = create_store(hall);
    if (error == 0)
        error = errands_create(&hall->errands);
    if (error == 0)
        error = create_bus(hall);
    if (error == 0)
        error = create_admin(hall);
    if (error == 0)
        error = sd_event_add_signal(hall->loop, NULL, SIGHUP, on_hangup, hall);
    if (error >= 0)
        error = daemon_trim(hall->loop, TRIM_AFTER_MS, &hall->trim);
    return error;
}

static void start(struct hall *hall)
{
    board_set_config_current(hall->current.board, !hall->current.trouble.place[0]);
    start_show_trouble(&hall->current.trouble);
    fleet_start(hall->current.fleet, clock_now());
    stream_watch_start(hall->current.streams);
    out_bus_renew(hall->out_bus);
    turn_settle(hall->turn);
    /* Before the broker is asked what it holds: what Hall does not name by then is cleared there.
     */
    out_bus_publish(hall->out_bus);
}

int hall_create(const struct config *config, const struct secrets *secrets,
                const struct trouble *trouble, struct hall **ret_hall)
{
    struct hall *hall = calloc(1, sizeof(*hall));
    int error;

    if (!hall)
        return -ENOMEM;
    hall->current = (struct current){
        .config = config, .begun = config, .trouble = *trouble, .started = clock_now().wall};
    hall->secrets = secrets;
    error = daemon_create(&hall->loop);
    if (error == 0)
        error = create_parts(hall);
    if (error < 0) {
        log_error("hall: cannot start: %s", strerror(-error));
        hall_destroy(hall);
        return error;
    }
    add_outlets(hall);
    orphans_answer(&hall->current, &hall->outlets, hall->answers, hall->out_store);
    start(hall);
    *ret_hall = hall;
    return 0;
}

int hall_run(struct hall *hall)
{
    const struct trouble *trouble = &hall->current.trouble;
    const bool is_rejected = trouble->place[0] != '\0';

    outlets_event(&hall->outlets, is_rejected ? "config_rejected" : "config_loaded",
                  is_rejected ? start_tell_trouble(trouble)
                              : say_words(FACT_CONFIG_LOADED, hall->current.config->file, NULL));
    return daemon_run(hall->loop, turn_awake, hall->turn);
}

/* ---- end ---- */

/* What is known goes to the disk, then to those who wait for it, then to the broker. */
static void say_goodbye(struct hall *hall)
{
    if (hall->current.board)
        board_close(hall->current.board);
    ports_finish(&hall->ports);
    front_destroy(hall->front);
    if (hall->errands)
        errands_close(hall->errands);
    in_admin_finish(&hall->in_admin);
    stats_destroy(hall->stats);
    in_store_finish(&hall->in_store);
    out_store_destroy(hall->out_store);
    if (hall->answers)
        answers_release(hall->answers);
    if (hall->errands)
        in_api_finish(&hall->in_api);
    api_destroy(hall->api);
    mqtt_destroy(hall->in_bus.mqtt, GOODBYE_MS);
}

void hall_destroy(struct hall *hall)
{
    if (!hall)
        return;
    hall->outlets.n = 0; /* nobody is told any more */
    say_goodbye(hall);
    hub_destroy(hall->hub);
    out_discovery_destroy(hall->out_discovery);
    remote_destroy(hall->remote);
    relays_destroy(hall->relays);
    answers_destroy(hall->answers);
    out_bus_destroy(hall->out_bus);
    errands_destroy(hall->errands);
    in_clock_finish(&hall->in_clock);
    reload_drop(&hall->current);
    turn_destroy(hall->turn);
    sd_event_source_disable_unref(hall->trim);
    board_destroy(hall->current.board);
    reload_finish(&hall->reload);
    sd_event_unref(hall->loop);
    free(hall);
}
