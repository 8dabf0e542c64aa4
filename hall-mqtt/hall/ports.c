#include "hall/ports.h"

#include "base/clock.h"
#include "loop/timer.h"

enum { AGAIN_MS = 2000, SLACK_US = 250000 };

static void retry(struct ports *ports)
{
    const size_t missing =
        front_retry(ports->front) + (ports->admin ? admin_retry(ports->admin) : 0);
    if (missing > 0)
        loop_timer_set(ports->timer, clock_now().boot + AGAIN_MS);
}

static int on_due(sd_event_source *timer, uint64_t due_us, void *context)
{
    (void)timer;
    (void)due_us;
    retry(context);
    return 0;
}

int ports_watch(struct ports *ports, sd_event *loop)
{
    const int error = loop_timer_create(loop, SLACK_US, on_due, ports, &ports->timer);
    if (error == 0)
        retry(ports);
    return error;
}

void ports_finish(struct ports *ports)
{
    sd_event_source_disable_unref(ports->timer);
}
