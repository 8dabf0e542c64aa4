/* Leases of open connections, as the fleet takes them from looks and from agents' reports. */
#include "base/array.h"
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

static void report_use(struct world *world, const char *holder)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = TESTING};

    event.uses.n = holder ? 1 : 0;
    snprintf(event.uses.list[0].holder, LEASE_HOLDER_SIZE, "%s", holder ? holder : "");
    world_handle(world, &event);
}

/* Its site is broken: the wake fails, and yet it is used, and sleeps when it is not. */
static void test_a_wake_that_failed(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 5 * SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    world_advance(world, 10 * MINUTE);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    world_look(world, TESTING, "client1", 30 * MINUTE);
    assert_non_null(stream_of(world, "client1"));
    report_use(world, AGENT_STREAM);
    assert_non_null(stream_of(world, AGENT_STREAM));
    world_advance(world, IDLE);
    report_use(world, NULL);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 10 * MINUTE);
    assert_int_equal(world_count(world, ACTION_LOOK), 1);
    world_look(world, TESTING, NULL, 0);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
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

/* An agent sees a connection in silence: is it one that counts up to the idle time? */
static void test_silence_that_an_agent_sees(void **state)
{
    enum { QUIET = 3 * MINUTE };
    static const struct {
        uint16_t port;
        bool owed, asked, holds, counts;
        const char *said;
    } rows[] = {
        {8080, true, false, true, true, "request"},   /* a long poll */
        {8080, false, false, true, false, NULL},      /* one of a proxy's pool */
        {8080, false, true, true, true, "websocket"}, /* a websocket was let through there */
        {8080, true, true, false, false, NULL},       /* the domain does not want it */
        {9090, false, true, true, true, "websocket"}, /* a port of no site: of any */
        {9090, false, false, true, false, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        world_init(state);
        struct world *world = watched(state);
        struct fleet_event report = {.kind = FLEET_REPORT, .server = TESTING};

        world->sites[SITE_TESTING].upstream = "http://192.0.2.20:8080";
        world->domains[TESTING].access.websocket_holds = rows[i].holds;
        if (rows[i].asked)
            world_handle(world, &(struct fleet_event){.kind = FLEET_WEBSOCKET,
                                                      .visit = {.site = SITE_CLIENT1}});
        world_advance(world, 10 * MINUTE);
        report.uses.n_silent = 1;
        report.uses.silent[0] =
            (struct agent_silence){rows[i].port, rows[i].owed, QUIET, "192.0.2.7"};
        world_handle(world, &report);
        const struct lease *lease = stream_of(world, AGENT_STREAM);

        assert_true(rows[i].counts == (lease != NULL));
        if (!lease)
            continue;
        assert_int_equal(lease->until, world->now.boot + IDLE - QUIET);
        assert_non_null(strstr(world_why(world, TESTING), rows[i].said));
        report.uses.silent[0].quiet = IDLE;
        world_handle(world, &report);
        assert_null(stream_of(world, AGENT_STREAM));
    }
}

/* A websocket of an earlier run, or one asked for after the last byte, is not the one in silence.
 */
static void test_a_websocket_of_another_time(void **state)
{
    struct world *world = watched(state);
    struct fleet_event report = {.kind = FLEET_REPORT, .server = TESTING};

    world->sites[SITE_TESTING].upstream = "http://192.0.2.20:8080";
    world->domains[TESTING].access.websocket_holds = true;
    report.uses.n_silent = 1;
    report.uses.silent[0] = (struct agent_silence){8080, false, 10 * MINUTE, "192.0.2.7"};
    world_advance(world, 11 * MINUTE);
    world_handle(world,
                 &(struct fleet_event){.kind = FLEET_WEBSOCKET, .visit = {.site = SITE_TESTING}});
    world_handle(world, &report);
    assert_null(stream_of(world, AGENT_STREAM));
    world_advance(world, 10 * MINUTE);
    world_handle(world, &report);
    assert_non_null(stream_of(world, AGENT_STREAM));
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

/* Its checks hurry for some seconds; one that is down has no streams. */
static void test_one_that_stalls(void **state)
{
    struct world *world = watched(state);
    const struct fleet_event stalled = {.kind = FLEET_STALLED, .server = TESTING};
    const struct power *power = world_power(world, TESTING);

    world_advance(world, 4 * MINUTE);
    const int64_t before = power->probe_interval;
    assert_true(before > 1000);
    world_handle(world, &stalled);
    assert_int_equal(power->probe_interval, 200);
    assert_state(world, TESTING, POWER_READY);
    world_pass(world, TESTING); /* it is there */
    assert_int_equal(power->probe_interval, 200);
    world_advance(world, 3 * SECOND);
    assert_int_equal(power->probe_interval, before);
    assert_state(world, TESTING, POWER_READY);
    world_handle(world, &stalled);
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    world_advance(world, 10 * SECOND);
    world_handle(world, &stalled);
    assert_int_equal(power->suspect_until, 0);
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
        TEST(test_a_wake_that_failed),
        TEST(test_who_was_never_watched_sleeps),
        TEST(test_a_command_is_refused_by_name),
        TEST(test_connections_of_the_agent),
        TEST(test_silence_that_an_agent_sees),
        TEST(test_a_websocket_of_another_time),
        TEST(test_silence_ends_streams),
        TEST(test_figures_are_told_now_and_then),
        TEST(test_each_site_has_its_lease),
        TEST(test_one_that_stalls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
