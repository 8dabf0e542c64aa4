/*
 * errand: runs one program and tells how it ended. Fixed argv, no shell, nothing on its stdin, its
 * stdout dropped, a time limit, after which it and what it started are killed. Its environment is
 * PATH and LC_ALL alone: the secrets of ours are not its. Loop thread only; SIGCHLD is blocked by
 * the program.
 */
#ifndef HALL_LOOP_ERRAND_H
#define HALL_LOOP_ERRAND_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct errand;

enum { ERRAND_LIMIT_MS = 10000, ERRAND_LINE_MAX = 256 };

struct errand_work {
    const char *const *argv; /* NULL-terminated, the first a path; borrowed */
    int64_t limit_ms;        /* 0: ERRAND_LIMIT_MS */
    /* Each line of its stderr, without what no log may show, cut to ERRAND_LINE_MAX - 1 bytes.
     * NULL: its stderr is ours. Must not destroy the errand. */
    void (*line)(void *context, const char *line);
    /* status is that of exit, 0 to 255; or -1 and a problem that says what happened instead. After
     * its last line. May destroy the errand. */
    void (*done)(void *context, int status, const char *problem);
    void *context;
};

/* The work is copied, not what it points to. -ENOMEM, -errno of sd-event. */
int errand_create(sd_event *loop, const struct errand_work *work, struct errand **ret_errand);
/* Kills what runs. */
void errand_destroy(struct errand *errand);

/* Starts the program; done is called once, maybe before this returns. Not while it runs. */
void errand_run(struct errand *errand);

#endif
