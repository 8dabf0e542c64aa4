/*
 * Random events against several servers, and after each step what must always hold. Each round has
 * a seed of its own, which a failure names; HALL_SEED=<seed> starts with that round, and
 * HALL_STEPS=<n> goes on for so many steps instead of a few seconds.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet_fixture.h"

enum {
    STEPS = 1500, /* of one round */
    ROUNDS_MOST = 400,
    MILLISECONDS = 3000,
    WOKEN_KEPT = 64,
    COMMANDS = STEPS + 1,
    REPEATABLE =
        40, /* so many of the latest ids are sent again: the ledger remembers them surely */
};

/* One command as the test sent it. */
struct sent {
    int server;
    enum command_action action;
    bool accepted, ended, refused;
    bool repeated; /* its answer to a repetition is awaited in this step */
};

struct trial {
    struct world world;
    uint64_t seed, number;
    uint32_t steps;
    enum power_state state[WORLD_SERVERS];
    bool fell_asleep[WORLD_SERVERS]; /* in this step */
    bool site[WORLD_SITES], closed[WORLD_SITES];
    int64_t woken[WORLD_SERVERS][WOKEN_KEPT]; /* first packets, a ring */
    uint32_t n_woken[WORLD_SERVERS];
    char open_id[WORLD_SERVERS][COMMAND_ID_SIZE]; /* of the wake that is open */
    int64_t open_since[WORLD_SERVERS];
    char wake_id[WORLD_SERVERS][COMMAND_ID_SIZE]; /* of the latest packet */
    uint32_t packet[WORLD_SERVERS];
    uint32_t n_sent;
    struct sent sent[COMMANDS];
    bool visited[POWER_STATES];
    bool happened[HAPPENINGS];
    bool limited, waited, guarded, rested;
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

/* What it needs is there, and nobody else starts on its circuit. */
static void judge_turn(struct trial *trial, int server)
{
    const struct model_server *model = &trial->world.servers[server];

    for (size_t i = 0; i < model->n_depends_on; i++)
        MUST(trial, world_power(&trial->world, model->depends_on[i])->state == POWER_READY);
    for (int other = 0; model->group && other < WORLD_SERVERS; other++) {
        const struct wake *wake = &world_power(&trial->world, other)->wake;

        if (other != server && trial->world.servers[other].group)
            MUST(trial, !wake->open || wake->wait != WAIT_NOTHING || wake->packets == 0);
    }
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
    MUST(trial, power->down_since == 0 || now >= power->down_since + model->min_down);
}

static void judge_packet(struct trial *trial, const struct action *action)
{
    const int server = action->server;
    const struct power *power = world_power(&trial->world, server);
    const bool same = strcmp(power->wake.id, trial->wake_id[server]) == 0;

    MUST(trial, power->wake.open);
    MUST(trial, power->state == POWER_WAKING);
    MUST(trial, !power->evidence.alive);
    MUST(trial, action->packet.number == (same ? trial->packet[server] + 1 : 1));
    MUST(trial, power->wake.wait == WAIT_NOTHING);
    if (!same) {
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
        MUST(trial, power->leases.n == 0);
        MUST(trial, !power->wake.open && !power->wake.queued);
        MUST(trial, !action->sleep.force && !action->sleep.restart);
    }
}

/* A route is the number of the command as sent; a repetition's is that number plus COMMANDS. */
static void judge_answer(struct trial *trial, const struct ledger_entry *entry)
{
    const bool repetition = entry->route >= COMMANDS;
    struct sent *sent = &trial->sent[entry->route % COMMANDS];

    MUST(trial, entry->route % COMMANDS < trial->n_sent);
    MUST(trial, sent->server == entry->server && sent->action == entry->action);
    if (repetition) {
        MUST(trial, sent->repeated);
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
        MUST(trial, entry->reason[0] != '\0');
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

static void judge(void *context, const struct action *action)
{
    struct trial *trial = context;

    MUST(trial, action->server >= 0 && action->server < WORLD_SERVERS);
    switch (action->kind) {
    case ACTION_STATE:
        judge_state(trial, action);
        break;
    case ACTION_SITE:
        trial->site[action->site.site] = fleet_site_ready(trial->world.fleet, action->site.site);
        trial->closed[action->site.site] =
            fleet_site(trial->world.fleet, action->site.site)->closed_until != 0;
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
        MUST(trial, action->pace.interval > 0 && action->pace.timeout > 0);
        break;
    case ACTION_LIMIT:
        judge_limit(trial, action);
        break;
    case ACTION_STATUS:
    case ACTION_SAVE:
    case ACTION_QUOTA:
        break;
    }
}

/* What holds between steps. */

/* The state says what is seen. */
static void check_sight(struct trial *trial, const struct power *power)
{
    switch (power->state) {
    case POWER_UNKNOWN:
    case POWER_OFF:
    case POWER_WAKING:
    case POWER_UNREACHABLE:
        MUST(trial, !power->evidence.alive);
        MUST(trial, power->up_since == 0);
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

static void check_transactions(struct trial *trial, const struct power *power)
{
    const int64_t now = trial->world.now.boot;

    MUST(trial, !(power->wake.open && power->wake.queued));
    MUST(trial, !power->wake.queued || power->state == POWER_SLEEPING);
    MUST(trial, !power->wake.open || power->wake.deadline > now);
    MUST(trial, !power->wake.open || power->state == POWER_WAKING ||
                    power->state == POWER_BOOTING || power->state == POWER_DEGRADED);
    MUST(trial, power->state != POWER_WAKING || power->wake.open);
    MUST(trial, power->wake.packets_failed <= power->wake.packets);
    MUST(trial, (power->sleep.phase == SLEEP_AGREED) == (power->state == POWER_SLEEPING));
    MUST(trial, power->sleep.phase == SLEEP_NONE || power->sleep.deadline > now);
    MUST(trial, power->sleep.phase != SLEEP_PROPOSED || power->evidence.alive);
    MUST(trial, power->wake.wait == WAIT_NOTHING || power->state == POWER_WAKING);
    MUST(trial, !power->asked && (power->guard.kind == GUARD_NONE || power->guard.until > now));
    MUST(trial, !power->resting || !power->evidence.alive || power->state == POWER_SLEEPING);
    trial->waited |= power->wake.wait == WAIT_DEPENDENCY;
    trial->guarded |= power->guard.kind != GUARD_NONE;
    trial->rested |= power->resting;
}

/* A wake ends: it waits an hour at most, then its own time counts, once. */
static void check_end(struct trial *trial, int server)
{
    const struct wake *wake = &world_power(&trial->world, server)->wake;
    const int64_t now = trial->world.now.boot;

    if (!wake->open)
        return;
    if (strcmp(wake->id, trial->open_id[server]) != 0) {
        memcpy(trial->open_id[server], wake->id, COMMAND_ID_SIZE);
        trial->open_since[server] = now;
    }
    MUST(trial, now - trial->open_since[server] <= HOUR + 180 * SECOND);
}

/* Whoever is up, or is to come up, has a lease on all it needs. */
static void check_needs(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);
    const struct model_server *model = &trial->world.servers[server];

    for (size_t i = 0; i < model->n_depends_on; i++) {
        const struct lease_set *set = &world_power(&trial->world, model->depends_on[i])->leases;
        const bool held = lease_find(set, LEASE_DEPENDENT, model->id) != NULL;

        if (power->wake.open || power->evidence.alive)
            MUST(trial, held || set->n == LEASES_MAX);
        else if (!power->wake.queued)
            MUST(trial, !held);
    }
}

static bool is_standing(enum lease_kind kind)
{
    return kind != LEASE_VISIT && kind != LEASE_MANUAL && kind != LEASE_AGENT;
}

static void check_leases(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);

    MUST(trial, power->leases.n <= LEASES_MAX);
    for (size_t i = 0; i < power->leases.n; i++) {
        const struct lease *lease = &power->leases.leases[i];

        MUST(trial, power->wake.open || lease->until > trial->world.now.boot);
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
    char why[300];

    MUST(trial, fleet_deadline(fleet) > trial->world.now.boot);
    for (int server = 0; server < WORLD_SERVERS; server++) {
        const struct power *power = fleet_power(fleet, server);

        MUST(trial, power->state == trial->state[server]);
        check_sight(trial, power);
        check_transactions(trial, power);
        check_leases(trial, server);
        check_needs(trial, server);
        check_end(trial, server);
        MUST(trial, power_eta(power, trial->world.now.boot) >= -1);
        power_why(power, trial->world.now, why, sizeof(why));
        MUST(trial, why[0] != '\0');
    }
    for (int site = 0; site < WORLD_SITES; site++) {
        const enum power_state state = trial->state[trial->world.sites[site].server];

        MUST(trial, fleet_site_ready(fleet, site) == trial->site[site]);
        MUST(trial, (fleet_site(fleet, site)->closed_until != 0) == trial->closed[site]);
        MUST(trial, !trial->site[site] || state == POWER_READY || state == POWER_DEGRADED);
    }
}

/* Events. */

static void send_command(struct trial *trial, int server)
{
    struct command command = {.action = (enum command_action)roll(trial, COMMAND_ACTIONS),
                              .site = roll(trial, 2) ? MODEL_NONE : SITE_CLIENT1,
                              .route = trial->n_sent};

    if (roll(trial, 4)) /* the others are made often enough */
        command.action = (enum command_action)roll(trial, COMMAND_CANCEL + 1);
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
    trial->sent[trial->n_sent++] = (struct sent){.server = server, .action = command.action};
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
    struct command command = {.action = sent->action, .route = COMMANDS + number};

    snprintf(command.id, sizeof(command.id), "c%u", number);
    fleet_tick(trial->world.fleet, trial->world.now); /* what is due may answer it first */
    sent->repeated = sent->accepted || sent->refused;
    world_order(&trial->world, sent->server, command);
    MUST(trial, !sent->repeated);
}

static void report_containers(struct trial *trial)
{
    struct fleet_event event = {.kind = FLEET_CONTAINERS, .server = TESTING};

    event.containers.docker_up = roll(trial, 4) > 0;
    event.containers.n = roll(trial, 2);
    event.containers.sights[0] = (struct container_sight){
        .site = SITE_CLIENT1, .present = roll(trial, 2), .healthy = roll(trial, 2)};
    world_handle(&trial->world, &event);
}

static void one_probe(struct trial *trial, int server)
{
    const unsigned check = roll(trial, (uint32_t)trial->world.servers[server].n_checks);
    const enum probe_outcome outcome = (enum probe_outcome)roll(trial, 4);

    if (world_is_network(&trial->world, server, check) &&
        (outcome != PROBE_UNABLE || roll(trial, 8) == 0))
        world_probe(&trial->world, server, check, outcome);
}

static void sleep_answer(struct trial *trial, int server)
{
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER, .server = server};
    const struct sleep *sleep = &world_power(&trial->world, server)->sleep;

    event.sleep.answer = roll(trial, 2) ? SLEEP_ACCEPTED : (enum sleep_answer)roll(trial, 3);
    snprintf(event.sleep.reason, sizeof(event.sleep.reason), "reason %u", roll(trial, 3));
    if (roll(trial, 4))
        memcpy(event.sleep.id, sleep->id, sizeof(event.sleep.id));
    else if (roll(trial, 2))
        snprintf(event.sleep.id, sizeof(event.sleep.id), "other");
    world_handle(&trial->world, &event);
}

/* Wall time is set, or not known any more; intervals do not care. */
static void change_clock(struct trial *trial)
{
    static const int64_t most[] = {SECOND, 10 * MINUTE, 3 * HOUR, 50 * HOUR};
    const int64_t by = roll(trial, (uint32_t)most[roll(trial, 4)]);

    trial->world.now.wall += roll(trial, 2) ? by : -by;
    if (roll(trial, 2))
        fleet_clock_was_set(trial->world.fleet);
    if (roll(trial, 4) == 0)
        fleet_trust_clock(trial->world.fleet, roll(trial, 4) > 0);
}

static void come(struct trial *trial, enum fleet_event_kind kind)
{
    char who[24];

    snprintf(who, sizeof(who), "10.0.0.%u", roll(trial, 5));
    world_come(&trial->world, kind, (int)roll(trial, WORLD_SITES), roll(trial, 8) ? who : "");
}

static void random_event(struct trial *trial)
{
    struct world *world = &trial->world;
    const int server = (int)roll(trial, WORLD_SERVERS);

    switch (roll(trial, 18)) {
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
    default:
        world_sleep_answer(world, server, SLEEP_ACCEPTED, "");
        world_agent(world, server, AGENT_SLEEPING);
        break;
    }
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
    random_event(trial);
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

/* No input any more: whatever is open comes to its end by time alone. */
static void fall_quiet(struct trial *trial)
{
    struct world *world = &trial->world;

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
        /* A wake for one that needs it goes on to its own end when that one has given up. */
        const bool stands = has_standing(&power->leases) ||
                            (power->wake.open && strncmp(power->wake.cause, "dependent", 9) == 0);

        MUST(trial, power->state != POWER_UNKNOWN && power->state != POWER_SLEEPING);
        MUST(trial, stands || (!power->wake.open && power->leases.n == 0));
        MUST(trial, stands || power_is_settled(power->state) || power->state == POWER_BOOTING);
        MUST(trial, power->awaited_until == 0 || power->wake.open);
    }
}

static void act(void *context, const struct action *action)
{
    struct trial *trial = context;

    world_act(&trial->world, action);
    judge(trial, action);
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
    world_begin_with(world, &sink);
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

static int64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It has been everywhere, or it proves little. */
static void check_reach(const struct trial *sum)
{
    for (unsigned i = POWER_UNKNOWN + 1; i < POWER_STATES; i++)
        assert_true(sum->visited[i]);
    for (unsigned i = 0; i < HAPPENINGS; i++)
        assert_true(sum->happened[i]);
    assert_true(sum->limited && sum->waited && sum->guarded && sum->rested);
}

static void add_reach(struct trial *sum, const struct trial *trial)
{
    for (unsigned i = 0; i < POWER_STATES; i++)
        sum->visited[i] |= trial->visited[i];
    for (unsigned i = 0; i < HAPPENINGS; i++)
        sum->happened[i] |= trial->happened[i];
    sum->limited |= trial->limited;
    sum->waited |= trial->waited;
    sum->guarded |= trial->guarded;
    sum->rested |= trial->rested;
}

static void test_random(void **state)
{
    (void)state;
    const char *given = getenv("HALL_SEED");
    const uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    const char *steps = getenv("HALL_STEPS");
    const uint64_t most = steps ? strtoull(steps, NULL, 10) / STEPS + 1 : ROUNDS_MOST;
    const int64_t end = steps ? INT64_MAX : milliseconds() + MILLISECONDS;
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
    } while (rounds < most && milliseconds() < end);
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
