/* Hall around its core, as hall-mqtt/hall/ is: facts go in, what is decided comes out, and its
 * records are written and read back by the real record/. What is deferred there is deferred here.
 */
#include "base/text.h"
#include "world.h"

struct now hall_now(const struct world *world)
{
    return (struct now){.boot = world->t - world->hall.boot_zero,
                        .wall = world->t + world->hall.wall_ahead};
}

/* Faults that are put in on purpose. */
static bool is_swallowed(struct world *world, const struct action *action)
{
    const bool ends = action->kind == ACTION_ANSWER && action->answer->outcome != OUTCOME_ACCEPTED;

    if (ends && world->broken == BREAK_TWICE)
        judge_action(world, action);
    return ends && world->broken == BREAK_ANSWERS && chance(world, 300);
}

static void wake_for_nothing(struct world *world)
{
    const struct action packet = {.kind = ACTION_PACKET, .packet = {.number = 1}};

    if (world->broken != BREAK_WAKES || !chance(world, 5))
        return;
    judge_action(world, &packet);
    machine_packet(world, 0);
}

static void defer(struct world *world, const struct fleet_event *event)
{
    struct hall *hall = &world->hall;

    if (hall->n_deferred < sizeof(hall->deferred) / sizeof(hall->deferred[0]))
        hall->deferred[hall->n_deferred++] = *event;
}

void hall_settle(struct world *world)
{
    struct hall *hall = &world->hall;

    for (size_t i = 0; i < hall->n_deferred; i++) {
        const struct fleet_event event = hall->deferred[i];

        fleet_handle(hall->fleet, hall_now(world), &event);
    }
    hall->n_deferred = 0;
}

void hall_feed(struct world *world, const struct fleet_event *event)
{
    struct hall *hall = &world->hall;
    const bool names_site =
        event->kind == FLEET_VISIT || event->kind == FLEET_USE || event->kind == FLEET_WEBSOCKET;

    if (!hall->up)
        return;
    if (event->kind == FLEET_COMMAND)
        (void)fleet_reserve(hall->fleet);
    fleet_handle(hall->fleet, hall_now(world), event);
    hall_settle(world);
    judge_look(world, names_site ? world->plan.sites[event->visit.site].server : event->server);
}

int64_t hall_deadline(const struct world *world)
{
    const struct hall *hall = &world->hall;
    const int64_t due = hall->up && !hall->stands_still ? fleet_deadline(hall->fleet) : NEVER;

    if (due == NEVER)
        return NEVER;
    return due + hall->boot_zero > world->t ? due + hall->boot_zero : world->t;
}

void hall_tick(struct world *world)
{
    wake_for_nothing(world);
    fleet_tick(world->hall.fleet, hall_now(world));
    hall_settle(world);
    for (size_t i = 0; i < world->plan.model.n_servers; i++)
        judge_look(world, (int)i);
}

/* ---- what is decided ---- */

static void on_packet_arrived(struct world *world, const struct moment *moment)
{
    world->judge.sent[moment->a] |= world->machines[moment->a].phase == PHASE_DOWN;
    machine_packet(world, moment->a);
}

static void send_packet(struct world *world, const struct action *action)
{
    const int server = action->server;
    const bool fails = world->t < world->hall.card_until;
    struct fleet_event event = {.kind = fails ? FLEET_PACKET_FAILED : FLEET_PACKET_SENT,
                                .server = server,
                                .packet = {.number = action->packet.number}};

    if (fails)
        event.packet.reason = fact_said("no such device");
    world->counts[COUNT_PACKETS]++;
    defer(world, &event);
    if (fails || world->broken == BREAK_PACKETS || chance(world, 50)) /* lost */
        return;
    world_later(world, between(world, 1, 20), on_packet_arrived, server, 0, 0);
}

