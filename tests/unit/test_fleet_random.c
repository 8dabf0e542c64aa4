/*
 * Random events against several servers, and after each step what must always hold; among them
 * restarts of Hall and reloads with another model. Each round has a seed of its own, which a
 * failure names: 1 and so on, the same in every run. HALL_SEED=<seed> starts with that round, and
 * HALL_STEPS=<n> goes on for so many steps, about 50,000 a second.
 */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "core/adopt.h"
#include "core/facts/look.h"
#include "core/facts/projects.h"
#include "core/saved.h"
#include "core/settle.h"
#include "fleet_fixture.h"
#include "record/record.h"

enum {
    STEPS = 1500, /* of one round */
    ROUNDS_USUAL = 60,
    WOKEN_KEPT = 64,
    COMMANDS = STEPS + 1,
    REPEATABLE =
        40, /* so many of the latest ids are sent again: the ledger remembers them surely */
    RENEWED_EVERY = 60, /* steps */
};

/* One command as the test sent it. */
struct sent {
    int server, site;
    enum command_action action;
    bool accepted, ended, refused;
    bool repeated;  /* its answer to a repetition is awaited in this step */
    bool forgotten; /* so old that it was not kept over a restart, or its server was removed */
    bool routeless; /* Hall was restarted since */
};

/* A model as it may be configured: the world's, with something left out or changed. */
struct layout {
    struct model model;
    struct model_server servers[WORLD_SERVERS];
    struct model_check checks[WORLD_SERVERS][WORLD_CHECKS];
    struct model_site sites[WORLD_SITES];
    struct model_domain domains[WORLD_SERVERS];
    int server_at[WORLD_SERVERS], site_at[WORLD_SITES]; /* from the world's index, and back: */
    int server_of[WORLD_SERVERS], site_of[WORLD_SITES];
};

/* What of the world is left out of a layout, or changed in it; MODEL_NONE: nothing. */
struct difference {
    int server, site, checks_of;
};

struct trial {
    struct world world;
    uint64_t seed, number;
    uint32_t steps;
    enum power_state state[WORLD_SERVERS];
    bool fell_asleep[WORLD_SERVERS]; /* in this step */
    unsigned looks;                  /* ordered of these servers, a bit each */
    bool site[WORLD_SITES], closed[WORLD_SITES];
    int64_t woken[WORLD_SERVERS][WOKEN_KEPT]; /* first packets, a ring */
    uint32_t n_woken[WORLD_SERVERS];
    char open_id[WORLD_SERVERS][COMMAND_ID_SIZE]; /* of the wake that is open */
    int64_t open_since[WORLD_SERVERS];
    int64_t looking_since[WORLD_SERVERS], checked_at; /* as seen last; boot clock */
    char wake_id[WORLD_SERVERS][COMMAND_ID_SIZE];     /* of the latest packet */
    uint32_t packet[WORLD_SERVERS];
    uint32_t n_sent;
    struct sent sent[COMMANDS];
    bool visited[POWER_STATES];
    bool happened[HAPPENINGS];
    bool ordered; /* the project has an order under way, until it is answered or then: */
    int64_t ordered_until;
    char order_id[COMMAND_ID_SIZE]; /* the latest */
    uint32_t orders[PROJECT_VERBS];
    bool idled, gave_up;
    bool limited, waited, guarded, rested, rebooted, killed, resumed, reduced, retyped;
    struct layout layouts[2];
    int layout;                    /* the one the fleet has */
    bool unsighted[WORLD_SERVERS]; /* by a restart or reload, and not seen since */
    bool was_up[WORLD_SERVERS];    /* when it was last seen */
};

