/*
 * logind_internal: what the files of logind share. logind.c has the bus, the delay inhibitors and
 * what is asked for; logind_questions.c has what is asked about, logind_replies.c reads the
 * answers. sd-bus comes in here alone.
 */
#ifndef HALL_BRIDGES_AGENT_LOGIND_LOGIND_INTERNAL_H
#define HALL_BRIDGES_AGENT_LOGIND_LOGIND_INTERNAL_H

#include <systemd/sd-bus.h>

#include "base/array.h"
#include "bridges/agent/logind/logind.h"

#define LOGIND_SERVICE "org.freedesktop.login1"
#define LOGIND_OBJECT  "/org/freedesktop/login1"
#define LOGIND_MANAGER LOGIND_SERVICE ".Manager"

enum { LOGIND_HOLDS = 2, LOGIND_SHOWN_SIZE = 128 };

/* What is asked at once, in one call or several; `pending` of them are not answered. */
struct question {
    unsigned pending;
    void (*done)(void *context);
    void *context;
};

/* A call about one session, or one verb. */
struct call {
    struct logind *logind;
    struct logind_session *session;
    enum logind_verb verb;
};

struct hold {
    struct logind *logind;
    const char *what;
    bool asked;
    int fd; /* the inhibitor, or -1 */
};

struct logind {
    sd_event *loop;
    const struct logind_listener *listener;
    void *context;
    sd_bus *bus; /* NULL: not opened */

    struct question about_sessions, about_inhibitors, about_units, about_can;
    struct logind_sessions *sessions;
    struct logind_inhibitors *inhibitors;
    struct logind_units *units;
    struct logind_can *can;
    struct call calls[LOGIND_SESSIONS_MAX], verb_calls[LOGIND_VERBS];

    /* what it was asked for */
    void (*answer)(void *context, const struct fact *why);
    void *answer_context;
    enum logind_verb verb;

    bool told; /* a complaint about the bus, or about holding, is in the log */
    bool hold_wanted;
    struct hold holds[LOGIND_HOLDS];
};

struct logind_verb_row {
    const char *word, *method, *can;
};
extern const struct logind_verb_row logind_verbs[LOGIND_VERBS];

/* ---- logind_replies.c: what they answer. 0, or -errno where it is not of the form they give;
 * what came before that is taken. ---- */

typedef void logind_take_session(void *context, const char *user, const char *seat,
                                 const char *path);
int logind_read_sessions(sd_bus_message *reply, logind_take_session *take, void *context);
int logind_read_session(sd_bus_message *reply, struct logind_session *session); /* properties */
int logind_read_inhibitors(sd_bus_message *reply, struct logind_inhibitors *inhibitors);
int logind_read_units(sd_bus_message *reply, struct logind_units *units);

/* What went wrong, from a reply that is an error. */
struct fact logind_error_of(sd_bus_message *reply);
struct fact logind_no_bus(int error);
/* 0: the bus is open, maybe since now. */
int logind_open_bus(struct logind *logind);
/* Asks for the delay inhibitors that are wanted and not held. */
void logind_ask_holds(struct logind *logind);

#endif
