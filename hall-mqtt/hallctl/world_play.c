#include <stdio.h>

#include "core/saved.h"
#include "hallctl/world_internal.h"

static void say_to_hall(struct world *world, int server, const char *what, const char *text)
{
    telling_line(&world->watch.telling,
                 server == MODEL_NONE ? "hall" : world->model->servers[server].id, what, "%s",
                 text);
}

static void play_command(struct world *world, const struct script_event *event)
{
    world_handle(world, &(struct fleet_event){.kind = FLEET_COMMAND,
                                              .server = event->server,
                                              .command = event->command});
}

static void play_crash(struct world *world, const struct script_event *event)
{
    if (!machine_crash(&world->machines[event->server], world->now.boot))
        say_to_hall(world, event->server, "script", "it is not on: nothing to crash");
    world_plan_machine(world, event->server);
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

static void play_restart_hall(struct world *world, const struct script_event *event)
{
    struct fleet *old = world->fleet;
    struct fleet *fleet = NULL;

    (void)event;
    if (world_begin_hall(world, &fleet) < 0) {
        say_to_hall(world, MODEL_NONE, "script", "no memory to restart: it goes on");
        return;
    }
    restore(world, fleet);
    world_start_hall(world, fleet);
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
    [SCRIPT_VISIT] = world_visit,
    [SCRIPT_COMMAND] = play_command,
    [SCRIPT_CRASH] = play_crash,
    [SCRIPT_VETO] = play_veto,
    [SCRIPT_LOST_PACKETS] = play_lost_packets,
    [SCRIPT_BOOT] = play_boot,
    [SCRIPT_RESTART_HALL] = play_restart_hall,
    [SCRIPT_CLOCK] = play_clock,
};

void world_play_next(struct world *world)
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
