#include "bridges/agent/logind/logind.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "bridges/agent/logind/logind_internal.h"
#include "say/say.h"

/* One for each: who asks for both at once needs another right than those that logind gives to
 * everybody. */
static const char *const held_things[] = {"sleep", "shutdown"};
static_assert(ARRAY_SIZE(held_things) == LOGIND_HOLDS, "an inhibitor for each");

const struct logind_verb_row logind_verbs[LOGIND_VERBS] = {
    [LOGIND_SUSPEND] = {"suspend", "Suspend", "CanSuspend"},
    [LOGIND_HIBERNATE] = {"hibernate", "Hibernate", "CanHibernate"},
    [LOGIND_POWEROFF] = {"poweroff", "PowerOff", "CanPowerOff"},
    [LOGIND_REBOOT] = {"reboot", "Reboot", "CanReboot"},
};

/* ---- words ---- */

struct fact logind_error_of(sd_bus_message *reply)
{
    const sd_bus_error *error = sd_bus_message_get_error(reply);
    const char *words = error->message ? error->message : error->name;
    char shown[LOGIND_SHOWN_SIZE];
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return FACT(LOGIND_ABSENT);
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
        sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
        return FACT(LOGIND_SILENT);
    text_show(shown, sizeof(shown), words, strlen(words));
    return fact_with(FACT(LOGIND_SAYS), shown, NULL);
}

struct fact logind_no_bus(int error)
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
        const struct fact why = logind_error_of(reply);
        char text[LOGIND_SHOWN_SIZE];
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

void logind_ask_holds(struct logind *logind)
{
    if (!logind->bus || !logind->hold_wanted)
        return;
    for (size_t i = 0; i < LOGIND_HOLDS; i++) {
        struct hold *hold = &logind->holds[i];
        if (!hold->asked && hold->fd < 0)
            hold->asked = sd_bus_call_method_async(
                              logind->bus, NULL, LOGIND_SERVICE, LOGIND_OBJECT, LOGIND_MANAGER,
                              "Inhibit", on_held, hold, "ssss", hold->what, "hall-agent",
                              "says goodbye before the network goes", "delay") >= 0;
    }
}

static void drop_holds(struct logind *logind)
{
    for (size_t i = 0; i < LOGIND_HOLDS; i++) {
        if (logind->holds[i].fd >= 0)
            close(logind->holds[i].fd);
        logind->holds[i].fd = -1;
    }
}

/* Those asked for of a logind or a bus that is gone are not answered any more. */
static void forget_holds(struct logind *logind)
{
    drop_holds(logind);
    for (size_t i = 0; i < LOGIND_HOLDS; i++)
        logind->holds[i].asked = false;
}

void logind_hold(struct logind *logind)
{
    logind->hold_wanted = true;
    logind_ask_holds(logind);
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
    const bool sleep = sd_bus_message_is_signal(message, LOGIND_MANAGER, "PrepareForSleep") > 0;
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
        logind_ask_holds(logind);
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
        "interface='org.freedesktop.DBus',arg0='" LOGIND_SERVICE "'",
        on_owner, NULL, logind);
    for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(signals); i++)
        error = sd_bus_match_signal_async(logind->bus, NULL, LOGIND_SERVICE, LOGIND_OBJECT,
                                          LOGIND_MANAGER, signals[i].signal, signals[i].handler,
                                          NULL, logind);
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
int logind_open_bus(struct logind *logind)
{
    if (is_open(logind))
        return 0;
    if (logind->about_sessions.pending + logind->about_inhibitors.pending +
            logind->about_units.pending + logind->about_can.pending >
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

/* ---- acting ---- */

static int on_acted(sd_bus_message *reply, void *context, sd_bus_error *ret_error)
{
    struct logind *logind = context;
    struct fact why = {0};
    (void)ret_error;
    if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        why = fact_with(FACT(LOGIND_NO_RIGHT), logind_verbs[logind->verb].word, NULL);
    else if (sd_bus_message_is_method_error(reply, NULL))
        why = logind_error_of(reply);
    logind->answer(logind->answer_context, &why);
    return 0;
}

void logind_act(struct logind *logind, enum logind_verb verb,
                void (*answer)(void *context, const struct fact *why), void *context)
{
    int error = logind_open_bus(logind);
    logind->answer = answer;
    logind->answer_context = context;
    logind->verb = verb;
    if (error >= 0)
        error = sd_bus_call_method_async(logind->bus, NULL, LOGIND_SERVICE, LOGIND_OBJECT,
                                         LOGIND_MANAGER, logind_verbs[verb].method, on_acted,
                                         logind, "b", 0);
    if (error >= 0)
        return;
    const struct fact why = logind_no_bus(error);
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
    for (size_t i = 0; i < LOGIND_HOLDS; i++)
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
