/*
 * door: the listener. At most CONNECTIONS at once, few of them from one address; a connection that
 * has shown no token within seconds is closed, and the oldest without a token of ours gives way
 * when there is no room, so that strangers keep nobody out. One thread, nothing blocks.
 */
#ifndef HALL_HANDOUT_DOOR_H
#define HALL_HANDOUT_DOOR_H

#include <stdint.h>

#include "base/address.h"
#include "handout/items.h"
#include "handout/tls.h"

struct door;

/* Told from inside door_run. */
struct door_listener {
    void (*fetched)(void *context, const struct item *item, const char *address);
    /* An answer is wanted: door_answer gives it, then or later. */
    void (*asked)(void *context, const struct item *item, const char *address);
    void (*again)(void *context, const struct item *item, const char *address);
    void (*wrong)(void *context, const char *address); /* of a token nobody has */
    void *context;
};

/* Borrows items and identity. Port 0: any. -errno of the socket, -ENOMEM. */
int door_create(struct items *items, struct tls_identity *identity, struct address address,
                uint16_t port, const struct door_listener *listener, struct door **ret_door);
void door_destroy(struct door *door);

uint16_t door_port(const struct door *door);

/* One turn: until something happens on the door or there is something to read on fd. Returns 1: fd
 * is readable, 0, -errno. */
int door_run(struct door *door, int fd);
/* Answers all requests for that: yes or no. A yes also answers later requests. */
void door_answer(struct door *door, bool yes);

#endif
