#include "bridges/relay/wol_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel puts the header in front, with the card's own MAC as the source. Protocol 0: nothing
 * is received. */
int wol_raw_open(void)
{
    const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

/* The interface is looked up each time: it may have gone and come back. Broadcast, because a
 * switch forgets where a sleeping card is. */
int wol_raw_send(int fd, const struct wol_target *target)
{
    uint8_t packet[WOL_PACKET_MAX];
    const size_t size = wol_packet(target, packet);
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(WOL_ETHER_TYPE),
        .sll_ifindex = (int)if_nametoindex(target->interface),
        .sll_halen = 6,
    };
    if (to.sll_ifindex == 0)
        return -ENODEV;
    memset(to.sll_addr, 0xff, to.sll_halen);
    const ssize_t sent = sendto(fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                                (const struct sockaddr *)&to, sizeof(to));
    return sent < 0 ? -errno : 0;
}
