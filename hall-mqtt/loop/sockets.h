/*
 * sockets: the TCP sockets of this network namespace in the kernel's table (NETLINK_SOCK_DIAG),
 * with what has moved on each. Needs no rights; containers with a network of their own are not in
 * it. Never waits; 10,000 connections take some milliseconds.
 */
#ifndef HALL_LOOP_SOCKETS_H
#define HALL_LOOP_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockets;

/* IPv4 addresses are written as IPv4 in IPv6 (::ffff:192.0.2.1). Ports in host order. */
struct tcp_socket {
    uint64_t id; /* the kernel's cookie: no other socket gets it until the next boot */
    struct in6_addr local, remote;
    uint16_t local_port, remote_port;
    bool listening; /* else it is established, or one side has closed and the other may send */
    uint64_t received, sent;           /* payload, bytes; sent: what the other side acknowledged */
    int64_t quiet_in_ms, quiet_out_ms; /* since payload came, was sent; keepalives are none */
    int64_t quiet_ms;                  /* the smaller of both */
    bool unheard; /* what was sent had to be sent again, for no word of its arrival came in time */
    uint32_t inode; /* 0: no program has it open any more */
};

/* False: enough was seen. */
typedef bool sockets_take(void *context, const struct tcp_socket *socket);

int sockets_create(struct sockets **ret_sockets);
void sockets_destroy(struct sockets *sockets);
/* All that listen, then all that are connected. -errno of the kernel. */
int sockets_list(struct sockets *sockets, sockets_take *take, void *context);
/* The connections whose remote end has one of these ports, so of a connection within this machine
 * usually one end alone. The ports are rising, each once. The kernel picks them out; where there
 * are too many for it, it takes those between close ones too. */
int sockets_list_to(struct sockets *sockets, const uint16_t *ports, size_t n, sockets_take *take,
                    void *context);

/* One message of the kernel. Pure; false where it is none or cut. */
bool sockets_read(const void *body, size_t size, struct tcp_socket *ret_socket);

#endif
