#include <unistd.h>

#include "fleet_fixture.h"

#define ALICE "192.168.1.10"
#define BOB   "192.168.1.11"

static struct world *asleep(void **state, void (*change)(struct world *))
{
    struct world *world = world_new(change);

    *state = world;
    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_forget(world);
    return world;
}

static void crash(struct world *world, int server)
{
    world_agent(world, server, AGENT_OFFLINE);
    world_silence(world, server);
}

static const struct guard *guard_of(const struct world *world, int server)
{
    return &world_power(world, server)->guard;
}

static void expire_leases(struct world *world)
{
    world_command(world, ERP, COMMAND_WAKE, "");
    world_command(world, ERP, COMMAND_CANCEL, "");
}

/* Of the server. */

static void min_down(struct world *world)
{
    world->servers[ERP].min_down = 10 * MINUTE;
}

static void test_min_down(void **state)
{
    struct world *world = asleep(state, min_down);

    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_advance(world, 4 * MINUTE);
    world_forget(world);
    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_UNREACHABLE);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_MIN_DOWN);
    assert_int_equal(guard_of(world, ERP)->until, world->now.boot + 6 * MINUTE);
    struct next_event next;
    assert_true(fleet_next_event(world->fleet, ERP, world->now, &next));
    assert_string_equal(next.what, "guard_end");
    assert_int_equal(next.at, world->now.wall + 6 * MINUTE);
    world_command(world, ERP, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "refused ");
    assert_string_equal(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                        "guard min_down refuses until 2026-11-22T10:10:01Z");
    world_advance(world, 6 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 1); /* whoever still waits is served */
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_NONE);
}

static void test_nobody_waits_any_more(void **state)
{
    struct world *world = asleep(state, min_down);
    struct command idle = world_new_command(COMMAND_IDLE, "");

    idle.minutes = 1;
    world_order(world, ERP, idle);
    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_visit(world, SITE_ERP);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_MIN_DOWN);
    world_advance(world, 2 * MINUTE);
    assert_int_equal(world_power(world, ERP)->leases->n, 0);
    world_forget(world);
    world_advance(world, HOUR);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_NONE);
    assert_int_equal(world_count(world, ACTION_STATUS), 1); /* that it is over */
}

static void test_force_overrides(void **state)
{
    struct world *world = asleep(state, min_down);
    struct command force = world_new_command(COMMAND_WAKE, "w1");

    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_visit(world, SITE_ERP);
    force.force = true;
    world_order(world, ERP, force);
    assert_string_equal(world_outcomes(world, "w1"), "accepted ");
    assert_state(world, ERP, POWER_WAKING);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_NONE);
}

/* Found off at the start: nobody knows since when, and nothing was seen to go down. */
static void test_no_min_down_at_the_start(void **state)
{
    struct world *world = asleep(state, min_down);

    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_WAKING);
}

/* A wake that was called off, or failed, is no run that ended. */
static void test_no_min_down_after_a_wake_in_vain(void **state)
{
    struct world *world = asleep(state, min_down);

    expire_leases(world);
    assert_state(world, ERP, POWER_OFF);
    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_WAKING);
    world_advance(world, 180 * SECOND);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_WAKING);
}

/* What stands waits for the guard too, and does not wake it twice. */
static void test_min_down_and_a_policy(void **state)
{
    struct world *world = asleep(state, min_down);

    world_policy(world, ERP, POLICY_ALWAYS_ON);
    world_up(world, ERP);
    crash(world, ERP);
    world_forget(world);
    world_advance(world, 10 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
}

/* Idle, and it has just agreed to sleep. */
static void agree(struct world *world)
{
    world_wake(world, ERP, SECOND);
    world_advance(world, 20 * MINUTE);
    world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
    assert_state(world, ERP, POWER_SLEEPING);
}

/* Wanted while it falls asleep: it goes down all the same, and stays down so long as it must. */
static void test_min_down_of_a_queued_wake(void **state)
{
    struct world *world = asleep(state, min_down);

    agree(world);
    world_visit(world, SITE_ERP);
    world_command(world, ERP, COMMAND_WAKE, "w1");
    world_forget(world);
    world_agent(world, ERP, AGENT_SLEEPING);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_OFF);
    assert_string_equal(world_outcomes(world, "w1"), "failed ");
    assert_non_null(strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                           "guard min_down"));
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_MIN_DOWN);
    world_advance(world, 10 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 1); /* the visitor still waits */
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
}

