/*
 * own_socket: the sockets of addresses of ours among this process's descriptors, which civetweb
 * does not name. Its workers open and close them at any time, and a number may be another one's the
 * next moment: so a socket is held by a duplicate first, and what is then asked and done concerns
 * the same socket, whatever becomes of the number.
 */
#ifndef HALL_WEB_LISTEN_OWN_SOCKET_H
#define HALL_WEB_LISTEN_OWN_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OWN_ADDRESSES_MAX = 8 };

/* What connections of ours end on. */
struct own_addresses {
    size_t n;
    struct sockaddr_in at[OWN_ADDRESSES_MAX];
};

/* A duplicate, to be closed. -EBADF: there is no such descriptor; -ENOTSOCK: it is none of ours;
 * -errno. */
int own_socket_hold(int fd, const struct own_addresses *own);

/* The number of the socket that listens on this port of the loopback; -ENOENT. */
int own_socket_listening(uint16_t port);

/* Reads and forgets what this peer still sends of a request's head: up to its end, for a second and
 * 2 MB at most. False: it sends no more, or has not sent `most` bytes in all. */
bool own_socket_drain_head(const struct own_addresses *own, const struct sockaddr_in *peer,
                           size_t most);

/* Whoever reads what this peer sends reads the end. */
void own_socket_end_peer(const struct own_addresses *own, const struct sockaddr_in *peer);

/* Whoever reads from the connections reads their end. */
void own_socket_end_reading(const struct own_addresses *own);

#endif
