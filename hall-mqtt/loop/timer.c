#include "loop/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { LATE_ACCURACY_US = 50000 };

static int switch_off(sd_event_source *source)
{
    const int error = sd_event_source_set_enabled(source, SD_EVENT_OFF);

    return error < 0 ? error : 0;
}

int loop_timer_create(sd_event *loop, uint64_t accuracy_us, sd_event_time_handler_t handler,
                      void *context, sd_event_source **ret_timer)
{
    const int error =
        sd_event_add_time(loop, ret_timer, CLOCK_BOOTTIME, 0, accuracy_us, handler, context);

    return error < 0 ? error : switch_off(*ret_timer);
}

void loop_timer_set(sd_event_source *timer, int64_t due_ms)
{
    if (due_ms == INT64_MAX) {
        (void)switch_off(timer);
        return;
    }
    sd_event_source_set_time(timer, due_ms > 0 ? (uint64_t)due_ms * 1000 : 0);
    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* ---- when nothing else waits ---- */

struct loop_idle {
    void (*handler)(void *context);
    void *context;
    sd_event_source *idle;
    sd_event_source *late; /* of the priority of the others, so that they cannot keep it away */
};

static int run(struct loop_idle *idle)
{
    (void)switch_off(idle->idle);
    (void)switch_off(idle->late);
    idle->handler(idle->context);
    return 0;
}

static int on_idle(sd_event_source *source, void *context)
{
    (void)source;
    return run(context);
}

static int on_late(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    return run(context);
}

int loop_idle_create(sd_event *loop, void (*handler)(void *context), void *context,
                     struct loop_idle **ret_idle)
{
    struct loop_idle *idle = calloc(1, sizeof(*idle));

    if (!idle)
        return -ENOMEM;
    *idle = (struct loop_idle){.handler = handler, .context = context};
    int error = sd_event_add_defer(loop, &idle->idle, on_idle, idle);
    if (error >= 0)
        error = sd_event_source_set_priority(idle->idle, SD_EVENT_PRIORITY_IDLE);
    if (error >= 0)
        error = switch_off(idle->idle);
    if (error >= 0)
        error = loop_timer_create(loop, LATE_ACCURACY_US, on_late, idle, &idle->late);
    if (error < 0) {
        loop_idle_destroy(idle);
        return error;
    }
    *ret_idle = idle;
    return 0;
}

void loop_idle_set(struct loop_idle *idle)
{
    int enabled = SD_EVENT_OFF;

    (void)sd_event_source_get_enabled(idle->idle, &enabled);
    if (enabled != SD_EVENT_OFF)
        return; /* it has waited since it was first set */
    sd_event_source_set_enabled(idle->idle, SD_EVENT_ONESHOT);
    loop_timer_set(idle->late, clock_now().boot + IDLE_MOST_MS);
}

void loop_idle_destroy(struct loop_idle *idle)
{
    if (!idle)
        return;
    sd_event_source_disable_unref(idle->idle);
    sd_event_source_disable_unref(idle->late);
    free(idle);
}
