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
    STATE_CLOSE_WAIT = 8,
    STATE_LAST_ACK = 9,
    STATE_LISTEN = 10,
};

static const uint32_t listening_states = 1U << STATE_LISTEN;
/* In all of these this side may still send. */
static const uint32_t connected_states =
    1U << STATE_ESTABLISHED | 1U << STATE_FIN_WAIT1 | 1U << STATE_CLOSE_WAIT | 1U << STATE_LAST_ACK;

struct sockets {
    struct netlink *netlink;
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
    socket->quiet_ms = info.tcpi_last_data_recv < info.tcpi_last_data_sent
                           ? info.tcpi_last_data_recv
                           : info.tcpi_last_data_sent;
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
    if (type == SOCK_DIAG_BY_FAMILY && sockets_read(body, size, &socket))
        listing->over = !listing->take(listing->context, &socket);
    return !listing->over;
}

static int list(struct sockets *sockets, uint8_t family, uint32_t states, struct listing *listing)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY},
        .body = {.sdiag_family = family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = states,
                 .idiag_ext = 1U << (INET_DIAG_INFO - 1)},
    };
    return listing->over ? 0
                         : netlink_dump(sockets->netlink, &request.header, take_message, listing);
}

static int list_states(struct sockets *sockets, uint32_t states, struct listing *listing)
{
    const int error = list(sockets, AF_INET, states, listing);
    const int error6 = error < 0 ? 0 : list(sockets, AF_INET6, states, listing);
    return error < 0 ? error : error6 == -ENOENT ? 0 : error6;
}

int sockets_list(struct sockets *sockets, sockets_take *take, void *context)
{
    struct listing listing = {.take = take, .context = context};
    const int error = list_states(sockets, listening_states, &listing);
    return error < 0 ? error : list_states(sockets, connected_states, &listing);
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
