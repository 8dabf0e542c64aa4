#include "bridges/agent/watch/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "bridges/agent/watch/watch_internal.h"

/* ---- the machine ---- */

static void look_interface(struct watch *watch)
{
    struct watch_sight *sight = &watch->sight;
    if (watch->config->interface)
        text_copy(sight->interface, sizeof(sight->interface), watch->config->interface);
    else if (!watch_read(watch, "/proc/net/route") ||
             !proc_read_default_interface(watch->text, sight->interface))
        sight->interface[0] = '\0';
    if (sight->interface[0] != '\0')
        wol_nic_read(sight->interface, &sight->wol);
    else
        sight->wol = (struct wol_nic){
            .problem = "there is no default route: name the interface in the configuration"};
}

/* ---- one look ---- */

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
    for (size_t i = 0; i < VETO_CHECKS; i++) {
        const struct veto_check *check = veto_checks[i];
        if (check->look && (check->reported || check->counts(watch->config)))
            check->look(watch);
    }
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
    watch->network = watch->disk = (struct meter){0};
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
    int error = sd_event_add_defer(loop, &watch->begin, on_begin, watch);
    if (error >= 0)
        error = sd_event_source_set_enabled(watch->begin, SD_EVENT_OFF);
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
    child_destroy(watch->command);
    visitors_destroy(watch->visitors);
    sd_event_source_disable_unref(watch->settle);
    sd_event_source_disable_unref(watch->peek);
    sd_event_source_disable_unref(watch->begin);
    sd_event_unref(watch->loop);
    free(watch);
}
