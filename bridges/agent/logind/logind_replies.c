/* What logind and systemd answer, read out of their messages. */
#include <string.h>

#include "base/text.h"
#include "bridges/agent/logind/logind_internal.h"

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

int logind_read_session(sd_bus_message *reply, struct logind_session *session)
{
    int error = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (error >= 0 && (error = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        error = read_property(reply, session);
        if (error >= 0)
            error = sd_bus_message_exit_container(reply);
    }
    return error;
}

int logind_read_sessions(sd_bus_message *reply, logind_take_session *take, void *context)
{
    const char *id, *user, *seat, *path;
    uint32_t uid;
    int error = sd_bus_message_enter_container(reply, 'a', "(susso)");
    while (error >= 0 &&
           (error = sd_bus_message_read(reply, "(susso)", &id, &uid, &user, &seat, &path)) > 0)
        take(context, user, seat, path);
    return error;
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

int logind_read_inhibitors(sd_bus_message *reply, struct logind_inhibitors *inhibitors)
{
    const char *what, *who, *why, *mode;
    uint32_t uid, pid;
    int error = sd_bus_message_enter_container(reply, 'a', "(ssssuu)");
    while (error >= 0 && (error = sd_bus_message_read(reply, "(ssssuu)", &what, &who, &why, &mode,
                                                      &uid, &pid)) > 0)
        take_inhibitor(inhibitors, what, who, why, mode);
    return error;
}

static void take_unit(struct logind_units *units, const char *name, const char *sub)
{
    if (units->n == LOGIND_UNITS_MAX) {
        units->more++;
        return;
    }
    struct logind_unit *unit = &units->list[units->n++];
    text_show(unit->name, sizeof(unit->name), name, strlen(name));
    text_show(unit->sub, sizeof(unit->sub), sub, strlen(sub));
}

int logind_read_units(sd_bus_message *reply, struct logind_units *units)
{
    const char *name, *sub;
    int error = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (error >= 0 &&
           (error = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL, &sub, NULL,
                                        NULL, NULL, NULL, NULL)) > 0)
        take_unit(units, name, sub);
    return error;
}
