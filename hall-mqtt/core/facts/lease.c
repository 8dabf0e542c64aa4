#include "core/facts/lease.h"

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

static struct lease *find(struct lease_set *set, enum lease_kind kind, int subject,
                          const char *holder)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == kind && set->leases[i].subject == subject &&
            strncmp(set->leases[i].holder, holder, LEASE_HOLDER_SIZE - 1) == 0)
            return &set->leases[i];
    return NULL;
}

const struct lease *lease_find(const struct lease_set *set, enum lease_kind kind, int subject,
                               const char *holder)
{
    return find((struct lease_set *)set, kind, subject, holder);
}

/* The first code of a fact; its texts move into the lease. */
void lease_say(struct lease *lease, const struct fact *why)
{
    const size_t end = strlen(lease->holder) + 1;

    lease->why = (struct fact_part){0};
    memset(&lease->holder[end], 0, sizeof(lease->holder) - end);
    if (!why)
        return;
    lease->why = why->parts[0];
    lease->why.text = fact_put_pair(lease->holder, sizeof(lease->holder), end, fact_text(why, 0, 0),
                                    fact_text(why, 0, 1))
                          ? (uint8_t)end
                          : 0;
}

struct fact lease_why(const struct lease *lease)
{
    const uint8_t at = lease->why.text;
    struct fact fact = {.parts = {lease->why}};

    fact.parts[0].text = 0;
    return at == 0 ? fact
                   : fact_with(fact, &lease->holder[at],
                               fact_second(lease->holder, sizeof(lease->holder), at));
}

size_t lease_room(const struct lease_holders *holders)
{
    /* A visit and a stream of each site; always_on and a schedule of each domain, and always_on of
     * the server. */
    return LEASES_ASKED_MAX + LEASES_AGENT_MAX + 2 * holders->sites + 2 * holders->domains + 1 +
           holders->servers;
}

static bool is_asked(const struct lease *lease)
{
    return lease->kind == LEASE_HOLD || lease->kind == LEASE_MANUAL;
}

static size_t count(const struct lease_set *set, bool (*is_sort)(const struct lease *))
{
    size_t n = 0;

    for (size_t i = 0; i < set->n; i++)
        n += is_sort(&set->leases[i]);
    return n;
}

/* Those that have no place of their own leave the places of the others alone. */
static bool has_place(const struct lease_set *set, const struct lease *lease)
{
    if (set->n >= set->room)
        return false;
    if (is_asked(lease))
        return count(set, is_asked) < LEASES_ASKED_MAX;
    return !lease_is_of_agent(lease) || count(set, lease_is_of_agent) < LEASES_AGENT_MAX;
}

void lease_put(struct lease_set *set, const struct lease *lease)
{
    if (!find(set, lease->kind, lease->subject, lease->holder) && has_place(set, lease))
        set->leases[set->n++] = *lease;
}

bool lease_take(struct lease_set *set, enum lease_kind kind, int subject, const char *holder,
                const struct fact *why, int64_t now, int64_t until)
{
    struct lease *lease = find(set, kind, subject, holder);

    if (!lease) {
        struct lease taken = {.kind = kind, .subject = subject, .since = now};

        text_copy(taken.holder, LEASE_HOLDER_SIZE, holder);
        if (!has_place(set, &taken))
            return false;
        lease = &set->leases[set->n++];
        *lease = taken;
    }
    lease->renewed = now;
    lease->until = until;
    lease->ends = 0;
    lease->told = 0;
    lease_say(lease, why);
    return true;
}

bool lease_is_told(const struct lease *lease, int64_t ends)
{
    return lease->told != 0 && lease->told / 1000 == ends / 1000; /* whole seconds stand there */
}

void lease_clock_was_set(struct lease_set *set, struct now now)
{
    for (size_t i = 0; i < set->n; i++) {
        struct lease *lease = &set->leases[i];

        if (lease->ends != 0)
            lease->until = now.boot + (lease->ends - now.wall);
    }
}

void lease_tell_again(struct lease_set *set, struct now now)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].told != 0)
            set->leases[i].told = clock_wall_at(now, set->leases[i].until);
}

static void remove_at(struct lease_set *set, size_t index)
{
    set->n--;
    memmove(&set->leases[index], &set->leases[index + 1],
            (set->n - index) * sizeof(set->leases[0]));
}

bool lease_hold(struct lease_set *set, const char *name, const struct fact *why,
                struct lease_end end, int64_t now)
{
    if (!lease_take(set, LEASE_HOLD, MODEL_NONE, name, why, now, end.until))
        return false;
    struct lease *lease = find(set, LEASE_HOLD, MODEL_NONE, name);

    lease->ends = end.ends;
    lease->told = end.told;
    return true;
}

