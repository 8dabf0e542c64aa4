#include "core/saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/facts/guard.h"
#include "core/facts/look.h"
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

static void convert_rousing(struct rousing *rousing, struct now now, convert *turn)
{
    rousing->slept = turn(now, rousing->slept);
    rousing->until = turn(now, rousing->until);
}

static void convert_lease(struct lease *lease, struct now now, convert *turn)
{
    lease->since = turn(now, lease->since);
    lease->renewed = turn(now, lease->renewed);
    lease->until = turn(now, lease->until);
}

/* First what is open, then the latest others; the newest first of each. */
static void save_commands(const struct fleet *fleet, int server, struct now now,
                          struct saved *saved)
{
    const struct ledger *ledger = &fleet->ledger;

    for (int open = 1; open >= 0; open--) {
        size_t left = open ? SAVED_COMMANDS : SAVED_ENDED;

        for (const struct ledger_entry *entry = ledger_newest(ledger, server);
             entry && left > 0 && saved->n_commands < SAVED_COMMANDS;
             entry = ledger_older(ledger, entry)) {
            if (entry->open != (open == 1))
                continue;
            struct ledger_entry *kept = &saved->commands[saved->n_commands];
            char *commanded = saved->commanded[saved->n_commands++];

            *kept = *entry;
            kept->received = to_wall(now, entry->received);
            commanded[0] = '\0';
            if (entry->site != MODEL_NONE && fleet->model->sites[entry->site].is_project)
                text_copy(commanded, sizeof(saved->commanded[0]),
                          fleet->model->sites[entry->site].id);
            left--;
        }
    }
}

static void save_project(const struct fleet *fleet, int site, struct now now,
                         struct saved_project *saved)
{
    const struct project *project = &fleet->projects[fleet->sites[site].project];

    text_copy(saved->id, sizeof(saved->id), fleet->model->sites[site].id);
    saved->wanted = project->wanted;
    saved->visits = fleet->sites[site].visits;
    saved->last_visit = to_wall(now, fleet->sites[site].last_visit);
    for (uint32_t i = 0; i < project->n_runs; i++)
        saved->runs[saved->n_runs++] =
            project->runs[((uint32_t)project->next_run + PROJECT_RUNS_MAX - project->n_runs + i) %
                          PROJECT_RUNS_MAX];
}

static void *make(size_t n, size_t size)
{
    return calloc(n > 0 ? n : 1, size);
}

int saved_init(struct saved *saved, size_t leases, size_t projects, size_t commands)
{
    *saved = (struct saved){.last_boot = -1};
    saved->leases.room = leases;
    saved->leases.leases = make(leases, sizeof(*saved->leases.leases));
    saved->projects = make(projects, sizeof(*saved->projects));
    saved->commands = make(commands, sizeof(*saved->commands));
    saved->commanded = make(commands, sizeof(*saved->commanded));
    if (saved->leases.leases && saved->projects && saved->commands && saved->commanded)
        return 0;
    saved_finish(saved);
    return -ENOMEM;
}

void saved_finish(struct saved *saved)
{
    free(saved->leases.leases);
    free(saved->projects);
    free(saved->commands);
    free(saved->commanded);
    *saved = (struct saved){0};
}

static void save_leases(const struct lease_set *set, struct now now, struct lease_set *saved)
{
    saved->n = set->n;
    memcpy(saved->leases, set->leases, set->n * sizeof(saved->leases[0]));
    for (size_t i = 0; i < saved->n; i++)
        convert_lease(&saved->leases[i], now, to_wall);
}

static size_t count_projects(const struct fleet *fleet, int server)
{
    size_t n = 0;

    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site])
        n += fleet->sites[site].project != MODEL_NONE;
    return n;
}

