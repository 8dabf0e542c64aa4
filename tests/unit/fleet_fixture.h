/*
 * A small fleet for tests: a model built by hand, a clock that only the test moves, and every
 * action kept in an array. One world at a time for each test; world_init and world_finish.
 */
#ifndef HALL_TESTS_FLEET_FIXTURE_H
#define HALL_TESTS_FLEET_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet.h"
#include "say/say.h"
#include "unit.h"

/* The servers: a full one; one with a single TCP check and no agent needed; one that only its agent
 * tells of; one on loopback; four plain ones that depend on each other once world_link was called.
 */
enum { TESTING, ERP, AGENTONLY, LOOP, NAS, DB, APP, FRONT, WORLD_SERVERS };
enum {
    SITE_TESTING,
    SITE_CLIENT1,
    SITE_ERP,
    SITE_AGENTONLY,
    SITE_LOOP,
    SITE_NAS,
    SITE_DB,
    SITE_APP,
    SITE_FRONT,
    WORLD_SITES,
    WORLD_SITES_MAX = WORLD_SITES + 2 /* room for what a test adds */
};
enum { CHECK_OF_PING, CHECK_OF_AGENT, CHECK_OF_HTTP, CHECK_OF_CLIENT1, WORLD_CHECKS };
enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, WORLD_ACTIONS = 4096 };
#define WORLD_START INT64_C(1795341600000) /* Sunday 2026-11-22T10:00:00Z */

struct seen_action {
    struct action action;
    int64_t at;
    char detail[512]; /* of an event */
    struct ledger_entry answer;
};

struct world {
    struct model model;
    struct model_server servers[WORLD_SERVERS];
    struct model_check checks[WORLD_SERVERS][WORLD_CHECKS];
    struct model_site sites[WORLD_SITES_MAX];
    struct model_domain domains[WORLD_SERVERS];
    struct zone_port zones;
    int32_t offset, offset_after; /* of the only zone, seconds east */
    int64_t changes_at;           /* wall, s: when the one becomes the other */
    struct fleet *fleet;
    struct now now;
    /* Where each server and site is in the fleet's model, MODEL_NONE if it is not; NULL: where it
     * is here. */
    const int *server_at, *site_at;
    bool mute; /* whether a packet leaves, nobody says */
    size_t n_unsent;
    struct {
        int server;
        uint32_t number;
    } unsent[WORLD_SERVERS * 2]; /* what is to be said of packets once the step is over */
    size_t n;
    struct seen_action seen[WORLD_ACTIONS];
};

static const uint8_t world_other_mac[6] = {2, 0, 0, 0, 0, 99};

/* A fact in English; one of the last eight that were asked for. */
static inline const char *world_said(const struct world *world, const struct fact *fact)
{
    static char texts[8][1024];
    static unsigned next;
    char *text = texts[next++ % 8];

    return say_fact_text(fact, world->fleet ? fleet_model(world->fleet) : &world->model,
                         (struct say_how){.now = world->now.wall}, text, sizeof(texts[0]));
}

/* The lease that people know by this name; NULL: there is none. */
static inline const struct lease *world_lease(const struct world *world, int server,
                                              enum lease_kind kind, const char *holder)
{
    const struct lease_set *set = fleet_power(world->fleet, server)->leases;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == kind &&
            strcmp(lease_holder(&set->leases[i], fleet_model(world->fleet), server), holder) == 0)
            return &set->leases[i];
    return NULL;
}

/* Why it is awake, with all its leases. */
static inline const char *world_why(const struct world *world, int server)
{
    static char text[2048];
    struct buf why = BUF_INIT(sizeof(text) - 1);

    say_awake(world->fleet, server, world->now, (struct say_how){.now = world->now.wall}, &why);
    snprintf(text, sizeof(text), "%s", buf_text(&why));
    buf_finish(&why);
    return text;
}

