/*
 * sablier: what the plugins of Sablier (https://sablierapp.dev) ask of it, read as questions about
 * sites: names are projects (by id, or by a container), or domains; a group is a domain with all it
 * has. Themes and details are taken and ignored. Pure.
 */
#ifndef HALL_WEB_GATE_SABLIER_H
#define HALL_WEB_GATE_SABLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fact.h"
#include "web/site/uri.h"

enum {
    SABLIER_SITES_MAX = MODEL_PROJECTS_MAX + 1,
    SABLIER_NAME_SIZE = 254,
    SABLIER_REFRESH_MS = 5000,
    SABLIER_TIMEOUT_MS = 60000,
};

struct sablier {
    size_t n;
    int sites[SABLIER_SITES_MAX];    /* each once */
    int64_t refresh, timeout;        /* ms */
    char missing[SABLIER_NAME_SIZE]; /* NO_NAME, NO_GROUP: which */
};

enum sablier_fault {
    SABLIER_FINE,
    SABLIER_NEITHER,  /* names and group are both missing */
    SABLIER_BOTH,     /* and both are there */
    SABLIER_BROKEN,   /* a parameter cannot be read */
    SABLIER_DURATION, /* one is no duration */
    SABLIER_TOO_MANY, /* names */
    SABLIER_NO_NAME,
    SABLIER_NO_GROUP,
};

enum sablier_fault sablier_read(const struct model *model, struct span query,
                                struct sablier *ret_sablier);

/* The status it is answered with, and what is wrong and what to do. Not of SABLIER_FINE. */
int sablier_fault_status(enum sablier_fault fault);
struct fact sablier_fault_fact(enum sablier_fault fault, const struct sablier *sablier);

/* "1m30s", "1.5h", "300ms", "0": as Go writes durations (https://pkg.go.dev/time#ParseDuration).
 * False: it is none, is negative, or longer than ten years. */
bool sablier_duration(const char *text, int64_t *ret_ms);

#endif
