#include "bridges/agent/watch/guests.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "bridges/agent/watch/link.h"
#include "bridges/agent/watch/proc.h"
#include "loop/netlink.h"

enum { BRIDGES_MAX = 256, NETWORKS_MAX = 256, ROUTES_SIZE = 65536 };

struct network {
    struct in6_addr address;
    unsigned prefix; /* bits, of 128 */
};

struct guests {
    struct netlink *netlink;
    char outside[IF_NAMESIZE]; /* the interface of the default route */
    size_t n_bridges, n_real, n_networks;
    int bridges[BRIDGES_MAX];
    int real[BRIDGES_MAX]; /* bridges with a port that may lead outside */
    struct network networks[NETWORKS_MAX];
};

/* ---- bridges ---- */

static bool has(const int *list, size_t n, int index)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == index)
            return true;
    return false;
}

static void add(int *list, size_t *n, int index)
{
    if (*n < BRIDGES_MAX && !has(list, *n, index))
        list[(*n)++] = index;
}

static bool take_link(void *context, uint16_t type, const void *body, size_t size)
{
    struct guests *guests = context;
    struct link link;
    if (!link_read(type, body, size, &link))
        return true;
    if (strcmp(link.kind, "bridge") == 0 && strcmp(link.name, guests->outside) != 0)
        add(guests->bridges, &guests->n_bridges, link.index);
    if (link.master != 0 && strcmp(link.kind, "veth") != 0 && strcmp(link.kind, "tun") != 0)
        add(guests->real, &guests->n_real, link.master);
    return true;
}

/* ---- their networks ---- */

static bool is_inside(const struct guests *guests, int index)
{
    return has(guests->bridges, guests->n_bridges, index) &&
           !has(guests->real, guests->n_real, index);
}

static bool take_address(void *context, uint16_t type, const void *body, size_t size)
{
    struct guests *guests = context;
    struct ifaddrmsg address;
    size_t length = 0;
    if (type != RTM_NEWADDR || size < sizeof(address) || guests->n_networks == NETWORKS_MAX)
        return true;
    memcpy(&address, body, sizeof(address));
    const bool v4 = address.ifa_family == AF_INET;
    const size_t bytes = v4 ? 4 : 16;
    const void *found = netlink_attribute((const char *)body + sizeof(address),
                                          size - sizeof(address), IFA_ADDRESS, bytes, &length);
    if (!found || !is_inside(guests, (int)address.ifa_index) || address.ifa_prefixlen > bytes * 8)
        return true;
    struct network *network = &guests->networks[guests->n_networks++];
    *network = (struct network){.address = {.s6_addr = {[10] = 0xff, [11] = 0xff}},
                                .prefix = address.ifa_prefixlen + (v4 ? 96U : 0U)};
    memcpy(&network->address.s6_addr[16 - bytes], found, bytes);
    return true;
}

static bool is_in(const struct network *network, const struct in6_addr *address)
{
    const unsigned whole = network->prefix / 8, rest = network->prefix % 8;
    if (memcmp(&network->address, address, whole) != 0)
        return false;
    return rest == 0 ||
           (network->address.s6_addr[whole] ^ address->s6_addr[whole]) >> (8 - rest) == 0;
}

bool guests_have(const struct guests *guests, const struct in6_addr *address)
{
    for (size_t i = 0; i < guests->n_networks; i++)
        if (is_in(&guests->networks[i], address))
            return true;
    return false;
}

/* ---- looking ---- */

void guests_look(struct guests *guests)
{
    struct {
        struct nlmsghdr header;
        struct rtgenmsg body;
    } request = {.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK},
                 .body = {.rtgen_family = AF_UNSPEC}};
    char routes[ROUTES_SIZE];
    guests->n_bridges = guests->n_real = guests->n_networks = 0;
    if (!proc_load("/proc/net/route", routes, sizeof(routes)) ||
        !proc_read_default_interface(routes, guests->outside) ||
        netlink_dump(guests->netlink, &request.header, take_link, guests) < 0 ||
        guests->n_bridges == 0)
        return;
    request.header.nlmsg_type = RTM_GETADDR;
    if (netlink_dump(guests->netlink, &request.header, take_address, guests) < 0)
        guests->n_networks = 0;
}

int guests_create(struct guests **ret_guests)
{
    struct guests *guests = calloc(1, sizeof(*guests));
    const int error = guests ? netlink_create(NETLINK_ROUTE, &guests->netlink) : -ENOMEM;
    if (error < 0) {
        free(guests);
        return error;
    }
    *ret_guests = guests;
    return 0;
}

void guests_destroy(struct guests *guests)
{
    if (guests)
        netlink_destroy(guests->netlink);
    free(guests);
}