/* Only these are told with the time they took. */
static inline bool world_takes_time(enum happening what)
{
    return what == HAPPENED_PACKET_SENT || what == HAPPENED_STAGE || what == HAPPENED_READY ||
           what == HAPPENED_WAKE_FAILED || what == HAPPENED_ASLEEP || what == HAPPENED_SLEEP_FAILED;
}

static inline void world_note_packet(struct world *world, const struct action *action)
{
    if (action->kind != ACTION_PACKET || world->mute)
        return;
    assert_true(world->n_unsent < WORLD_SERVERS * 2);
    world->unsent[world->n_unsent].server = action->server;
    world->unsent[world->n_unsent++].number = action->packet.number;
}

static inline void world_act(void *context, const struct action *action)
{
    struct world *world = context;

    assert_true(world->n < WORLD_ACTIONS);
    struct seen_action *seen = &world->seen[world->n++];
    *seen = (struct seen_action){.action = *action, .at = world->now.boot};
    world_note_packet(world, action);
    if (action->kind == ACTION_EVENT && !world_takes_time(action->event.what))
        assert_int_equal(action->event.ms, 0);
    if (action->kind == ACTION_EVENT)
        snprintf(seen->detail, sizeof(seen->detail), "%s", world_said(world, action->event.detail));
    if (action->kind == ACTION_SLEEP)
        snprintf(seen->detail, sizeof(seen->detail), "%s", action->sleep.id);
    if (action->kind == ACTION_ANSWER)
        seen->answer = *action->answer;
}

static inline void world_server(struct world *world, int index, const char *id, size_t n_checks)
{
    world->servers[index] = (struct model_server){
        .id = id,
        .name = id,
        .mac = {2, 0, 0, 0, 0, (uint8_t)(index + 1)},
        .wake = {.port = 9, .timeout = 180 * SECOND},
        .sleep = {.via = SLEEP_VIA_AGENT, .min_up = 5 * MINUTE, .timeout = 60 * SECOND},
        .n_checks = n_checks,
        .checks = world->checks[index],
    };
    for (size_t i = 0; i < WORLD_CHECKS; i++)
        world->checks[index][i] = (struct model_check){.required = true, .site = MODEL_NONE};
}

static inline void world_site(struct world *world, int index, const char *id, int server, int check)
{
    world->sites[index] = (struct model_site){.id = id,
                                              .name = id,
                                              .server = server,
                                              .domain = server,
                                              .is_project = index == SITE_CLIENT1,
                                              .path = "/",
                                              .check = check};
}

