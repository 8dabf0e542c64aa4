#include "ha-discovery/announcer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ha-discovery/ghosts.h"

/* Payloads made at most in one call only to find that the broker holds them. */
enum { LOOKS_MAX = 32 };
#define NOBODY UINT32_MAX

struct announced {
    uint64_t held;      /* digest of what the broker holds; 0: nothing, or not known */
    uint64_t flying;    /* token; 0: not on its way */
    uint64_t sent;      /* digest of what is on its way */
    int64_t changed_at; /* when a different payload was last sent; 0: never */
    uint32_t next;      /* in the queue */
    bool queued, again; /* again: also where the broker holds the same */
    bool changed;       /* since it is on its way */
    bool removed;
    bool can_restart, restart_known;
    bool has_windows;
    char *stale; /* components to be taken away; NULL: none */
};

struct announcer {
    struct discovery discovery;
    size_t n, n_queued, n_flying;
    struct announced *devices;
    uint32_t first, last; /* the queue, by number */
    struct ghosts ghosts;
    bool browsed;
    uint32_t turn; /* of the last token */
    struct buf payload;
    char topic[DISCOVERY_TOPIC_SIZE];
};

/* FNV-1a; never 0. */
static uint64_t digest(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    return hash != 0 ? hash : 1;
}

/* ---- the queue ---- */

static void enqueue(struct announcer *announcer, uint32_t number)
{
    struct announced *device = &announcer->devices[number];

    if (device->queued)
        return;
    device->queued = true;
    device->next = NOBODY;
    if (announcer->last != NOBODY)
        announcer->devices[announcer->last].next = number;
    else
        announcer->first = number;
    announcer->last = number;
    announcer->n_queued++;
}

static void dequeue(struct announcer *announcer)
{
    struct announced *device = &announcer->devices[announcer->first];

    announcer->first = device->next;
    if (announcer->first == NOBODY)
        announcer->last = NOBODY;
    device->queued = false;
    announcer->n_queued--;
}

static struct device device_of(const struct announcer *announcer, uint32_t number)
{
    struct device device = discovery_device(&announcer->discovery, number);

    device.can_restart = announcer->devices[number].can_restart;
    device.has_windows = announcer->devices[number].has_windows;
    return device;
}

static void enqueue_all(struct announcer *announcer)
{
    for (uint32_t i = 0; i < announcer->n; i++) {
        const struct device device = device_of(announcer, i);

        if (discovery_has(&announcer->discovery, &device))
            enqueue(announcer, i);
    }
}

static void forget_queue(struct announcer *announcer)
{
    for (size_t i = 0; i < announcer->n; i++)
        announcer->devices[i].queued = false;
    announcer->first = announcer->last = NOBODY;
    announcer->n_queued = 0;
}

/* ---- beginning and end ---- */

static void free_devices(struct announced *devices, size_t n)
{
    for (size_t i = 0; devices != NULL && i < n; i++)
        free(devices[i].stale);
    free(devices);
}

static void find_windows(struct announcer *announcer)
{
    const struct model *model = announcer->discovery.model;

    for (size_t i = 0; i < model->n_domains; i++)
        if (model->domains[i].policy.n_windows > 0)
            announcer->devices[1 + model->domains[i].server].has_windows = true;
}

int announcer_create(const struct discovery *discovery, struct announcer **ret_announcer)
{
    struct announcer *announcer = calloc(1, sizeof(*announcer));

    if (announcer == NULL)
        return -ENOMEM;
    announcer->discovery = *discovery;
    announcer->payload = BUF_INIT(DISCOVERY_LIMIT);
    announcer->first = announcer->last = NOBODY;
    announcer->n = discovery_count(discovery);
    announcer->devices = calloc(announcer->n, sizeof(*announcer->devices));
    if (announcer->devices == NULL) {
        announcer_destroy(announcer);
        return -ENOMEM;
    }
    find_windows(announcer);
    *ret_announcer = announcer;
    return 0;
}

void announcer_destroy(struct announcer *announcer)
{
    if (announcer == NULL)
        return;
    free_devices(announcer->devices, announcer->n);
    ghosts_finish(&announcer->ghosts);
    buf_finish(&announcer->payload);
    free(announcer);
}

/* ---- what the broker holds ---- */

void announcer_connected(struct announcer *announcer)
{
    forget_queue(announcer);
    ghosts_finish(&announcer->ghosts);
    announcer->n_flying = 0;
    announcer->browsed = false;
    for (size_t i = 0; i < announcer->n; i++) {
        announcer->devices[i].held = 0;
        announcer->devices[i].flying = 0;
        announcer->devices[i].changed = false;
    }
}

void announcer_browsed(struct announcer *announcer)
{
    announcer->browsed = true;
    enqueue_all(announcer);
}

