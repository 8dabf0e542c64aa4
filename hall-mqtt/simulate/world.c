#include "simulate/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "simulate/world_internal.h"

enum { BOOT_BEGINS = 3600000 }; /* Hall's own machine is up for an hour when it begins */

/* ---- what the fleet does ---- */

void world_plan_machine(struct world *world, int server)
{
    due_set(&world->due, server, machine_due(&world->machines[server]));
}

static void act_packet(struct world *world, const struct action *action)
{
    world->observer.servers[action->server].packet_lost =
        !machine_packet(&world->machines[action->server], world->now.boot);
    if (world->sent[action->server] == 0)
        world->sending[world->n_sending++] = action->server;
    world->sent[action->server] = action->packet.number;
    world_plan_machine(world, action->server);
}

static void act_pace(struct world *world, const struct action *action)
{
    machine_pace(&world->machines[action->server], world->now.boot, action->pace.interval,
                 action->pace.timeout);
    world_plan_machine(world, action->server);
}

static void act_sleep(struct world *world, const struct action *action)
{
    machine_ask_sleep(&world->machines[action->server], world->now.boot, action->sleep.id,
                      action->sleep.force, action->sleep.restart);
    world_plan_machine(world, action->server);
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
    [ACTION_LOOK] = NULL,         [ACTION_CHECK] = NULL,    [ACTION_JOIN] = NULL,
};

static void act(void *context, const struct action *action)
{
    struct world *world = context;

    observer_action(&world->observer, action);
    if ((size_t)action->kind < ARRAY_SIZE(actors) && actors[action->kind])
        actors[action->kind](world, action);
}

void world_handle(struct world *world, const struct fleet_event *event)
{
    fleet_handle(world->fleet, world->now, event);
}

static void tell(void *context, const struct fleet_event *event)
{
    world_handle(context, event);
}

struct machine_listener world_listener(struct world *world)
{
    return (struct machine_listener){.tell = tell, .context = world};
}

/* ---- Hall begins ---- */

int world_begin_hall(struct world *world, struct fleet **ret_fleet)
{
    const struct fleet_sink sink = {.act = act, .context = world};
    const int error = fleet_create(world->model, &sink, world->now, ret_fleet);

    if (error == 0)
        fleet_set_zones(*ret_fleet, world->plan->local->zones);
    return error;
}

void world_start_hall(struct world *world, struct fleet *fleet)
{
    world->fleet = fleet;
    world->observer.fleet = fleet;
    fleet_start(fleet, world->now);
    const struct machine_listener ears = world_listener(world);
    for (size_t i = 0; i < world->model->n_servers; i++) {
        machine_meet(&world->machines[i], world->now.boot, &ears);
        world_plan_machine(world, (int)i);
    }
}

/* ---- time ---- */

static int64_t boot_at(const struct world *world, int64_t wall)
{
    return BOOT_BEGINS + (wall - world->plan->from);
}

static int64_t happening_due(const struct world *world)
{
    const int64_t at = script_due(world->plan->script);

    return at == DUE_NEVER ? DUE_NEVER : boot_at(world, at);
}

static int64_t next_due(const struct world *world)
{
    const int64_t times[] = {fleet_deadline(world->fleet), due_next(&world->due),
                             happening_due(world)};
    int64_t first = DUE_NEVER;

    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        first = times[i] < first ? times[i] : first;
    return first > world->now.boot ? first : world->now.boot;
}

static void advance(struct world *world, int64_t boot)
{
    world->now.wall += boot - world->now.boot;
    world->now.boot = boot;
    world->observer.now = world->now;
    world->observer.telling.now = world->now.wall - world->observer.telling.behind;
}

static void do_one(struct world *world)
{
    if (fleet_deadline(world->fleet) <= world->now.boot) {
        fleet_tick(world->fleet, world->now);
    } else if (due_next(&world->due) <= world->now.boot) {
        const struct machine_listener ears = world_listener(world);
        const int server = due_server(&world->due);
        machine_step(&world->machines[server], world->now.boot, &ears);
        world_plan_machine(world, server);
    } else if (happening_due(world) <= world->now.boot) {
        world_play_next(world);
    }
}

static void tell_sent(struct world *world)
{
    while (world->n_sending > 0) {
        const int server = world->sending[--world->n_sending];
        const struct fleet_event sent = {
            .kind = FLEET_PACKET_SENT, .server = server, .packet = {.number = world->sent[server]}};

        world->sent[server] = 0;
        world_handle(world, &sent);
    }
}

static void settle(struct world *world)
{
    tell_sent(world);
    while (world->n_answering > 0) {
        const int site = world->answering[--world->n_answering];

        world->is_answering[site] = false;
        world_let_in(world, site);
    }
    world_see_off(world);
    observer_settle(&world->observer);
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
    advance(world, last);
    world_end_visits(world);
}

/* ---- the whole ---- */

static int sum_up(const struct world *world)
{
    const size_t n = world->model->n_servers;
    struct telling_account *accounts = calloc(n + 1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        accounts[i] = world->observer.servers[i].account;
        accounts[i].on = machine_on(&world->machines[i], world->now.boot);
    }
    telling_summary(&world->observer.telling, world->plan->from, world->plan->until, accounts, n);
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
    world->sending = calloc(model->n_servers + 1, sizeof(*world->sending));
    world->sent = calloc(model->n_servers + 1, sizeof(*world->sent));
    if (!world->machines || !world->visitors || !world->answering || !world->is_answering ||
        !world->sending || !world->sent || due_init(&world->due, model->n_servers) < 0 ||
        observer_init(&world->observer, model, &telling) < 0 ||
        world_begin_hall(world, &world->fleet) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_servers; i++)
        machine_init(&world->machines[i], model, (int)i);
    return 0;
}

int world_run(const struct world_plan *plan)
{
    struct world world;
    int error = create(&world, plan);

    if (error == 0) {
        world.observer.now = world.now;
        world_start_hall(&world, world.fleet);
        run(&world);
        error = sum_up(&world);
    }
    fleet_destroy(world.fleet);
    observer_finish(&world.observer);
    due_finish(&world.due);
    free(world.machines);
    free(world.visitors);
    free(world.sending);
    free(world.sent);
    free(world.answering);
    free(world.is_answering);
    return error;
}
