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
    LOGIND_UNITS_MAX = 32,
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

/* It keeps the machine from sleeping or going down, not only for a while. Pure, as those below. */
bool logind_inhibits_sleep(const struct logind_inhibitor *inhibitor);
/* It only says that the machine is not idle: a film plays. */
bool logind_inhibits_idle(const struct logind_inhibitor *inhibitor);
/* One of these keeps it from sleeping or going down, or that is not known. */
bool logind_is_inhibited(const struct logind_inhibitors *inhibitors);

enum logind_verb { LOGIND_SUSPEND, LOGIND_HIBERNATE, LOGIND_POWEROFF, LOGIND_REBOOT };
enum { LOGIND_VERBS = 4 };

/* What it says to "can you?". Blocked: it can, and will as soon as no program inhibits it; of who
 * that is the list of inhibitors tells. */
enum logind_answer {
    LOGIND_NO, /* this agent may not; also where nothing was answered */
    LOGIND_YES,
    LOGIND_CHALLENGE, /* a person would have to allow it */
    LOGIND_UNABLE,    /* this machine cannot */
    LOGIND_BLOCKED,
    LOGIND_STRANGE, /* a word that is not known here */
};

/* What it can be asked for now. */
struct logind_can {
    struct fact problem;
    enum logind_answer can[LOGIND_VERBS];
};

/* The word of CanSuspend and the like; those of version 257 and later too. Pure. */
enum logind_answer logind_read_answer(const char *word);

/* Units of systemd that start, stop or reload. */
struct logind_unit {
    char name[64], sub[24];
};

struct logind_units {
    struct fact problem;
    size_t n, more;
    struct logind_unit list[LOGIND_UNITS_MAX];
};

/*
 * Each fills in what it is given, which outlives the question, and then calls done, maybe before it
 * returns. One of a kind at a time. Each has 3 s.
 */
void logind_list_sessions(struct logind *logind, struct logind_sessions *sessions,
                          void (*done)(void *context), void *context);
void logind_list_inhibitors(struct logind *logind, struct logind_inhibitors *inhibitors,
                            void (*done)(void *context), void *context);
/* Of systemd itself, on the same bus; none where it is not there. */
void logind_list_busy_units(struct logind *logind, struct logind_units *units,
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
