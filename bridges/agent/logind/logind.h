/*
 * logind: org.freedesktop.login1 on the system bus (DBUS_SYSTEM_BUS_ADDRESS is honoured), by sd-bus
 * on the caller's loop; no call blocks. Opens the bus by itself and again after it was lost. Keeps
 * a delay inhibitor whenever it may, so that the listener hears of a sleep or shutdown before the
 * network goes. The only door to sd-bus. Loop thread only.
 */
#ifndef HALL_BRIDGES_AGENT_LOGIND_LOGIND_H
#define HALL_BRIDGES_AGENT_LOGIND_LOGIND_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "core/fact.h"

struct logind;

enum logind_change { LOGIND_SLEEP, LOGIND_SHUTDOWN };

struct logind_listener {
    /* PrepareForSleep, PrepareForShutdown: it is about to be (begins), or is over. */
    void (*going)(void *context, enum logind_change change, bool begins);
    void (*changed)(void *context); /* sessions came or went, or logind itself did */
};

/* -ENOMEM. A bus that cannot be reached is no failure: the questions below say so. */
int logind_create(sd_event *loop, const struct logind_listener *listener, void *context,
                  struct logind **ret_logind);
void logind_destroy(struct logind *logind);

/* ---- questions ---- */

enum {
    LOGIND_SESSIONS_MAX = 32,
    LOGIND_INHIBITORS_MAX = 32,
};

struct logind_session {
    char user[64], host[64], seat[32], class[24], state[16];
    bool remote, idle;
};

/* A problem says why the answer is not known; FACT_NONE: it is. */
struct logind_sessions {
    struct fact problem;
    size_t n;    /* in the list */
    size_t more; /* beyond it */
    struct logind_session list[LOGIND_SESSIONS_MAX];
};

struct logind_inhibitor {
    char who[64], why[96], what[64], mode[16];
};

struct logind_inhibitors {
    struct fact problem;
    size_t n, more;
    struct logind_inhibitor list[LOGIND_INHIBITORS_MAX];
};

enum logind_verb { LOGIND_SUSPEND, LOGIND_HIBERNATE, LOGIND_POWEROFF, LOGIND_REBOOT };
enum { LOGIND_VERBS = 4 };

/* What it can be asked for now. */
struct logind_can {
    struct fact problem;
    bool can[LOGIND_VERBS];
};

/*
 * Each fills in what it is given, which outlives the question, and then calls done, maybe before it
 * returns. One of a kind at a time. Each has 3 s.
 */
void logind_list_sessions(struct logind *logind, struct logind_sessions *sessions,
                          void (*done)(void *context), void *context);
void logind_list_inhibitors(struct logind *logind, struct logind_inhibitors *inhibitors,
                            void (*done)(void *context), void *context);
void logind_ask_can(struct logind *logind, struct logind_can *can, void (*done)(void *context),
                    void *context);

/* ---- acting ---- */

/* The answer may take its time, and comes once: why is FACT_NONE when logind agreed. */
void logind_act(struct logind *logind, enum logind_verb verb,
                void (*answer)(void *context, const struct fact *why), void *context);

/* Takes the delay inhibitor, or lets the machine go. */
void logind_hold(struct logind *logind);
void logind_release(struct logind *logind);

#endif
