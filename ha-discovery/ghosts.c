#include "ha-discovery/ghosts.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOKED_THROUGH = 64
}; /* what the broker replays comes once: longer lists are not searched */

void ghosts_finish(struct ghosts *ghosts)
{
    while (ghosts->first) {
        struct ghost *ghost = ghosts->first;

        ghosts->first = ghost->next;
        free(ghost);
    }
    ghosts->n = 0;
}

void ghosts_add(struct ghosts *ghosts, const char *topic)
{
    const size_t size = strlen(topic) + 1;
    struct ghost *ghost;

    for (struct ghost *at = ghosts->first; at && ghosts->n < LOOKED_THROUGH; at = at->next)
        if (strcmp(at->topic, topic) == 0)
            return;
    if (ghosts->n >= GHOSTS_MAX)
        return;
    ghost = calloc(1, sizeof(*ghost) + size);
    if (!ghost)
        return;
    memcpy(ghost->topic, topic, size);
    ghost->next = ghosts->first;
    ghosts->first = ghost;
    ghosts->n++;
}

struct ghost *ghosts_next(const struct ghosts *ghosts)
{
    struct ghost *ghost = ghosts->first;

    while (ghost && ghost->flying != 0)
        ghost = ghost->next;
    return ghost;
}

void ghosts_land(struct ghosts *ghosts, uint64_t token)
{
    for (struct ghost **at = &ghosts->first; *at; at = &(*at)->next) {
        struct ghost *ghost = *at;

        if (ghost->flying != token)
            continue;
        *at = ghost->next;
        ghosts->n--;
        free(ghost);
        return;
    }
}
