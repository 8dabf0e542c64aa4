/*
 * offload: one piece of blocking work (a name to be looked up) done on a short-lived thread, its
 * end told to the loop. The loop never waits for the thread: what is dropped meanwhile is freed by
 * whoever of the two leaves second.
 */
#ifndef HALL_MQTT_OFFLOAD_H
#define HALL_MQTT_OFFLOAD_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct offload_task {
    void (*run)(void *data);                 /* on the thread, which alone has the data meanwhile */
    void (*done)(void *context, void *data); /* on the loop, which has the data from here on */
    void (*drop)(void *data);                /* on either, when offload_drop came before the end */
};

struct offload;

/* task is borrowed, for good. On failure the data stays the caller's. -ENOMEM, -errno. */
int offload_start(sd_event *loop, const struct offload_task *task, void *data, void *context,
                  struct offload **ret_offload);
/* Nobody waits for it any more. Not after done was called. NULL does nothing. */
void offload_drop(struct offload *offload);
/* The same, but waits for the thread, at most so long: before the program ends, and with it what
 * the thread works with. */
void offload_end(struct offload *offload, int64_t limit_ms);

#endif
