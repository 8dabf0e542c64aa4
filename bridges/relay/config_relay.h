/*
 * config_relay: the relay's file, read as the agent's is.
 */
#ifndef HALL_BRIDGES_RELAY_CONFIG_RELAY_H
#define HALL_BRIDGES_RELAY_CONFIG_RELAY_H

#include "base/buf.h"
#include "config/config.h"

struct config_relay {
    const char *file;
    const char *id;
    struct config_mqtt mqtt;
    const char *interface; /* NULL: by route; never with raw */
    bool raw;              /* frames of type 0x0842 besides UDP */
    int rate;              /* packets a second at most */
    void *memory;          /* owns all of it */
};

/* -EINVAL errors in the file; -ENOENT, -EACCES ... it cannot be read (said in errors too); -ENOMEM.
 */
int config_relay_load(const char *file, struct config_relay **ret_config, struct buf *errors);
int config_relay_parse(const char *file, const char *text, size_t length,
                       struct config_relay **ret_config, struct buf *errors);
void config_relay_free(struct config_relay *config);

#endif
