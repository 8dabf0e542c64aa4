#include "probe/elsewhere.h"

#include <sys/socket.h>
#include <unistd.h>

enum { PORT_DISCARD = 9 };

static void list(struct elsewhere *elsewhere, struct neighbours *neighbours, int64_t now)
{
    if (elsewhere->listed > 0 && now - elsewhere->listed < ELSEWHERE_EVERY_MS)
        return;
    const int n = neighbours_list(neighbours, elsewhere->list, ELSEWHERE_MAX);
    elsewhere->n = n < 0 ? 0 : n < ELSEWHERE_MAX ? (size_t)n : ELSEWHERE_MAX;
    elsewhere->listed = now;
}

/* An empty datagram: the kernel asks whether its neighbour is still there. */
static void speak_to(struct in_addr address)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT_DISCARD), .sin_addr = address};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, "", 0, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
    (void)close(fd);
}

bool elsewhere_find(struct elsewhere *elsewhere, struct neighbours *neighbours,
                    const struct model_server *server, int index, elsewhere_owns *owns,
                    void *context, bool ask, int64_t now, struct in_addr *ret_address)
{
    if (!neighbours || server->loopback)
        return false;
    const int link = neighbours_link(neighbours, server->address);
    if (link == 0)
        return false;
    list(elsewhere, neighbours, now);
    for (size_t i = 0; i < elsewhere->n; i++) {
        const struct neighbour *one = &elsewhere->list[i];
        if (one->interface != link || one->address.s_addr == server->address.s_addr ||
            !(model_has_mac(server, one->mac) || (owns && owns(context, index, one->mac))))
            continue;
        if (one->fresh) {
            *ret_address = one->address;
            return true;
        }
        if (ask)
            speak_to(one->address);
    }
    return false;
}
