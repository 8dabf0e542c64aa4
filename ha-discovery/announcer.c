#include "ha-discovery/announcer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "ha-discovery/announcer_internal.h"

/* Payloads made at most in one call only to find that the broker holds them. */
enum { LOOKS_MAX = 32 };
#define NOBODY UINT32_MAX

/* Never 0. */
uint64_t announcer_digest(const char *bytes, size_t length)
{
    const uint64_t hash = hash_add(HASH_START, bytes, length);

    return hash != 0 ? hash : 1;
}

/* ---- the queue ---- */

void announcer_enqueue(struct announcer *announcer, uint32_t number)
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

struct device announcer_device(const struct announcer *announcer, uint32_t number)
{
    struct device device = discovery_device(&announcer->discovery, number);

    device.can_restart = announcer->devices[number].can_restart;
    device.has_windows = announcer->devices[number].has_windows;
    return device;
}

void announcer_enqueue_all(struct announcer *announcer)
{
    for (uint32_t i = 0; i < announcer->n; i++) {
        const struct device device = announcer_device(announcer, i);

        if (discovery_has(&announcer->discovery, &device))
            announcer_enqueue(announcer, i);
    }
}

/* ---- beginning and end ---- */

int announcer_create(const struct discovery *discovery, struct announcer **ret_announcer)
{
    struct announcer *announcer = calloc(1, sizeof(*announcer));

    if (!announcer)
        return -ENOMEM;
    announcer->discovery = *discovery;
    announcer->payload = BUF_INIT(DISCOVERY_LIMIT);
    announcer->first = announcer->last = NOBODY;
    announcer->n = discovery_count(discovery);
    announcer->devices = calloc(announcer->n, sizeof(*announcer->devices));
    if (!announcer->devices) {
        announcer_destroy(announcer);
        return -ENOMEM;
    }
    const struct model *model = announcer->discovery.model;
    for (size_t i = 0; i < model->n_domains; i++)
        if (model->domains[i].policy.n_windows > 0)
            announcer->devices[1 + model->domains[i].server].has_windows = true;
    *ret_announcer = announcer;
    return 0;
}

void announcer_destroy(struct announcer *announcer)
{
    if (!announcer)
        return;
    for (size_t i = 0; announcer->devices && i < announcer->n; i++)
        free(announcer->devices[i].stale);
    free(announcer->devices);
    ghosts_finish(&announcer->ghosts);
    buf_finish(&announcer->payload);
    free(announcer);
}

/* ---- what the broker holds ---- */

void announcer_connected(struct announcer *announcer)
{
    for (size_t i = 0; i < announcer->n; i++)
        announcer->devices[i].queued = false;
    announcer->first = announcer->last = NOBODY;
    announcer->n_queued = 0;
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
    announcer_enqueue_all(announcer);
}

/* What is to be sent for a device, without what is to be taken away. */
int announcer_write(struct announcer *announcer, uint32_t number, const char *stale)
{
    const struct device device = announcer_device(announcer, number);

    buf_clear(&announcer->payload);
    return discovery_write(&announcer->discovery, &device, stale, &announcer->payload);
}

/* ---- what is asked for ---- */

void announcer_repeat(struct announcer *announcer)
{
    for (size_t i = 0; i < announcer->n; i++)
        announcer->devices[i].again = true;
    if (announcer->browsed)
        announcer_enqueue_all(announcer);
}

bool announcer_set_removed(struct announcer *announcer, const char *object, bool removed)
{
    const long number = discovery_find(&announcer->discovery, object);

    if (number < 0)
        return false;
    announcer->devices[number].removed = removed;
    if (!removed && announcer->browsed)
        announcer_enqueue(announcer, (uint32_t)number);
    return true;
}

void announcer_recall(struct announcer *announcer,
                      void (*recalled)(void *context, const char *object), void *context)
{
    char object[DISCOVERY_OBJECT_SIZE];

    for (uint32_t i = 0; i < announcer->n; i++) {
        const struct device device = announcer_device(announcer, i);

        if (!announcer->devices[i].removed)
            continue;
        announcer->devices[i].removed = false;
        recalled(context, discovery_object(&announcer->discovery, &device, object));
    }
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

    if (!ghost)
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
    const struct device described = announcer_device(announcer, number);
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
    const int error = announcer_write(announcer, number, device->stale);
    if (error < 0) {
        dequeue(announcer);
        return error;
    }
    wanted = announcer_digest(buf_text(&announcer->payload), announcer->payload.length);
    if (wanted == device->held && !device->again) {
        dequeue(announcer);
        return 0;
    }
    if (wanted != device->held && now < due_of(device))
        return -EAGAIN;
    dequeue(announcer);
    return offer_device(announcer, number, wanted, now, ret_next);
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

        if (result == -EAGAIN) {
            /* Those that must wait for their time go behind the others; all of them have been moved
             * once when a round is over. */
            const uint32_t number = announcer->first;
            dequeue(announcer);
            announcer_enqueue(announcer, number);
        } else if (result != 0) {
            return result;
        }
    }
    return announcer->n_queued > 0 && announcer_due(announcer) <= now ? -EAGAIN : 0;
}

static void land(struct announcer *announcer, uint32_t number, bool taken)
{
    struct announced *device = &announcer->devices[number];

    const bool second = device->stale; /* step of a removal: the same without them */

    device->flying = 0;
    if (!taken || device->removed)
        return;
    device->held = device->sent;
    free(device->stale);
    device->stale = NULL;
    if (device->changed || second)
        announcer_enqueue(announcer, number);
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

    if (announcer->browsed && ghosts_next(&announcer->ghosts))
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
