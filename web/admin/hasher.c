#include "web/admin/hasher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STACK = 256 * 1024 };

struct hasher {
    pthread_mutex_t one; /* held while a hash is made */
};

struct work {
    const char *password;
    const char *known; /* to be verified; NULL: a new one is made */
    char *made;
    int result;
};

int hasher_create(struct hasher **ret_hasher)
{
    struct hasher *hasher = calloc(1, sizeof(*hasher));
    if (!hasher)
        return -ENOMEM;
    pthread_mutex_init(&hasher->one, NULL);
    *ret_hasher = hasher;
    return 0;
}

void hasher_destroy(struct hasher *hasher)
{
    if (!hasher)
        return;
    pthread_mutex_destroy(&hasher->one);
    free(hasher);
}

static void *run(void *context)
{
    struct work *work = context;
    size_t length = strlen(work->password);
    work->result = work->known ? secret_verify_password(work->known, work->password, length)
                               : secret_hash_password(work->password, length, work->made);
    return NULL;
}

/* Signals are for the loop. */
static int run_apart(struct work *work)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run, work);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return -error;
    pthread_join(thread, NULL);
    return work->result;
}

static int work_alone(struct hasher *hasher, struct work *work, int64_t limit_ms)
{
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += (time_t)(limit_ms / 1000);
    if (pthread_mutex_clocklock(&hasher->one, CLOCK_MONOTONIC, &limit) != 0)
        return -EBUSY;
    int result = run_apart(work);
    pthread_mutex_unlock(&hasher->one);
    return result;
}

int hasher_verify(struct hasher *hasher, const char *hash, const char *password, int64_t limit_ms)
{
    struct work work = {.password = password, .known = hash};
    return work_alone(hasher, &work, limit_ms);
}

int hasher_hash(struct hasher *hasher, const char *password, int64_t limit_ms,
                char ret_hash[SECRET_HASH_SIZE])
{
    struct work work = {.password = password, .made = ret_hash};
    return work_alone(hasher, &work, limit_ms);
}