/* What is to be sent for a device, without what is to be taken away. */
static int write_wanted(struct announcer *announcer, uint32_t number, const char *stale)
{
    const struct device device = device_of(announcer, number);

    buf_clear(&announcer->payload);
    return discovery_write(&announcer->discovery, &device, stale, &announcer->payload);
}

static void set_stale(struct announced *device, struct buf *lines)
{
    char *stale = NULL;

    if (lines->length > 0 && buf_steal(lines, &stale) < 0)
        return;
    free(device->stale);
    device->stale = stale;
}

/* Until the agent speaks, what was there stays: a server asleep cannot say what it can. */
static bool has_restart(const char *stale)
{
    return strncmp(stale, "restart ", 8) == 0 || strstr(stale, "\nrestart ") != NULL;
}

/* The broker holds this for the device: what must be taken away of it? */
static void compare(struct announcer *announcer, uint32_t number, const char *payload,
                    size_t length)
{
    struct announced *device = &announcer->devices[number];
    struct buf lines = BUF_INIT(DISCOVERY_LIMIT);

    if (write_wanted(announcer, number, NULL) < 0 ||
        digest(buf_text(&announcer->payload), announcer->payload.length) == device->held)
        return;
    discovery_stale(payload, length, buf_text(&announcer->payload), announcer->payload.length,
                    &lines);
    if (!announcer->browsed && !device->restart_known && has_restart(buf_text(&lines))) {
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
    const uint64_t heard = digest(payload, length);

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
    enqueue(announcer, number);
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
        number >= 0 ? device_of(announcer, (uint32_t)number) : (struct device){0};
    if (number >= 0 && discovery_has(&announcer->discovery, &device))
        return hear_device(announcer, (uint32_t)number, payload, length, now);
    if (!discovery_is_ours(payload, length))
        return HEARD_NOTHING;
    ghosts_add(&announcer->ghosts, topic);
    return HEARD_GHOST;
}

/* ---- what is asked for ---- */

void announcer_repeat(struct announcer *announcer)
{
    for (size_t i = 0; i < announcer->n; i++)
        announcer->devices[i].again = true;
    if (announcer->browsed)
        enqueue_all(announcer);
}

bool announcer_set_removed(struct announcer *announcer, const char *object, bool removed)
{
    const long number = discovery_find(&announcer->discovery, object);

    if (number < 0)
        return false;
    announcer->devices[number].removed = removed;
    if (!removed && announcer->browsed)
        enqueue(announcer, (uint32_t)number);
    return true;
}

void announcer_recall(struct announcer *announcer,
                      void (*recalled)(void *context, const char *object), void *context)
{
    char object[DISCOVERY_OBJECT_SIZE];

    for (uint32_t i = 0; i < announcer->n; i++) {
        const struct device device = device_of(announcer, i);

        if (!announcer->devices[i].removed)
            continue;
        announcer->devices[i].removed = false;
        recalled(context, discovery_object(&announcer->discovery, &device, object));
    }
}

size_t announcer_count_removed(const struct announcer *announcer)
{
    size_t n = 0;

    for (size_t i = 0; i < announcer->n; i++)
        n += announcer->devices[i].removed;
    return n;
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

        buf_printf(&lines, "%srestart button\n", device->stale != NULL ? device->stale : "");
        set_stale(device, &lines);
        buf_finish(&lines);
    }
    if (announcer->browsed)
        enqueue(announcer, number);
}

/* ---- a new configuration ---- */

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
    if (write_wanted(new, number, NULL) == 0 &&
        digest(buf_text(&new->payload), new->payload.length) != from->held &&
        write_wanted(old, old_number, NULL) == 0) {
        discovery_stale(buf_text(&old->payload), old->payload.length, buf_text(&new->payload),
                        new->payload.length, &lines);
        if (to->stale != NULL)
            buf_puts(&lines, to->stale);
        set_stale(to, &lines);
    }
    buf_finish(&lines);
}