static inline void world_model(struct world *world)
{
    static const char *const hosts[WORLD_SERVERS] = {
        "testing.example", "erp.example", "agentonly.example", "loop.example",
        "nas.example",     "db.example",  "app.example",       "front.example"};
    static const char *const plain[] = {"nas", "db", "app", "front"};
    static const char *client1_containers[] = {"client1-web"};

    world_server(world, TESTING, "testing", 4);
    world->checks[TESTING][CHECK_OF_PING].kind = CHECK_PING;
    world->checks[TESTING][CHECK_OF_AGENT].kind = CHECK_AGENT;
    world->checks[TESTING][CHECK_OF_HTTP].kind = CHECK_HTTP;
    world->checks[TESTING][CHECK_OF_CLIENT1].kind = CHECK_HTTP;
    world->checks[TESTING][CHECK_OF_CLIENT1].required = false;
    world->checks[TESTING][CHECK_OF_CLIENT1].site = SITE_CLIENT1;
    world_server(world, ERP, "erp", 1);
    world->checks[ERP][0].kind = CHECK_TCP;
    world_server(world, AGENTONLY, "agentonly", 1);
    world->checks[AGENTONLY][0].kind = CHECK_AGENT;
    world_server(world, LOOP, "loop", 2);
    world->servers[LOOP].loopback = true;
    world->checks[LOOP][0].kind = CHECK_PING;
    world->checks[LOOP][1].kind = CHECK_HTTP;
    world_site(world, SITE_TESTING, "testing.example", TESTING, MODEL_NONE);
    world_site(world, SITE_CLIENT1, "client1", TESTING, CHECK_OF_CLIENT1);
    world->sites[SITE_CLIENT1].containers = client1_containers;
    world->sites[SITE_CLIENT1].n_containers = 1;
    world_site(world, SITE_ERP, "erp.example", ERP, MODEL_NONE);
    world_site(world, SITE_AGENTONLY, "agentonly.example", AGENTONLY, MODEL_NONE);
    world_site(world, SITE_LOOP, "loop.example", LOOP, MODEL_NONE);
    for (int i = NAS; i <= FRONT; i++) {
        world_server(world, i, plain[i - NAS], 1);
        world->checks[i][0].kind = CHECK_TCP;
        world_site(world, SITE_NAS + i - NAS, hosts[i], i, MODEL_NONE);
    }
    for (int i = 0; i < WORLD_SERVERS; i++)
        world->domains[i] =
            (struct model_domain){.name = hosts[i],
                                  .server = i,
                                  .site = i == TESTING ? SITE_TESTING : i + 1,
                                  .policy = {.mode = POLICY_ON_DEMAND, .idle = 20 * MINUTE}};
    world->domains[TESTING].n_projects = 1;
    world->domains[TESTING].projects[0] = SITE_CLIENT1;
    world->model = (struct model){.n_servers = WORLD_SERVERS,
                                  .servers = world->servers,
                                  .n_domains = WORLD_SERVERS,
                                  .domains = world->domains,
                                  .n_sites = WORLD_SITES,
                                  .sites = world->sites};
}

static inline void world_depends(struct world *world, int server, int needed)
{
    struct model_server *model = &world->servers[server];

    model->depends_on[model->n_depends_on++] = needed;
}

/* A chain and a diamond: front needs app and db, each of them needs nas. */
static inline void world_link(struct world *world)
{
    world_depends(world, FRONT, APP);
    world_depends(world, FRONT, DB);
    world_depends(world, APP, NAS);
    world_depends(world, DB, NAS);
}

static inline int32_t world_offset(void *context, const char *zone, int64_t utc_s)
{
    const struct world *world = context;

    (void)zone;
    return world->changes_at == 0 || utc_s < world->changes_at ? world->offset
                                                               : world->offset_after;
}

/* The model, the wall clock and the zone may be changed between world_model and world_begin. */
static inline void world_begin_on(struct world *world, const struct model *model,
                                  const struct fleet_sink *sink)
{
    if (world->now.boot == 0)
        world->now.boot = 1000000;
    if (world->now.wall == 0)
        world->now.wall = WORLD_START;
    world->zones = (struct zone_port){.offset = world_offset, .context = world};
    assert_int_equal(fleet_create(model, sink, world->now, &world->fleet), 0);
    fleet_set_zones(world->fleet, &world->zones);
    fleet_start(world->fleet, world->now);
}

static inline void world_begin_with(struct world *world, const struct fleet_sink *sink)
{
    world_begin_on(world, &world->model, sink);
}

static inline void world_begin(struct world *world)
{
    const struct fleet_sink sink = {.act = world_act, .context = world};

    world_begin_with(world, &sink);
}

/* A world for one test, changed before it begins. */
static inline struct world *world_new(void (*change)(struct world *))
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world_model(world);
    if (change)
        change(world);
    world_begin(world);
    return world;
}

static inline int world_init(void **state)
{
    *state = world_new(NULL);
    return 0;
}

static inline int world_finish(void **state)
{
    struct world *world = *state;

    if (!world)
        return 0;
    fleet_destroy(world->fleet);
    free(world);
    return 0;
}

/* What happens. */

static inline int world_place(const int *places, int index)
{
    return places && index != MODEL_NONE ? places[index] : index;
}

