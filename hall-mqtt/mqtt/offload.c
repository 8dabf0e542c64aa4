#include "mqtt/offload.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREAD_STACK = 512 * 1024 };

struct offload {
    atomic_bool left;     /* one of the two has left */
    atomic_bool finished; /* what the thread wrote before may be read after it */
    const struct offload_task *task;
    void *data, *context;
    int end; /* eventfd */
    pthread_t thread;
    sd_event_source *source;
};

static void offload_free(struct offload *offload)
{
    if (offload->end >= 0)
        close(offload->end);
    free(offload);
}

/* True for the second to leave. */
static bool leave(struct offload *offload)
{
    return atomic_exchange(&offload->left, true);
}

static void *thread_run(void *argument)
{
    struct offload *offload = argument;
    offload->task->run(offload->data);
    atomic_store(&offload->finished, true);
    eventfd_write(offload->end, 1);
    if (leave(offload)) {
        if (offload->data)
            offload->task->drop(offload->data);
        offload_free(offload);
    }
    return NULL;
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct offload *offload = userdata;
    const struct offload_task *task = offload->task;
    void *data = offload->data, *context = offload->context;
    (void)source;
    (void)fd;
    (void)revents;
    if (!atomic_load(&offload->finished))
        return 0;
    offload->data = NULL;
    offload_drop(offload);
    task->done(context, data);
    return 0;
}

/* With every signal blocked: those are the loop's. */
static int thread_start(struct offload *offload)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&offload->thread, &attributes, thread_run, offload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

int offload_start(sd_event *loop, const struct offload_task *task, void *data, void *context,
                  struct offload **ret_offload)
{
    struct offload *offload = calloc(1, sizeof(*offload));
    if (!offload)
        return -ENOMEM;
    offload->task = task;
    offload->data = data;
    offload->context = context;
    offload->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = offload->end < 0 ? -errno : 0;
    if (error == 0)
        error = sd_event_add_io(loop, &offload->source, offload->end, EPOLLIN, on_end, offload);
    if (error >= 0)
        error = thread_start(offload);
    if (error < 0) {
        sd_event_source_disable_unref(offload->source);
        offload_free(offload);
        return error;
    }
    *ret_offload = offload;
    return 0;
}

static void drop(struct offload *offload)
{
    offload->source = sd_event_source_disable_unref(offload->source);
    if (!leave(offload))
        return;
    if (offload->data)
        offload->task->drop(offload->data);
    offload_free(offload);
}

void offload_drop(struct offload *offload)
{
    if (!offload)
        return;
    pthread_detach(offload->thread);
    drop(offload);
}

void offload_end(struct offload *offload, int64_t limit_ms)
{
    struct pollfd wait = {.events = POLLIN};
    if (!offload)
        return;
    wait.fd = offload->end;
    if (poll(&wait, 1, (int)limit_ms) == 1)
        pthread_join(offload->thread, NULL);
    else
        pthread_detach(offload->thread);
    drop(offload);
}
