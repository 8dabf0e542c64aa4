/*
 * names: where upstreams are that the configuration gives a name. A proxy connects to what the name
 * leads to, which need not be the address of the server. Names are looked up on a thread, since
 * that can block, and again every minute while somebody asks. IPv4 addresses are written as IPv4 in
 * IPv6.
 */
#ifndef HALL_HALL_NAMES_H
#define HALL_HALL_NAMES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/model.h"

struct names;

enum { NAME_ADDRESSES_MAX = 16 };

/* loop and model are borrowed and outlive it. -ENOMEM. */
int names_create(sd_event *loop, const struct model *model, struct names **ret_names);
void names_destroy(struct names *names);
/* Looks them up again, where that is due; now: boot clock, ms. True: an earlier look-up has ended
 * since the last call. */
bool names_refresh(struct names *names, int64_t now);
size_t names_count(const struct names *names); /* sites whose upstream has a name */
/* Those of one site's upstream; how many. None: it is an address, or not known yet. */
size_t names_addresses(const struct names *names, int site,
                       struct in6_addr ret_addresses[static NAME_ADDRESSES_MAX]);

#endif
