#include "hall/turn.h"

#include <errno.h>
#include <stdlib.h>

enum { ACCURACY_US = 5000, DEFERRED_MAX = 16 };

struct turn {
    const struct current *current;
    const struct outlets *outlets;
    sd_event_source *timer; /* the fleet's next deadline */
    size_t n_deferred;
    struct fleet_event deferred[DEFERRED_MAX];
};

static void arm_timer(const struct turn *turn)
{
    const int64_t due = fleet_deadline(turn->current->fleet);

    if (due == INT64_MAX) {
        sd_event_source_set_enabled(turn->timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time(turn->timer, due > 0 ? (uint64_t)due * 1000 : 0);
    sd_event_source_set_enabled(turn->timer, SD_EVENT_ONESHOT);
}

void turn_settle(struct turn *turn)
{
    for (size_t i = 0; i < turn->n_deferred; i++) {
        const struct fleet_event event = turn->deferred[i];

        fleet_handle(turn->current->fleet, clock_now(), &event);
    }
    turn->n_deferred = 0;
    outlets_tell(turn->outlets, &(struct news){.kind = NEWS_SETTLED});
    arm_timer(turn);
}

void turn_feed(struct turn *turn, const struct fleet_event *event)
{
    fleet_handle(turn->current->fleet, clock_now(), event);
    turn_settle(turn);
}

void turn_tick(struct turn *turn)
{
    fleet_tick(turn->current->fleet, clock_now());
    turn_settle(turn);
}

void turn_defer(struct turn *turn, const struct fleet_event *event)
{
    if (turn->n_deferred < DEFERRED_MAX)
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
    error = sd_event_add_time(loop, &turn->timer, CLOCK_BOOTTIME, 0, ACCURACY_US, on_timer, turn);
    if (error >= 0)
        error = sd_event_source_set_enabled(turn->timer, SD_EVENT_OFF);
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
    free(turn);
}
