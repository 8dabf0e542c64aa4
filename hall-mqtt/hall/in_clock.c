#include "hall/in_clock.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"

enum { LOOK_EVERY_US = 10000000 };

/* A timer that never comes, but is cancelled whenever somebody sets the clock (timerfd_create(2)).
 */
static int arm_cancel(int fd)
{
    const struct itimerspec never = {.it_value = {.tv_sec = INT_MAX}};

    if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0)
        return -errno;
    return 0;
}

static int on_clock_set(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_clock *in = context;
    uint64_t expirations;

    (void)source;
    (void)events;
    const ssize_t cancelled = read(fd, &expirations, sizeof(expirations)); /* always fails */
    (void)cancelled;
    log_info("hall: the clock was set; schedules are looked at anew");
    fleet_clock_was_set(in->current->fleet, clock_now());
    turn_tick(in->turn);
    for (size_t i = 0; i < in->current->config->model.n_servers; i++)
        /* All that is told of time stands elsewhere now. */
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_CHANGED, .server = (int)i});
    return arm_cancel(fd);
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    struct in_clock *in = context;

    (void)usec;
    if (!clock_is_trusted(clock_now())) {
        sd_event_source_set_time_relative(source, LOOK_EVERY_US);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    log_info("hall: the clock is synchronised; schedules begin");
    fleet_trust_clock(in->current->fleet, true);
    turn_tick(in->turn);
    return 0;
}

static int watch_clock(struct in_clock *in, sd_event *loop)
{
    const int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int error;

    if (fd < 0)
        return -errno;
    error = arm_cancel(fd);
    if (error == 0)
        error = sd_event_add_io(loop, &in->set, fd, EPOLLIN, on_clock_set, in);
    if (error < 0) {
        close(fd);
        return error;
    }
    sd_event_source_set_io_fd_own(in->set, true);
    return 0;
}

int in_clock_listen(struct in_clock *in, sd_event *loop)
{
    int error = watch_clock(in, loop);

    if (error < 0 || clock_is_trusted(clock_now()))
        return error;
    log_warning("hall: the clock is not synchronised yet; schedules wait for it");
    fleet_trust_clock(in->current->fleet, false);
    error =
        sd_event_add_time_relative(loop, &in->look, CLOCK_MONOTONIC, LOOK_EVERY_US, 0, on_look, in);
    return error < 0 ? error : 0;
}

void in_clock_finish(struct in_clock *in)
{
    sd_event_source_disable_unref(in->set);
    sd_event_source_disable_unref(in->look);
}