#define MUST(trial_, condition_)                                                                   \
    do {                                                                                           \
        if (!(condition_))                                                                         \
            fail_msg("HALL_SEED=%" PRIu64 " step %u: %s", (trial_)->seed, (trial_)->steps,         \
                     #condition_);                                                                 \
    } while (0)

static uint32_t roll(struct trial *trial, uint32_t sides)
{
    trial->number ^= trial->number << 13;
    trial->number ^= trial->number >> 7;
    trial->number ^= trial->number << 17;
    return (uint32_t)(trial->number >> 33) % sides;
}

/* What the table allows at all, whatever the event. */
static bool is_in_table(enum power_state from, enum power_state to)
{
    const bool can_be_seen = to != POWER_UNKNOWN && to != POWER_SLEEPING &&
                             to != POWER_UNREACHABLE && to != POWER_WAKE_FAILED;

    for (unsigned event = 0; event < POWER_EVENTS; event++) {
        const struct power_row *row = &power_table[from][event];

        if (row->to == to || row->wanted == to)
            return true;
        if (row->to == NEXT_AS_SEEN && can_be_seen)
            return true;
        if (row->to == NEXT_GONE && (to == POWER_OFF || to == POWER_UNREACHABLE))
            return true;
    }
    return false;
}

/* Actions, judged at the moment they leave the core. */

static void judge_state(struct trial *trial, const struct action *action)
{
    const enum power_state to = action->state.to;

    MUST(trial, (unsigned)to < POWER_STATES);
    MUST(trial, action->state.from == trial->state[action->server]);
    MUST(trial, to != action->state.from);
    MUST(trial, is_in_table(action->state.from, to));
    trial->state[action->server] = to;
    trial->visited[to] = true;
    if (action->state.from == POWER_SLEEPING && to == POWER_OFF)
        trial->fell_asleep[action->server] = true;
}

/* Has it its circuit to itself? */
static bool is_starting(const struct trial *trial, int server)
{
    if (!world_has(&trial->world, server) || !trial->world.servers[server].group)
        return false;
    const struct wake *wake = &world_power(&trial->world, server)->wake;
    return wake->open && wake->wait == WAIT_NOTHING && wake->packets > 0;
}

/* What it needs is there, and nobody else starts on its circuit. */
static void judge_turn(struct trial *trial, int server)
{
    const struct model_server *model = &trial->world.servers[server];

    for (size_t i = 0; i < model->n_depends_on; i++)
        MUST(trial, !world_has(&trial->world, model->depends_on[i]) ||
                        world_power(&trial->world, model->depends_on[i])->state == POWER_READY);
    for (int other = 0; model->group && other < WORLD_SERVERS; other++)
        MUST(trial, other == server || !is_starting(trial, other));
}

static void judge_guards(struct trial *trial, int server)
{
    const struct model_server *model = &trial->world.servers[server];
    const struct power *power = world_power(&trial->world, server);
    const int64_t now = trial->world.now.boot;
    int recent = 0;

    for (uint32_t i = 0; i < WOKEN_KEPT && i < trial->n_woken[server]; i++)
        recent += trial->woken[server][i] > now - HOUR;
    trial->woken[server][trial->n_woken[server]++ % WOKEN_KEPT] = now;
    if (power->wake.force || power->wake.stages[STAGE_FIRST_SIGN] != STAGE_UNREACHED)
        return;
    MUST(trial, model->wakes_per_hour == 0 || recent < model->wakes_per_hour);
    /* Of one that was up before a restart and not seen since, nobody knows when it went down. */
    MUST(trial, power->down_since == 0 || now >= power->down_since + model->min_down ||
                    (trial->unsighted[server] && trial->was_up[server]));
}

static void judge_packet(struct trial *trial, const struct action *action)
{
    const int server = action->server;
    const struct power *power = world_power(&trial->world, server);
    const bool same = strcmp(power->wake.id, trial->wake_id[server]) == 0;

    const struct model_server *model = &trial->world.servers[server];

    if (!power->wake.open) {
        MUST(trial, power->forced_packet && power->state == POWER_READY);
        return;
    }
    MUST(trial, power->state == POWER_WAKING || power->state == POWER_BOOTING ||
                    power->state == POWER_DEGRADED);
    MUST(trial, (power->state == POWER_WAKING) == !power->evidence.alive);
    MUST(trial, power->wake.force || !evidence_answers(&power->evidence, model));
    MUST(trial, action->packet.number == (same ? trial->packet[server] + 1 : 1));
    MUST(trial, power->wake.wait == WAIT_NOTHING);
    if (!same && !power->evidence.alive) {
        judge_turn(trial, server);
        judge_guards(trial, server);
    }
    memcpy(trial->wake_id[server], power->wake.id, COMMAND_ID_SIZE);
    trial->packet[server] = action->packet.number;
}

static void judge_sleep(struct trial *trial, const struct action *action)
{
    const struct power *power = world_power(&trial->world, action->server);

    MUST(trial, power->evidence.alive);
    MUST(trial, power->sleep.phase == SLEEP_PROPOSED);
    MUST(trial, action->sleep.id[0] != '\0');
    if (strcmp(power->sleep.by, "idle") == 0) {
        MUST(trial, power->leases->n == 0);
        MUST(trial, world_sees(power, trial->world.now));
        MUST(trial, !power->wake.open && !power->wake.queued);
        MUST(trial, !action->sleep.force && !action->sleep.restart);
    }
}

/* Which command is it? They are named "c17". */
static uint32_t number_of(const char *id)
{
    return (uint32_t)strtoul(id + 1, NULL, 10);
}

/* A route is the number of the command as sent, 0 once it was on the disk; a repetition's is that
 * number plus COMMANDS, and takes the place of one that is lost. */
static void judge_answer(struct trial *trial, const struct ledger_entry *entry)
{
    const uint32_t number = number_of(entry->id);
    struct sent *sent = &trial->sent[number];
    const bool repetition = entry->route >= COMMANDS && sent->repeated;

    MUST(trial, number < trial->n_sent && !sent->forgotten);
    if (entry->route >= COMMANDS)
        MUST(trial,
             entry->route == COMMANDS + number && (repetition || sent->routeless || number == 0));
    else
        MUST(trial, entry->route == (sent->routeless ? 0 : number));
    MUST(trial, sent->server == entry->server && sent->action == entry->action);
    if (repetition) {
        sent->repeated = false;
        return;
    }
    switch (entry->outcome) {
    case OUTCOME_ACCEPTED:
        MUST(trial, !sent->accepted && !sent->refused);
        sent->accepted = true;
        break;
    case OUTCOME_REFUSED:
        MUST(trial, !sent->accepted && !sent->refused);
        MUST(trial, !fact_is(&entry->reason, FACT_NONE));
        sent->refused = true;
        break;
    case OUTCOME_DONE:
    case OUTCOME_FAILED:
        MUST(trial, sent->accepted && !sent->ended);
        sent->ended = true;
        break;
    }
}

static void judge_limit(struct trial *trial, const struct action *action)
{
    MUST(trial, action->limit.site >= 0 && action->limit.site < WORLD_SITES);
    MUST(trial, trial->world.sites[action->limit.site].server == action->server);
    MUST(trial, guard_name(action->limit.guard.kind) != NULL);
    MUST(trial, action->limit.guard.until > trial->world.now.boot);
    trial->limited = true;
}

static void judge_site(struct trial *trial, int site)
{
    const int at = world_place(trial->world.site_at, site);

    trial->site[site] = fleet_site_ready(trial->world.fleet, at);
    trial->closed[site] = fleet_site(trial->world.fleet, at)->closed_until != 0;
}

/* One order at a time, of a server that is up and whose agent is there; and none of our own that
 * takes a project away from under those who use it or wait for it. */
static void judge_project(struct trial *trial, const struct action *action)
{
    const int at = world_place(trial->world.site_at, action->project.site);
    const struct project *project = fleet_project(trial->world.fleet, at);
    const struct power *power = world_power(&trial->world, action->server);
    const struct model_site *site = &trial->world.sites[action->project.site];
    const int64_t used = fleet_site(trial->world.fleet, at)->last_visit;

    MUST(trial, site->server == action->server && site->is_project);
    /* The one before was answered, its agent went away, or its time is over. */
    MUST(trial, !trial->ordered || trial->world.now.boot >= trial->ordered_until);
    MUST(trial, action->project.id[0] == 'p' && action->project.verb == project->order);
    MUST(trial, power_is_up(power->state) && power->sleep.phase == SLEEP_NONE);
    MUST(trial, fleet_project_is_known(trial->world.fleet, at) && project->docker_up);
    trial->ordered = true;
    trial->ordered_until = project->order_until;
    trial->orders[action->project.verb]++;
    snprintf(trial->order_id, sizeof(trial->order_id), "%s", action->project.id);
    if (action->project.verb == PROJECT_START) {
        MUST(trial, project->wanted && project->tries <= 3);
    } else if (project->asked == 0) { /* for want of a visit */
        MUST(trial, action->project.verb == PROJECT_STOP);
        MUST(trial, site->idle_stop > 0 && trial->world.now.boot >= used + site->idle_stop);
        MUST(trial, !project->wanted && !project->containers[0].busy);
        trial->idled = true;
    } else if (action->project.verb == PROJECT_STOP) {
        MUST(trial, !lease_find(power->leases, LEASE_VISIT, action->project.site, ""));
    }
}

static void judge(struct trial *trial, const struct action *action)
{
    MUST(trial, action->server >= 0 && action->server < WORLD_SERVERS);
    switch (action->kind) {
    case ACTION_STATE:
        judge_state(trial, action);
        break;
    case ACTION_SITE:
        judge_site(trial, action->site.site);
        break;
    case ACTION_PACKET:
        judge_packet(trial, action);
        break;
    case ACTION_SLEEP:
        judge_sleep(trial, action);
        break;
    case ACTION_ANSWER:
        judge_answer(trial, action->answer);
        break;
    case ACTION_EVENT:
        trial->happened[action->event.what] = true;
        break;
    case ACTION_PACE:
        MUST(trial, action->pace.timeout > 0);
        /* Who sleeps and says when it is back need not be asked. */
        MUST(trial, action->pace.interval > 0 ||
                        power_is_left_alone(world_power(&trial->world, action->server)));
        break;
    case ACTION_LIMIT:
        judge_limit(trial, action);
        break;
    case ACTION_PROJECT:
        judge_project(trial, action);
        break;
    case ACTION_JOIN: /* it was said again before its end, and hears of that too */
        MUST(trial, action->join.route % COMMANDS == action->join.to % COMMANDS);
        break;
    case ACTION_STATUS:
    case ACTION_SAVE:
    case ACTION_QUOTA:
        break;
    case ACTION_CHECK:
    case ACTION_LOOK:
        trial->looks |= 1U << action->server;
        break;
    }
}

/* What the fleet says in the indexes of its own model, in the world's. */
static void act(void *context, const struct action *action)
{
    struct trial *trial = context;
    const struct layout *layout = &trial->layouts[trial->layout];
    struct ledger_entry answer;
    struct action here = *action;

    MUST(trial, action->server >= 0 && (size_t)action->server < layout->model.n_servers);
    here.server = layout->server_of[action->server];
    if (action->kind == ACTION_SITE)
        here.site.site = layout->site_of[action->site.site];
    if (action->kind == ACTION_PROJECT)
        here.project.site = layout->site_of[action->project.site];
    if (action->kind == ACTION_LIMIT)
        here.limit.site = layout->site_of[action->limit.site];
    if (action->kind == ACTION_ANSWER) {
        answer = *action->answer;
        answer.server = here.server;
        here.answer = &answer;
    }
    world_act(&trial->world, &here);
    judge(trial, &here);
}

/* What holds between steps. */

/* The state says what is seen. */
static void check_sight(struct trial *trial, int server, const struct power *power)
{
    trial->unsighted[server] &= power->state == POWER_UNKNOWN || power->state == POWER_WAKING;
    switch (power->state) {
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_WAKING:
    case POWER_UNREACHABLE:
        MUST(trial, !power->evidence.alive);
        MUST(trial, power->up_since == 0 || trial->unsighted[server]);
        break;
    case POWER_BOOTING:
    case POWER_DEGRADED:
        MUST(trial, power->evidence.alive && !power->evidence.passing);
        MUST(trial, power->up_since > 0);
        break;
    case POWER_READY:
        MUST(trial, power->evidence.passing);
        MUST(trial, power->failure == FAILURE_NONE);
        break;
    case POWER_SLEEPING:
        MUST(trial, power->evidence.alive);
        break;
    case POWER_WAKE_FAILED:
        MUST(trial, !power->evidence.passing);
        MUST(trial, power->failure != FAILURE_NONE);
        MUST(trial, power->evidence.alive == (power->up_since > 0));
        break;
    }
}

static void check_transactions(struct trial *trial, int server, const struct power *power)
{
    const int64_t now = trial->world.now.boot;

    MUST(trial, !(power->wake.open && power->wake.queued));
    MUST(trial, !power->wake.queued || power->state == POWER_SLEEPING);
    MUST(trial, !power->wake.open || look_before(power, power->wake.deadline) > now);
    MUST(trial, !power->wake.open || power->state == POWER_WAKING ||
                    power->state == POWER_BOOTING || power->state == POWER_DEGRADED);
    MUST(trial, power->state != POWER_WAKING || power->wake.open);
    MUST(trial, power->wake.packets_sent <= power->wake.packets);
    MUST(trial, (power->sleep.phase == SLEEP_AGREED) == (power->state == POWER_SLEEPING));
    MUST(trial,
         power->sleep.phase == SLEEP_NONE || look_before(power, power->sleep.deadline) > now);
    MUST(trial, power->sleep.phase != SLEEP_PROPOSED || power->evidence.alive ||
                    !power->evidence.settled || trial->unsighted[server]);
    MUST(trial, power->wake.wait == WAIT_NOTHING || power->state == POWER_WAKING);
    /* One that nothing was seen of since a restart waits for that. */
    MUST(trial, !power->asked && (power->guard.kind == GUARD_NONE || power->guard.until > now ||
                                  power->state == POWER_UNKNOWN));
    MUST(trial, !power->resting || !power->evidence.alive || power->leaving != 0);
    MUST(trial, power->state != POWER_SLEEPING || power->leaving != 0);
    MUST(trial, power->leaving == 0 || power->evidence.alive || power->state == POWER_UNKNOWN);
    MUST(trial, !power->in_vain || (power->evidence.alive && !power->wake.open));
    MUST(trial, !power->wake.recent || power->wake.packets_sent > 0); /* nothing else teaches */
    trial->waited |= power->wake.wait == WAIT_DEPENDENCY;
    trial->guarded |= power->guard.kind != GUARD_NONE;
    trial->rested |= power->resting;
}

/* A wake ends: it waits an hour at most, then its own time counts, once. The time in which the loop
 * stood still, and the look after it, do not count. */
static void check_end(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);
    const int64_t now = trial->world.now.boot;

    if (power->looking_since != trial->looking_since[server]) {
        trial->looking_since[server] = power->looking_since;
        trial->open_since[server] +=
            LOOK_LASTS + (now > trial->checked_at ? now - trial->checked_at : 0);
    }
    if (!power->wake.open) {
        /* Where the clock went back the next may have the same id. */
        trial->open_id[server][0] = '\0';
        return;
    }
    if (strcmp(power->wake.id, trial->open_id[server]) != 0) {
        memcpy(trial->open_id[server], power->wake.id, COMMAND_ID_SIZE);
        trial->open_since[server] = now;
    }
    MUST(trial, now - trial->open_since[server] <= HOUR + 180 * SECOND);
}