static void test_force_of_a_queued_wake(void **state)
{
    struct world *world = asleep(state, min_down);
    struct command force = world_new_command(COMMAND_WAKE, "w2");

    agree(world);
    world_command(world, ERP, COMMAND_WAKE, "w1");
    force.force = true;
    world_order(world, ERP, force); /* for all who joined */
    world_agent(world, ERP, AGENT_SLEEPING);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "w2"), "accepted done ");
}

static void test_restart_in_spite_of_min_down(void **state)
{
    struct world *world = asleep(state, min_down);

    world_wake(world, ERP, SECOND);
    world_command(world, ERP, COMMAND_RESTART, "r1");
    world_fall_asleep(world, ERP);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "r1"), "accepted done ");
}

/* Somebody pressed its button: the guard has nothing left to refuse. */
static void test_woken_by_someone_else(void **state)
{
    struct world *world = asleep(state, min_down);

    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_visit(world, SITE_ERP);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_MIN_DOWN);
    world_up(world, ERP);
    assert_state(world, ERP, POWER_READY);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_NONE);
}

static void two_an_hour(struct world *world)
{
    world->servers[ERP].wakes_per_hour = 2;
}

static void test_wakes_per_hour(void **state)
{
    struct world *world = asleep(state, two_an_hour);
    const int64_t first = world->now.boot;

    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_advance(world, 10 * MINUTE);
    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    world_advance(world, 10 * MINUTE);
    world_visit(world, SITE_ERP);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_WAKES_PER_HOUR);
    assert_int_equal(guard_of(world, ERP)->until, first + HOUR);
    world_command(world, ERP, COMMAND_WAKE, "w1");
    assert_non_null(strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                           "wakes_per_hour"));
    for (int i = 0; i < 4; i++) {
        world_advance(world, 10 * MINUTE - SECOND);
        world_visit(world, SITE_ERP); /* he still waits; each time the same end */
        assert_int_equal(guard_of(world, ERP)->until, first + HOUR);
    }
    assert_int_equal(world_power(world, ERP)->n_woken, 2);
    world_advance(world, MINUTE);
    assert_int_equal(world_power(world, ERP)->n_woken, 3);
}

/* As many as are remembered, if more were allowed: no older one is taken for another. */
static void many_an_hour(struct world *world)
{
    world->servers[ERP].wakes_per_hour = 3600;
}

static void test_more_wakes_than_are_remembered(void **state)
{
    struct world *world = asleep(state, many_an_hour);

    for (int i = 0; i < WOKEN_MAX; i++) {
        world_wake(world, ERP, SECOND);
        assert_state(world, ERP, POWER_READY);
        crash(world, ERP);
        world_advance(world, 10 * SECOND);
        world_forget(world);
    }
    world_visit(world, SITE_ERP);
    assert_int_equal(guard_of(world, ERP)->kind, GUARD_WAKES_PER_HOUR);
    assert_true(guard_of(world, ERP)->until > world->now.boot);
    world_advance(world, HOUR);
    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_WAKING);
}

/* Packets of one wake, and those who join it, are one wake. */
static void test_one_wake_counts_once(void **state)
{
    struct world *world = asleep(state, two_an_hour);

    for (int i = 0; i < 10; i++)
        world_visit(world, SITE_ERP);
    world_advance(world, 100 * SECOND);
    assert_int_equal(world_power(world, ERP)->n_woken, 1);
}

