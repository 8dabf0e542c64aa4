/*
 * wol_raw: the magic packet as an Ethernet frame of type 0x0842, for cards that are woken by no
 * other, and for servers of other IP networks on the same wire. Needs CAP_NET_RAW.
 */
#ifndef HALL_BRIDGES_RELAY_WOL_RAW_H
#define HALL_BRIDGES_RELAY_WOL_RAW_H

#include "bridges/wol/wol.h"

enum { WOL_ETHER_TYPE = 0x0842 };

/* A socket that sends such frames and hears nothing. Its descriptor; -EPERM without the right. */
int wol_raw_open(void);

/* Broadcasts one frame on target's interface. Never blocks. 0 or -errno (-ENODEV: no such
 * interface, -ENETDOWN). */
int wol_raw_send(int fd, const struct wol_target *target);

#endif
