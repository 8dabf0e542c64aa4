/*
 * patience: how long a new connection may take to say what it wants. While workers are plenty that
 * is civetweb's business (3 s). Where they run short a thread of its own looks every few
 * milliseconds, and ends whoever has not sent a whole request head in a fraction of a second: so a
 * thousand slow clients never keep the workers from a proxy; a body gets eight times as long as a
 * head. It sleeps otherwise. The sockets are looked up in the process, because civetweb does not
 * name them; what was answered on before, or is being answered now, is never touched.
 */
#ifndef HALL_WEB_PATIENCE_H
#define HALL_WEB_PATIENCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct patience;

struct patience_rules {
    uint16_t port;   /* the listener's own */
    unsigned scarce; /* below so many connections patience is long again */
    unsigned most;   /* so many can be served; close to it, patience becomes short */
    unsigned (*served)(void *context);             /* how many connections are being served */
    bool (*at_work)(void *context, uint64_t peer); /* is a request from there being answered? */
    /* For how long a worker has been reading the body of one from there, ms; 0: none is. */
    unsigned (*reads_for)(void *context, uint64_t peer);
};

/* rules and context are borrowed. -ENOMEM, -errno. */
int patience_create(const struct patience_rules *rules, void *context,
                    struct patience **ret_patience);
void patience_destroy(struct patience *patience);

/* A connection was begun; so many are being served now. Any thread. */
void patience_look(struct patience *patience, unsigned served);

/* One number for an address and a port. */
uint64_t patience_peer(struct in_addr address, uint16_t port);

#endif