/* Of visitors. */

static void two_wakes_each(struct world *world)
{
    world->domains[ERP].access.wakes_per_day = 2;
    world->domains[ERP].policy.idle = MINUTE;
}

static void wake_by(struct world *world, const char *who)
{
    world_come(world, FLEET_VISIT, SITE_ERP, who);
    world_up(world, ERP);
    world_advance(world, MINUTE);
    crash(world, ERP);
    world_advance(world, MINUTE);
}

static const struct action *last_limit(const struct world *world)
{
    const struct seen_action *seen = world_last(world, ACTION_LIMIT);

    assert_non_null(seen);
    return &seen->action;
}

static void test_wakes_of_a_client(void **state)
{
    struct world *world = asleep(state, two_wakes_each);

    wake_by(world, ALICE);
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
    wake_by(world, ALICE);
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_CLIENT_WAKES);
    assert_false(last_limit(world)->limit.refused); /* told as soon as it is used up */
    world_forget(world);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    assert_int_equal(world_power(world, ERP)->leases->n, 0);
    assert_true(last_limit(world)->limit.refused);
    assert_true(address_equal(last_limit(world)->limit.address, v4(0xc0a8010a)));
    assert_int_equal(clock_wall_at(world->now, last_limit(world)->limit.guard.until),
                     WORLD_START + 14 * HOUR);     /* midnight UTC */
    world_come(world, FLEET_VISIT, SITE_ERP, BOB); /* others are not concerned */
    assert_state(world, ERP, POWER_WAKING);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE); /* to join costs nothing */
    assert_int_equal(world_count(world, ACTION_LIMIT), 1);
    world_up(world, ERP);
    world_come(world, FLEET_USE, SITE_ERP, ALICE); /* nor does to use it */
    assert_non_null(world_lease(world, ERP, LEASE_VISIT, "erp.example"));
}

static void test_joining_is_not_waking(void **state)
{
    struct world *world = asleep(state, two_wakes_each);

    for (int i = 0; i < 5; i++) {
        world_come(world, FLEET_VISIT, SITE_ERP, BOB);
        world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
        world_up(world, ERP);
        if (i == 1)
            break;
        world_advance(world, MINUTE);
        crash(world, ERP);
        world_advance(world, MINUTE);
    }
    crash(world, ERP);
    world_forget(world);
    world_come(world, FLEET_VISIT, SITE_ERP, BOB);
    assert_true(last_limit(world)->limit.refused);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_state(world, ERP, POWER_WAKING);
}

static void test_midnight_resets(void **state)
{
    struct world *world = asleep(state, two_wakes_each);

    world->offset = 3600; /* midnight of the zone, not of UTC */
    wake_by(world, ALICE);
    wake_by(world, ALICE);
    world_until(world, WORLD_START + 13 * HOUR - 1);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_state(world, ERP, POWER_UNREACHABLE);
    assert_int_equal(last_limit(world)->limit.guard.until, world->now.boot + 1);
    world_advance(world, 1);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_state(world, ERP, POWER_WAKING);
}

/* The day on which the clocks go forward has 23 hours. */
static void test_midnight_of_a_short_day(void **state)
{
    struct world *world = asleep(state, two_wakes_each);

    wake_by(world, ALICE);
    wake_by(world, ALICE);
    world->offset_after = 3600;
    world->changes_at = (WORLD_START + HOUR) / 1000;
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_int_equal(clock_wall_at(world->now, last_limit(world)->limit.guard.until),
                     WORLD_START + 13 * HOUR);
    world->changes_at = (WORLD_START + 14 * HOUR) / 1000; /* and one that changes at midnight */
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_int_equal(clock_wall_at(world->now, last_limit(world)->limit.guard.until),
                     WORLD_START + 14 * HOUR);
    /* or right before it, over it: the end is never in the past */
    world_until(world, WORLD_START + 13 * HOUR + 30 * MINUTE);
    world->changes_at = (WORLD_START + 13 * HOUR + 45 * MINUTE) / 1000;
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_true(last_limit(world)->limit.guard.until > world->now.boot);
}

