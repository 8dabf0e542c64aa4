#include "probe/neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_SIZE = 8192, /* what rtnetlink(7) fills at most for one object */
    ANSWERS_MAX = 8,    /* left over from a request that failed half-way */
    MAC_SIZE = 6,
    ENTRIES_MAX = 65536, /* of a listing: more than any kernel keeps */
};

static const unsigned states_with_mac =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

struct neighbours {
    int fd;
    uint32_t sequence;
};

/* A request about one IPv4 address: the family's header, then the address as its attribute. */
struct request {
    struct nlmsghdr header;
    union {
        struct rtmsg route;
        struct ndmsg neighbour;
    } body; /* both 12 bytes */
    struct rtattr attribute;
    struct in_addr address;
};
_Static_assert(sizeof(struct rtmsg) == sizeof(struct ndmsg), "one layout serves both requests");

union answer {
    struct nlmsghdr header;
    char bytes[ANSWER_SIZE];
};

enum { ATTRIBUTES = 16 };

/* The attributes of interest, by type; what is absent is NULL. */
struct attributes {
    const struct rtattr *at[ATTRIBUTES];
};

static void read_attributes(const struct rtattr *first, size_t size, struct attributes *ret)
{
    *ret = (struct attributes){0};
    for (const struct rtattr *a = first; size >= sizeof(*a);) {
        if (a->rta_len < sizeof(*a) || a->rta_len > size)
            return;
        if (a->rta_type < ATTRIBUTES)
            ret->at[a->rta_type] = a;
        size_t step = RTA_ALIGN((size_t)a->rta_len);
        size -= step < size ? step : size;
        a = (const void *)((const char *)a + step);
    }
}

static bool attribute_copy(const struct attributes *attributes, unsigned type, void *ret,
                           size_t size)
{
    const struct rtattr *a = attributes->at[type];
    if (!a || RTA_PAYLOAD(a) != size)
        return false;
    memcpy(ret, RTA_DATA(a), size);
    return true;
}

static int receive(const struct neighbours *neighbours, uint32_t sequence, union answer *answer)
{
    for (int i = 0; i < ANSWERS_MAX; i++) {
        struct sockaddr_nl from = {0};
        socklen_t from_size = sizeof(from);
        ssize_t size = recvfrom(neighbours->fd, answer, sizeof(*answer), MSG_DONTWAIT,
                                (struct sockaddr *)&from, &from_size);
        if (size < 0)
            return -errno;
        if (from.nl_pid == 0 && NLMSG_OK(&answer->header, (size_t)size) &&
            answer->header.nlmsg_seq == sequence)
            return 0;
    }
    return -EAGAIN;
}

