/*
 * own_socket: the sockets of a port of ours among this process's descriptors, which civetweb does
 * not name. Its workers open and close them at any time, and a number may be another one's the next
 * moment: so a socket is held by a duplicate first, and what is then asked and done concerns the
 * same socket, whatever becomes of the number.
 */
#ifndef HALL_WEB_LISTEN_OWN_SOCKET_H
#define HALL_WEB_LISTEN_OWN_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A duplicate, to be closed. -EBADF: there is no such descriptor; -ENOTSOCK: it is none of ours;
 * -errno. */
int own_socket_hold(int fd, uint16_t port);

/* Reads and forgets what this peer still sends of a request's head: up to its end, for a second and
 * 2 MB at most. False: it sends no more, or has not sent `most` bytes in all. */
bool own_socket_drain_head(uint16_t port, const struct sockaddr_in *peer, size_t most);

/* Whoever reads what this peer sends reads the end. */
void own_socket_end_peer(uint16_t port, const struct sockaddr_in *peer);

/* So many bytes of an answer may wait in the kernel on each connection that is accepted from now
 * on, lest a worker wait for whoever does not read. */
void own_socket_give_room(uint16_t port, int bytes);

/* The kernel keeps a new connection to itself until its peer sends something, for at most this long
 * (TCP_DEFER_ACCEPT, tcp(7)). A client that only connects takes no worker, and one that is delayed
 * between connecting and asking is not mistaken for a client that never asks. */
void own_socket_await_data(uint16_t port, int seconds);

/* Whoever reads from these sockets reads the end: the listening ones, or all others. */
void own_socket_end_reading(uint16_t port, bool listening);

#endif
