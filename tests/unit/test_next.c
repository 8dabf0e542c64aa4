/* What time alone brings next: each thing by itself, and of two the sooner. */
#include "base/array.h"
#include "core/state.h"
#include "fleet_fixture.h"

/* What is to come at a time of the boot clock, put into a server by hand. */

static struct power *power_of(struct world *world)
{
    return &world->fleet->powers[ERP];
}

static void a_wake_ends(struct world *world, int64_t at)
{
    power_of(world)->wake.open = true;
    power_of(world)->wake.started = world->now.boot;
    power_of(world)->wake.deadline = at;
}

static void it_is_ready(struct world *world, int64_t at)
{
    const struct boot boot = {.ready = (int32_t)(at - world->now.boot)};

    a_wake_ends(world, at + 1);
    history_add(&power_of(world)->history, WAKE_COLD, &boot);
}

static void a_sleep_ends(struct world *world, int64_t at)
{
    power_of(world)->sleep.phase = SLEEP_PROPOSED;
    power_of(world)->sleep.deadline = at;
}

static void its_lease_ends(struct world *world, int64_t at)
{
    power_of(world)->state = POWER_READY;
    assert_true(lease_take(power_of(world)->leases, LEASE_MANUAL, MODEL_NONE, "anna", NULL,
                           world->now.boot, at));
}

static void a_guard_ends(struct world *world, int64_t at)
{
    power_of(world)->guard = (struct guard){GUARD_MIN_DOWN, at};
}

static void it_is_tried_again(struct world *world, int64_t at)
{
    power_of(world)->retry_at = at;
    assert_true(lease_take(power_of(world)->leases, LEASE_HOLD, MODEL_NONE, "backup", NULL,
                           world->now.boot, LEASE_FOREVER));
}

static void a_window_opens(struct world *world, int64_t at)
{
    world->fleet->domains[ERP].looked = world->now.wall;
    world->fleet->domains[ERP].next =
        at == LEASE_FOREVER ? SCHEDULE_NEVER : world->now.wall + at - world->now.boot;
}

static void is_up(struct world *world, int64_t at)
{
    (void)at;
    power_of(world)->state = POWER_READY;
}

static void nothing(struct world *world, int64_t at)
{
    (void)world;
    (void)at;
}

typedef void thing(struct world *, int64_t at);

static struct world *anew(void **state)
{
    struct world *world;

    world_finish(state);
    *state = world = world_new(NULL);
    power_of(world)->state = POWER_OFF;
    return world;
}

static void test_each_and_the_sooner_of_two(void **state)
{
    static const struct {
        thing *first, *second;
        const char *what, *other;
        enum fact_code reason;
    } rows[] = {
        {a_wake_ends, nothing, "wake_deadline", NULL, FACT_NEXT_WAKE_DEADLINE},
        {it_is_ready, nothing, "ready", NULL, FACT_NEXT_READY},
        {a_sleep_ends, nothing, "sleep_deadline", NULL, FACT_NEXT_SLEEP_DEADLINE},
        {its_lease_ends, nothing, "sleep", NULL, FACT_NEXT_SLEEP},
        {a_guard_ends, nothing, "guard_end", NULL, FACT_NEXT_GUARD_END},
        {it_is_tried_again, nothing, "wake_retry", NULL, FACT_NEXT_WAKE_RETRY},
        {a_window_opens, nothing, "schedule", NULL, FACT_NEXT_SCHEDULE},
        {a_wake_ends, a_sleep_ends, "wake_deadline", "sleep_deadline", FACT_NEXT_WAKE_DEADLINE},
        {it_is_ready, its_lease_ends, "ready", "sleep", FACT_NEXT_READY},
        {a_wake_ends, a_guard_ends, "wake_deadline", "guard_end", FACT_NEXT_WAKE_DEADLINE},
        {a_wake_ends, a_window_opens, "wake_deadline", "schedule", FACT_NEXT_WAKE_DEADLINE},
        {a_sleep_ends, a_guard_ends, "sleep_deadline", "guard_end", FACT_NEXT_SLEEP_DEADLINE},
        {its_lease_ends, a_guard_ends, "sleep", "guard_end", FACT_NEXT_SLEEP},
        {a_guard_ends, it_is_tried_again, "guard_end", "wake_retry", FACT_NEXT_GUARD_END},
        {a_guard_ends, a_window_opens, "guard_end", "schedule", FACT_NEXT_GUARD_END},
        {it_is_tried_again, a_window_opens, "wake_retry", "schedule", FACT_NEXT_WAKE_RETRY},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int ahead = -1; ahead <= 1; ahead++) { /* the second one comes before, ... */
            struct world *world = anew(state);
            const bool other = rows[i].other && ahead < 0;
            struct next_event next;

            rows[i].first(world, world->now.boot + MINUTE);
            rows[i].second(world, world->now.boot + MINUTE + ahead * SECOND);
            assert_true(fleet_next_event(world->fleet, ERP, world->now, &next));
            if (strcmp(next.what, other ? rows[i].other : rows[i].what) != 0)
                fail_msg("row %zu: %s", i, next.what);
            assert_int_equal(next.at, world->now.wall + MINUTE - (other ? SECOND : 0));
            if (!other)
                assert_int_equal(next.reason.parts[0].code, rows[i].reason);
        }
}

/* What does not come: without an end, already over, in a state that it is not for. */
static void test_what_does_not_come(void **state)
{
    static const struct {
        thing *first, *second;
        int64_t at; /* from now; or never */
    } rows[] = {
        {nothing, nothing, 0},
        {its_lease_ends, nothing, LEASE_FOREVER},
        {is_up, nothing, 0},
        {a_guard_ends, nothing, LEASE_FOREVER},
        {it_is_tried_again, nothing, 0},
        {it_is_tried_again, is_up, MINUTE},
        {a_window_opens, nothing, LEASE_FOREVER},
        {a_window_opens, is_up, MINUTE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);
        const int64_t at =
            rows[i].at == LEASE_FOREVER ? LEASE_FOREVER : world->now.boot + rows[i].at;
        struct next_event next = {.what = "left"};

        rows[i].first(world, at);
        rows[i].second(world, at);
        if (rows[i].second == is_up) /* a hold is no end either */
            power_of(world)->state = POWER_READY;
        if (fleet_next_event(world->fleet, ERP, world->now, &next))
            fail_msg("row %zu: %s", i, next.what);
        assert_string_equal(next.what, "left");
    }
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_each_and_the_sooner_of_two),
        TEST(test_what_does_not_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
