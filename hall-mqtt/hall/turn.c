#include "hall/turn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "loop/timer.h"

enum { ACCURACY_US = 5000, DEFERRED_FIRST = 16 };

struct turn {
    const struct current *current;
    const struct outlets *outlets;
    sd_event_source *timer; /* the fleet's next deadline */
    int64_t awake_at;       /* when the loop last did something; boot clock, ms */
    size_t n_deferred, room;
    struct fleet_event *deferred; /* [room] */
};

void turn_settle(struct turn *turn)
{
    for (size_t i = 0; i < turn->n_deferred; i++) {
        const struct fleet_event event = turn->deferred[i];

        fleet_handle(turn->current->fleet, clock_now(), &event);
    }
    turn->n_deferred = 0;
    outlets_tell(turn->outlets, &(struct news){.kind = NEWS_SETTLED});
    loop_timer_set(turn->timer, fleet_deadline(turn->current->fleet));
}

const struct fleet *turn_fleet(const struct turn *turn)
{
    return turn->current->fleet;
}

void turn_feed(struct turn *turn, const struct fleet_event *event)
{
    const bool grows = event->kind == FLEET_COMMAND || event->kind == FLEET_VISIT;

    if (grows && fleet_reserve(turn->current->fleet) < 0)
        log_error("no memory for more commands and visitors");
    fleet_handle(turn->current->fleet, clock_now(), event);
    turn_settle(turn);
}

void turn_tick(struct turn *turn)
{
    fleet_tick(turn->current->fleet, clock_now());
    turn_settle(turn);
}

static bool is_late(const struct turn *turn, int64_t before)
{
    return fleet_is_behind(turn->current->fleet, before) ||
           prober_is_behind(turn->current->prober, before);
}

/* Where nothing was due it was no standstill, but a calm time. */
void turn_awake(void *context)
{
    struct turn *turn = context;
    const struct now now = clock_now();
    const int64_t before = now.boot - FLEET_LATE;
    const int64_t since = turn->awake_at;

    turn->awake_at = now.boot;
    if (since > before || !is_late(turn, before))
        return;
    prober_stood_still(turn->current->prober);
    fleet_stood_still(turn->current->fleet, now, since);
    turn_settle(turn);
}

void turn_defer(struct turn *turn, const struct fleet_event *event)
{
    if (turn->n_deferred == turn->room) {
        const size_t room = turn->room > 0 ? 2 * turn->room : DEFERRED_FIRST;
        struct fleet_event *deferred = reallocarray(turn->deferred, room, sizeof(*deferred));

        if (!deferred) {
            log_error("%s: no memory to keep what became of it",
                      turn->current->config->model.servers[event->server].id);
            return;
        }
        turn->deferred = deferred;
        turn->room = room;
    }
    turn->deferred[turn->n_deferred++] = *event;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    turn_tick(context);
    return 0;
}

int turn_create(sd_event *loop, const struct current *current, const struct outlets *outlets,
                struct turn **ret_turn)
{
    struct turn *turn = calloc(1, sizeof(*turn));
    int error;

    if (!turn)
        return -ENOMEM;
    turn->current = current;
    turn->outlets = outlets;
    turn->awake_at = clock_now().boot;
    error = loop_timer_create(loop, ACCURACY_US, on_timer, turn, &turn->timer);
    if (error < 0) {
        turn_destroy(turn);
        return error;
    }
    *ret_turn = turn;
    return 0;
}

void turn_destroy(struct turn *turn)
{
    if (!turn)
        return;
    sd_event_source_disable_unref(turn->timer);
    free(turn->deferred);
    free(turn);
}