static inline bool world_has(const struct world *world, int server)
{
    return world_place(world->server_at, server) != MODEL_NONE;
}

static inline bool world_has_site(const struct world *world, int site)
{
    return world_place(world->site_at, site) != MODEL_NONE;
}

/* What concerns one that is not in the fleet's model does not reach it. */
/* The packets of the step that is over have left. */
static inline void world_send(struct world *world)
{
    for (size_t i = 0; i < world->n_unsent; i++) {
        const struct fleet_event sent = {
            .kind = FLEET_PACKET_SENT,
            .server = world_place(world->server_at, world->unsent[i].server),
            .packet = {.number = world->unsent[i].number},
        };

        if (world_has(world, world->unsent[i].server))
            fleet_handle(world->fleet, world->now, &sent);
    }
    world->n_unsent = 0;
}

static inline void world_handle(struct world *world, const struct fleet_event *event)
{
    const bool names_site =
        event->kind == FLEET_VISIT || event->kind == FLEET_USE || event->kind == FLEET_WEBSOCKET;
    struct fleet_event here = *event;

    if (names_site ? !world_has_site(world, event->visit.site) : !world_has(world, event->server))
        return;
    if (names_site)
        here.visit.site = world_place(world->site_at, event->visit.site);
    else
        here.server = world_place(world->server_at, event->server);
    if (event->kind == FLEET_COMMAND)
        here.command.site = world_place(world->site_at, event->command.site);
    world_send(world);
    fleet_handle(world->fleet, world->now, &here);
    world_send(world);
}

static inline void world_come(struct world *world, enum fleet_event_kind kind, int site,
                              const char *who)
{
    struct fleet_event event = {.kind = kind, .visit = {.site = site}};

    snprintf(event.visit.who, sizeof(event.visit.who), "%s", who);
    world_handle(world, &event);
}

static inline void world_visit(struct world *world, int site)
{
    world_come(world, FLEET_VISIT, site, "");
}

static inline void world_use(struct world *world, int site)
{
    world_come(world, FLEET_USE, site, "");
}

static inline void world_probe(struct world *world, int server, unsigned check,
                               enum probe_outcome outcome)
{
    world_handle(world, &(struct fleet_event){.kind = FLEET_PROBE,
                                              .server = server,
                                              .probe = {.check = check, .outcome = outcome}});
}

static inline void world_neighbour(struct world *world, int server, enum mac_verdict verdict)
{
    struct fleet_event event = {
        .kind = FLEET_NEIGHBOUR, .server = server, .neighbour = {.verdict = verdict}};
    const uint8_t *mac = verdict == MAC_OTHER ? world_other_mac : world->servers[server].mac;

    if (verdict != MAC_UNKNOWN)
        memcpy(event.neighbour.mac, mac, 6);
    world_handle(world, &event);
}

static inline void world_agent(struct world *world, int server, enum agent_word word)
{
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_AGENT, .server = server, .agent = {.word = word}});
}

static inline void world_report(struct world *world, int server, const char *boot_id, bool armed)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = server};

    event.report.wol_known = true;
    event.report.wol_armed = armed;
    snprintf(event.report.boot_id, sizeof(event.report.boot_id), "%s", boot_id);
    world_handle(world, &event);
}

/* What a look at the connections found: a stream on this site that lives so long; NULL: none. */
static inline void world_look(struct world *world, int server, const char *holder, int64_t lasts)
{
    struct stream_use use = {.until = world->now.boot + lasts};
    struct fleet_event event = {.kind = FLEET_STREAM, .server = server, .streams = {.list = &use}};

    for (int i = 0; holder && event.streams.n == 0 && i < WORLD_SITES; i++)
        if (strcmp(world->sites[i].id, holder) == 0 && world->sites[i].server == server &&
            world_place(world->site_at, i) != MODEL_NONE) {
            use.site = world_place(world->site_at, i);
            event.streams.n = 1;
        }
    use.what =
        fact_with(FACT(STREAM_MOVING, .word = STREAM_DOWNLOAD, .n = {12000000}), "192.0.2.7", NULL);
    world_handle(world, &event);
}

