/* Mosquitto on this machine: its drop-in with the TLS listener, rights, users, certificate. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "hallctl/setup/plan_internal.h"

enum { PUBLIC_MODE = 0644 };

#define TLS_LISTENER "listener 8883"

/* ---- the drop-in ---- */

static bool has_line(const char *text, const char *start)
{
    for (const char *line = text; line && *line; line += *line == '\n') {
        if (strncmp(line, start, strlen(start)) == 0)
            return true;
        line += strcspn(line, "\n");
    }
    return false;
}

/* The block that begins with "#listener 8883" is switched on; it ends at the first line that is no
 * comment. */
static const char *with_tls(struct arena *arena, const char *text)
{
    char *copy = arena_copy(arena, text);
    char *to = copy ? strstr(copy, "\n#" TLS_LISTENER) : NULL;

    if (!to)
        return copy;
    const char *from = ++to;
    while (*from == '#') {
        const size_t length = strcspn(++from, "\n") + 1;
        memmove(to, from, length);
        to += length;
        from += length;
    }
    memmove(to, from, strlen(from) + 1);
    return copy;
}

static void plan_drop_in(struct planning *planning)
{
    const struct setup_broker *broker = &planning->found->broker;

    if (has_line(broker->drop_in.text, TLS_LISTENER))
        return;
    plan_file(planning, broker->drop_in.path, broker->drop_in.text,
              with_tls(planning->arena, broker->share_drop_in), PUBLIC_MODE);
}

/* A file without Hall's user is somebody else's; with changes it is kept. */
static void plan_rights(struct planning *planning)
{
    const struct setup_broker *broker = &planning->found->broker;
    const char *now = broker->acl.text;

    if (!now)
        plan_file(planning, broker->acl.path, NULL, broker->share_acl, PUBLIC_MODE);
    else if (!has_line(now, "user hall"))
        setup_note(planning->notes, SETUP_BROKER_FOREIGN, broker->acl.path, "acl_file", NULL);
    else if (strcmp(now, broker->share_acl) != 0)
        setup_note(planning->notes, SETUP_ACL_KEPT, broker->acl.path, NULL);
}

/* ---- users ---- */

static bool has_user(const char *users, const char *name)
{
    char start[SLUG_MAX + 2];

    snprintf(start, sizeof(start), "%s:", name);
    return has_line(users, start);
}

static void plan_users(struct planning *planning)
{
    const char *users = planning->found->broker.users.text;
    struct setup_plan *plan = planning->plan;

    for (const char *const *role = setup_roles; *role; role++)
        if (!has_user(users, *role))
            plan->new_users = plan->new_users
                                  ? arena_printf(planning->arena, "%s %s", plan->new_users, *role)
                                  : *role;
    size_t n = 0;
    if (has_user(users, "hall") &&
        !setup_variable(planning->arena, planning->found->environment.text, "HALL_MQTT_PASSWORD"))
        plan->renew[n++] = "hall";
    /* Later the operator may be known on other machines alone. */
    if (has_user(users, "operator") && setup_is_fresh(planning->found) &&
        !plan_settings(planning->found))
        plan->renew[n++] = "operator";
}

/* ---- the certificate ---- */

/* Is it among "DNS:hall,IP:192.168.1.2"? */
static bool is_named(const char *names, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = names; at && (at = strchr(at, ':'));) {
        at++;
        if (strncmp(at, name, length) == 0 && strchr(",\n", at[length])) /* or its end */
            return true;
    }
    return false;
}

/* Those of the certificate that is there, as they are given to make-certs.sh. */
static const char *named_already(struct arena *arena, const char *names)
{
    const char *all = "";

    for (const char *at = names; at && (at = strchr(at, ':'));) {
        const size_t length = strcspn(++at, ",\n");
        const char *one = arena_copy_part(arena, at, length);
        all = one ? arena_printf(arena, "%s%s%s", all, all[0] ? " " : "", one) : all;
        at += length;
    }
    return all;
}

static void plan_certificate(struct planning *planning)
{
    const struct setup_broker *broker = &planning->found->broker;
    const struct setup_interface *interface = plan_interface(planning);
    struct arena *arena = planning->arena;
    const char *host = planning->found->hostname;
    const char *const wanted[] = {
        plan_is_host(host) ? host : NULL,
        plan_is_host(host) && !strchr(host, '.') ? arena_printf(arena, "%s.local", host) : NULL,
        interface ? plan_address(arena, interface->address) : NULL,
    };
    const char *all = named_already(arena, broker->names.text);
    bool missing = !broker->has_certificate;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (wanted[i] && !is_named(broker->names.text, wanted[i])) {
            missing = true;
            all = arena_printf(arena, "%s%s%s", all, all[0] ? " " : "", wanted[i]);
        }
    planning->plan->names = missing ? all : NULL;
}

/* ---- all ---- */

static bool is_open(const struct setup_found *found, uint16_t port)
{
    for (size_t i = 0; i < found->n_listeners; i++)
        if (found->listeners[i].port == port)
            return true;
    return false;
}

/* With the drop-in: Debian's own configuration has no TLS listener. */
static bool is_running(const struct setup_found *found)
{
    return is_open(found, 1883) &&
           (is_open(found, 8883) || !has_line(found->broker.drop_in.text, TLS_LISTENER));
}

void plan_broker(struct planning *planning)
{
    const struct setup_broker *broker = &planning->found->broker;

    if (!plan_is_local(planning)) {
        /* One that was set up before and does not run. */
        planning->plan->restart_broker =
            !planning->answers->broker && broker->drop_in.text && !is_running(planning->found);
        return;
    }
    if (!broker->installed) {
        setup_note(planning->notes, SETUP_BROKER_MISSING, NULL);
        return;
    }
    if (broker->foreign_file) {
        setup_note(planning->notes, SETUP_BROKER_FOREIGN, broker->foreign_file,
                   broker->foreign_word, NULL);
        return;
    }
    if (!broker->share_drop_in || !broker->share_acl) {
        setup_note(planning->notes, SETUP_SHARE, setup_share(planning->arena, "mosquitto.conf"),
                   NULL);
        return;
    }
    const size_t before = planning->plan->n_changes;
    plan_drop_in(planning);
    plan_rights(planning);
    plan_users(planning);
    plan_certificate(planning);
    planning->plan->restart_broker = planning->plan->n_changes > before ||
                                     planning->plan->new_users || planning->plan->renew[0] ||
                                     planning->plan->names || !is_running(planning->found);
}
