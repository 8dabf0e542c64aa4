/*
 * wol_nic: does the network card wake this machine by a magic packet, and by what else? By the
 * ethtool ioctls (linux/ethtool.h), which need CAP_NET_ADMIN even for reading.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_WOL_NIC_H
#define HALL_BRIDGES_AGENT_WATCH_WOL_NIC_H

#include <stdbool.h>

enum { WOL_LETTERS_SIZE = 9 };

struct wol_nic {
    bool known, armed;
    char letters[WOL_LETTERS_SIZE]; /* as ethtool(8) writes what it wakes by; "" nothing, or not
                                       known */
    char problem[96];               /* why it is not known, or cannot be; "" else */
};

void wol_nic_read(const char *interface, struct wol_nic *ret_nic);
/* Lets magic packets wake the machine, beside what else does or (`only`) nothing else. 0, -EPERM,
 * -EOPNOTSUPP, -ENODEV ... */
int wol_nic_arm(const char *interface, bool only);

#endif