/* Does Hall know that nothing moves on its connections, as far as it can know? */
static inline bool world_sees(const struct power *power, struct now now)
{
    return !power->sight.watched || (!power->sight.failed && now.boot - power->sight.looked <= 500);
}

static inline void world_blind(struct world *world, int server)
{
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_STREAM, .server = server, .streams = {.failed = true}});
}

/* What an agent says of Docker's containers: "NAME STATE HEALTH[ busy]", or "NAME@PROJECT ..." with
 * "-" for no health, parted by commas; NULL: Docker is down. */
static inline void world_containers(struct world *world, int server, const char *words)
{
    struct containers_told *told = calloc(1, sizeof(*told));
    char *text = strdup(words ? words : ""), *rest = text, *item;

    assert_true(told && text);
    told->docker_up = words != NULL;
    if (!words)
        told->problem = fact_with(FACT(AGENT_SAID), "there is no socket: start Docker", NULL);
    while ((item = strsep(&rest, ",")) && item[0]) {
        struct container_told *one = &told->list[told->n++];
        char state[24] = "", health[24] = "", busy[8] = "", name[64] = "";

        assert_true(sscanf(item, "%63s %23s %23s %7s", name, state, health, busy) >= 3);
        char *project = strchr(name, '@');
        if (project) {
            *project++ = '\0';
            snprintf(one->project, sizeof(one->project), "%s", project);
        }
        snprintf(one->name, sizeof(one->name), "%s", name);
        one->state = container_state_from_name(state);
        one->health = container_health_from_name(strcmp(health, "-") == 0 ? NULL : health);
        one->busy = strcmp(busy, "busy") == 0;
    }
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_CONTAINERS, .server = server, .containers = told});
    free(text);
    free(told);
}

static inline struct command world_new_command(enum command_action action, const char *id)
{
    struct command command = {.action = action, .site = MODEL_NONE};

    snprintf(command.id, sizeof(command.id), "%s", id);
    snprintf(command.by, sizeof(command.by), "operator");
    return command;
}

static inline void world_order(struct world *world, int server, struct command command)
{
    assert_int_equal(fleet_reserve(world->fleet), 0);
    world_handle(
        world, &(struct fleet_event){.kind = FLEET_COMMAND, .server = server, .command = command});
}

static inline void world_command(struct world *world, int server, enum command_action action,
                                 const char *id)
{
    world_order(world, server, world_new_command(action, id));
}

static inline void world_hold(struct world *world, int server, const char *name, int64_t lasts)
{
    struct command command = world_new_command(COMMAND_HOLD, "");

    snprintf(command.name, sizeof(command.name), "%s", name);
    command.lasts = lasts;
    world_order(world, server, command);
}

static inline void world_keep_awake(struct world *world, int server, bool on)
{
    struct command command = world_new_command(COMMAND_KEEP_AWAKE, "");

    command.on = on;
    world_order(world, server, command);
}

static inline void world_policy(struct world *world, int server, enum policy_mode policy)
{
    struct command command = world_new_command(COMMAND_POLICY, "");

    command.policy = policy;
    world_order(world, server, command);
}

static inline void world_sleep_answer(struct world *world, int server, enum sleep_answer answer,
                                      const char *reason)
{
    struct fleet_event event = {
        .kind = FLEET_SLEEP_ANSWER, .server = server, .sleep = {.answer = answer}};

    event.sleep.reason = reason[0] ? fact_with(FACT(AGENT_SAID), reason, NULL) : FACT(NONE);
    world_handle(world, &event);
}

