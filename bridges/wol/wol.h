/*
 * wol: the magic packet and its sending. The packet: 6 x 0xFF, 16 x the MAC, optionally 4 or 6
 * bytes of SecureOn (AMD, "Magic Packet Technology", publication 20213). Sent as UDP broadcast on a
 * bound interface. No state, no thread.
 */
#ifndef HALL_WOL_WOL_H
#define HALL_WOL_WOL_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum { WOL_PACKET_MAX = 6 + 16 * 6 + 6 };

struct wol_target {
    uint8_t mac[6];
    uint8_t secureon[6];
    uint8_t secureon_length;  /* 0, 4 or 6 */
    struct in_addr broadcast; /* directed or limited broadcast; any address is sent to as given */
    uint16_t port;            /* UDP, usually 9 */
    const char *interface;    /* bound by SO_BINDTODEVICE (or, unprivileged, its address and
                                 IP_UNICAST_IF); NULL: by route */
};

/* Writes the payload; returns its length (102, 106 or 108). */
size_t wol_packet(const struct wol_target *target, uint8_t out[WOL_PACKET_MAX]);

/* Sends one packet. Never blocks. 0 or -errno (-ENODEV: no such interface, -ENETUNREACH, -EPERM
 * ...). */
int wol_send(const struct wol_target *target);

#endif
