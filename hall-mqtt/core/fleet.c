#include "core/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/step.h"

enum {
    IDLE_DEFAULT = 20 * 60000,
    UNKNOWN_MOST = 15000, /* who has shown nothing so long after the start is off */
};

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

static void init_power(struct power *power, struct now now)
{
    power->since = now.boot;
    power->last_boot = -1;
    power->report.load = -1;
    power->report.uptime_s = -1;
    evidence_init(&power->evidence);
    for (unsigned i = 0; i < STAGES; i++)
        power->wake.stages[i] = STAGE_UNREACHED;
    text_copy(power->reason, sizeof(power->reason), "Hall has just started");
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
    fleet->overrides = calloc(model->n_servers + 1, sizeof(*fleet->overrides));
    fleet->sites = calloc(model->n_sites + 1, sizeof(*fleet->sites));
    fleet->site_first = calloc(model->n_servers + 1, sizeof(*fleet->site_first));
    fleet->site_next = calloc(model->n_sites + 1, sizeof(*fleet->site_next));
    fleet->domains = calloc(model->n_domains + 1, sizeof(*fleet->domains));
    fleet->quotas = calloc(1, sizeof(*fleet->quotas));
    fleet->zones = &utc_everywhere;
    fleet->clock_trusted = true;
    if (!fleet->powers || !fleet->overrides || !fleet->sites || !fleet->site_first ||
        !fleet->site_next || !fleet->domains || !fleet->quotas ||
        due_init(&fleet->due, model->n_servers) < 0 || depend_init(&fleet->depend, model) < 0 ||
        projects_init(fleet) < 0) {
        fleet_destroy(fleet);
        return -ENOMEM;
    }
    link_sites(fleet);
    for (size_t i = 0; i < model->n_servers; i++)
        init_power(&fleet->powers[i], now);
    *ret_fleet = fleet;
    return 0;
}

void fleet_destroy(struct fleet *fleet)
{
    if (!fleet)
        return;
    free(fleet->powers);
    free(fleet->overrides);
    projects_finish(fleet);
    free(fleet->sites);
    free(fleet->site_first);
    free(fleet->site_next);
    free(fleet->domains);
    free(fleet->quotas);
    depend_finish(&fleet->depend);
    due_finish(&fleet->due);
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

static void expire_leases(struct step *step)
{
    /* A wake always ends; until then nobody who waits for it is forgotten. */
    if (!step->power->wake.open && lease_expire(&step->power->leases, step->now.boot) > 0)
        step->changed = true;
}

/* Where nothing can prove silence (its agent was never heard, echoes are not permitted), time
 * decides. */
static void settle_unknown(struct step *step)
{
    if (step->power->state == POWER_UNKNOWN && step->power->since + UNKNOWN_MOST <= step->now.boot)
        step_transition(step, POWER_SILENT, "nothing was seen of it since Hall started");
}

static int64_t unknown_due(const struct step *step)
{
    return step->power->state == POWER_UNKNOWN ? step->power->since + UNKNOWN_MOST : DUE_NEVER;
}

/* What every event and every tick ends with. */

/* The site whose answer ends the wait: a visited one; with no visitors, any. */
static bool is_waited_for(const struct lease_set *set, const char *site)
{
    bool visited = false;

    for (size_t i = 0; i < set->n; i++)
        visited |= set->leases[i].kind == LEASE_VISIT;
    return !visited || lease_find(set, LEASE_VISIT, site);
}

static bool lets_in(const struct step *step, int site)
{
    const struct power *power = step->power;
    const struct project *project = project_of(step, site);
    const int check = step->fleet->model->sites[site].check;

    return (power->state == POWER_READY || power->state == POWER_DEGRADED) &&
           evidence_site_answers(&power->evidence, step->model, check) &&
           (!project || project_admits(power, project, check != MODEL_NONE));
}

static void update_sites(struct step *step)
{
    struct fleet *fleet = step->fleet;
    const struct power *power = step->power;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site]) {
        const bool ready = lets_in(step, site);

        if (ready == fleet->sites[site].ready)
            continue;
        fleet->sites[site].ready = ready;
        if (ready && is_waited_for(&power->leases, fleet->model->sites[site].id))
            step_stage(step, STAGE_SITE_ANSWERS);
        step_emit(step, &(struct action){.kind = ACTION_SITE, .site = {.site = site}});
        step->changed = true;
    }
}

