/*
 * upstreams: which upstream an open connection leads to: a sorted table of every address and port
 * that the watched sites have, those of host names included (names.c). Loop thread only.
 */
#ifndef HALL_HALL_UPSTREAMS_H
#define HALL_HALL_UPSTREAMS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/stream.h"

struct upstreams;

/* loop and model are borrowed and outlive it. -ENOMEM. */
int upstreams_create(sd_event *loop, const struct model *model, struct upstreams **ret_upstreams);
void upstreams_destroy(struct upstreams *upstreams);

/* The peer that stands for a site's upstream, whatever addresses its name leads to. False: it has
 * none. */
bool upstreams_peer(const struct model *model, int site, struct stream_peer *ret_peer);

/* Looks names up again, where that is due; now: boot clock, ms. True: the table may be out of date.
 */
bool upstreams_refresh(struct upstreams *upstreams, int64_t now);
/* Rebuilds the table: begin, each watched site, end. */
void upstreams_begin(struct upstreams *upstreams);
void upstreams_add(struct upstreams *upstreams, int site);
void upstreams_end(struct upstreams *upstreams);

/* The ports of the table, rising, each once; how many. */
size_t upstreams_ports(const struct upstreams *upstreams, const uint16_t **ret_ports);
/* NULL: no upstream is there. An IPv4 address is written as IPv4 in IPv6. */
const struct stream_peer *upstreams_find(const struct upstreams *upstreams,
                                         const struct in6_addr *address, uint16_t port);

#endif