static void save_power(const struct power *power, struct now now, struct saved *ret_saved)
{
    ret_saved->at = now.wall;
    ret_saved->boot_at = now.boot;
    ret_saved->state = power->state;
    ret_saved->since = to_wall(now, power->since);
    ret_saved->up_since = to_wall(now, power->up_since);
    ret_saved->down_since = to_wall(now, power->down_since);
    ret_saved->retry_at = to_wall(now, power->retry_at);
    ret_saved->was_ready = power->was_ready;
    ret_saved->said_goodbye = power->said_goodbye;
    ret_saved->ever_woken = power->ever_woken;
    ret_saved->resting = power->resting;
    ret_saved->leaving = to_wall(now, power->leaving);
    ret_saved->guard = (struct guard){power->guard.kind, to_wall(now, power->guard.until)};
    ret_saved->failures = power->failures;
    ret_saved->failure = power->failure;
    ret_saved->last_boot = power->last_boot;
    ret_saved->last_ready = power->last_ready;
    ret_saved->goodbye = power->evidence.goodbye;
    ret_saved->mac_matched = power->evidence.mac_matched;
    ret_saved->macs = power->evidence.macs;
    ret_saved->wake = power->wake;
    ret_saved->sleep = power->sleep;
    ret_saved->rousing = power->rousing;
    ret_saved->history = power->history;
    ret_saved->n_woken = power->n_woken;
    text_copy(ret_saved->boot_id, sizeof(ret_saved->boot_id), power->report.boot_id);
    convert_wake(&ret_saved->wake, now, to_wall);
    convert_sleep(&ret_saved->sleep, now, to_wall);
    convert_rousing(&ret_saved->rousing, now, to_wall);
    save_leases(power->leases, now, &ret_saved->leases);
    for (size_t i = 0; i < WOKEN_MAX; i++)
        ret_saved->woken[i] = to_wall(now, INT64_C(1000) * power->woken[i]);
}

int fleet_save(const struct fleet *fleet, int server, struct now now, struct saved *ret_saved)
{
    const struct power *power = &fleet->powers[server];
    const struct override *override = &fleet->overrides[server];
    struct saved saved;

    if (saved_init(&saved, power->leases->n, count_projects(fleet, server),
                   fleet->ledger.servers[server].n) < 0)
        return -ENOMEM;
    save_power(power, now, &saved);
    saved.override = (struct saved_override){
        .policy_set = override->policy_set, .policy = override->policy, .idle = override->idle};
    text_copy(saved.override.by, sizeof(saved.override.by), override->by);
    save_commands(fleet, server, now, &saved);
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site])
        if (fleet->sites[site].project != MODEL_NONE)
            save_project(fleet, site, now, &saved.projects[saved.n_projects++]);
    *ret_saved = saved;
    return 0;
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
        (void)ledger_reserve(&fleet->ledger); /* without memory the oldest are forgotten */
        struct ledger_entry *entry = ledger_add(&fleet->ledger, server, kept->action, kept->id,
                                                kept->by, to_boot(now, kept->received));

        if (!entry)
            return;
        entry->answered = kept->answered;
        if (!kept->open)
            ledger_close(&fleet->ledger, entry);
        entry->outcome = kept->outcome;
        entry->seconds_ms = kept->seconds_ms;
        entry->site = site;
        entry->route = kept->route; /* of a reload; a record from the disk has none */
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
        if (was->wanted)
            project_want_again(project, now);
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

/* A transaction that was under way keeps its state, for it goes on; all else must be seen again. */
static enum power_state state_after(const struct saved *saved)
{
    if (saved->wake.open)
        return POWER_WAKING;
    if (saved->sleep.phase == SLEEP_AGREED || saved->wake.queued)
        return POWER_SLEEPING;
    return POWER_UNKNOWN;
}

static bool is_same_boot(const struct saved *saved, struct now now)
{
    return saved->boot_at > 0 && saved->boot_at <= now.boot;
}

