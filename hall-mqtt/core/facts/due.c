#include "core/facts/due.h"

#include <errno.h>
#include <stdlib.h>

int due_init(struct due *due, size_t n)
{
    *due = (struct due){.n = n};
    due->at = calloc(n + 1, sizeof(*due->at));
    due->heap = calloc(n + 1, sizeof(*due->heap));
    due->position = calloc(n + 1, sizeof(*due->position));
    if (!due->at || !due->heap || !due->position) {
        due_finish(due);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        due->at[i] = DUE_NEVER;
        due->heap[i] = due->position[i] = (int)i;
    }
    return 0;
}

void due_finish(struct due *due)
{
    if (!due)
        return;
    free(due->at);
    free(due->heap);
    free(due->position);
    *due = (struct due){0};
}

static int64_t at(const struct due *due, size_t place)
{
    return due->at[due->heap[place]];
}

static void swap(struct due *due, size_t a, size_t b)
{
    const int server = due->heap[a];

    due->heap[a] = due->heap[b];
    due->heap[b] = server;
    due->position[due->heap[a]] = (int)a;
    due->position[due->heap[b]] = (int)b;
}

static void move_down(struct due *due, size_t place)
{
    for (;;) {
        size_t least = place;

        for (size_t child = 2 * place + 1; child <= 2 * place + 2 && child < due->n; child++)
            if (at(due, child) < at(due, least))
                least = child;
        if (least == place)
            return;
        swap(due, place, least);
        place = least;
    }
}

void due_set(struct due *due, int server, int64_t when)
{
    if (due->at[server] == when)
        return;
    due->at[server] = when;
    size_t place = (size_t)due->position[server];
    while (place > 0 && at(due, place) < at(due, (place - 1) / 2)) {
        swap(due, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
    move_down(due, (size_t)due->position[server]);
}

int64_t due_next(const struct due *due)
{
    return due->n > 0 ? at(due, 0) : DUE_NEVER;
}

int due_server(const struct due *due)
{
    return due->heap[0];
}