static void check_projects(struct trial *trial)
{
    const int at = world_place(trial->world.site_at, SITE_CLIENT1);

    trial->ordered = false;
    if (at == MODEL_NONE)
        return;
    const struct project *project = fleet_project(trial->world.fleet, at);
    const struct power *power = world_power(&trial->world, TESTING);
    const int64_t now = trial->world.now.boot;

    trial->ordered = project->order != PROJECT_NOTHING;
    trial->ordered_until = project->order_until;
    trial->gave_up |= project->given_up;
    const bool ordered = project->order_until > 0 && look_before(power, project->order_until) > now;

    MUST(trial, (project->order != PROJECT_NOTHING) == ordered);
    MUST(trial, (project->lost & project_bit(PROJECT_START)) == 0 && project->tries <= 3);
    MUST(trial, !project->wanted || power_is_up(power->state) || power->wake.open ||
                    power->wake.queued || power->state == POWER_UNKNOWN);
    MUST(trial,
         !project->wanted || project->deadline == 0 || look_before(power, project->deadline) > now);
    MUST(trial, fleet_project_state(trial->world.fleet, at) == project->state);
    (void)fleet_project_problem(trial->world.fleet, at);
    /* While its containers are known to be stopped nobody is sent to it. */
    if (fleet_project_is_known(trial->world.fleet, at) && project->docker_up &&
        project->containers[0].state == CONTAINER_EXITED)
        MUST(trial, !fleet_site_ready(trial->world.fleet, at));
}

static bool is_down(const struct power *power)
{
    return !power->evidence.alive &&
           (power->state == POWER_OFF || power->state == POWER_UNREACHABLE ||
            power->state == POWER_WAKE_FAILED);
}

/* Whoever is up, or is to come up, has a lease on all it needs; not for a wake whose time is over.
 * One that falls asleep has none on what is down. */
static void check_needs(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);
    const struct model_server *model = &trial->world.servers[server];

    for (size_t i = 0; i < model->n_depends_on; i++) {
        if (!world_has(&trial->world, model->depends_on[i]))
            continue;
        const struct power *needed = world_power(&trial->world, model->depends_on[i]);
        const bool held = lease_find(needed->leases, LEASE_DEPENDENT,
                                     world_place(trial->world.server_at, server), "") != NULL;
        const bool falls_asleep = power->state == POWER_SLEEPING && !power->wake.queued;

        if ((power->wake.open && power->wake.deadline > trial->world.now.boot) ||
            (power->evidence.alive && !falls_asleep))
            MUST(trial, held);
        else if (falls_asleep)
            MUST(trial, held == !is_down(needed));
        else if (!power->wake.queued)
            MUST(trial, !held);
    }
}

static bool is_standing(enum lease_kind kind)
{
    return kind != LEASE_VISIT && kind != LEASE_MANUAL && kind != LEASE_AGENT &&
           kind != LEASE_STREAM;
}

static bool needs(const struct model_server *model, int needed)
{
    for (size_t i = 0; i < model->n_depends_on; i++)
        if (model->depends_on[i] == needed)
            return true;
    return false;
}

