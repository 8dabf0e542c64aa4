#include "loop/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DATAGRAM_SIZE = 32768, /* what the kernel fills at most */
    DATAGRAMS_MAX = 4096,  /* of one dump: 128 MiB; a kernel that goes on is not believed */
};

struct netlink {
    int fd;
    uint32_t sequence;
    _Alignas(struct nlmsghdr) char datagram[DATAGRAM_SIZE];
};

struct dump {
    netlink_take *take;
    void *context;
    bool enough; /* the rest is read all the same: the kernel begins no other dump before its end */
};

int netlink_create(int protocol, struct netlink **ret_netlink)
{
    struct netlink *netlink = calloc(1, sizeof(*netlink));
    if (!netlink)
        return -ENOMEM;
    netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (netlink->fd < 0) {
        const int error = errno;
        free(netlink);
        return -error;
    }
    *ret_netlink = netlink;
    return 0;
}

void netlink_destroy(struct netlink *netlink)
{
    if (!netlink)
        return;
    (void)close(netlink->fd);
    free(netlink);
}

/* ---- one message ---- */

/* What the kernel says of the request: 0 where it says nothing that can be read. */
static int read_error(const char *body, size_t size)
{
    int error = 0;
    if (size >= sizeof(error))
        memcpy(&error, body, sizeof(error));
    return error < 0 ? error : 0;
}

bool netlink_walk(const void *datagram, size_t size, uint32_t sequence, netlink_take *take,
                  void *context, int *ret_error)
{
    const char *bytes = datagram;
    struct nlmsghdr header;
    bool enough = false;
    for (size_t left = size; left >= sizeof(header);) {
        memcpy(&header, bytes, sizeof(header));
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > left)
            return false;
        const char *body = bytes + NLMSG_HDRLEN;
        const size_t length = header.nlmsg_len - (size_t)NLMSG_HDRLEN;
        const bool ends = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
        if (header.nlmsg_seq == sequence && ends) {
            *ret_error = read_error(body, length);
            return true;
        }
        if (header.nlmsg_seq == sequence && header.nlmsg_type >= NLMSG_MIN_TYPE && !enough)
            enough = !take(context, header.nlmsg_type, body, length);
        const size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
        left -= step < left ? step : left;
        bytes += step;
    }
    return false;
}

/* Until enough was seen. */
static bool take_one(void *context, uint16_t type, const void *body, size_t size)
{
    struct dump *dump = context;
    if (!dump->enough)
        dump->enough = !dump->take(dump->context, type, body, size);
    return !dump->enough;
}

/* ---- a question ---- */

static int send_request(struct netlink *netlink, struct nlmsghdr *request, uint16_t flags)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    request->nlmsg_flags = NLM_F_REQUEST | flags;
    request->nlmsg_seq = ++netlink->sequence;
    return sendto(netlink->fd, request, request->nlmsg_len, MSG_DONTWAIT,
                  (const struct sockaddr *)&kernel, sizeof(kernel)) < 0
               ? -errno
               : 0;
}

/* How much the kernel said; 0: it was somebody else, or a signal came between. */
static ssize_t receive(struct netlink *netlink)
{
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof(from);
    const ssize_t length = recvfrom(netlink->fd, netlink->datagram, DATAGRAM_SIZE, MSG_DONTWAIT,
                                    (struct sockaddr *)&from, &from_size);
    if (length < 0)
        return errno == EINTR ? 0 : errno == EAGAIN ? -EPROTO : -errno;
    return from.nl_pid == 0 ? length : 0;
}

static int converse(struct netlink *netlink, struct nlmsghdr *request, uint16_t flags,
                    struct dump *dump)
{
    int error = send_request(netlink, request, flags);
    for (int i = 0; error == 0 && i < DATAGRAMS_MAX; i++) {
        const ssize_t length = receive(netlink);
        if (length < 0)
            return (int)length;
        if (netlink_walk(netlink->datagram, (size_t)length, request->nlmsg_seq, take_one, dump,
                         &error))
            return error;
    }
    return error;
}

int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_take *take,
                 void *context)
{
    struct dump dump = {.take = take, .context = context};
    return converse(netlink, request, NLM_F_DUMP, &dump);
}

/* The kernel ends its answer with a word that it has done so. */
int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, netlink_take *take,
                void *context)
{
    struct dump dump = {.take = take, .context = context};
    return converse(netlink, request, NLM_F_ACK, &dump);
}

/* ---- attributes ---- */

const void *netlink_attribute(const void *bytes, size_t size, uint16_t type, size_t least,
                              size_t *ret_size)
{
    const char *at = bytes;
    struct nlattr attribute;
    while (size >= sizeof(attribute)) {
        memcpy(&attribute, at, sizeof(attribute));
        if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > size)
            return NULL;
        const size_t length = attribute.nla_len - sizeof(attribute);
        if ((attribute.nla_type & NLA_TYPE_MASK) == type && length >= least) {
            *ret_size = length;
            return at + sizeof(attribute);
        }
        const size_t step = (size_t)NLA_ALIGN(attribute.nla_len);
        size -= step < size ? step : size;
        at += step;
    }
    return NULL;
}
