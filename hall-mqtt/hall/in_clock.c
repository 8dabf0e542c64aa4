#include "hall/in_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"

enum { LOOK_EVERY_US = 10000000, STEP_LEAST_MS = 100, MISSED_AFTER_MS = 20000 };

/* A timer that never comes, but is cancelled whenever somebody sets the clock (timerfd_create(2)).
 * 9999-12-31: the kernel takes it, and no clock gets there. */
static int arm_cancel(int fd)
{
    const struct itimerspec never = {.it_value = {.tv_sec = (time_t)INT64_C(253402300799)}};

    if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0)
        return -errno;
    return 0;
}

/* How far apart the clocks are has changed by more than two readings may differ. */
static bool note_offset(struct in_clock *in)
{
    const struct now now = clock_now();
    const int64_t offset = now.wall - now.boot;

    if (llabs(offset - in->offset) < STEP_LEAST_MS)
        return false;
    in->offset = offset;
    return true;
}

/* All that is told of time stands elsewhere now. */
static void tell(const struct in_clock *in)
{
    board_clock_was_set(in->current->board);
    fleet_clock_was_set(in->current->fleet, clock_now());
    turn_settle(in->turn);
    for (size_t i = 0; i < in->current->config->model.n_servers; i++)
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_CLOCK, .server = (int)i});
}

static int on_clock_set(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct in_clock *in = context;
    uint64_t expirations;

    (void)source;
    (void)events;
    const ssize_t cancelled = read(fd, &expirations, sizeof(expirations)); /* always fails */
    (void)cancelled;
    /* The kernel says it after a suspend of this machine, too. */
    if (note_offset(in)) {
        log_info("hall: the clock was set; schedules and named times follow it");
        tell(in);
    }
    return arm_cancel(fd);
}

/* ---- is it to be believed? ---- */

static const uint16_t facts[CLOCK_VERDICTS] = {
    [CLOCK_PLAUSIBLE] = FACT_CLOCK_PLAUSIBLE, [CLOCK_WAITS] = FACT_CLOCK_WAITS,
    [CLOCK_EARLY] = FACT_CLOCK_EARLY,         [CLOCK_BACK] = FACT_CLOCK_BACK,
    [CLOCK_STOOD] = FACT_CLOCK_STOOD,         [CLOCK_APART] = FACT_CLOCK_APART,
};

struct told in_clock_tell(enum clock_verdict verdict)
{
    return facts[verdict] == FACT_NONE ? (struct told){0}
                                       : say_words((enum fact_code)facts[verdict], NULL, NULL);
}

static void log_verdict(enum clock_verdict verdict)
{
    const struct told told = in_clock_tell(verdict);
    struct buf text = BUF_INIT(SAY_SENTENCE_MAX);

    say_sentence(&told, (struct say_how){.language = SAY_ENGLISH}, &text);
    if (text.length > 0)
        log_warning("hall: %s", buf_text(&text));
    else
        log_info("hall: the clock is %s; schedules follow it",
                 verdict == CLOCK_RIGHT ? "synchronised" : "trusted, as clock.trust says");
    buf_finish(&text);
}

static enum clock_verdict judge(const struct in_clock *in)
{
    struct clock_signs signs = {.trust = in->current->config->clock.trust,
                                .synchronised = clock_is_synchronised(),
                                .now = clock_now(),
                                .rtc = clock_rtc(),
                                .saved = in->saved,
                                .saved_before = in->saved_before};

    signs.waited = signs.now.boot - in->began;
    return clock_judge(&signs);
}

/* After so long it is told of the servers whose hours wait: most time services need less. */
static void miss(const struct in_clock *in)
{
    if (clock_is_usable(in->current->clock) || clock_now().boot - in->began < MISSED_AFTER_MS)
        return;
    fleet_miss_clock(in->current->fleet);
    for (size_t i = 0; i < in->current->config->model.n_servers; i++)
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_CHANGED, .server = (int)i});
}

static void look(struct in_clock *in)
{
    const enum clock_verdict was = in->current->clock, verdict = judge(in);

    in->current->clock = verdict;
    if (verdict != was) {
        log_verdict(verdict);
        fleet_trust_clock(in->current->fleet, clock_is_usable(verdict));
        if (clock_is_usable(verdict) != clock_is_usable(was))
            tell(in);
        outlets_tell(in->outlets, &(struct news){.kind = NEWS_VERDICT});
    }
    miss(in);
    if (verdict == CLOCK_RIGHT || verdict == CLOCK_CHOSEN)
        return;
    sd_event_source_set_time_relative(in->look, LOOK_EVERY_US);
    sd_event_source_set_enabled(in->look, SD_EVENT_ONESHOT);
}

static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    look(context);
    return 0;
}

/* The owner may want it otherwise now. */
static void on_renewed(void *context, const struct news *news)
{
    (void)news;
    look(context);
}

const struct outlet_ops in_clock_outlet = {.hear = {[NEWS_RENEWED] = on_renewed}};

/* ---- life ---- */

static int watch_clock(struct in_clock *in, sd_event *loop)
{
    const int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    int error;

    (void)note_offset(in);
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

    in->began = clock_now().boot;
    in->current->clock = judge(in);
    if (error == 0)
        error = sd_event_add_time_relative(loop, &in->look, CLOCK_MONOTONIC, LOOK_EVERY_US, 0,
                                           on_look, in);
    if (in->current->clock == CLOCK_RIGHT)
        return error < 0 ? error : 0;
    log_verdict(in->current->clock);
    fleet_trust_clock(in->current->fleet, clock_is_usable(in->current->clock));
    return error < 0 ? error : 0;
}

void in_clock_finish(struct in_clock *in)
{
    sd_event_source_disable_unref(in->set);
    sd_event_source_disable_unref(in->look);
}
