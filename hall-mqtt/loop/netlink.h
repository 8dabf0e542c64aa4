/*
 * netlink: asks the kernel for one of its tables, or for one entry of it, and hands over what it
 * answers, message by message. Never waits: the kernel answers while it is asked, and fills a dump
 * while it is read. Every length is checked, so a message that is cut or lies about its size ends
 * the walk, nothing more. One user at a time.
 */
#ifndef HALL_LOOP_NETLINK_H
#define HALL_LOOP_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;

/* protocol: NETLINK_SOCK_DIAG ...; -errno of socket(2), -ENOMEM. */
int netlink_create(int protocol, struct netlink **ret_netlink);
void netlink_destroy(struct netlink *netlink);

/* The body of a message, behind its header. False: enough was seen. */
typedef bool netlink_take(void *context, uint16_t type, const void *body, size_t size);

/* The request begins with its header, whose length and type are set; sequence and flags are set
 * here. 0, also where take ended it; -errno as the kernel refuses it (-EPERM, -ENOENT ...). */
int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_take *take,
                 void *context);
/* The same for the one thing that the request names. */
int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, netlink_take *take,
                void *context);

/* One datagram of an answer to the request of that sequence: true where it ends the answer, with
 * what the kernel made of the request in ret_error, 0 or -errno. Pure. */
bool netlink_walk(const void *datagram, size_t size, uint32_t sequence, netlink_take *take,
                  void *context, int *ret_error);

/* The data of the first attribute of this type among those in `bytes`, with its size; NULL where
 * there is none of at least that many bytes. Pure. */
const void *netlink_attribute(const void *bytes, size_t size, uint16_t type, size_t least,
                              size_t *ret_size);

#endif
