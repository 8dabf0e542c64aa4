/*
 * daemon: what the daemons' loops have in common: SIGTERM and SIGINT end them, systemd is told
 * that they are ready, and hears their watchdog while they turn; what only the start needed is
 * given back soon after it.
 */
#ifndef HALL_LOOP_DAEMON_H
#define HALL_LOOP_DAEMON_H

#include <stdint.h>
#include <systemd/sd-event.h>

/* SIGTERM and SIGINT are blocked (program_prepare). -errno of sd-event; *ret_loop is to be
 * unreferenced in any case. */
int daemon_create(sd_event **ret_loop);
/* Until the end; 0, or -errno, which is logged. awake (may be NULL) is called each time that the
 * loop has waited, before anybody hears of what came meanwhile. */
int daemon_run(sd_event *loop, void (*awake)(void *context), void *context);

/* Gives memory back so much later; *source is made the first time, and set anew from then on. */
int daemon_trim(sd_event *loop, int64_t after_ms, sd_event_source **source);

#endif
