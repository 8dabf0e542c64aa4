/*
 * mqtt_ending: why a connection to a broker is over: in words, with what to look at, and as its
 * socket tells. For mqtt_link.c.
 */
#ifndef HALL_MQTT_MQTT_ENDING_H
#define HALL_MQTT_MQTT_ENDING_H

#include <stdbool.h>

enum mqtt_ending_kind {
    MQTT_ENDING_ERRNO,
    MQTT_ENDING_CLOSED,
    MQTT_ENDING_TLS,
    MQTT_ENDING_NAME,
    MQTT_ENDING_NONSENSE, /* what came is not MQTT */
    MQTT_ENDING_OTHER,
};

struct mqtt_ending {
    enum mqtt_ending_kind kind;
    int error;         /* of MQTT_ENDING_ERRNO */
    const char *words; /* the library's own */
    bool answered;     /* the broker had said yes or no */
    bool asked;        /* it was there, and knew what was wanted */
    bool tls, v311;
};

const char *mqtt_ending_text(const struct mqtt_ending *ending);
/* What to look at: "" or the rest of the sentence. */
const char *mqtt_ending_hint(const struct mqtt_ending *ending);
bool mqtt_ending_is_hangup(const struct mqtt_ending *ending);

/* Whether the connection is over: 0: it is not; -ENODATA: the other side closed it; -errno. lost:
 * what is told where somebody else has taken the error from the socket before. */
int mqtt_ending_look(int fd, int lost);

#endif
