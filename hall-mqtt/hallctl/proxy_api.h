/* proxy_api: asks a running Traefik by its API, and says which of its routers pass Hall by. */
#ifndef HALL_HALLCTL_PROXY_API_H
#define HALL_HALLCTL_PROXY_API_H

#include "hallctl/hallctl.h"

enum { PROXY_API_WHY = 512 };

/* --check of proxy-config; the exit status. */
int proxy_api_check(const struct call *call, const struct config *config);

/* The same for others: a line for each finding. -EHOSTUNREACH, -EBADMSG: ret_why says why. */
int proxy_api_find(const char *api, const struct config *config, struct buf *ret_lines,
                   char ret_why[PROXY_API_WHY]);

#endif