/* Is the one who holds it configured? */
static bool is_founded(const struct trial *trial, int server, const struct lease *lease,
                       const struct fleet *of)
{
    const struct world *world = &trial->world;
    const char *holder = lease_holder(lease, fleet_model(of), 0);

    if (lease->subject == MODEL_NONE)
        return true;
    for (int i = 0; lease->kind == LEASE_DEPENDENT && i < WORLD_SERVERS; i++)
        if (world_has(world, i) && strcmp(world->servers[i].id, holder) == 0)
            return needs(&world->servers[i], server);
    for (int i = 0; i < WORLD_SITES; i++)
        if ((lease->kind == LEASE_VISIT || lease->kind == LEASE_STREAM) &&
            world_has_site(world, i) && strcmp(world->sites[i].id, holder) == 0)
            return world->sites[i].server == server;
    for (int i = 0; i < WORLD_SERVERS; i++)
        if ((lease->kind == LEASE_SCHEDULE || lease->kind == LEASE_ALWAYS_ON) &&
            world_has_site(world, world->domains[i].site) &&
            strcmp(world->domains[i].name, holder) == 0)
            return i == server;
    return false;
}

static void check_leases(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);

    MUST(trial, power->leases->n <= power->leases->room);
    for (size_t i = 0; i < power->leases->n; i++) {
        const struct lease *lease = &power->leases->leases[i];

        MUST(trial, power->wake.open || lease->until > trial->world.now.boot);
        MUST(trial, is_founded(trial, server, lease, trial->world.fleet));
        /* Never asleep under a lease, unless a guard refuses; a standing one rests after force,
         * and one that was called off waits a while. */
        if (trial->fell_asleep[server] && power->state == POWER_OFF)
            MUST(trial, power->guard.kind != GUARD_NONE ||
                            (is_standing(lease->kind) &&
                             (power->resting || power->retry_at > trial->world.now.boot)));
    }
    trial->fell_asleep[server] = false;
}

static void check(struct trial *trial)
{
    struct fleet *fleet = trial->world.fleet;
    int starting = 0;

    MUST(trial, fleet_deadline(fleet) > trial->world.now.boot);
    MUST(trial, fleet->rounds_most < SETTLE_ROUNDS_MOST); /* all steps came to rest by themselves */
    for (int server = 0; server < WORLD_SERVERS; server++) {
        if (!world_has(&trial->world, server))
            continue;
        const struct power *power = world_power(&trial->world, server);

        starting += is_starting(trial, server);
        MUST(trial, power->state == trial->state[server]);
        check_sight(trial, server, power);
        check_transactions(trial, server, power);
        check_leases(trial, server);
        check_needs(trial, server);
        check_end(trial, server);
        MUST(trial, power_eta(power, trial->world.now.boot) >= -1);
        MUST(trial, world_why(&trial->world, world_place(trial->world.server_at, server))[0]);
    }
    trial->checked_at = trial->world.now.boot;
    MUST(trial, starting <= 1);
    check_projects(trial);
    for (int site = 0; site < WORLD_SITES; site++) {
        const struct power *power = world_power(&trial->world, trial->world.sites[site].server);
        const int at = world_place(trial->world.site_at, site);

        if (at == MODEL_NONE)
            continue;
        MUST(trial, fleet_site_ready(fleet, at) == trial->site[site]);
        MUST(trial, (fleet_site(fleet, at)->closed_until != 0) == trial->closed[site]);
        MUST(trial,
             !trial->site[site] || (power->evidence.alive && power->state != POWER_SLEEPING));
    }
}

/* Events. */

static void send_command(struct trial *trial, int server)
{
    static const enum command_action of_projects[] = {COMMAND_START, COMMAND_STOP, COMMAND_RESTART};
    struct command command = {.action = (enum command_action)roll(trial, COMMAND_STOP + 1),
                              .site = MODEL_NONE,
                              .route = trial->n_sent};

    if (roll(trial, 4)) /* the others are made often enough */
        command.action = (enum command_action)roll(trial, COMMAND_CANCEL + 1);
    if (server == TESTING && world_has_site(&trial->world, SITE_CLIENT1) && roll(trial, 2)) {
        command.action = of_projects[roll(trial, 3)];
        command.site = SITE_CLIENT1;
    }
    snprintf(command.id, sizeof(command.id), "c%u", trial->n_sent);
    snprintf(command.by, sizeof(command.by), "by%u", roll(trial, 3));
    snprintf(command.name, sizeof(command.name), "h%u", roll(trial, 20));
    command.lasts = roll(trial, 2) ? 0 : 1 + roll(trial, 10 * MINUTE);
    if (command.action == COMMAND_HOLD)
        command.lasts = 1 + roll(trial, 10 * MINUTE);
    command.force = roll(trial, 3) == 0;
    command.policy = roll(trial, 4) ? POLICY_ON_DEMAND : (enum policy_mode)roll(trial, 2);
    command.policy_configured = roll(trial, 3) == 0;
    command.minutes = (int)roll(trial, 3);
    command.on = roll(trial, 4) == 0;
    trial->sent[trial->n_sent++] =
        (struct sent){.server = server, .site = command.site, .action = command.action};
    world_order(&trial->world, server, command);
}

/* The same id again: said from memory, and nothing is run. */
static void repeat_command(struct trial *trial)
{
    if (trial->n_sent == 0)
        return;
    const uint32_t back =
        roll(trial, trial->n_sent < REPEATABLE ? trial->n_sent : (uint32_t)REPEATABLE);
    const uint32_t number = trial->n_sent - 1 - back;
    struct sent *sent = &trial->sent[number];

    if (sent->forgotten || !world_has(&trial->world, sent->server))
        return;
    struct command command = {
        .action = sent->action, .site = sent->site, .route = COMMANDS + number};

    snprintf(command.id, sizeof(command.id), "c%u", number);
    fleet_tick(trial->world.fleet, trial->world.now); /* what is due may answer it first */
    sent->repeated = sent->accepted || sent->refused;
    world_order(&trial->world, sent->server, command);
    MUST(trial, !sent->repeated);
}

static void report_containers(struct trial *trial)
{
    static const char *const told[] = {NULL,
                                       "",
                                       "client1-web running healthy",
                                       "client1-web running unhealthy",
                                       "client1-web running - busy",
                                       "client1-web exited -",
                                       "client1-web created -",
                                       "client1-web restarting -",
                                       "client1-web paused -",
                                       "other running healthy"};

    world_containers(&trial->world, TESTING, told[roll(trial, (uint32_t)ARRAY_SIZE(told))]);
}

static void one_probe(struct trial *trial, int server)
{
    const unsigned check = roll(trial, (uint32_t)trial->world.servers[server].n_checks);
    const enum probe_outcome outcome = (enum probe_outcome)roll(trial, PROBE_OUTCOMES);

    if (world_is_network(&trial->world, server, check) &&
        (outcome != PROBE_UNABLE || roll(trial, 8) == 0))
        world_probe(&trial->world, server, check, outcome);
}

static void sleep_answer(struct trial *trial, int server)
{
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER, .server = server};
    const struct sleep *sleep = &world_power(&trial->world, server)->sleep;

    event.sleep.answer = roll(trial, 2) ? SLEEP_ACCEPTED : (enum sleep_answer)roll(trial, 4);
    event.sleep.reason = fact_said((const char *const[]){"one", "two", "three"}[roll(trial, 3)]);
    if (roll(trial, 3) == 0)
        memcpy(event.sleep.id, trial->order_id, sizeof(event.sleep.id));
    else if (roll(trial, 4))
        memcpy(event.sleep.id, sleep->id, sizeof(event.sleep.id));
    else if (roll(trial, 2))
        snprintf(event.sleep.id, sizeof(event.sleep.id), "other");
    trial->ordered &= strcmp(event.sleep.id, trial->order_id) != 0;
    world_handle(&trial->world, &event);
}

