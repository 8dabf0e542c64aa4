/*
 * address: where a client is, IPv4 or IPv6. IPv4 is kept as IPv4 in IPv6 (RFC 4291, section
 * 2.5.5.2), so that ::ffff:192.0.2.1 is 192.0.2.1 in every list and count. Pure.
 */
#ifndef HALL_BASE_ADDRESS_H
#define HALL_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { ADDRESS_TEXT_SIZE = 52 }; /* as text, with "/64" and NUL */

struct address {
    uint8_t bytes[16]; /* network byte order; all 0: none */
};

struct address address_v4(struct in_addr v4);
bool address_is_v4(struct address address);
struct in_addr address_to_v4(struct address address); /* of one that is */
bool address_is_none(struct address address);
bool address_equal(struct address a, struct address b);

/* "192.0.2.1", "2001:db8::1"; ::1 is 127.0.0.1. No port, no zone. -EINVAL. */
int address_parse(const char *text, struct address *ret_address);
/* As people write it (RFC 5952); "" for none. Returns out. */
char *address_format(struct address address, char out[ADDRESS_TEXT_SIZE]);

/* Whom an address counts as: an IPv4 address is one client, of IPv6 a whole /64, which one
 * household has and chooses its addresses from (RFC 4291, section 2.5.4). */
struct address address_client(struct address address);
/* Such a client as text: "192.0.2.1", "2001:db8:0:1::/64". Returns out. */
char *address_format_client(struct address client, char out[ADDRESS_TEXT_SIZE]);

/* A range. {0}: everyone. */
struct cidr {
    struct address network;
    uint8_t bits; /* of the 16 bytes that are the same in all of it */
};
/* "192.168.1.0/24", "2001:db8::/32", or one address; host bits must be zero. 0.0.0.0/0 is everyone,
 * as ::/0 is. -EINVAL. */
int cidr_parse(const char *text, struct cidr *ret_range);
bool cidr_contains(const struct cidr *range, struct address address);
bool cidr_is_everyone(const struct cidr *range);
char *cidr_format(const struct cidr *range, char out[ADDRESS_TEXT_SIZE]); /* "192.168.1.0/24" */

#endif
