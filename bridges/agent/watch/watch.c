#include "bridges/agent/watch/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/text.h"
#include "bridges/agent/watch/watch_internal.h"

enum {
    MEASURE_MS = METER_SETTLE_MS + 50,
    MEASURE_ACCURACY_US = 50000,
    CLOSE_EVERY = 4, /* looks */
};

/* ---- the machine ---- */

static bool is_better(const struct wol_nic *one, const struct wol_nic *other)
{
    return one->armed != other->armed ? one->armed : one->known && !other->known;
}

/* A packet reaches every card below a bridge or bond: one that is armed is enough. */
static void look_cards(struct watch_sight *sight)
{
    for (size_t i = 0; i < sight->n_cards; i++) {
        struct wol_nic nic;
        wol_nic_read(sight->cards[i], &nic);
        if (i > 0 && !is_better(&nic, &sight->wol))
            continue;
        sight->wol = nic;
        sight->card = i;
    }
}

static void look_interface(struct watch *watch)
{
    struct watch_sight *sight = &watch->sight;
    if (watch->config->interface)
        text_copy(sight->interface, sizeof(sight->interface), watch->config->interface);
    else if (!watch_read(watch, "/proc/net/route") ||
             !proc_read_default_interface(watch->text, sight->interface))
        sight->interface[0] = '\0';
    sight->n_cards = sight->n_macs = 0;
    if (watch->links) {
        links_look(watch->links);
        sight->n_macs = links_macs(watch->links, sight->interface, sight->macs);
        sight->n_cards = links_cards(watch->links, sight->interface, sight->cards);
    }
    if (sight->n_cards == 0)
        memcpy(sight->cards[sight->n_cards++], sight->interface, IF_NAMESIZE);
    if (sight->interface[0] != '\0')
        look_cards(sight);
    else
        sight->wol = (struct wol_nic){
            .problem = "there is no default route: name the interface in the configuration"};
}

/* ---- second parts ---- */

uint64_t watch_due_in(int64_t ms)
{
    return (uint64_t)(clock_now().boot + ms) * 1000;
}

/* ---- rates ---- */

static const struct veto_check *const rates[] = {&veto_processor, &veto_network, &veto_disk};

static bool is_measuring(const struct watch *watch)
{
    const struct watch_sample *sample = &watch->sight.sample;
    return fact_is(&sample->processor.problem, FACT_LOOK_MEASURING) ||
           fact_is(&sample->network.problem, FACT_LOOK_MEASURING) ||
           fact_is(&sample->disk.problem, FACT_LOOK_MEASURING);
}

/* The first rate needs two readings: the look waits for the second. */
static void await_rates(struct watch *watch)
{
    if (is_measuring(watch) &&
        sd_event_source_set_time(watch->measuring, watch_due_in(MEASURE_MS)) >= 0 &&
        sd_event_source_set_enabled(watch->measuring, SD_EVENT_ONESHOT) >= 0)
        watch_await(watch);
}

static int on_measured(sd_event_source *source, uint64_t usec, void *context)
{
    struct watch *watch = context;
    (void)source;
    (void)usec;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
        if (rates[i]->counts(watch->config))
            rates[i]->look(watch);
    watch_answered(watch);
    return 0;
}

/* ---- one look ---- */

bool watch_ignores(const struct watch *watch, const char *name)
{
    for (size_t i = 0; i < watch->config->n_ignored; i++)
        if (strcmp(watch->config->ignored[i], name) == 0)
            return true;
    return false;
}

static bool is_made(const struct watch *watch, const struct veto_check *check)
{
    return check->look && (check->reported || check->counts(watch->config));
}

/* Nobody asks for them where no check looks at processes. */
static void walk_processes(struct watch *watch)
{
    static const struct veto_check *const checks[] = {
        &veto_processes, &veto_terminals, &veto_copies, &veto_packages,
        &veto_guests,    &veto_execs,     &veto_shares};
    bool wanted = false;
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        wanted |= is_made(watch, checks[i]);
    if (wanted)
        walk_take(&watch->walk, clock_now().boot, watch->closely || watch->look % CLOSE_EVERY == 1);
    watch->closely = false;
}

void watch_answered(void *context)
{
    struct watch *watch = context;
    if (--watch->pending > 0)
        return;
    watch->running = false;
    watch->seen(watch->context, watch->look);
    if (watch->again)
        watch_look(watch);
    watch->again = false;
}

static int on_begin(sd_event_source *source, void *context)
{
    struct watch *watch = context;
    (void)source;
    watch_await(watch);
    struct watch_sight *sight = &watch->sight;
    if (sight->boot_id[0] == '\0' && (!watch_read(watch, "/proc/sys/kernel/random/boot_id") ||
                                      !proc_read_boot_id(watch->text, sight->boot_id)))
        sight->boot_id[0] = '\0';
    if (!watch_read(watch, "/proc/uptime") || !proc_read_uptime(watch->text, &sight->uptime_s))
        sight->uptime_s = -1;
    if (!watch_read(watch, "/proc/meminfo") || !proc_read_memory(watch->text, &sight->memory))
        sight->memory = (struct proc_memory){-1, -1};
    look_interface(watch);
    walk_processes(watch);
    for (size_t i = 0; i < VETO_CHECKS; i++)
        if (is_made(watch, veto_checks[i]))
            veto_checks[i]->look(watch);
    await_rates(watch);
    logind_ask_can(watch->logind, &watch->sight.can, watch_answered, watch);
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

unsigned watch_look_closely(struct watch *watch)
{
    watch->closely = true;
    return watch_look(watch);
}

const struct watch_sight *watch_sight(const struct watch *watch)
{
    return &watch->sight;
}

void watch_hear_idle(struct watch *watch, int64_t idle_ms)
{
    const int64_t most = watch->config->window;
    watch->window = idle_ms > 0 && idle_ms < most ? idle_ms : most;
}

void watch_hear_containers(struct watch *watch, const struct docker_view *containers)
{
    watch->sight.sample.containers = containers;
}

void watch_forget_rates(struct watch *watch)
{
    watch->processor = watch->network = watch->disk = (struct meter){0};
}

/* ---- life ---- */

int watch_create(sd_event *loop, const struct watch_config *config, struct logind *logind,
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
    watch->window = config->window;
    watch->walk.root = "";
    int error = sd_event_add_defer(loop, &watch->begin, on_begin, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->begin, SD_EVENT_OFF);
    if (error >= 0)
        error = sd_event_add_time(loop, &watch->measuring, CLOCK_BOOTTIME, UINT64_MAX,
                                  MEASURE_ACCURACY_US, on_measured, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->measuring, SD_EVENT_OFF);
    if (links_create(&watch->links) < 0)
        watch->links = NULL;
    if (error >= 0 && config->connections)
        error = connections_begin(watch);
    if (error >= 0 && config->command)
        error = check_command_begin(watch);
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
    links_destroy(watch->links);
    child_destroy(watch->command);
    visitors_destroy(watch->visitors);
    walk_finish(&watch->walk);
    sd_event_source_disable_unref(watch->measuring);
    sd_event_source_disable_unref(watch->settle);
    sd_event_source_disable_unref(watch->peek);
    sd_event_source_disable_unref(watch->begin);
    sd_event_unref(watch->loop);
    free(watch);
}
