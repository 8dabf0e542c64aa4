/* Bytes that move on open connections to published ports. What is new counts only if it is still
 * there a moment later, so a look at them may have a second part. */
#include "base/clock.h"
#include "bridges/agent/watch/watch_internal.h"

enum {
    SETTLE_MS = TRAFFIC_SETTLE_MS + 50,
    SETTLE_ACCURACY_US = 50000,
    PEEK_LEAST_MS = 1000, /* between two looks at the connections alone */
    PEEK_MOST_MS = 5000,
    PEEK_ACCURACY_US = 250000,
    PEEK_SHARE = 4, /* of the window */
};

static bool counts(const struct watch_config *config)
{
    return config->connections;
}

/* ---- looking ---- */

static bool see(struct watch *watch, struct sample_connections *ret_seen)
{
    return visitors_look(watch->visitors, clock_now().boot, watch->window, ret_seen);
}

/* A second part that came too early would see nothing settled, and no use. */
static void look(struct watch *watch)
{
    if (see(watch, &watch->sight.sample.connections) &&
        sd_event_source_set_time(watch->settle, watch_due_in(SETTLE_MS)) >= 0 &&
        sd_event_source_set_enabled(watch->settle, SD_EVENT_ONESHOT) >= 0)
        watch_await(watch);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    (void)source;
    (void)usec;
    (void)see(watch, &watch->sight.sample.connections);
    watch_answered(watch);
    return 0;
}

static uint64_t peek_pause_us(const struct watch *watch, bool fresh)
{
    const int64_t share = watch->window / PEEK_SHARE;
    const int64_t pause = share < PEEK_LEAST_MS  ? PEEK_LEAST_MS
                          : share > PEEK_MOST_MS ? PEEK_MOST_MS
                                                 : share;
    return fresh ? SETTLE_MS * 1000 : (uint64_t)pause * 1000;
}

/* Between two looks at everything: use that begins or ends is reported at once, so that Hall need
 * not ask to find out. */
static int on_peek(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    struct sample_connections seen;
    bool fresh = false;
    (void)usec;
    if (!watch->running) {
        fresh = see(watch, &seen);
        if ((seen.n > 0) != (watch->sight.sample.connections.n > 0))
            (void)watch_look(watch);
    }
    (void)sd_event_source_set_time_relative(source, peek_pause_us(watch, fresh));
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int connections_begin(struct watch *watch)
{
    int error = sd_event_add_time(watch->loop, &watch->settle, CLOCK_BOOTTIME, UINT64_MAX,
                                  SETTLE_ACCURACY_US, on_settle, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->settle, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_add_time_relative(watch->loop, &watch->peek, CLOCK_MONOTONIC,
                                           peek_pause_us(watch, false), PEEK_ACCURACY_US, on_peek,
                                           watch);
    return error < 0 ? error : visitors_create(watch->config, &watch->visitors);
}

/* ---- judging ---- */

static struct fact fact_of(const struct sample_connection *connection)
{
    const int64_t port = connection->port;
    if (connection->bytes > 0)
        return FACT(VETO_CONNECTION, .n = {port, connection->bytes});
    if (connection->bytes == 0)
        return FACT(VETO_CONNECTION_QUIET, .n = {port, connection->quiet_ms});
    return FACT(VETO_CONNECTION_PACKET, .n = {port, connection->quiet_ms});
}

static void judge(const struct watch_config *config, const struct watch_sample *sample,
                  struct vetoes *vetoes)
{
    (void)config;
    for (size_t i = 0; i < sample->connections.n; i++)
        veto(vetoes, fact_with(fact_of(&sample->connections.list[i]),
                               sample->connections.list[i].peer, NULL));
    veto_more(vetoes, "connections", sample->connections.more);
}

const struct veto_check veto_connections = {"connections", false, counts,
                                            look,          judge, VETO_PROBLEM(connections)};
