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

#include "base/array.h"
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

static void write_letters(uint32_t options, char ret_letters[WOL_LETTERS_SIZE])
{
    static const struct {
        uint32_t option;
        char letter;
    } letters[] = {{WAKE_PHY, 'p'}, {WAKE_UCAST, 'u'}, {WAKE_MCAST, 'm'},  {WAKE_BCAST, 'b'},
                   {WAKE_ARP, 'a'}, {WAKE_MAGIC, 'g'}, {WAKE_FILTER, 'f'}, {WAKE_MAGICSECURE, 's'}};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        if ((options & letters[i].option) != 0)
            ret_letters[n++] = letters[i].letter;
    ret_letters[n] = '\0';
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
    if (error == 0)
        write_letters(wol.wolopts, ret_nic->letters);
}

int wol_nic_arm(const char *interface, bool only)
{
    struct ethtool_wolinfo wol = {.cmd = ETHTOOL_GWOL};
    const int error = ask_card(interface, &wol);
    if (error < 0)
        return error;
    if ((wol.supported & WAKE_MAGIC) == 0)
        return -EOPNOTSUPP;
    const uint32_t kept = only ? wol.wolopts & WAKE_MAGICSECURE : wol.wolopts;
    if (wol.wolopts == (kept | WAKE_MAGIC))
        return 0;
    wol.cmd = ETHTOOL_SWOL;
    wol.wolopts = kept | WAKE_MAGIC;
    return ask_card(interface, &wol);
}
