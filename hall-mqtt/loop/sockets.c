#include "loop/sockets.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "loop/netlink.h"

/* Of include/net/tcp_states.h, which user space is not given. */
enum {
    STATE_ESTABLISHED = 1,
    STATE_FIN_WAIT1 = 4,
    STATE_FIN_WAIT2 = 5,
    STATE_CLOSE_WAIT = 8,
    STATE_LAST_ACK = 9,
    STATE_LISTEN = 10,
};

static const uint32_t listening_states = 1U << STATE_LISTEN;
/* In all of these this side may still send. */
static const uint32_t connected_states =
    1U << STATE_ESTABLISHED | 1U << STATE_FIN_WAIT1 | 1U << STATE_CLOSE_WAIT | 1U << STATE_LAST_ACK;

/* In all of these data may come or go. */
static const uint32_t moving_states = 1U << STATE_ESTABLISHED | 1U << STATE_FIN_WAIT1 |
                                      1U << STATE_FIN_WAIT2 | 1U << STATE_CLOSE_WAIT;

enum { RANGES_MAX = 32 }; /* of ports, which the kernel walks over for each connection */

/* A port that a connection's is compared with stands where an operation would lead. */
struct comparison {
    struct inet_diag_bc_op test, with;
};

/* A range of ports, in a list of rising ones: "is its port below? Then refuse it; not above? Then
 * take it, else see the next one". */
struct clause {
    struct comparison least, most;
    struct inet_diag_bc_op accept;
};
_Static_assert(sizeof(struct clause) == 20, "the kernel walks over it by offsets");

struct request {
    struct nlmsghdr header;
    struct inet_diag_req body;
    struct nlattr attribute;
    struct clause clauses[RANGES_MAX];
};

struct sockets {
    struct netlink *netlink;
    struct request request;
};

struct listing {
    sockets_take *take;
    void *context;
    bool over;
};

/* ---- one socket ---- */

static struct in6_addr read_address(uint8_t family, const uint32_t words[4])
{
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (family == AF_INET)
        memcpy(&address.s6_addr[12], words, 4);
    else
        memcpy(&address, words, sizeof(address));
    return address;
}

/* Older kernels know less of tcp_info: what is behind their end stays zero. */
static void read_info(const void *data, size_t size, struct tcp_socket *socket)
{
    struct tcp_info info = {0};
    memcpy(&info, data, size < sizeof(info) ? size : sizeof(info));
    socket->received = info.tcpi_bytes_received;
    socket->sent = info.tcpi_bytes_acked;
    socket->unheard = info.tcpi_unacked > 0 && info.tcpi_retransmits > 0;
    socket->quiet_in_ms = info.tcpi_last_data_recv;
    socket->quiet_out_ms = info.tcpi_last_data_sent;
    socket->quiet_ms =
        socket->quiet_in_ms < socket->quiet_out_ms ? socket->quiet_in_ms : socket->quiet_out_ms;
}

bool sockets_read(const void *body, size_t size, struct tcp_socket *ret_socket)
{
    struct inet_diag_msg message;
    size_t length = 0;
    if (size < sizeof(message))
        return false;
    memcpy(&message, body, sizeof(message));
    if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
        return false;
    *ret_socket = (struct tcp_socket){
        .id = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0],
        .local = read_address(message.idiag_family, message.id.idiag_src),
        .remote = read_address(message.idiag_family, message.id.idiag_dst),
        .local_port = ntohs(message.id.idiag_sport),
        .remote_port = ntohs(message.id.idiag_dport),
        .listening = message.idiag_state == STATE_LISTEN,
        .inode = message.idiag_inode,
    };
    const void *info = netlink_attribute((const char *)body + sizeof(message),
                                         size - sizeof(message), INET_DIAG_INFO, 1, &length);
    if (info)
        read_info(info, length, ret_socket);
    return true;
}

/* ---- all of them ---- */

static bool take_message(void *context, uint16_t type, const void *body, size_t size)
{
    struct listing *listing = context;
    struct tcp_socket socket;
    if (type == TCPDIAG_GETSOCK && sockets_read(body, size, &socket))
        listing->over = !listing->take(listing->context, &socket);
    return !listing->over;
}

