/*
 * mqtt_session: the life of the connections to one broker, one after the other: phases, the birth
 * message, when to send, when to give up, back-off. What is heard meanwhile is mqtt_hear's. For
 * mqtt.c, which owns the struct.
 */
#ifndef HALL_MQTT_MQTT_SESSION_H
#define HALL_MQTT_MQTT_SESSION_H

#include "mqtt/backoff.h"
#include "mqtt/mqtt.h"
#include "mqtt/mqtt_link.h"
#include "mqtt/mqtt_sender.h"
#include "mqtt/mqtt_upgrade.h"

enum {
    MQTT_WHY_SIZE = 192,
    MQTT_MARK_SIZE = 20,
    MQTT_ANSWER_MS = 5000,
    MQTT_LEFT_MAX = 64,
    MQTT_TICK_MS = 8000, /* 3 ticks and their inaccuracy stay below 1.5 x keepalive */
};

enum mqtt_phase {
    PHASE_WAITING,     /* for the next attempt */
    PHASE_RESOLVING,   /* until there is a socket */
    PHASE_CONNECTING,  /* until CONNACK */
    PHASE_SUBSCRIBING, /* until every SUBACK */
    PHASE_READING,     /* until the first echo: by then the broker has replayed what it holds */
    PHASE_RUNNING,
};

struct mqtt {
    sd_event *loop;
    struct mqtt_options options; /* own copies */
    const struct mqtt_listener *listener;
    void *context;

    struct mqtt_sender sender;
    struct mqtt_link *link; /* of this attempt or connection; a new one each time */
    sd_event_source *timer;
    enum mqtt_phase phase;
    struct backoff backoff;
    char mark[MQTT_MARK_SIZE];
    unsigned turn;
    bool v311;       /* this connection's protocol */
    bool retry_v311; /* the next attempt's */
    unsigned doubts; /* attempts with MQTT 5 that got no answer, in a row */
    bool silent;     /* and the broker was silent at the last of them */
    bool knew_v5;    /* MQTT 5 was spoken before */
    bool guessed;    /* that this is 3.1.1's, since MQTT 5 got no answer */
    struct mqtt_upgrade upgrade;
    bool up, told;   /* what the listener was told, and whether it was */
    bool born;       /* the birth message is in the map */
    bool browsing;   /* what the broker holds below the browsed filters is being read */
    bool browsed;    /* it has been */
    int browsing_id; /* of the subscription */
    bool closing;
    bool broken;                  /* the connection is to be dropped at the next turn of the loop */
    bool again;                   /* and made again at once */
    uint64_t left[MQTT_LEFT_MAX]; /* hashes of what 3.1.1 will give back; 0: none */
    size_t next_left;
    int pending_subscriptions[3];
    size_t n_pending_subscriptions;
    int64_t up_at, echo_at; /* boot clock, ms */
    int64_t echo_since;     /* the first of those that did not come back yet */
    bool echo_pending;
    uint64_t echo_first, echo_number; /* of those that are waited for */
    int64_t suspended_us;             /* BOOTTIME minus MONOTONIC */
    int64_t complained_at;
    char why[MQTT_WHY_SIZE], told_why[MQTT_WHY_SIZE];
};

/* loop, options, listener and context are filled in, the rest is zero. The first attempt is made by
 * the loop. -ENOMEM, -errno of sd-event; to be finished in any case. */
int mqtt_session_init(struct mqtt *mqtt);
/* Leaves the broker in good order, where there is a connection and time for it. */
void mqtt_session_finish(struct mqtt *mqtt, int64_t limit_ms);

bool mqtt_session_is_up(const struct mqtt *mqtt);
/* The same, and nothing waits or is on its way, not even the birth message. */
bool mqtt_session_is_settled(const struct mqtt *mqtt);
/* Drops the connection and makes it anew at once. */
void mqtt_session_renew(struct mqtt *mqtt, const char *why);
/* Sends what waits, as far as it may be sent now. */
void mqtt_session_pump(struct mqtt *mqtt);

/* For mqtt_hear.c. */

int64_t mqtt_session_now(const struct mqtt *mqtt); /* boot clock, ms, of this turn of the loop */
/* When the session looks at itself again; what is broken off is seen to at once. */
void mqtt_session_arm(struct mqtt *mqtt, int64_t delay_ms);
/* Tells the listener, if it does not know yet. */
void mqtt_session_tell(struct mqtt *mqtt, bool up, const char *why);
/* May one more complaint be logged? */
bool mqtt_session_may_complain(struct mqtt *mqtt);
const char *mqtt_session_user(const struct mqtt *mqtt); /* for messages */
/* Ends the connection: what is published does not come back. */
void mqtt_session_echo_missing(struct mqtt *mqtt);

#endif
