/*
 * dial: a TCP connection that is tried without waiting. Loop thread.
 */
#ifndef HALL_PROBE_DIAL_H
#define HALL_PROBE_DIAL_H

#include <netinet/in.h>
#include <stdint.h>

/* Begins; the socket becomes writable when it is decided. -errno. */
int dial_begin(struct in_addr address, uint16_t port, int *ret_fd);

/* How it went: 0 or -errno. */
int dial_result(int fd);

#endif
