#include "hall/upstreams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hall/names.h"

struct place {
    struct in6_addr address;
    uint16_t port;
    bool named; /* a name leads here; else an upstream is configured here */
    struct stream_peer peer;
};

struct upstreams {
    const struct model *model;
    struct names *names;
    size_t n, n_ports;
    struct place *places; /* sorted, each address and port once */
    uint16_t *ports;
};

bool upstreams_peer(const struct model *model, int site, struct stream_peer *ret_peer)
{
    struct model_upstream upstream;

    if (!model_upstream(model, site, &upstream))
        return false;
    *ret_peer = (struct stream_peer){.address = upstream.address, .port = upstream.port};
    if (!upstream.is_address)
        ret_peer->address = model->servers[model->sites[site].server].address;
    return true;
}

/* ---- the table ---- */

static struct in6_addr mapped(struct in_addr address)
{
    struct in6_addr long_one = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(&long_one.s6_addr[12], &address, sizeof(address));
    return long_one;
}

static int compare_where(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->port != y->port ? (int)x->port - (int)y->port
                              : memcmp(&x->address, &y->address, sizeof(x->address));
}

/* What is configured at an address comes before what a name leads there. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int where = compare_where(a, b);

    return where != 0 ? where : (int)x->named - (int)y->named;
}

void upstreams_begin(struct upstreams *upstreams)
{
    upstreams->n = upstreams->n_ports = 0;
}

void upstreams_add(struct upstreams *upstreams, int site)
{
    struct in6_addr addresses[NAME_ADDRESSES_MAX];
    struct stream_peer peer;

    if (!upstreams_peer(upstreams->model, site, &peer))
        return;
    upstreams->places[upstreams->n++] =
        (struct place){.address = mapped(peer.address), .port = peer.port, .peer = peer};
    for (size_t n = names_addresses(upstreams->names, site, addresses); n > 0; n--)
        upstreams->places[upstreams->n++] = (struct place){
            .address = addresses[n - 1], .port = peer.port, .named = true, .peer = peer};
}

void upstreams_end(struct upstreams *upstreams)
{
    struct place *places = upstreams->places;
    const size_t n = upstreams->n;

    qsort(places, n, sizeof(places[0]), compare_places);
    upstreams->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (upstreams->n > 0 && compare_where(&places[i], &places[upstreams->n - 1]) == 0)
            continue;
        if (upstreams->n == 0 || places[i].port != places[upstreams->n - 1].port)
            upstreams->ports[upstreams->n_ports++] = places[i].port;
        places[upstreams->n++] = places[i];
    }
}

size_t upstreams_ports(const struct upstreams *upstreams, const uint16_t **ret_ports)
{
    *ret_ports = upstreams->ports;
    return upstreams->n_ports;
}

const struct stream_peer *upstreams_find(const struct upstreams *upstreams,
                                         const struct in6_addr *address, uint16_t port)
{
    const struct place wanted = {.address = *address, .port = port};
    const struct place *found = bsearch(&wanted, upstreams->places, upstreams->n,
                                        sizeof(upstreams->places[0]), compare_where);

    return found ? &found->peer : NULL;
}

/* ---- life ---- */

bool upstreams_refresh(struct upstreams *upstreams, int64_t now)
{
    return names_refresh(upstreams->names, now);
}

int upstreams_create(sd_event *loop, const struct model *model, struct upstreams **ret_upstreams)
{
    struct upstreams *upstreams = calloc(1, sizeof(*upstreams));
    int error = upstreams ? names_create(loop, model, &upstreams->names) : -ENOMEM;

    if (error == 0) {
        const size_t most = model->n_sites + NAME_ADDRESSES_MAX * names_count(upstreams->names) + 1;

        upstreams->model = model;
        upstreams->places = calloc(most, sizeof(upstreams->places[0]));
        upstreams->ports = calloc(most, sizeof(upstreams->ports[0]));
        error = upstreams->places && upstreams->ports ? 0 : -ENOMEM;
    }
    if (error < 0) {
        upstreams_destroy(upstreams);
        return error;
    }
    *ret_upstreams = upstreams;
    return 0;
}

void upstreams_destroy(struct upstreams *upstreams)
{
    if (!upstreams)
        return;
    names_destroy(upstreams->names);
    free(upstreams->places);
    free(upstreams->ports);
    free(upstreams);
}
