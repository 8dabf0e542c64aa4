/*
 * hall_internal: the daemon's state and what its files call of each other. hall.c: its life.
 * in_bus.c: events in. act.c: actions out. out_bus.c: what the bus and the board are
 * told. in_hub.c: commands to Hall itself. out_store.c: the store. in_clock.c: wall time.
 * in_relay.c: packets that others send. reload.c: a new configuration. out_discovery.c: Home
 * Assistant. streams.c: open connections. stats_*.c (stats.h): statistics.
 * in_api.c, describe.c (in_api.h): the API's side in the loop. in_admin.c: the dashboard's
 * listener. Loop thread only.
 */
#ifndef HALL_HALL_HALL_INTERNAL_H
#define HALL_HALL_HALL_INTERNAL_H

#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/zone.h"
#include "bridges/remote/remote.h"
#include "core/fleet.h"
#include "hall/hall.h"
#include "mqtt/mqtt.h"
#include "probe/probe.h"
#include "store/store.h"
#include "web/board/board.h"
#include "web/listen/front.h"
#include "words/topic.h"

enum {
    ROUTES_MAX = 2 * LEDGER_MAX,
    CORRELATION_MAX = 128,
    FAILURES_MAX = 16,
    HELD_MAX = 2 * LEDGER_MAX,
    HUB_COMMANDS_MAX = 16,
    FLUSHING_MAX = 8,
    HALL_FILTER_SIZE = 1024,
};

/* Where else a command's answers go: its MQTT 5 response topic. Kept as long as the ledger can ask
 * for it. */
struct route {
    uint64_t id;
    char topic[TOPIC_MAX];
    size_t length;
    uint8_t correlation[CORRELATION_MAX];
    struct errand *errand; /* or a worker waits for the first answer; owned */
};

/* An answer waits until what it promises is on the disk. */
struct held_answer {
    uint64_t ticket; /* 0: not tied to a write yet */
    int server;
    struct ledger_entry entry;
};

/* Who waits for what they read to be written. */
struct flushing {
    uint64_t ticket;
    struct errand *errand;
};

struct hall {
    /* what is configured */
    const struct config *config;
    const struct config *begun; /* as it was at the start: broker and listeners go by it */
    struct config *own_config;  /* after a reload: config, which is then ours to free */
    const struct secrets *secrets;
    int64_t started_wall;
    char config_problem[HALL_PROBLEM_SIZE]; /* why that is not what the file says; "": it is */

    /* its parts */
    sd_event *loop;
    struct fleet *fleet;
    struct prober *prober;
    struct remote *remote; /* sleep without an agent */
    struct relays *relays; /* packets that others send */
    struct mqtt *mqtt;
    struct store *store; /* NULL: nothing is kept */
    struct board *board;
    struct front *front;
    struct books *books; /* what statistics are made of */
    struct visitors *visitors;
    struct hall_discover *discover;
    struct hall_streams *streams; /* what is in use on open connections */
    struct api *api;
    struct errands *errands; /* what workers of the API ask */
    struct admin *admin;     /* NULL: it could not listen */

    /* hall.c, in_bus.c, act.c */
    sd_event_source *timer; /* the fleet's next deadline */
    sd_event_source *visits, *trim;
    struct fleet_event deferred[FAILURES_MAX]; /* found while acting; fed once the step is over */
    size_t n_deferred;
    struct route *routes; /* [ROUTES_MAX] ring by id */
    uint64_t next_route;
    struct log_flood told; /* about hostile input */

    /* out_bus.c */
    sd_event_source *publish; /* deferred: what changed goes to the bus once per turn of the loop */
    bool *dirty;              /* [n_servers] status is to be published */
    int *dirty_list;          /* [n_servers] those, in order */
    size_t n_dirty;
    size_t n_awake; /* servers that are up */

    /* in_hub.c */
    struct ledger_entry hub[HUB_COMMANDS_MAX]; /* commands to Hall itself, a ring */
    size_t hub_next;

