#include "loop/daemon.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/memory.h"

enum { TRIM_ACCURACY_US = 1000000 };

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)context;
    log_info("stopping: %s", strsignal((int)info->ssi_signo));
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

int daemon_create(sd_event **ret_loop)
{
    int error = sd_event_new(ret_loop);

    if (error >= 0)
        error = sd_event_add_signal(*ret_loop, NULL, SIGTERM, on_stop, NULL);
    if (error >= 0)
        error = sd_event_add_signal(*ret_loop, NULL, SIGINT, on_stop, NULL);
    if (error >= 0)
        error = sd_event_set_watchdog(*ret_loop, true);
    return error < 0 ? error : 0;
}

/* One turn, as sd_event_run(3) makes it. */
static int turn(sd_event *loop, void (*awake)(void *context), void *context)
{
    int result = sd_event_prepare(loop);

    if (result == 0)
        result = sd_event_wait(loop, UINT64_MAX);
    if (result <= 0)
        return result;
    if (awake)
        awake(context);
    return sd_event_dispatch(loop);
}

int daemon_run(sd_event *loop, void (*awake)(void *context), void *context)
{
    int result = 0;

    sd_notify(0, "READY=1");
    while (result >= 0 && sd_event_get_state(loop) != SD_EVENT_FINISHED)
        result = turn(loop, awake, context);
    if (result < 0)
        log_error("the loop failed: %s", strerror(-result));
    sd_notify(0, "STOPPING=1");
    return result < 0 ? result : 0;
}

static int on_trim(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    (void)context;
    memory_trim();
    return 0;
}

int daemon_trim(sd_event *loop, int64_t after_ms, sd_event_source **source)
{
    const uint64_t after = (uint64_t)after_ms * 1000;
    int error;

    if (!*source)
        return sd_event_add_time_relative(loop, source, CLOCK_BOOTTIME, after, TRIM_ACCURACY_US,
                                          on_trim, NULL);
    error = sd_event_source_set_time_relative(*source, after);
    return error < 0 ? error : sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
}
