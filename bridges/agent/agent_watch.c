#include "bridges/agent/agent_watch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bridges/agent/connections.h"
#include "bridges/agent/traffic.h"
#include "loop/child.h"

enum {
    TEXT_SIZE = 65536,
    RATE_LEAST_MS = 4000,
    SETTLE_US = (TRAFFIC_SETTLE_MS + 50) * 1000,
    SETTLE_ACCURACY_US = 50000,
    PEEK_LEAST_MS = 1000, /* between two looks at the connections alone */
    PEEK_MOST_MS = 5000,
    PEEK_ACCURACY_US = 250000,
    PEEK_SHARE = 4, /* of the window */
};

/* A counter that only grows, and what it grew by. */
struct meter {
    bool begun, known;
    int64_t at; /* boot clock, ms */
    uint64_t counter;
    double rate; /* a second */
};

struct watch {
    sd_event *loop;
    const struct config_agent *config;
    struct logind *logind;
    void (*seen)(void *context, unsigned look);
    void *context;

    sd_event_source *begin;          /* starts a look in the next turn of the loop */
    sd_event_source *settle;         /* looks once more at connections that are new */
    sd_event_source *peek;           /* looks at connections alone */
    struct child *child;             /* NULL: no command is configured */
    struct connections *connections; /* NULL: they do not count */
    int64_t window;                  /* ms: bytes that moved on one within it count */
    unsigned look;                   /* number of the last one */
    unsigned pending;                /* who has not answered yet */
    bool running, again;
    struct meter network, disk;
    struct watch_sight sight;
    char text[TEXT_SIZE];
};

/* ---- files ---- */

/* The whole of a small file; false where it is not there, or larger than it can be. */
static bool read_text(struct watch *watch, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = -1;
    if (fd < 0)
        return false;
    while (length < TEXT_SIZE - 1 &&
           (got = read(fd, watch->text + length, TEXT_SIZE - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    watch->text[length] = '\0';
    return got == 0;
}

/* ---- rates ---- */

static void meter_read(struct meter *meter, uint64_t counter)
{
    const int64_t now = clock_now().boot;
    const bool usable = meter->begun && counter >= meter->counter;
    if (usable && now - meter->at < RATE_LEAST_MS)
        return; /* too short to say more than the last time */
    meter->known = usable;
    if (usable)
        meter->rate = (double)(counter - meter->counter) * 1000 / (double)(now - meter->at);
    meter->begun = true;
    meter->at = now;
    meter->counter = counter;
}

static void meter_show(const struct meter *meter, bool read, const char *file, double *value,
                       char problem[ACTIVITY_PROBLEM_SIZE])
{
    problem[0] = '\0';
    *value = meter->rate;
    if (!read)
        snprintf(problem, ACTIVITY_PROBLEM_SIZE, "%s cannot be read", file);
    else if (!meter->known)
        snprintf(problem, ACTIVITY_PROBLEM_SIZE, "it is being measured, ask again in %d s",
                 RATE_LEAST_MS / 1000);
}

static void look_network(struct watch *watch)
{
    const char *interface = watch->sight.interface[0] != '\0' ? watch->sight.interface : NULL;
    uint64_t bytes;
    const bool read =
        read_text(watch, "/proc/net/dev") && proc_read_traffic(watch->text, interface, &bytes);
    if (read)
        meter_read(&watch->network, bytes);
    meter_show(&watch->network, read, "the interface in /proc/net/dev",
               &watch->sight.sample.network.value, watch->sight.sample.network.problem);
}

static void look_disk(struct watch *watch)
{
    uint64_t bytes;
    const bool read = read_text(watch, "/proc/diskstats") && proc_read_disks(watch->text, &bytes);
    if (read)
        meter_read(&watch->disk, bytes);
    meter_show(&watch->disk, read, "/proc/diskstats", &watch->sight.sample.disk.value,
               watch->sight.sample.disk.problem);
}

void watch_forget_rates(struct watch *watch)
{
    watch->network = watch->disk = (struct meter){0};
}

/* ---- connections ---- */

/* What is new counts only if it is still there a moment later. False: that is waited for. */
static bool look_connections(struct watch *watch)
{
    const bool again = connections_look(watch->connections, clock_now().boot, watch->window,
                                        &watch->sight.sample.connections);
    return !again || sd_event_source_set_time_relative(watch->settle, SETTLE_US) < 0 ||
           sd_event_source_set_enabled(watch->settle, SD_EVENT_ONESHOT) < 0;
}

void watch_hear_idle(struct watch *watch, int64_t idle_ms)
{
    const int64_t most = watch->config->activity.window;
    watch->window = idle_ms > 0 && idle_ms < most ? idle_ms : most;
}

/* ---- processes ---- */

static bool read_comm(struct watch *watch, const char *pid, char comm[PROC_COMM_SIZE])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    return read_text(watch, path) && proc_read_comm(watch->text, comm);
}

static bool is_taken(const struct activity_sample *sample, const char *comm)
{
    for (size_t i = 0; i < sample->processes.n; i++)
        if (strcmp(sample->processes.list[i], comm) == 0)
            return true;
    return false;
}

static void take_process(struct watch *watch, const char *comm)
{
    const struct activity_limits *limits = &watch->config->activity;
    struct activity_sample *sample = &watch->sight.sample;
    bool wanted = false;
    for (size_t i = 0; i < limits->n_processes && !wanted; i++)
        wanted = proc_is_named(comm, limits->processes[i]);
    if (!wanted || is_taken(sample, comm))
        return;
    if (sample->processes.n == ACTIVITY_SEEN_MAX)
        sample->processes.more++;
    else
        text_show(sample->processes.list[sample->processes.n++], PROC_COMM_SIZE, comm,
                  strlen(comm));
}

static void look_processes(struct watch *watch)
{
    struct activity_sample *sample = &watch->sight.sample;
    char comm[PROC_COMM_SIZE];
    DIR *directory = opendir("/proc");
    sample->processes.n = sample->processes.more = 0;
    sample->processes.problem[0] = '\0';
    if (!directory || !read_comm(watch, "1", comm))
        text_copy(sample->processes.problem, sizeof(sample->processes.problem),
                  "the processes of others are hidden (hidepid, ProtectProc)");
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]) && read_comm(watch, entry->d_name, comm))
            take_process(watch, comm);
    if (directory)
        closedir(directory);
}

