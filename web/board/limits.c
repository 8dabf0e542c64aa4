#include "web/board/limits.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"

/* What is used up. */
enum share { SHARE_MINUTES, SHARE_WAKES };
enum { SHARES = 2, REACH = 16 }; /* a client is looked for in so many neighbouring slots */

struct site_limit {
    _Atomic int64_t closed_until;
    _Atomic int64_t until[SHARES]; /* of the project; 0: not used up */
};

struct client_limit {
    int domain;
    struct address address;
    int64_t until[SHARES]; /* both 0: free */
};

struct limits {
    const struct model *model;
    atomic_bool any;
    struct site_limit *sites;
    _Atomic int64_t clients_until; /* the latest end of all clients' limits; 0: there are none */
    pthread_mutex_t lock;          /* of clients */
    struct client_limit clients[LIMITS_CLIENTS_MAX];
};

int limits_create(const struct model *model, struct limits **ret_limits)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    if (!limits)
        return -ENOMEM;
    limits->sites = calloc(model->n_sites + 1, sizeof(*limits->sites));
    if (!limits->sites) {
        free(limits);
        return -ENOMEM;
    }
    limits->model = model;
    pthread_mutex_init(&limits->lock, NULL);
    *ret_limits = limits;
    return 0;
}

void limits_destroy(struct limits *limits)
{
    if (!limits)
        return;
    pthread_mutex_destroy(&limits->lock);
    free(limits->sites);
    free(limits);
}

/* ---- Clients ---- */

static size_t slot_at(int domain, struct address address, size_t step)
{
    const uint64_t begun = hash_add(HASH_START, &domain, sizeof(domain));
    return (hash_add(begun, address.bytes, sizeof(address.bytes)) + step) % LIMITS_CLIENTS_MAX;
}

static int64_t end_of(const struct client_limit *client)
{
    return client->until[0] > client->until[1] ? client->until[0] : client->until[1];
}

static struct client_limit *find_client(struct limits *limits, int domain, struct address address)
{
    for (size_t i = 0; i < REACH; i++) {
        struct client_limit *client = &limits->clients[slot_at(domain, address, i)];
        if (end_of(client) != 0 && client->domain == domain &&
            address_equal(client->address, address))
            return client;
    }
    return NULL;
}

/* A free or ended place, else that of the limit which ends first. */
static struct client_limit *make_client(struct limits *limits, int domain, struct address address)
{
    struct client_limit *best = &limits->clients[slot_at(domain, address, 0)];
    for (size_t i = 1; i < REACH; i++) {
        struct client_limit *client = &limits->clients[slot_at(domain, address, i)];
        if (end_of(client) < end_of(best))
            best = client;
    }
    *best = (struct client_limit){.domain = domain, .address = address};
    return best;
}

static bool limit_client(struct limits *limits, int domain, struct address address,
                         enum share share, int64_t until)
{
    pthread_mutex_lock(&limits->lock);
    struct client_limit *client = find_client(limits, domain, address);
    if (!client)
        client = make_client(limits, domain, address);
    bool news = client->until[share] != until;
    client->until[share] = until;
    pthread_mutex_unlock(&limits->lock);
    if (until > atomic_load(&limits->clients_until))
        atomic_store(&limits->clients_until, until);
    return news;
}

/* Once the last limit of all is over, no reader takes the lock any more. */
static bool any_client(struct limits *limits, int64_t now)
{
    int64_t until = atomic_load(&limits->clients_until);
    if (until > now)
        return true;
    if (until != 0)
        atomic_compare_exchange_strong(&limits->clients_until, &until, 0);
    return false;
}

static void read_client(struct limits *limits, int domain, struct address address, int64_t now,
                        int64_t ret_until[SHARES])
{
    if (!any_client(limits, now))
        return;
    pthread_mutex_lock(&limits->lock);
    const struct client_limit *client = find_client(limits, domain, address);
    for (int share = 0; client && share < SHARES; share++)
        ret_until[share] = client->until[share];
    pthread_mutex_unlock(&limits->lock);
}

/* ---- Told by the loop ---- */

bool limits_close(struct limits *limits, int site, int64_t until)
{
    bool news = atomic_exchange(&limits->sites[site].closed_until, until) != until;
    if (until != 0)
        atomic_store(&limits->any, true);
    return news;
}

static bool limit_project(struct limits *limits, int site, enum share share, int64_t until)
{
    return atomic_exchange(&limits->sites[site].until[share], until) != until;
}

bool limits_add(struct limits *limits, int site, struct address address, struct guard guard,
                int64_t now)
{
    const int domain = limits->model->sites[site].domain;
    if (guard.until <= now)
        return false;
    atomic_store(&limits->any, true);
    switch (guard.kind) {
    case GUARD_CLIENT_WAKES:
        return limit_client(limits, domain, address, SHARE_WAKES, guard.until);
    case GUARD_CLIENT_MINUTES:
        return limit_client(limits, domain, address, SHARE_MINUTES, guard.until);
    case GUARD_PROJECT_WAKES:
        return limit_project(limits, site, SHARE_WAKES, guard.until);
    case GUARD_PROJECT_MINUTES:
        return limit_project(limits, site, SHARE_MINUTES, guard.until);
    case GUARD_WINDOW:
        return limits_close(limits, site, guard.until);
    case GUARD_NONE:
    case GUARD_MIN_DOWN:
    case GUARD_WAKES_PER_HOUR:
        return false;
    }
    return false;
}

void limits_forget_day(struct limits *limits)
{
    for (size_t i = 0; i < limits->model->n_sites; i++)
        for (int share = 0; share < SHARES; share++)
            atomic_store(&limits->sites[i].until[share], 0);
    pthread_mutex_lock(&limits->lock);
    memset(limits->clients, 0, sizeof(limits->clients));
    pthread_mutex_unlock(&limits->lock);
}

/* ---- Asked by the workers ---- */

bool limits_any(const struct limits *limits)
{
    return atomic_load_explicit(&limits->any, memory_order_acquire);
}

bool limits_refuse(struct limits *limits, int site, struct address address, bool wakes, int64_t now,
                   struct guard *ret_guard)
{
    const struct site_limit *of_site = &limits->sites[site];
    int64_t client[SHARES] = {0};

    read_client(limits, limits->model->sites[site].domain, address, now, client);
    const struct guard guards[] = {
        {GUARD_WINDOW, atomic_load(&of_site->closed_until)},
        {GUARD_CLIENT_MINUTES, client[SHARE_MINUTES]},
        {GUARD_PROJECT_MINUTES, atomic_load(&of_site->until[SHARE_MINUTES])},
        {GUARD_CLIENT_WAKES, wakes ? client[SHARE_WAKES] : 0},
        {GUARD_PROJECT_WAKES, wakes ? atomic_load(&of_site->until[SHARE_WAKES]) : 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
        if (guards[i].until > now) {
            *ret_guard = guards[i];
            return true;
        }
    }
    return false;
}
