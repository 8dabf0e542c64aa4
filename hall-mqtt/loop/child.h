/*
 * child: runs one program and tells how it ended. Fixed argv, no shell, nothing on its stdin, its
 * stdout dropped, a time limit, after which it and what it started are killed. Its environment is
 * PATH and LC_ALL alone: the secrets of ours are not its. Loop thread only; SIGCHLD is blocked by
 * the program.
 */
#ifndef HALL_LOOP_CHILD_H
#define HALL_LOOP_CHILD_H

#include <stdint.h>
#include <systemd/sd-event.h>

struct child;

enum { CHILD_LIMIT_MS = 10000, CHILD_LINE_MAX = 256 };

struct child_work {
    const char *const *argv; /* NULL-terminated, the first a path; borrowed */
    int64_t limit_ms;        /* 0: CHILD_LIMIT_MS */
    /* Each line of its stderr, without what no log may show, cut to CHILD_LINE_MAX - 1 bytes.
     * NULL: its stderr is ours. Must not destroy the child. */
    void (*line)(void *context, const char *line);
    /* status is that of exit, 0 to 255; or -1 and a problem that says what happened instead. After
     * its last line. May destroy the child. */
    void (*done)(void *context, int status, const char *problem);
    void *context;
};

/* The work is copied, not what it points to. -ENOMEM, -errno of sd-event. */
int child_create(sd_event *loop, const struct child_work *work, struct child **ret_child);
/* Kills what runs. */
void child_destroy(struct child *child);

/* Starts the program; done is called once, maybe before this returns. Not while it runs. */
void child_run(struct child *child);

#endif
