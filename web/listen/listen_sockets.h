/*
 * listen_sockets: the addresses one listener listens on. civetweb opens all of its sockets at its
 * start or none, and does not say why; so it is given a place for each, and a socket of ours takes
 * that place: at once, also on an address that no interface has yet (IP_FREEBIND, ip(7)), or later,
 * when another program has left the port. Not on several threads.
 */
#ifndef HALL_WEB_LISTEN_LISTEN_SOCKETS_H
#define HALL_WEB_LISTEN_LISTEN_SOCKETS_H

#include "web/listen/own_socket.h"

struct listen_sockets {
    struct own_addresses addresses; /* with port 0: the one that was given */
    int fd[OWN_ADDRESSES_MAX];      /* ours; negative: another program has the port */
    int place[OWN_ADDRESSES_MAX];   /* civetweb's number for it; -1: not put yet */
    int room;                       /* bytes of an answer that may wait on each connection */
    const char *name, *pointer;     /* "the gateway", "/http/gateway": for the log; borrowed */
};

/* sockets: only room, name and pointer are set. 0 also where a port is taken: the log says so. For
 * all else, -EACCES, -EMFILE, -errno, the log says which address and what to do; nothing is left
 * open. n: 1 to OWN_ADDRESSES_MAX. */
int listen_sockets_open(struct listen_sockets *sockets, const struct sockaddr_in *addresses,
                        size_t n);
/* civetweb's `listening_ports` for n places. */
const char *listen_sockets_places(size_t n);
/* The sockets take the places, which are on these ports of civetweb's, before it accepts anybody.
 * -ENOENT: one is not found; -errno. */
int listen_sockets_put(struct listen_sockets *sockets, const uint16_t *ports);

void listen_sockets_tell(const struct listen_sockets *sockets); /* to the log: where they are */

/* How many ports are still taken; retry tries them first. */
size_t listen_sockets_missing(const struct listen_sockets *sockets);
size_t listen_sockets_retry(struct listen_sockets *sockets);

/* Nobody gets in any more, and the thread that waits on the sockets is woken. */
void listen_sockets_end(const struct listen_sockets *sockets);
void listen_sockets_close(struct listen_sockets *sockets); /* ours: civetweb closes its places */

#endif
