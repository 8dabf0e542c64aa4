#include "bridges/wol/wol.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SYNC_SIZE = 6, MAC_SIZE = 6, MAC_REPEATS = 16 };

size_t wol_packet(const struct wol_target *target, uint8_t out[WOL_PACKET_MAX])
{
    assert(target->secureon_length <= sizeof(target->secureon));
    uint8_t *end = out;
    memset(end, 0xff, SYNC_SIZE);
    end += SYNC_SIZE;
    for (int i = 0; i < MAC_REPEATS; i++, end += MAC_SIZE)
        memcpy(end, target->mac, MAC_SIZE);
    memcpy(end, target->secureon, target->secureon_length);
    end += target->secureon_length;
    return (size_t)(end - out);
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Where SO_BINDTODEVICE is refused (before Linux 5.7 it needed CAP_NET_RAW): its address as the
 * source, and the interface for the route. */
static int bind_by_address(int fd, const char *interface)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, interface, strlen(interface)); /* shorter than IFNAMSIZ */
    unsigned index = if_nametoindex(interface);
    if (!index)
        return -ENODEV;
    if (ioctl(fd, SIOCGIFADDR, &request) < 0)
        return -errno;
    if (bind(fd, &request.ifr_addr, sizeof(request.ifr_addr)) < 0)
        return -errno;
    return set_int(fd, IPPROTO_IP, IP_UNICAST_IF, (int)htonl(index));
}

static int bind_interface(int fd, const char *interface)
{
    size_t length = strlen(interface);
    if (length == 0 || length >= IFNAMSIZ)
        return -ENODEV;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)length) == 0)
        return 0;
    return errno == EPERM ? bind_by_address(fd, interface) : -errno;
}

static int send_packet(int fd, const struct wol_target *target)
{
    uint8_t packet[WOL_PACKET_MAX];
    size_t size = wol_packet(target, packet);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = target->broadcast, .sin_port = htons(target->port)};
    ssize_t sent = sendto(fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&to, sizeof(to));
    return sent < 0 ? -errno : 0;
}

int wol_send(const struct wol_target *target)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int r = set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
    if (r == 0 && target->interface)
        r = bind_interface(fd, target->interface);
    if (r == 0)
        r = send_packet(fd, target);
    (void)close(fd);
    return r;
}