static void order_pace(struct step *step)
{
    struct action action = {.kind = ACTION_PACE};

    power_pace(step->power, &action.pace.interval, &action.pace.timeout);
    if (action.pace.interval == step->power->probe_interval)
        return;
    step->power->probe_interval = action.pace.interval;
    step_emit(step, &action);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void tell_status(struct step *step)
{
    const uint32_t mark = lease_mark(&step->power->leases);
    struct action action = {.kind = ACTION_STATUS,
                            .status = {.leases = mark != step->power->lease_mark}};

    step->power->lease_mark = mark;
    step_emit(step, &action);
}

static void step_end(struct step *step)
{
    struct power *power = step->power;
    int64_t due;

    policy_keep(step);
    depend_keep(step);
    expire_leases(step);
    settle_unknown(step);
    sleep_tick(step);
    projects_order(step);
    update_sites(step);
    projects_settle(step);
    guard_tick(step);
    wake_tick(step);
    policy_wake(step);
    sleep_when_idle(step);
    depend_touch(step);
    order_pace(step);
    projects_tell(step);
    if (step->changed) {
        tell_status(step);
        step_emit(step, &(struct action){.kind = ACTION_SAVE, .save = {.durable = step->durable}});
    }
    due = earlier(wake_due(step), earlier(sleep_due(step), policy_due(step)));
    due = earlier(due, earlier(unknown_due(step), guard_due(step)));
    due = earlier(due, projects_due(step));
    if (!power->wake.open)
        due = earlier(due, lease_next_end(&power->leases));
    due_set(&step->fleet->due, step->server, due);
}

void fleet_set_zones(struct fleet *fleet, const struct zone_port *zones)
{
    fleet->zones = zones;
}

void fleet_trust_clock(struct fleet *fleet, bool trusted)
{
    if (trusted == fleet->clock_trusted)
        return;
    fleet->clock_trusted = trusted;
    fleet_clock_was_set(fleet);
}

void fleet_clock_was_set(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->model->n_domains; i++)
        fleet->domains[i].looked = 0;
    for (size_t i = 0; i < fleet->model->n_sites; i++)
        fleet->sites[i].hours_valid_until = 0;
    for (size_t i = 0; i < fleet->model->n_servers; i++)
        due_set(&fleet->due, (int)i, 0);
}

static void apply(struct step *step, struct evidence_change change)
{
    const enum power_state state = step->power->state;
    /* To be found silent at last is no news of a server that was not up. */
    const bool falls_silent =
        change.silent && (step->power->up_since > 0 || state == POWER_UNKNOWN);

    if (change.changed)
        step->changed = true;
    if (change.sign)
        wake_sign(step);
    if (change.pass)
        step_transition(step, POWER_PASS, NULL);
    else if (change.sign)
        step_transition(step, POWER_SIGN, NULL);
    if (change.fail)
        step_transition(step, POWER_FAIL, NULL);
    if (falls_silent)
        step_transition(step, POWER_SILENT, NULL);
}

/* After a reload, of a server that nothing but its agent tells of: no probe will show what its word
 * means. */
static void hear_again(struct step *step)
{
    struct evidence *evidence = &step->power->evidence;

    for (size_t i = 0; i < step->model->n_checks; i++)
        if (step->model->checks[i].kind != CHECK_AGENT)
            return;
    if (evidence->agent == AGENT_ONLINE)
        apply(step, evidence_agent(evidence, step->model, AGENT_ONLINE, evidence->agent_since));
}

void fleet_start(struct fleet *fleet, struct now now)
{
    for (size_t i = 0; i < fleet->model->n_servers; i++) {
        struct step step = step_begin(fleet, now, (int)i);

        step.changed = true;
        hear_again(&step);
        step_end(&step);
    }
}

void fleet_tick(struct fleet *fleet, struct now now)
{
    while (due_next(&fleet->due) <= now.boot) {
        struct step step = step_begin(fleet, now, due_server(&fleet->due));

        step_end(&step);
    }
}

int64_t fleet_deadline(const struct fleet *fleet)
{
    return due_next(&fleet->due);
}

/* Events. */

static void take_visit_lease(struct step *step, int site)
{
    const char *holder = step->fleet->model->sites[site].id;
    struct lease_set *set = &step->power->leases;
    const bool is_new = !lease_find(set, LEASE_VISIT, holder);
    const int64_t until = step->now.boot + step_idle(step);

    /* A full set must not send a visitor's server to sleep: then the longest lease lives on for
     * all. */
    if (!lease_take(set, LEASE_VISIT, holder, "", step->now.boot, until))
        set->leases[0].until = until > set->leases[0].until ? until : set->leases[0].until;
    if (is_new)
        step->fleet->sites[site].visits++;
    step->fleet->sites[site].last_visit = step->now.boot;
    step->changed = true;
}