/* Time passes, and nothing else: every deadline on the way is kept. */
static inline void world_advance(struct world *world, int64_t ms)
{
    const int64_t end = world->now.boot + ms;
    const int64_t wall_ahead = world->now.wall - world->now.boot;

    world_send(world);
    while (fleet_deadline(world->fleet) <= end) {
        if (fleet_deadline(world->fleet) > world->now.boot)
            world->now.boot = fleet_deadline(world->fleet);
        world->now.wall = world->now.boot + wall_ahead;
        fleet_tick(world->fleet, world->now);
        world_send(world);
        assert_true(fleet_deadline(world->fleet) > world->now.boot);
    }
    world->now.boot = end;
    world->now.wall = end + wall_ahead;
}

static inline void world_until(struct world *world, int64_t wall)
{
    assert_true(wall >= world->now.wall);
    world_advance(world, wall - world->now.wall);
}

/* The wall clock is set; the boot clock never steps. */
static inline void world_set_clock(struct world *world, int64_t wall)
{
    world->now.wall = wall;
    fleet_tick(world->fleet, world->now);
    world_send(world);
}

/* Larger happenings. */

static inline bool world_is_network(const struct world *world, int server, unsigned check)
{
    return world->checks[server][check].kind != CHECK_AGENT;
}

static inline void world_pass(struct world *world, int server)
{
    for (unsigned i = 0; i < world->servers[server].n_checks; i++)
        if (world_is_network(world, server, i))
            world_probe(world, server, i, PROBE_PASS);
    if (!world->servers[server].loopback)
        world_neighbour(world, server, MAC_MATCH);
}

/* All its checks pass, its agent's too. */
static inline void world_up(struct world *world, int server)
{
    world_pass(world, server);
    world_agent(world, server, AGENT_ONLINE);
}

static inline void world_silence(struct world *world, int server)
{
    for (int round = 0; round < EVIDENCE_MISSES; round++)
        for (unsigned i = 0; i < world->servers[server].n_checks; i++)
            if (world_is_network(world, server, i))
                world_probe(world, server, i, PROBE_MISS);
}

/* It went to sleep as it should: agreed, goodbye, silence. */
static inline void world_fall_asleep(struct world *world, int server)
{
    world_sleep_answer(world, server, SLEEP_ACCEPTED, "");
    world_agent(world, server, AGENT_SLEEPING);
    world_advance(world, 2 * SECOND);
    world_silence(world, server);
}

/* Off, then woken by Hall and up after boot_ms: from here it is known to be wakeable. */
static inline void world_wake(struct world *world, int server, int64_t boot_ms)
{
    world_command(world, server, COMMAND_WAKE, "");
    world_advance(world, boot_ms);
    world_up(world, server);
}

/* What was seen. */

static inline const struct power *world_power(const struct world *world, int server)
{
    return fleet_power(world->fleet, world_place(world->server_at, server));
}

#define assert_state(world_, server_, state_)                                                      \
    assert_string_equal(power_state_name(world_power(world_, server_)->state),                     \
                        power_state_name(state_))

static inline size_t world_count(const struct world *world, enum action_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < world->n; i++)
        n += world->seen[i].action.kind == kind;
    return n;
}

static inline size_t world_count_event(const struct world *world, enum happening what)
{
    size_t n = 0;

    for (size_t i = 0; i < world->n; i++)
        n += world->seen[i].action.kind == ACTION_EVENT && world->seen[i].action.event.what == what;
    return n;
}

static inline const struct seen_action *world_last(const struct world *world, enum action_kind kind)
{
    for (size_t i = world->n; i-- > 0;)
        if (world->seen[i].action.kind == kind)
            return &world->seen[i];
    return NULL;
}

/* The outcomes of one command in the order they were said: "accepted done ". */
static inline const char *world_outcomes(const struct world *world, const char *id)
{
    static char text[256];

    text[0] = '\0';
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_ANSWER &&
            strcmp(world->seen[i].answer.id, id) == 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                     command_outcome_name(world->seen[i].answer.outcome));
    return text;
}

static inline void world_forget(struct world *world)
{
    world->n = 0;
}

#endif
