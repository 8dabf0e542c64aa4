/*
 * echo: the message of an ICMP echo (RFC 792) as an ICMP socket of the kernel takes and gives it:
 * the kernel sets identifier and checksum, and hands over only answers to our identifier. Pure.
 */
#ifndef HALL_PROBE_ECHO_H
#define HALL_PROBE_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ECHO_SIZE = 24 };

void echo_write(uint16_t slot, uint64_t nonce, uint8_t out[ECHO_SIZE]);

/* False: it is no answer to an echo of ours. */
bool echo_read(const void *bytes, size_t size, uint32_t *ret_slot, uint64_t *ret_nonce);

#endif
