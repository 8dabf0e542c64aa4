/*
 * timer: a timer of the boot clock that is set again each time, and work that is done when nothing
 * else waits. Both are off at first. A timer is freed with sd_event_source_disable_unref. Loop
 * thread only.
 */
#ifndef HALL_LOOP_TIMER_H
#define HALL_LOOP_TIMER_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* 0 or -errno of sd-event. */
int loop_timer_create(sd_event *loop, uint64_t accuracy_us, sd_event_time_handler_t handler,
                      void *context, sd_event_source **ret_timer);
/* Once, at due_ms of the boot clock; at once where that has passed; INT64_MAX: not at all. */
void loop_timer_set(sd_event_source *timer, int64_t due_ms);

/* Once after each loop_idle_set: when no other event waits, or after IDLE_MOST_MS in which one
 * always did. 0 or -errno. */
enum { IDLE_MOST_MS = 250 };
struct loop_idle;
int loop_idle_create(sd_event *loop, void (*handler)(void *context), void *context,
                     struct loop_idle **ret_idle);
void loop_idle_set(struct loop_idle *idle);
void loop_idle_destroy(struct loop_idle *idle);

#endif
