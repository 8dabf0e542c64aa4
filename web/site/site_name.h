/*
 * site_name: the name of a site in X-Hall-Site, by which each block of a generated proxy
 * configuration tells Hall where it leads. "DOMAIN" is a domain's own site, "DOMAIN/PROJECT" the
 * project with that id; no two sites share a name. The generators write it and the gate compares
 * it, both from here. Pure.
 */
#ifndef HALL_WEB_SITE_SITE_NAME_H
#define HALL_WEB_SITE_SITE_NAME_H

#include <stdbool.h>

#include "core/model.h"

#define SITE_NAME_HEADER "X-Hall-Site"

enum { SITE_NAME_SIZE = 320 }; /* 253 of a domain, '/', 64 of an id, NUL */

/* Letters, digits, '-', '_', '.' and '/': needs no quotes in any proxy's language. */
const char *site_name(const struct model *model, const struct model_site *site,
                      char out[SITE_NAME_SIZE]);

#endif
