/* Projects: what their agent tells, what state that makes, what is ordered, and commands. */
#include "base/array.h"
#include "core/adopt.h"
#include "core/facts/projects.h"
#include "core/saved.h"
#include "core/state.h"
#include "fleet_fixture.h"

static const char *two_containers[] = {"client1-web", "client1-db"};

static void with_idle_stop(struct world *world)
{
    world->sites[SITE_CLIENT1].idle_stop = 5 * MINUTE;
}

static void with_two(struct world *world)
{
    world->sites[SITE_CLIENT1].containers = two_containers;
    world->sites[SITE_CLIENT1].n_containers = 2;
}

static void with_none(struct world *world)
{
    world->sites[SITE_CLIENT1].n_containers = 0;
}

static void without_check(struct world *world)
{
    world->sites[SITE_CLIENT1].check = MODEL_NONE;
    world->servers[TESTING].n_checks = 3;
}

static void again(struct world **world, void (*change)(struct world *))
{
    fleet_destroy((*world)->fleet);
    free(*world);
    *world = world_new(change);
}

/* The server is up, its agent is there, no site answers but the server's own checks pass. */
static void up(struct world *world)
{
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
}

static void stopped(struct world *world)
{
    up(world);
    world_containers(world, TESTING, "client1-web exited -");
    world_forget(world);
}

static void running(struct world *world)
{
    up(world);
    world_containers(world, TESTING, "client1-web running healthy");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    world_forget(world);
}

static const struct project *project_of_world(const struct world *world)
{
    return fleet_project(world->fleet, SITE_CLIENT1);
}

#define assert_project(world_, state_)                                                             \
    assert_string_equal(project_state_name(fleet_project_state((world_)->fleet, SITE_CLIENT1)),    \
                        state_)

static void assert_problem(const struct world *world, const char *words)
{
    const struct fact fact = fleet_project_problem(world->fleet, SITE_CLIENT1);
    const char *problem = world_said(world, &fact);
    const bool has = !fact_is(&fact, FACT_NONE);

    if (has != (words != NULL) || (words && !strstr(problem, words)))
        fail_msg("the problem is \"%s\"; it should have \"%s\"", problem, words ? words : "");
}

/* The orders since the world forgot: "start stop ". */
static const char *orders(const struct world *world)
{
    static char text[256];

    text[0] = '\0';
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_PROJECT)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                     project_verb_name(world->seen[i].action.project.verb));
    return text;
}

static void answer(struct world *world, enum sleep_answer said, const char *reason)
{
    struct fleet_event event = {
        .kind = FLEET_SLEEP_ANSWER, .server = TESTING, .sleep = {.answer = said}};

    snprintf(event.sleep.id, sizeof(event.sleep.id), "%s", project_of_world(world)->id);
    event.sleep.reason = fact_said(reason);
    world_handle(world, &event);
}

static void done(struct world *world)
{
    answer(world, SLEEP_ACCEPTED, "");
    answer(world, SLEEP_DONE, "");
}

static void command(struct world *world, enum command_action action, const char *id)
{
    struct command command = world_new_command(action, id);

    command.site = SITE_CLIENT1;
    world_order(world, TESTING, command);
}

static const char *reason_of(const struct world *world)
{
    return world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason);
}

/* States. */

static void test_states(void **state)
{
    static const struct {
        const char *told, *state, *problem;
    } rows[] = {
        {"client1-web running healthy,client1-db running -", "unhealthy", "does not answer"},
        {"client1-web running starting,client1-db running -", "unhealthy", "client1-web"},
        {"client1-web running unhealthy,client1-db running -", "unhealthy",
         "client1-web is unhealthy"},
        {"client1-web running -,client1-db exited -", "stopped", NULL},
        {"client1-web created -,client1-db exited -", "stopped", NULL},
        {"client1-web paused -,client1-db running -", "stopped", NULL},
        {"client1-web restarting -,client1-db running -", "unhealthy", "again and again"},
        {"client1-web running -", "missing", "client1-db is not on the server"},
        {"", "missing", "client1-web is not on the server"},
        {NULL, "unhealthy", "Docker is down on its server: there is no socket"},
    };
    struct world *world = *state;

    again(&world, with_two);
    *state = world;
    assert_project(world, "unknown");
    up(world);
    assert_project(world, "unhealthy"); /* its agent has told nothing yet */
    assert_problem(world, "nobody tells of its containers");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_containers(world, TESTING, rows[i].told);
        assert_project(world, rows[i].state);
        assert_problem(world, rows[i].problem);
    }
    world_containers(world, TESTING, "client1-web running -,client1-db running -");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_project(world, "ready");
    assert_problem(world, NULL);
    world_containers(world, TESTING, "client1-web running unhealthy,client1-db running -");
    assert_project(world, "unhealthy");
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* it answers all the same */
    world_containers(world, TESTING, "client1-web running -,client1-db exited -");
    assert_project(world, "stopped");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_containers(world, TESTING, "client1-web running -,client1-db running -");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* that was another life */
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_project(world, "ready");
    assert_string_equal(orders(world), "");
}

/* How often the project's state was told. */
static size_t state_changes(const struct world *world)
{
    size_t n = 0;

    for (size_t i = 0; i < world->n; i++)
        n += world->seen[i].action.kind == ACTION_SITE && world->seen[i].action.site.changed;
    return n;
}

static void test_a_container_that_restarts_again_and_again(void **state)
{
    struct world *world = *state;

    running(world);
    assert_project(world, "ready");
    for (int i = 0; i < 20; i++) {
        world_containers(world, TESTING, "client1-web restarting -");
        assert_project(world, "unhealthy");
        world_advance(world, SECOND);
        world_containers(world, TESTING, "client1-web running healthy");
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
        assert_project(world, "unhealthy");
        assert_problem(world, "client1-web restarts again and again");
        world_advance(world, SECOND);
    }
    assert_int_equal(state_changes(world), 1);
    world_advance(world, 318 * SECOND); /* five times doubled */
    assert_project(world, "unhealthy");
    world_advance(world, 2 * SECOND);
    assert_project(world, "ready");
    assert_problem(world, NULL);
    assert_int_equal(state_changes(world), 2);
}

/* One restart is over when it has run for ten seconds; the next in the same minutes for twenty.
 * What lies further back is another matter. */
