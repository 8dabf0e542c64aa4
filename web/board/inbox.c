#include "web/board/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct inbox {
    pthread_mutex_t lock;
    int fd;
    size_t size, most;
    size_t first, n;
    char items[];
};

int inbox_create(size_t size, size_t most, struct inbox **ret_inbox)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox) + size * most);
    if (!inbox)
        return -ENOMEM;
    inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inbox->fd < 0) {
        int error = -errno;
        free(inbox);
        return error;
    }
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->size = size;
    inbox->most = most;
    *ret_inbox = inbox;
    return 0;
}

void inbox_destroy(struct inbox *inbox)
{
    if (!inbox)
        return;
    close(inbox->fd);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

static char *item_at(struct inbox *inbox, size_t place)
{
    return inbox->items + (inbox->first + place) % inbox->most * inbox->size;
}

bool inbox_put(struct inbox *inbox, const void *item)
{
    pthread_mutex_lock(&inbox->lock);
    bool fits = inbox->n < inbox->most;
    if (fits)
        memcpy(item_at(inbox, inbox->n), item, inbox->size);
    /* Under the lock, so that inbox_take cannot make quiet what was just rung. */
    if (fits && inbox->n++ == 0)
        (void)eventfd_write(inbox->fd, 1);
    pthread_mutex_unlock(&inbox->lock);
    return fits;
}

int inbox_fd(const struct inbox *inbox)
{
    return inbox->fd;
}

bool inbox_take(struct inbox *inbox, void *ret_item)
{
    eventfd_t count;

    pthread_mutex_lock(&inbox->lock);
    bool any = inbox->n > 0;
    if (any) {
        memcpy(ret_item, item_at(inbox, 0), inbox->size);
        inbox->n--;
        /* Empty, it begins again: room that is seldom needed stays untouched. */
        inbox->first = inbox->n > 0 ? (inbox->first + 1) % inbox->most : 0;
    } else {
        (void)eventfd_read(inbox->fd, &count); /* not readable is what is wanted */
    }
    pthread_mutex_unlock(&inbox->lock);
    return any;
}
