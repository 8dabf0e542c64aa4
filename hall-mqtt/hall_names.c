/* Where upstreams are that the configuration gives a name: a proxy connects to what the name leads
 * to, which need not be the address of the server. Names are looked up on a thread, since that can
 * block, and again every minute while a server is up. */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/offload.h"
#include "hall_internal.h"

enum { NAME_SIZE = 256, FRESH_MS = 60000 };

struct name {
    char host[NAME_SIZE]; /* "": the site has an address, or nothing */
    size_t n;
    struct in_addr addresses[NAME_ADDRESSES_MAX];
    bool unknown; /* it led nowhere */
};

/* What a look-up takes along and brings back: one name for each site. */
struct lookup {
    size_t n;
    struct name names[];
};

struct hall_names {
    sd_event *loop;
    const struct model *model;
    struct lookup *known;
    struct offload *under_way;
    bool any;       /* some upstream has a name */
    bool ended;     /* a look-up has, and nobody heard of it */
    int64_t looked; /* boot clock, ms: when the last one began; 0: none */
};

static struct lookup *copy(const struct lookup *from)
{
    const size_t size = sizeof(*from) + from->n * sizeof(from->names[0]);
    struct lookup *to = malloc(size);

    if (to)
        memcpy(to, from, size);
    return to;
}

/* ---- on the thread ---- */

static void look_up(struct name *name)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    name->n = 0;
    name->unknown = getaddrinfo(name->host, NULL, &hints, &found) != 0;
    if (name->unknown)
        return;
    for (const struct addrinfo *at = found; at && name->n < NAME_ADDRESSES_MAX; at = at->ai_next) {
        struct sockaddr_in address;

        memcpy(&address, at->ai_addr, sizeof(address));
        name->addresses[name->n++] = address.sin_addr;
    }
    freeaddrinfo(found);
}

static void run(void *data)
{
    struct lookup *lookup = data;

    for (size_t i = 0; i < lookup->n; i++)
        if (lookup->names[i].host[0])
            look_up(&lookup->names[i]);
}

/* ---- on the loop ---- */

static void done(void *context, void *data)
{
    struct hall_names *names = context;
    struct lookup *found = data;

    for (size_t i = 0; i < found->n; i++)
        if (found->names[i].unknown && !names->known->names[i].unknown)
            log_warning("the upstream %s of %s has no IPv4 address: open connections are looked "
                        "for at its server's address alone",
                        found->names[i].host, names->model->sites[i].id);
    free(names->known);
    names->known = found;
    names->under_way = NULL;
    names->ended = true;
}

static const struct offload_task task = {.run = run, .done = done, .drop = free};

bool hall_names_refresh(struct hall_names *names, int64_t now)
{
    const bool ended = names->ended;

    names->ended = false;
    if (!names->any || names->under_way || (names->looked > 0 && now - names->looked < FRESH_MS))
        return ended;
    struct lookup *lookup = copy(names->known);

    names->looked = now;
    if (!lookup || offload_start(names->loop, &task, lookup, names, &names->under_way) < 0)
        free(lookup);
    return ended;
}

size_t hall_names_addresses(const struct hall_names *names, int site,
                            struct in_addr ret_addresses[static NAME_ADDRESSES_MAX])
{
    const struct name *name = &names->known->names[site];

    memcpy(ret_addresses, name->addresses, name->n * sizeof(name->addresses[0]));
    return name->n;
}

static bool read_name(const struct model *model, int site, struct name *name)
{
    struct model_upstream upstream;

    if (!model_upstream(model, site, &upstream) || upstream.is_address ||
        upstream.host_length >= NAME_SIZE)
        return false;
    memcpy(name->host, upstream.host, upstream.host_length);
    return true;
}

int hall_names_create(sd_event *loop, const struct model *model, struct hall_names **ret_names)
{
    struct hall_names *names = calloc(1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    names->loop = loop;
    names->model = model;
    names->known = calloc(1, sizeof(*names->known) + model->n_sites * sizeof(struct name));
    if (!names->known) {
        free(names);
        return -ENOMEM;
    }
    names->known->n = model->n_sites;
    for (size_t i = 0; i < model->n_sites; i++)
        names->any |= read_name(model, (int)i, &names->known->names[i]);
    *ret_names = names;
    return 0;
}

void hall_names_destroy(struct hall_names *names)
{
    if (!names)
        return;
    offload_drop(names->under_way);
    free(names->known);
    free(names);
}