/* Wall time is set, or not known any more; intervals do not care. */
static void change_clock(struct trial *trial)
{
    static const int64_t most[] = {SECOND, 10 * MINUTE, 3 * HOUR, 50 * HOUR};
    const int64_t by = roll(trial, (uint32_t)most[roll(trial, 4)]);

    trial->world.now.wall += roll(trial, 2) ? by : -by;
    if (roll(trial, 2))
        fleet_clock_was_set(trial->world.fleet, trial->world.now);
    if (roll(trial, 4) == 0)
        fleet_trust_clock(trial->world.fleet, roll(trial, 4) > 0);
}

static void come(struct trial *trial, enum fleet_event_kind kind)
{
    char who[24];

    snprintf(who, sizeof(who), "10.0.0.%u", roll(trial, 5));
    world_come(&trial->world, kind, (int)roll(trial, WORLD_SITES), roll(trial, 8) ? who : "");
}

static void look(struct trial *trial, int server)
{
    const char *const holders[] = {NULL, "client1", trial->world.domains[server].name,
                                   AGENT_STREAM};

    if (roll(trial, 6) == 0)
        world_blind(&trial->world, server);
    else
        world_look(&trial->world, server, holders[roll(trial, 4)], roll(trial, 120) * SECOND);
}

/* Looks that were ordered are made, mostly, and mostly find nothing. */
static void make_looks(struct trial *trial)
{
    const unsigned looks = trial->looks;

    trial->looks = 0;
    for (int server = 0; server < WORLD_SERVERS; server++) {
        if (!(looks >> server & 1U) || !world_has(&trial->world, server) || roll(trial, 8) == 0)
            continue;
        if (roll(trial, 4) == 0)
            look(trial, server);
        else
            world_look(&trial->world, server, NULL, 0);
    }
}

static void random_event(struct trial *trial)
{
    struct world *world = &trial->world;
    const int server = (int)roll(trial, WORLD_SERVERS);

    if (!world_has(world, server))
        return;
    switch (roll(trial, 19)) {
    case 0:
        come(trial, FLEET_VISIT);
        break;
    case 1:
        come(trial, FLEET_USE);
        break;
    case 2:
    case 3:
        send_command(trial, server);
        break;
    case 4:
        repeat_command(trial);
        break;
    case 5:
    case 6:
        one_probe(trial, server);
        break;
    case 7:
        world_neighbour(world, server,
                        roll(trial, 6) ? MAC_MATCH : (enum mac_verdict)roll(trial, 3));
        break;
    case 8:
        trial->ordered &= server != TESTING; /* it may go away */
        world_agent(world, server, (enum agent_word)(1 + roll(trial, 3)));
        break;
    case 9:
        world_report(world, server, roll(trial, 2) ? "boot-a" : "boot-b", roll(trial, 2));
        break;
    case 10:
        report_containers(trial);
        break;
    case 11:
        sleep_answer(trial, server);
        break;
    case 12:
        world->mute = roll(trial, 3) == 0; /* from now on none leaves */
        world_handle(world, &(struct fleet_event){.kind = FLEET_PACKET_FAILED, .server = server});
        break;
    case 13:
        world_up(world, server);
        break;
    case 14:
        world_silence(world, server);
        break;
    case 15:
        change_clock(trial);
        break;
    case 16: /* the one that is awaited comes */
        if (world_power(world, server)->wake.packets > 0)
            world_up(world, server);
        break;
    case 17:
        look(trial, server);
        break;
    default:
        trial->ordered &= server != TESTING;
        world_sleep_answer(world, server, SLEEP_ACCEPTED, "");
        world_agent(world, server, AGENT_SLEEPING);
        break;
    }
}

/* Layouts. */

static bool is_left_out(const struct world *world, int site, struct difference difference)
{
    const int own = world->domains[world->sites[site].domain].site;

    return world->sites[site].server == difference.server || site == difference.site ||
           own == difference.site;
}

static void place(struct layout *layout, const struct world *world, struct difference difference)
{
    int n = 0;

    for (int i = 0; i < WORLD_SERVERS; i++) {
        layout->server_at[i] = i == difference.server ? MODEL_NONE : n++;
        if (layout->server_at[i] != MODEL_NONE)
            layout->server_of[layout->server_at[i]] = i;
    }
    layout->model = (struct model){.n_servers = (size_t)n,
                                   .servers = layout->servers,
                                   .domains = layout->domains,
                                   .sites = layout->sites};
    n = 0;
    for (int i = 0; i < WORLD_SITES; i++) {
        layout->site_at[i] = is_left_out(world, i, difference) ? MODEL_NONE : n++;
        if (layout->site_at[i] != MODEL_NONE)
            layout->site_of[layout->site_at[i]] = i;
    }
    layout->model.n_sites = (size_t)n;
}

static void lay_server(struct layout *layout, const struct world *world, int from, int to)
{
    struct model_server *server = &layout->servers[to];

    *server = world->servers[from];
    server->checks = layout->checks[to];
    server->n_depends_on = server->n_checks = 0;
    for (size_t i = 0; i < world->servers[from].n_depends_on; i++) {
        const int needed = layout->server_at[world->servers[from].depends_on[i]];

        if (needed != MODEL_NONE)
            server->depends_on[server->n_depends_on++] = needed;
    }
    /* A check of a site is the last one: the others keep their numbers. */
    for (size_t i = 0; i < world->servers[from].n_checks; i++) {
        struct model_check check = world->checks[from][i];

        check.site = world_place(layout->site_at, check.site);
        if (check.site != MODEL_NONE || world->checks[from][i].site == MODEL_NONE)
            server->checks[server->n_checks++] = check;
    }
}

static int compare_domains(const void *a, const void *b)
{
    return strcmp(((const struct model_domain *)a)->name, ((const struct model_domain *)b)->name);
}

/* Domains are sorted by name. */
static void lay_domains(struct layout *layout, const struct world *world)
{
    struct model *model = &layout->model;

    for (int i = 0; i < WORLD_SERVERS; i++) {
        struct model_domain domain = world->domains[i];

        domain.server = layout->server_at[i];
        domain.site = layout->site_at[domain.site];
        domain.n_projects = 0;
        for (size_t k = 0; k < world->domains[i].n_projects; k++) {
            const int project = layout->site_at[world->domains[i].projects[k]];

            if (project != MODEL_NONE)
                domain.projects[domain.n_projects++] = project;
        }
        if (domain.site != MODEL_NONE)
            layout->domains[model->n_domains++] = domain;
    }
    qsort(layout->domains, model->n_domains, sizeof(layout->domains[0]), compare_domains);
    for (size_t i = 0; i < model->n_domains; i++) {
        layout->sites[layout->domains[i].site].domain = (int)i;
        for (size_t k = 0; k < layout->domains[i].n_projects; k++)
            layout->sites[layout->domains[i].projects[k]].domain = (int)i;
    }
}

static void lay(struct layout *layout, const struct world *world, struct difference difference)
{
    place(layout, world, difference);
    for (int i = 0; i < WORLD_SERVERS; i++)
        if (layout->server_at[i] != MODEL_NONE)
            lay_server(layout, world, i, layout->server_at[i]);
    for (int i = 0; i < WORLD_SITES; i++)
        if (layout->site_at[i] != MODEL_NONE) {
            layout->sites[layout->site_at[i]] = world->sites[i];
            layout->sites[layout->site_at[i]].server = layout->server_at[world->sites[i].server];
        }
    lay_domains(layout, world);
    if (difference.checks_of != MODEL_NONE && layout->server_at[difference.checks_of] != MODEL_NONE)
        layout->checks[layout->server_at[difference.checks_of]][0].port = 8080;
}

