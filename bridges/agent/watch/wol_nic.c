#include "bridges/agent/watch/wol_nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

static int ask_card(const char *interface, struct ethtool_wolinfo *wol)
{
    struct ifreq request = {.ifr_data = (char *)wol};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    text_copy(request.ifr_name, sizeof(request.ifr_name), interface);
    const int error = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static const char *explain(int error)
{
    switch (-error) {
    case EPERM:
        return "reading needs the capability CAP_NET_ADMIN";
    case EOPNOTSUPP:
        return "its driver knows no Wake-on-LAN";
    case ENODEV:
        return "there is no such interface";
    default:
        return strerror(-error);
    }
}

void wol_nic_read(const char *interface, struct wol_nic *ret_nic)
{
    struct ethtool_wolinfo wol = {.cmd = ETHTOOL_GWOL};
    const int error = ask_card(interface, &wol);
    *ret_nic = (struct wol_nic){.known = error == 0 || error == -EOPNOTSUPP};
    if (error < 0)
        snprintf(ret_nic->problem, sizeof(ret_nic->problem), "%s", explain(error));
    else if ((wol.supported & WAKE_MAGIC) == 0)
        snprintf(ret_nic->problem, sizeof(ret_nic->problem),
                 "the card cannot wake by a magic packet");
    else
        ret_nic->armed = (wol.wolopts & WAKE_MAGIC) != 0;
}

int wol_nic_arm(const char *interface)
{
    struct ethtool_wolinfo wol = {.cmd = ETHTOOL_GWOL};
    const int error = ask_card(interface, &wol);
    if (error < 0)
        return error;
    if ((wol.supported & WAKE_MAGIC) == 0)
        return -EOPNOTSUPP;
    if ((wol.wolopts & WAKE_MAGIC) != 0)
        return 0;
    wol.cmd = ETHTOOL_SWOL;
    wol.wolopts |= WAKE_MAGIC;
    return ask_card(interface, &wol);
}
