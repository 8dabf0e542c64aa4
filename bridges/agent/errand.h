/*
 * errand: runs one program and tells how it ended. Fixed argv, no shell, nothing on its stdin, its
 * stdout dropped, 10 s at most, then it and what it started are killed. Loop thread only; SIGCHLD
 * is blocked by the program.
 */
#ifndef HALL_AGENT_ERRAND_H
#define HALL_AGENT_ERRAND_H

#include <systemd/sd-event.h>

struct errand;

enum { ERRAND_LIMIT_MS = 10000 };

/* done: status is that of exit, 0 to 255; or -1 and a problem that says what happened instead. argv
 * is borrowed. -ENOMEM, -errno of sd-event. */
int errand_create(sd_event *loop, const char *const *argv,
                  void (*done)(void *context, int status, const char *problem), void *context,
                  struct errand **ret_errand);
/* Kills what runs. */
void errand_destroy(struct errand *errand);

/* Starts the program; done is called once, maybe before this returns. Not while it runs. */
void errand_run(struct errand *errand);

#endif