static void test_how_long_a_restart_is_looked_at(void **state)
{
    static const struct {
        int64_t before, settles;
    } rows[] = {{0, 10}, {60, 20}, {60, 40}, {601, 10}};
    struct world *world = *state;

    running(world);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_advance(world, rows[i].before * SECOND);
        world_containers(world, TESTING, "client1-web restarting -");
        world_containers(world, TESTING, "client1-web running healthy");
        world_advance(world, (rows[i].settles - 1) * SECOND);
        assert_project(world, "unhealthy");
        world_advance(world, SECOND);
        assert_project(world, "ready");
    }
}

/* Somebody else starts it each time: the third end makes it a loop. If it is not started again, it
 * is stopped; and so it is at once where that was ordered. */
static void test_a_container_that_ends_again_and_again(void **state)
{
    struct world *world = *state;

    running(world);
    for (int i = 0; i < 6; i++) {
        world_containers(world, TESTING, "client1-web exited -");
        assert_project(world, i < 2 ? "stopped" : "unhealthy");
        world_advance(world, SECOND);
        world_containers(world, TESTING, "client1-web running healthy");
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
        assert_project(world, i < 2 ? "ready" : "unhealthy");
        world_advance(world, SECOND);
    }
    assert_string_equal(orders(world), "");
    world_containers(world, TESTING, "client1-web exited -");
    world_advance(world, 319 * SECOND);
    assert_project(world, "unhealthy");
    world_advance(world, SECOND);
    assert_project(world, "stopped");
    again(&world, NULL);
    *state = world;
    running(world);
    world_containers(world, TESTING, "client1-web restarting -");
    command(world, COMMAND_STOP, "s");
    world_containers(world, TESTING, "client1-web exited -");
    assert_project(world, "stopped");
}

static void test_states_of_the_server_come_first(void **state)
{
    struct world *world = *state;

    running(world);
    assert_project(world, "ready");
    world_agent(world, TESTING, AGENT_OFFLINE); /* what it told holds no more, the site answers */
    assert_false(fleet_project_is_known(world->fleet, SITE_CLIENT1));
    for (int i = 0; i < 3; i++)
        world_silence(world, TESTING);
    assert_project(world, "unknown");
    world_command(world, TESTING, COMMAND_WAKE, "");
    assert_project(world, "starting");
    up(world);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_project(world, "stopped");
}

static void test_a_project_without_a_check_is_ready_when_its_containers_are(void **state)
{
    struct world *world = *state;

    again(&world, without_check);
    *state = world;
    up(world);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* nothing is known against it */
    world_containers(world, TESTING, "client1-web running starting");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_containers(world, TESTING, "client1-web running healthy");
    assert_project(world, "ready");
}

static void test_containers_are_found_by_their_project(void **state)
{
    struct world *world = *state;

    again(&world, with_none);
    *state = world;
    up(world);
    world_containers(world, TESTING, "a@client1 exited -,b@other running -");
    assert_int_equal(project_of_world(world)->n, 1);
    assert_string_equal(project_of_world(world)->containers[0].name, "a");
    assert_project(world, "stopped");
    /* One that has done its work does not make it stopped. */
    world_containers(world, TESTING, "a@client1 exited -,c@client1 running -");
    assert_project(world, "unhealthy");
    world_containers(world, TESTING, "b@other running -");
    assert_int_equal(project_of_world(world)->n, 0);
}

/* An agent that names no containers speaks for all of a project. */
static void test_containers_without_names(void **state)
{
    struct world *world = *state;
    struct containers_told told = {.docker_up = true, .n = 2};

    again(&world, with_two);
    *state = world;
    up(world);
    snprintf(told.list[0].project, sizeof(told.list[0].project), "client1");
    told.list[0].state = CONTAINER_EXITED;
    snprintf(told.list[1].name, sizeof(told.list[1].name), "client1-db");
    told.list[1].state = CONTAINER_RUNNING;
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_CONTAINERS, .server = TESTING, .containers = &told});
    assert_int_equal(project_of_world(world)->containers[0].state, CONTAINER_EXITED);
    assert_int_equal(project_of_world(world)->containers[1].state, CONTAINER_RUNNING);
    assert_project(world, "stopped");
}

/* Over a reload all that were found are known, and no more. */
static void test_found_containers_over_a_reload(void **state)
{
    struct world *world = *state;
    struct fleet *fleet;
    const struct fleet_sink sink = {.act = world_act, .context = world};

    again(&world, with_none);
    *state = world;
    up(world);
    world_containers(world, TESTING, "a@client1 exited -,b@client1 running -,c@client1 running -");
    assert_int_equal(fleet_create(&world->model, &sink, world->now, &fleet), 0);
    assert_int_equal(fleet_adopt(fleet, world->fleet, world->now), 0);
    fleet_destroy(world->fleet);
    world->fleet = fleet;
    assert_int_equal(project_of_world(world)->n, 3);
    for (size_t i = 0; i < 3; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        assert_string_equal(project_of_world(world)->containers[i].name, name);
        assert_int_equal(project_of_world(world)->containers[i].state,
                         i == 0 ? CONTAINER_EXITED : CONTAINER_RUNNING);
    }
}

/* A visit. */

static void test_a_visit_starts_what_is_stopped_once(void **state)
{
    struct world *world = *state;

    stopped(world);
    world_visit(world, SITE_TESTING); /* another site of the same server */
    assert_string_equal(orders(world), "");
    for (int i = 0; i < 20; i++) {
        world_visit(world, SITE_CLIENT1);
        world_advance(world, 100);
    }
    assert_string_equal(orders(world), "start ");
    assert_project(world, "starting");
    answer(world, SLEEP_ACCEPTED, "");
    world_advance(world, 20 * SECOND);
    answer(world, SLEEP_DONE, "");
    world_containers(world, TESTING, "client1-web running starting");
    world_advance(world, 10 * SECOND);
    world_containers(world, TESTING, "client1-web running healthy");
    assert_project(world, "starting");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_project(world, "ready");
    assert_string_equal(orders(world), "start ");
    assert_false(project_of_world(world)->wanted);
}

