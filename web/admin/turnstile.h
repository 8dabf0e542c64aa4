/*
 * turnstile: bodies that come before a login are read by one worker at a time, so that slow
 * senders keep one worker, not all. Those who come meanwhile wait, two at most and one of each
 * address; who reads for longer than a moment then is ended to let the next one
 * through. Any thread.
 */
#ifndef HALL_WEB_ADMIN_TURNSTILE_H
#define HALL_WEB_ADMIN_TURNSTILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TURNSTILE_WAITING = 2,
    TURNSTILE_MOMENT_MS = 250, /* bodies of browsers and proxies come with their heads */
    TURNSTILE_MOST_MS = 2000,
    TURNSTILE_WHO_SIZE = 48,
};

struct turnstile {
    /* Has that connection read an end; called while another one waits to read. */
    void (*end)(void *context, uint64_t peer);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t left;
    uint64_t reader;                                     /* 0: none */
    int64_t since;                                       /* boot clock, ms */
    int64_t most_ms;                                     /* so long one waits */
    char waiting[TURNSTILE_WAITING][TURNSTILE_WHO_SIZE]; /* "": free */
};

/* end and context are borrowed. */
void turnstile_init(struct turnstile *turnstile, void (*end)(void *context, uint64_t peer),
                    void *context);
void turnstile_finish(struct turnstile *turnstile);

/* Waits for its turn. False: too many wait; nothing is to be read. */
bool turnstile_enter(struct turnstile *turnstile, uint64_t peer, const char *who);
void turnstile_leave(struct turnstile *turnstile);

#endif
