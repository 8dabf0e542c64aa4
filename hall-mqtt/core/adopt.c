#include "core/adopt.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/projects.h"
#include "core/saved.h"

static bool same_tls(const struct model_tls *a, const struct model_tls *b)
{
    return a->verify == b->verify && text_equal(a->ca, b->ca) && text_equal(a->name, b->name);
}

/* Are these the same checks, so that what they saw still holds? */
static bool same_checks(const struct model_server *a, const struct model_server *b)
{
    if (a->n_checks != b->n_checks || a->address.s_addr != b->address.s_addr ||
        memcmp(a->mac, b->mac, sizeof(a->mac)) != 0)
        return false;
    for (size_t i = 0; i < a->n_checks; i++) {
        const struct model_check *left = &a->checks[i];
        const struct model_check *right = &b->checks[i];

        if (left->kind != right->kind || left->address.s_addr != right->address.s_addr ||
            left->port != right->port || !text_equal(left->url, right->url) ||
            !same_tls(&left->tls, &right->tls))
            return false;
    }
    return true;
}

/* False: what holds it is not configured any longer. */
static bool move_lease(struct lease *lease, const struct model *from, const struct model *to)
{
    if (lease->subject == MODEL_NONE)
        return true;
    if (lease->kind == LEASE_DEPENDENT)
        lease->subject = model_server_by_id(to, from->servers[lease->subject].id);
    else if (lease->kind == LEASE_VISIT || lease->kind == LEASE_STREAM)
        lease->subject = model_site_in(to, from, lease->subject);
    else
        lease->subject = model_domain_by_host(to, from->domains[lease->subject].name);
    return lease->subject != MODEL_NONE;
}

/* Into the indexes of the new configuration. */
static void saved_move(struct saved *saved, const struct model *from, const struct model *to)
{
    struct lease_set *set = &saved->leases;
    const size_t n = set->n;

    set->n = 0;
    for (size_t i = 0; i < n; i++)
        if (move_lease(&set->leases[i], from, to))
            set->leases[set->n++] = set->leases[i];
    saved->wake.cause = fact_move(&saved->wake.cause, from, to);
    saved->sleep.refusal = fact_move(&saved->sleep.refusal, from, to);
    for (size_t i = 0; i < saved->n_commands; i++)
        saved->commands[i].reason = fact_move(&saved->commands[i].reason, from, to);
}

static int adopt_server(struct fleet *fleet, int server, const struct fleet *old, int old_server,
                        struct now now)
{
    struct power *power = &fleet->powers[server];
    const struct power *was = &old->powers[old_server];
    struct saved saved;

    if (fleet_save(old, old_server, now, &saved) < 0)
        return -ENOMEM;
    saved_move(&saved, old->model, fleet->model);
    if (memcmp(fleet->model->servers[server].mac, old->model->servers[old_server].mac, MAC_SIZE) !=
        0) { /* another machine under the same name */
        saved.mac_matched = false;
        saved.macs.n = 0;
    }
    fleet_restore(fleet, server, now, &saved);
    saved_finish(&saved);
    power->report = was->report;
    power->agent_heard = was->agent_heard;
    evidence_keep_agent(&power->evidence, &fleet->model->servers[server], &was->evidence);
    power->sleep.deadline = was->sleep.deadline;
    if (power->leaving != 0)
        power->leaving = was->leaving;
    if (!same_checks(&fleet->model->servers[server], &old->model->servers[old_server]))
        return 0;
    /* Nothing needs to be seen again. */
    power->state = was->state;
    power->since = was->since;
    power->up_since = was->up_since;
    power->rousing = was->rousing;
    power->looking_since = was->looking_since;
    power->wake.unseen = was->wake.unseen;
    power->evidence = was->evidence;
    power->guard = was->guard;
    power->awaited_until = was->awaited_until;
    power->reason = fact_move(&was->reason, old->model, fleet->model);
    power->problem = fact_move(&was->problem, old->model, fleet->model);
    power_note_needs(power);
    return 0;
}

static bool is_same_server(const struct fleet *fleet, int site, const struct fleet *old,
                           int old_site)
{
    return text_equal(fleet->model->servers[fleet->model->sites[site].server].id,
                      old->model->servers[old->model->sites[old_site].server].id);
}

static void adopt_project(struct fleet *fleet, int site, const struct fleet *old, int old_site)
{
    struct project *project = &fleet->projects[fleet->sites[site].project];

    project_adopt(project, &old->projects[old->sites[old_site].project]);
    project->trouble = fact_move(&project->trouble, old->model, fleet->model);
    project->spared = fact_move(&project->spared, old->model, fleet->model);
}

static void adopt_sites(struct fleet *fleet, const struct fleet *old)
{
    for (size_t i = 0; i < old->model->n_sites; i++) {
        const struct model_site *was = &old->model->sites[i];
        const int site = model_site_in(fleet->model, old->model, (int)i);

        if (site == MODEL_NONE)
            continue;
        fleet->sites[site].visits = old->sites[i].visits;
        fleet->sites[site].last_visit = old->sites[i].last_visit;
        fleet->sites[site].websocket = old->sites[i].websocket;
        fleet->sites[site].moves = old->sites[i].moves;
        if (was->is_project && is_same_server(fleet, site, old, (int)i))
            adopt_project(fleet, site, old, (int)i);
    }
}

/* Quotas name domains and sites by index: those change with a reload. */
static void adopt_quotas(struct fleet *fleet, const struct fleet *old, struct now now)
{
    size_t cursor = 0;
    const struct quota *was;

    while ((was = fleet_quota(old, &cursor))) {
        struct quota quota = *was;
        const struct model *model = old->model;

        quota.subject = was->kind == QUOTA_CLIENT
                            ? model_domain_by_host(fleet->model, model->domains[was->subject].name)
                            : model_project_by_id(fleet->model, model->sites[was->subject].id);
        if (quota.subject != MODEL_NONE)
            fleet_restore_quota(fleet, now, &quota);
    }
}

int fleet_adopt(struct fleet *fleet, const struct fleet *old, struct now now)
{
    fleet->serial = old->serial;
    fleet->zones = old->zones;
    fleet->clock_trusted = old->clock_trusted;
    fleet->clock_missed = old->clock_missed;
    for (size_t i = 0; i < fleet->model->n_servers; i++) {
        const int was = model_server_by_id(old->model, fleet->model->servers[i].id);

        if (was != MODEL_NONE && adopt_server(fleet, (int)i, old, was, now) < 0)
            return -ENOMEM;
    }
    adopt_sites(fleet, old);
    adopt_quotas(fleet, old, now);
    return 0;
}
