/* proxy_api: asks a running Traefik by its API, and says which of its routers pass Hall by. */
#ifndef HALL_HALLCTL_PROXY_API_H
#define HALL_HALLCTL_PROXY_API_H

#include "hallctl/hallctl.h"

/* --check of proxy-config; the exit status. */
int proxy_api_check(const struct call *call, const struct config *config);

#endif