static void restore_power(struct power *power, struct now now, struct now today,
                          const struct saved *saved)
{
    power->state = state_after(saved);
    power->since = to_boot(now, saved->since);
    /* While it is woken, its run begins when it is seen. */
    power->up_since = power->state == POWER_WAKING ? 0 : to_boot_set(now, saved->up_since);
    power->down_since = to_boot(now, saved->down_since);
    power->retry_at = to_boot(now, saved->retry_at);
    power->was_ready = saved->was_ready;
    power->said_goodbye = saved->said_goodbye;
    power->ever_woken = saved->ever_woken;
    power->resting = saved->resting;
    power->leaving = power->state == POWER_WAKING ? 0 : to_boot_set(now, saved->leaving);
    if (power->state == POWER_UNKNOWN && saved->guard.kind != GUARD_NONE)
        power->guard = (struct guard){saved->guard.kind, to_boot_set(now, saved->guard.until)};
    power->failures = saved->failures;
    power->failure = saved->failure;
    power->last_boot = saved->last_boot;
    power->last_ready = saved->last_ready;
    power->wake = saved->wake;
    power->sleep = saved->sleep;
    power->rousing = saved->rousing;
    power->history = saved->history;
    power->n_woken = saved->n_woken;
    for (size_t i = 0; i < WOKEN_MAX; i++)
        power->woken[i] = power_seconds(to_boot(now, saved->woken[i]));
    text_copy(power->report.boot_id, sizeof(power->report.boot_id), saved->boot_id);
    power->reason = power->state == POWER_UNKNOWN ? FACT(HALL_STARTED) : FACT(HALL_RESUMED);
    if ((power->wake.open || power->wake.queued) && fact_is(&power->wake.cause, FACT_NONE))
        power->wake.cause = FACT(WAKE_REQUESTED); /* what it was for is configured no more */
    convert_wake(&power->wake, now, to_boot);
    power->wake.unseen = true;
    power->wake.deserted |= is_same_boot(saved, today) ? look_was_long(saved->boot_at, today.boot)
                                                       : look_was_long(saved->at, today.wall);
    power->wake.next_packet = to_boot_set(now, saved->wake.next_packet);
    convert_sleep(&power->sleep, now, to_boot);
    convert_rousing(&power->rousing, now, to_boot);
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

/* How much time has passed nobody knows yet: what was only a while ago may be long ago. */
static void forget_lately(struct power *power)
{
    power->retry_at = 0;
    power->rousing.slept = 0;
}

static void restore_leases(struct fleet *fleet, int server, struct now now,
                           const struct saved *saved)
{
    struct lease_set *set = fleet->powers[server].leases;

    set->n = 0;
    for (size_t i = 0; i < saved->leases.n; i++) {
        struct lease lease = saved->leases.leases[i];

        if (!is_founded(fleet->model, server, &lease))
            continue;
        convert_lease(&lease, now, to_boot);
        lease_put(set, &lease);
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

static void restore_evidence(struct evidence *evidence, const struct saved *saved)
{
    evidence->goodbye = saved->goodbye;
    evidence->mac_matched = saved->mac_matched;
    evidence->macs = saved->macs;
    evidence->macs.turns = 0;
    evidence->macs.turned = 0; /* of another boot clock */
}

/* Both clocks at one moment, by which the saved times are understood. Within the same boot the boot
 * clock tells how much time has passed, however the wall clock was set meanwhile. After another
 * boot the wall clock must tell; where it went back, for a Pi has no clock of its own, no time is
 * known to have passed, and no end moves away. */
static struct now saved_clocks(const struct saved *saved, struct now now)
{
    if (is_same_boot(saved, now))
        return (struct now){.boot = saved->boot_at, .wall = saved->at};
    if (now.wall < saved->at)
        now.wall = saved->at;
    return now;
}

void fleet_restore(struct fleet *fleet, int server, struct now today, const struct saved *saved)
{
    struct override *override = &fleet->overrides[server];
    const struct now now = saved_clocks(saved, today);

    restore_power(&fleet->powers[server], now, today, saved);
    restore_leases(fleet, server, now, saved);
    if (fleet->powers[server].state == POWER_UNKNOWN)
        fleet->powers[server].since = today.boot;
    if (fleet->clock_trusted)
        lease_clock_was_set(fleet->powers[server].leases, today);
    else if (!is_same_boot(saved, today))
        forget_lately(&fleet->powers[server]);
    if (fleet->powers[server].state == POWER_SLEEPING)
        assume_up(&fleet->powers[server].evidence, &fleet->model->servers[server]);
    restore_evidence(&fleet->powers[server].evidence, saved);
    power_note_needs(&fleet->powers[server]);
    restore_commands(fleet, server, now, saved);
    restore_projects(fleet, server, now, saved);
    resume_turn(fleet, server);
    override->policy_set = saved->override.policy_set;
    override->policy = saved->override.policy;
    override->idle = saved->override.idle;
    text_copy(override->by, sizeof(override->by), saved->override.by);
}

const struct quota *fleet_quota(const struct fleet *fleet, size_t *cursor)
{
    while (*cursor < fleet->quotas.size) {
        const struct quota *quota = &fleet->quotas.slots[(*cursor)++];

        if (quota->used)
            return quota;
    }
    return NULL;
}

void fleet_restore_quota(struct fleet *fleet, struct now now, const struct quota *quota)
{
    struct quota was = *quota;

    /* Of a boot clock that is further on than this one: another's. */
    was.at = was.at < 0 || was.at > now.boot ? 0 : was.at;
    was.last_use = was.last_use < 0 || was.last_use > now.boot ? 0 : was.last_use;
    (void)quota_reserve(&fleet->quotas);
    struct quota *kept =
        quota_open(&fleet->quotas, was.kind, was.subject, was.address, guard_day(fleet, now, &was));

    kept->wakes = was.wakes;
    kept->awake_ms = was.awake_ms;
    kept->last_use = was.last_use;
    kept->at = was.at;
}
