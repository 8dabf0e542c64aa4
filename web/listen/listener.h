/*
 * listener: the addresses Hall listens on for one role, with workers of its own, by civetweb
 * (listener.c alone knows it). Each listener is a context of its own, so that one being full never
 * starves another. What is answered is its role's business. serve and refuse are called on a
 * worker's thread, each worker with its own number; an exchange lives as long as that call.
 */
#ifndef HALL_WEB_LISTEN_LISTENER_H
#define HALL_WEB_LISTEN_LISTENER_H

#include <sys/types.h>

#include "web/gate/request.h"

struct listener;
struct exchange; /* one request under way */

struct listener_role {
    const char *name;    /* "the gateway", for the log */
    const char *pointer; /* "/http/gateway", where its address is configured */
    bool may_come_later; /* starts also where all its ports are taken; see listener_retry */
    unsigned workers;    /* each costs some 20 KB of stack */
    unsigned new_ms;     /* how long a new connection that says nothing is always left alone */
    unsigned kept_max;   /* connections kept open; beyond, each ends with its answer, so that
                            workers stay free */
    /* Answers with exchange_send. Returns the status sent. */
    int (*serve)(void *context, unsigned worker, struct exchange *exchange,
                 const struct raw_request *raw);
    /* What the listener itself refuses (broken requests), sent in the role's form. */
    void (*refuse)(void *context, unsigned worker, struct exchange *exchange, int status,
                   const struct fact *why);
};

/* Listens on all of these addresses (1 to 8) and starts the workers. role and context outlive it.
 * One that no interface has yet, or whose port is taken, is waited for, while another is there.
 * -EADDRINUSE, -EACCES, -errno; the log says which address and what to do. */
int listener_create(const struct listener_role *role, void *context,
                    const struct sockaddr_in *addresses, size_t n, struct listener **ret_listener);
uint16_t listener_port(const struct listener *listener); /* the first; the real one for 0 */
/* Tries the ports that were taken. How many still are. The creator's thread. */
size_t listener_retry(struct listener *listener);
void listener_destroy(struct listener *listener);
/* Whoever reads the body that this peer (exchange_peer) sends reads its end. Any thread. */
void listener_end_reading(struct listener *listener, uint64_t peer);

/* One number for the address and port at the other end; never 0. */
uint64_t exchange_peer(const struct exchange *exchange);
/* May the connection be kept open, as far as the listener is concerned? Not with a body, nor by
 * HTTP/1.0, nor when too many are. */
bool exchange_may_stay(const struct exchange *exchange);
/* Are so many workers taken that none should wait for anything? */
bool exchange_is_crowded(const struct exchange *exchange);
void exchange_close(struct exchange *exchange); /* ends with this answer */
/* False: the other side has left. */
bool exchange_send(struct exchange *exchange, const char *text, size_t length);
/* Reads and forgets what is left of the body, as far as it comes without delay: a proxy that still
 * sends it would take our end for a broken connection. */
void exchange_drain(struct exchange *exchange);
/* The body, piece by piece. 0: its end; -EIO. */
ssize_t exchange_read(struct exchange *exchange, char *out, size_t size);

#endif
