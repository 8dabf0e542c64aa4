/* Settling by itself: which rules it runs, in which order, how often, and what leaves in the end.
 * The rules are left out. In the place of each stands a function of its name that says that it was
 * called, and does what the test at hand has it do; the linker takes these before a library's. */
#include "core/rules/dependents.h"
#include "core/rules/expire.h"
#include "core/rules/order.h"
#include "core/rules/policy.h"
#include "core/rules/project_rule.h"
#include "core/rules/sight.h"
#include "core/rules/sites.h"
#include "core/rules/sleep.h"
#include "core/rules/visit.h"
#include "core/rules/wake.h"
#include "core/rules/want.h"

#include "base/array.h"
#include "core/emit.h"
#include "core/facts/wish.h"
#include "core/settle.h"
#include "fleet_fixture.h"

enum { CALLS = 512, ROUNDS_MOST = 8 };

/* What the test has the rules do, and what they did. */
static struct play {
    const char *rule; /* the one that acts, in its first calls */
    unsigned times;
    void (*act)(struct step *step);
    const char *taker; /* the one that takes up what is wished; NULL: none does */
    const char *due;   /* whose time comes */
    int64_t at;
    const char *also_due;
    int64_t also_at;
    size_t n;
    struct call {
        const char *name;
        int64_t found; /* the fact that the rules of these tests change */
    } calls[CALLS];
} play;

static void changes_a_fact(struct step *step)
{
    step->power->retry_at++;
    step->changed = true;
}

static bool is(const char *name, const char *other)
{
    return other && strcmp(name, other) == 0;
}

static void called(const char *name, struct step *step)
{
    assert_true(play.n < CALLS);
    play.calls[play.n++] = (struct call){name, step->power->retry_at};
    if (is(name, play.taker)) {
        step->wish = (struct wake_wish){0};
        step->cancel = (struct cancel_wish){0};
        step->sleep = (struct sleep_wish){0};
    }
    if (is(name, play.rule) && play.times > 0) {
        play.times--;
        play.act(step);
    }
}

static int64_t time_of(const char *name, const struct step *step)
{
    const int64_t at = is(name, play.due)        ? play.at
                       : is(name, play.also_due) ? play.also_at
                                                 : DUE_NEVER;

    return at > step->now.boot ? at : DUE_NEVER;
}