/* Asks and reads the answer; ret_body is borrowed from answer. */
static int ask(struct neighbours *neighbours, struct request *request, uint16_t answer_type,
               union answer *answer, void *ret_body, size_t body_size,
               struct attributes *ret_attributes)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    request->header.nlmsg_len = sizeof(*request);
    request->header.nlmsg_flags = NLM_F_REQUEST;
    request->header.nlmsg_seq = ++neighbours->sequence;
    if (sendto(neighbours->fd, request, sizeof(*request), MSG_DONTWAIT,
               (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    int r = receive(neighbours, request->header.nlmsg_seq, answer);
    if (r < 0)
        return r;
    const struct nlmsghdr *header = &answer->header;
    if (header->nlmsg_type != answer_type || header->nlmsg_len < NLMSG_SPACE(body_size))
        return -ENOENT;
    memcpy(ret_body, NLMSG_DATA(header), body_size);
    read_attributes((const void *)((const char *)header + NLMSG_SPACE(body_size)),
                    header->nlmsg_len - NLMSG_SPACE(body_size), ret_attributes);
    return 0;
}

/* The interface on whose link the address is; 0 behind a router, for our own address, or without a
 * route. */
static int link_of(struct neighbours *neighbours, struct in_addr address)
{
    struct request request = {
        .header.nlmsg_type = RTM_GETROUTE,
        .body.route = {.rtm_family = AF_INET, .rtm_dst_len = 32},
        .attribute = {.rta_len = RTA_LENGTH(sizeof(address)), .rta_type = RTA_DST},
        .address = address,
    };
    union answer answer;
    struct rtmsg route = {0};
    struct attributes attributes = {0};
    int interface = 0;
    if (ask(neighbours, &request, RTM_NEWROUTE, &answer, &route, sizeof(route), &attributes) < 0 ||
        route.rtm_type != RTN_UNICAST || attributes.at[RTA_GATEWAY])
        return 0;
    return attribute_copy(&attributes, RTA_OIF, &interface, sizeof(interface)) ? interface : 0;
}

static bool mac_on_link(struct neighbours *neighbours, struct in_addr address, int interface,
                        uint8_t ret_mac[MAC_SIZE])
{
    struct request request = {
        .header.nlmsg_type = RTM_GETNEIGH,
        .body.neighbour = {.ndm_family = AF_INET, .ndm_ifindex = interface},
        .attribute = {.rta_len = RTA_LENGTH(sizeof(address)), .rta_type = NDA_DST},
        .address = address,
    };
    union answer answer;
    struct ndmsg neighbour = {0};
    struct attributes attributes = {0};
    if (ask(neighbours, &request, RTM_NEWNEIGH, &answer, &neighbour, sizeof(neighbour),
            &attributes) < 0 ||
        !(neighbour.ndm_state & states_with_mac))
        return false;
    return attribute_copy(&attributes, NDA_LLADDR, ret_mac, MAC_SIZE);
}

enum mac_verdict neighbours_look(struct neighbours *neighbours, struct in_addr address,
                                 const uint8_t mac[6], uint8_t ret_mac[6])
{
    memset(ret_mac, 0, MAC_SIZE);
    int interface = neighbours ? link_of(neighbours, address) : 0;
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

static bool read_neighbour(const struct nlmsghdr *header, struct neighbour *ret)
{
    struct ndmsg message;
    struct attributes attributes = {0};
    if (header->nlmsg_type != RTM_NEWNEIGH || header->nlmsg_len < NLMSG_SPACE(sizeof(message)))
        return false;
    memcpy(&message, NLMSG_DATA(header), sizeof(message));
    read_attributes((const void *)((const char *)header + NLMSG_SPACE(sizeof(message))),
                    header->nlmsg_len - NLMSG_SPACE(sizeof(message)), &attributes);
    *ret = (struct neighbour){.interface = message.ndm_ifindex,
                              .fresh = message.ndm_state & (NUD_REACHABLE | NUD_PERMANENT)};
    return message.ndm_family == AF_INET && (message.ndm_state & states_with_mac) &&
           attribute_copy(&attributes, NDA_DST, &ret->address, sizeof(ret->address)) &&
           attribute_copy(&attributes, NDA_LLADDR, ret->mac, MAC_SIZE);
}

/* False when this was the last message. */
static bool take_listed(struct listing *listing, const struct nlmsghdr *header)
{
    struct neighbour found;
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
        return false;
    if (!read_neighbour(header, &found))
        return true;
    if ((size_t)listing->n < listing->size)
        listing->out[listing->n] = found;
    listing->n++;
    return listing->n < ENTRIES_MAX;
}

/* One datagram has several messages. False: the listing is at its end. */
static bool take_datagram(struct listing *listing, const char *bytes, size_t left)
{
    const struct nlmsghdr *header = (const void *)bytes;
    while (left >= sizeof(*header) && header->nlmsg_len >= sizeof(*header) &&
           header->nlmsg_len <= left) {
        if (!take_listed(listing, header))
            return false;
        const size_t step = NLMSG_ALIGN((size_t)header->nlmsg_len);
        left -= step < left ? step : left;
        header = (const void *)((const char *)header + step);
    }
    return true;
}

static int ask_for_all(struct neighbours *neighbours)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr header;
        struct ndmsg body;
    } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
                   .nlmsg_type = RTM_GETNEIGH,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = ++neighbours->sequence},
        .body = {.ndm_family = AF_INET},
    };
    return sendto(neighbours->fd, &request, sizeof(request), MSG_DONTWAIT,
                  (const struct sockaddr *)&kernel, sizeof(kernel)) < 0
               ? -errno
               : 0;
}

int neighbours_list(struct neighbours *neighbours, struct neighbour *out, size_t size)
{
    struct listing listing = {.out = out, .size = size};
    union answer answer;
    const int error = ask_for_all(neighbours);
    if (error < 0)
        return error;
    for (;;) {
        /* The kernel fills the next part while this one is read, so nothing is waited for. */
        const ssize_t length = recv(neighbours->fd, &answer, sizeof(answer), MSG_DONTWAIT);
        if (length < 0)
            return errno == EAGAIN ? listing.n : -errno;
        if (answer.header.nlmsg_seq == neighbours->sequence &&
            !take_datagram(&listing, answer.bytes, (size_t)length))
            return listing.n;
    }
}

int neighbours_create(struct neighbours **ret_neighbours)
{
    struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
    if (!neighbours)
        return -ENOMEM;
    neighbours->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (neighbours->fd < 0) {
        int error = errno;
        free(neighbours);
        return -error;
    }
    *ret_neighbours = neighbours;
    return 0;
}

void neighbours_destroy(struct neighbours *neighbours)
{
    if (!neighbours)
        return;
    (void)close(neighbours->fd);
    free(neighbours);
}
