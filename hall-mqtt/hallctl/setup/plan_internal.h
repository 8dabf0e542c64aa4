/* plan_internal: what the parts of the plan share. */
#ifndef HALL_HALLCTL_SETUP_PLAN_INTERNAL_H
#define HALL_HALLCTL_SETUP_PLAN_INTERNAL_H

#include "base/json.h"
#include "config/config.h"
#include "hallctl/setup/setup.h"

struct planning {
    struct arena *arena;
    const struct setup_answers *answers;
    const struct setup_found *found;
    const struct setup_secrets *secrets;
    struct setup_plan *plan;
    struct setup_notes *notes;
    struct json *before;   /* domains.json as it is; NULL: there is none */
    struct config *config; /* as it will be; NULL: it has errors */
    bool fresh;            /* nothing was configured yet: defaults may be set */
    bool link_changed;     /* broker or listeners: Hall takes those at a start only */
};

/* Is Hall to use a broker on this machine that setup takes care of? */
bool plan_is_local(const struct planning *planning);
/* The interface that was asked for, else that of the default route. */
const struct setup_interface *plan_interface(const struct planning *planning);
/* Does this program run, and listen? */
bool plan_listens(const struct planning *planning, const char *program);
/* A file that is to have this text; nothing where it has. Returns it, or NULL. */
struct setup_change *plan_file(struct planning *planning, const char *path, const char *before,
                               const char *after, mode_t mode);
const char *plan_quote(struct arena *arena, const char *text); /* as JSON */
bool plan_is_host(const char *text);                           /* fit for a certificate */
const char *plan_address(struct arena *arena, struct in_addr address);

/* The hallctl.json that some home has; NULL: none. */
const char *plan_settings(const struct setup_found *found);

void plan_broker(struct planning *planning);       /* plan_broker.c */
void plan_domains(struct planning *planning);      /* plan_domains.c: also makes config */
void plan_domains_file(struct planning *planning); /* writes it, behind all that goes with it */
void plan_secrets(struct planning *planning);      /* plan_secrets.c */
void plan_proxy(struct planning *planning);        /* plan_proxy.c */

#endif
