#include "hall/names.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mqtt/offload.h"

enum { NAME_SIZE = 256, FRESH_MS = 60000 };

struct name {
    int site;
    char host[NAME_SIZE];
    size_t n;
    struct in_addr addresses[NAME_ADDRESSES_MAX];
    bool unknown; /* it led nowhere */
};

/* What a look-up takes along and brings back: the sites whose upstream has a name, in order. */
struct lookup {
    size_t n;
    struct name names[];
};

struct names {
    sd_event *loop;
    const struct model *model;
    struct lookup *known;
    struct offload *under_way;
    bool ended;     /* a look-up has, and nobody heard of it */
    int64_t looked; /* boot clock, ms: when the last one began; 0: none */
};

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
        look_up(&lookup->names[i]);
}

/* ---- on the loop ---- */

static void done(void *context, void *data)
{
    struct names *names = context;
    struct lookup *found = data;

    for (size_t i = 0; i < found->n; i++)
        if (found->names[i].unknown && !names->known->names[i].unknown)
            log_warning("the upstream %s of %s has no IPv4 address: open connections are looked "
                        "for at its server's address alone",
                        found->names[i].host, names->model->sites[found->names[i].site].id);
    free(names->known);
    names->known = found;
    names->under_way = NULL;
    names->ended = true;
}

static const struct offload_task task = {.run = run, .done = done, .drop = free};

bool names_refresh(struct names *names, int64_t now)
{
    const bool ended = names->ended;

    names->ended = false;
    if (names->known->n == 0 || names->under_way ||
        (names->looked > 0 && now - names->looked < FRESH_MS))
        return ended;
    const size_t size = sizeof(*names->known) + names->known->n * sizeof(names->known->names[0]);
    struct lookup *lookup = malloc(size);

    if (lookup)
        memcpy(lookup, names->known, size);
    names->looked = now;
    if (!lookup || offload_start(names->loop, &task, lookup, names, &names->under_way) < 0)
        free(lookup);
    return ended;
}

static int compare_sites(const void *a, const void *b)
{
    return ((const struct name *)a)->site - ((const struct name *)b)->site;
}

size_t names_addresses(const struct names *names, int site,
                       struct in_addr ret_addresses[static NAME_ADDRESSES_MAX])
{
    const struct name wanted = {.site = site};
    const struct name *name =
        bsearch(&wanted, names->known->names, names->known->n, sizeof(wanted), compare_sites);

    if (!name)
        return 0;
    memcpy(ret_addresses, name->addresses, name->n * sizeof(name->addresses[0]));
    return name->n;
}

size_t names_count(const struct names *names)
{
    return names->known->n;
}

static bool has_name(const struct model *model, int site, struct model_upstream *ret_upstream)
{
    return model_upstream(model, site, ret_upstream) && !ret_upstream->is_address &&
           ret_upstream->host_length < NAME_SIZE;
}

/* NULL: no memory. */
static struct lookup *list_names(const struct model *model)
{
    struct model_upstream upstream;
    size_t n = 0;

    for (size_t i = 0; i < model->n_sites; i++)
        n += has_name(model, (int)i, &upstream);
    struct lookup *lookup = calloc(1, sizeof(*lookup) + n * sizeof(lookup->names[0]));

    for (size_t i = 0; lookup && i < model->n_sites; i++) {
        if (!has_name(model, (int)i, &upstream))
            continue;
        struct name *name = &lookup->names[lookup->n++];

        name->site = (int)i;
        memcpy(name->host, upstream.host, upstream.host_length);
    }
    return lookup;
}

int names_create(sd_event *loop, const struct model *model, struct names **ret_names)
{
    struct names *names = calloc(1, sizeof(*names));

    if (names)
        names->known = list_names(model);
    if (!names || !names->known) {
        free(names);
        return -ENOMEM;
    }
    names->loop = loop;
    names->model = model;
    *ret_names = names;
    return 0;
}

void names_destroy(struct names *names)
{
    if (!names)
        return;
    offload_drop(names->under_way);
    free(names->known);
    free(names);
}