/* By ssh nobody agrees: the machine is told, or it does not answer. */
static void on_ssh(struct world *world, const struct moment *moment)
{
    const struct said *asked = &moment->said;
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER, .server = asked->server};

    if (!hall_runs(world) || world->hall.run != (uint32_t)moment->n)
        return;
    const bool there =
        world->machines[asked->server].phase == PHASE_UP && machine_answers(world, asked->server);

    event.sleep.answer = there ? SLEEP_DONE : SLEEP_FAILED;
    event.sleep.reason = there ? FACT(NONE) : fact_said("no route to host");
    text_copy(event.sleep.id, sizeof(event.sleep.id), asked->id);
    if (there && !chance(world, 20)) /* an agent that runs there notices */
        wire_say(world, asked->server, AGENT_SLEEPING);
    if (there)
        machine_halt(world, asked->server, asked->restart, true, asked->force);
    hall_feed(world, &event);
}

static void ask_sleep(struct world *world, const struct action *action)
{
    const int server = action->server;
    const enum sleep_via via = world->plan.servers[server].sleep.via;
    struct said said = {.kind = SAID_ASK,
                        .server = server,
                        .force = action->sleep.force,
                        .restart = action->sleep.restart,
                        .expires = world->t + action->sleep.lasts};
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER,
        .server = server,
        .sleep = {.answer = SLEEP_FAILED, .reason = FACT(SLEEP_NO_BROKER)}};

    world->counts[COUNT_SLEEPS]++;
    text_copy(said.id, sizeof(said.id), action->sleep.id);
    text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->sleep.id);
    tell(world, "Hall asks %s to sleep%s (%s)", world->plan.names[server],
         action->sleep.force ? " by force" : "", said.id);
    world->machines[server].asked = world->t;
    if (world->broken == BREAK_SLEEP)
        return;
    if (via == SLEEP_VIA_SSH)
        world_later_said(world, between(world, 300, 6000), on_ssh, &said, world->hall.run);
    else if (via == SLEEP_VIA_NONE || !wire_ask(world, &said))
        defer(world, &failed);
}

static void ask_project(struct world *world, const struct action *action)
{
    struct fleet_event failed = {
        .kind = FLEET_SLEEP_ANSWER,
        .server = action->server,
        .sleep = {.answer = SLEEP_VETOED, .reason = FACT(PROJECT_NO_BROKER)}};

    text_copy(failed.sleep.id, sizeof(failed.sleep.id), action->project.id);
    if (!containers_order(world, action))
        defer(world, &failed);
}

static void order_look(struct world *world, const struct action *action)
{
    sight_order(world, action->server);
}

static void note_state(struct world *world, const struct action *action)
{
    sight_state(world, action->server);
}

static void set_pace(struct world *world, const struct action *action)
{
    probe_pace(world, action->server, action->pace.interval, action->pace.timeout);
}

void hall_act(void *context, const struct action *action)
{
    static void (*const acts[ACTION_CHECK + 1])(struct world *, const struct action *) = {
        [ACTION_STATE] = note_state, [ACTION_PACKET] = send_packet,  [ACTION_PACE] = set_pace,
        [ACTION_SLEEP] = ask_sleep,  [ACTION_PROJECT] = ask_project, [ACTION_SAVE] = hall_save,
        [ACTION_LOOK] = order_look};
    struct world *world = context;

    if (!is_swallowed(world, action))
        judge_action(world, action);
    if (acts[action->kind])
        acts[action->kind](world, action);
}

/* ---- visitors at its gate ---- */

void hall_visit(struct world *world, int site, const char *who, bool uses, enum pass_kind kind)
{
    struct hall *hall = &world->hall;
    struct fleet_event event = {.kind = uses ? FLEET_USE : FLEET_VISIT, .visit = {.site = site}};
    struct passes *passes = &hall->passes[site];

    if (!hall_runs(world))
        return;
    text_copy(event.visit.who, sizeof(event.visit.who), who);
    if (uses) {
        passes->n[kind]++;
        passes->several |= passes->who != 0 && passes->who != streams_visitor(who);
        passes->who = streams_visitor(who);
        streams_came(hall->streams, hall->peer_of[site], site, who);
    }
    judge_visit(world, site, uses);
    hall_feed(world, &event);
}