/* ---- the machine ---- */

static void look_machine(struct watch *watch)
{
    struct watch_sight *sight = &watch->sight;
    if (sight->boot_id[0] == '\0' && (!read_text(watch, "/proc/sys/kernel/random/boot_id") ||
                                      !proc_read_boot_id(watch->text, sight->boot_id)))
        sight->boot_id[0] = '\0';
    if (!read_text(watch, "/proc/uptime") || !proc_read_uptime(watch->text, &sight->uptime_s))
        sight->uptime_s = -1;
    if (!read_text(watch, "/proc/meminfo") || !proc_read_memory(watch->text, &sight->memory))
        sight->memory = (struct proc_memory){-1, -1};
    const bool loaded =
        read_text(watch, "/proc/loadavg") && proc_read_load(watch->text, &sight->load);
    if (!loaded)
        sight->load = -1;
    sight->sample.load.value = sight->load;
    text_copy(sight->sample.load.problem, ACTIVITY_PROBLEM_SIZE,
              loaded ? "" : "/proc/loadavg cannot be read");
}

static void look_interface(struct watch *watch)
{
    struct watch_sight *sight = &watch->sight;
    if (watch->config->interface)
        text_copy(sight->interface, sizeof(sight->interface), watch->config->interface);
    else if (!read_text(watch, "/proc/net/route") ||
             !proc_read_default_interface(watch->text, sight->interface))
        sight->interface[0] = '\0';
    if (sight->interface[0] != '\0')
        wol_nic_read(sight->interface, &sight->wol);
    else
        sight->wol = (struct wol_nic){
            .problem = "there is no default route: name the interface in the configuration"};
}

/* ---- one look ---- */

static void answered(struct watch *watch)
{
    if (--watch->pending > 0)
        return;
    watch->running = false;
    watch->seen(watch->context, watch->look);
    if (watch->again)
        watch_look(watch);
    watch->again = false;
}

static void on_logind(void *context)
{
    answered(context);
}

