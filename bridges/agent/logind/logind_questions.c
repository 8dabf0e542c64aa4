/* What logind is asked about: who is there, what inhibits, what it can. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "bridges/agent/logind/logind_internal.h"

enum { ANSWER_US = 3000000 };

static void answered(struct question *question)
{
    if (--question->pending == 0)
        question->done(question->context);
}

/* Where it can be asked; it is answered once more than it has calls, so that done comes once. */
static bool begin(struct logind *logind, struct question *question, void (*done)(void *context),
                  void *context, struct fact *problem)
{
    const int error = logind_open_bus(logind);
    *question = (struct question){.pending = 1, .done = done, .context = context};
    *problem = error < 0 ? logind_no_bus(error) : FACT(NONE);
    return error == 0;
}

/* argument: a string, or NULL for none. */
static void ask(struct logind *logind, struct question *question, const char *path,
                const char *interface, const char *method, const char *argument,
                sd_bus_message_handler_t handler, void *context, struct fact *problem)
{
    sd_bus_message *call = NULL;
    int error =
        sd_bus_message_new_method_call(logind->bus, &call, LOGIND_SERVICE, path, interface, method);
    if (error >= 0 && argument)
        error = sd_bus_message_append(call, "s", argument);
    if (error >= 0)
        error = sd_bus_call_async(logind->bus, NULL, call, handler, context, ANSWER_US);
    sd_bus_message_unref(call);
    if (error >= 0)
        question->pending++;
    else
        *problem = logind_no_bus(error);
}

/* One that is gone meanwhile does not count any more. */
static int on_properties(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    const struct call *call = context;
    struct logind *logind = call->logind;
    struct fact *problem = &logind->sessions->problem;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_OBJECT))
        text_copy(call->session->state, sizeof(call->session->state), "closing");
    else if (sd_bus_message_is_method_error(reply, NULL))
        *problem = logind_error_of(reply);
    else if (logind_read_session(reply, call->session) < 0)
        *problem = FACT(LOGIND_ODD);
    answered(&logind->about_sessions);
    return 0;
}

static void take_session(void *context, const char *user, const char *seat, const char *path)
{
    struct logind *logind = context;
    struct logind_sessions *sessions = logind->sessions;
    if (sessions->n == LOGIND_SESSIONS_MAX) {
        sessions->more++;
        return;
    }
    const size_t index = sessions->n++;
    struct logind_session *session = &sessions->list[index];
    *session = (struct logind_session){.class = "user"};
    text_show(session->user, sizeof(session->user), user, strlen(user));
    text_show(session->seat, sizeof(session->seat), seat, strlen(seat));
    logind->calls[index] = (struct call){.logind = logind, .session = session};
    ask(logind, &logind->about_sessions, path, "org.freedesktop.DBus.Properties", "GetAll",
        LOGIND_SERVICE ".Session", on_properties, &logind->calls[index], &sessions->problem);
}

static int on_sessions(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact *problem = &logind->sessions->problem;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL))
        *problem = logind_error_of(reply);
    else if (logind_read_sessions(reply, take_session, logind) < 0)
        *problem = FACT(LOGIND_ODD);
    answered(&logind->about_sessions);
    return 0;
}

void logind_list_sessions(struct logind *logind, struct logind_sessions *sessions,
                          void (*done)(void *context), void *context)
{
    struct question *question = &logind->about_sessions;
    logind->sessions = sessions;
    sessions->n = sessions->more = 0;
    if (begin(logind, question, done, context, &sessions->problem))
        ask(logind, question, LOGIND_OBJECT, LOGIND_MANAGER, "ListSessions", NULL, on_sessions,
            logind, &sessions->problem);
    answered(question);
}

static int on_inhibitors(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact *problem = &logind->inhibitors->problem;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL))
        *problem = logind_error_of(reply);
    else if (logind_read_inhibitors(reply, logind->inhibitors) < 0)
        *problem = FACT(LOGIND_ODD);
    answered(&logind->about_inhibitors);
    return 0;
}

void logind_list_inhibitors(struct logind *logind, struct logind_inhibitors *inhibitors,
                            void (*done)(void *context), void *context)
{
    struct question *question = &logind->about_inhibitors;
    logind->inhibitors = inhibitors;
    inhibitors->n = inhibitors->more = 0;
    if (begin(logind, question, done, context, &inhibitors->problem))
        ask(logind, question, LOGIND_OBJECT, LOGIND_MANAGER, "ListInhibitors", NULL, on_inhibitors,
            logind, &inhibitors->problem);
    answered(question);
}

/* ---- units ---- */

static int on_units(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct logind_units *units = logind->units;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        const struct fact why = logind_error_of(reply);
        if (!fact_is(&why, FACT_LOGIND_ABSENT)) /* another init has no units */
            units->problem = FACT(LOOK_NO_UNITS);
    } else if (logind_read_units(reply, units) < 0) {
        units->problem = FACT(LOOK_NO_UNITS);
    }
    answered(&logind->about_units);
    return 0;
}

static int append_strings(sd_bus_message *call, const char *const *strings)
{
    int error = sd_bus_message_open_container(call, 'a', "s");
    for (size_t i = 0; error >= 0 && strings[i]; i++)
        error = sd_bus_message_append(call, "s", strings[i]);
    return error < 0 ? error : sd_bus_message_close_container(call);
}

void logind_list_busy_units(struct logind *logind, struct logind_units *units,
                            void (*done)(void *context), void *context)
{
    static const char *const states[] = {"activating", "deactivating", "reloading", NULL};
    static const char *const patterns[] = {"*.service", NULL};
    struct question *question = &logind->about_units;
    sd_bus_message *call = NULL;
    logind->units = units;
    units->n = units->more = 0;
    int error = begin(logind, question, done, context, &units->problem) ? 0 : -ENOTCONN;
    if (error >= 0)
        error = sd_bus_message_new_method_call(
            logind->bus, &call, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager", "ListUnitsByPatterns");
    if (error >= 0)
        error = append_strings(call, states);
    if (error >= 0)
        error = append_strings(call, patterns);
    if (error >= 0)
        error = sd_bus_call_async(logind->bus, NULL, call, on_units, logind, ANSWER_US);
    sd_bus_message_unref(call);
    if (error >= 0)
        question->pending++;
    else if (fact_is(&units->problem, FACT_NONE))
        units->problem = logind_no_bus(error);
    answered(question);
}

/* ---- what it can ---- */

static int on_can(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    const struct call *call = context;
    struct logind *logind = call->logind;
    const char *word = "";
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL))
        logind->can->problem = logind_error_of(reply);
    else if (sd_bus_message_read(reply, "s", &word) > 0)
        logind->can->can[call->verb] = logind_read_answer(word);
    answered(&logind->about_can);
    return 0;
}

void logind_ask_can(struct logind *logind, struct logind_can *can, void (*done)(void *context),
                    void *context)
{
    struct question *question = &logind->about_can;
    logind->can = can;
    *can = (struct logind_can){0};
    if (begin(logind, question, done, context, &can->problem)) {
        logind_ask_holds(logind);
        for (enum logind_verb verb = LOGIND_SUSPEND; verb <= LOGIND_REBOOT; verb++) {
            logind->verb_calls[verb] = (struct call){.logind = logind, .verb = verb};
            ask(logind, question, LOGIND_OBJECT, LOGIND_MANAGER, logind_verbs[verb].can, NULL,
                on_can, &logind->verb_calls[verb], &can->problem);
        }
    }
    answered(question);
}
