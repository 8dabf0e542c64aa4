#include "web/board/metrics.h"

#include "base/array.h"
#include "base/version.h"

/* ---- families ---- */

static void begin_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP hall_%s %s\n# TYPE hall_%s %s\n", name, help, name, type);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    begin_family(out, name, "gauge", help);
    buf_printf(out, "hall_%s %llu\n", name, (unsigned long long)value);
}

/* ---- servers ---- */

static void put_states(struct board *board, struct buf *out)
{
    const struct model *model = &board_config(board)->model;
    uint64_t states[POWER_STATES] = {0}, wakes = 0;
    struct notice notice;
    for (size_t i = 0; i < model->n_servers; i++) {
        board_read(board, (int)i, &notice);
        states[notice.state]++;
        wakes += notice.wake_open || notice.wake_queued;
    }
    begin_family(out, "servers", "gauge", "Servers in each state.");
    for (int i = 0; i < POWER_STATES; i++)
        buf_printf(out, "hall_servers{state=\"%s\"} %llu\n", power_state_name((enum power_state)i),
                   (unsigned long long)states[i]);
    put_gauge(out, "wakes_open", "Wakes under way.", wakes);
}

/* Ids are slugs: nothing in them needs an escape. */
static void put_servers(struct board *board, struct buf *out)
{
    const struct model *model = &board_config(board)->model;
    struct notice notice;
    begin_family(out, "server_state", "gauge",
                 "1 for the state a server is in; the first 2000 servers.");
    for (size_t i = 0; i < model->n_servers && i < METRICS_SERVERS_MAX; i++) {
        board_read(board, (int)i, &notice);
        buf_printf(out, "hall_server_state{server=\"%s\",state=\"%s\"} 1\n", model->servers[i].id,
                   power_state_name(notice.state));
    }
}

/* ---- what was counted ---- */

/* A family of counters: those from first to last, by the rest of their names behind a prefix. */
static const struct family {
    const char *name, *help, *label;
    enum count first, last;
    size_t prefix; /* bytes of count_name that the family's name says already */
} families[] = {
    {"requests_total", "Requests at the gate that were answered, by the answer.", "answer",
     COUNT_PASSED, COUNT_UNKNOWN, 0},
    {"refused_total", "Requests that were refused, by the reason.", "reason", COUNT_REFUSED_ADDRESS,
     COUNT_REFUSED_BROKEN, sizeof "refused_" - 1},
    {"held_total",
     "Requests held for their site: all, passed in time, or not held for want of room.", "what",
     COUNT_HELD, COUNT_HELD_CROWDED, 0},
    {"wakes_total", "Wakes that ended, by the end.", "outcome", COUNT_WAKES_READY,
     COUNT_WAKES_FAILED, sizeof "wakes_" - 1},
    {"sleeps_total", "Proposals to sleep that ended, by the end.", "outcome", COUNT_SLEEPS_ASLEEP,
     COUNT_SLEEPS_FAILED, sizeof "sleeps_" - 1},
    {"messages_dropped_total",
     "Messages that gave way because too much waited for the broker: events, or answers and "
     "commands.",
     "what", COUNT_DROPPED_EVENTS, COUNT_DROPPED_AWAITED, sizeof "dropped_" - 1},
};

/* Troubles that began and ended are counted, so that no more than numbers is shared. */
static bool store_works(const struct board *board)
{
    return board_counted(board, COUNT_STORE_TROUBLES) <= board_counted(board, COUNT_STORE_REPAIRS);
}

void metrics_write(struct board *board, struct buf *out)
{
    begin_family(out, "build_info", "gauge", "1; the label says which version runs.");
    buf_puts(out, "hall_build_info{version=\"" HALL_VERSION "\"} 1\n");
    put_states(board, out);
    put_servers(board, out);
    const struct model *model = &board_config(board)->model;
    uint64_t ready = 0;
    for (size_t i = 0; i < model->n_sites; i++)
        ready += board_site_ready(board, (int)i);
    put_gauge(out, "sites_ready", "Sites that let visitors through.", ready);
    for (const struct family *of = families; of < families + ARRAY_SIZE(families); of++) {
        begin_family(out, of->name, "counter", of->help);
        for (enum count i = of->first; i <= of->last; i++)
            buf_printf(out, "hall_%s{%s=\"%s\"} %llu\n", of->name, of->label,
                       count_name(i) + of->prefix, (unsigned long long)board_counted(board, i));
    }
    put_gauge(out, "broker_connected", "1 while the broker is connected.", board_broker(board));
    put_gauge(out, "config_current", "1 while Hall runs on what its configuration file says.",
              board_config_current(board));
    put_gauge(out, "store_working", "1 while the store can be written.", store_works(board));
}
