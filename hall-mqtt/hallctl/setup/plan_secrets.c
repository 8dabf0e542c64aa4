/* The secrets: hall.env for the daemon, hallctl.json for people. What is there is kept. */
#include <string.h>

#include "hallctl/setup/edit.h"
#include "hallctl/setup/plan_internal.h"

enum { SECRET_MODE = 0600, LINE_SIZE = 4096 };

#define HEAD "# Secrets of Hall, which systemd reads as root. `hallctl setup` keeps what is here.\n"

/* ---- hall.env ---- */

/* As systemd and a shell both read it (systemd.exec(5), EnvironmentFile=). */
static void put_value(struct buf *out, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-+=/.,:@";

    if (value[strspn(value, plain)] == '\0') {
        buf_puts(out, value);
        return;
    }
    buf_putc(out, '"');
    for (const char *at = value; *at; at++) {
        if (strchr("\"\\$`", *at))
            buf_putc(out, '\\');
        buf_putc(out, *at);
    }
    buf_putc(out, '"');
}

/* The lines without those of this variable, and one of it at their end, or where it was. */
static const char *env_set(struct arena *arena, const char *text, const char *key,
                           const char *value)
{
    const size_t length = strlen(key);
    struct buf out = BUF_INIT(1 << 20);
    bool done = false;

    for (const char *line = text; *line;) {
        const size_t end = strcspn(line, "\n");
        const bool own = end > length && strncmp(line, key, length) == 0 && line[length] == '=';
        if (!own)
            buf_add(&out, line, end);
        if (own && !done) {
            buf_printf(&out, "%s=", key);
            put_value(&out, value);
        }
        if (!own || !done)
            buf_putc(&out, '\n');
        done = done || own;
        line += end + (line[end] == '\n');
    }
    if (!done) {
        buf_printf(&out, "%s=", key);
        put_value(&out, value);
        buf_putc(&out, '\n');
    }
    const char *set = buf_error(&out) == 0 ? arena_copy(arena, buf_text(&out)) : text;
    explicit_bzero(out.text, out.size);
    buf_finish(&out);
    return set;
}

/* Passwords of users that this machine does not need itself: for Home Assistant, for displays. */
static const char *note_user(struct arena *arena, const char *text, const char *user,
                             const char *password)
{
    return password ? arena_printf(arena, "%s# broker user %s: %s\n", text, user, password) : text;
}

static bool is_new(const struct planning *planning, const char *user)
{
    const char *users = planning->plan->new_users;
    const char *at = users ? strstr(users, user) : NULL;

    return at && (at == users || at[-1] == ' ');
}

static bool is_renewed(const struct planning *planning, const char *user)
{
    for (const char *const *one = planning->plan->renew; *one; one++)
        if (strcmp(*one, user) == 0)
            return true;
    return false;
}

static const char *set_variables(const struct planning *planning, const char *text)
{
    const struct setup_secrets *secrets = planning->secrets;
    const struct setup_answers *answers = planning->answers;
    struct arena *arena = planning->arena;
    const char *known = setup_variable(arena, text, "HALL_MQTT_PASSWORD");

    if (plan_is_local(planning) && (is_new(planning, "hall") || is_renewed(planning, "hall")))
        text = env_set(arena, text, "HALL_MQTT_PASSWORD", secrets->hall);
    if (setup_is_elsewhere(answers) && answers->broker_password &&
        (!known || strcmp(known, answers->broker_password) != 0))
        text = env_set(arena, text, "HALL_MQTT_PASSWORD", answers->broker_password);
    if (secrets->admin_hash)
        text = env_set(arena, text, "HALL_ADMIN_PASSWORD_HASH", secrets->admin_hash);
    if (planning->fresh && !setup_variable(arena, text, "HALL_SECRET_KEY"))
        text = env_set(arena, text, "HALL_SECRET_KEY", secrets->secret_key);
    if (planning->fresh && !setup_variable(arena, text, "HALL_API_KEY"))
        text = env_set(arena, text, "HALL_API_KEY", secrets->api_key);
    if (is_new(planning, "homeassistant"))
        text = note_user(arena, text, "homeassistant", secrets->homeassistant);
    return is_new(planning, "viewer") ? note_user(arena, text, "viewer", secrets->viewer) : text;
}

static const char *plan_environment(struct planning *planning)
{
    const struct setup_file *file = &planning->found->environment;
    const char *text = set_variables(planning, file->text ? file->text : HEAD);
    struct setup_change *change =
        file->text || strcmp(text, HEAD) != 0
            ? plan_file(planning, file->path, file->text, text, SECRET_MODE)
            : NULL;

    if (change) {
        change->secret = true;
        planning->link_changed = true;
    }
    return text;
}

/* ---- hallctl.json ---- */

const char *plan_settings(const struct setup_found *found)
{
    for (size_t i = 0; i < found->n_homes; i++)
        if (found->homes[i].settings.text)
            return found->homes[i].settings.text;
    return NULL;
}

static const char *new_settings(const struct planning *planning, const char *environment)
{
    struct arena *arena = planning->arena;
    const char *key = setup_variable(arena, environment, "HALL_API_KEY");
    const char *api =
        key ? arena_printf(arena, ",\n  \"api_key\": %s", plan_quote(arena, key)) : "";

    return arena_printf(arena,
                        "{\n  \"broker\": \"mqtt://127.0.0.1:1883\",\n"
                        "  \"username\": \"operator\",\n  \"password\": %s%s\n}\n",
                        plan_quote(arena, planning->secrets->operator), api);
}

/* A new operator's password goes into what is there; else that is kept. */
static const char *settings_of(const struct planning *planning, const struct setup_home *home,
                               const char *environment)
{
    const char *now = home->settings.text;

    if (!is_new(planning, "operator") && !is_renewed(planning, "operator"))
        return now ? now : plan_settings(planning->found);
    if (!now)
        return new_settings(planning, environment);
    const char *set = edit_set(planning->arena, now, (const char *const[]){"password", NULL},
                               plan_quote(planning->arena, planning->secrets->operator));
    return set ? set : now;
}

/* The one that setup takes care of, now or before. */
static bool is_our_broker(const struct planning *planning)
{
    return plan_is_local(planning) ||
           (!planning->answers->broker && planning->found->broker.drop_in.text);
}

void plan_secrets(struct planning *planning)
{
    const char *environment = plan_environment(planning);

    for (size_t i = 0; i < planning->found->n_homes && is_our_broker(planning); i++) {
        const struct setup_home *home = &planning->found->homes[i];
        const char *text = settings_of(planning, home, environment);
        struct setup_change *change =
            text ? plan_file(planning, home->settings.path, home->settings.text, text, SECRET_MODE)
                 : NULL;
        if (change) {
            change->secret = true;
            change->owner = OWNED_BY_HOME;
            change->home = i;
        }
    }
}
