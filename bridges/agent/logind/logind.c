#include "bridges/agent/logind/logind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/text.h"
#include "say/say.h"

#define SERVICE "org.freedesktop.login1"
#define OBJECT  "/org/freedesktop/login1"
#define MANAGER SERVICE ".Manager"

enum { ANSWER_US = 3000000, SHOWN_SIZE = 128 };

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

/* One for each: who asks for both at once needs another right than those that logind gives to
 * everybody. */
static const char *const held_things[] = {"sleep", "shutdown"};
enum { HOLDS = ARRAY_SIZE(held_things) };

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

    struct question about_sessions, about_inhibitors, about_can;
    struct logind_sessions *sessions;
    struct logind_inhibitors *inhibitors;
    struct logind_can *can;
    struct call calls[LOGIND_SESSIONS_MAX], verb_calls[LOGIND_VERBS];

    /* what it was asked for */
    void (*answer)(void *context, const struct fact *why);
    void *answer_context;
    enum logind_verb verb;

    bool told; /* a complaint about the bus, or about holding, is in the log */
    bool hold_wanted;
    struct hold holds[HOLDS];
};

static const struct {
    const char *word, *method, *can;
} verbs[LOGIND_VERBS] = {
    [LOGIND_SUSPEND] = {"suspend", "Suspend", "CanSuspend"},
    [LOGIND_HIBERNATE] = {"hibernate", "Hibernate", "CanHibernate"},
    [LOGIND_POWEROFF] = {"poweroff", "PowerOff", "CanPowerOff"},
    [LOGIND_REBOOT] = {"reboot", "Reboot", "CanReboot"},
};

/* ---- words ---- */

/* What went wrong, from a reply that is an error. */
static struct fact error_of(sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    const char *words = error->message ? error->message : error->name;
    char shown[SHOWN_SIZE];
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return FACT(LOGIND_ABSENT);
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
        return FACT(LOGIND_SILENT);
    text_show(shown, sizeof(shown), words, strlen(words));
    return fact_with(FACT(LOGIND_SAYS), shown, NULL);
}

static struct fact no_bus(int error)
{
    return fact_with(FACT(LOGIND_NO_BUS), strerror(-error), NULL);
}

/* ---- the delay inhibitor ---- */

static int on_held(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct hold *hold = context;
    int fd = -1;
    (void)ret_error;
    hold->asked = false;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        const struct fact why = error_of(reply);
        char text[SHOWN_SIZE];
        if (!hold->logind->told)
            log_warning("no goodbye can be said when someone else sends this machine to sleep: %s",
                        say_fact_text(&why, NULL, (struct say_how){0}, text, sizeof(text)));
        hold->logind->told = true;
        return 0;
    }
    hold->logind->told = false;
    if (hold->logind->hold_wanted && hold->fd < 0 && sd_bus_message_read(reply, "h", &fd) > 0)
        hold->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message keeps and closes its own */
    return 0;
}

static void ask_holds(struct logind *logind)
{
    if (!logind->bus || !logind->hold_wanted)
        return;
    for (size_t i = 0; i < HOLDS; i++) {
        struct hold *hold = &logind->holds[i];
        if (!hold->asked && hold->fd < 0)
            hold->asked =
                sd_bus_call_method_async(logind->bus, NULL, SERVICE, OBJECT, MANAGER, "Inhibit",
                                         on_held, hold, "ssss", hold->what, "hall-agent",
                                         "says goodbye before the network goes", "delay") >= 0;
    }
}

static void drop_holds(struct logind *logind)
{
    for (size_t i = 0; i < HOLDS; i++) {
        if (logind->holds[i].fd >= 0)
            close(logind->holds[i].fd);
        logind->holds[i].fd = -1;
    }
}

/* Those asked for of a logind or a bus that is gone are not answered any more. */
static void forget_holds(struct logind *logind)
{
    drop_holds(logind);
    for (size_t i = 0; i < HOLDS; i++)
        logind->holds[i].asked = false;
}

void logind_hold(struct logind *logind)
{
    logind->hold_wanted = true;
    ask_holds(logind);
}

void logind_release(struct logind *logind)
{
    logind->hold_wanted = false;
    drop_holds(logind);
}

/* ---- signals ---- */

static int on_prepare(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    const bool sleep = sd_bus_message_is_signal(message, MANAGER, "PrepareForSleep") > 0;
    int begins = 0;
    (void)ret_error;
    if (sd_bus_message_read(message, "b", &begins) > 0)
        logind->listener->going(logind->context, sleep ? LOGIND_SLEEP : LOGIND_SHUTDOWN,
                                begins != 0);
    return 0;
}

static int on_session(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    (void)message;
    (void)ret_error;
    logind->listener->changed(logind->context);
    return 0;
}

/* A new logind knows nothing of an inhibitor that its predecessor gave, unless it kept it: a second
 * one does no harm. */
