/*
 * wol_nic: does the network card wake this machine by a magic packet? By the ethtool ioctls
 * (linux/ethtool.h), which need CAP_NET_ADMIN even for reading.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_WOL_NIC_H
#define HALL_BRIDGES_AGENT_WATCH_WOL_NIC_H

#include <stdbool.h>

struct wol_nic {
    bool known, armed;
    char problem[96]; /* why it is not known, or cannot be; "" else */
};

void wol_nic_read(const char *interface, struct wol_nic *ret_nic);
/* Lets magic packets wake the machine, beside what else does. 0, -EPERM, -EOPNOTSUPP, -ENODEV ...
 */
int wol_nic_arm(const char *interface);

#endif
