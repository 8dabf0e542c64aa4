/* network: the interfaces of this machine and who answers on their networks. */
#ifndef HALL_HALLCTL_SETUP_NETWORK_H
#define HALL_HALLCTL_SETUP_NETWORK_H

#include "hallctl/setup/setup.h"

/* Interfaces with an IPv4 address, that of the default route first, and the kernel's neighbours. */
void network_find(struct setup_found *found);
/* Asks for the MACs of all addresses of a network of /22 or smaller; takes 2.5 s. */
void network_scan(struct setup_found *found, const struct setup_interface *interface);

#endif
