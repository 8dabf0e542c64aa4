#include "hallctl/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/due.h"
#include "core/saved.h"
#include "hallctl/machine.h"
#include "hallctl/watch.h"

enum { BOOT_BEGINS = 3600000 }; /* Hall's own machine is up for an hour when it begins */

/* Who stands behind one line of the script. */
struct visitor {
    int64_t since; /* boot clock: waits since then; 0: does not wait */
    bool seen;     /* was told of once */
    bool refused;  /* the last time */
};

struct world {
    const struct world_plan *plan;
    const struct model *model;
    struct fleet *fleet;
    struct now now;
    struct machine *machines; /* [n_servers] */
    struct due due;           /* of the machines */
    struct visitor *visitors; /* [events of the script] */
    struct watch watch;
    size_t played; /* occurrences of the script */
    bool refused;  /* the visitor at hand was */
    size_t n_waiting;
    size_t n_answering;
    int *answering; /* sites that answer since this step, [n_sites] */
    bool *is_answering;
};

/* ---- what the fleet does ---- */

static void plan_machine(struct world *world, int server)
{
    due_set(&world->due, server, machine_due(&world->machines[server]));
}

static void act_packet(struct world *world, const struct action *action)
{
    world->watch.servers[action->server].packet_lost =
        !machine_packet(&world->machines[action->server], world->now.boot);
    plan_machine(world, action->server);
}

static void act_pace(struct world *world, const struct action *action)
{
    machine_pace(&world->machines[action->server], world->now.boot, action->pace.interval,
                 action->pace.timeout);
    plan_machine(world, action->server);
}

static void act_sleep(struct world *world, const struct action *action)
{
    machine_ask_sleep(&world->machines[action->server], world->now.boot, action->sleep.id,
                      action->sleep.force, action->sleep.restart);
    plan_machine(world, action->server);
}

static void act_site(struct world *world, const struct action *action)
{
    const int site = action->site.site;

    if (!fleet_site_ready(world->fleet, site) || world->is_answering[site])
        return;
    world->is_answering[site] = true;
    world->answering[world->n_answering++] = site;
}

static void act_limit(struct world *world, const struct action *action)
{
    world->refused |= action->limit.refused;
}

typedef void actor(struct world *world, const struct action *action);

static actor *const actors[] = {
    [ACTION_STATE] = NULL,        [ACTION_STATUS] = NULL,   [ACTION_SITE] = act_site,
    [ACTION_PACKET] = act_packet, [ACTION_PACE] = act_pace, [ACTION_SLEEP] = act_sleep,
    [ACTION_EVENT] = NULL,        [ACTION_ANSWER] = NULL,   [ACTION_LIMIT] = act_limit,
    [ACTION_SAVE] = NULL,         [ACTION_QUOTA] = NULL,    [ACTION_PROJECT] = NULL,
};

static void act(void *context, const struct action *action)
{
    struct world *world = context;

    watch_action(&world->watch, action);
    if ((size_t)action->kind < sizeof(actors) / sizeof(actors[0]) && actors[action->kind])
        actors[action->kind](world, action);
}

static void handle(struct world *world, const struct fleet_event *event)
{
    fleet_handle(world->fleet, world->now, event);
}

static void tell(void *context, const struct fleet_event *event)
{
    handle(context, event);
}

static struct machine_listener listener(struct world *world)
{
    return (struct machine_listener){.tell = tell, .context = world};
}

static void say_to_hall(struct world *world, int server, const char *what, const char *text)
{
    telling_line(&world->watch.telling,
                 server == MODEL_NONE ? "hall" : world->model->servers[server].id, what, "%s",
                 text);
}

/* ---- visitors ---- */