static void test_stages_count_from_the_visit_and_are_learned(void **state)
{
    struct world *world = *state;

    stopped(world);
    for (int i = 0; i < 2; i++) {
        world_advance(world, MINUTE);
        world_visit(world, SITE_CLIENT1);
        assert_int_equal(project_expected(project_of_world(world)),
                         i == 0 ? -1 : world->now.boot + 6000);
        world_advance(world, 3 * SECOND);
        done(world);
        world_containers(world, TESTING, "client1-web running healthy");
        world_advance(world, 3 * SECOND);
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
        assert_int_equal(project_of_world(world)->stages[STAGE_DOCKER_UP], 0);
        assert_int_equal(project_of_world(world)->stages[STAGE_CONTAINER_PRESENT], 0);
        assert_int_equal(project_of_world(world)->stages[STAGE_CONTAINER_HEALTHY], 3000);
        assert_int_equal(project_of_world(world)->stages[STAGE_SITE_ANSWERS], 6000);
        world_containers(world, TESTING, "client1-web exited -");
    }
    assert_int_equal(world_count_event(world, HAPPENED_STAGE), 0); /* no wake was under way */
}

static void test_a_visit_while_the_server_sleeps(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_visit(world, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_WAKING);
    world_containers(world, TESTING, "client1-web exited -"); /* comes before its "online" */
    assert_string_equal(orders(world), "");
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_BOOTING);
    assert_string_equal(orders(world), "start "); /* no reason to wait for its checks */
    done(world);
    world_containers(world, TESTING, "client1-web running healthy");
    assert_int_not_equal(world_power(world, TESTING)->wake.stages[STAGE_CONTAINER_HEALTHY],
                         STAGE_UNREACHED);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_project(world, "ready");
}

static void test_a_start_that_fails_is_tried_again_and_then_named(void **state)
{
    struct world *world = *state;

    stopped(world);
    world_visit(world, SITE_CLIENT1);
    answer(world, SLEEP_ACCEPTED, "");
    answer(world, SLEEP_FAILED, "port is already allocated");
    assert_problem(world, "port is already allocated");
    world_advance(world, 4 * SECOND);
    assert_string_equal(orders(world), "start ");
    world_advance(world, SECOND);
    assert_string_equal(orders(world), "start start ");
    answer(world, SLEEP_VETOED, "another command for the same project is under way");
    world_advance(world, 20 * SECOND);
    assert_string_equal(orders(world), "start start start ");
    assert_false(project_of_world(world)->given_up);
    answer(world, SLEEP_FAILED, "port is already allocated");
    assert_true(project_of_world(world)->given_up); /* at once */
    world_advance(world, 2 * MINUTE);
    assert_project(world, "stopped");
    assert_problem(world, "port is already allocated");
    world_visit(world, SITE_CLIENT1); /* so soon after that nothing is tried */
    world_advance(world, MINUTE);
    assert_string_equal(orders(world), "start start start ");
    world_advance(world, 5 * MINUTE);
    world_visit(world, SITE_CLIENT1);
    assert_string_equal(orders(world), "start start start start ");
}

static void test_one_that_stops_again_at_once(void **state)
{
    struct world *world = *state;

    stopped(world);
    world_visit(world, SITE_CLIENT1);
    for (int i = 0; i < 3; i++) {
        done(world);
        world_containers(world, TESTING, "client1-web running -");
        world_containers(world, TESTING, "client1-web exited -");
        world_advance(world, 10 * SECOND);
    }
    assert_string_equal(orders(world), "start start start ");
    assert_problem(world, "stop again right after");
}

static void test_an_agent_that_says_nothing(void **state)
{
    struct world *world = *state;

    stopped(world);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 10 * SECOND);
    assert_problem(world, "its agent did not answer");
    world_advance(world, 5 * SECOND);
    answer(world, SLEEP_ACCEPTED, "");
    world_advance(world, 6 * MINUTE);
    assert_problem(world, "did not say how it ended");
    command(world, COMMAND_START, "c1");
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_int_equal(project_of_world(world)->order, PROJECT_NOTHING);
    assert_problem(world, "its agent went away");
}

static void test_what_cannot_be_started_is_named(void **state)
{
    struct world *world = *state;

    up(world);
    world_containers(world, TESTING, NULL);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, MINUTE);
    assert_string_equal(orders(world), "");
    assert_problem(world, "start Docker");
    world_containers(world, TESTING, "");
    world_advance(world, MINUTE);
    assert_string_equal(orders(world), "");
    assert_problem(world, "client1-web is not on the server");
    world_containers(world, TESTING, "client1-web created -"); /* there it is */
    assert_string_equal(orders(world), "start ");
}

static void test_a_broken_project_leaves_the_others_alone(void **state)
{
    struct world *world = *state;

    stopped(world);
    world_visit(world, SITE_CLIENT1);
    world_visit(world, SITE_TESTING);
    assert_true(fleet_site_ready(world->fleet, SITE_TESTING));
    world_advance(world, 10 * MINUTE);
    assert_state(world, TESTING, POWER_READY);
    assert_true(fleet_site_ready(world->fleet, SITE_TESTING));
}

static void test_an_agent_of_another_schema_is_not_believed(void **state)
{
    struct world *world = *state;
    struct containers_told told = {.schema = 7};
    struct fleet_event report = {.kind = FLEET_REPORT, .server = TESTING};

    stopped(world);
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_CONTAINERS, .server = TESTING, .containers = &told});
    world_visit(world, SITE_CLIENT1);
    assert_string_equal(orders(world), "");
    assert_problem(world, "schema 7");
    report.report.schema = 7;
    world_handle(world, &report);
    const struct fact problem = power_problem(world_power(world, TESTING));

    assert_non_null(
        strstr(world_said(world, &problem), "its agent speaks schema 7, this Hall knows 1"));
}

/* Idleness. */

static void test_it_is_stopped_when_nobody_uses_it(void **state)
{
    struct world *world = *state;

    again(&world, with_idle_stop);
    *state = world;
    running(world);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 4 * MINUTE);
    world_use(world, SITE_CLIENT1);
    world_advance(world, 5 * MINUTE - 1);
    assert_string_equal(orders(world), "");
    world_advance(world, 1);
    assert_string_equal(orders(world), "stop ");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* nobody is sent there now */
    assert_project(world, "stopped");
    world_visit(world, SITE_CLIENT1); /* somebody comes in this moment */
    assert_string_equal(orders(world), "stop ");
    done(world);
    world_containers(world, TESTING, "client1-web exited -");
    world_advance(world, 10 * SECOND);
    assert_string_equal(orders(world), "stop start ");
    assert_state(world, TESTING, POWER_READY);
}

