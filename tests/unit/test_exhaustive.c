/*
 * The life of one server, searched: from a few roots every event of a small alphabet is applied to
 * every state reached, breadth first. Two states are the same when all that decides what may follow
 * is the same, with times taken relative to now. In each state what must hold is checked, and from
 * each the quiet that follows must close all that is open. So many states are searched in every
 * run; HALL_STATES=<n> searches n, at about 20,000 a second.
 */
#include <unistd.h>

#include "base/array.h"
#include "core/facts/look.h"
#include "core/state.h"
#include "fleet_fixture.h"

enum {
    STATES_USUAL = 40000,
    DEPTH_MOST = 40,
    ENTRIES = 64,        /* commands of one path and its quiet, at most */
    QUIET = 12 * MINUTE, /* a goodbye lasts eleven */
    CHECKS = 2,
};

/* What may happen, one function for each. */

typedef void happen(struct world *world);

static void order(struct world *world, enum command_action action, bool force)
{
    struct command command = world_new_command(action, "");

    command.force = force;
    command.policy = POLICY_ALWAYS_ON;
    snprintf(command.name, sizeof(command.name), "backup");
    command.lasts = action == COMMAND_HOLD ? 5 * SECOND : 0;
    world_order(world, TESTING, command);
}

static void visit(struct world *world)
{
    world_visit(world, SITE_TESTING);
}

static void wake(struct world *world)
{
    order(world, COMMAND_WAKE, false);
}

static void wake_by_force(struct world *world)
{
    order(world, COMMAND_WAKE, true);
}

static void sleep_command(struct world *world)
{
    order(world, COMMAND_SLEEP, false);
}

static void sleep_by_force(struct world *world)
{
    order(world, COMMAND_SLEEP, true);
}

static void restart(struct world *world)
{
    order(world, COMMAND_RESTART, false);
}

static void restart_by_force(struct world *world)
{
    order(world, COMMAND_RESTART, true);
}

static void cancel(struct world *world)
{
    order(world, COMMAND_CANCEL, false);
}

static void hold(struct world *world)
{
    order(world, COMMAND_HOLD, false);
}

static void always_on(struct world *world)
{
    order(world, COMMAND_POLICY, false);
}

static void configured(struct world *world)
{
    struct command command = world_new_command(COMMAND_POLICY, "");

    command.policy_configured = true;
    world_order(world, TESTING, command);
}

static void pass(struct world *world)
{
    world_probe(world, TESTING, 0, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
}

static void answer(struct world *world)
{
    world_probe(world, TESTING, 0, PROBE_ANSWER);
    world_neighbour(world, TESTING, MAC_MATCH);
}

static void other_machine(struct world *world)
{
    world_neighbour(world, TESTING, MAC_OTHER);
}

static void miss(struct world *world)
{
    world_probe(world, TESTING, 0, PROBE_MISS);
}

static void silence(struct world *world)
{
    world_silence(world, TESTING);
}

static void online(struct world *world)
{
    world_agent(world, TESTING, AGENT_ONLINE);
}

static void goodbye(struct world *world)
{
    world_agent(world, TESTING, AGENT_SLEEPING);
}

static void offline(struct world *world)
{
    world_agent(world, TESTING, AGENT_OFFLINE);
}

static void accept_sleep(struct world *world)
{
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
}

static void veto_sleep(struct world *world)
{
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "in use");
}

static void fail_sleep(struct world *world)
{
    world_sleep_answer(world, TESTING, SLEEP_FAILED, "no");
}

static void stream(struct world *world)
{
    world_look(world, TESTING, "testing.example", 2 * SECOND);
}

static void nothing_moves(struct world *world)
{
    world_look(world, TESTING, NULL, 0);
}

static void blind(struct world *world)
{
    world_blind(world, TESTING);
}

static void second(struct world *world)
{
    world_advance(world, SECOND);
}

static void until_due(struct world *world)
{
    if (fleet_deadline(world->fleet) < world->now.boot + HOUR)
        world_advance(world, fleet_deadline(world->fleet) - world->now.boot);
}

/* Late: the loop was held up, and the next event comes before the tick. */
static void late(struct world *world)
{
    world->now.boot += 2 * SECOND;
    world->now.wall += 2 * SECOND;
    visit(world);
}

