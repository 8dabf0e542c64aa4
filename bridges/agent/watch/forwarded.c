#include "bridges/agent/watch/forwarded.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bridges/agent/watch/proc.h"
#include "loop/netlink.h"

enum {
    /* IP and TCP with timestamps: what a packet without payload has, on nearly every connection */
    HEADERS_V4 = 20 + 32,
    HEADERS_V6 = 40 + 32,
    ESTABLISHED_S = 5 * 24 * 3600, /* the kernel's own timeout where it cannot be read */
    UNACKNOWLEDGED_S = 300,        /* its timeout while an answer is missing */
};

static const char counting[] = "/proc/sys/net/netfilter/nf_conntrack_acct";
static const char tracked[] = "/proc/sys/net/netfilter/nf_conntrack_count";
static const char established[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established";
static const char *const forwarding[] = {"/proc/sys/net/ipv4/ip_forward",
                                         "/proc/sys/net/ipv6/conf/all/forwarding"};

struct forwarded {
    struct netlink *netlink; /* NULL until it is needed */
    bool tried;              /* to have bytes counted */
    int64_t established_s;
};

struct listing {
    forwarded_take *take;
    void *context;
};

/* ---- one flow ---- */

struct part {
    const void *data;
    size_t size;
};

static struct part inside(struct part part, uint16_t type, size_t least)
{
    struct part found = {0};
    if (part.data)
        found.data = netlink_attribute(part.data, part.size, type, least, &found.size);
    return found;
}

static uint64_t read_be64(struct part part)
{
    uint64_t value = 0;
    if (part.data)
        memcpy(&value, part.data, sizeof(value));
    return be64toh(value);
}

static uint32_t read_be32(struct part part)
{
    uint32_t value = 0;
    if (part.data)
        memcpy(&value, part.data, sizeof(value));
    return be32toh(value);
}

static bool read_address(struct part ip, uint16_t v4, uint16_t v6, struct in6_addr *ret)
{
    const struct part short_one = inside(ip, v4, 4), long_one = inside(ip, v6, sizeof(*ret));
    *ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (short_one.data)
        memcpy(&ret->s6_addr[12], short_one.data, 4);
    else if (long_one.data)
        memcpy(ret, long_one.data, sizeof(*ret));
    return short_one.data || long_one.data;
}

static bool read_tuple(struct part tuple, struct forwarded_flow *flow)
{
    const struct part ip = inside(tuple, CTA_TUPLE_IP, 1);
    const struct part proto = inside(tuple, CTA_TUPLE_PROTO, 1);
    const struct part number = inside(proto, CTA_PROTO_NUM, 1);
    const struct part port = inside(proto, CTA_PROTO_DST_PORT, 2);
    uint16_t value;
    if (!number.data || *(const uint8_t *)number.data != IPPROTO_TCP || !port.data)
        return false;
    memcpy(&value, port.data, sizeof(value));
    flow->port = be16toh(value);
    return read_address(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &flow->from) &&
           read_address(ip, CTA_IP_V4_DST, CTA_IP_V6_DST, &flow->to);
}

static int64_t payload_of(struct part counters, int headers)
{
    const uint64_t packets = read_be64(inside(counters, CTA_COUNTERS_PACKETS, 8));
    const uint64_t bytes = read_be64(inside(counters, CTA_COUNTERS_BYTES, 8));
    if (packets > INT64_MAX / 128 || bytes > INT64_MAX / 2)
        return 0;
    return (int64_t)bytes - (int64_t)packets * headers;
}

static void read_counters(struct part all, struct forwarded_flow *flow)
{
    const struct part there = inside(all, CTA_COUNTERS_ORIG, 1);
    const struct part back = inside(all, CTA_COUNTERS_REPLY, 1);
    const int headers = IN6_IS_ADDR_V4MAPPED(&flow->from) ? HEADERS_V4 : HEADERS_V6;
    flow->counted = there.data && back.data;
    flow->bytes = payload_of(there, headers) + payload_of(back, headers);
}

/* Ids of conntrack are hashes of 32 bits; the client's port tells apart what they do not. */
static uint64_t read_id(struct part all)
{
    const struct part proto = inside(inside(all, CTA_TUPLE_ORIG, 1), CTA_TUPLE_PROTO, 1);
    const struct part port = inside(proto, CTA_PROTO_SRC_PORT, 2);
    uint16_t value = 0;
    if (port.data)
        memcpy(&value, port.data, sizeof(value));
    return (uint64_t)1 << 63 | (uint64_t)value << 32 | read_be32(inside(all, CTA_ID, 4));
}

static bool is_open(struct part all)
{
    const struct part tcp = inside(inside(all, CTA_PROTOINFO, 1), CTA_PROTOINFO_TCP, 1);
    const struct part state = inside(tcp, CTA_PROTOINFO_TCP_STATE, 1);
    const uint8_t word = state.data ? *(const uint8_t *)state.data : TCP_CONNTRACK_NONE;
    return word == TCP_CONNTRACK_ESTABLISHED || word == TCP_CONNTRACK_FIN_WAIT ||
           word == TCP_CONNTRACK_CLOSE_WAIT;
}

bool forwarded_read(const void *body, size_t size, struct forwarded_flow *ret_flow)
{
    const size_t head = NLMSG_ALIGN(sizeof(struct nfgenmsg));
    if (size < head)
        return false;
    const struct part all = {(const char *)body + head, size - head};
    *ret_flow = (struct forwarded_flow){.id = read_id(all), .open = is_open(all)};
    if ((read_be32(inside(all, CTA_STATUS, 4)) & IPS_DST_NAT) == 0 ||
        !read_tuple(inside(all, CTA_TUPLE_ORIG, 1), ret_flow))
        return false;
    const struct part timeout = inside(all, CTA_TIMEOUT, 4);
    ret_flow->timeout_s = timeout.data ? (int64_t)read_be32(timeout) : -1; /* none when offloaded */
    read_counters(all, ret_flow);
    return true;
}

int64_t forwarded_silent_s(const struct forwarded *forwarded, const struct forwarded_flow *flow)
{
    const int64_t full =
        flow->timeout_s > UNACKNOWLEDGED_S ? forwarded->established_s : UNACKNOWLEDGED_S;
    if (flow->timeout_s < 0)
        return 0;
    /* The kernel rounds what is left down. */
    return flow->timeout_s + 1 < full ? full - flow->timeout_s - 1 : 0;
}

/* ---- the kernel's settings ---- */

static int64_t read_number(const char *path, int64_t otherwise)
{
    char text[32];
    return proc_load(path, text, sizeof(text)) ? strtoll(text, NULL, 10) : otherwise;
}

/* Once: if that is not allowed, the unit or the administrator has to do it. */
static void have_bytes_counted(struct forwarded *forwarded)
{
    if (forwarded->tried || read_number(counting, 1) != 0)
        return;
    forwarded->tried = true;
    const int fd = open(counting, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1", 1) == 1)
        log_info("the kernel counts the bytes of forwarded connections from now on (%s)", counting);
    else
        log_warning("the bytes of forwarded connections are not counted, so that every packet "
                    "counts as use, keepalives too: sysctl net.netfilter.nf_conntrack_acct=1");
    if (fd >= 0)
        close(fd);
}

/* ---- all of them ---- */

static bool take_message(void *context, uint16_t type, const void *body, size_t size)
{
    struct listing *listing = context;
    struct forwarded_flow flow;
    if (type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
        !forwarded_read(body, size, &flow))
        return true;
    return listing->take(listing->context, &flow);
}

static int list(struct forwarded *forwarded, struct listing *listing)
{
    struct {
        struct nlmsghdr header;
        struct nfgenmsg body;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET},
        .body = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
    };
    int error = forwarded->netlink ? 0 : netlink_create(NETLINK_NETFILTER, &forwarded->netlink);
    if (error == 0)
        error = netlink_dump(forwarded->netlink, &request.header, take_message, listing);
    return error;
}

int forwarded_list(struct forwarded *forwarded, forwarded_take *take, void *context)
{
    struct listing listing = {.take = take, .context = context};
    if (read_number(tracked, 0) <= 0 ||
        (read_number(forwarding[0], 0) <= 0 && read_number(forwarding[1], 0) <= 0))
        return 0;
    have_bytes_counted(forwarded);
    forwarded->established_s = read_number(established, ESTABLISHED_S);
    return list(forwarded, &listing);
}

int forwarded_create(struct forwarded **ret_forwarded)
{
    *ret_forwarded = calloc(1, sizeof(**ret_forwarded));
    return *ret_forwarded ? 0 : -ENOMEM;
}

void forwarded_destroy(struct forwarded *forwarded)
{
    if (forwarded)
        netlink_destroy(forwarded->netlink);
    free(forwarded);
}
