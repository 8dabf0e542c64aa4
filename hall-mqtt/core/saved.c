#include "core/saved.h"

#include <string.h>

#include "base/text.h"
#include "core/facts/projects.h"

/* Between the clocks: 0 stays unset, forever stays for ever. */
static int64_t to_wall(struct now now, int64_t boot)
{
    return boot == 0 || boot == LEASE_FOREVER ? boot : now.wall - (now.boot - boot);
}

static int64_t to_boot(struct now now, int64_t wall)
{
    if (wall == 0 || wall == LEASE_FOREVER)
        return wall;
    const int64_t boot = now.boot - (now.wall - wall);
    return boot != 0 ? boot : 1;
}

typedef int64_t convert(struct now now, int64_t time);

static void convert_wake(struct wake *wake, struct now now, convert *turn)
{
    wake->started = turn(now, wake->started);
    wake->deadline = turn(now, wake->deadline);
    wake->next_packet = turn(now, wake->next_packet);
}

static void convert_sleep(struct sleep *sleep, struct now now, convert *turn)
{
    sleep->started = turn(now, sleep->started);
    sleep->deadline = turn(now, sleep->deadline);
    sleep->not_before = turn(now, sleep->not_before);
}

static void convert_leases(struct lease_set *set, struct now now, convert *turn)
{
    for (size_t i = 0; i < set->n; i++) {
        set->leases[i].since = turn(now, set->leases[i].since);
        set->leases[i].renewed = turn(now, set->leases[i].renewed);
        set->leases[i].until = turn(now, set->leases[i].until);
    }
}

/* Of the ledger's ring, this server's entries: first what is open, then the latest others; oldest
 * first within each. */
static void save_commands(const struct fleet *fleet, int server, struct now now,
                          struct saved *saved)
{
    const struct ledger *ledger = &fleet->ledger;

    for (int open = 1; open >= 0; open--)
        for (size_t i = 1; i <= LEDGER_MAX && saved->n_commands < SAVED_COMMANDS; i++) {
            const struct ledger_entry *entry =
                &ledger->entries[(ledger->next + LEDGER_MAX - i) % LEDGER_MAX];

            if (!entry->used || entry->server != server || entry->open != (open == 1))
                continue;
            struct ledger_entry *kept = &saved->commands[saved->n_commands];
            *kept = *entry;
            if (entry->site != MODEL_NONE && fleet->model->sites[entry->site].is_project)
                text_copy(saved->commanded[saved->n_commands], sizeof(saved->commanded[0]),
                          fleet->model->sites[entry->site].id);
            saved->n_commands++;
            kept->received = to_wall(now, entry->received);
        }
}

static void save_project(const struct fleet *fleet, int site, struct now now,
                         struct saved_project *saved)
{
    const struct project *project = &fleet->projects[fleet->sites[site].project];

    text_copy(saved->id, sizeof(saved->id), fleet->model->sites[site].id);
    saved->visits = fleet->sites[site].visits;
    saved->last_visit = to_wall(now, fleet->sites[site].last_visit);
    for (uint32_t i = 0; i < project->n_runs; i++)
        saved->runs[saved->n_runs++] =
            project->runs[((uint32_t)project->next_run + PROJECT_RUNS_MAX - project->n_runs + i) %
                          PROJECT_RUNS_MAX];
}