static const struct {
    const char *name;
    happen *happen;
} alphabet[] = {
    {"visit", visit},
    {"wake", wake},
    {"wake!", wake_by_force},
    {"sleep", sleep_command},
    {"sleep!", sleep_by_force},
    {"restart", restart},
    {"restart!", restart_by_force},
    {"cancel", cancel},
    {"hold", hold},
    {"always_on", always_on},
    {"configured", configured},
    {"pass", pass},
    {"answer", answer},
    {"other", other_machine},
    {"miss", miss},
    {"silence", silence},
    {"online", online},
    {"goodbye", goodbye},
    {"offline", offline},
    {"accept", accept_sleep},
    {"veto", veto_sleep},
    {"fail", fail_sleep},
    {"stream", stream},
    {"nothing moves", nothing_moves},
    {"blind", blind},
    {"second", second},
    {"due", until_due},
    {"late", late},
};
enum { EVENTS = ARRAY_SIZE(alphabet) };

/* Where the search begins: a server that is unknown, off, ready, idle, falling asleep, failed. */
static happen *const roots[][12] = {
    {NULL},
    {silence},
    {silence, wake, second, pass, online},
    {silence, always_on, pass, online},
    {silence, wake, pass, online, second, second, second, second, until_due},
    {silence, wake, pass, online, second, second, second, second, until_due, accept_sleep},
    {silence, wake, until_due, until_due, until_due, until_due},
};
enum { ROOTS = ARRAY_SIZE(roots) };

/* One world for all: what a step may change is put aside and back. */

enum { LEASES = 10 }; /* more than one server has here at once */

struct snapshot {
    struct now now;
    struct power power;
    size_t n_leases;
    struct lease leases[LEASES];
    struct override override;
    struct site_state site;
    int64_t due;
    struct ledger ledger;
    struct ledger_server commands;
    struct ledger_entry entries[ENTRIES];
    uint32_t serial;
};

struct node {
    uint32_t parent;
    uint8_t event, root, depth;
};

struct search {
    struct world world;
    struct snapshot start, here;
    size_t n, most, n_seen; /* nodes; slots of seen */
    struct node *nodes;
    uint64_t *seen; /* hashes; 0 is free */
    size_t current; /* the node at hand, for failures */
    const char *event;
    uint32_t first_answers[ENTRIES], ends[ENTRIES]; /* by ledger entry, of this path */
    bool visited[POWER_STATES];
    bool fell_asleep; /* by the event at hand */
};

static void save(struct search *search, struct snapshot *out)
{
    const struct fleet *fleet = search->world.fleet;

    out->now = search->world.now;
    out->power = fleet->powers[TESTING];
    out->n_leases = fleet->powers[TESTING].leases->n;
    assert_true(out->n_leases <= LEASES);
    memcpy(out->leases, fleet->powers[TESTING].leases->leases, sizeof(out->leases));
    out->override = fleet->overrides[TESTING];
    out->site = fleet->sites[SITE_TESTING];
    out->due = fleet->due.at[TESTING];
    out->ledger = fleet->ledger;
    out->commands = fleet->ledger.servers[TESTING];
    assert_true(fleet->ledger.n < ENTRIES);
    memcpy(out->entries, fleet->ledger.entries, fleet->ledger.n * sizeof(out->entries[0]));
    out->serial = fleet->serial;
}

static void restore(struct search *search, const struct snapshot *from)
{
    struct fleet *fleet = search->world.fleet;

    search->world.now = from->now;
    fleet->powers[TESTING] = from->power;
    fleet->powers[TESTING].leases->n = from->n_leases;
    memcpy(fleet->powers[TESTING].leases->leases, from->leases, sizeof(from->leases));
    fleet->overrides[TESTING] = from->override;
    fleet->sites[SITE_TESTING] = from->site;
    due_set(&fleet->due, TESTING, from->due);
    for (size_t i = from->ledger.n; i < fleet->ledger.n; i++)
        fleet->ledger.entries[i] = (struct ledger_entry){0};
    fleet->ledger = from->ledger; /* it never grows here */
    fleet->ledger.servers[TESTING] = from->commands;
    memcpy(fleet->ledger.entries, from->entries, from->ledger.n * sizeof(from->entries[0]));
    fleet->serial = from->serial;
}

