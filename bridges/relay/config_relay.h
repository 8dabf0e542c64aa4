/*
 * config_relay: the relay's file, read as the agent's is.
 */
#ifndef HALL_BRIDGES_RELAY_CONFIG_RELAY_H
#define HALL_BRIDGES_RELAY_CONFIG_RELAY_H

#include "config/document.h"

struct config_relay {
    struct document_head head;
    const char *interface; /* NULL: by route; never with raw */
    bool raw;              /* frames of type 0x0842 besides UDP */
    int rate;              /* packets a second at most */
};

extern const struct document config_relay_document; /* of a struct config_relay */

#endif
