#include "probe/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "loop/netlink.h"

enum { ENTRIES_MAX = 65536 }; /* of a listing: more than any kernel keeps */

static const unsigned states_with_mac =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

struct neighbours {
    struct netlink *netlink;
};

/* A request about one IPv4 address: the family's header, then the address as its attribute. */
struct request {
    struct nlmsghdr header;
    union {
        struct rtmsg route;
        struct ndmsg neighbour;
    } body; /* both 12 bytes */
    struct nlattr attribute;
    struct in_addr address;
};
_Static_assert(sizeof(struct rtmsg) == sizeof(struct ndmsg), "one layout serves both requests");

static bool copy(const void *attributes, size_t left, uint16_t type, void *ret, size_t size)
{
    size_t found_size = 0;
    const void *found = netlink_attribute(attributes, left, type, size, &found_size);
    if (!found || found_size != size)
        return false;
    memcpy(ret, found, size);
    return true;
}

/* ---- one of them ---- */

/* context: int, the interface on whose link the address is. */
static bool take_route(void *context, uint16_t type, const void *body, size_t size)
{
    struct rtmsg route;
    size_t gateway = 0;
    if (type != RTM_NEWROUTE || size < sizeof(route))
        return true;
    memcpy(&route, body, sizeof(route));
    const char *rest = (const char *)body + sizeof(route);
    const size_t left = size - sizeof(route);
    if (route.rtm_type == RTN_UNICAST && !netlink_attribute(rest, left, RTA_GATEWAY, 1, &gateway))
        (void)copy(rest, left, RTA_OIF, context, sizeof(int));
    return false;
}

int neighbours_link(struct neighbours *neighbours, struct in_addr address)
{
    struct request request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETROUTE},
        .body.route = {.rtm_family = AF_INET, .rtm_dst_len = 32},
        .attribute = {.nla_len = sizeof(struct nlattr) + sizeof(address), .nla_type = RTA_DST},
        .address = address,
    };
    int interface = 0;
    (void)netlink_ask(neighbours->netlink, &request.header, take_route, &interface);
    return interface;
}

bool neighbour_read(uint16_t type, const void *body, size_t size, struct neighbour *ret)
{
    struct ndmsg message;
    if (type != RTM_NEWNEIGH || size < sizeof(message))
        return false;
    memcpy(&message, body, sizeof(message));
    const char *rest = (const char *)body + sizeof(message);
    const size_t left = size - sizeof(message);
    *ret = (struct neighbour){.interface = message.ndm_ifindex,
                              .fresh = message.ndm_state & (NUD_REACHABLE | NUD_PERMANENT)};
    return message.ndm_family == AF_INET && (message.ndm_state & states_with_mac) &&
           copy(rest, left, NDA_DST, &ret->address, sizeof(ret->address)) &&
           copy(rest, left, NDA_LLADDR, ret->mac, MAC_SIZE);
}

static bool take_one(void *context, uint16_t type, const void *body, size_t size)
{
    struct neighbour *one = context, found;
    if (neighbour_read(type, body, size, &found))
        *one = found;
    return false;
}

static bool mac_on_link(struct neighbours *neighbours, struct in_addr address, int interface,
                        uint8_t ret_mac[MAC_SIZE])
{
    struct request request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETNEIGH},
        .body.neighbour = {.ndm_family = AF_INET, .ndm_ifindex = interface},
        .attribute = {.nla_len = sizeof(struct nlattr) + sizeof(address), .nla_type = NDA_DST},
        .address = address,
    };
    struct neighbour found = {0};
    (void)netlink_ask(neighbours->netlink, &request.header, take_one, &found);
    memcpy(ret_mac, found.mac, MAC_SIZE);
    return found.interface != 0;
}

enum mac_verdict neighbours_look(struct neighbours *neighbours, struct in_addr address,
                                 const uint8_t mac[6], uint8_t ret_mac[6])
{
    memset(ret_mac, 0, MAC_SIZE);
    int interface = neighbours ? neighbours_link(neighbours, address) : 0;
    if (!interface || !mac_on_link(neighbours, address, interface, ret_mac))
        return MAC_UNKNOWN;
    return memcmp(mac, ret_mac, MAC_SIZE) == 0 ? MAC_MATCH : MAC_OTHER;
}

/* ---- the whole table ---- */

struct listing {
    struct neighbour *out;
    size_t size;
    int n;
};

static bool take_listed(void *context, uint16_t type, const void *body, size_t size)
{
    struct listing *listing = context;
    struct neighbour found;
    if (!neighbour_read(type, body, size, &found))
        return true;
    if ((size_t)listing->n < listing->size)
        listing->out[listing->n] = found;
    listing->n++;
    return listing->n < ENTRIES_MAX;
}

int neighbours_list(struct neighbours *neighbours, struct neighbour *out, size_t size)
{
    struct listing listing = {.out = out, .size = size};
    struct {
        struct nlmsghdr header;
        struct ndmsg body;
    } request = {.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETNEIGH},
                 .body = {.ndm_family = AF_INET}};
    const int error = netlink_dump(neighbours->netlink, &request.header, take_listed, &listing);
    return error < 0 ? error : listing.n;
}

/* ---- life ---- */

int neighbours_create(struct neighbours **ret_neighbours)
{
    struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
    const int error = neighbours ? netlink_create(NETLINK_ROUTE, &neighbours->netlink) : -ENOMEM;
    if (error < 0) {
        free(neighbours);
        return error;
    }
    *ret_neighbours = neighbours;
    return 0;
}

void neighbours_destroy(struct neighbours *neighbours)
{
    if (neighbours)
        netlink_destroy(neighbours->netlink);
    free(neighbours);
}
