/* Leases of open connections, as the fleet takes them from looks and from agents' reports. */
#include "fleet_fixture.h"

enum { IDLE = 20 * MINUTE, WINDOW = 2 * MINUTE };

/* Ready after a visit, and watched: one look found nothing. */
static struct world *watched(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 5 * SECOND);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    world_look(world, TESTING, NULL, 0);
    world_forget(world);
    return world;
}

static const struct lease *stream_of(const struct world *world, const char *holder)
{
    return world_lease(world, TESTING, LEASE_STREAM, holder);
}

static void test_no_sleep_while_bytes_move(void **state)
{
    struct world *world = watched(state);

    for (int i = 0; i < 60; i++) {
        world_look(world, TESTING, "client1", WINDOW);
        world_advance(world, MINUTE);
    }
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    assert_int_equal(world_power(world, TESTING)->leases->n, 1);
    world_advance(world, WINDOW);
    assert_null(stream_of(world, "client1"));
}

static void test_why_names_it(void **state)
{
    struct world *world = watched(state);

    world_look(world, TESTING, "client1", WINDOW);
    const char *why = world_why(world, TESTING);
    assert_non_null(
        strstr(why, "client1 is in use: download from 192.0.2.7, 12 MB in the last minute"));
}

static void test_a_look_that_sees_nothing_ends_it(void **state)
{
    struct world *world = watched(state);

    world_look(world, TESTING, "client1", WINDOW);
    assert_non_null(stream_of(world, "client1"));
    world_look(world, TESTING, "testing.example", WINDOW);
    assert_null(stream_of(world, "client1"));
    assert_non_null(stream_of(world, "testing.example"));
    world_look(world, TESTING, NULL, 0);
    assert_null(stream_of(world, "testing.example"));
}

static void test_a_proposal_waits_for_a_fresh_look(void **state)
{
    struct world *world = watched(state);

    world_advance(world, IDLE);
    assert_int_equal(world_count(world, ACTION_LOOK), 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_look(world, TESTING, "client1", WINDOW);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, WINDOW);
    assert_int_equal(world_count(world, ACTION_LOOK), 2);
    world_look(world, TESTING, NULL, 0);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_a_look_that_fails_is_a_veto(void **state)
{
    struct world *world = watched(state);

    world_advance(world, IDLE);
    world_blind(world, TESTING);
    world_advance(world, 10 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->sleep.refusal), "cannot look"));
    world_look(world, TESTING, NULL, 0);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_a_look_that_never_comes_is_a_veto(void **state)
{
    struct world *world = watched(state);

    world_advance(world, IDLE + 10 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    assert_true(world_count(world, ACTION_LOOK) > 1);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
}

/* A Hall that cannot look at all is as it was: its agents decide. */
static void test_who_was_never_watched_sleeps(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_visit(world, SITE_CLIENT1);
    world_up(world, TESTING);
    world_blind(world, TESTING);
    world_advance(world, IDLE + 10 * SECOND);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_a_command_is_refused_by_name(void **state)
{
    struct world *world = watched(state);

    world_look(world, TESTING, "client1", WINDOW);
    world_advance(world, MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    const struct seen_action *answer = world_last(world, ACTION_ANSWER);

    assert_int_equal(answer->answer.outcome, OUTCOME_REFUSED);
    assert_non_null(strstr(world_said(world, &answer->answer.reason), "download from 192.0.2.7"));
}

static void report_use(struct world *world, const char *holder)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = TESTING};

    event.uses.n = holder ? 1 : 0;
    snprintf(event.uses.list[0].holder, LEASE_HOLDER_SIZE, "%s", holder ? holder : "");
    world_handle(world, &event);
}

/* What the agent sees on its connections is a stream; its looks and Hall's do not end each other.
 */
static void test_connections_of_the_agent(void **state)
{
    struct world *world = watched(state);

    world_look(world, TESTING, "client1", WINDOW);
    report_use(world, AGENT_STREAM);
    assert_int_equal(stream_of(world, AGENT_STREAM)->until, LEASE_FOREVER);
    assert_non_null(stream_of(world, "client1"));
    world_look(world, TESTING, NULL, 0);
    assert_non_null(stream_of(world, AGENT_STREAM));
    report_use(world, "sessions");
    assert_null(stream_of(world, AGENT_STREAM));
    report_use(world, AGENT_STREAM);
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_int_equal(stream_of(world, AGENT_STREAM)->until, world->now.boot + IDLE);
}

static void test_silence_ends_streams(void **state)
{
    struct world *world = watched(state);

    world_look(world, TESTING, "client1", WINDOW);
    world_silence(world, TESTING);
    world_advance(world, SECOND);
    assert_null(stream_of(world, "client1"));
    world_look(world, TESTING, "client1", WINDOW);
    assert_null(stream_of(world, "client1"));
}

static void test_figures_are_told_now_and_then(void **state)
{
    struct world *world = watched(state);

    world_advance(world, MINUTE); /* the visit itself is told by then */
    world_look(world, TESTING, "client1", WINDOW);
    world_forget(world);
    for (int i = 0; i < 30; i++) {
        world_advance(world, SECOND);
        world_look(world, TESTING, "client1", WINDOW);
    }
    assert_int_equal(world_count(world, ACTION_STATUS), 2);
}

/* All that is in use has a lease of its own, however many sites that are. */
static void test_each_site_has_its_lease(void **state)
{
    struct world *world = watched(state);
    const struct lease_set *set = world_power(world, TESTING)->leases;
    struct stream_use uses[WORLD_SITES];
    struct fleet_event event = {.kind = FLEET_STREAM, .server = TESTING, .streams = {.list = uses}};

    for (int site = 0; site < WORLD_SITES; site++)
        if (world->sites[site].server == TESTING)
            uses[event.streams.n++] = (struct stream_use){
                .site = site, .what = FACT(STREAM_MOVING), .until = world->now.boot + WINDOW};
    world_handle(world, &event);
    for (size_t i = 0; i < event.streams.n; i++)
        assert_int_equal(lease_find(set, LEASE_STREAM, uses[i].site, "")->until,
                         world->now.boot + WINDOW);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_no_sleep_while_bytes_move),
        TEST(test_why_names_it),
        TEST(test_a_look_that_sees_nothing_ends_it),
        TEST(test_a_proposal_waits_for_a_fresh_look),
        TEST(test_a_look_that_fails_is_a_veto),
        TEST(test_a_look_that_never_comes_is_a_veto),
        TEST(test_who_was_never_watched_sleeps),
        TEST(test_a_command_is_refused_by_name),
        TEST(test_connections_of_the_agent),
        TEST(test_silence_ends_streams),
        TEST(test_figures_are_told_now_and_then),
        TEST(test_each_site_has_its_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
