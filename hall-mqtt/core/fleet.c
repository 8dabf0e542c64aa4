#include "core/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/event.h"
#include "core/facts/depend.h"
#include "core/facts/guard.h"
#include "core/facts/look.h"
#include "core/facts/projects.h"
#include "core/settle.h"

/* Which site belongs to which server, so that no step walks over all of them. */
static void link_sites(struct fleet *fleet)
{
    const struct model *model = fleet->model;

    for (size_t i = 0; i < model->n_servers; i++)
        fleet->site_first[i] = MODEL_NONE;
    for (size_t i = model->n_sites; i-- > 0;) {
        const int server = model->sites[i].server;

        fleet->site_next[i] = fleet->site_first[server];
        fleet->site_first[server] = (int)i;
    }
}

static void count_holders(const struct model *model, struct lease_holders *holders)
{
    for (size_t i = 0; i < model->n_sites; i++) {
        holders[model->sites[i].server].sites++;
        holders[model->sites[i].server].domains += !model->sites[i].is_project;
    }
    for (size_t i = 0; i < model->n_servers; i++)
        for (size_t k = 0; k < model->servers[i].n_depends_on; k++)
            holders[model->servers[i].depends_on[k]].servers++;
}

/* All in one piece, of which what no lease ever uses takes no memory. */
static int make_leases(struct fleet *fleet)
{
    const size_t n = fleet->model->n_servers;
    struct lease_holders *holders = calloc(n + 1, sizeof(*holders));
    size_t all = 0;

    if (!holders)
        return -ENOMEM;
    count_holders(fleet->model, holders);
    for (size_t i = 0; i < n; i++)
        all += fleet->lease_sets[i].room = lease_room(&holders[i]);
    free(holders);
    fleet->leases = calloc(all + 1, sizeof(*fleet->leases));
    if (!fleet->leases)
        return -ENOMEM;
    for (size_t i = n; i-- > 0;)
        fleet->lease_sets[i].leases = &fleet->leases[all -= fleet->lease_sets[i].room];
    return 0;
}

static void init_power(struct power *power, struct lease_set *leases, struct now now)
{
    power->leases = leases;
    power->since = now.boot;
    power->looking_since = now.boot;
    power->last_boot = -1;
    power->report.load = -1;
    power->report.uptime_s = -1;
    evidence_init(&power->evidence);
    for (unsigned i = 0; i < STAGES; i++)
        power->wake.stages[i] = STAGE_UNREACHED;
    power->reason = FACT(HALL_STARTED);
}

static int32_t no_offset(void *context, const char *zone, int64_t utc_s)
{
    (void)context;
    (void)zone;
    (void)utc_s;
    return 0;
}

static const struct zone_port utc_everywhere = {.offset = no_offset};

int fleet_create(const struct model *model, const struct fleet_sink *sink, struct now now,
                 struct fleet **ret_fleet)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));

    if (!fleet)
        return -ENOMEM;
    fleet->model = model;
    fleet->sink = *sink;
    fleet->powers = calloc(model->n_servers + 1, sizeof(*fleet->powers));
    fleet->lease_sets = calloc(model->n_servers + 1, sizeof(*fleet->lease_sets));
    fleet->overrides = calloc(model->n_servers + 1, sizeof(*fleet->overrides));
    fleet->sites = calloc(model->n_sites + 1, sizeof(*fleet->sites));
    fleet->site_first = calloc(model->n_servers + 1, sizeof(*fleet->site_first));
    fleet->site_next = calloc(model->n_sites + 1, sizeof(*fleet->site_next));
    fleet->domains = calloc(model->n_domains + 1, sizeof(*fleet->domains));
    fleet->zones = &utc_everywhere;
    fleet->clock_trusted = true;
    if (!fleet->powers || !fleet->lease_sets || !fleet->overrides || !fleet->sites ||
        !fleet->site_first || !fleet->site_next || !fleet->domains ||
        due_init(&fleet->due, model->n_servers) < 0 ||
        ledger_init(&fleet->ledger, model->n_servers) < 0 ||
        depend_init(&fleet->depend, model) < 0 || projects_init(fleet) < 0 ||
        quota_init(&fleet->quotas) < 0 || make_leases(fleet) < 0) {
        fleet_destroy(fleet);
        return -ENOMEM;
    }
    link_sites(fleet);
    for (size_t i = 0; i < model->n_servers; i++)
        init_power(&fleet->powers[i], &fleet->lease_sets[i], now);
    *ret_fleet = fleet;
    return 0;
}

