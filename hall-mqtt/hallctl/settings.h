/*
 * settings: where the broker and Hall's admin address are, and who asks. Each of these is taken
 * from the first that names it: an option of the command line, the configuration of --config, the
 * environment, ~/.config/hall/hallctl.json, for root the daemon's own files, the default. Secrets
 * never come from the command line, which everyone on the machine can read.
 */
#ifndef HALL_HALLCTL_SETTINGS_H
#define HALL_HALLCTL_SETTINGS_H

#include <stdbool.h>

#include "config/config.h"
#include "hallctl/arguments.h"

struct settings {
    struct config_mqtt mqtt;
    const char *broker;          /* as people write it, for messages */
    const char *password;        /* or NULL */
    const char *admin;           /* "http://127.0.0.1:8881" */
    const char *api_key;         /* or NULL */
    const struct config *config; /* of --config, or NULL */
    bool is_stranger;            /* Hall is on this machine, and who asks is not known */
    void *memory;
};

/* -EINVAL, -ENOENT ...: what is wrong is reported. */
int settings_load(const struct call *call, struct settings *ret_settings, struct report *report);
void settings_finish(struct settings *settings); /* wipes; accepts a zeroed one */

#endif
