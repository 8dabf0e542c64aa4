/*
 * walk: the processes of this machine, read once for each look: who runs, below whom, for how long.
 * All checks that look at processes share it. Where /proc hides those of others (hidepid,
 * ProtectProc) that is a problem, not an empty machine. Never waits.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_WALK_H
#define HALL_BRIDGES_AGENT_WATCH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridges/agent/watch/proc.h"
#include "core/fact.h"

enum {
    WALK_MAX = 32768,        /* processes; more than that is a problem */
    WALK_SETTLED_MS = 60000, /* what has run for as long is seldom another program the next time */
};

struct process {
    int32_t pid, parent;
    uint64_t number; /* of its folder in /proc: another process has another one */
    int64_t age_ms;
    bool kernel;   /* a thread of the kernel */
    bool terminal; /* has one that it is controlled by */
    char name[PROC_COMM_SIZE];
};

/* A zeroed one, with its root, is empty. */
struct walk {
    const char *root; /* what the paths below begin with: "" but in tests */
    struct fact problem;
    size_t n, room;
    struct process *list; /* by pid */
    int64_t taken;        /* when */
};

/* now: the boot clock, ms. What has settled is taken for what it was the last time, unless the walk
 * is a close one: to list thousands costs little, to read each of them much more. */
void walk_take(struct walk *walk, int64_t now, bool closely);
void walk_finish(struct walk *walk); /* forgets what was seen; the root stays */

const struct process *walk_find(const struct walk *walk, int32_t pid); /* NULL: there is none */

/* A file of that process ("cmdline"), NUL-terminated behind its end; what does not fit is cut. Its
 * length, or 0 where it cannot be read, or is empty. */
size_t walk_read(const struct walk *walk, int32_t pid, const char *file, char *text, size_t size);

/* The words of a program's command line, one by one: NULL behind the last. at: NULL at first. */
const char *walk_word(const char *text, size_t length, const char *at);

#endif
