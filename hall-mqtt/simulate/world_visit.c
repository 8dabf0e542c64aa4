#include "base/address.h"
#include "base/number.h"
#include "base/text.h"
#include "simulate/world_internal.h"

static bool is_within(const struct cidr *ranges, size_t n, const char *address)
{
    struct address parsed;

    if (n == 0 || address[0] == '\0' || address_parse(address, &parsed) < 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (cidr_contains(&ranges[i], parsed))
            return true;
    return false;
}

static bool is_allowed(const struct world *world, const struct script_event *event)
{
    const struct model_site *site = &world->model->sites[event->site];
    const struct model_access *access = &world->model->domains[site->domain].access;

    if (access->n_deny > 0 && event->from[0] != '\0' &&
        is_within(access->deny, access->n_deny, event->from))
        return false;
    return is_within(access->allow, access->n_allow, event->from) &&
           is_within(site->allow, site->n_allow, event->from);
}

static const char *name_visitor(const struct script_event *event)
{
    return event->from[0] ? event->from : "a visitor";
}

/* Told the first time, and when it does not simply get what it wants. */
static void tell_visit(struct world *world, const struct script_event *event,
                       const struct visitor *visitor)
{
    const bool ready = fleet_site_ready(world->fleet, event->site);

    if (visitor->seen && (ready || visitor->since > 0 || visitor->refused))
        return;
    telling_line(&world->observer.telling, world->model->servers[event->server].id, "visit",
                 "%s asks for %s%s", name_visitor(event), world->model->sites[event->site].id,
                 ready ? ", which is there" : "");
}

void world_visit(struct world *world, const struct script_event *event)
{
    struct visitor *visitor = &world->visitors[event - world->plan->script->events];
    struct fleet_event visit = {.kind = FLEET_VISIT, .visit = {.site = event->site}};

    world->observer.servers[event->server].account.visits++;
    tell_visit(world, event, visitor);
    visitor->seen = true;
    visitor->refused = !is_allowed(world, event);
    if (visitor->refused) {
        telling_line(&world->observer.telling, world->model->servers[event->server].id, "refused",
                     "%s: access.allow refuses %s", world->model->sites[event->site].id,
                     event->from);
        world->observer.servers[event->server].account.refused++;
        return;
    }
    text_copy(visit.visit.who, sizeof(visit.visit.who), event->from);
    world->refused = false;
    world_handle(world, &visit);
    visitor->refused = world->refused;
    if (world->refused || fleet_site_ready(world->fleet, event->site) || visitor->since > 0)
        return;
    visitor->since = world->now.boot;
    world->n_waiting++;
}

static int64_t end_wait(struct world *world, const struct script_event *event,
                        struct visitor *visitor)
{
    const int64_t waited = world->now.boot - visitor->since;
    struct telling_account *account = &world->observer.servers[event->server].account;

    account->wait = waited > account->wait ? waited : account->wait;
    visitor->since = 0;
    world->n_waiting--;
    return waited;
}

/* The browser of who waited is on the site at once. */
static void let_in(struct world *world, const struct script_event *event, struct visitor *visitor)
{
    const int64_t waited = end_wait(world, event, visitor);
    struct fleet_event use = {.kind = FLEET_USE, .visit = {.site = event->site}};
    char span[32];

    telling_line(&world->observer.telling, world->model->servers[event->server].id, "visitor",
                 "%s is on %s after %s", name_visitor(event), world->model->sites[event->site].id,
                 duration_show(waited, span, sizeof(span)));
    text_copy(use.visit.who, sizeof(use.visit.who), event->from);
    world_handle(world, &use);
}

void world_let_in(struct world *world, int site)
{
    const struct script *script = world->plan->script;

    for (size_t i = 0; i < script->n_events; i++)
        if (world->visitors[i].since > 0 && script->events[i].site == site &&
            fleet_site_ready(world->fleet, site))
            let_in(world, &script->events[i], &world->visitors[i]);
}

void world_see_off(struct world *world)
{
    const struct script *script = world->plan->script;

    for (size_t i = 0; world->n_waiting > 0 && i < script->n_events; i++) {
        const struct script_event *event = &script->events[i];
        const char *site = event->site == MODEL_NONE ? "" : world->model->sites[event->site].id;
        char span[32];

        if (world->visitors[i].since == 0 ||
            lease_find(fleet_power(world->fleet, event->server)->leases, LEASE_VISIT, event->site,
                       ""))
            continue;
        const int64_t waited = end_wait(world, event, &world->visitors[i]);
        telling_line(&world->observer.telling, world->model->servers[event->server].id, "visitor",
                     "%s gives up on %s after %s", name_visitor(event), site,
                     duration_show(waited, span, sizeof(span)));
    }
}

void world_end_visits(struct world *world)
{
    const struct script *script = world->plan->script;

    for (size_t i = 0; i < script->n_events; i++)
        if (world->visitors[i].since > 0) {
            world->observer.servers[script->events[i].server].account.waiting = true;
            end_wait(world, &script->events[i], &world->visitors[i]);
        }
}