static void test_busy_containers_are_left_alone(void **state)
{
    struct world *world = *state;

    again(&world, with_idle_stop);
    *state = world;
    running(world);
    world_hold(world, TESTING, "h", HOUR);
    world_containers(world, TESTING, "client1-web running healthy busy");
    world_advance(world, 20 * MINUTE);
    assert_string_equal(orders(world), "");
    world_containers(world, TESTING, "client1-web running healthy");
    assert_string_equal(orders(world), "stop ");
    answer(world, SLEEP_VETOED, "containers: client1-web is busy");
    world_advance(world, MINUTE - 1);
    assert_string_equal(orders(world), "stop ");
    world_advance(world, 1);
    assert_string_equal(orders(world), "stop stop ");
}

/* What only the agent sees keeps a project's containers: by the port of its upstream, and where no
 * site has the port, each project of the server. */
static void test_connections_of_the_agent_keep_it(void **state)
{
    static const struct {
        size_t n_ports;
        uint16_t port;
        bool keeps;
    } rows[] = {{1, 9090, true},
                {1, 8080, false},
                {1, 7000, true},
                {AGENT_PORTS_MAX + 1, 8080, true},
                {0, 0, true}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = *state;
        struct fleet_event report = {.kind = FLEET_REPORT, .server = TESTING};

        again(&world, with_idle_stop);
        *state = world;
        world->sites[SITE_TESTING].upstream = "http://192.0.2.20:8080";
        world->sites[SITE_CLIENT1].upstream = "http://192.0.2.20:9090";
        running(world);
        world_hold(world, TESTING, "h", 4 * HOUR);
        world_visit(world, SITE_CLIENT1);
        report.uses.n = 1;
        snprintf(report.uses.list[0].holder, LEASE_HOLDER_SIZE, "%s", AGENT_STREAM);
        report.uses.n_ports = rows[i].n_ports;
        report.uses.ports[0] = rows[i].port;
        world_handle(world, &report);
        world_advance(world, 30 * MINUTE);
        assert_true(rows[i].keeps == (strcmp(orders(world), "") == 0));
        if (!rows[i].keeps)
            continue;
        report.uses.n = report.uses.n_ports = 0;
        world_handle(world, &report);
        world_advance(world, 5 * MINUTE - 1);
        assert_string_equal(orders(world), "");
        world_advance(world, 1);
        assert_string_equal(orders(world), "stop ");
    }
}

static void test_without_idle_stop_it_runs_on(void **state)
{
    struct world *world = *state;

    running(world);
    world_hold(world, TESTING, "h", 4 * HOUR);
    world_advance(world, 3 * HOUR);
    assert_string_equal(orders(world), "");
}

/* Commands. */

static void test_start(void **state)
{
    struct world *world = *state;

    stopped(world);
    command(world, COMMAND_START, "c1");
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    done(world);
    world_containers(world, TESTING, "client1-web running healthy");
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    command(world, COMMAND_START, "c1"); /* from memory */
    assert_string_equal(world_outcomes(world, "c1"), "accepted done done ");
    command(world, COMMAND_START, "c2"); /* it is ready already */
    assert_string_equal(world_outcomes(world, "c2"), "accepted done ");
    assert_string_equal(orders(world), "start ");
}

static void test_start_wakes_the_server(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    command(world, COMMAND_START, "c1");
    assert_state(world, TESTING, POWER_WAKING);
    up(world);
    world_containers(world, TESTING, "client1-web exited -");
    done(world);
    world_containers(world, TESTING, "client1-web running -");
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
}

static void test_start_fails_with_the_wake(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    command(world, COMMAND_START, "c1");
    world_advance(world, 10 * MINUTE);
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
    assert_false(project_of_world(world)->wanted);
}

static void test_start_of_what_never_answers(void **state)
{
    struct world *world = *state;

    stopped(world);
    command(world, COMMAND_START, "c1");
    done(world);
    world_containers(world, TESTING, "client1-web running -");
    world_advance(world, 6 * MINUTE);
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
    assert_non_null(strstr(reason_of(world), "does not answer"));
    assert_project(world, "unhealthy");
}

static void test_stop(void **state)
{
    struct world *world = *state;

    running(world);
    world_visit(world, SITE_CLIENT1);
    command(world, COMMAND_STOP, "c1");
    assert_string_equal(world_outcomes(world, "c1"), "");
    assert_null(world_lease(world, TESTING, LEASE_VISIT, "client1"));
    command(world, COMMAND_RESTART, "c2");
    assert_string_equal(world_outcomes(world, "c2"), "refused ");
    assert_non_null(strstr(reason_of(world), "another stop of it is under way"));
    answer(world, SLEEP_ACCEPTED, "");
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    answer(world, SLEEP_DONE, "");
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    world_containers(world, TESTING, "client1-web exited -");
    command(world, COMMAND_STOP, "c3");
    assert_string_equal(world_outcomes(world, "c3"), "accepted done ");
    assert_string_equal(orders(world), "stop ");
}

static void test_stop_that_is_refused(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_STOP, "c1");
    answer(world, SLEEP_VETOED, "containers: client1-web is busy");
    assert_string_equal(world_outcomes(world, "c1"), "refused ");
    assert_non_null(strstr(reason_of(world), "client1-web is busy"));
    command(world, COMMAND_STOP, "c2");
    world_advance(world, 10 * SECOND);
    assert_string_equal(world_outcomes(world, "c2"), "refused ");
    command(world, COMMAND_STOP, "c3");
    answer(world, SLEEP_ACCEPTED, "");
    answer(world, SLEEP_FAILED, "cannot kill");
    assert_string_equal(world_outcomes(world, "c3"), "accepted failed ");
    world_agent(world, TESTING, AGENT_OFFLINE);
    command(world, COMMAND_STOP, "c4");
    assert_string_equal(world_outcomes(world, "c4"), "refused ");
    assert_non_null(strstr(reason_of(world), "not connected"));
}