static int on_owner(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    const char *name, *before, *after;
    (void)ret_error;
    if (sd_bus_message_read(message, "sss", &name, &before, &after) <= 0)
        return 0;
    forget_holds(logind);
    if (after[0] != '\0')
        ask_holds(logind);
    logind->listener->changed(logind->context);
    return 0;
}

/* ---- the bus ---- */

static int watch(struct logind *logind)
{
    static const struct {
        const char *signal;
        sd_bus_message_handler_t handler;
    } signals[] = {
        {"PrepareForSleep", on_prepare},
        {"PrepareForShutdown", on_prepare},
        {"SessionNew", on_session},
        {"SessionRemoved", on_session},
    };
    int error = sd_bus_add_match_async(
        logind->bus, NULL,
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
        "interface='org.freedesktop.DBus',arg0='" SERVICE "'",
        on_owner, NULL, logind);
    for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(signals); i++)
        error = sd_bus_match_signal_async(logind->bus, NULL, SERVICE, OBJECT, MANAGER,
                                          signals[i].signal, signals[i].handler, NULL, logind);
    return error < 0 ? error : 0;
}

static void close_bus(struct logind *logind)
{
    if (logind->bus)
        sd_bus_detach_event(logind->bus);
    logind->bus = sd_bus_close_unref(logind->bus);
    forget_holds(logind);
}

static bool is_open(const struct logind *logind)
{
    return logind->bus && sd_bus_is_open(logind->bus) > 0;
}

/* A lost bus still owes its answers to what was asked: it is opened again after them. */
static int open_bus(struct logind *logind)
{
    if (is_open(logind))
        return 0;
    if (logind->about_sessions.pending + logind->about_inhibitors.pending +
            logind->about_can.pending >
        0)
        return -ENOTCONN;
    close_bus(logind);
    int error = sd_bus_open_system(&logind->bus);
    if (error >= 0)
        error = sd_bus_attach_event(logind->bus, logind->loop, SD_EVENT_PRIORITY_NORMAL);
    if (error >= 0)
        error = watch(logind);
    if (error < 0)
        close_bus(logind);
    return error < 0 ? error : 0;
}

/* ---- questions ---- */

static void answered(struct question *question)
{
    if (--question->pending == 0)
        question->done(question->context);
}

/* Where it can be asked; it is answered once more than it has calls, so that done comes once. */
static bool begin(struct logind *logind, struct question *question, void (*done)(void *context),
                  void *context, struct fact *problem)
{
    const int error = open_bus(logind);
    *question = (struct question){.pending = 1, .done = done, .context = context};
    *problem = error < 0 ? no_bus(error) : FACT(NONE);
    return error == 0;
}

/* argument: a string, or NULL for none. */
static void ask(struct logind *logind, struct question *question, const char *path,
                const char *interface, const char *method, const char *argument,
                sd_bus_message_handler_t handler, void *context, struct fact *problem)
{
    sd_bus_message *call = NULL;
    int error =
        sd_bus_message_new_method_call(logind->bus, &call, SERVICE, path, interface, method);
    if (error >= 0 && argument)
        error = sd_bus_message_append(call, "s", argument);
    if (error >= 0)
        error = sd_bus_call_async(logind->bus, NULL, call, handler, context, ANSWER_US);
    sd_bus_message_unref(call);
    if (error >= 0)
        question->pending++;
    else
        *problem = no_bus(error);
}

/* The properties of a session that matter, by name. */
static int read_property(sd_bus_message *reply, struct logind_session *session)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
        bool *flag;
    } rows[] = {
        {"State", session->state, sizeof(session->state), NULL},
        {"Class", session->class, sizeof(session->class), NULL},
        {"RemoteHost", session->host, sizeof(session->host), NULL},
        {"Remote", NULL, 0, &session->remote},
        {"IdleHint", NULL, 0, &session->idle},
    };
    const char *name, *text;
    int error = sd_bus_message_read(reply, "s", &name), flag = 0;
    for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        error = rows[i].flag ? sd_bus_message_read(reply, "v", "b", &flag)
                             : sd_bus_message_read(reply, "v", "s", &text);
        if (error >= 0 && rows[i].flag)
            *rows[i].flag = flag != 0;
        else if (error >= 0)
            text_show(rows[i].text, rows[i].size, text, strlen(text));
        return error;
    }
    return error < 0 ? error : sd_bus_message_skip(reply, "v");
}

static int read_properties(sd_bus_message *reply, struct logind_session *session)
{
    int error = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (error >= 0 && (error = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        error = read_property(reply, session);
        if (error >= 0)
            error = sd_bus_message_exit_container(reply);
    }
    return error;
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
        *problem = error_of(reply);
    else if (read_properties(reply, call->session) < 0)
        *problem = FACT(LOGIND_ODD);
    answered(&logind->about_sessions);
    return 0;
}

static void take_session(struct logind *logind, const char *user, const char *seat,
                         const char *path)
{
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
        SERVICE ".Session", on_properties, &logind->calls[index], &sessions->problem);
}

