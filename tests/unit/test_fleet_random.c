/*
 * Random events against several servers, and after each step what must always hold. Each round has
 * a seed of its own, which a failure names; HALL_SEED=<seed> starts with that round.
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
    MILLISECONDS = 2500,
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
    bool site[WORLD_SITES];
    char wake_id[WORLD_SERVERS][COMMAND_ID_SIZE]; /* of the latest packet */
    uint32_t packet[WORLD_SERVERS];
    uint32_t n_sent;
    struct sent sent[COMMANDS];
    bool visited[POWER_STATES];
    bool happened[HAPPENINGS];
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

static void judge_packet(struct trial *trial, const struct action *action)
{
    const int server = action->server;
    const struct power *power = world_power(&trial->world, server);
    const bool same = strcmp(power->wake.id, trial->wake_id[server]) == 0;

    MUST(trial, power->wake.open);
    MUST(trial, power->state == POWER_WAKING);
    MUST(trial, !power->evidence.alive);
    MUST(trial, action->packet.number == (same ? trial->packet[server] + 1 : 1));
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

static void judge(void *context, const struct action *action)
{
    struct trial *trial = context;

    MUST(trial, action->server >= 0 && action->server < WORLD_SERVERS);
    switch (action->kind) {
    case ACTION_STATE:
        judge_state(trial, action);
        break;
    case ACTION_SITE:
        trial->site[action->site.site] = !trial->site[action->site.site];
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
    case ACTION_STATUS:
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
}

static bool is_standing(enum lease_kind kind)
{
    return kind == LEASE_ALWAYS_ON || kind == LEASE_HOLD;
}

static void check_leases(struct trial *trial, int server)
{
    const struct power *power = world_power(&trial->world, server);

    MUST(trial, power->leases.n <= LEASES_MAX);
    for (size_t i = 0; i < power->leases.n; i++) {
        const struct lease *lease = &power->leases.leases[i];

        MUST(trial, power->wake.open || lease->until > trial->world.now.boot);
        /* Never asleep under a lease; a standing one that was called off waits a while. */
        if (trial->fell_asleep[server] && power->state == POWER_OFF)
            MUST(trial, is_standing(lease->kind) && power->retry_at > trial->world.now.boot);
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
        MUST(trial, power_eta(power, trial->world.now.boot) >= -1);
        power_why(power, trial->world.now, why, sizeof(why));
        MUST(trial, why[0] != '\0');
    }
    for (int site = 0; site < WORLD_SITES; site++) {
        const enum power_state state = trial->state[trial->world.sites[site].server];

        MUST(trial, fleet_site_ready(fleet, site) == trial->site[site]);
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
    command.policy = roll(trial, 4) ? POLICY_ON_DEMAND : POLICY_ALWAYS_ON;
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

static void random_event(struct trial *trial)
{
    struct world *world = &trial->world;
    const int server = (int)roll(trial, WORLD_SERVERS);

    switch (roll(trial, 16)) {
    case 0:
        world_visit(world, (int)roll(trial, WORLD_SITES));
        break;
    case 1:
        world_use(world, (int)roll(trial, WORLD_SITES));
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

/* No input any more: whatever is open comes to its end by time alone. */
static void fall_quiet(struct trial *trial)
{
    struct world *world = &trial->world;

    for (int i = 0; i < 60; i++) {
        world_advance(world, MINUTE);
        check(trial);
        world_forget(world);
    }
    for (uint32_t i = 0; i < trial->n_sent; i++) {
        MUST(trial, trial->sent[i].accepted || trial->sent[i].refused);
        MUST(trial, trial->sent[i].ended == trial->sent[i].accepted);
    }
    for (int server = 0; server < WORLD_SERVERS; server++) {
        const struct power *power = world_power(world, server);
        const bool stands = fleet_policy(world->fleet, server) == POLICY_ALWAYS_ON ||
                            fleet_keep_awake(world->fleet, server);

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
    world->now = (struct now){.boot = 5000, .wall = 1795341600000};
    assert_int_equal(fleet_create(&world->model, &sink, world->now, &world->fleet), 0);
    fleet_start(world->fleet, world->now);
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

static void test_random(void **state)
{
    (void)state;
    const char *given = getenv("HALL_SEED");
    const uint64_t first = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    const int64_t end = milliseconds() + MILLISECONDS;
    bool visited[POWER_STATES] = {false};
    bool happened[HAPPENINGS] = {false};
    uint64_t rounds = 0;

    alarm(60); /* a tick that never ends is a failure too */
    print_message("HALL_SEED=%" PRIu64 "\n", first);
    do {
        struct trial *trial = calloc(1, sizeof(*trial));

        assert_non_null(trial);
        play(trial, first + rounds++);
        for (unsigned i = 0; i < POWER_STATES; i++)
            visited[i] |= trial->visited[i];
        for (unsigned i = 0; i < HAPPENINGS; i++)
            happened[i] |= trial->happened[i];
        free(trial);
    } while (rounds < ROUNDS_MOST && milliseconds() < end);
    print_message("%" PRIu64 " rounds of %d steps\n", rounds, STEPS);
    /* It has been everywhere, or it proves little. */
    for (unsigned i = POWER_UNKNOWN + 1; rounds >= 5 && i < POWER_STATES; i++)
        assert_true(visited[i]);
    for (unsigned i = 0; rounds >= 5 && i < HAPPENINGS; i++)
        assert_true(happened[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