static void test_stop_calls_a_start_off(void **state)
{
    struct world *world = *state;

    stopped(world);
    command(world, COMMAND_START, "c1");
    done(world);
    world_containers(world, TESTING, "client1-web running -");
    command(world, COMMAND_STOP, "c2");
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
    done(world);
    assert_string_equal(world_outcomes(world, "c2"), "accepted done ");
    world_containers(world, TESTING, "client1-web exited -");
    world_advance(world, 10 * MINUTE);
    assert_string_equal(orders(world), "start stop ");
}

static void test_stop_of_one_whose_server_is_off(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    command(world, COMMAND_STOP, "c1");
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    command(world, COMMAND_RESTART, "c2");
    assert_string_equal(world_outcomes(world, "c2"), "refused ");
}

static void test_restart(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_RESTART, "c1");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    assert_string_equal(world_outcomes(world, "c1"), "");
    done(world);
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    assert_project(world, "starting");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    assert_project(world, "ready");
}

/* The site that answers while it is restarted may be the one that is about to stop. */
static void test_an_answer_during_a_restart(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_RESTART, "c1");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    done(world);
    assert_string_equal(world_outcomes(world, "c1"), "accepted ");
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
}

/* A project that was ready and stopped answering is not starting, even if somebody asks for it. */
static void test_one_that_was_ready(void **state)
{
    struct world *world = *state;

    running(world);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    assert_project(world, "unhealthy");
    world_visit(world, SITE_CLIENT1);
    assert_true(project_of_world(world)->wanted);
    assert_project(world, "unhealthy");
}

static void test_a_restart_of_the_server_is_another_thing(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_RESTART, "c1");
    answer(world, SLEEP_ACCEPTED, "");
    world_command(world, TESTING, COMMAND_SLEEP, "c2");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
}

/* What survives. */

static void test_a_restart_of_hall(void **state)
{
    struct world *world = *state;
    struct saved saved;
    const int64_t wall = world->now.wall + 10 * SECOND;

    running(world);
    world_advance(world, 10 * SECOND);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, MINUTE);
    world_containers(world, TESTING, "client1-web exited -");
    command(world, COMMAND_START, "c1");
    done(world);
    world_containers(world, TESTING, "client1-web running -");
    world_advance(world, 7 * SECOND);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    command(world, COMMAND_STOP, "c2");
    answer(world, SLEEP_ACCEPTED, "");
    assert_int_equal(fleet_save(world->fleet, TESTING, world->now, &saved), 0);
    assert_int_equal(saved.projects[0].runs[0], 7000);
    saved.projects[0].last_visit = wall;
    fleet_destroy(world->fleet);
    world->fleet = NULL;
    world_forget(world);
    world->now.boot = 50;
    const struct fleet_sink sink = {.act = world_act, .context = world};
    assert_int_equal(fleet_create(&world->model, &sink, world->now, &world->fleet), 0);
    fleet_restore(world->fleet, TESTING, world->now, &saved);
    saved_finish(&saved);
    fleet_start(world->fleet, world->now);
    assert_int_equal(fleet_site(world->fleet, SITE_CLIENT1)->visits, 1);
    assert_int_equal(clock_wall_at(world->now, fleet_site(world->fleet, SITE_CLIENT1)->last_visit),
                     wall);
    assert_int_equal(project_of_world(world)->n_runs, 1);
    assert_string_equal(world_outcomes(world, "c2"), "");
    world_advance(world, MINUTE);
    assert_string_equal(world_outcomes(world, "c2"), "failed ");
    assert_non_null(strstr(reason_of(world), "restarted"));
}

/* What was under way when Hall went away: what the agent tells then shows how it ended. */
static void test_an_order_over_a_restart(void **state)
{
    static const struct {
        enum command_action action;
        bool accepted;
        const char *containers;
        bool answers;
        const char *outcomes;
    } rows[] = {
        {COMMAND_STOP, true, "client1-web exited -", false, "done "},
        {COMMAND_STOP, false, "client1-web exited -", false, "accepted done "},
        {COMMAND_STOP, true, "client1-web running -", true, "failed "},
        {COMMAND_RESTART, true, "client1-web running -", true, "done "},
        {COMMAND_RESTART, false, "client1-web running -", true, "accepted failed "},
        {COMMAND_RESTART, true, "client1-web running -", false, "failed "},
        {COMMAND_RESTART, true, "client1-web exited -", false, "failed "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);
        struct saved saved;

        running(world);
        command(world, rows[i].action, "c");
        if (rows[i].accepted)
            answer(world, SLEEP_ACCEPTED, "");
        assert_int_equal(fleet_save(world->fleet, TESTING, world->now, &saved), 0);
        fleet_destroy(world->fleet);
        world->fleet = NULL;
        world_forget(world);
        const struct fleet_sink sink = {.act = world_act, .context = world};
        assert_int_equal(fleet_create(&world->model, &sink, world->now, &world->fleet), 0);
        fleet_restore(world->fleet, TESTING, world->now, &saved);
        saved_finish(&saved);
        fleet_start(world->fleet, world->now);
        up(world);
        assert_string_equal(world_outcomes(world, "c"), "");
        world_containers(world, TESTING, rows[i].containers);
        if (rows[i].answers)
            world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
        world_advance(world, 2 * MINUTE);
        if (strcmp(world_outcomes(world, "c"), rows[i].outcomes) != 0)
            fail_msg("row %zu: %s", i, world_outcomes(world, "c"));
    }
}

static void test_a_start_goes_on_over_a_restart(void **state)
{
    struct world *world = *state;
    struct saved saved;

    stopped(world);
    command(world, COMMAND_START, "c1");
    assert_int_equal(fleet_save(world->fleet, TESTING, world->now, &saved), 0);
    fleet_destroy(world->fleet);
    world->fleet = NULL;
    world_forget(world);
    const struct fleet_sink sink = {.act = world_act, .context = world};
    assert_int_equal(fleet_create(&world->model, &sink, world->now, &world->fleet), 0);
    fleet_restore(world->fleet, TESTING, world->now, &saved);
    saved_finish(&saved);
    fleet_start(world->fleet, world->now);
    up(world);
    world_containers(world, TESTING, "client1-web exited -");
    assert_string_equal(orders(world), "start ");
    done(world);
    world_containers(world, TESTING, "client1-web running -");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "done ");
}

/* What an agent reports in use. */