void fleet_save(const struct fleet *fleet, int server, struct now now, struct saved *ret_saved)
{
    const struct power *power = &fleet->powers[server];
    const struct override *override = &fleet->overrides[server];

    *ret_saved = (struct saved){
        .at = now.wall,
        .state = power->state,
        .since = to_wall(now, power->since),
        .up_since = to_wall(now, power->up_since),
        .down_since = to_wall(now, power->down_since),
        .retry_at = to_wall(now, power->retry_at),
        .was_ready = power->was_ready,
        .said_goodbye = power->said_goodbye,
        .ever_woken = power->ever_woken,
        .resting = power->resting,
        .failures = power->failures,
        .failure = power->failure,
        .last_boot = power->last_boot,
        .last_ready = power->last_ready,
        .override = {.policy_set = override->policy_set,
                     .policy = override->policy,
                     .idle = override->idle},
        .wake = power->wake,
        .sleep = power->sleep,
        .leases = *power->leases,
        .history = power->history,
        .n_woken = power->n_woken,
    };
    text_copy(ret_saved->boot_id, sizeof(ret_saved->boot_id), power->report.boot_id);
    text_copy(ret_saved->override.by, sizeof(ret_saved->override.by), override->by);
    convert_wake(&ret_saved->wake, now, to_wall);
    convert_sleep(&ret_saved->sleep, now, to_wall);
    convert_leases(&ret_saved->leases, now, to_wall);
    for (size_t i = 0; i < WOKEN_MAX; i++)
        ret_saved->woken[i] = to_wall(now, INT64_C(1000) * power->woken[i]);
    save_commands(fleet, server, now, ret_saved);
    for (int site = fleet->site_first[server];
         site != MODEL_NONE && ret_saved->n_projects < SAVED_PROJECTS;
         site = fleet->site_next[site])
        if (fleet->sites[site].project != MODEL_NONE)
            save_project(fleet, site, now, &ret_saved->projects[ret_saved->n_projects++]);
}

/* The project it was for; false: that is no more, and nobody waits for an answer. */
static bool find_commanded(const struct fleet *fleet, int server, const char *id, int *ret_site)
{
    *ret_site = id[0] ? model_project_by_id(fleet->model, id) : MODEL_NONE;
    return !id[0] || (*ret_site != MODEL_NONE && fleet->model->sites[*ret_site].server == server);
}

static void restore_commands(struct fleet *fleet, int server, struct now now,
                             const struct saved *saved)
{
    for (size_t i = saved->n_commands; i-- > 0;) {
        const struct ledger_entry *kept = &saved->commands[i];
        int site;

        if (!find_commanded(fleet, server, saved->commanded[i], &site))
            continue;
        struct ledger_entry *entry = ledger_add(&fleet->ledger, server, kept->action, kept->id,
                                                kept->by, to_boot(now, kept->received));

        if (!entry)
            return;
        entry->answered = kept->answered;
        entry->open = kept->open;
        entry->outcome = kept->outcome;
        entry->seconds_ms = kept->seconds_ms;
        entry->site = site;
        entry->route = kept->route; /* of a reload; a record from the disk has none */
        memcpy(entry->repeats, kept->repeats, sizeof(entry->repeats));
        entry->reason = kept->reason;
        projects_restore_command(fleet, entry);
    }
}

static void restore_projects(struct fleet *fleet, int server, struct now now,
                             const struct saved *saved)
{
    for (size_t i = 0; i < saved->n_projects; i++) {
        const struct saved_project *was = &saved->projects[i];
        const int site = model_project_by_id(fleet->model, was->id);

        if (site == MODEL_NONE || fleet->model->sites[site].server != server)
            continue;
        struct project *project = &fleet->projects[fleet->sites[site].project];

        fleet->sites[site].visits = was->visits;
        fleet->sites[site].last_visit = to_boot(now, was->last_visit);
        for (uint32_t k = 0; k < was->n_runs && k < PROJECT_RUNS_MAX; k++)
            project_learn(project, was->runs[k]);
    }
}

/* Where the core asks whether a time is set, one before this boot is set too. */
static int64_t to_boot_set(struct now now, int64_t wall)
{
    const int64_t boot = to_boot(now, wall);

    return wall != 0 && boot < 1 ? 1 : boot;
}

/* A transaction that was under way keeps its state, for it goes on; all else must be seen anew. */
static enum power_state state_after(const struct saved *saved)
{
    if (saved->wake.open)
        return POWER_WAKING;
    if (saved->sleep.phase == SLEEP_AGREED || saved->wake.queued)
        return POWER_SLEEPING;
    return POWER_UNKNOWN;
}