static void handle_visit(struct step *step, const struct fleet_event *event)
{
    const int site = event->visit.site;
    const bool was_open = step->power->wake.open || step->power->wake.queued;
    char cause[CAUSE_SIZE];

    if (guard_visit(step, site, event->visit.who))
        return;
    take_visit_lease(step, site);
    if (step->fleet->sites[site].ready) {
        guard_note_use(step, site, event->visit.who, false);
        return;
    }
    projects_want(step, site);
    step->power->awaited_until = step->now.boot + WAKE_AWAITED_MOST;
    if (step->power->state == POWER_READY)
        return;
    snprintf(cause, sizeof(cause), "visit of %.64s", step->fleet->model->sites[site].id);
    if (wake_request(step, cause, false) && !was_open && !step->power->evidence.alive)
        guard_note_use(step, site, event->visit.who, true);
}

static void handle_use(struct step *step, const struct fleet_event *event)
{
    /* A use seen while it was ready may arrive after it is not. */
    if (!step->fleet->sites[event->visit.site].ready ||
        guard_visit(step, event->visit.site, event->visit.who))
        return;
    take_visit_lease(step, event->visit.site);
    guard_note_use(step, event->visit.site, event->visit.who, false);
}

static void handle_command(struct step *step, const struct fleet_event *event)
{
    order_command(step, &event->command);
}

static void handle_probe(struct step *step, const struct fleet_event *event)
{
    if (event->probe.check < step->model->n_checks)
        apply(step, evidence_probe(&step->power->evidence, step->model, event->probe.check,
                                   event->probe.outcome, event->probe.detail));
}

static void handle_neighbour(struct step *step, const struct fleet_event *event)
{
    const bool was_other = step->power->evidence.mac == MAC_OTHER;
    char other[MAC_TEXT_SIZE];

    if (was_other && event->neighbour.verdict == MAC_MATCH)
        step_problem(step, "%s", "");
    apply(step, evidence_neighbour(&step->power->evidence, step->model, event->neighbour.verdict,
                                   event->neighbour.mac));
    if (event->neighbour.verdict == MAC_OTHER)
        step_problem(step, "another machine (%s) answers on its address",
                     text_format_mac(event->neighbour.mac, other));
}

/* What it said before it went holds no more; what it reported in use lives on a while. */
static void agent_went(struct step *step)
{
    struct lease_set *set = &step->power->leases;
    const int64_t until = step->now.boot + step_idle(step);

    projects_agent_away(step);
    for (size_t i = 0; i < set->n; i++)
        if (set->leases[i].kind == LEASE_AGENT && set->leases[i].until > until)
            set->leases[i].until = until;
}

static void handle_agent(struct step *step, const struct fleet_event *event)
{
    struct power *power = step->power;
    const enum agent_word word = event->agent.word, before = power->evidence.agent;
    const bool was_sleeping = before == AGENT_SLEEPING;
    const struct evidence_change change =
        evidence_agent(&power->evidence, step->model, word, step->now.boot);

    if (word != AGENT_ONLINE && word != before)
        agent_went(step);
    /* The broker says a retained word again at each reconnect: that is no new goodbye. */
    if (word == AGENT_SLEEPING && was_sleeping)
        return;
    if (word == AGENT_SLEEPING) {
        step->changed = true;
        power->said_goodbye |= power->state == POWER_OFF;
        if (power_next_state(power, POWER_GOODBYE) == POWER_SLEEPING)
            sleep_agreed(step, "its agent said goodbye");
        else
            step_transition(step, POWER_GOODBYE, NULL);
        return;
    }
    if (word == AGENT_ONLINE && was_sleeping && power->state == POWER_SLEEPING) {
        sleep_came_back(step);
    }
    apply(step, change);
    if (word == AGENT_ONLINE)
        step_stage(step, STAGE_AGENT_ONLINE);
}

/* The leases of an agent are those of its latest report. */
static void take_uses(struct step *step, const struct agent_uses *uses)
{
    struct lease_set *set = &step->power->leases;

    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];
        bool goes_on = lease.kind != LEASE_AGENT;

        for (size_t k = 0; k < uses->n && !goes_on; k++)
            goes_on = strcmp(uses->list[k].holder, lease.holder) == 0;
        if (!goes_on)
            lease_release(set, lease.kind, lease.holder);
    }
    for (size_t i = 0; i < uses->n; i++)
        (void)lease_take(set, LEASE_AGENT, uses->list[i].holder, uses->list[i].label,
                         step->now.boot, LEASE_FOREVER);
}