/* The path that led here, for whoever has to find out why. */
static void tell_path(const struct search *search, char *out, size_t size)
{
    const struct node *path[DEPTH_MOST];
    size_t n = 0;

    for (size_t i = search->current; search->nodes[i].depth > 0; i = search->nodes[i].parent)
        path[n++] = &search->nodes[i];
    snprintf(out, size, "root %u:", search->nodes[search->current].root);
    while (n-- > 0)
        snprintf(out + strlen(out), size - strlen(out), " %s", alphabet[path[n]->event].name);
    snprintf(out + strlen(out), size - strlen(out), " + %s", search->event);
}

#define MUST(search_, condition_)                                                                  \
    do {                                                                                           \
        if (!(condition_)) {                                                                       \
            char path_[1024];                                                                      \
            tell_path(search_, path_, sizeof(path_));                                              \
            fail_msg("%s: %s", path_, #condition_);                                                \
        }                                                                                          \
    } while (0)

/* What decides the future, and nothing else. Times far ahead and long past are alike. */

struct canon {
    int32_t times[13];
    int32_t leases[LEASES][3];
    uint8_t checks[CHECKS][6];
    uint8_t facts[40];
};

static int32_t relative(int64_t at, int64_t now)
{
    const int64_t most = 400 * SECOND;

    if (at == 0)
        return INT32_MIN;
    if (at <= now)
        return 0;
    return at - now > most ? (int32_t)most + 1 : (int32_t)(at - now);
}

static void canon_leases(struct canon *canon, const struct power *power, int64_t now)
{
    for (size_t i = 0; i < power->leases->n; i++) {
        const struct lease *lease = &power->leases->leases[i];

        canon->leases[i][0] = (int32_t)lease->kind + 1;
        canon->leases[i][1] = relative(lease->until, now);
        canon->leases[i][2] = lease->holder[0] + 256 * lease->subject +
                              2 * (power->sleep.phase && lease->renewed > power->sleep.started);
    }
}

static void canon_checks(struct canon *canon, const struct evidence *evidence)
{
    for (int i = 0; i < CHECKS; i++) {
        const struct check_state *check = &evidence->checks[i];
        const uint8_t facts[] = {check->known, check->passing, check->alive, check->misses,
                                 check->fails};

        memcpy(canon->checks[i], facts, sizeof(facts));
    }
}

static unsigned open_commands(const struct fleet *fleet)
{
    unsigned open = 0;

    for (size_t i = 0; i < fleet->ledger.n; i++)
        if (fleet->ledger.entries[i].open)
            open |= 1U << (2 * fleet->ledger.entries[i].action + fleet->ledger.entries[i].answered);
    return open;
}

static void canon_make(struct canon *canon, const struct search *search)
{
    const struct fleet *fleet = search->world.fleet;
    const struct power *power = &fleet->powers[TESTING];
    const struct model_server *model = &search->world.servers[TESTING];
    const struct wake *wake = &power->wake;
    const struct sleep *sleep = &power->sleep;
    const int64_t now = search->world.now.boot;
    const unsigned open = open_commands(fleet);
    const int32_t times[] = {
        power->state == POWER_UNKNOWN ? relative(power->since + 15 * SECOND, now) : 0,
        power->up_since ? relative(power->up_since + model->sleep.min_up, now) : -1,
        power->down_since ? relative(power->down_since + model->min_down, now) : -1,
        wake->open ? relative(look_before(power, wake->deadline), now) : -1,
        wake->open && wake->next_packet ? relative(wake->next_packet, now) : -1,
        sleep->phase ? relative(look_before(power, sleep->deadline), now) : -1,
        relative(sleep->not_before, now),
        power->leaving && power->leaving != LEASE_FOREVER ? relative(power->leaving, now) : -1,
        relative(power->retry_at, now),
        power->awaited_until ? relative(power->awaited_until, now) : -1,
        power->guard.kind ? relative(power->guard.until, now) : -1,
        power->sight.asked ? relative(power->sight.asked + 5 * SECOND, now) : -1,
        power->sight.watched ? relative(power->sight.looked + 501, now) : -1,
    };
    const uint8_t facts[] = {
        (uint8_t)power->state,
        (uint8_t)power->failure,
        power->was_ready,
        power->said_goodbye,
        power->ever_woken,
        power->resting,
        power->leaving == LEASE_FOREVER,
        (uint8_t)power->evidence.mac,
        power->evidence.mac_heard,
        (uint8_t)power->evidence.agent,
        power->evidence.alive,
        power->evidence.passing,
        power->evidence.settled,
        wake->open,
        wake->queued,
        wake->force,
        power->forced_packet,
        wake->begun,
        wake->recent,
        wake->open && wake->packets > 3 ? 4 : (uint8_t)wake->packets,
        (uint8_t)wake->wait,
        (uint8_t)sleep->phase,
        sleep->phase && sleep->restart,
        sleep->phase && sleep->force,
        sleep->phase && sleep->own,
        sleep->phase && sleep->id[0],
        (uint8_t)(power->failures > 2 ? 3 : power->failures),
        (uint8_t)power->guard.kind,
        fleet->overrides[TESTING].policy_set,
        (uint8_t)fleet->overrides[TESTING].policy,
        (uint8_t)open,
        (uint8_t)(open >> 8),
        (uint8_t)(open >> 16),
        (uint8_t)(open >> 24),
        (uint8_t)power->problem.parts[0].code,
        power->sight.watched,
        power->sight.failed,
    };

    memset(canon, 0, sizeof(*canon));
    memcpy(canon->times, times, sizeof(times));
    memcpy(canon->facts, facts, sizeof(facts));
    canon_leases(canon, power, now);
    canon_checks(canon, &power->evidence);
}

static uint64_t hash(const struct canon *canon)
{
    const uint32_t *words = (const uint32_t *)(const void *)canon;
    uint64_t h = 0x9e3779b97f4a7c15U;

    for (size_t i = 0; i < sizeof(*canon) / sizeof(words[0]); i++) {
        h = (h ^ words[i]) * 0xff51afd7ed558ccdU;
        h ^= h >> 29;
    }
    return h | 1U;
}

/* Adds it; false when it is known. */
static bool is_new(struct search *search, uint64_t value)
{
    size_t slot = (size_t)(value % search->n_seen);

    while (search->seen[slot] != 0 && search->seen[slot] != value)
        slot = (slot + 1) % search->n_seen;
    if (search->seen[slot] == value)
        return false;
    search->seen[slot] = value;
    return true;
}

/* What must hold. */

static void judge(void *context, const struct action *action)
{
    struct search *search = context;
    const struct power *power = fleet_power(search->world.fleet, action->server);

    world_note_packet(&search->world, action);
    if (action->kind == ACTION_STATE)
        search->fell_asleep = action->state.from == POWER_SLEEPING;
    if (action->kind == ACTION_PACKET && !power->wake.open)
        MUST(search, power->forced_packet && power->state == POWER_READY);
    else if (action->kind == ACTION_PACKET)
        MUST(search, (power->state == POWER_WAKING) == !power->evidence.alive &&
                         (power->wake.force ||
                          !evidence_answers(&power->evidence, &search->world.servers[TESTING])));
    if (action->kind == ACTION_SLEEP) {
        MUST(search, power->evidence.alive && power->sleep.phase == SLEEP_PROPOSED);
        MUST(search, !power->wake.open && !power->wake.queued);
        MUST(search, strcmp(power->sleep.by, "idle") != 0 || power->leases->n == 0);
        MUST(search, strcmp(power->sleep.by, "idle") != 0 || world_sees(power, search->world.now));
    }
    if (action->kind == ACTION_ANSWER) { /* answered once, ended once */
        const size_t entry =
            (size_t)(action->answer - search->world.fleet->ledger.entries) % LEDGER_LEAST;
        const bool is_first = action->answer->outcome == OUTCOME_ACCEPTED ||
                              action->answer->outcome == OUTCOME_REFUSED;

        MUST(search, entry < ENTRIES);
        if (is_first)
            search->first_answers[entry]++;
        else
            search->ends[entry]++;
        MUST(search, search->first_answers[entry] == 1 && search->ends[entry] <= 1);
    }
}

static bool is_standing(enum lease_kind kind)
{
    return kind == LEASE_ALWAYS_ON || kind == LEASE_HOLD;
}

static void check_leases(struct search *search, const struct power *power)
{
    const int64_t now = search->world.now.boot;

    for (size_t i = 0; i < power->leases->n; i++) {
        const struct lease *lease = &power->leases->leases[i];

        MUST(search, power->wake.open || lease->until > now);
        /* Never asleep under a lease: a guard refuses, or what stands waits or rests. */
        if (search->fell_asleep && power->state == POWER_OFF)
            MUST(search,
                 power->guard.kind != GUARD_NONE ||
                     (is_standing(lease->kind) && (power->resting || power->retry_at > now)));
    }
}

static void check(struct search *search)
{
    const struct power *power = fleet_power(search->world.fleet, TESTING);
    const struct wake *wake = &power->wake;
    const bool is_dark = power->state == POWER_OFF || power->state == POWER_WAKING ||
                         power->state == POWER_UNREACHABLE || power->state == POWER_UNKNOWN;
    const bool is_lit = power_is_up(power->state) || power->state == POWER_SLEEPING;
    const int64_t now = search->world.now.boot;

    search->visited[power->state] = true;
    MUST(search, fleet_deadline(search->world.fleet) > now);
    MUST(search, !is_dark || !power->evidence.alive);
    MUST(search, !is_lit || power->evidence.alive);
    MUST(search, (power->state == POWER_READY) ==
                     (power->evidence.passing && power->state != POWER_SLEEPING));
    MUST(search, power->evidence.alive == (power->up_since > 0));
    MUST(search, power->up_since == 0 || power->down_since == 0);
    MUST(search, !(wake->open && wake->queued));
    MUST(search, !wake->queued || power->state == POWER_SLEEPING);
    MUST(search, power->state != POWER_WAKING || wake->open);
    MUST(search, !wake->open || (wake->begun && look_before(power, wake->deadline) > now));
    MUST(search, !wake->open || power->state == POWER_WAKING || power->state == POWER_BOOTING ||
                     power->state == POWER_DEGRADED);
    MUST(search, (power->sleep.phase == SLEEP_AGREED) == (power->state == POWER_SLEEPING));
    MUST(search,
         power->sleep.phase == SLEEP_NONE || look_before(power, power->sleep.deadline) > now);
    MUST(search, !power->resting || !power->evidence.alive || power->leaving != 0);
    MUST(search, power->state != POWER_SLEEPING || power->leaving != 0);
    MUST(search, power->leaving == 0 || power->evidence.alive || power->state == POWER_UNKNOWN);
    MUST(search, power->state != POWER_WAKE_FAILED || power->failure != FAILURE_NONE);
    MUST(search, power->state != POWER_READY || power->failure == FAILURE_NONE);
    check_leases(search, power);
}

/* No input any more, and no policy that wants it: all comes to its end. */
static void check_quiet(struct search *search)
{
    struct world *world = &search->world;
    const struct power *power = fleet_power(world->fleet, TESTING);

    search->event = "quiet";
    search->fell_asleep = false;
    configured(world);
    world_advance(world, QUIET);
    check(search);
    MUST(search, !power->wake.open && !power->wake.queued);
    MUST(search, power->sleep.phase != SLEEP_AGREED);
    MUST(search, power->leases->n == 0 && power->guard.kind == GUARD_NONE);
    MUST(search, power->state != POWER_WAKING && power->state != POWER_SLEEPING);
    MUST(search, power->state != POWER_UNKNOWN);
    for (size_t i = 0; i < world->fleet->ledger.n; i++) {
        const struct ledger_entry *entry = &world->fleet->ledger.entries[i];

        MUST(search, entry->answered && !entry->open);
    }
}

/* The search. */

static void count_answers(struct search *search)
{
    const struct ledger *ledger = &search->world.fleet->ledger;

    for (size_t i = 0; i < ENTRIES; i++) {
        const struct ledger_entry *entry = &ledger->entries[i];

        search->first_answers[i] = entry->used && entry->answered;
        search->ends[i] = entry->used && !entry->open && entry->outcome != OUTCOME_REFUSED;
    }
}

static void act(void *context, const struct action *action)
{
    judge(context, action);
}

static void begin(struct search *search)
{
    struct world *world = &search->world;
    const struct fleet_sink sink = {.act = act, .context = search};

    search->n_seen = 4 * search->most + 1;
    search->nodes = calloc(search->most + 1, sizeof(*search->nodes));
    search->seen = calloc(search->n_seen, sizeof(*search->seen));
    assert_non_null(search->nodes);
    assert_non_null(search->seen);
    search->event = "start";
    world_model(world);
    world->model.n_servers = world->model.n_domains = 1;
    world->model.n_sites = 1;
    world->domains[TESTING].n_projects = 0;
    world->domains[TESTING].policy.idle = 4 * SECOND;
    world->servers[TESTING].n_checks = CHECKS;
    world->checks[TESTING][0].kind = CHECK_TCP;
    world->servers[TESTING].wake.timeout = 4 * SECOND;
    world->servers[TESTING].sleep.timeout = 3 * SECOND;
    world->servers[TESTING].sleep.min_up = 2 * SECOND;
    world->servers[TESTING].min_down = 2 * SECOND;
    world_begin_with(world, &sink);
    world_report(world, TESTING, "", true);
}

static void finish(struct search *search)
{
    fleet_destroy(search->world.fleet);
    free(search->nodes);
    free(search->seen);
    free(search);
}

static void apply(struct search *search, happen *what)
{
    search->fell_asleep = false;
    what(&search->world);
    fleet_tick(search->world.fleet, search->world.now);
    world_send(&search->world);
    check(search);
}

/* Adds the state at hand, if it is a new one. */
static void note(struct search *search, struct node node)
{
    struct canon canon;

    canon_make(&canon, search);
    if (search->n < search->most && is_new(search, hash(&canon)))
        search->nodes[search->n++] = node;
}

static void go_to_root(struct search *search, unsigned root)
{
    restore(search, &search->start);
    count_answers(search);
    for (size_t i = 0; roots[root][i]; i++)
        apply(search, roots[root][i]);
}

/* A state is kept as the way to it. */
static void go_to(struct search *search, size_t index)
{
    uint8_t events[DEPTH_MOST];
    size_t n = 0, i = index;

    for (; search->nodes[i].depth > 0; i = search->nodes[i].parent)
        events[n++] = search->nodes[i].event;
    go_to_root(search, search->nodes[i].root);
    while (n-- > 0)
        apply(search, alphabet[events[n]].happen);
    search->current = index;
}

static void expand(struct search *search, size_t index)
{
    const struct node from = search->nodes[index];

    go_to(search, index);
    save(search, &search->here);
    for (unsigned event = 0; event < EVENTS; event++) {
        restore(search, &search->here);
        count_answers(search);
        search->event = alphabet[event].name;
        apply(search, alphabet[event].happen);
        note(search, (struct node){.parent = (uint32_t)index,
                                   .event = (uint8_t)event,
                                   .root = from.root,
                                   .depth = (uint8_t)(from.depth + 1)});
    }
    restore(search, &search->here);
    count_answers(search);
    check_quiet(search);
}

static void test_search(void **state)
{
    const char *given = getenv("HALL_STATES");
    struct search *search = calloc(1, sizeof(*search));

    assert_non_null(search);
    search->most = given ? (size_t)strtoull(given, NULL, 10) : STATES_USUAL;
    begin(search);
    save(search, &search->start);
    for (unsigned root = 0; root < ROOTS; root++) {
        go_to_root(search, root);
        note(search, (struct node){.root = (uint8_t)root});
    }
    for (size_t i = 0; i < search->n; i++)
        if (search->nodes[i].depth + 1 < DEPTH_MOST) {
            alarm(60); /* a tick that never ends is a failure too */
            expand(search, i);
        }
    print_message("%zu states, each left by %d events and by quiet, depth %d; HALL_STATES=<n> "
                  "searches n\n",
                  search->n, EVENTS, search->nodes[search->n - 1].depth);
    for (unsigned i = 0; i < POWER_STATES; i++)
        assert_true(search->visited[i]);
    finish(search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_search)};

    alarm(60); /* a tick that never ends is a failure too */

    return cmocka_run_group_tests(tests, NULL, NULL);
}
