/*
 * companion: what the programs beside Hall, hall-agent and hall-wol, have in common: main(), their
 * file, and one connection to the broker whose last will says "offline". Loop thread only.
 */
#ifndef HALL_BRIDGES_COMPANION_COMPANION_H
#define HALL_BRIDGES_COMPANION_COMPANION_H

#include <systemd/sd-event.h>

#include "config/document.h"
#include "mqtt/mqtt.h"

struct companion {
    const char *name;
    const char *purpose; /* one line */
    const char *file;    /* the default one */
    const char *what;    /* what stands before the id: "agent of" */
    const struct document *document;
    /* Create, run, destroy. password: at the broker, or NULL. 0 or -errno, which is in the log. */
    int (*serve)(const void *config, const char *password);
};

int companion_main(const struct companion *companion, int argc, char *argv[]);

struct companion_topics {
    const char *role; /* of its client id */
    const char *state, *heard;
};

/* Connects and says "online" at `state`; hears what is said at `heard`. As mqtt_create. */
int companion_connect(sd_event *loop, const struct document_head *config, const char *password,
                      const struct companion_topics *topics, const struct mqtt_listener *listener,
                      void *context, struct mqtt **ret_mqtt);

#endif