/* By the older of the kernel's two requests: it has both families in one walk over the table. */
static int list(struct sockets *sockets, uint32_t states, struct listing *listing)
{
    struct request *request = &sockets->request;
    const size_t filter = request->attribute.nla_len;
    request->header =
        (struct nlmsghdr){.nlmsg_len = (uint32_t)(offsetof(struct request, attribute) + filter),
                          .nlmsg_type = TCPDIAG_GETSOCK};
    request->body = (struct inet_diag_req){
        .idiag_family = AF_INET, .idiag_states = states, .idiag_ext = 1U << (INET_DIAG_INFO - 1)};
    return listing->over ? 0
                         : netlink_dump(sockets->netlink, &request->header, take_message, listing);
}

int sockets_list(struct sockets *sockets, sockets_take *take, void *context)
{
    struct listing listing = {.take = take, .context = context};
    const int error = list(sockets, listening_states, &listing);
    return error < 0 ? error : list(sockets, connected_states, &listing);
}

/* ---- those that lead somewhere ---- */

/* Offsets lead forward, in bytes; to leave at the end accepts, past it refuses. */
static struct clause clause_for(uint16_t least, uint16_t most, size_t left)
{
    const size_t past = sizeof(struct inet_diag_bc_op);
    const bool last = left == sizeof(struct clause);
    return (struct clause){
        .least = {.test = {.code = INET_DIAG_BC_D_GE,
                           .yes = offsetof(struct clause, most),
                           .no = (uint16_t)(left + past)},
                  .with.no = least},
        .most = {.test = {.code = INET_DIAG_BC_D_LE,
                          .yes = sizeof(struct comparison),
                          .no = (uint16_t)(sizeof(struct clause) - offsetof(struct clause, most) +
                                           (last ? past : 0))},
                 .with.no = most},
        .accept = {.code = INET_DIAG_BC_JMP,
                   .yes = sizeof(struct inet_diag_bc_op),
                   .no = (uint16_t)(left - offsetof(struct clause, accept))},
    };
}

/* How many ranges the ports make where a gap up to this wide is no gap. */
static size_t count_ranges(const uint16_t *ports, size_t n, int gap)
{
    size_t ranges = 1;
    for (size_t i = 1; i < n; i++)
        ranges += ports[i] - ports[i - 1] > gap;
    return ranges;
}

static void set_filter(struct request *request, const uint16_t *ports, size_t n)
{
    int gap = 1;
    size_t ranges, first = 0, place = 0;
    while ((ranges = count_ranges(ports, n, gap)) > RANGES_MAX)
        gap *= 2;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && ports[i + 1] - ports[i] <= gap)
            continue;
        const size_t left = (ranges - place) * sizeof(struct clause);
        request->clauses[place++] = clause_for(ports[first], ports[i], left);
        first = i + 1;
    }
    request->attribute = (struct nlattr){
        .nla_type = INET_DIAG_REQ_BYTECODE,
        .nla_len = (uint16_t)(sizeof(struct nlattr) + ranges * sizeof(struct clause))};
}

int sockets_list_to(struct sockets *sockets, const uint16_t *ports, size_t n, sockets_take *take,
                    void *context)
{
    struct listing listing = {.take = take, .context = context};
    if (n == 0)
        return 0;
    set_filter(&sockets->request, ports, n);
    const int error = list(sockets, moving_states, &listing);
    sockets->request.attribute.nla_len = 0;
    return error;
}

int sockets_create(struct sockets **ret_sockets)
{
    struct sockets *sockets = calloc(1, sizeof(*sockets));
    const int error = sockets ? netlink_create(NETLINK_SOCK_DIAG, &sockets->netlink) : -ENOMEM;
    if (error < 0) {
        free(sockets);
        return error;
    }
    *ret_sockets = sockets;
    return 0;
}

void sockets_destroy(struct sockets *sockets)
{
    if (sockets)
        netlink_destroy(sockets->netlink);
    free(sockets);
}
