/*
 * logind: org.freedesktop.login1 on the system bus (DBUS_SYSTEM_BUS_ADDRESS is honoured), by sd-bus
 * on the caller's loop; no call blocks. Opens the bus by itself and again after it was lost. Keeps
 * a delay inhibitor whenever it may, so that the listener hears of a sleep or shutdown before the
 * network goes. The only door to sd-bus. Loop thread only.
 */
#ifndef HALL_AGENT_LOGIND_H
#define HALL_AGENT_LOGIND_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "bridges/agent/activity.h"
#include "bridges/agent/agent_orders.h"

struct logind;

enum logind_change { LOGIND_SLEEP, LOGIND_SHUTDOWN };

struct logind_listener {
    /* PrepareForSleep, PrepareForShutdown: it is about to be (begins), or is over. */
    void (*going)(void *context, enum logind_change change, bool begins);
    void (*changed)(void *context); /* sessions came or went, or logind itself did */
};

/* -ENOMEM. A bus that cannot be reached is no failure: logind_look says so. */
int logind_create(sd_event *loop, const struct logind_listener *listener, void *context,
                  struct logind **ret_logind);
void logind_destroy(struct logind *logind);

/* What can be asked of it now, by enum order_verb. */
struct logind_can {
    char problem[ACTIVITY_PROBLEM_SIZE]; /* why nothing can; "" else */
    bool can[ORDER_REBOOT + 1];
};

/*
 * Fills in sessions and inhibitors of the sample, and can; then calls done, maybe before it
 * returns. Both outlive the look. One at a time. Each question has 3 s.
 */
void logind_look(struct logind *logind, struct activity_sample *sample, struct logind_can *can,
                 void (*done)(void *context), void *context);

/* Asks for a power verb; the answer may take its time, and comes once: reason is "" when logind
 * agreed. */
void logind_act(struct logind *logind, enum order_verb verb,
                void (*answer)(void *context, const char *reason), void *context);

/* Takes the delay inhibitor, or lets the machine go. */
void logind_hold(struct logind *logind);
void logind_release(struct logind *logind);

#endif
