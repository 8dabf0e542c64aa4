#include "core/lease.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"

static const char *const lease_kind_names[LEASE_KINDS] = {
    [LEASE_VISIT] = "visit",         [LEASE_SCHEDULE] = "schedule", [LEASE_ALWAYS_ON] = "always_on",
    [LEASE_MANUAL] = "manual",       [LEASE_HOLD] = "hold",         [LEASE_AGENT] = "agent",
    [LEASE_DEPENDENT] = "dependent", [LEASE_STREAM] = "stream",
};

static const char *const stream_kind_names[STREAM_KINDS] = {
    [STREAM_DOWNLOAD] = "download",
    [STREAM_UPLOAD] = "upload",
    [STREAM_WEBSOCKET] = "websocket",
    [STREAM_REQUEST] = "open request",
};

const char *stream_kind_name(enum stream_kind kind)
{
    return stream_kind_names[kind];
}

const char *lease_kind_name(enum lease_kind kind)
{
    return lease_kind_names[kind];
}

bool lease_is_standing(enum lease_kind kind)
{
    return kind == LEASE_ALWAYS_ON || kind == LEASE_SCHEDULE || kind == LEASE_HOLD ||
           kind == LEASE_DEPENDENT;
}

bool lease_is_of_agent(const struct lease *lease)
{
    return lease->kind == LEASE_AGENT ||
           (lease->kind == LEASE_STREAM && strcmp(lease->holder, AGENT_STREAM) == 0);
}

static struct lease *find(struct lease_set *set, enum lease_kind kind, const char *holder)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == kind &&
            strncmp(set->leases[i].holder, holder, LEASE_HOLDER_SIZE - 1) == 0)
            return &set->leases[i];
    return NULL;
}

const struct lease *lease_find(const struct lease_set *set, enum lease_kind kind,
                               const char *holder)
{
    return find((struct lease_set *)set, kind, holder);
}

bool lease_take(struct lease_set *set, enum lease_kind kind, const char *holder, const char *label,
                int64_t now, int64_t until)
{
    struct lease *lease = find(set, kind, holder);

    if (!lease) {
        if (set->n == LEASES_MAX)
            return false;
        lease = &set->leases[set->n++];
        *lease = (struct lease){.kind = kind, .since = now};
        text_copy(lease->holder, sizeof(lease->holder), holder);
    }
    lease->renewed = now;
    lease->until = until;
    text_copy(lease->label, sizeof(lease->label), label);
    return true;
}

static void remove_at(struct lease_set *set, size_t index)
{
    set->n--;
    memmove(&set->leases[index], &set->leases[index + 1],
            (set->n - index) * sizeof(set->leases[0]));
}

bool lease_release(struct lease_set *set, enum lease_kind kind, const char *holder)
{
    struct lease *lease = find(set, kind, holder);

    if (!lease)
        return false;
    remove_at(set, (size_t)(lease - set->leases));
    return true;
}

size_t lease_release_kind(struct lease_set *set, enum lease_kind kind)
{
    const size_t before = set->n;

    for (size_t i = set->n; i-- > 0;)
        if (set->leases[i].kind == kind)
            remove_at(set, i);
    return before - set->n;
}

size_t lease_expire(struct lease_set *set, int64_t now)
{
    const size_t before = set->n;

    for (size_t i = set->n; i-- > 0;)
        if (set->leases[i].until <= now)
            remove_at(set, i);
    return before - set->n;
}

int64_t lease_awake_until(const struct lease_set *set)
{
    int64_t latest = 0;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].until > latest)
            latest = set->leases[i].until;
    return latest;
}

int64_t lease_next_end(const struct lease_set *set)
{
    int64_t earliest = LEASE_FOREVER;

    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].until < earliest)
            earliest = set->leases[i].until;
    return earliest;
}

uint32_t lease_mark(const struct lease_set *set)
{
    uint64_t mark = HASH_START;

    for (size_t i = 0; i < set->n; i++) {
        const struct lease *lease = &set->leases[i];
        mark = hash_add(mark, &lease->kind, sizeof(lease->kind));
        mark = hash_add(mark, lease->holder, strlen(lease->holder) + 1);
    }
    return set->n > 0 ? (uint32_t)mark : 0;
}