#define RULE(name_)                                                                                \
    void name_(struct step *step)                                                                  \
    {                                                                                              \
        called(#name_, step);                                                                      \
    }
#define TIME(name_)                                                                                \
    int64_t name_(const struct step *step)                                                         \
    {                                                                                              \
        return time_of(#name_, step);                                                              \
    }
RULE(visit_take)
RULE(order_take)
RULE(projects_take_command)
RULE(projects_hear)
RULE(sleep_hear)
RULE(sight_follow)
RULE(sight_expect)
RULE(sleep_tick)
RULE(sleep_end)
RULE(wake_hear)
RULE(wake_follow)
RULE(sleep_take_wish)
RULE(wake_begin)
RULE(policy_keep)
RULE(dependents_keep)
RULE(expire_leases)
RULE(projects_order)
RULE(sites_update)
RULE(projects_settle)
RULE(wake_tick)
RULE(want_wakes)
RULE(sleep_when_idle)
RULE(dependents_tell)
RULE(projects_tell)
TIME(sight_due)
TIME(sleep_due)
TIME(policy_due)
TIME(expire_due)
TIME(projects_due)
TIME(wake_due)
TIME(want_due)

/* The order in which ARCHITECTURE.md and settle.c promise them. */
static const char *const rules[] = {
    "sight_expect",    "sleep_tick",     "sleep_end",       "wake_follow",
    "sleep_take_wish", "wake_begin",     "policy_keep",     "dependents_keep",
    "expire_leases",   "projects_order", "sites_update",    "projects_settle",
    "wake_tick",       "want_wakes",     "sleep_when_idle", "dependents_tell",
};
enum { RULES = 16 };
_Static_assert(ARRAY_SIZE(rules) == RULES, "each rule has a row");

/* A world at rest, and a test that begins. */
static struct world *at_rest(void **state)
{
    struct world *world = *state;

    play = (struct play){0};
    world_forget(world);
    return world;
}

static int set_up(void **state)
{
    play = (struct play){0};
    return world_init(state);
}

/* An event that no rule hears, and that changes no fact by itself. */
static void settle_once(struct world *world)
{
    play.n = 0;
    world_forget(world);
    world_blind(world, TESTING);
}

/* What was called from the place on: so many whole rounds, then what tells. */
static void assert_rounds(size_t from, size_t rounds)
{
    assert_int_equal(play.n, from + rounds * RULES + 1);
    for (size_t i = 0; i < rounds * RULES; i++)
        assert_string_equal(play.calls[from + i].name, rules[i % RULES]);
    assert_string_equal(play.calls[play.n - 1].name, "projects_tell");
}

static void test_each_rule_once_in_order(void **state)
{
    struct world *world = at_rest(state);

    settle_once(world);
    assert_rounds(0, 1);
    play = (struct play){.due = "wake_due", .at = world->now.boot + SECOND};
    settle_once(world);
    play.n = 0;
    world_advance(world, SECOND); /* time alone is an event as well */
    assert_rounds(0, 1);
}

/* What an event says is heard by these, once, before the rules and however many rounds they take.
 */
static void test_who_hears_an_event(void **state)
{
    static const struct {
        enum fleet_event_kind kind;
        const char *heard[4];
    } rows[] = {
        {FLEET_VISIT, {"visit_take"}},
        {FLEET_USE, {"visit_take"}},
        {FLEET_COMMAND, {"order_take", "projects_take_command"}},
        {FLEET_PROBE, {"sight_follow"}},
        {FLEET_NEIGHBOUR, {"sight_follow"}},
        {FLEET_MOVED, {NULL}},
        {FLEET_AGENT, {"projects_hear", "sleep_hear", "sight_follow"}},
        {FLEET_REPORT, {"sight_follow"}},
        {FLEET_UNHEARD, {NULL}},
        {FLEET_STREAM, {NULL}},
        {FLEET_STALLED, {NULL}},
        {FLEET_WEBSOCKET, {NULL}},
        {FLEET_CONTAINERS, {NULL}},
        {FLEET_SLEEP_ANSWER, {"projects_hear", "sleep_hear"}},
        {FLEET_PACKET_SENT, {"wake_hear"}},
        {FLEET_PACKET_FAILED, {NULL}},
    };
    const struct containers_told none = {0};

    assert_int_equal(ARRAY_SIZE(rows), FLEET_EVENTS - 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = at_rest(state);
        struct fleet_event event = {.kind = rows[i].kind, .server = TESTING};
        size_t n = 0;

        if (rows[i].kind == FLEET_CONTAINERS)
            event.containers = &none;
        play = (struct play){.rule = "policy_keep", .times = 2, .act = changes_a_fact};
        fleet_handle(world->fleet, world->now, &event);
        for (; rows[i].heard[n]; n++)
            assert_string_equal(play.calls[n].name, rows[i].heard[n]);
        assert_rounds(n, 3);
    }
}

/* What a rule changes, those after it find in the same round and those before it in the next. */
static void test_what_a_rule_changes_the_others_find(void **state)
{
    for (size_t k = 0; k < RULES; k++) {
        struct world *world = at_rest(state);
        const int64_t before = world->fleet->powers[TESTING].retry_at;

        play = (struct play){.rule = rules[k], .times = 1, .act = changes_a_fact};
        settle_once(world);
        assert_rounds(0, 2);
        for (size_t i = 0; i < play.n; i++)
            assert_int_equal(play.calls[i].found - before, i > k);
    }
}

static void wishes_a_wake(struct step *step)
{
    step->wish.cause = &step->power->reason;
}

static void wishes_a_cancel(struct step *step)
{
    step->cancel.by = "anna";
}

static void wishes_a_sleep(struct step *step)
{
    step->sleep.entry = &step->fleet->ledger.entries[0];
}

/* It takes another round while a rule changes facts, or while what is wished is not taken up; but
 * never more than eight, whatever the rules do. */
static void test_how_many_rounds(void **state)
{
    static const struct {
        void (*act)(struct step *step);
        const char *rule, *taker;
        unsigned times, rounds;
    } rows[] = {
        {changes_a_fact, "sight_expect", NULL, 0, 1},
        {changes_a_fact, "sight_expect", NULL, 1, 2},
        {changes_a_fact, "dependents_tell", NULL, 1, 2},
        {changes_a_fact, "wake_tick", NULL, 6, 7},
        {changes_a_fact, "wake_tick", NULL, ROUNDS_MOST - 1, ROUNDS_MOST},
        {changes_a_fact, "wake_tick", NULL, ROUNDS_MOST, ROUNDS_MOST},
        {changes_a_fact, "wake_tick", NULL, 1000, ROUNDS_MOST},
        {wishes_a_wake, "want_wakes", "wake_begin", 1, 2},
        {wishes_a_wake, "sleep_end", "wake_begin", 1, 1},
        {wishes_a_wake, "want_wakes", NULL, 1, ROUNDS_MOST},
        {wishes_a_cancel, "sleep_take_wish", "wake_begin", 1, 1},
        {wishes_a_cancel, "want_wakes", "wake_begin", 1, 2},
        {wishes_a_cancel, "want_wakes", NULL, 1, ROUNDS_MOST},
        {wishes_a_sleep, "want_wakes", "sleep_take_wish", 1, 2},
        {wishes_a_sleep, "sleep_end", "sleep_take_wish", 1, 1},
        {wishes_a_sleep, "want_wakes", NULL, 1, ROUNDS_MOST},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = at_rest(state);

        world->fleet->rounds_most = 0;
        play = (struct play){.act = rows[i].act,
                             .rule = rows[i].rule,
                             .taker = rows[i].taker,
                             .times = rows[i].times};
        settle_once(world);
        assert_rounds(0, rows[i].rounds);
        assert_int_equal(world->fleet->rounds_most, rows[i].rounds);
        play = (struct play){0};
        settle_once(world); /* the most it has ever taken is kept */
        assert_rounds(0, 1);
        assert_int_equal(world->fleet->rounds_most, rows[i].rounds);
    }
}

static void must_be_kept(struct step *step)
{
    changes_a_fact(step);
    step->durable = true;
}

static void takes_a_lease(struct step *step)
{
    changes_a_fact(step);
    (void)lease_take(step->power->leases, LEASE_HOLD, MODEL_NONE, "backup", NULL, step->now.boot,
                     LEASE_FOREVER);
}

static void watches_closely(struct step *step)
{
    step->power->awaited_until = step->now.boot + 1;
}

static void sees_two_faults(struct step *step)
{
    step->power->evidence.alive = true;
    for (unsigned i = CHECK_OF_PING; i <= CHECK_OF_AGENT; i++)
        step->power->evidence.checks[i] = (struct check_state){.known = true,
                                                               .alive = true,
                                                               .fails = EVIDENCE_MISSES,
                                                               .fault = {.code = FAULT_REFUSED}};
}

/* The actions that have left, a letter each: the pace, a check, the status (L: with its leases),
 * what is to be saved (D: durably). */
static const char *left(const struct world *world)
{
    static char letters[64];

    assert_true(world->n < sizeof(letters));
    for (size_t i = 0; i < world->n; i++) {
        const struct action *action = &world->seen[i].action;

        assert_int_equal(action->server, TESTING);
        letters[i] = action->kind == ACTION_PACE     ? 'p'
                     : action->kind == ACTION_CHECK  ? 'c'
                     : action->kind == ACTION_STATUS ? (action->status.leases ? 'L' : 's')
                     : action->kind == ACTION_SAVE   ? (action->save.durable ? 'D' : 'd')
                                                     : '?';
    }
    letters[world->n] = '\0';
    return letters;
}

/* It leaves when all rounds are over, once however many there were, and not again when it settles
 * the next time; what has not changed does not leave at all. */
static void test_what_leaves(void **state)
{
    static const struct {
        void (*act)(struct step *step);
        unsigned times;
        const char *left;
    } rows[] = {
        {changes_a_fact, 0, ""},    {changes_a_fact, 1, "sd"},  {changes_a_fact, 5, "sd"},
        {changes_a_fact, 99, "sd"}, {must_be_kept, 1, "sD"},    {must_be_kept, 5, "sD"},
        {takes_a_lease, 1, "Ld"},   {takes_a_lease, 5, "Ld"},   {watches_closely, 1, "p"},
        {watches_closely, 5, "p"},  {sees_two_faults, 1, "cc"}, {sees_two_faults, 5, "cc"},
    };

    for (size_t k = 0; k < RULES; k++)
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            world_finish(state);
            assert_int_equal(set_up(state), 0);
            struct world *world = at_rest(state);

            play = (struct play){.rule = rules[k], .act = rows[i].act, .times = rows[i].times};
            settle_once(world);
            if (strcmp(left(world), rows[i].left) != 0)
                fail_msg("%s, row %zu: %s", rules[k], i, left(world));
            play = (struct play){0};
            settle_once(world);
            assert_string_equal(left(world), "");
        }
}

/* What the event has changed by itself, or what is found out while it is told, leaves as well. */
static void test_what_others_change(void **state)
{
    struct world *world = at_rest(state);

    world_report(world, TESTING, "b1", true);
    assert_string_equal(left(world), "sd");
    play = (struct play){.rule = "projects_tell", .times = 1, .act = must_be_kept};
    settle_once(world);
    assert_string_equal(left(world), "sD");
    assert_rounds(0, 1);
}

static int64_t found_late;

static void finds_its_time(struct step *step)
{
    play.at = found_late;
}

/* The soonest of all the times that rules name is when it is looked at again: as they name it when
 * the last of them has run. */
static void test_when_it_is_due(void **state)
{
    static const char *const times[] = {"sight_due",    "sleep_due", "policy_due", "expire_due",
                                        "projects_due", "wake_due",  "want_due"};

    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        for (size_t k = 0; k < ARRAY_SIZE(times); k++) {
            struct world *world = at_rest(state);
            const int64_t now = world->now.boot;

            settle_once(world);
            assert_true(fleet_deadline(world->fleet) == DUE_NEVER);
            play = (struct play){.due = times[i], .at = now + MINUTE};
            settle_once(world);
            assert_int_equal(fleet_deadline(world->fleet), now + MINUTE);
            play.also_due = times[k];
            play.also_at = now + SECOND;
            settle_once(world);
            assert_int_equal(fleet_deadline(world->fleet), now + (i == k ? MINUTE : SECOND));
            found_late = now + HOUR;
            play = (struct play){
                .rule = "dependents_tell", .times = 1, .act = finds_its_time, .due = times[i]};
            settle_once(world);
            assert_int_equal(fleet_deadline(world->fleet), now + HOUR);
            play = (struct play){0};
        }
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, set_up, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_each_rule_once_in_order),
        TEST(test_who_hears_an_event),
        TEST(test_what_a_rule_changes_the_others_find),
        TEST(test_how_many_rounds),
        TEST(test_what_leaves),
        TEST(test_what_others_change),
        TEST(test_when_it_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
