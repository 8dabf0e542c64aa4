/*
 * due: which server is due next: a binary heap of server indexes ordered by their deadlines, so
 * that one change costs the same among ten servers and ten thousand. Memory belongs to the caller.
 * Pure.
 */
#ifndef HALL_CORE_FACTS_DUE_H
#define HALL_CORE_FACTS_DUE_H

#include <stddef.h>
#include <stdint.h>

#define DUE_NEVER INT64_MAX

struct due {
    size_t n;
    int64_t *at;   /* [n] by server */
    int *heap;     /* [n] servers, earliest first */
    int *position; /* [n] by server: where it stands in the heap */
};

int due_init(struct due *due, size_t n); /* all DUE_NEVER; -ENOMEM */
void due_finish(struct due *due);
void due_set(struct due *due, int server, int64_t at);
int64_t due_next(const struct due *due); /* DUE_NEVER when nothing is due */
int due_server(const struct due *due);   /* the one that is due next; only with n > 0 */

#endif
