/*
 * config_agent: the agent's file. The same machinery as domains.json reads it: a row per option,
 * all errors at once, each with file, JSON pointer, what was found and what is allowed. Reads the
 * file, nothing else.
 */
#ifndef HALL_AGENT_CONFIG_H
#define HALL_AGENT_CONFIG_H

#include "bridges/agent/watch/sample.h"
#include "config/document.h"

struct config_agent {
    struct document_head head;
    const char *docker_socket; /* NULL: containers are not looked after */
    unsigned rights;           /* enum agent_right */
    bool magic_packet_only;    /* nothing else may wake it: other Wake-on letters are cut */
    struct watch_config watch;
};

/* The names of the checks, in their order; ends with NULL. */
extern const char *const config_agent_checks[];

extern const struct document config_agent_document; /* of a struct config_agent */

#endif