    /* out_store.c */
    char store_problem[256];  /* as last told */
    sd_event_source *stored;  /* something was committed */
    char *config_file;        /* absolute: whose records these are */
    struct held_answer *held; /* [HELD_MAX] a queue: first, n */
    size_t held_first, n_held;
    struct flushing flushing[FLUSHING_MAX];
    size_t n_flushing;
    int64_t flushed, books_flushed; /* boot: when somebody last wanted that */

    /* in_clock.c */
    struct zone_cache zones;
    struct zone_port zone_port;
    sd_event_source *clock_set;  /* wall time was set */
    sd_event_source *clock_look; /* until the clock is trusted */

    /* reload.c */
    struct retired *retired; /* what HTTP workers may still read of older configurations */
    sd_event_source *reclaim;
    bool renewing;     /* the new fleet takes its first step: the board waits for the whole of it */
    bool reload_again; /* a reload that was put off until some of those are freed */
    char reload_by[COMMAND_BY_SIZE]; /* who asked for it; "": a signal, or the bus */
    char reload_why[REASON_SIZE];    /* why the last one was refused; "": it was not */

    /* in_api.c, in_admin.c */
    sd_event_source *errand_source, *admin_news;
};

/* in_bus.c */
void hall_feed(struct hall *hall,
               const struct fleet_event *event); /* the only way into the fleet */
void hall_settle(struct hall *hall);             /* after any step: deferred events, timer */
int hall_on_timer(sd_event_source *source, uint64_t usec, void *context);
int hall_on_visits(sd_event_source *source, int fd, uint32_t events, void *context);
int hall_listen_to_board(struct hall *hall, struct board *board, sd_event_source **ret_source);
extern const struct mqtt_listener hall_mqtt_listener;
extern const struct prober_listener hall_prober_listener;
uint64_t hall_remember_route(struct hall *hall, const struct mqtt_message *message);
/* The server a command is for: the topic's, or that of the project it names. */
int hall_find_subject(const struct hall *hall, const struct topic *topic, struct command *command);
/* Who waits for the answers to the next command; takes the errand. The route. */
uint64_t hall_remember_errand(struct hall *hall, struct errand *errand);
bool hall_may_tell(struct hall *hall); /* may one more line about hostile input be logged? */

/* act.c */
int hall_send_packet(struct hall *hall, int server, char reason[REASON_SIZE]);
void hall_act(void *context, const struct action *action);
extern remote_told hall_on_remote;
void hall_defer(struct hall *hall, const struct fleet_event *event);
void hall_refuse(struct hall *hall, const struct topic *topic, const struct command *command,
                 const char *reason);

void hall_answer(struct hall *hall, const struct ledger_entry *entry, int server); /* now */
void hall_send_answer(struct hall *hall, const struct ledger_entry *entry, enum topic_kind kind,
                      const char *id);

/* out_discovery.c: Home Assistant */
struct announcer;
int hall_discover_create(struct hall *hall); /* after the store */
void hall_discover_destroy(struct hall *hall);
/* What is heard of the broker for it. */
void hall_discover_filters(const struct config *config, char out[2][HALL_FILTER_SIZE]);
bool hall_discover_message(struct hall *hall, const struct mqtt_message *message); /* taken? */
void hall_discover_connected(struct hall *hall); /* or not any more */
void hall_discover_browsed(void *context);
bool hall_discover_spare(void *context, struct mqtt_spare *ret_spare);
void hall_discover_taken(void *context, uint64_t token, bool taken);
void hall_discover_restart(struct hall *hall, int server); /* its agent has reported */
void hall_discover_announce(struct hall *hall);            /* everything, also what was deleted */
/* A new configuration: what may fail, and what may not, while both stand. */
int hall_discover_prepare(struct hall *hall, const struct config *config,
                          struct announcer **ret_announcer);
void hall_discover_adopt(struct hall *hall, struct announcer *announcer);

/* in_hub.c: commands to Hall itself */
void hall_hub_command(struct hall *hall, const struct topic *topic,
                      const struct mqtt_message *message);
