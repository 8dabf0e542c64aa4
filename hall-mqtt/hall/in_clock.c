/* Wall time for schedules: zones, whether the clock can be trusted yet, and that it was set. */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "hall/hall_internal.h"

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
    struct hall *hall = context;
    uint64_t expirations;

    (void)source;
    (void)events;
    const ssize_t cancelled = read(fd, &expirations, sizeof(expirations)); /* always fails */
    (void)cancelled;
    log_info("hall: the clock was set; schedules are looked at anew");
    fleet_clock_was_set(hall->fleet);
    fleet_tick(hall->fleet, clock_now());
    for (size_t i = 0; i < hall->config->model.n_servers; i++)
        hall_mark(hall, (int)i); /* all that is told of time stands elsewhere now */
    hall_settle(hall);
    return arm_cancel(fd);
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    struct hall *hall = context;

    (void)usec;
    if (!clock_is_trusted(clock_now())) {
        sd_event_source_set_time_relative(source, LOOK_EVERY_US);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    log_info("hall: the clock is synchronised; schedules begin");
    fleet_trust_clock(hall->fleet, true);
    fleet_tick(hall->fleet, clock_now());
    hall_settle(hall);
    return 0;
}

static int watch_clock(struct hall *hall)
{
    const int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int error;

    if (fd < 0)
        return -errno;
    error = arm_cancel(fd);
    if (error == 0)
        error = sd_event_add_io(hall->loop, &hall->clock_set, fd, EPOLLIN, on_clock_set, hall);
    if (error < 0) {
        close(fd);
        return error;
    }
    sd_event_source_set_io_fd_own(hall->clock_set, true);
    return 0;
}

int hall_clock_create(struct hall *hall)
{
    int error;

    hall->zone_port = (struct zone_port){.offset = zone_offset, .context = &hall->zones};
    /* The first look-up touches the environment; later there are threads. */
    (void)zone_offset(&hall->zones, hall->config->timezone, clock_now().wall / 1000);
    fleet_set_zones(hall->fleet, &hall->zone_port);
    error = watch_clock(hall);
    if (error < 0 || clock_is_trusted(clock_now()))
        return error;
    log_warning("hall: the clock is not synchronised yet; schedules wait for it");
    fleet_trust_clock(hall->fleet, false);
    error = sd_event_add_time_relative(hall->loop, &hall->clock_look, CLOCK_MONOTONIC,
                                       LOOK_EVERY_US, 0, on_look, hall);
    return error < 0 ? error : 0;
}

void hall_clock_destroy(struct hall *hall)
{
    sd_event_source_disable_unref(hall->clock_set);
    sd_event_source_disable_unref(hall->clock_look);
}
