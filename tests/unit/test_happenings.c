/* Stories of one server, and all that the bus is told of each: every event, in order, no other. */
#include "fleet_fixture.h"

static const char *told(struct world *world)
{
    static char text[2000];

    text[0] = '\0';
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_EVENT)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                     happening_name(world->seen[i].action.event.what));
    world_forget(world);
    return text;
}

static void release(struct world *world, const char *name)
{
    struct command command = world_new_command(COMMAND_RELEASE, "");

    snprintf(command.name, sizeof(command.name), "%s", name);
    world_order(world, TESTING, command);
}

static void a_wake(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_forget(world);
    world_command(world, TESTING, COMMAND_WAKE, "w");
    assert_string_equal(told(world), "wake_requested stage packet_sent ");
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_string_equal(told(world), "stage stage ");
    world_pass(world, TESTING);
    assert_string_equal(told(world), "ready stage ");
}

static void a_wake_that_fails(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_forget(world);
    world_command(world, TESTING, COMMAND_WAKE, "w");
    world_command(world, TESTING, COMMAND_CANCEL, "c");
    assert_string_equal(told(world), "wake_requested stage packet_sent wake_failed ");
    world_command(world, TESTING, COMMAND_CANCEL, "d");
    assert_string_equal(told(world), "command_refused ");
}

static void holds(void **state)
{
    struct world *world = *state;

    world_up(world, TESTING);
    world_forget(world);
    world_hold(world, TESTING, "backup", MINUTE);
    assert_string_equal(told(world), "hold ");
    release(world, "backup");
    assert_string_equal(told(world), "release ");
    release(world, "backup");
    assert_string_equal(told(world), "command_refused ");
    world_keep_awake(world, TESTING, true);
    assert_string_equal(told(world), "hold ");
    world_keep_awake(world, TESTING, false);
    assert_string_equal(told(world), "release ");
    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    assert_string_equal(told(world), "policy_changed ");
}

static void a_sleep(void **state)
{
    struct world *world = *state;

    world_up(world, TESTING);
    world_report(world, TESTING, "b1", true);
    world_forget(world);
    world_command(world, TESTING, COMMAND_SLEEP, "too soon");
    assert_string_equal(told(world), "command_refused sleep_refused ");
    world_advance(world, 10 * MINUTE);
    world_forget(world);
    world_command(world, TESTING, COMMAND_SLEEP, "s");
    assert_string_equal(told(world), "sleep_requested ");
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "sessions");
    assert_string_equal(told(world), "sleep_refused command_refused ");
    world_command(world, TESTING, COMMAND_SLEEP, "t");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    world_silence(world, TESTING);
    assert_string_equal(told(world), "sleep_requested asleep ");
    world_pass(world, TESTING);
    assert_string_equal(told(world), "");
}

static void a_crash(void **state)
{
    struct world *world = *state;

    world_up(world, TESTING);
    world_forget(world);
    world_silence(world, TESTING);
    assert_string_equal(told(world), "unreachable ");
    world_pass(world, TESTING);
    assert_string_equal(told(world), "back ready ");
}

#define STORY(name_) cmocka_unit_test_setup_teardown(name_, world_init, world_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_wake), STORY(a_wake_that_fails), STORY(holds), STORY(a_sleep), STORY(a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