static int on_sessions(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact *problem = &logind->sessions->problem;
    const char *id, *user, *seat, *path;
    uint32_t uid;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        *problem = error_of(reply);
    } else {
        int error = sd_bus_message_enter_container(reply, 'a', "(susso)");
        while (error >= 0 &&
               (error = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0)
            take_session(logind, user, seat, path);
        if (error < 0)
            *problem = FACT(LOGIND_ODD);
    }
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
        ask(logind, question, OBJECT, MANAGER, "ListSessions", NULL, on_sessions, logind,
            &sessions->problem);
    answered(question);
}

static void take_inhibitor(struct logind_inhibitors *inhibitors, const char *what, const char *who,
                           const char *why, const char *mode)
{
    if (inhibitors->n == LOGIND_INHIBITORS_MAX) {
        inhibitors->more++;
        return;
    }
    struct logind_inhibitor *inhibitor = &inhibitors->list[inhibitors->n++];
    text_show(inhibitor->what, sizeof(inhibitor->what), what, strlen(what));
    text_show(inhibitor->who, sizeof(inhibitor->who), who, strlen(who));
    text_show(inhibitor->why, sizeof(inhibitor->why), why, strlen(why));
    text_show(inhibitor->mode, sizeof(inhibitor->mode), mode, strlen(mode));
}

static int on_inhibitors(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact *problem = &logind->inhibitors->problem;
    const char *what, *who, *why, *mode;
    uint32_t uid, pid;
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        *problem = error_of(reply);
    } else {
        int error = sd_bus_message_enter_container(reply, 'a', "(ssssuu)");
        while (error >= 0 && (error = sd_bus_message_read(reply, "(ssssuu)", &what, &who, &why,
                                                          &mode, &uid, &pid)) > 0)
            take_inhibitor(logind->inhibitors, what, who, why, mode);
        if (error < 0)
            *problem = FACT(LOGIND_ODD);
    }
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
        ask(logind, question, OBJECT, MANAGER, "ListInhibitors", NULL, on_inhibitors, logind,
            &inhibitors->problem);
    answered(question);
}

/* "yes", "no", "challenge" (only a person could say yes) or "na". */
static int on_can(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    const struct call *call = context;
    struct logind *logind = call->logind;
    const char *word = "";
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, NULL))
        logind->can->problem = error_of(reply);
    else if (sd_bus_message_read(reply, "s", &word) > 0)
        logind->can->can[call->verb] = strcmp(word, "yes") == 0;
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
        ask_holds(logind);
        for (enum logind_verb verb = LOGIND_SUSPEND; verb <= LOGIND_REBOOT; verb++) {
            logind->verb_calls[verb] = (struct call){.logind = logind, .verb = verb};
            ask(logind, question, OBJECT, MANAGER, verbs[verb].can, NULL, on_can,
                &logind->verb_calls[verb], &can->problem);
        }
    }
    answered(question);
}

/* ---- acting ---- */

static int on_acted(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact why = {0};
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        why = fact_with(FACT(LOGIND_NO_RIGHT), verbs[logind->verb].word, NULL);
    else if (sd_bus_message_is_method_error(reply, NULL))
        why = error_of(reply);
    logind->answer(logind->answer_context, &why);
    return 0;
}

void logind_act(struct logind *logind, enum logind_verb verb,
                void (*answer)(void *context, const struct fact *why), void *context)
{
    int error = open_bus(logind);
    logind->answer = answer;
    logind->answer_context = context;
    logind->verb = verb;
    if (error >= 0)
        error = sd_bus_call_method_async(logind->bus, NULL, SERVICE, OBJECT, MANAGER,
                                         verbs[verb].method, on_acted, logind, "b", 0);
    if (error >= 0)
        return;
    const struct fact why = no_bus(error);
    logind->answer(logind->answer_context, &why);
}

/* ---- life ---- */

int logind_create(sd_event *loop, const struct logind_listener *listener, void *context,
                  struct logind **ret_logind)
{
    struct logind *logind = calloc(1, sizeof(*logind));
    if (!logind)
        return -ENOMEM;
    *logind = (struct logind){
        .loop = sd_event_ref(loop), .listener = listener, .context = context, .hold_wanted = true};
    for (size_t i = 0; i < HOLDS; i++)
        logind->holds[i] = (struct hold){.logind = logind, .what = held_things[i], .fd = -1};
    *ret_logind = logind;
    return 0;
}

void logind_destroy(struct logind *logind)
{
    if (!logind)
        return;
    close_bus(logind);
    sd_event_unref(logind->loop);
    free(logind);
}