static void restore_power(struct power *power, struct now now, const struct saved *saved)
{
    power->state = state_after(saved);
    power->since = power->state == POWER_UNKNOWN ? now.boot : to_boot(now, saved->since);
    /* While it is woken, its run begins when it is seen. */
    power->up_since = power->state == POWER_WAKING ? 0 : to_boot_set(now, saved->up_since);
    power->down_since = to_boot(now, saved->down_since);
    power->retry_at = to_boot(now, saved->retry_at);
    power->was_ready = saved->was_ready;
    power->said_goodbye = saved->said_goodbye;
    power->ever_woken = saved->ever_woken;
    power->resting = saved->resting;
    power->failures = saved->failures;
    power->failure = saved->failure;
    power->last_boot = saved->last_boot;
    power->last_ready = saved->last_ready;
    power->wake = saved->wake;
    power->sleep = saved->sleep;
    *power->leases = saved->leases;
    power->history = saved->history;
    power->n_woken = saved->n_woken;
    for (size_t i = 0; i < WOKEN_MAX; i++)
        power->woken[i] = power_seconds(to_boot(now, saved->woken[i]));
    text_copy(power->report.boot_id, sizeof(power->report.boot_id), saved->boot_id);
    power->reason = power->state == POWER_UNKNOWN ? FACT(HALL_STARTED) : FACT(HALL_RESUMED);
    if ((power->wake.open || power->wake.queued) && fact_is(&power->wake.cause, FACT_NONE))
        power->wake.cause = FACT(WAKE_REQUESTED); /* what it was for is configured no more */
    convert_wake(&power->wake, now, to_boot);
    power->wake.next_packet = to_boot_set(now, saved->wake.next_packet);
    convert_sleep(&power->sleep, now, to_boot);
    /* To what was only proposed the answer may be lost, and not knowing is a veto. */
    if (saved->sleep.phase == SLEEP_PROPOSED)
        power->sleep.deadline = now.boot;
    convert_leases(power->leases, now, to_boot);
}

/* What was waiting for others, or was up and had no need of a turn, asks again whether it must. */
static void resume_turn(struct fleet *fleet, int server)
{
    const struct wake *wake = &fleet->powers[server].wake;
    const int group = fleet->depend.group[server];

    if (group != MODEL_NONE && wake->open && wake->wait == WAIT_NOTHING && wake->packets > 0 &&
        fleet->depend.starting[group] == MODEL_NONE)
        fleet->depend.starting[group] = server;
}

static bool is_needed_by(const struct model *model, int server, int from)
{
    for (size_t i = 0; i < model->servers[from].n_depends_on; i++)
        if (model->servers[from].depends_on[i] == server)
            return true;
    return false;
}

/* A lease of a site, domain or server that is no more this server's would have nobody to end it. */
static bool is_founded(const struct model *model, int server, const struct lease *lease)
{
    switch (lease->kind) {
    case LEASE_ALWAYS_ON:
    case LEASE_SCHEDULE:
        return lease->subject == MODEL_NONE || model->domains[lease->subject].server == server;
    case LEASE_DEPENDENT:
        return is_needed_by(model, server, lease->subject);
    case LEASE_VISIT:
    case LEASE_STREAM:
        return lease->subject == MODEL_NONE || model->sites[lease->subject].server == server;
    case LEASE_MANUAL:
    case LEASE_HOLD:
    case LEASE_AGENT:
        break;
    }
    return true;
}

static void drop_unfounded(struct fleet *fleet, int server)
{
    struct lease_set *set = fleet->powers[server].leases;

    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];

        if (!is_founded(fleet->model, server, &lease))
            lease_release(set, lease.kind, lease.subject, lease.holder);
    }
}

/* Only its agent must still be heard for all to pass. */
static void assume_up(struct evidence *evidence, const struct model_server *server)
{
    evidence_assume_up(evidence, server);
    evidence->passing = true;
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].required && server->checks[i].kind == CHECK_AGENT)
            evidence->passing = false;
}

/* As those that it needs see it in their first step: what changes afterwards they are told. */
static void note_needs(struct power *power)
{
    power->needed_others = power->wake.open || power->wake.queued || power->evidence.alive;
}