static bool is_within(const struct cidr *ranges, size_t n, const char *address)
{
    struct in_addr parsed;

    if (n == 0 || address[0] == '\0' || text_parse_ipv4(address, &parsed) < 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (cidr_contains(&ranges[i], parsed))
            return true;
    return false;
}

static bool is_allowed(const struct world *world, const struct script_event *event)
{
    const struct model_site *site = &world->model->sites[event->site];
    const struct model_access *access = &world->model->domains[site->domain].access;

    if (access->n_deny > 0 && event->from[0] != '\0' &&
        is_within(access->deny, access->n_deny, event->from))
        return false;
    return is_within(access->allow, access->n_allow, event->from) &&
           is_within(site->allow, site->n_allow, event->from);
}

static const char *name_visitor(const struct script_event *event)
{
    return event->from[0] ? event->from : "a visitor";
}

static void turn_away(struct world *world, const struct script_event *event)
{
    telling_line(&world->watch.telling, world->model->servers[event->server].id, "refused",
                 "%s: access.allow refuses %s", world->model->sites[event->site].id, event->from);
    world->watch.servers[event->server].account.refused++;
}

/* Told the first time, and when it does not simply get what it wants. */
static void tell_visit(struct world *world, const struct script_event *event,
                       const struct visitor *visitor)
{
    const bool ready = fleet_site_ready(world->fleet, event->site);

    if (visitor->seen && (ready || visitor->since > 0 || visitor->refused))
        return;
    telling_line(&world->watch.telling, world->model->servers[event->server].id, "visit",
                 "%s asks for %s%s", name_visitor(event), world->model->sites[event->site].id,
                 ready ? ", which is there" : "");
}

static void play_visit(struct world *world, const struct script_event *event)
{
    struct visitor *visitor = &world->visitors[event - world->plan->script->events];
    struct fleet_event visit = {.kind = FLEET_VISIT, .visit = {.site = event->site}};

    world->watch.servers[event->server].account.visits++;
    tell_visit(world, event, visitor);
    visitor->seen = true;
    visitor->refused = !is_allowed(world, event);
    if (visitor->refused) {
        turn_away(world, event);
        return;
    }
    text_copy(visit.visit.who, sizeof(visit.visit.who), event->from);
    world->refused = false;
    handle(world, &visit);
    visitor->refused = world->refused;
    if (world->refused || fleet_site_ready(world->fleet, event->site) || visitor->since > 0)
        return;
    visitor->since = world->now.boot;
    world->n_waiting++;
}

static int64_t end_wait(struct world *world, const struct script_event *event,
                        struct visitor *visitor)
{
    const int64_t waited = world->now.boot - visitor->since;
    struct telling_account *account = &world->watch.servers[event->server].account;

    account->wait = waited > account->wait ? waited : account->wait;
    visitor->since = 0;
    world->n_waiting--;
    return waited;
}

/* The browser of who waited is on the site at once. */
static void let_in(struct world *world, const struct script_event *event, struct visitor *visitor)
{
    const int64_t waited = end_wait(world, event, visitor);
    struct fleet_event use = {.kind = FLEET_USE, .visit = {.site = event->site}};
    char span[32];

    telling_line(&world->watch.telling, world->model->servers[event->server].id, "visitor",
                 "%s is on %s after %s", name_visitor(event), world->model->sites[event->site].id,
                 telling_span(waited, span, sizeof(span)));
    text_copy(use.visit.who, sizeof(use.visit.who), event->from);
    handle(world, &use);
}

static void let_in_all(struct world *world, int site)
{
    const struct script *script = world->plan->script;

    for (size_t i = 0; i < script->n_events; i++)
        if (world->visitors[i].since > 0 && script->events[i].site == site &&
            fleet_site_ready(world->fleet, site))
            let_in(world, &script->events[i], &world->visitors[i]);
}

/* Who has waited until nobody remembers the wish has gone away. */
static void see_off(struct world *world)
{
    const struct script *script = world->plan->script;

    for (size_t i = 0; world->n_waiting > 0 && i < script->n_events; i++) {
        const struct script_event *event = &script->events[i];
        const char *site = event->site == MODEL_NONE ? "" : world->model->sites[event->site].id;
        char span[32];

        if (world->visitors[i].since == 0 ||
            lease_find(&fleet_power(world->fleet, event->server)->leases, LEASE_VISIT, site))
            continue;
        const int64_t waited = end_wait(world, event, &world->visitors[i]);
        telling_line(&world->watch.telling, world->model->servers[event->server].id, "visitor",
                     "%s gives up on %s after %s", name_visitor(event), site,
                     telling_span(waited, span, sizeof(span)));
    }
}

/* ---- the script ---- */

static void play_command(struct world *world, const struct script_event *event)
{
    handle(world, &(struct fleet_event){
                      .kind = FLEET_COMMAND, .server = event->server, .command = event->command});
}

static void play_crash(struct world *world, const struct script_event *event)
{
    if (!machine_crash(&world->machines[event->server], world->now.boot))
        say_to_hall(world, event->server, "script", "it is not on: nothing to crash");
    plan_machine(world, event->server);
}

static void play_veto(struct world *world, const struct script_event *event)
{
    machine_veto(&world->machines[event->server], event->reason, world->now.boot + event->duration);
}

static void play_lost_packets(struct world *world, const struct script_event *event)
{
    world->machines[event->server].lose = event->count;
}

static void play_boot(struct world *world, const struct script_event *event)
{
    world->machines[event->server].boot = event->duration;
}

static void meet_machines(struct world *world)
{
    const struct machine_listener ears = listener(world);

    for (size_t i = 0; i < world->model->n_servers; i++) {
        machine_meet(&world->machines[i], world->now.boot, &ears);
        plan_machine(world, (int)i);
    }
}

static int begin_hall(struct world *world, struct fleet **ret_fleet)
{
    const struct fleet_sink sink = {.act = act, .context = world};
    const int error = fleet_create(world->model, &sink, world->now, ret_fleet);

    if (error == 0)
        fleet_set_zones(*ret_fleet, world->plan->local->zones);
    return error;
}

static void restore(const struct world *world, struct fleet *fleet)
{
    const struct quota *quota;
    size_t cursor = 0;

    for (size_t i = 0; i < world->model->n_servers; i++) {
        struct saved saved;

        fleet_save(world->fleet, (int)i, world->now, &saved);
        fleet_restore(fleet, (int)i, world->now, &saved);
    }
    while ((quota = fleet_quota(world->fleet, &cursor)))
        fleet_restore_quota(fleet, quota);
}

static void start_hall(struct world *world, struct fleet *fleet)
{
    world->fleet = fleet;
    world->watch.fleet = fleet;
    fleet_start(fleet, world->now);
    meet_machines(world);
}

static void play_restart_hall(struct world *world, const struct script_event *event)
{
    struct fleet *old = world->fleet;
    struct fleet *fleet = NULL;

    (void)event;
    if (begin_hall(world, &fleet) < 0) {
        say_to_hall(world, MODEL_NONE, "script", "no memory to restart: it goes on");
        return;
    }
    restore(world, fleet);
    start_hall(world, fleet);
    fleet_destroy(old);
}

static void play_clock(struct world *world, const struct script_event *event)
{
    char text[96], stamp[LOCAL_SIZE];

    world->now.wall += event->duration;
    world->watch.now = world->now;
    world->watch.telling.behind += event->duration;
    snprintf(text, sizeof(text), "Hall's clock now shows %s",
             local_stamp(world->plan->local, world->now.wall, stamp));
    say_to_hall(world, MODEL_NONE, "clock", text);
    fleet_clock_was_set(world->fleet);
}

typedef void player(struct world *world, const struct script_event *event);

static player *const players[] = {
    [SCRIPT_VISIT] = play_visit,
    [SCRIPT_COMMAND] = play_command,
    [SCRIPT_CRASH] = play_crash,
    [SCRIPT_VETO] = play_veto,
    [SCRIPT_LOST_PACKETS] = play_lost_packets,
    [SCRIPT_BOOT] = play_boot,
    [SCRIPT_RESTART_HALL] = play_restart_hall,
    [SCRIPT_CLOCK] = play_clock,
};

static void play_next(struct world *world)
{
    const struct script *script = world->plan->script;
    const struct script_event *event = &script->events[script->occurrences[world->played++].event];
    char text[SCRIPT_SHOWN_SIZE + 64];

    snprintf(text, sizeof(text), "%s%s", event->shown,
             event->skipped ? " (the clock jumps over the time given)" : "");
    if (event->kind != SCRIPT_VISIT || event->skipped)
        say_to_hall(world, event->server, "script", text);
    players[event->kind](world, event);
}

/* ---- time ---- */

static int64_t boot_at(const struct world *world, int64_t wall)
{
    return BOOT_BEGINS + (wall - world->plan->from);
}

static int64_t script_due(const struct world *world)
{
    const struct script *script = world->plan->script;

    return world->played < script->n ? boot_at(world, script->occurrences[world->played].at)
                                     : DUE_NEVER;
}

static int64_t next_due(const struct world *world)
{
    const int64_t times[] = {fleet_deadline(world->fleet), due_next(&world->due),
                             script_due(world)};
    int64_t first = DUE_NEVER;

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        first = times[i] < first ? times[i] : first;
    return first > world->now.boot ? first : world->now.boot;
}

static void advance(struct world *world, int64_t boot)
{
    world->now.wall += boot - world->now.boot;
    world->now.boot = boot;
    world->watch.now = world->now;
    world->watch.telling.now = world->now.wall - world->watch.telling.behind;
}

static void step_machine(struct world *world)
{
    const struct machine_listener ears = listener(world);
    const int server = due_server(&world->due);

    machine_step(&world->machines[server], world->now.boot, &ears);
    plan_machine(world, server);
}

static void do_one(struct world *world)
{
    if (fleet_deadline(world->fleet) <= world->now.boot)
        fleet_tick(world->fleet, world->now);
    else if (due_next(&world->due) <= world->now.boot)
        step_machine(world);
    else if (script_due(world) <= world->now.boot)
        play_next(world);
}

static void settle(struct world *world)
{
    while (world->n_answering > 0) {
        const int site = world->answering[--world->n_answering];

        world->is_answering[site] = false;
        let_in_all(world, site);
    }
    see_off(world);
    watch_settle(&world->watch);
}

static void end(struct world *world, int64_t boot)
{
    const struct script *script = world->plan->script;

    advance(world, boot);
    for (size_t i = 0; i < script->n_events; i++)
        if (world->visitors[i].since > 0) {
            world->watch.servers[script->events[i].server].account.waiting = true;
            end_wait(world, &script->events[i], &world->visitors[i]);
        }
}

static void run(struct world *world)
{
    const int64_t last = boot_at(world, world->plan->until);
    int64_t next;

    settle(world);
    while ((next = next_due(world)) < last) {
        advance(world, next);
        do_one(world);
        settle(world);
    }
    end(world, last);
}

/* ---- the whole ---- */

static int sum_up(const struct world *world)
{
    const size_t n = world->model->n_servers;
    struct telling_account *accounts = calloc(n + 1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        accounts[i] = world->watch.servers[i].account;
        accounts[i].on = machine_on(&world->machines[i], world->now.boot);
    }
    telling_summary(&world->watch.telling, world->plan->from, world->plan->until, accounts, n);
    free(accounts);
    return 0;
}

static int id_width(const struct model *model)
{
    size_t widest = sizeof("server") - 1;

    for (size_t i = 0; i < model->n_servers; i++)
        if (strlen(model->servers[i].id) > widest)
            widest = strlen(model->servers[i].id);
    return (int)widest;
}

static int create(struct world *world, const struct world_plan *plan)
{
    const struct model *model = plan->model;
    const struct telling telling = {.out = plan->out,
                                    .json = plan->json,
                                    .local = plan->local,
                                    .width = id_width(model),
                                    .now = plan->from};

    *world = (struct world){
        .plan = plan, .model = model, .now = {.boot = BOOT_BEGINS, .wall = plan->from}};
    world->machines = calloc(model->n_servers + 1, sizeof(*world->machines));
    world->visitors = calloc(plan->script->n_events + 1, sizeof(*world->visitors));
    world->answering = calloc(model->n_sites + 1, sizeof(*world->answering));
    world->is_answering = calloc(model->n_sites + 1, sizeof(*world->is_answering));
    if (!world->machines || !world->visitors || !world->answering || !world->is_answering ||
        due_init(&world->due, model->n_servers) < 0 ||
        watch_init(&world->watch, model, &telling) < 0 || begin_hall(world, &world->fleet) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_servers; i++)
        machine_init(&world->machines[i], model, (int)i);
    return 0;
}

static void destroy(struct world *world)
{
    fleet_destroy(world->fleet);
    watch_finish(&world->watch);
    due_finish(&world->due);
    free(world->machines);
    free(world->visitors);
    free(world->answering);
    free(world->is_answering);
}

int world_run(const struct world_plan *plan)
{
    struct world world;
    int error = create(&world, plan);

    if (error == 0) {
        world.watch.now = world.now;
        start_hall(&world, world.fleet);
        run(&world);
        error = sum_up(&world);
    }
    destroy(&world);
    return error;
}