/* Restarts and reloads. */

/* Of one server, what is compared across them. `moved` is how far boot times move, ms. */
struct crossing {
    const struct fleet *old, *new;
    int64_t moved;
};

static int64_t moved(const struct crossing *crossing, int64_t time)
{
    if (time == 0 || time == LEASE_FOREVER)
        return time;
    return time + crossing->moved != 0 ? time + crossing->moved : 1; /* 0 is "unset" */
}

/* The same lease, whatever indexes the new fleet has. */
static const struct lease *find_alike(const struct crossing *crossing, const struct lease *was,
                                      const struct lease_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct lease *lease = &set->leases[i];

        if (lease->kind == was->kind && strcmp(lease->holder, was->holder) == 0 &&
            (lease->subject == MODEL_NONE) == (was->subject == MODEL_NONE) &&
            (was->subject == MODEL_NONE ||
             strcmp(lease_holder(lease, fleet_model(crossing->new), 0),
                    lease_holder(was, fleet_model(crossing->old), 0)) == 0))
            return lease;
    }
    return NULL;
}

static void compare_leases(struct trial *trial, const struct crossing *crossing, int server,
                           const struct lease_set *old, const struct lease_set *new)
{
    for (size_t i = 0; i < old->n; i++) {
        const struct lease *was = &old->leases[i];
        const struct lease *is = find_alike(crossing, was, new);

        MUST(trial, (is != NULL) == is_founded(trial, server, was, crossing->old));
        if (!is)
            continue;
        MUST(trial, is->until == moved(crossing, was->until));
        MUST(trial, is->since == moved(crossing, was->since));
        MUST(trial, memcmp(is->holder, was->holder, sizeof(is->holder)) == 0);
    }
    MUST(trial, new->n <= old->n);
}

/* Before the new fleet has had its first step. */
static void compare_server(struct trial *trial, const struct crossing *crossing, int server,
                           int old_at, int new_at)
{
    const struct power *was = fleet_power(crossing->old, old_at);
    const struct power *is = fleet_power(crossing->new, new_at);

    MUST(trial, is->wake.open == was->wake.open && is->wake.queued == was->wake.queued);
    MUST(trial, strcmp(is->wake.id, was->wake.id) == 0);
    MUST(trial, is->wake.cause.parts[0].code == was->wake.cause.parts[0].code ||
                    fact_is(&is->wake.cause, FACT_WAKE_REQUESTED) ||
                    fact_is(&is->wake.cause, FACT_NONE));
    MUST(trial, !was->wake.open || is->wake.deadline == moved(crossing, was->wake.deadline));
    MUST(trial, is->wake.packets == was->wake.packets);
    MUST(trial, is->sleep.phase == was->sleep.phase);
    MUST(trial, strcmp(is->sleep.id, was->sleep.id) == 0);
    MUST(trial, is->resting == was->resting && is->failures == was->failures);
    MUST(trial, is->ever_woken == was->ever_woken && is->failure == was->failure);
    MUST(trial, is->n_woken == was->n_woken);
    for (unsigned kind = 0; kind < WAKE_KINDS; kind++)
        MUST(trial, history_median(&is->history, (enum wake_kind)kind) ==
                        history_median(&was->history, (enum wake_kind)kind));
    compare_leases(trial, crossing, server, was->leases, is->leases);
    trial->resumed |= is->wake.open;
    if (!trial->unsighted[server])
        trial->was_up[server] = was->up_since > 0;
}

/* Who keeps what policy was set is asked of fleets of the same model alone. */
static void compare_overrides(struct trial *trial, const struct crossing *crossing, int at)
{
    MUST(trial, fleet_policy(crossing->new, at) == fleet_policy(crossing->old, at));
    MUST(trial, fleet_idle(crossing->new, at) == fleet_idle(crossing->old, at));
}

/* All commands of a server that are open are kept, and the latest others. */
static void note_kept(struct trial *trial, int server, const struct saved *saved)
{
    bool kept[COMMANDS] = {false};

    for (size_t i = 0; i < saved->n_commands; i++)
        kept[number_of(saved->commands[i].id)] = true;
    for (uint32_t i = 0; i < trial->n_sent; i++) {
        struct sent *sent = &trial->sent[i];

        if (sent->server != server || sent->forgotten)
            continue;
        MUST(trial, kept[i] || sent->refused || sent->ended);
        sent->forgotten = !kept[i];
        if (sent->forgotten && !sent->refused) /* nobody can wait for its end */
            sent->accepted = sent->ended = true;
    }
}

/* The commands of what is configured no more end with it. */
static void forget_commands(struct trial *trial, int server, int site)
{
    for (uint32_t i = 0; i < trial->n_sent; i++) {
        struct sent *sent = &trial->sent[i];

        if (sent->server != server && (site == MODEL_NONE || sent->site != site))
            continue;
        sent->forgotten = true;
        sent->refused |= !sent->accepted;
        sent->ended = sent->accepted;
    }
}

/* A server that is configured no more comes back unknown. */
static void remove_server(struct trial *trial, int server)
{
    forget_commands(trial, server, MODEL_NONE);
    trial->n_woken[server] = 0;
    trial->wake_id[server][0] = trial->open_id[server][0] = '\0';
    trial->packet[server] = 0;
    trial->fell_asleep[server] = false;
    trial->reduced = true;
}

/* The new fleet is the one from now on. */
static void change_over(struct trial *trial, const struct crossing *crossing, struct fleet *fleet)
{
    struct world *world = &trial->world;
    const struct layout *layout = &trial->layouts[trial->layout];

    for (int i = 0; i < WORLD_SERVERS; i++) {
        if (layout->server_at[i] == MODEL_NONE)
            continue;
        trial->state[i] = fleet_power(fleet, layout->server_at[i])->state;
        trial->unsighted[i] = true;
        trial->open_since[i] += crossing->moved;
        /* Whose wait was over while Hall was away may still have its own time. */
        if (trial->open_since[i] < world->now.boot - HOUR)
            trial->open_since[i] = world->now.boot - HOUR;
        for (uint32_t k = 0; k < WOKEN_KEPT; k++)
            trial->woken[i][k] += crossing->moved;
    }
    memset(trial->site, 0, sizeof(trial->site));
    memset(trial->closed, 0, sizeof(trial->closed));
    fleet_destroy(world->fleet);
    world->fleet = fleet;
    fleet_start(fleet, world->now);
    fleet_tick(fleet, world->now);
    check(trial);
}

static struct fleet *create(struct trial *trial, const struct layout *layout)
{
    const struct fleet_sink sink = {.act = act, .context = trial};
    struct fleet *fleet;

    assert_int_equal(fleet_create(&layout->model, &sink, trial->world.now, &fleet), 0);
    fleet_set_zones(fleet, &trial->world.zones);
    return fleet;
}