static void on_child(void *context, int status, const char *problem)
{
    struct watch *watch = context;
    struct activity_sample *sample = &watch->sight.sample;
    sample->command.active = status == 0;
    text_copy(sample->command.problem, sizeof(sample->command.problem), problem);
    if (status > 1)
        snprintf(sample->command.problem, sizeof(sample->command.problem),
                 "exit status %d; 0 says active, 1 idle", status);
    answered(watch);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    (void)source;
    (void)usec;
    (void)connections_look(watch->connections, clock_now().boot, watch->window,
                           &watch->sight.sample.connections);
    answered(watch);
    return 0;
}

static uint64_t peek_pause_us(const struct watch *watch, bool fresh)
{
    const int64_t share = watch->window / PEEK_SHARE;
    const int64_t pause = share < PEEK_LEAST_MS  ? PEEK_LEAST_MS
                          : share > PEEK_MOST_MS ? PEEK_MOST_MS
                                                 : share;
    return fresh ? SETTLE_US : (uint64_t)pause * 1000;
}

/* Between two looks at everything: use that begins or ends is reported at once, so that Hall need
 * not ask to find out. */
static int on_peek(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    struct activity_connections seen;
    bool fresh = false;
    (void)usec;
    if (!watch->running) {
        fresh = connections_look(watch->connections, clock_now().boot, watch->window, &seen);
        if ((seen.n > 0) != (watch->sight.sample.connections.n > 0))
            (void)watch_look(watch);
    }
    (void)sd_event_source_set_time_relative(source, peek_pause_us(watch, fresh));
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_begin(sd_event_source *source, void *context)
{
    struct watch *watch = context;
    (void)source;
    watch->pending = 1U + (watch->child ? 1U : 0U);
    look_machine(watch);
    look_interface(watch);
    look_network(watch);
    look_disk(watch);
    if (watch->connections && !look_connections(watch))
        watch->pending++;
    if (watch->config->activity.n_processes > 0)
        look_processes(watch);
    if (watch->child)
        child_run(watch->child);
    logind_look(watch->logind, &watch->sight.sample, &watch->sight.can, on_logind, watch);
    return 0;
}

unsigned watch_look(struct watch *watch)
{
    if (watch->running) {
        watch->again = true;
        return watch->look + 1;
    }
    watch->running = true;
    sd_event_source_set_enabled(watch->begin, SD_EVENT_ONESHOT);
    return ++watch->look;
}

const struct watch_sight *watch_sight(const struct watch *watch)
{
    return &watch->sight;
}

/* ---- life ---- */

static int watch_connections(struct watch *watch)
{
    int error = sd_event_add_time(watch->loop, &watch->settle, CLOCK_MONOTONIC, UINT64_MAX,
                                  SETTLE_ACCURACY_US, on_settle, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->settle, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_add_time_relative(watch->loop, &watch->peek, CLOCK_MONOTONIC,
                                           peek_pause_us(watch, false), PEEK_ACCURACY_US, on_peek,
                                           watch);
    return error < 0 ? error : connections_create(&watch->config->activity, &watch->connections);
}

int watch_create(sd_event *loop, const struct config_agent *config, struct logind *logind,
                 void (*seen)(void *context, unsigned look), void *context,
                 struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->loop = sd_event_ref(loop);
    watch->config = config;
    watch->logind = logind;
    watch->seen = seen;
    watch->context = context;
    watch->window = config->activity.window;
    int error = sd_event_add_defer(loop, &watch->begin, on_begin, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->begin, SD_EVENT_OFF);
    if (error >= 0 && config->activity.connections)
        error = watch_connections(watch);
    if (error >= 0 && config->command)
        error = child_create(
            loop, &(struct child_work){.argv = config->command, .done = on_child, .context = watch},
            &watch->child);
    if (error < 0) {
        watch_destroy(watch);
        return error;
    }
    *ret_watch = watch;
    return 0;
}

void watch_destroy(struct watch *watch)
{
    if (!watch)
        return;
    child_destroy(watch->child);
    connections_destroy(watch->connections);
    sd_event_source_disable_unref(watch->settle);
    sd_event_source_disable_unref(watch->peek);
    sd_event_source_disable_unref(watch->begin);
    sd_event_unref(watch->loop);
    free(watch);
}
