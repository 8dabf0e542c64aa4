#include "web/admin/turnstile.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

void turnstile_init(struct turnstile *turnstile, void (*end)(void *context, uint64_t peer),
                    void *context)
{
    *turnstile = (struct turnstile){.end = end, .context = context, .most_ms = TURNSTILE_MOST_MS};
    pthread_mutex_init(&turnstile->lock, NULL);
    pthread_cond_init(&turnstile->left, NULL);
}

void turnstile_finish(struct turnstile *turnstile)
{
    pthread_mutex_destroy(&turnstile->lock);
    pthread_cond_destroy(&turnstile->left);
}

/* A place to wait in; NULL: none is free, or this address waits already. */
static char *find_place(struct turnstile *turnstile, const char *who)
{
    char *place = NULL;
    for (size_t i = 0; i < TURNSTILE_WAITING; i++) {
        if (strcmp(turnstile->waiting[i], who) == 0)
            return NULL;
        if (turnstile->waiting[i][0] == '\0')
            place = turnstile->waiting[i];
    }
    return place;
}

static void wait_for(struct turnstile *turnstile, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_clockwait(&turnstile->left, &turnstile->lock, CLOCK_MONOTONIC, &until);
}

/* With the lock. Ends each reader whose moment is over, one after the other. */
static void wait_for_turn(struct turnstile *turnstile)
{
    const int64_t began = clock_boot_ns() / 1000000;
    uint64_t ended = 0;

    while (turnstile->reader != 0) {
        int64_t now = clock_boot_ns() / 1000000;
        int64_t left = turnstile->since + TURNSTILE_MOMENT_MS - now;
        if (now - began >= turnstile->most_ms)
            return;
        if (left <= 0 && turnstile->reader != ended) {
            ended = turnstile->reader;
            turnstile->end(turnstile->context, ended);
        }
        wait_for(turnstile, left > 0 ? left : TURNSTILE_MOMENT_MS);
    }
}

bool turnstile_enter(struct turnstile *turnstile, uint64_t peer, const char *who)
{
    pthread_mutex_lock(&turnstile->lock);
    if (turnstile->reader != 0) {
        char *place = find_place(turnstile, who);
        if (place) {
            text_copy(place, TURNSTILE_WHO_SIZE, who);
            wait_for_turn(turnstile);
            place[0] = '\0';
        }
    }
    bool enters = turnstile->reader == 0;
    if (enters) {
        turnstile->reader = peer;
        turnstile->since = clock_boot_ns() / 1000000;
    }
    pthread_mutex_unlock(&turnstile->lock);
    return enters;
}

void turnstile_leave(struct turnstile *turnstile)
{
    pthread_mutex_lock(&turnstile->lock);
    turnstile->reader = 0;
    pthread_cond_signal(&turnstile->left);
    pthread_mutex_unlock(&turnstile->lock);
}