/* All open commands of this kind have come to their end; why: NULL, or why they failed. */
void hall_hub_end(struct hall *hall, enum command_action action, const char *why);

/* out_store.c */
int hall_keep_create(struct hall *hall); /* opens the store, restores what it holds */
void hall_keep_destroy(struct hall *hall);
void hall_keep_server(struct hall *hall, int server, bool durable);
void hall_keep_quota(struct hall *hall, const struct quota *quota);
void hall_keep_event(struct hall *hall, const struct action *action, const char *body);
void hall_hold_answer(struct hall *hall, int server, const struct ledger_entry *entry);
void hall_release_answers(struct hall *hall); /* those that wait for nothing */

void hall_release_all_answers(struct hall *hall);

/* Answers the errand once what waits is on the disk, or soon enough. */
void hall_keep_flush(struct hall *hall, struct errand *errand);
void hall_keep_told(struct hall *hall, const char *type, const char *body);
/* Of the admin listener: access_refused, login, login_failed. */
void hall_keep_access(struct hall *hall, const char *type, const char *who, const char *path,
                      const char *why);

/* in_admin.c */
int hall_admin_create(struct hall *hall);
void hall_admin_configure(struct hall *hall); /* a new configuration is there */
void hall_admin_destroy(struct hall *hall);

/* in_relay.c */
struct relays;
int hall_relay_create(struct hall *hall);
void hall_relay_destroy(struct hall *hall);
/* Asks the server's relay for a packet: 0, and a failure comes later; or -errno with a sentence. */
int hall_relay_packet(struct hall *hall, const struct model_server *server,
                      char reason[REASON_SIZE]);
void hall_on_relay(struct hall *hall, const struct topic *topic,
                   const struct mqtt_message *message);

/* reload.c */
void hall_reload(struct hall *hall);
void hall_reload_finish(struct hall *hall); /* after the front is gone */

/* names.c: the IPv4 addresses that the names of upstreams lead to, looked up off the loop. The
 * model outlives it. */
struct hall_names;
enum { NAME_ADDRESSES_MAX = 4 };
int hall_names_create(sd_event *loop, const struct model *model, struct hall_names **ret_names);
void hall_names_destroy(struct hall_names *names);
/* Looks them up again, where that is due; now: boot clock, ms. True: an earlier look-up has ended
 * since the last call. */
bool hall_names_refresh(struct hall_names *names, int64_t now);
size_t hall_names_count(const struct hall_names *names); /* sites whose upstream has a name */
/* Those of one site's upstream; how many. None: it is an address, or not known yet. */
size_t hall_names_addresses(const struct hall_names *names, int site,
                            struct in_addr ret_addresses[static NAME_ADDRESSES_MAX]);

/* streams.c: open connections to the sites of servers that are up. The model outlives it. */
struct hall_streams;
int hall_streams_create(struct hall *hall, const struct model *model,
                        struct hall_streams **ret_streams);
void hall_streams_destroy(struct hall_streams *streams);
void hall_streams_start(struct hall *hall); /* the fleet has taken its first step */
void hall_streams_state(struct hall *hall, int server, enum power_state state);
void hall_streams_order(struct hall *hall, int server); /* look now, and tell the fleet */
void hall_streams_came(struct hall *hall, int site, const char *who); /* through the gate */

/* in_clock.c */
int hall_clock_create(struct hall *hall);
void hall_clock_destroy(struct hall *hall);

/* out_bus.c */
void hall_mark(struct hall *hall, int server);
int hall_on_publish(sd_event_source *source, void *context);
void hall_publish_all(struct hall *hall);
void hall_publish_info(struct hall *hall);
void hall_publish_state(struct hall *hall, int server);
void hall_count_awake(struct hall *hall);
void hall_tell(struct hall *hall, const char *event_type,
               const char *detail); /* hall/event and the log */
void hall_send(struct hall *hall, enum topic_kind kind, const char *id,
               const char *text); /* not retained */

#endif