static void report_use(struct world *world, const char *holder, const char *words)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = TESTING};

    event.uses.n = holder ? 1 : 0;
    snprintf(event.uses.list[0].holder, LEASE_HOLDER_SIZE, "%s", holder ? holder : "");
    event.uses.list[0].veto = fact_with(FACT(AGENT_SAID), words, NULL);
    world_handle(world, &event);
}

static void test_uses_are_leases(void **state)
{
    struct world *world = *state;

    running(world);
    report_use(world, "sessions", "sessions: root from 192.0.2.7");
    const struct lease *lease = world_lease(world, TESTING, LEASE_AGENT, "sessions");
    assert_non_null(lease);
    assert_true(lease->until == LEASE_FOREVER);
    const char *why = world_why(world, TESTING);
    assert_non_null(strstr(why, "its agent reports sessions: root from 192.0.2.7"));
    world_advance(world, 3 * HOUR);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0); /* not even asked */
    report_use(world, "load", "3.1");
    assert_null(world_lease(world, TESTING, LEASE_AGENT, "sessions"));
    report_use(world, NULL, "");
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

static void test_uses_end_with_the_agent(void **state)
{
    struct world *world = *state;

    running(world);
    report_use(world, "sessions", "root");
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_advance(world, 20 * MINUTE - 1);
    assert_non_null(world_lease(world, TESTING, LEASE_AGENT, "sessions"));
    world_advance(world, 1);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
    world_silence(world, TESTING);
    report_use(world, "sessions", "root"); /* said again by the broker */
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

/* An agent that is asked looks afresh: what it reported a while ago is no reason to refuse. */
static void test_a_sleep_command_asks_the_agent_in_spite_of_its_report(void **state)
{
    struct world *world = *state;

    world_silence(world, TESTING);
    world_wake(world, TESTING, 10 * SECOND);
    world_advance(world, 10 * MINUTE);
    report_use(world, "sessions", "root");
    world_command(world, TESTING, COMMAND_SLEEP, "c1");
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

/* Wake-on-LAN. */

static void test_not_slept_when_it_could_not_be_woken(void **state)
{
    struct world *world = *state;

    running(world);
    world_report(world, TESTING, "b", false);
    const struct fact problem = power_problem(world_power(world, TESTING));

    assert_non_null(strstr(world_said(world, &problem), "Wake-on-LAN is off"));
    world_advance(world, HOUR);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_command(world, TESTING, COMMAND_SLEEP, "c1");
    assert_string_equal(world_outcomes(world, "c1"), "refused ");
    assert_non_null(strstr(reason_of(world), "not known to be wakeable"));
    world_report(world, TESTING, "b", true);
    const struct fact none = power_problem(world_power(world, TESTING));

    assert_true(fact_is(&none, FACT_NONE));
    world_advance(world, 2 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, world_init, world_finish)

/* What an order came to stays until one does better; what ailed Docker ends with its return. */
static void test_how_long_trouble_lasts(void **state)
{
    struct world *world = *state;

    stopped(world);
    command(world, COMMAND_START, "s");
    answer(world, SLEEP_ACCEPTED, "");
    answer(world, SLEEP_FAILED, "no such image");
    assert_true(fact_is(&project_of_world(world)->trouble, FACT_PROJECT_START_FAILED));
    world_containers(world, TESTING, "client1-web exited -");
    assert_true(fact_is(&project_of_world(world)->trouble, FACT_PROJECT_START_FAILED));
    world_containers(world, TESTING, NULL);
    assert_true(fact_is(&project_of_world(world)->trouble, FACT_AGENT_SAID));
    world_containers(world, TESTING, "client1-web exited -");
    assert_true(fact_is(&project_of_world(world)->trouble, FACT_NONE));
}

/* Without Docker nothing is known of any container; without its agent nothing of what it told. */
static void test_what_is_known_no_more(void **state)
{
    struct world *world = *state;

    again(&world, with_two);
    *state = world;
    up(world);
    world_containers(world, TESTING, "client1-web running healthy busy,client1-db running healthy");
    world_containers(world, TESTING, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(project_of_world(world)->containers[i].state, CONTAINER_UNKNOWN);
        assert_int_equal(project_of_world(world)->containers[i].health, HEALTH_NONE);
        assert_false(project_of_world(world)->containers[i].busy);
    }
    world_containers(world, TESTING, "client1-web exited -,client1-db exited -");
    assert_project(world, "stopped");
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_project(world, "unhealthy");
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_project(world, "ready");
}

/* Of an earlier life: what is told until silence is proven, and what the broker repeats. */
static void test_containers_of_an_earlier_life(void **state)
{
    struct world *world = *state;

    running(world);
    world_agent(world, TESTING, AGENT_SLEEPING);
    world_containers(world, TESTING, "client1-web running healthy"); /* as it goes down */
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    world_advance(world, 5 * SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_false(fleet_project_is_known(world->fleet, SITE_CLIENT1));
    world_containers(world, TESTING, "client1-web exited -");
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));

    world_agent(world, TESTING, AGENT_OFFLINE);
    world_containers(world, TESTING, "client1-web exited -"); /* repeated */
    world_advance(world, 30 * SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_false(fleet_project_is_known(world->fleet, SITE_CLIENT1));

    world_agent(world, TESTING, AGENT_OFFLINE);
    world_containers(world, TESTING, "client1-web exited -"); /* by one that connects */
    world_advance(world, 2 * SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));
}

/* The machine's own service would not let it sleep: its agent says that it stays, and nothing else.
 */
static void test_containers_of_one_that_said_goodbye_and_stays(void **state)
{
    struct world *world = *state;

    running(world);
    world_advance(world, 60 * SECOND);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_advance(world, SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));
}

/* Nobody says that its agent went: its connection outlives a pulled cable; but not a crash, even
 * where the broker went with it. */
static void test_containers_after_a_silence_without_a_word(void **state)
{
    struct world *world = *state;

    running(world);
    world_report(world, TESTING, "first", true);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    world_advance(world, 30 * SECOND);
    world_pass(world, TESTING);
    world_agent(world, TESTING, AGENT_ONLINE);
    world_report(world, TESTING, "first", true);
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));

    world_report(world, TESTING, "second", true);
    assert_false(fleet_project_is_known(world->fleet, SITE_CLIENT1));
    world_containers(world, TESTING, "client1-web exited -");
    world_report(world, TESTING, "second", true);
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));

    world_advance(world, MINUTE);
    world_containers(world, TESTING, "client1-web exited -"); /* before its report */
    world_report(world, TESTING, "third", true);
    assert_true(fleet_project_is_known(world->fleet, SITE_CLIENT1));
}