void fleet_restore(struct fleet *fleet, int server, struct now now, const struct saved *saved)
{
    struct override *override = &fleet->overrides[server];

    /* A Pi has no clock of its own: where it went back, no time is known to have passed, and no end
     * moves away. */
    if (now.wall < saved->at)
        now.wall = saved->at;
    restore_power(&fleet->powers[server], now, saved);
    drop_unfounded(fleet, server);
    if (fleet->powers[server].state == POWER_SLEEPING)
        assume_up(&fleet->powers[server].evidence, &fleet->model->servers[server]);
    note_needs(&fleet->powers[server]);
    restore_commands(fleet, server, now, saved);
    restore_projects(fleet, server, now, saved);
    resume_turn(fleet, server);
    override->policy_set = saved->override.policy_set;
    override->policy = saved->override.policy;
    override->idle = saved->override.idle;
    text_copy(override->by, sizeof(override->by), saved->override.by);
}

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

/* False: what holds it is configured no more. */
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
    struct lease_set kept = {0};

    for (size_t i = 0; i < saved->leases.n; i++)
        if (move_lease(&saved->leases.leases[i], from, to))
            kept.leases[kept.n++] = saved->leases.leases[i];
    saved->leases = kept;
    saved->wake.cause = fact_move(&saved->wake.cause, from, to);
    saved->sleep.refusal = fact_move(&saved->sleep.refusal, from, to);
    for (size_t i = 0; i < saved->n_commands; i++)
        saved->commands[i].reason = fact_move(&saved->commands[i].reason, from, to);
}

static void adopt_server(struct fleet *fleet, int server, const struct fleet *old, int old_server,
                         struct now now)
{
    struct power *power = &fleet->powers[server];
    const struct power *was = &old->powers[old_server];
    struct saved saved;

    fleet_save(old, old_server, now, &saved);
    saved_move(&saved, old->model, fleet->model);
    fleet_restore(fleet, server, now, &saved);
    power->report = was->report;
    evidence_keep_agent(&power->evidence, &fleet->model->servers[server], &was->evidence);
    if (!same_checks(&fleet->model->servers[server], &old->model->servers[old_server]))
        return;
    /* Nothing needs to be seen anew. */
    power->state = was->state;
    power->since = was->since;
    power->up_since = was->up_since;
    power->sleep.deadline = was->sleep.deadline;
    power->evidence = was->evidence;
    power->guard = was->guard;
    power->awaited_until = was->awaited_until;
    power->reason = fact_move(&was->reason, old->model, fleet->model);
    power->problem = fact_move(&was->problem, old->model, fleet->model);
    note_needs(power);
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
        if (was->is_project && is_same_server(fleet, site, old, (int)i))
            adopt_project(fleet, site, old, (int)i);
    }
}

/* Quotas name domains and sites by index: those change with a reload. */
static void adopt_quotas(struct fleet *fleet, const struct fleet *old)
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
            fleet_restore_quota(fleet, &quota);
    }
}

void fleet_adopt(struct fleet *fleet, const struct fleet *old, struct now now)
{
    fleet->serial = old->serial;
    fleet->zones = old->zones;
    fleet->clock_trusted = old->clock_trusted;
    for (size_t i = 0; i < fleet->model->n_servers; i++) {
        const int was = model_server_by_id(old->model, fleet->model->servers[i].id);

        if (was != MODEL_NONE)
            adopt_server(fleet, (int)i, old, was, now);
    }
    adopt_sites(fleet, old);
    adopt_quotas(fleet, old);
}

const struct quota *fleet_quota(const struct fleet *fleet, size_t *cursor)
{
    while (*cursor < QUOTA_SLOTS) {
        const struct quota *quota = &fleet->quotas->slots[(*cursor)++];

        if (quota->used)
            return quota;
    }
    return NULL;
}

void fleet_restore_quota(struct fleet *fleet, const struct quota *quota)
{
    struct quota *kept =
        quota_open(fleet->quotas, quota->kind, quota->subject, quota->address, quota->day);

    kept->wakes = quota->wakes;
    kept->awake_ms = quota->awake_ms;
    kept->last_use = quota->last_use;
}
