/*
 * forwarded: TCP connections that come to this machine and are passed on by address translation, to
 * containers that Docker publishes, to guests, to other machines. They end in no socket here; the
 * kernel's connection tracking knows them (ctnetlink, which needs CAP_NET_ADMIN). Never waits.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_FORWARDED_H
#define HALL_BRIDGES_AGENT_WATCH_FORWARDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct forwarded;

/* Addresses as in tcp_socket. */
struct forwarded_flow {
    uint64_t id;
    struct in6_addr from, to; /* as the client sees it: to and port are this machine's */
    uint16_t port;
    bool counted;      /* the kernel counts bytes: net.netfilter.nf_conntrack_acct */
    int64_t bytes;     /* payload, nearly: headers are subtracted at their usual size */
    int64_t timeout_s; /* until the kernel forgets it: starts over at each packet; -1: not told */
    bool open;         /* neither end has closed for good */
};

/* False: enough was seen. */
typedef bool forwarded_take(void *context, const struct forwarded_flow *flow);

int forwarded_create(struct forwarded **ret_forwarded);
void forwarded_destroy(struct forwarded *forwarded);

/* Those whose destination is translated. Turns on the kernel's byte counters where that is allowed
 * and they are off; connections that are older than that stay without. 0, also where this kernel
 * tracks nothing or forwards nothing; -EPERM: there may be some, and they cannot be seen; another
 * -errno. */
int forwarded_list(struct forwarded *forwarded, forwarded_take *take, void *context);

/* How long ago the last packet of this flow came, keepalives included, as its timeout tells; 0
 * where that is not known. */
int64_t forwarded_silent_s(const struct forwarded *forwarded, const struct forwarded_flow *flow);

/* One message of the kernel; false where it is no TCP connection with a translated destination.
 * Pure. */
bool forwarded_read(const void *body, size_t size, struct forwarded_flow *ret_flow);

#endif
