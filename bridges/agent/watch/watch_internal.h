/*
 * watch_internal: the watch as its checks see it. A look begins in watch.c, walks the table of
 * checks, and ends once each that awaits something was answered.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_WATCH_INTERNAL_H
#define HALL_BRIDGES_AGENT_WATCH_WATCH_INTERNAL_H

#include <stdio.h>

#include "bridges/agent/watch/meter.h"
#include "bridges/agent/watch/traffic.h"
#include "bridges/agent/watch/visitors.h"
#include "bridges/agent/watch/walk.h"
#include "bridges/agent/watch/watch.h"
#include "loop/child.h"

enum { WATCH_TEXT_SIZE = 65536 };

struct watch {
    sd_event *loop;
    const struct watch_config *config;
    struct logind *logind;
    void (*seen)(void *context, unsigned look);
    void *context;

    sd_event_source *begin; /* starts a look in the next turn of the loop */
    unsigned look;          /* number of the last one */
    unsigned pending;       /* what has not been answered yet */
    bool running, again;
    struct watch_sight sight;
    char text[WATCH_TEXT_SIZE]; /* of watch_read */

    /* connections; NULL where they do not count */
    sd_event_source *settle; /* looks once more at what is new */
    sd_event_source *peek;   /* looks at connections alone */
    struct visitors *visitors;
    int64_t window; /* ms: bytes that moved on one within it count */

    struct links *links;        /* NULL: they cannot be listed here */
    struct walk walk;           /* the processes of the last look */
    bool closely;               /* the next one is to be a close one */
    struct logind_units units;  /* that are busy */
    sd_event_source *measuring; /* reads the meters once more, where they have no rate yet */
    struct meter processor, network, disk;
    struct child *command; /* NULL: none is configured */
};

/* The look goes on until watch_answered, which may come before this check returns. */
static inline void watch_await(struct watch *watch)
{
    watch->pending++;
}
void watch_answered(void *watch);

/* The boot clock's time so long from now, for timers; µs. Not from when this turn of the loop
 * began: a look takes a while. */
uint64_t watch_due_in(int64_t ms);

/* As proc_load, into text. */
static inline bool watch_read(struct watch *watch, const char *path)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%.200s%s", watch->walk.root, path);
    return proc_load(whole, watch->text, sizeof(watch->text));
}

/* Has the owner said that this is no use? */
bool watch_ignores(const struct watch *watch, const char *name);

int connections_begin(struct watch *watch);
int check_command_begin(struct watch *watch);

#endif
