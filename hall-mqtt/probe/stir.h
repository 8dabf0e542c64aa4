/*
 * stir: has the kernel ask who holds an address, so that its neighbour table knows (arp(7)). Needs
 * no rights.
 */
#ifndef HALL_PROBE_STIR_H
#define HALL_PROBE_STIR_H

#include <stdint.h>

/* The kernel asks three times, once a second. */
enum { STIR_ANSWER_MS = 2500, STIR_PAUSE_MS = 20 };

/* Sends an empty datagram to each of n IPv4 addresses (host byte order), a few at once so that no
 * switch takes it for an attack. fd: a UDP socket that does not block. */
void stir(int fd, uint32_t first, uint32_t n);
void stir_pause(long ms);

#endif