static void reload(struct trial *trial, struct difference difference)
{
    struct world *world = &trial->world;
    const struct layout *old = &trial->layouts[trial->layout];
    struct layout *new = &trial->layouts[1 - trial->layout];
    struct crossing crossing = {.old = world->fleet};
    struct saved saved;

    lay(new, world, difference);
    struct fleet *fleet = create(trial, new);
    MUST(trial, fleet_adopt(fleet, world->fleet, world->now) == 0);
    crossing.new = fleet;
    world->server_at = new->server_at;
    world->site_at = new->site_at;
    trial->layout = 1 - trial->layout;
    for (int i = 0; i < WORLD_SERVERS; i++) {
        if (old->server_at[i] == MODEL_NONE)
            continue;
        if (new->server_at[i] == MODEL_NONE) {
            remove_server(trial, i);
            continue;
        }
        MUST(trial, fleet_save(world->fleet, old->server_at[i], world->now, &saved) == 0);
        note_kept(trial, i, &saved);
        saved_finish(&saved);
        compare_server(trial, &crossing, i, old->server_at[i], new->server_at[i]);
        trial->retyped |= i == difference.checks_of;
    }
    if (new->site_at[SITE_CLIENT1] == MODEL_NONE)
        forget_commands(trial, MODEL_NONE, SITE_CLIENT1);
    change_over(trial, &crossing, fleet);
}

/* As it is written to the disk, and read back from there. */
static void over_the_disk(struct trial *trial, const struct model *model, int server,
                          const uint8_t mac[6], struct saved *saved)
{
    const struct record_owner owner = {
        .config = "/etc/hall/config.json", .mac = mac, .boot = "this one"};
    struct buf text = BUF_INIT(RECORD_LIMIT);

    MUST(trial, record_write_server(saved, model, server, &owner, &text) == 0);
    saved_finish(saved);
    MUST(trial,
         record_read_server(buf_text(&text), text.length, model, server, &owner, saved) == 0);
    buf_finish(&text);
}

static void restart_quotas(struct trial *trial, struct fleet *new)
{
    const struct model *model = &trial->layouts[trial->layout].model;
    const struct record_owner owner = {.config = "/etc/hall/config.json", .boot = "this one"};
    struct buf text = BUF_INIT(RECORD_LIMIT);
    const struct quota *was;
    struct quota read;
    size_t cursor = 0;

    while ((was = fleet_quota(trial->world.fleet, &cursor))) {
        buf_clear(&text);
        MUST(trial, record_write_quota(model, was, &owner, &text) == 0);
        MUST(trial, record_read_quota(model, buf_text(&text), text.length, &owner, &read) == 0);
        MUST(trial, read.kind == was->kind && read.subject == was->subject);
        MUST(trial, address_equal(read.address, was->address) && read.day == was->day);
        MUST(trial, read.wakes == was->wakes && read.awake_ms == was->awake_ms);
        fleet_restore_quota(new, trial->world.now, &read);
    }
    buf_finish(&text);
}

/* The clocks when Hall is there again: a moment later after a kill, with the wall clock set in
 * between or not; after a reboot the boot clock begins at 0, and the wall clock may have gone back.
 * How far boot times move. */
static int64_t pass_away(struct trial *trial, bool reboot)
{
    static const uint32_t most[] = {20 * SECOND, 2 * MINUTE, 5 * HOUR};
    struct now *now = &trial->world.now;
    const struct now was = *now;
    const int64_t away = roll(trial, reboot ? most[roll(trial, 3)] : 3 * SECOND);

    now->boot = reboot ? 1 + roll(trial, 40 * SECOND) : now->boot + away;
    now->wall += reboot && roll(trial, 4) == 0 ? -away : away;
    if (!reboot) {
        now->wall += roll(trial, 4) > 0 ? 0 : roll(trial, 2) ? 3 * HOUR : -3 * HOUR;
        return 0;
    }
    /* No time is known to have passed where the clock went back. */
    return now->boot - was.boot - (now->wall > was.wall ? now->wall - was.wall : 0);
}

static void restart(struct trial *trial, bool reboot)
{
    struct world *world = &trial->world;
    const struct layout *layout = &trial->layouts[trial->layout];
    const bool on_disk = roll(trial, 2);
    struct crossing crossing = {.old = world->fleet};
    struct saved saved[WORLD_SERVERS];

    for (size_t i = 0; i < layout->model.n_servers; i++) {
        MUST(trial, fleet_save(world->fleet, (int)i, world->now, &saved[i]) == 0);
        if (on_disk)
            over_the_disk(trial, &layout->model, (int)i, layout->servers[i].mac, &saved[i]);
        note_kept(trial, layout->server_of[i], &saved[i]);
        for (size_t k = 0; k < saved[i].n_commands; k++)
            saved[i].commands[k].route = 0;
    }
    for (uint32_t i = 0; i < trial->n_sent; i++)
        trial->sent[i].routeless = true;
    crossing.moved = pass_away(trial, reboot);
    for (size_t i = 0; reboot && i < layout->model.n_servers; i++)
        saved[i].boot_at = 0;
    struct fleet *fleet = create(trial, layout);
    crossing.new = fleet;
    for (size_t i = 0; i < layout->model.n_servers; i++) {
        fleet_restore(fleet, (int)i, world->now, &saved[i]);
        saved_finish(&saved[i]);
        compare_server(trial, &crossing, layout->server_of[i], (int)i, (int)i);
        compare_overrides(trial, &crossing, (int)i);
    }
    restart_quotas(trial, fleet);
    change_over(trial, &crossing, fleet);
}

static void renew(struct trial *trial)
{
    struct difference difference = {MODEL_NONE, MODEL_NONE, MODEL_NONE};

    switch (roll(trial, 4)) {
    case 0:
        restart(trial, true);
        trial->rebooted = true;
        return;
    case 1:
        restart(trial, false);
        trial->killed = true;
        return;
    case 2:
        if (roll(trial, 2))
            difference.server = (int)roll(trial, WORLD_SERVERS);
        else
            difference.site = (int)roll(trial, WORLD_SITES);
        break;
    default:
        if (roll(trial, 2))
            difference.checks_of = (int)roll(trial, WORLD_SERVERS);
        break;
    }
    reload(trial, difference);
}

/* Whatever the loop does with the time: nothing, exactly what is due, or late. */
static void pass_time(struct trial *trial)
{
    static const uint32_t most[] = {1, 1, 200, 2 * SECOND, 20 * SECOND, 5 * MINUTE};
    const int64_t ms = roll(trial, most[roll(trial, 6)]);

    if (roll(trial, 5) == 0) {
        trial->world.now.boot += ms;
        trial->world.now.wall += ms;
        return; /* the event comes before the late tick */
    }
    world_advance(&trial->world, ms);
    check(trial);
}

static void step(struct trial *trial)
{
    trial->steps++;
    pass_time(trial);
    if (roll(trial, RENEWED_EVERY) == 0)
        renew(trial);
    random_event(trial);
    make_looks(trial);
    fleet_tick(trial->world.fleet, trial->world.now);
    check(trial);
    world_forget(&trial->world);
}

static bool has_standing(const struct lease_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        if (is_standing(set->leases[i].kind))
            return true;
    return false;
}

/* An open wake goes on to its own end, within the time of check_end, when the standing lease that
 * began it is over: the one that needs the server has given up, or the window has ended. */
static bool outlasts_its_lease(const struct wake *wake)
{
    if (wake->open &&
        (fact_is(&wake->cause, FACT_WAKE_DEPENDENT) || fact_is(&wake->cause, FACT_WAKE_SCHEDULE)))
        return true;
    return false;
}

