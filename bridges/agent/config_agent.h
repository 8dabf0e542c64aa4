/*
 * config_agent: the agent's file. The same machinery as domains.json reads it: a row per option,
 * all errors at once, each with file, JSON pointer, what was found and what is allowed. Reads the
 * file, nothing else.
 */
#ifndef HALL_AGENT_CONFIG_H
#define HALL_AGENT_CONFIG_H

#include "base/buf.h"
#include "bridges/agent/activity.h"
#include "config/config.h"

struct config_agent {
    const char *file;
    const char *id;
    struct config_mqtt mqtt;
    const char *docker_socket; /* NULL: containers are not looked after */
    const char *interface;     /* NULL: that of the default route */
    unsigned rights;           /* enum order_right */
    struct activity_limits activity;
    const char *const *command; /* argv, NULL-terminated; NULL: none */
    void *memory;               /* owns all of it */
};

/* -EINVAL errors in the file; -ENOENT, -EACCES ... it cannot be read (said in errors too); -ENOMEM.
 */
int config_agent_load(const char *file, struct config_agent **ret_config, struct buf *errors);
int config_agent_parse(const char *file, const char *text, size_t length,
                       struct config_agent **ret_config, struct buf *errors);
void config_agent_free(struct config_agent *config);

#endif