/* As many as are shown: an order goes on for each of them over the next report, whatever the order
 * in which they are told. */
static void test_an_order_goes_on_for_all_that_are_found(void **state)
{
    struct world *world = *state;
    struct containers_told *told = calloc(1, sizeof(*told));

    again(&world, with_none);
    *state = world;
    up(world);
    assert_non_null(told);
    told->docker_up = true;
    told->n = PROJECT_FOUND_MAX;
    for (size_t i = 0; i < told->n; i++) {
        snprintf(told->list[i].name, sizeof(told->list[i].name), "c%zu", i);
        snprintf(told->list[i].project, sizeof(told->list[i].project), "client1");
        told->list[i].state = CONTAINER_EXITED;
    }
    const struct fleet_event event = {
        .kind = FLEET_CONTAINERS, .server = TESTING, .containers = told};

    world_handle(world, &event);
    assert_int_equal(project_of_world(world)->n, PROJECT_FOUND_MAX);
    for (size_t i = 0; i < PROJECT_FOUND_MAX; i++) {
        project_of_world(world)->containers[i].ordered = i % 2 == 0;
        project_of_world(world)->containers[i].leaving = i % 3 == 0;
    }
    for (size_t i = 0; i < PROJECT_FOUND_MAX; i++)
        snprintf(told->list[i].name, sizeof(told->list[i].name), "c%zu", PROJECT_FOUND_MAX - 1 - i);
    world_handle(world, &event);
    assert_int_equal(project_of_world(world)->n, PROJECT_FOUND_MAX);
    for (size_t i = 0; i < PROJECT_FOUND_MAX; i++) {
        const struct container *one = &project_of_world(world)->containers[i];
        const size_t was = PROJECT_FOUND_MAX - 1 - i;

        assert_string_equal(one->name, told->list[i].name);
        assert_int_equal(one->ordered, was % 2 == 0);
        assert_int_equal(one->leaving, was % 3 == 0);
    }
    free(told);
}

/* Each order that fails is named as what it was. */
static void test_each_order_that_fails(void **state)
{
    static const struct {
        enum command_action action;
        const char *told;
        enum fact_code trouble;
    } rows[] = {
        {COMMAND_START, "client1-web exited -", FACT_PROJECT_START_FAILED},
        {COMMAND_STOP, "client1-web running healthy", FACT_PROJECT_STOP_FAILED},
        {COMMAND_RESTART, "client1-web running healthy", FACT_PROJECT_RESTART_FAILED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = *state;

        again(&world, NULL);
        *state = world;
        up(world);
        world_containers(world, TESTING, rows[i].told);
        command(world, rows[i].action, "c");
        answer(world, SLEEP_ACCEPTED, "");
        answer(world, SLEEP_FAILED, "no such image");
        assert_true(fact_is(&project_of_world(world)->trouble, rows[i].trouble));
        assert_int_equal(project_of_world(world)->trouble.parts[1].code, FACT_SAID);
        assert_non_null(world_last(world, ACTION_STATUS));
    }
}

/* When it should be ready: by the median of its starts, the longer one of two. */
static void test_when_a_start_should_end(void **state)
{
    static const struct {
        uint8_t n;
        int32_t runs[PROJECT_RUNS_MAX];
        int32_t usual;
    } rows[] = {
        {1, {7000}, 7000},
        {2, {3000, 7000}, 7000},
        {2, {7000, 3000}, 7000},
        {3, {9000, 3000, 7000}, 7000},
        {3, {3000, 7000, 9000}, 7000},
        {3, {7000, 9000, 3000}, 7000},
        {4, {9000, 8000, 1000, 3000}, 8000},
        {5, {9000, 1000, 8000, 3000, 7000}, 7000},
        {5, {1000, 3000, 7000, 8000, 9000}, 7000},
        {5, {9000, 8000, 7000, 3000, 1000}, 7000},
        {5, {7000, 7000, 1000, 7000, 9000}, 7000},
        {1, {7000, 1, 1, 1, 1}, 7000},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct project project = {
            .wanted = true, .alone = true, .n_runs = rows[i].n, .started = 50000};

        memcpy(project.runs, rows[i].runs, sizeof(project.runs));
        if (project_expected(&project) != 50000 + rows[i].usual)
            fail_msg("row %zu: %d", i, (int)project_expected(&project));
        project.wanted = false;
        assert_int_equal(project_expected(&project), -1);
        project.wanted = true;
        project.alone = false;
        assert_int_equal(project_expected(&project), -1);
        project.alone = true;
        project.n_runs = 0;
        assert_int_equal(project_expected(&project), -1);
    }
}

/* An order that was accepted, and then refused, has failed. */
static void test_a_veto_after_an_acceptance(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_STOP, "c1");
    answer(world, SLEEP_ACCEPTED, "");
    answer(world, SLEEP_VETOED, "docker said no");
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
}

/* A restart whose site never answers fails as well. */
static void test_a_restart_of_what_never_answers(void **state)
{
    struct world *world = *state;

    running(world);
    command(world, COMMAND_RESTART, "c1");
    done(world);
    world_advance(world, 6 * MINUTE);
    assert_string_equal(world_outcomes(world, "c1"), "accepted failed ");
}

/* One with a name of one letter speaks for itself alone. */
static void test_a_short_name(void **state)
{
    struct world *world = *state;

    up(world);
    world_containers(world, TESTING, "x@client1 running -");
    assert_project(world, "missing");
    assert_problem(world, "client1-web");
}

/* While not all of its containers are there, that stage has not come. */
static void test_when_containers_are_present(void **state)
{
    struct world *world = *state;

    again(&world, with_two);
    *state = world;
    up(world);
    world_containers(world, TESTING, "client1-web exited -");
    world_visit(world, SITE_CLIENT1);
    world_advance(world, SECOND);
    world_containers(world, TESTING, "client1-web exited -");
    assert_int_equal(project_of_world(world)->stages[STAGE_CONTAINER_PRESENT], STAGE_UNREACHED);
    world_containers(world, TESTING, "client1-web exited -,client1-db exited -");
    assert_int_not_equal(project_of_world(world)->stages[STAGE_CONTAINER_PRESENT], STAGE_UNREACHED);
}

