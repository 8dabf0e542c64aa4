/*
 * inbox: what HTTP workers tell the loop thread: a queue of plain structs of one size, bounded,
 * with a descriptor that is readable while something waits. Any number of workers put, one thread
 * takes; nobody waits for longer than a copy lasts.
 */
#ifndef HALL_WEB_BOARD_INBOX_H
#define HALL_WEB_BOARD_INBOX_H

#include <stdbool.h>
#include <stddef.h>

struct inbox;

/* size: of one item; most: so many wait at most. -ENOMEM, -errno of eventfd. */
int inbox_create(size_t size, size_t most, struct inbox **ret_inbox);
void inbox_destroy(struct inbox *inbox);

bool inbox_put(struct inbox *inbox, const void *item); /* false: it is full */
int inbox_fd(const struct inbox *inbox);
bool inbox_take(struct inbox *inbox, void *ret_item); /* false: none is left */

#endif