static void ten_minutes_each(struct world *world)
{
    world->domains[ERP].access.minutes_per_day = 10;
    world->domains[ERP].policy.idle = 5 * MINUTE;
}

static void test_minutes_of_a_client(void **state)
{
    struct world *world = asleep(state, ten_minutes_each);

    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    world_up(world, ERP);
    world_come(world, FLEET_USE, SITE_ERP, ALICE);
    for (int i = 0; i < 9; i++) {
        world_advance(world, MINUTE);
        world_come(world, FLEET_USE, SITE_ERP, ALICE);
    }
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
    world_advance(world, MINUTE);
    world_come(world, FLEET_USE, SITE_ERP, ALICE);
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_CLIENT_MINUTES);
    world_forget(world);
    world_come(world, FLEET_USE, SITE_ERP, ALICE); /* up or not: the time is used up */
    assert_true(last_limit(world)->limit.refused);
    world_come(world, FLEET_USE, SITE_ERP, BOB);
    assert_int_equal(world_count(world, ACTION_LIMIT), 1);
}

/* A page left open in the background is one use in a long time: the idle time, not all of it. */
static void test_a_long_gap_counts_as_idle_time(void **state)
{
    struct world *world = asleep(state, ten_minutes_each);

    world_hold(world, ERP, "backup", 10 * HOUR);
    world_up(world, ERP);
    world_come(world, FLEET_USE, SITE_ERP, ALICE);
    world_advance(world, HOUR);
    world_come(world, FLEET_USE, SITE_ERP, ALICE);
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
    world_advance(world, HOUR);
    world_come(world, FLEET_USE, SITE_ERP, ALICE);
    assert_int_equal(world_count(world, ACTION_LIMIT), 1);
}

/* A household has a /64; each visit may have another address of it. */
static void test_wakes_of_an_ipv6_client(void **state)
{
    struct world *world = asleep(state, two_wakes_each);
    char shown[ADDRESS_TEXT_SIZE];

    wake_by(world, "2001:db8:0:1::1");
    wake_by(world, "2001:db8:0:1:ffff::2");
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_CLIENT_WAKES);
    assert_string_equal(address_format_client(last_limit(world)->limit.address, shown),
                        "2001:db8:0:1::/64");
    world_forget(world);
    world_come(world, FLEET_VISIT, SITE_ERP, "2001:db8:0:1::3");
    assert_true(last_limit(world)->limit.refused);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_come(world, FLEET_VISIT, SITE_ERP, "2001:db8:0:2::1"); /* the neighbours */
    assert_state(world, ERP, POWER_WAKING);
}

static void of_the_project(struct world *world)
{
    world->sites[SITE_CLIENT1].wakes_per_day = 1;
    world->sites[SITE_CLIENT1].minutes_per_day = 30;
}

static void test_quota_of_a_project(void **state)
{
    struct world *world = asleep(state, of_the_project);

    world_come(world, FLEET_VISIT, SITE_CLIENT1, ALICE);
    world_up(world, TESTING);
    world_forget(world);
    crash(world, TESTING);
    world_come(world, FLEET_VISIT, SITE_CLIENT1, BOB); /* whoever it was */
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_PROJECT_WAKES);
    assert_true(address_is_none(last_limit(world)->limit.address));
    assert_int_equal(last_limit(world)->limit.site, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    world_come(world, FLEET_VISIT, SITE_TESTING, BOB); /* another project */
    assert_state(world, TESTING, POWER_WAKING);
    world_up(world, TESTING);
    for (int i = 0; i < 31; i++) {
        world_come(world, FLEET_USE, SITE_CLIENT1, i % 2 ? ALICE : BOB);
        world_advance(world, MINUTE);
    }
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_PROJECT_MINUTES);
}

