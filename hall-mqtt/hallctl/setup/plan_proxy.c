/* The reverse proxy: what it is given, beside what others have told it. */
#include <string.h>

#include "hallctl/setup/plan_internal.h"

enum { PUBLIC_MODE = 0644 };

#define MADE_BY "# Made from domains.json by: hallctl"

static void for_proxy(struct setup_change *change)
{
    if (change)
        change->proxy = true;
}

/* ---- the configuration ---- */

static bool has_certificate(const struct setup_found *found, const char *host)
{
    for (size_t i = 0; i < found->n_certificates; i++)
        if (strcmp(found->certificates[i], host) == 0)
            return true;
    return false;
}

static void check_certificates(struct planning *planning, const struct proxy_place *place)
{
    const struct config *config = planning->config;

    if (!place->needs_certificates || !config->proxy.tls || config->proxy.certificates)
        return;
    for (size_t i = 0; i < config->model.n_domains; i++)
        if (!has_certificate(planning->found, config->model.domains[i].name))
            setup_note(planning->notes, SETUP_CERTIFICATE, config->model.domains[i].name, NULL);
}

static void plan_configuration(struct planning *planning, const struct proxy_place *place,
                               const struct proxy_found *found)
{
    const struct proxy_options options = {.kind = place->kind,
                                          .fail_open = planning->config->proxy.fail_open};
    struct buf text = BUF_INIT(PROXY_CONFIG_MAX), errors = BUF_INIT(PROXY_CONFIG_MAX);

    if (found->file && strncmp(found->file, MADE_BY, strlen(MADE_BY)) != 0)
        setup_note(planning->notes, SETUP_FILE_TAKEN, place->file, place->name, NULL);
    else if (proxy_config_write(planning->config, &options, &text, &errors) < 0)
        setup_note(planning->notes, SETUP_PROXY_REFUSED, buf_text(&errors), NULL);
    else
        for_proxy(plan_file(planning, place->file, found->file,
                            arena_copy(planning->arena, buf_text(&text)), PUBLIC_MODE));
    buf_finish(&text);
    buf_finish(&errors);
}

/* ---- who includes it ---- */

/* A line of the text, without blanks at its ends. */
static bool has_line(const char *text, const char *wanted, bool whole)
{
    const size_t length = strlen(wanted);

    for (const char *line = text; *line; line += *line == '\n') {
        line += strspn(line, " \t");
        const size_t end = strcspn(line, "\n");
        if (strncmp(line, wanted, length) == 0 &&
            (!whole || strspn(line + length, " \t\r") == end - length))
            return true;
        line += end;
    }
    return false;
}

static void plan_includer(struct planning *planning, const struct proxy_place *place,
                          const struct proxy_found *found)
{
    const char *now = found->includer ? found->includer : "";
    const size_t length = strlen(now);

    if (!place->includer || has_line(now, place->include, true))
        return;
    if (place->conflict && has_line(now, place->conflict, false)) {
        setup_note(planning->notes, place->taken, place->includer, NULL);
        return;
    }
    const char *text =
        arena_printf(planning->arena, "%s%s%s\n", now,
                     length > 0 && now[length - 1] != '\n' ? "\n" : "", place->include);
    struct setup_change *change =
        plan_file(planning, place->includer, found->includer, text, PUBLIC_MODE);
    for_proxy(change);
    if (change)
        change->whole = false;
}

/* ---- a further file ---- */

static void plan_script(struct planning *planning, const struct proxy_place *place,
                        const struct proxy_found *found)
{
    if (!place->script)
        return;
    if (place->marker && found->script) {
        if (!strstr(found->script, place->marker))
            setup_note(planning->notes, place->taken, place->script, NULL);
        return;
    }
    if (!found->share) {
        setup_note(planning->notes, SETUP_SHARE,
                   arena_printf(planning->arena, "/usr/share/hall/proxy/%s", place->share), NULL);
        return;
    }
    for_proxy(plan_file(planning, place->script, found->script, found->share, PUBLIC_MODE));
}

/* ---- which ---- */

static void plan_one(struct planning *planning, const struct proxy_place *place)
{
    const struct proxy_found *found = &planning->found->proxies[place - proxy_places];
    const size_t before = planning->plan->n_changes;

    if (!found->installed) {
        if (place->package)
            setup_note(planning->notes, SETUP_MISSING, place->name, place->package, NULL);
        else
            setup_note(planning->notes, SETUP_PROXY_MISSING, place->name, place->program, NULL);
        return;
    }
    check_certificates(planning, place);
    if (place->file)
        plan_configuration(planning, place, found);
    plan_includer(planning, place, found);
    plan_script(planning, place, found);
    /* Asked for, it is started as well if it did not start the last time. */
    if (planning->plan->n_changes > before ||
        (planning->answers->proxy && !plan_listens(planning, place->name)))
        planning->plan->proxy = place;
}

/* One that was configured by Hall before follows a changed configuration. */
static const struct proxy_place *configured_before(const struct planning *planning)
{
    for (size_t i = 0; i < PROXY_PLACES; i++) {
        const char *file = planning->found->proxies[i].file;
        if (file && strncmp(file, MADE_BY, strlen(MADE_BY)) == 0)
            return &proxy_places[i];
    }
    return NULL;
}

void plan_proxy(struct planning *planning)
{
    const char *name = planning->answers->proxy;
    const char *before = planning->found->domains.text;
    const bool changed = !before || strcmp(before, planning->plan->domains) != 0;
    const struct proxy_place *place = name      ? proxy_place_named(name)
                                      : changed ? configured_before(planning)
                                                : NULL;

    if (name && !place && strcmp(name, "none") != 0)
        setup_note(planning->notes, SETUP_PROXY, name, NULL);
    if (place && planning->config)
        plan_one(planning, place);
}
