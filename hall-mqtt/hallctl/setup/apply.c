/* Carries the plan out: the broker's scripts first, then files, then the services in the order in
 * which they need each other. */
#include <errno.h>
#include <string.h>

#include "hallctl/setup/command.h"
#include "hallctl/setup/setup.h"
#include "hallctl/setup/write.h"

enum { ARGUMENTS_MAX = 64 };

/* ---- the broker's scripts ---- */

/* What make-users.sh prints of this user: "NAME PASSWORD". */
static const char *password_of(struct arena *arena, const char *printed, const char *user)
{
    const size_t length = strlen(user);

    for (const char *line = printed; *line; line += *line == '\n') {
        const size_t end = strcspn(line, "\n");
        if (end > length + 1 && strncmp(line, user, length) == 0 && line[length] == ' ')
            return arena_copy_part(arena, line + length + 1, end - length - 1);
        line += end;
    }
    return NULL;
}

static int make_users(struct arena *arena, const struct setup_plan *plan,
                      struct setup_secrets *secrets, struct setup_notes *notes)
{
    const char *argv[2 * SETUP_RENEW_MAX + 2] = {setup_share(arena, "make-users.sh")};
    for (size_t i = 0; plan->renew[i]; i++) {
        argv[2 * i + 1] = "--renew";
        argv[2 * i + 2] = plan->renew[i];
    }
    struct buf out = BUF_INIT(COMMAND_OUT_MAX);
    const bool good = command_run(argv, &out, notes);

    secrets->hall = password_of(arena, buf_text(&out), "hall");
    secrets->operator= password_of(arena, buf_text(&out), "operator");
    secrets->homeassistant = password_of(arena, buf_text(&out), "homeassistant");
    secrets->viewer = password_of(arena, buf_text(&out), "viewer");
    if (out.text)
        explicit_bzero(out.text, out.size);
    buf_finish(&out);
    return good ? 0 : -EIO;
}

static int make_certificate(struct arena *arena, const struct setup_plan *plan,
                            struct setup_notes *notes)
{
    const char *argv[ARGUMENTS_MAX] = {setup_share(arena, "make-certs.sh")};
    char *rest = arena_copy(arena, plan->names);
    size_t n = 1;

    for (char *name; rest && n + 3 < ARGUMENTS_MAX && (name = strsep(&rest, " "));)
        if (name[0]) {
            argv[n++] = "--host";
            argv[n++] = name;
        }
    return command_run(argv, NULL, notes) ? 0 : -EIO;
}

int setup_make_users(struct arena *arena, const struct setup_plan *plan,
                     struct setup_secrets *secrets, struct setup_notes *notes)
{
    int error = plan->new_users || plan->renew[0] ? make_users(arena, plan, secrets, notes) : 0;

    if (error == 0 && plan->names)
        error = make_certificate(arena, plan, notes);
    return error;
}

/* ---- files and services ---- */

static int write_files(const struct setup_plan *plan, const struct setup_found *found, bool proxy,
                       struct setup_notes *notes)
{
    int error = 0;

    for (size_t i = 0; i < plan->n_changes && error == 0; i++)
        if (plan->changes[i].proxy == proxy)
            error = write_change(&plan->changes[i], found, notes);
    return error;
}

/* From now on it starts with the machine too: one that another program installed may not. */
static bool start_service(const char *verb, const char *unit, struct setup_notes *notes)
{
    return command_service("enable", unit, notes) && command_service(verb, unit, notes);
}

static int apply_proxy(const struct setup_plan *plan, const struct setup_found *found,
                       struct setup_notes *notes)
{
    const struct proxy_place *place = plan->proxy;
    bool good = write_files(plan, found, true, notes) == 0;

    if (good && place->check)
        good = command_run(place->check, NULL, notes);
    if (good)
        return start_service(place->restarts ? "restart" : "reload-or-restart", place->service,
                             notes)
                   ? 0
                   : -EIO;
    for (size_t i = 0; i < plan->n_changes; i++)
        if (plan->changes[i].proxy)
            write_undo(&plan->changes[i], found, notes);
    return -EIO;
}

int setup_apply(const struct setup_plan *plan, const struct setup_found *found,
                struct setup_notes *notes)
{
    if (write_files(plan, found, false, notes) < 0)
        return -EIO;
    /* One that does not start keeps the next from nothing: what is written is the same for all. */
    if (plan->restart_broker)
        (void)start_service("restart", "mosquitto", notes);
    if (plan->restart_hall)
        (void)command_service("restart", "hall", notes);
    if (plan->reload_hall)
        (void)command_service("reload", "hall", notes);
    if (notes->errors > 0)
        return -EIO;
    return plan->proxy ? apply_proxy(plan, found, notes) : 0;
}
