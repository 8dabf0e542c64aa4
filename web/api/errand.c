#include "web/api/errand.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { WATCHED_FOR_MS = 40000 }; /* after the last who asked for news */

/* One allocation; dropped by both sides. */
struct waiting {
    struct errand errand; /* first, so that one is the other */
    atomic_int owners;
    bool answered; /* under the lock */
    struct waiting *after;
};

struct news {
    uint64_t number;
    const char *event; /* a literal */
    char *json;
};

struct errands {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an errand was answered, news came, or it is closed */
    int fd;
    struct waiting *first, *last;
    size_t n;
    bool closed;
    uint64_t number; /* of the latest news */
    bool kept;       /* some are */
    struct news news[NEWS_MAX];
    _Atomic int64_t watched; /* boot clock, ms: when somebody last asked for news */
};

static int64_t boot_now(void)
{
    return clock_boot_ns() / 1000000;
}

int errands_create(struct errands **ret_errands)
{
    struct errands *errands = calloc(1, sizeof(*errands));
    pthread_condattr_t monotonic;
    if (!errands)
        return -ENOMEM;
    errands->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (errands->fd < 0) {
        int error = -errno;
        free(errands);
        return error;
    }
    pthread_mutex_init(&errands->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&errands->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&errands->watched, INT64_MIN / 2);
    *ret_errands = errands;
    return 0;
}

void errands_destroy(struct errands *errands)
{
    if (!errands)
        return;
    for (struct errand *errand; (errand = errands_take(errands));)
        errand_drop(errand);
    for (size_t i = 0; i < NEWS_MAX; i++)
        free(errands->news[i].json);
    close(errands->fd);
    pthread_cond_destroy(&errands->changed);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
}

struct errand *errand_new(enum errand_kind kind)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return NULL;
    waiting->errand = (struct errand){
        .kind = kind, .in = BUF_INIT(ERRAND_IN_MAX), .out = BUF_INIT(ERRAND_OUT_MAX)};
    atomic_init(&waiting->owners, 1);
    return &waiting->errand;
}

void errand_drop(struct errand *errand)
{
    struct waiting *waiting = (struct waiting *)errand;
    if (!errand || atomic_fetch_sub(&waiting->owners, 1) > 1)
        return;
    config_free(errand->config);
    report_finish(&errand->report);
    buf_finish(&errand->in);
    buf_finish(&errand->out);
    free(waiting);
}

/* ---- the worker's side ---- */

static int put(struct errands *errands, struct waiting *waiting)
{
    if (errands->closed)
        return -ESHUTDOWN;
    if (errands->n == ERRANDS_MAX)
        return -EAGAIN;
    atomic_fetch_add(&waiting->owners, 1);
    waiting->after = NULL;
    if (errands->last)
        errands->last->after = waiting;
    else
        errands->first = waiting;
    errands->last = waiting;
    errands->n++;
    eventfd_write(errands->fd, 1);
    return 0;
}

int errands_run(struct errands *errands, struct errand *errand, int64_t limit_ms)
{
    struct waiting *waiting = (struct waiting *)errand;
    struct timespec deadline = clock_monotonic_after(limit_ms);
    int late = 0;
    pthread_mutex_lock(&errands->lock);
    int error = put(errands, waiting);
    while (error == 0 && !waiting->answered && !errands->closed && late == 0)
        late = pthread_cond_timedwait(&errands->changed, &errands->lock, &deadline);
    if (error == 0 && !waiting->answered)
        error = errands->closed ? -ESHUTDOWN : -ETIMEDOUT;
    pthread_mutex_unlock(&errands->lock);
    return error;
}

/* ---- the loop's side ---- */

int errands_fd(const struct errands *errands)
{
    return errands->fd;
}

