/*
 * patience: who has to leave when workers run short. A connection that asks nothing harms nobody
 * while there are workers for all: civetweb ends it after 3 s. Only where all workers are taken and
 * somebody who has sent a whole request waits for one, a thread of its own ends as many as wait:
 * first of the address that has most connections, first those that have sent nothing, then parts of
 * a head, then bodies that have been coming for a second; the oldest first. In a flood all of them
 * leave. Never one that was just accepted, was answered on before, or is being answered. So neither
 * a thousand slow clients keep the workers from a proxy, nor is a browser's spare connection cut
 * for nothing. The sockets are looked up in the process, because civetweb does not name them.
 */
#ifndef HALL_WEB_LISTEN_PATIENCE_H
#define HALL_WEB_LISTEN_PATIENCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/listen/own_socket.h"

struct patience;

struct patience_rules {
    unsigned scarce;                   /* below so many connections nobody needs to look */
    unsigned most;                     /* so many can be served at once */
    unsigned new_ms;                   /* how long a new connection is left alone */
    unsigned (*served)(void *context); /* how many connections are being served */
    bool (*at_work)(void *context, uint64_t peer); /* is a request from there being answered? */
    /* For how long a worker has been reading the body of one from there, ms; 0: none is. */
    unsigned (*reads_for)(void *context, uint64_t peer);
};

/* own: the listener's; rules, own and context are borrowed. -ENOMEM, -errno. */
int patience_create(const struct patience_rules *rules, const struct own_addresses *own,
                    void *context, struct patience **ret_patience);
void patience_destroy(struct patience *patience);

/* A connection was begun; so many are being served now. Any thread. */
void patience_look(struct patience *patience, unsigned served);

/* One number for an address and a port. */
uint64_t patience_peer(struct in_addr address, uint16_t port);
struct sockaddr_in patience_address(uint64_t peer); /* the other way round */

#endif
