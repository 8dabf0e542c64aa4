#include <stdio.h>

#include "base/number.h"
#include "core/saved.h"
#include "say/say.h"
#include "simulate/world_internal.h"

static void say_to_hall(struct world *world, int server, const char *what, const char *text)
{
    telling_line(&world->observer.telling,
                 server == MODEL_NONE ? "hall" : world->model->servers[server].id, what, "%s",
                 text);
}

static void play_report(struct world *world, const struct fleet_event *event)
{
    const struct machine_listener ears = world_listener(world);
    const struct agent_use *use = event->uses.list;
    char text[SAID_SIZE], veto[SAID_SIZE] = "nothing against a sleep";

    if (event->uses.n > 0)
        say_english(&use->veto, NULL, world->now.wall, veto);
    snprintf(text, sizeof(text), "%.300s%s", veto,
             world->machines[event->server].word == AGENT_ONLINE ? "" : ", once it is online");
    say_to_hall(world, event->server, "report", text);
    machine_report(&world->machines[event->server], event, &ears);
}

static void play_bus(struct world *world, const struct script_event *event)
{
    if (event->bus->kind == FLEET_COMMAND) {
        const struct command *command = &event->bus->command;
        char text[512];
        snprintf(text, sizeof(text), "%s%s%s%s%s%s", command_action_name(command->action),
                 command->name[0] ? " " : "", command->name, command->by[0] ? " by " : "",
                 command->by, command->force ? ", forced" : "");
        say_to_hall(world, event->server, "command", text);
        world_handle(world, event->bus);
    } else {
        play_report(world, event->bus);
    }
}

static void play_crash(struct world *world, const struct script_event *event)
{
    say_to_hall(world, event->server, "crash",
                machine_crash(&world->machines[event->server], world->now.boot)
                    ? "it loses power"
                    : "it is not on: nothing to crash");
    world_plan_machine(world, event->server);
}

static void play_lost_packets(struct world *world, const struct script_event *event)
{
    char text[64];

    snprintf(text, sizeof(text), "the next %d magic packets do not reach it", event->count);
    say_to_hall(world, event->server, "lost_packets", text);
    world->machines[event->server].lose = event->count;
}

static void play_boot(struct world *world, const struct script_event *event)
{
    char text[64], span[32];

    snprintf(text, sizeof(text), "it takes %s from now on",
             duration_show(event->duration, span, sizeof(span)));
    say_to_hall(world, event->server, "boot", text);
    world->machines[event->server].boot = event->duration;
}

static bool restore(const struct world *world, struct fleet *fleet)
{
    const struct quota *quota;
    size_t cursor = 0;

    for (size_t i = 0; i < world->model->n_servers; i++) {
        struct saved saved;

        if (fleet_save(world->fleet, (int)i, world->now, &saved) < 0)
            return false;
        fleet_restore(fleet, (int)i, world->now, &saved);
        saved_finish(&saved);
    }
    while ((quota = fleet_quota(world->fleet, &cursor)))
        fleet_restore_quota(fleet, world->now, quota);
    return true;
}

static void play_restart_hall(struct world *world, const struct script_event *event)
{
    struct fleet *old = world->fleet;
    struct fleet *fleet = NULL;

    (void)event;
    if (world_begin_hall(world, &fleet) < 0 || !restore(world, fleet)) {
        fleet_destroy(fleet);
        say_to_hall(world, MODEL_NONE, "restart_hall", "no memory to restart: it goes on");
        return;
    }
    say_to_hall(world, MODEL_NONE, "restart_hall", "it goes on from its store");
    world_start_hall(world, fleet);
    fleet_destroy(old);
}

static void play_clock(struct world *world, const struct script_event *event)
{
    char text[96], stamp[LOCAL_SIZE];

    world->now.wall += event->duration;
    world->observer.now = world->now;
    world->observer.telling.behind += event->duration;
    snprintf(text, sizeof(text), "Hall's clock now shows %s",
             local_stamp(world->plan->local, world->now.wall, stamp));
    say_to_hall(world, MODEL_NONE, "clock", text);
    fleet_clock_was_set(world->fleet, world->now);
}

typedef void player(struct world *world, const struct script_event *event);

static player *const players[] = {
    [SCRIPT_BUS] = play_bus,     [SCRIPT_VISIT] = world_visit,
    [SCRIPT_CRASH] = play_crash, [SCRIPT_LOST_PACKETS] = play_lost_packets,
    [SCRIPT_BOOT] = play_boot,   [SCRIPT_RESTART_HALL] = play_restart_hall,
    [SCRIPT_CLOCK] = play_clock,
};

void world_play_next(struct world *world)
{
    const struct world_plan *plan = world->plan;
    const struct script_event *event = script_take(plan->script, plan->local, plan->until);

    players[event->kind](world, event);
}