/* An old report, said again by the broker, tells nothing of a server that is not up. */
static void handle_report(struct step *step, const struct fleet_event *event)
{
    const bool first = step->power->report.heard_at <= step->power->wake.started;

    step->power->report = event->report;
    step->power->report.heard = true;
    step->power->report.heard_at = step->now.boot;
    if (first)
        wake_correct_kind(step);
    if (power_is_up(step->power->state) && step->power->evidence.agent != AGENT_SLEEPING)
        take_uses(step, &event->uses);
    step->changed = true;
}

static void handle_containers(struct step *step, const struct fleet_event *event)
{
    projects_told(step, event->containers);
}

static void handle_sleep_answer(struct step *step, const struct fleet_event *event)
{
    if (!projects_answered(step, event->sleep.answer, event->sleep.id, event->sleep.reason))
        sleep_answered(step, event->sleep.answer, event->sleep.id, event->sleep.reason);
}

static void handle_packet_failed(struct step *step, const struct fleet_event *event)
{
    if (step->power->wake.packets_failed < step->power->wake.packets)
        step->power->wake.packets_failed++;
    step_problem(step, "a magic packet could not be sent: %s", event->packet.reason);
}

typedef void handler(struct step *, const struct fleet_event *);

static handler *const handlers[] = {
    [FLEET_VISIT] = handle_visit,
    [FLEET_USE] = handle_use,
    [FLEET_COMMAND] = handle_command,
    [FLEET_PROBE] = handle_probe,
    [FLEET_NEIGHBOUR] = handle_neighbour,
    [FLEET_AGENT] = handle_agent,
    [FLEET_REPORT] = handle_report,
    [FLEET_CONTAINERS] = handle_containers,
    [FLEET_SLEEP_ANSWER] = handle_sleep_answer,
    [FLEET_PACKET_FAILED] = handle_packet_failed,
};

void fleet_handle(struct fleet *fleet, struct now now, const struct fleet_event *event)
{
    const bool names_site = event->kind == FLEET_VISIT || event->kind == FLEET_USE;
    const int server = names_site ? fleet->model->sites[event->visit.site].server : event->server;
    struct step step = step_begin(fleet, now, server);

    /* What time made due before this event comes first. */
    if (fleet->due.at[server] <= now.boot)
        step_end(&step);
    step.changed = false;
    handlers[event->kind](&step, event);
    step_end(&step);
    /* Servers that this one needs, or that wait for it, were made due. */
    fleet_tick(fleet, now);
}

/* What others ask of the fleet. */

const struct power *fleet_power(const struct fleet *fleet, int server)
{
    return &fleet->powers[server];
}

const struct site_state *fleet_site(const struct fleet *fleet, int site)
{
    return &fleet->sites[site];
}

int fleet_first_site(const struct fleet *fleet, int server)
{
    return fleet->site_first[server];
}

int fleet_next_site(const struct fleet *fleet, int site)
{
    return fleet->site_next[site];
}

bool fleet_site_ready(const struct fleet *fleet, int site)
{
    return fleet->sites[site].ready;
}

enum policy_mode fleet_policy(const struct fleet *fleet, int server)
{
    const struct model *model = fleet->model;
    enum policy_mode strongest = POLICY_ON_DEMAND;

    if (fleet->overrides[server].policy_set)
        return fleet->overrides[server].policy;
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site]) {
        const enum policy_mode mode = model->domains[model->sites[site].domain].policy.mode;

        if (mode < strongest)
            strongest = mode;
    }
    return strongest;
}

int64_t fleet_idle(const struct fleet *fleet, int server)
{
    const struct model *model = fleet->model;
    int64_t longest = 0;

    if (fleet->overrides[server].idle > 0)
        return fleet->overrides[server].idle;
    for (int site = fleet->site_first[server]; site != MODEL_NONE; site = fleet->site_next[site]) {
        const int64_t idle = model->domains[model->sites[site].domain].policy.idle;

        if (idle > longest)
            longest = idle;
    }
    return longest > 0 ? longest : IDLE_DEFAULT;
}

bool fleet_keep_awake(const struct fleet *fleet, int server)
{
    return lease_find(&fleet->powers[server].leases, LEASE_HOLD, "keep_awake") != NULL;
}

int64_t step_idle(const struct step *step)
{
    return fleet_idle(step->fleet, step->server);
}

void step_release_passing_leases(struct step *step)
{
    lease_release_kind(&step->power->leases, LEASE_VISIT);
    lease_release_kind(&step->power->leases, LEASE_MANUAL);
    step->changed = true;
}
