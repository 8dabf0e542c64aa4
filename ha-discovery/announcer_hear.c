#include "ha-discovery/announcer_internal.h"

#include <stdlib.h>
#include <string.h>

static void set_stale(struct announced *device, struct buf *lines)
{
    char *stale = NULL;

    if (lines->length > 0 && buf_steal(lines, &stale) < 0)
        return;
    free(device->stale);
    device->stale = stale;
}

/* The broker holds this for the device: what must be taken away of it? */
static void compare(struct announcer *announcer, uint32_t number, const char *payload,
                    size_t length)
{
    struct announced *device = &announcer->devices[number];
    struct buf lines = BUF_INIT(DISCOVERY_LIMIT);

    if (announcer_write(announcer, number, NULL) < 0 ||
        announcer_digest(buf_text(&announcer->payload), announcer->payload.length) == device->held)
        return;
    discovery_stale(payload, length, buf_text(&announcer->payload), announcer->payload.length,
                    &lines);
    /* Until the agent speaks, what was there stays: a server asleep cannot say what it can. */
    if (!announcer->browsed && !device->restart_known &&
        (strncmp(buf_text(&lines), "restart ", 8) == 0 || strstr(buf_text(&lines), "\nrestart "))) {
        device->can_restart = device->restart_known = true;
        compare(announcer, number, payload, length);
    } else {
        set_stale(device, &lines);
    }
    buf_finish(&lines);
}

static enum announcer_heard hear_device(struct announcer *announcer, uint32_t number,
                                        const char *payload, size_t length, int64_t now)
{
    struct announced *device = &announcer->devices[number];
    const uint64_t heard = announcer_digest(payload, length);

    if (length == 0) {
        if (!announcer->browsed || device->removed)
            return HEARD_NOTHING;
        device->held = 0;
        device->removed = true;
        return HEARD_REMOVED;
    }
    if (heard == device->held || (device->flying != 0 && heard == device->sent))
        return HEARD_NOTHING;
    device->held = heard;
    compare(announcer, number, payload, length);
    if (!announcer->browsed || device->removed)
        return HEARD_NOTHING;
    device->changed_at = now;
    announcer_enqueue(announcer, number);
    return HEARD_REPLACED;
}

enum announcer_heard announcer_hear(struct announcer *announcer, const char *topic,
                                    const char *payload, size_t length, int64_t now,
                                    char ret_object[DISCOVERY_OBJECT_SIZE])
{
    if (!discovery_parse_topic(&announcer->discovery, topic, ret_object))
        return HEARD_NOTHING;
    const long number = discovery_find(&announcer->discovery, ret_object);
    const struct device device =
        number >= 0 ? announcer_device(announcer, (uint32_t)number) : (struct device){0};
    if (number >= 0 && discovery_has(&announcer->discovery, &device))
        return hear_device(announcer, (uint32_t)number, payload, length, now);
    if (!discovery_is_ours(payload, length))
        return HEARD_NOTHING;
    ghosts_add(&announcer->ghosts, topic);
    return HEARD_GHOST;
}

void announcer_set_restart(struct announcer *announcer, int server, bool can)
{
    const uint32_t number = (uint32_t)server + 1;
    struct announced *device = &announcer->devices[number];

    device->restart_known = true;
    if (device->can_restart == can)
        return;
    device->can_restart = can;
    if (!can && (device->held != 0 || device->flying != 0)) {
        struct buf lines = BUF_INIT(DISCOVERY_LIMIT);

        buf_printf(&lines, "%srestart button\n", device->stale ? device->stale : "");
        set_stale(device, &lines);
        buf_finish(&lines);
    }
    if (announcer->browsed)
        announcer_enqueue(announcer, number);
}

/* What a device that stays has to take away; the old configuration still stands. */
static void renew_device(struct announcer *old, uint32_t old_number, struct announcer *new,
                         uint32_t number)
{
    struct announced *from = &old->devices[old_number], *to = &new->devices[number];
    struct buf lines = BUF_INIT(DISCOVERY_LIMIT);

    const bool has_windows = to->has_windows;

    *to = *from;
    to->queued = false;
    to->has_windows = has_windows;
    from->stale = NULL;
    if (from->held == 0 && from->flying == 0)
        return;
    if (announcer_write(new, number, NULL) == 0 &&
        announcer_digest(buf_text(&new->payload), new->payload.length) != from->held &&
        announcer_write(old, old_number, NULL) == 0) {
        discovery_stale(buf_text(&old->payload), old->payload.length, buf_text(&new->payload),
                        new->payload.length, &lines);
        if (to->stale)
            buf_puts(&lines, to->stale);
        set_stale(to, &lines);
    }
    buf_finish(&lines);
}

static void renew_all(struct announcer *old, struct announcer *new)
{
    char object[DISCOVERY_OBJECT_SIZE], topic[DISCOVERY_TOPIC_SIZE];

    for (uint32_t i = 0; i < old->n; i++) {
        const struct device device = announcer_device(old, i);

        if (!discovery_has(&old->discovery, &device))
            continue;
        discovery_object(&old->discovery, &device, object);
        const long number = discovery_find(&new->discovery, object);
        const struct device renewed =
            number >= 0 ? announcer_device(new, (uint32_t)number) : (struct device){0};
        if (number >= 0 && discovery_has(&new->discovery, &renewed))
            renew_device(old, i, new, (uint32_t)number);
        else if (old->devices[i].held != 0 || old->devices[i].flying != 0)
            ghosts_add(&new->ghosts, discovery_topic(&old->discovery, object, topic));
    }
}

void announcer_adopt(struct announcer *announcer, struct announcer *old)
{
    announcer->turn = old->turn;
    announcer->browsed = old->browsed;
    announcer->n_flying = old->n_flying;
    announcer->ghosts = old->ghosts;
    old->ghosts = (struct ghosts){0};
    renew_all(old, announcer);
    if (announcer->browsed)
        announcer_enqueue_all(announcer);
}
