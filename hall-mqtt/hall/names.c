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
    struct in6_addr addresses[NAME_ADDRESSES_MAX];
    size_t n_cut; /* addresses for which there is no room */
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

static struct in6_addr read_address(const struct addrinfo *found)
{
    struct sockaddr_in6 six = {.sin6_addr.s6_addr = {[10] = 0xff, [11] = 0xff}};
    struct sockaddr_in four;

    if (found->ai_family == AF_INET6) {
        memcpy(&six, found->ai_addr, sizeof(six));
    } else {
        memcpy(&four, found->ai_addr, sizeof(four));
        memcpy(&six.sin6_addr.s6_addr[12], &four.sin_addr, sizeof(four.sin_addr));
    }
    return six.sin6_addr;
}

static void look_up(struct name *name)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    name->n = name->n_cut = 0;
    name->unknown = getaddrinfo(name->host, NULL, &hints, &found) != 0;
    if (name->unknown)
        return;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        if (name->n < NAME_ADDRESSES_MAX)
            name->addresses[name->n++] = read_address(at);
        else
            name->n_cut++;
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

/* Once, as long as it is so. */
static void tell(const struct names *names, const struct name *now, const struct name *before)
{
    const char *site = names->model->sites[now->site].id;

    if (now->unknown && !before->unknown)
        log_warning("the upstream %s of %s has no address: open connections are looked "
                    "for at its server's address alone",
                    now->host, site);
    if (now->n_cut > 0 && before->n_cut == 0)
        log_warning("the upstream %s of %s has %zu addresses: open connections are looked for at "
                    "%d of them alone; give its server's address as the upstream, or a name that "
                    "leads to fewer",
                    now->host, site, now->n + now->n_cut, NAME_ADDRESSES_MAX);
}

static void done(void *context, void *data)
{
    struct names *names = context;
    struct lookup *found = data;

    for (size_t i = 0; i < found->n; i++)
        tell(names, &found->names[i], &names->known->names[i]);
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
                       struct in6_addr ret_addresses[static NAME_ADDRESSES_MAX])
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
