/* A server whose MAC answers at another address, while nothing does at its own. */
#include <arpa/inet.h>

#include "core/problem.h"
#include "core/state.h"
#include "fleet_fixture.h"

static void hear(struct world *world, const char *address)
{
    struct fleet_event event = {.kind = FLEET_MOVED, .server = TESTING};

    assert_int_equal(inet_pton(AF_INET, address, &event.moved.address), 1);
    world_handle(world, &event);
}

static const char *problem(struct world *world)
{
    const struct fact fact = fleet_problem(world->fleet, TESTING);

    return fact_is(&fact, FACT_NONE) ? "" : world_said(world, &fact);
}

static bool is_named(struct world *world)
{
    return strstr(problem(world), "its MAC answers at 10.0.0.77: correct its address") != NULL;
}

static void test_named_while_it_is_not_seen(void **state)
{
    struct world *world = *state;

    world_wake(world, TESTING, 5 * SECOND);
    world_advance(world, MINUTE);
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_non_null(strstr(problem(world), "without a goodbye"));
    world_forget(world);
    hear(world, "10.0.0.77");
    assert_true(is_named(world));
    assert_int_equal(world_count(world, ACTION_STATUS), 1);
    hear(world, "10.0.0.77");
    assert_int_equal(world_count(world, ACTION_STATUS), 1); /* no news */
    hear(world, "0.0.0.0");
    assert_false(is_named(world));
    assert_int_equal(world_count(world, ACTION_STATUS), 2);
}

/* A wake that fails says it too; what is alive at its own address says nothing of it. */
static void test_named_by_a_wake_that_fails(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_command(world, TESTING, COMMAND_WAKE, "w");
    hear(world, "10.0.0.77");
    world_advance(world, 10 * MINUTE);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_true(is_named(world));
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_false(is_named(world));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_named_while_it_is_not_seen, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_named_by_a_wake_that_fails, world_init, world_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