/* The clock is set: today ends at another time, and whom it keeps away is told so. What was used up
 * yesterday, by the clock as it is now, keeps nobody away. */
static void test_a_limit_follows_the_clock(void **state)
{
    struct world *world = asleep(state, of_the_project);

    world_come(world, FLEET_VISIT, SITE_CLIENT1, ALICE);
    const int64_t until = last_limit(world)->limit.guard.until;
    world_forget(world);
    world->now.wall += 3 * HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_PROJECT_WAKES);
    assert_int_equal(last_limit(world)->limit.site, SITE_CLIENT1);
    assert_int_equal(last_limit(world)->limit.guard.until, until - 3 * HOUR);
    assert_false(last_limit(world)->limit.refused);
    world_advance(world, until - world->now.boot);
    world_forget(world);
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
}

/* A flood of addresses does not make Hall forget who woke its share. */
static void test_flood_of_addresses(void **state)
{
    struct world *world = asleep(state, two_wakes_each);
    char who[32];

    wake_by(world, ALICE);
    wake_by(world, ALICE);
    world_come(world, FLEET_VISIT, SITE_ERP, BOB);
    world_up(world, ERP);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(who, sizeof(who), "10.%u.%u.%u", i % 7, i / 256 % 256, i % 256);
        world_come(world, FLEET_USE, SITE_ERP, who);
        world_forget(world);
    }
    crash(world, ERP);
    world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_int_equal(last_limit(world)->limit.guard.kind, GUARD_CLIENT_WAKES);
}

/* A visitor whom a guard of the server refuses has woken nothing. */
static void both(struct world *world)
{
    two_wakes_each(world);
    min_down(world);
}

static void test_refused_visits_do_not_count(void **state)
{
    struct world *world = asleep(state, both);

    world_wake(world, ERP, SECOND);
    crash(world, ERP);
    for (int i = 0; i < 5; i++)
        world_come(world, FLEET_VISIT, SITE_ERP, ALICE);
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
}

#define TEST(test_) cmocka_unit_test_teardown(test_, world_finish)

/* Soon after the machine's start: one that was never seen to go down has not gone down just now. */
static void soon(struct world *world)
{
    min_down(world);
    world->now.boot = 1000;
}

static void test_min_down_of_one_that_never_ran(void **state)
{
    struct world *world = asleep(state, soon);

    world_command(world, ERP, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted ");
    assert_state(world, ERP, POWER_WAKING);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_min_down_of_one_that_never_ran),
        TEST(test_min_down),
        TEST(test_nobody_waits_any_more),
        TEST(test_force_overrides),
        TEST(test_no_min_down_at_the_start),
        TEST(test_no_min_down_after_a_wake_in_vain),
        TEST(test_min_down_and_a_policy),
        TEST(test_min_down_of_a_queued_wake),
        TEST(test_force_of_a_queued_wake),
        TEST(test_restart_in_spite_of_min_down),
        TEST(test_woken_by_someone_else),
        TEST(test_wakes_per_hour),
        TEST(test_more_wakes_than_are_remembered),
        TEST(test_one_wake_counts_once),
        TEST(test_wakes_of_a_client),
        TEST(test_wakes_of_an_ipv6_client),
        TEST(test_joining_is_not_waking),
        TEST(test_midnight_resets),
        TEST(test_midnight_of_a_short_day),
        TEST(test_minutes_of_a_client),
        TEST(test_a_long_gap_counts_as_idle_time),
        TEST(test_quota_of_a_project),
        TEST(test_a_limit_follows_the_clock),
        TEST(test_flood_of_addresses),
        TEST(test_refused_visits_do_not_count),
    };
    alarm(60); /* a tick that never ends is a failure too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
