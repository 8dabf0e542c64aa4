/* A server that wakes soon after it went to sleep, though Hall did not wake it: named after two
 * rounds, asked nothing while it sleeps, and put to sleep less often. */
#include "base/array.h"
#include "core/problem.h"
#include "core/saved.h"
#include "core/state.h"
#include "fleet_fixture.h"

static struct power *power_of(struct world *world)
{
    return &world->fleet->powers[TESTING];
}

static void report(struct world *world, const char *letters)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = TESTING};

    event.report.wol_known = event.report.wol_armed = true;
    snprintf(event.report.wol_letters, sizeof(event.report.wol_letters), "%s", letters);
    world_handle(world, &event);
}

static struct world *anew(void **state)
{
    struct world *world;

    world_finish(state);
    *state = world = world_new(NULL);
    world_silence(world, TESTING);
    world_wake(world, TESTING, 5 * SECOND);
    report(world, "ug");
    world_forget(world);
    return world;
}

static void order_sleep(struct world *world)
{
    struct command command = world_new_command(COMMAND_SLEEP, "");

    command.force = true;
    world_forget(world);
    world_order(world, TESTING, command);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

/* A person puts it to sleep, as far as the probes prove it, or its goodbye alone does. */
static void put_to_sleep(struct world *world)
{
    order_sleep(world);
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    if (power_of(world)->probe_interval > 0)
        world_silence(world, TESTING);
    else
        world_advance(world, 10 * SECOND);
    assert_state(world, TESTING, POWER_OFF);
}

static void come_back(struct world *world, int64_t after)
{
    world_advance(world, after);
    world_agent(world, TESTING, AGENT_ONLINE);
    world_pass(world, TESTING);
    report(world, "ug");
    assert_state(world, TESTING, POWER_READY);
}

static void go_round(struct world *world, int64_t after)
{
    put_to_sleep(world);
    come_back(world, after);
}

static const char *problem(struct world *world)
{
    const struct fact fact = fleet_problem(world->fleet, TESTING);

    return fact_is(&fact, FACT_NONE) ? "" : world_said(world, &fact);
}

static void test_named_after_two_rounds(void **state)
{
    struct world *world = anew(state);

    go_round(world, 20 * SECOND);
    assert_string_equal(problem(world), "");
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 0);
    put_to_sleep(world);
    world_forget(world);
    come_back(world, 20 * SECOND);
    assert_non_null(strstr(problem(world), "it woke 2 times in a row soon after"));
    assert_non_null(strstr(problem(world), "Hall's own checks may wake it"));
    assert_non_null(strstr(problem(world), "(Wake-on: ug)"));
    assert_non_null(strstr(problem(world), "magic_packet_only"));
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 1);
    go_round(world, 20 * SECOND);
    assert_non_null(strstr(problem(world), "it woke 3 times"));
}

/* So quick that its silence was never seen. */
static void test_back_before_it_was_silent(void **state)
{
    struct world *world = anew(state);

    for (int i = 0; i < 2; i++) {
        order_sleep(world);
        world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        world_agent(world, TESTING, AGENT_SLEEPING);
        world_advance(world, SECOND);
        world_agent(world, TESTING, AGENT_ONLINE);
        world_pass(world, TESTING);
        assert_state(world, TESTING, POWER_READY);
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 1);
        assert_int_equal(strstr(problem(world), "it woke 2 times in a row") != NULL, i == 1);
    }
    put_to_sleep(world);
    assert_int_equal(power_of(world)->probe_interval, 0);
}

/* What says nothing about its card. */
static void test_what_is_no_round(void **state)
{
    struct world *world = anew(state);

    /* Hall woke it. */
    for (int i = 0; i < 4; i++) {
        put_to_sleep(world);
        world_wake(world, TESTING, 5 * SECOND);
    }
    assert_string_equal(problem(world), "");
    /* It slept long, whoever woke it. */
    for (int i = 0; i < 4; i++)
        go_round(world, 4 * MINUTE);
    assert_string_equal(problem(world), "");
    /* One long sleep between two short ones. */
    go_round(world, 20 * SECOND);
    go_round(world, 4 * MINUTE);
    go_round(world, 20 * SECOND);
    assert_string_equal(problem(world), "");
    /* A wake that was begun and called off: its packets are out. */
    world = anew(state);
    for (int i = 0; i < 4; i++) {
        put_to_sleep(world);
        world_command(world, TESTING, COMMAND_WAKE, "");
        world_command(world, TESTING, COMMAND_CANCEL, "");
        come_back(world, 20 * SECOND);
    }
    assert_string_equal(problem(world), "");
}

/* Hall by itself waits longer each time; a person does not. */
static void test_backs_off(void **state)
{
    static const int64_t rests[] = {15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 4 * HOUR};
    struct world *world = anew(state);

    go_round(world, 20 * SECOND);
    for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
        go_round(world, 20 * SECOND);
        world_command(world, TESTING, COMMAND_CANCEL, "");
        while (power_of(world)->leases->n > 0)
            lease_release(power_of(world)->leases, power_of(world)->leases->leases[0].kind,
                          power_of(world)->leases->leases[0].subject,
                          power_of(world)->leases->leases[0].holder);
        world_forget(world);
        world_pass(world, TESTING); /* the next step finds that nobody needs it */
        world_advance(world, rests[i] - MINUTE);
        assert_int_equal(world_count(world, ACTION_SLEEP), 0);
        assert_true(world_count_event(world, HAPPENED_SLEEP_REFUSED) <= 1);
        assert_true(fact_is(&power_of(world)->sleep.refusal, FACT_WOL_ROUSED));
        world_advance(world, 2 * MINUTE + 5 * SECOND); /* it looks once a minute */
        assert_int_equal(world_count(world, ACTION_SLEEP), 1);
        world_sleep_answer(world, TESTING, SLEEP_VETOED, "busy");
    }
}

