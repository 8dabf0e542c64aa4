#include "loop/timer.h"

#include <time.h>

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

int loop_idle_create(sd_event *loop, sd_event_handler_t handler, void *context,
                     sd_event_source **ret_idle)
{
    int error = sd_event_add_defer(loop, ret_idle, handler, context);

    if (error >= 0)
        error = sd_event_source_set_priority(*ret_idle, SD_EVENT_PRIORITY_IDLE);
    return error < 0 ? error : switch_off(*ret_idle);
}

void loop_idle_set(sd_event_source *idle)
{
    sd_event_source_set_enabled(idle, SD_EVENT_ONESHOT);
}