/* Nothing is wrong with one whose server is not up. */
static void test_no_problem_of_one_that_is_down(void **state)
{
    struct world *world = *state;

    running(world);
    world_containers(world, TESTING, "client1-web running unhealthy");
    assert_problem(world, "unhealthy");
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_problem(world, NULL);
}

/* A site that does not answer is silent, or fails by what its check has seen. */
static void test_why_a_site_does_not_answer(void **state)
{
    static const struct {
        enum fault_code fault;
        enum fact_code parts[2];
    } rows[] = {
        {FAULT_NONE, {FACT_PROJECT_SITE_SILENT, FACT_NONE}},
        {FAULT_REFUSED, {FACT_PROJECT_SITE_FAILS, FACT_CHECK_REFUSED}},
    };
    struct world *world = *state;

    running(world);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    assert_project(world, "unhealthy");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world->fleet->powers[TESTING].evidence.checks[CHECK_OF_CLIENT1].fault =
            (struct fault){.code = (uint8_t)rows[i].fault};
        const struct fact problem = fleet_project_problem(world->fleet, SITE_CLIENT1);

        for (size_t k = 0; k < 2; k++)
            assert_int_equal(problem.parts[k].code, rows[i].parts[k]);
    }
}

/* Who has it stopped wants nobody to be waited for, though somebody has just visited it. */
static void test_a_stop_ends_a_visit(void **state)
{
    struct world *world = *state;

    running(world);
    world_visit(world, SITE_CLIENT1);
    assert_non_null(world_lease(world, TESTING, LEASE_VISIT, "client1"));
    command(world, COMMAND_STOP, "c1");
    assert_string_equal(orders(world), "stop ");
    assert_null(world_lease(world, TESTING, LEASE_VISIT, "client1"));
}

/* As many starts are remembered as there is room for, the latest. */
static void test_how_many_starts_are_remembered(void **state)
{
    struct project project = {0};

    project_learn(&project, -1);
    assert_int_equal(project.n_runs, 0);
    for (int i = 1; i <= 3 * PROJECT_RUNS_MAX; i++) {
        project_learn(&project, 1000 * i);
        assert_int_equal(project.n_runs, i < PROJECT_RUNS_MAX ? i : PROJECT_RUNS_MAX);
    }
    for (size_t i = 0; i < PROJECT_RUNS_MAX; i++)
        assert_true(project.runs[i] > 2000 * PROJECT_RUNS_MAX);
}

/* A restart tells how long a start takes, from when it was done. */
static void test_what_a_restart_teaches(void **state)
{
    struct world *world = *state;

    running(world);
    world_advance(world, MINUTE);
    command(world, COMMAND_RESTART, "c1");
    world_advance(world, 2 * SECOND);
    done(world);
    world_advance(world, 7 * SECOND);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    assert_int_equal(project_of_world(world)->n_runs, 1);
    assert_int_equal(project_of_world(world)->runs[0], 7 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_how_many_starts_are_remembered),
        TEST(test_what_a_restart_teaches),
        TEST(test_a_stop_ends_a_visit),
        TEST(test_a_veto_after_an_acceptance),
        TEST(test_a_restart_of_what_never_answers),
        TEST(test_a_short_name),
        TEST(test_when_containers_are_present),
        TEST(test_no_problem_of_one_that_is_down),
        TEST(test_why_a_site_does_not_answer),
        TEST(test_states),
        TEST(test_states_of_the_server_come_first),
        TEST(test_a_container_that_restarts_again_and_again),
        TEST(test_how_long_a_restart_is_looked_at),
        TEST(test_a_container_that_ends_again_and_again),
        TEST(test_a_project_without_a_check_is_ready_when_its_containers_are),
        TEST(test_containers_are_found_by_their_project),
        TEST(test_containers_without_names),
        TEST(test_a_visit_starts_what_is_stopped_once),
        TEST(test_stages_count_from_the_visit_and_are_learned),
        TEST(test_a_visit_while_the_server_sleeps),
        TEST(test_a_start_that_fails_is_tried_again_and_then_named),
        TEST(test_one_that_stops_again_at_once),
        TEST(test_an_agent_that_says_nothing),
        TEST(test_what_cannot_be_started_is_named),
        TEST(test_a_broken_project_leaves_the_others_alone),
        TEST(test_an_agent_of_another_schema_is_not_believed),
        TEST(test_it_is_stopped_when_nobody_uses_it),
        TEST(test_busy_containers_are_left_alone),
        TEST(test_connections_of_the_agent_keep_it),
        TEST(test_without_idle_stop_it_runs_on),
        TEST(test_start),
        TEST(test_start_wakes_the_server),
        TEST(test_start_fails_with_the_wake),
        TEST(test_start_of_what_never_answers),
        TEST(test_stop),
        TEST(test_stop_that_is_refused),
        TEST(test_stop_calls_a_start_off),
        TEST(test_stop_of_one_whose_server_is_off),
        TEST(test_restart),
        TEST(test_an_answer_during_a_restart),
        TEST(test_one_that_was_ready),
        TEST(test_found_containers_over_a_reload),
        TEST(test_a_restart_of_the_server_is_another_thing),
        TEST(test_a_restart_of_hall),
        TEST(test_an_order_over_a_restart),
        TEST(test_a_start_goes_on_over_a_restart),
        TEST(test_uses_are_leases),
        TEST(test_uses_end_with_the_agent),
        TEST(test_a_sleep_command_asks_the_agent_in_spite_of_its_report),
        TEST(test_not_slept_when_it_could_not_be_woken),
        TEST(test_how_long_trouble_lasts),
        TEST(test_what_is_known_no_more),
        TEST(test_containers_of_an_earlier_life),
        TEST(test_containers_of_one_that_said_goodbye_and_stays),
        TEST(test_containers_after_a_silence_without_a_word),
        TEST(test_an_order_goes_on_for_all_that_are_found),
        TEST(test_each_order_that_fails),
        TEST(test_when_a_start_should_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