/* When the next sleep comes is told, though no lease is there. */
static void test_next_sleep(void **state)
{
    struct world *world = anew(state);
    struct next_event next;

    go_round(world, 20 * SECOND);
    go_round(world, 20 * SECOND);
    lease_release_kind(power_of(world)->leases, LEASE_MANUAL);
    assert_true(fleet_next_event(world->fleet, TESTING, world->now, &next));
    assert_string_equal(next.what, "sleep");
    assert_int_equal(next.at, world->now.wall + 15 * MINUTE);
    assert_true(fact_is(&next.reason, FACT_WOL_ROUSED));
}

static void test_is_asked_nothing_while_it_sleeps(void **state)
{
    struct world *world = anew(state);

    go_round(world, 20 * SECOND);
    assert_int_not_equal(power_of(world)->probe_interval, 0);
    go_round(world, 20 * SECOND);
    assert_int_not_equal(power_of(world)->probe_interval, 0);
    put_to_sleep(world);
    assert_int_equal(power_of(world)->probe_interval, 0);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    world_advance(world, 12 * HOUR);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(power_of(world)->probe_interval, 0);
    /* Its agent says that it is there: it is asked. */
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_int_not_equal(power_of(world)->probe_interval, 0);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_string_equal(problem(world), ""); /* it slept well */
    put_to_sleep(world);
    assert_int_equal(power_of(world)->probe_interval, 0);
    /* A visitor comes. */
    world_visit(world, SITE_TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_int_equal(power_of(world)->probe_interval, 200);
}

/* Who wants it while it falls asleep has its silence proven. */
static void test_a_wake_while_it_falls_asleep(void **state)
{
    struct world *world = anew(state);

    go_round(world, 20 * SECOND);
    go_round(world, 20 * SECOND);
    order_sleep(world);
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_int_equal(power_of(world)->probe_interval, 0);
    world_visit(world, SITE_TESTING);
    assert_state(world, TESTING, POWER_SLEEPING);
    assert_int_not_equal(power_of(world)->probe_interval, 0);
    world_advance(world, 12 * SECOND);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
}

/* Its goodbye was heard, and it may be back since: Hall, which stood still, hears that first. */
static void test_hall_stood_still_while_it_slept(void **state)
{
    struct world *world = anew(state);

    go_round(world, 20 * SECOND);
    go_round(world, 20 * SECOND);
    order_sleep(world);
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_int_equal(power_of(world)->probe_interval, 0);
    world->now.boot += 90 * SECOND;
    world->now.wall += 90 * SECOND;
    fleet_stood_still(world->fleet, world->now, world->now.boot - 90 * SECOND);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_agent(world, TESTING, AGENT_ONLINE);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
}

/* Who gave no goodbye is looked at now and then: nobody else tells when it is back. */
static void test_without_an_agent(void **state)
{
    struct world *world = anew(state);

    world->servers[TESTING].sleep.via = SLEEP_VIA_SSH;
    for (int i = 0; i < 3; i++) {
        world_agent(world, TESTING, AGENT_OFFLINE);
        order_sleep(world);
        world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        world_silence(world, TESTING);
        assert_state(world, TESTING, POWER_OFF);
        if (i < 2) {
            world_advance(world, 20 * SECOND);
            world_pass(world, TESTING);
        }
    }
    assert_int_equal(power_of(world)->probe_interval, 30 * MINUTE);
}

static void test_magic_packets_alone_end_it(void **state)
{
    static const struct {
        const char *letters;
        bool ends;
    } rows[] = {{"g", true},  {"gs", true},  {"", false},      {"d", false},
                {"u", false}, {"ug", false}, {"pumbg", false}, {"s", false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        go_round(world, 20 * SECOND);
        go_round(world, 20 * SECOND);
        report(world, rows[i].letters);
        assert_int_equal(!problem(world)[0], rows[i].ends);
        assert_int_equal(!power_of(world)->rousing.quiet, rows[i].ends);
        assert_int_equal(power_of(world)->rousing.until == 0, rows[i].ends);
    }
}

static void test_survives_a_restart(void **state)
{
    struct world *world = anew(state);
    struct saved saved;

    go_round(world, 20 * SECOND);
    go_round(world, 20 * SECOND);
    put_to_sleep(world);
    assert_int_equal(fleet_save(world->fleet, TESTING, world->now, &saved), 0);
    world_finish(state);
    *state = world = world_new(NULL);
    fleet_restore(world->fleet, TESTING, world->now, &saved);
    fleet_start(world->fleet, world->now);
    assert_state(world, TESTING, POWER_UNKNOWN);
    assert_int_equal(power_of(world)->probe_interval, 0); /* its goodbye is remembered */
    world_agent(world, TESTING, AGENT_SLEEPING);          /* and retained by the broker */
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(power_of(world)->probe_interval, 0);
    saved_finish(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_named_after_two_rounds, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_back_before_it_was_silent, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_what_is_no_round, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_backs_off, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_next_sleep, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_is_asked_nothing_while_it_sleeps, world_init,
                                        world_finish),
        cmocka_unit_test_setup_teardown(test_a_wake_while_it_falls_asleep, world_init,
                                        world_finish),
        cmocka_unit_test_setup_teardown(test_hall_stood_still_while_it_slept, world_init,
                                        world_finish),
        cmocka_unit_test_setup_teardown(test_without_an_agent, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_magic_packets_alone_end_it, world_init, world_finish),
        cmocka_unit_test_setup_teardown(test_survives_a_restart, world_init, world_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
