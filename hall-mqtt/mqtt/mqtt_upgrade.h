/*
 * mqtt_upgrade: while MQTT 3.1.1 is spoken because a broker gave no answer to MQTT 5, asks again
 * now and then, on a second connection that is closed at once: the broker may only have been
 * slow. Loop thread only; for mqtt_session.c, which owns the struct.
 */
#ifndef HALL_MQTT_MQTT_UPGRADE_H
#define HALL_MQTT_MQTT_UPGRADE_H

#include "mqtt/client_id.h"
#include "mqtt/mqtt_link.h"

enum { MQTT_UPGRADE_ANSWER_MS = 1000 }; /* how long an answer is waited for */

/* Zero until it is asked for. */
struct mqtt_upgrade {
    struct mqtt_options options; /* those of the session, without its name and will */
    char client_id[CLIENT_ID_SIZE];
    struct mqtt_link *link; /* NULL between two attempts */
    int64_t at, wait;       /* boot clock, ms: when something is to be done next */
    bool agreed;
};

/* To be called now and then; true once the broker has taken a connection by MQTT 5. */
bool mqtt_upgrade_tick(struct mqtt_upgrade *upgrade, sd_event *loop,
                       const struct mqtt_options *options, int64_t now);
/* Back to zero. */
void mqtt_upgrade_end(struct mqtt_upgrade *upgrade);

#endif