static void renew_all(struct announcer *old, struct announcer *new)
{
    char object[DISCOVERY_OBJECT_SIZE], topic[DISCOVERY_TOPIC_SIZE];

    for (uint32_t i = 0; i < old->n; i++) {
        const struct device device = device_of(old, i);

        if (!discovery_has(&old->discovery, &device))
            continue;
        discovery_object(&old->discovery, &device, object);
        const long number = discovery_find(&new->discovery, object);
        const struct device renewed =
            number >= 0 ? device_of(new, (uint32_t)number) : (struct device){0};
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
        enqueue_all(announcer);
}

/* ---- sending ---- */

static int64_t due_of(const struct announced *device)
{
    return device->changed_at == 0 || device->again ? INT64_MIN
                                                    : device->changed_at + ANNOUNCER_APART_MS;
}

/* A token has the number in it, which may be another one after a new configuration. */
static int offer(struct announcer *announcer, uint32_t number, uint64_t *flying,
                 struct announcement *ret_next)
{
    *flying = (uint64_t)++announcer->turn << 32 | number;
    announcer->n_flying++;
    ret_next->topic = announcer->topic;
    ret_next->token = *flying;
    return 1;
}

static int offer_ghost(struct announcer *announcer, struct announcement *ret_next)
{
    struct ghost *ghost = ghosts_next(&announcer->ghosts);

    if (ghost == NULL)
        return 0;
    text_copy(announcer->topic, sizeof(announcer->topic), ghost->topic);
    ret_next->payload = "";
    ret_next->length = 0;
    return offer(announcer, NOBODY, &ghost->flying, ret_next);
}

static int offer_device(struct announcer *announcer, uint32_t number, uint64_t wanted, int64_t now,
                        struct announcement *ret_next)
{
    struct announced *device = &announcer->devices[number];
    const struct device described = device_of(announcer, number);
    char object[DISCOVERY_OBJECT_SIZE];

    discovery_topic(&announcer->discovery,
                    discovery_object(&announcer->discovery, &described, object), announcer->topic);
    ret_next->payload = buf_text(&announcer->payload);
    ret_next->length = announcer->payload.length;
    if (wanted != device->held)
        device->changed_at = now;
    device->sent = wanted;
    device->again = false;
    return offer(announcer, number, &device->flying, ret_next);
}

/* The first of the queue: 1 offered, 0 not to be sent, -EAGAIN not yet. */
static int look(struct announcer *announcer, int64_t now, struct announcement *ret_next)
{
    const uint32_t number = announcer->first;
    struct announced *device = &announcer->devices[number];
    uint64_t wanted;

    if (device->removed || device->flying != 0) {
        dequeue(announcer);
        device->changed = device->flying != 0; /* looked at when it has landed */
        return 0;
    }
    const int error = write_wanted(announcer, number, device->stale);
    if (error < 0) {
        dequeue(announcer);
        return error;
    }
    wanted = digest(buf_text(&announcer->payload), announcer->payload.length);
    if (wanted == device->held && !device->again) {
        dequeue(announcer);
        return 0;
    }
    if (wanted != device->held && now < due_of(device))
        return -EAGAIN;
    dequeue(announcer);
    return offer_device(announcer, number, wanted, now, ret_next);
}

/* Those that must wait for their time go behind the others; all of them have been moved once when a
 * round is over. */
static void move_back(struct announcer *announcer)
{
    const uint32_t number = announcer->first;

    dequeue(announcer);
    enqueue(announcer, number);
}

int announcer_next(struct announcer *announcer, int64_t now, struct announcement *ret_next)
{
    const size_t round = announcer->n_queued;

    if (!announcer->browsed)
        return 0;
    if (offer_ghost(announcer, ret_next) == 1)
        return 1;
    for (size_t i = 0; i < round && i < LOOKS_MAX; i++) {
        const int result = look(announcer, now, ret_next);

        if (result == -EAGAIN)
            move_back(announcer);
        else if (result != 0)
            return result;
    }
    return announcer->n_queued > 0 && announcer_due(announcer) <= now ? -EAGAIN : 0;
}

static void land(struct announcer *announcer, uint32_t number, bool taken)
{
    struct announced *device = &announcer->devices[number];

    const bool second = device->stale != NULL; /* step of a removal: the same without them */

    device->flying = 0;
    if (!taken || device->removed)
        return;
    device->held = device->sent;
    free(device->stale);
    device->stale = NULL;
    if (device->changed || second)
        enqueue(announcer, number);
    device->changed = false;
}

void announcer_taken(struct announcer *announcer, uint64_t token, bool taken)
{
    uint32_t number = (uint32_t)token;

    announcer->n_flying--;
    if (number >= announcer->n || announcer->devices[number].flying != token)
        for (number = 0; number < announcer->n && announcer->devices[number].flying != token;)
            number++;
    if (number < announcer->n)
        land(announcer, number, taken);
    else
        ghosts_land(&announcer->ghosts, token);
}

int64_t announcer_due(const struct announcer *announcer)
{
    int64_t due = INT64_MAX;

    if (announcer->browsed && ghosts_next(&announcer->ghosts) != NULL)
        return INT64_MIN;
    for (uint32_t i = announcer->browsed ? announcer->first : NOBODY; i != NOBODY;
         i = announcer->devices[i].next)
        if (due_of(&announcer->devices[i]) < due)
            due = due_of(&announcer->devices[i]);
    return due;
}

bool announcer_is_done(const struct announcer *announcer)
{
    return announcer->browsed && announcer->n_queued == 0 && announcer->n_flying == 0 &&
           announcer->ghosts.n == 0;
}