/* No input any more: whatever is open comes to its end by time alone. */
static void fall_quiet(struct trial *trial)
{
    struct world *world = &trial->world;

    reload(trial, (struct difference){MODEL_NONE, MODEL_NONE, MODEL_NONE});
    fleet_trust_clock(world->fleet, true);
    for (int i = 0; i < 50; i++) {
        world_advance(world, 5 * MINUTE);
        check(trial);
        world_forget(world);
    }
    for (uint32_t i = 0; i < trial->n_sent; i++) {
        MUST(trial, trial->sent[i].accepted || trial->sent[i].refused);
        MUST(trial, trial->sent[i].ended == trial->sent[i].accepted);
    }
    for (int server = 0; server < WORLD_SERVERS; server++) {
        const struct power *power = world_power(world, server);
        const bool stands = has_standing(power->leases) || outlasts_its_lease(&power->wake);

        MUST(trial, power->state != POWER_UNKNOWN && power->state != POWER_SLEEPING);
        MUST(trial, stands || (!power->wake.open && power->leases->n == 0));
        MUST(trial, stands || power->state != POWER_WAKING);
        MUST(trial, power->awaited_until == 0 || power->wake.open);
    }
}

static struct model_window windows[WORLD_SERVERS][4];

/* Windows of any kind, touching, overlapping and crossing midnight; a clock change somewhere. */
static void make_schedules(struct trial *trial)
{
    struct world *world = &trial->world;

    for (int i = 0; i < WORLD_SERVERS; i++) {
        struct model_policy *policy = &world->domains[i].policy;

        policy->windows = windows[i];
        policy->n_windows = roll(trial, 5);
        for (size_t k = 0; k < policy->n_windows; k++)
            windows[i][k] = (struct model_window){.days = (uint8_t)(1 + roll(trial, 127)),
                                                  .from = (uint16_t)roll(trial, 1441),
                                                  .to = (uint16_t)roll(trial, 1441)};
        if (policy->n_windows > 0 && roll(trial, 3) == 0)
            policy->mode = POLICY_SCHEDULED;
        if (roll(trial, 4) == 0)
            policy->otherwise = OTHERWISE_REFUSE;
    }
    world->offset = (int32_t)(roll(trial, 27) * 3600) - 12 * 3600;
    world->offset_after = world->offset + (roll(trial, 2) ? 3600 : -3600);
    world->changes_at = WORLD_START / 1000 + roll(trial, 2 * 86400);
}

static void make_limits(struct trial *trial)
{
    struct world *world = &trial->world;

    for (int i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].min_down = roll(trial, 3) ? 0 : roll(trial, 5 * MINUTE);
        world->servers[i].wakes_per_hour = roll(trial, 3) ? 0 : 1 + (int)roll(trial, 8);
        world->domains[i].access.wakes_per_day = roll(trial, 2) ? 0 : 1 + (int)roll(trial, 9);
        world->domains[i].access.minutes_per_day = roll(trial, 2) ? 0 : 1 + (int)roll(trial, 90);
    }
    world->sites[SITE_CLIENT1].idle_stop = roll(trial, 3) ? 1 + roll(trial, 5 * MINUTE) : 0;
    world->sites[SITE_CLIENT1].wakes_per_day = (int)roll(trial, 9);
    world->sites[SITE_CLIENT1].minutes_per_day = (int)roll(trial, 90);
}

static void make_links(struct trial *trial)
{
    if (roll(trial, 4))
        world_link(&trial->world);
    if (roll(trial, 3) == 0)
        world_depends(&trial->world, TESTING, ERP);
    for (int i = 0; i < WORLD_SERVERS && roll(trial, 3); i++)
        trial->world.servers[i].group = roll(trial, 2) ? "rack" : NULL;
}

static void begin(struct trial *trial, uint64_t seed)
{
    struct world *world = &trial->world;
    const struct fleet_sink sink = {.act = act, .context = trial};

    trial->seed = seed;
    trial->number = seed * 0x9e3779b97f4a7c15U | 1U;
    world_model(world);
    for (int i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].sleep.min_up = roll(trial, 2) ? 0 : roll(trial, 3 * MINUTE);
        world->servers[i].sleep.timeout = 1 + roll(trial, 60 * SECOND);
        world->servers[i].wake.timeout = 1 + roll(trial, 180 * SECOND);
        world->domains[i].policy.idle = 1 + roll(trial, 3 * MINUTE);
        if (roll(trial, 8) == 0)
            world->domains[i].policy.mode = POLICY_ALWAYS_ON;
    }
    world->servers[ERP].sleep.via = SLEEP_VIA_SSH;
    make_schedules(trial);
    make_limits(trial);
    make_links(trial);
    world->now = (struct now){.boot = 5000, .wall = WORLD_START};
    lay(&trial->layouts[0], world, (struct difference){MODEL_NONE, MODEL_NONE, MODEL_NONE});
    world->server_at = trial->layouts[0].server_at;
    world->site_at = trial->layouts[0].site_at;
    world_begin_on(world, &trial->layouts[0].model, &sink);
    fleet_tick(world->fleet, world->now);
}

static void play(struct trial *trial, uint64_t seed)
{
    begin(trial, seed);
    for (int half = 0; half < 2; half++) { /* the quiet is a state from which all goes on, too */
        for (int i = 0; i < STEPS / 2; i++)
            step(trial);
        fall_quiet(trial);
    }
    fleet_destroy(trial->world.fleet);
}

/* It has been everywhere, or it proves little. */
static void check_reach(const struct trial *sum)
{
    for (unsigned i = POWER_UNKNOWN + 1; i < POWER_STATES; i++)
        assert_true(sum->visited[i]);
    for (unsigned i = 0; i < HAPPENINGS; i++)
        assert_true(sum->happened[i]);
    assert_true(sum->limited && sum->waited && sum->guarded && sum->rested);
    assert_true(sum->orders[PROJECT_START] && sum->orders[PROJECT_STOP] &&
                sum->orders[PROJECT_RESTART] && sum->idled && sum->gave_up);
    assert_true(sum->rebooted && sum->killed && sum->resumed && sum->reduced && sum->retyped);
}

static void add_reach(struct trial *sum, const struct trial *trial)
{
    for (unsigned i = 0; i < POWER_STATES; i++)
        sum->visited[i] |= trial->visited[i];
    for (unsigned i = 0; i < HAPPENINGS; i++)
        sum->happened[i] |= trial->happened[i];
    for (unsigned i = 0; i < PROJECT_VERBS; i++)
        sum->orders[i] += trial->orders[i];
    sum->idled |= trial->idled;
    sum->gave_up |= trial->gave_up;
    sum->limited |= trial->limited;
    sum->waited |= trial->waited;
    sum->guarded |= trial->guarded;
    sum->rested |= trial->rested;
    sum->rebooted |= trial->rebooted;
    sum->killed |= trial->killed;
    sum->resumed |= trial->resumed;
    sum->reduced |= trial->reduced;
    sum->retyped |= trial->retyped;
}

static void test_random(void **state)
{
    const char *given = getenv("HALL_SEED");
    const uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    const char *steps = getenv("HALL_STEPS");
    const uint64_t most = steps ? strtoull(steps, NULL, 10) / STEPS + 1 : ROUNDS_USUAL;
    struct trial *sum = calloc(1, sizeof(*sum));
    uint64_t rounds = 0;

    assert_non_null(sum);
    print_message("HALL_SEED=%" PRIu64 "\n", first);
    do {
        struct trial *trial = calloc(1, sizeof(*trial));

        assert_non_null(trial);
        alarm(60); /* a tick that never ends is a failure too */
        play(trial, first + rounds++);
        add_reach(sum, trial);
        free(trial);
    } while (rounds < most);
    print_message("%" PRIu64 " rounds of %d steps\n", rounds, STEPS);
    if (rounds >= 10)
        check_reach(sum);
    free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