struct errand *errands_take(struct errands *errands)
{
    eventfd_t count;
    pthread_mutex_lock(&errands->lock);
    struct waiting *waiting = errands->first;
    if (waiting) {
        errands->first = waiting->after;
        errands->last = errands->first ? errands->last : NULL;
        errands->n--;
    } else {
        (void)eventfd_read(errands->fd, &count);
    }
    pthread_mutex_unlock(&errands->lock);
    return waiting ? &waiting->errand : NULL;
}

void errands_answer(struct errands *errands, struct errand *errand)
{
    struct waiting *waiting = (struct waiting *)errand;
    pthread_mutex_lock(&errands->lock);
    waiting->answered = true;
    pthread_cond_broadcast(&errands->changed);
    pthread_mutex_unlock(&errands->lock);
    errand_drop(errand);
}

void errands_close(struct errands *errands)
{
    pthread_mutex_lock(&errands->lock);
    errands->closed = true;
    pthread_cond_broadcast(&errands->changed);
    pthread_mutex_unlock(&errands->lock);
}

/* ---- news ---- */

bool errands_watched(const struct errands *errands)
{
    return boot_now() - atomic_load(&errands->watched) < WATCHED_FOR_MS;
}

/* Nobody watches any more: what is kept for them goes. */
static void forget_news(struct errands *errands)
{
    pthread_mutex_lock(&errands->lock);
    for (size_t i = 0; errands->kept && i < NEWS_MAX; i++) {
        free(errands->news[i].json);
        errands->news[i].json = NULL;
    }
    errands->kept = false;
    pthread_mutex_unlock(&errands->lock);
}

void errands_news(struct errands *errands, const char *event, const char *json)
{
    if (!errands_watched(errands)) {
        forget_news(errands);
        return;
    }
    char *copy = strdup(json);
    if (!copy)
        return;
    pthread_mutex_lock(&errands->lock);
    struct news *news = &errands->news[++errands->number % NEWS_MAX];
    free(news->json);
    errands->kept = true;
    *news = (struct news){.number = errands->number, .event = event, .json = copy};
    pthread_cond_broadcast(&errands->changed);
    pthread_mutex_unlock(&errands->lock);
}

static void tell_since(const struct errands *errands, uint64_t *cursor, struct buf *out)
{
    uint64_t from = *cursor + 1;
    bool missed = *cursor > errands->number || errands->number - *cursor > NEWS_MAX;
    for (uint64_t i = from; !missed && i <= errands->number; i++)
        missed = !errands->news[i % NEWS_MAX].json;
    if (missed)
        buf_printf(out, "id: %llu\nevent: resync\ndata: {}\n\n",
                   (unsigned long long)errands->number);
    for (uint64_t i = from; !missed && i <= errands->number; i++) {
        const struct news *news = &errands->news[i % NEWS_MAX];
        buf_printf(out, "id: %llu\nevent: %s\ndata: ", (unsigned long long)news->number,
                   news->event);
        buf_puts(out, news->json); /* the writer leaves no line feed in it */
        buf_puts(out, "\n\n");
    }
    *cursor = errands->number;
}

int errands_watch(struct errands *errands, uint64_t *cursor, int64_t limit_ms, struct buf *out)
{
    struct timespec deadline = clock_monotonic_after(limit_ms);
    int late = 0;
    atomic_store(&errands->watched, boot_now());
    pthread_mutex_lock(&errands->lock);
    if (*cursor == 0 && errands->number == 0)
        errands->news[++errands->number % NEWS_MAX] =
            (struct news){.number = 1, .event = "hello", .json = strdup("{}")};
    *cursor = *cursor == 0 ? errands->number : *cursor;
    while (*cursor == errands->number && !errands->closed && late == 0)
        late = pthread_cond_timedwait(&errands->changed, &errands->lock, &deadline);
    bool closed = errands->closed;
    if (!closed && *cursor != errands->number)
        tell_since(errands, cursor, out);
    pthread_mutex_unlock(&errands->lock);
    atomic_store(&errands->watched, boot_now());
    return closed ? -ESHUTDOWN : 0;
}