bool lease_release(struct lease_set *set, enum lease_kind kind, int subject, const char *holder)
{
    struct lease *lease = find(set, kind, subject, holder);

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

const struct lease *lease_longest(const struct lease_set *set)
{
    const struct lease *longest = NULL;

    for (size_t i = 0; i < set->n; i++)
        if (!longest || set->leases[i].until > longest->until)
            longest = &set->leases[i];
    return longest;
}

int64_t lease_awake_until(const struct lease_set *set)
{
    const struct lease *longest = lease_longest(set);

    return longest ? longest->until : 0;
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
        mark = hash_add(mark, &lease->subject, sizeof(lease->subject));
        mark = hash_add(mark, lease->holder, strlen(lease->holder) + 1);
    }
    return set->n > 0 ? (uint32_t)mark : 0;
}

/* An agent says itself what it reports; a record of an older Hall has the check alone. */
static struct fact agent_fact(const struct lease *lease, int64_t until)
{
    const struct fact why = lease->why.code != FACT_NONE
                                ? lease_why(lease)
                                : fact_with(FACT(AGENT_SAID), lease->holder, NULL);

    return fact_because(FACT(LEASE_AGENT, .n = {0, until}), &why);
}

struct fact lease_fact(const struct lease *lease, int server, struct now now)
{
    const int64_t until =
        lease->until == LEASE_FOREVER ? LEASE_FOREVER : clock_wall_at(now, lease->until);
    struct fact fact = lease_why(lease);

    if (lease_is_of_agent(lease))
        return agent_fact(lease, until);
    switch (lease->kind) {
    case LEASE_VISIT:
        return FACT(LEASE_VISIT, .subject = lease->subject,
                    .n = {clock_wall_at(now, lease->renewed), until});
    case LEASE_SCHEDULE:
        return FACT(LEASE_SCHEDULE, .subject = lease->subject, .n = {0, until});
    case LEASE_ALWAYS_ON:
        return lease->subject == MODEL_NONE
                   ? FACT(LEASE_ALWAYS_ON_SERVER, .subject = server, .n = {0, until})
                   : FACT(LEASE_ALWAYS_ON, .subject = lease->subject, .n = {0, until});
    case LEASE_MANUAL:
        if (fact_is(&fact, FACT_NONE))
            fact = fact_with(FACT(LEASE_MANUAL), lease->holder, NULL);
        fact.parts[0].n[1] = until;
        return fact;
    case LEASE_HOLD:
        return fact_with(FACT(LEASE_HOLD, .n = {0, until}), lease->holder, fact_text(&fact, 0, 0));
    case LEASE_DEPENDENT:
        return FACT(LEASE_DEPENDENT, .subject = lease->subject, .n = {0, until});
    case LEASE_STREAM:
        return fact_because(FACT(LEASE_STREAM, .subject = lease->subject, .n = {0, until}), &fact);
    case LEASE_AGENT:
        break;
    }
    return agent_fact(lease, until);
}

struct fact lease_cause(const struct lease *lease, int server)
{
    switch (lease->kind) {
    case LEASE_VISIT:
        return FACT(WAKE_VISIT, .subject = lease->subject);
    case LEASE_SCHEDULE:
        return FACT(WAKE_SCHEDULE, .subject = lease->subject);
    case LEASE_ALWAYS_ON:
        return lease->subject == MODEL_NONE ? FACT(WAKE_ALWAYS_ON_SERVER, .subject = server)
                                            : FACT(WAKE_ALWAYS_ON, .subject = lease->subject);
    case LEASE_MANUAL:
        return fact_with(FACT(WAKE_MANUAL), lease->holder, NULL);
    case LEASE_HOLD:
        return fact_with(FACT(WAKE_HOLD), lease->holder, NULL);
    case LEASE_DEPENDENT:
        return FACT(WAKE_DEPENDENT, .subject = lease->subject);
    case LEASE_STREAM:
        if (lease->subject != MODEL_NONE)
            return FACT(WAKE_STREAM, .subject = lease->subject);
        break;
    case LEASE_AGENT:
        break;
    }
    return fact_with(FACT(WAKE_AGENT),
                     strcmp(lease->holder, AGENT_WORDS) == 0 ? NULL : lease->holder, NULL);
}

const char *lease_holder(const struct lease *lease, const struct model *model, int server)
{
    switch (lease->kind) {
    case LEASE_VISIT:
        return model->sites[lease->subject].id;
    case LEASE_STREAM:
        return lease->subject == MODEL_NONE ? lease->holder : model->sites[lease->subject].id;
    case LEASE_SCHEDULE:
        return model->domains[lease->subject].name;
    case LEASE_ALWAYS_ON:
        return lease->subject == MODEL_NONE ? model->servers[server].id
                                            : model->domains[lease->subject].name;
    case LEASE_DEPENDENT:
        return model->servers[lease->subject].id;
    case LEASE_MANUAL:
    case LEASE_HOLD:
    case LEASE_AGENT:
        break;
    }
    return lease->holder;
}