void fleet_destroy(struct fleet *fleet)
{
    if (!fleet)
        return;
    free(fleet->powers);
    free(fleet->lease_sets);
    free(fleet->leases);
    free(fleet->overrides);
    projects_finish(fleet);
    free(fleet->sites);
    free(fleet->site_first);
    free(fleet->site_next);
    free(fleet->domains);
    quota_finish(&fleet->quotas);
    depend_finish(&fleet->depend);
    due_finish(&fleet->due);
    ledger_finish(&fleet->ledger);
    free(fleet);
}

static struct step step_begin(struct fleet *fleet, struct now now, int server)
{
    return (struct step){.fleet = fleet,
                         .now = now,
                         .server = server,
                         .power = &fleet->powers[server],
                         .model = &fleet->model->servers[server]};
}

int fleet_reserve(struct fleet *fleet)
{
    return ledger_reserve(&fleet->ledger) < 0 || quota_reserve(&fleet->quotas) < 0 ? -ENOMEM : 0;
}

void fleet_set_zones(struct fleet *fleet, const struct zone_port *zones)
{
    fleet->zones = zones;
}

/* What schedules and hours say is looked at again. */
static void forget_wall(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->model->n_domains; i++)
        fleet->domains[i].looked = 0;
    for (size_t i = 0; i < fleet->model->n_sites; i++)
        fleet->sites[i].hours_valid_until = 0;
    for (size_t i = 0; i < fleet->model->n_servers; i++)
        due_set(&fleet->due, (int)i, 0);
}

void fleet_trust_clock(struct fleet *fleet, bool trusted)
{
    if (trusted == fleet->clock_trusted)
        return;
    fleet->clock_trusted = trusted;
    fleet->clock_missed = false;
    forget_wall(fleet);
}

void fleet_miss_clock(struct fleet *fleet)
{
    fleet->clock_missed = true;
}

bool fleet_clock_is_trusted(const struct fleet *fleet)
{
    return fleet->clock_trusted;
}

void fleet_clock_was_set(struct fleet *fleet, struct now now)
{
    forget_wall(fleet);
    guard_clock_was_set(fleet, now);
    for (size_t i = 0; i < fleet->model->n_servers; i++) {
        struct step step = step_begin(fleet, now, (int)i);

        if (fleet->clock_trusted)
            lease_clock_was_set(step.power->leases, now);
        lease_tell_again(step.power->leases, now);
        step.changed = step.durable = true; /* by the old one a record would be read amiss */
        settle(&step);
    }
    fleet_tick(fleet, now);
}

/* After a reload, of a server that nothing but its agent tells of: no probe will show what its word
 * means. */
static void hear_again(struct step *step)
{
    struct evidence *evidence = &step->power->evidence;

    for (size_t i = 0; i < step->model->n_checks; i++)
        if (step->model->checks[i].kind != CHECK_AGENT)
            return;
    if (evidence->agent != AGENT_ONLINE)
        return;
    step->heard.kind = FLEET_AGENT;
    step->heard.seen = evidence_agent(evidence, step->model, AGENT_ONLINE, evidence->agent_since);
}

void fleet_start(struct fleet *fleet, struct now now)
{
    for (size_t i = 0; i < fleet->model->n_servers; i++) {
        struct step step = step_begin(fleet, now, (int)i);

        step.changed = true;
        hear_again(&step);
        settle(&step);
    }
}

void fleet_tick(struct fleet *fleet, struct now now)
{
    look_notice_gap(fleet, now);
    while (due_next(&fleet->due) <= now.boot) {
        struct step step = step_begin(fleet, now, due_server(&fleet->due));

        settle(&step);
    }
}

bool fleet_is_behind(const struct fleet *fleet, int64_t before)
{
    const int64_t due = due_next(&fleet->due);

    /* 0: it is not due for its time. */
    return due > 0 && due <= before;
}

void fleet_stood_still(struct fleet *fleet, struct now now, int64_t since)
{
    look_begin(fleet, now, since);
    fleet_tick(fleet, now);
}

int64_t fleet_deadline(const struct fleet *fleet)
{
    return due_next(&fleet->due);
}

void fleet_handle(struct fleet *fleet, struct now now, const struct fleet_event *event)
{
    const bool names_site =
        event->kind == FLEET_VISIT || event->kind == FLEET_USE || event->kind == FLEET_WEBSOCKET;
    const int server = names_site ? fleet->model->sites[event->visit.site].server : event->server;
    struct step step = step_begin(fleet, now, server);

    look_notice_gap(fleet, now);
    /* What time made due before this event comes first. */
    if (fleet->due.at[server] <= now.boot)
        settle(&step);
    step.changed = false;
    event_handle(&step, event);
    settle(&step);
    /* Servers that this one needs, or that wait for it, were made due. */
    fleet_tick(fleet, now);
}
