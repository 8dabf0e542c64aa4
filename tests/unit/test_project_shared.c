/* Containers that several projects of a server list: who may stop and restart them. */
#include "base/array.h"
#include "core/state.h"
#include "fleet_fixture.h"

/* Three projects around one database: two list it by its name, one finds it by its label. */
enum { A, B, C, PROJECTS };
enum { A_WEB, B_WEB, C_WEB, SHARED, CONTAINERS };
enum { SITE_B = WORLD_SITES, SITE_C, IDLE_STOP = MINUTE, TRIALS = 300, STEPS = 400 };

static const int site_of[PROJECTS] = {SITE_CLIENT1, SITE_B, SITE_C};
static const char *const names[CONTAINERS] = {"a-web", "b-web", "c-web", "shared-db"};
static const bool lists[PROJECTS][CONTAINERS] = {
    {[A_WEB] = true, [SHARED] = true},
    {[B_WEB] = true, [SHARED] = true},
    {[C_WEB] = true, [SHARED] = true},
};

/* Docker, its agent, and what was asked of it. */
static struct {
    struct world *world;
    bool runs[CONTAINERS];
    bool has_c; /* the label's project is there */
    struct order {
        enum project_verb verb;
        char id[COMMAND_ID_SIZE];
        int64_t at;
        bool about[CONTAINERS];
    } orders[PROJECTS];
    char said[256];           /* "stop:a-web+shared-db " for each order */
    int64_t wanted[PROJECTS]; /* until when visits want it */
    uint32_t n_stops, n_spared, n_restarts;
} docker;

static int project_at(int site)
{
    for (int i = 0; i < PROJECTS; i++)
        if (site_of[i] == site)
            return i;
    fail();
    return 0;
}

/* No container is stopped under a project that somebody wants. */
static void judge(int at, const struct order *order)
{
    if (order->verb == PROJECT_START)
        return;
    for (int other = 0; other < PROJECTS; other++) {
        const struct project *project = fleet_project(docker.world->fleet, site_of[other]);

        for (int k = 0; k < CONTAINERS; k++)
            if (other != at && order->about[k] && lists[other][k] && (other != C || docker.has_c)) {
                assert_true(docker.wanted[other] <= docker.world->now.boot || project->given_up);
                assert_int_not_equal(project->order, PROJECT_START);
            }
    }
}

static void take_order(const struct action *action)
{
    const int at = project_at(action->project.site);
    const struct project *project = fleet_project(docker.world->fleet, action->project.site);
    struct order *order = &docker.orders[at];
    const size_t length = strlen(docker.said);

    *order = (struct order){.verb = action->project.verb, .at = docker.world->now.boot};
    snprintf(order->id, sizeof(order->id), "%s", action->project.id);
    snprintf(docker.said + length, sizeof(docker.said) - length,
             "%s:", project_verb_name(order->verb));
    for (size_t i = 0; i < project->n; i++)
        for (int k = 0; k < CONTAINERS; k++) {
            if (!project->containers[i].ordered ||
                strcmp(project->containers[i].name, names[k]) != 0)
                continue;
            order->about[k] = true;
            snprintf(docker.said + strlen(docker.said), sizeof(docker.said) - strlen(docker.said),
                     "%s+", names[k]);
        }
    docker.said[strlen(docker.said) - 1] = ' ';
    docker.n_stops += order->verb == PROJECT_STOP;
    docker.n_restarts += order->verb == PROJECT_RESTART;
    docker.n_spared += order->verb != PROJECT_START && !order->about[SHARED];
    judge(at, order);
}

static void act(void *context, const struct action *action)
{
    if (action->kind == ACTION_PROJECT)
        take_order(action);
    if (docker.world->n == WORLD_ACTIONS)
        world_forget(docker.world);
    world_act(context, action);
}

static void tell(void)
{
    char words[256];
    size_t n = 0;

    for (int k = 0; k < CONTAINERS; k++)
        if (k != C_WEB || docker.has_c)
            n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s%s %s -", n ? "," : "",
                                  names[k], k >= C_WEB && docker.has_c ? "@c" : "",
                                  docker.runs[k] ? "running" : "exited");
    world_containers(docker.world, TESTING, words);
}

/* The agent has carried an order out. */
static void carry_out(int at)
{
    struct order order = docker.orders[at];
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER, .server = TESTING};

    docker.orders[at].verb = PROJECT_NOTHING;
    if (order.verb == PROJECT_NOTHING ||
        fleet_project(docker.world->fleet, site_of[at])->order != order.verb) /* it came too late */
        return;
    for (int k = 0; k < CONTAINERS; k++)
        if (order.about[k])
            docker.runs[k] = order.verb != PROJECT_STOP;
    snprintf(event.sleep.id, sizeof(event.sleep.id), "%s", order.id);
    event.sleep.answer = SLEEP_ACCEPTED;
    world_handle(docker.world, &event);
    event.sleep.answer = SLEEP_DONE;
    tell();
    world_handle(docker.world, &event);
}

static void add_project(struct world *world, int site, const char *id, const char **containers)
{
    world_site(world, site, id, TESTING, MODEL_NONE);
    world->sites[site].is_project = true;
    world->sites[site].containers = containers;
    world->sites[site].n_containers = containers ? 2 : 0;
    world->sites[site].idle_stop = IDLE_STOP;
}

static void with_three(struct world *world)
{
    static const char *of_a[] = {"a-web", "shared-db"};
    static const char *of_b[] = {"b-web", "shared-db"};

    add_project(world, SITE_CLIENT1, "a", of_a);
    add_project(world, SITE_B, "b", of_b);
    add_project(world, SITE_C, "c", NULL);
    world->servers[TESTING].n_checks = 3;
    world->model.n_sites = WORLD_SITES_MAX;
    for (int i = 0; i < WORLD_SERVERS; i++)
        world->domains[i].policy.mode = POLICY_ALWAYS_ON;
}

static void begin(void (*change)(struct world *), bool has_c)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    memset(&docker, 0, sizeof(docker));
    docker.world = world;
    docker.has_c = has_c;
    world_model(world);
    with_three(world);
    if (change)
        change(world);
    world_begin_with(world, &(struct fleet_sink){.act = act, .context = world});
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
}

static void all_run(void)
{
    for (int k = 0; k < CONTAINERS; k++)
        docker.runs[k] = true;
    tell();
}

static int end(void **state)
{
    fleet_destroy(docker.world->fleet);
    free(docker.world);
    return 0;
}

static void visit(int at)
{
    world_visit(docker.world, site_of[at]);
    docker.wanted[at] = docker.world->now.boot + docker.world->sites[site_of[at]].idle_stop;
}

/* Its answers: "accepted " and so on, and the last reason. */
static const char *command(int at, enum command_action action, const char *id)
{
    struct command command = world_new_command(action, id);

    command.site = site_of[at];
    if (action == COMMAND_STOP)
        docker.wanted[at] = 0;
    world_order(docker.world, TESTING, command);
    return world_outcomes(docker.world, id);
}

static const char *reason(void)
{
    return world_said(docker.world, &world_last(docker.world, ACTION_ANSWER)->answer.reason);
}

#define assert_state_of(at_, state_)                                                               \
    assert_string_equal(                                                                           \
        project_state_name(fleet_project_state(docker.world->fleet, site_of[at_])), state_)

static void test_an_idle_one_leaves_what_a_visited_one_uses(void **state)
{
    begin(NULL, false);
    all_run();
    for (int i = 0; i < 120; i++) {
        world_advance(docker.world, SECOND / 2);
        visit(B);
    }
    assert_string_equal(docker.said, "stop:a-web ");
    carry_out(A);
    assert_state_of(A, "stopped");
    assert_state_of(B, "ready");
    world_advance(docker.world, IDLE_STOP);
    assert_string_equal(docker.said, "stop:a-web stop:b-web+shared-db ");
    carry_out(B);
    assert_state_of(B, "stopped");
    visit(A);
    assert_non_null(strstr(docker.said, "start:a-web+shared-db "));
}

/* Nothing is left running when all fall idle in the same moment. */
static void test_the_last_one_takes_it_along(void **state)
{
    begin(NULL, true);
    all_run();
    world_advance(docker.world, IDLE_STOP);
    for (int i = 0; i < PROJECTS; i++)
        carry_out(i);
    for (int k = 0; k < CONTAINERS; k++)
        assert_false(docker.runs[k]);
}

static void without_end(struct world *world)
{
    world->sites[SITE_B].idle_stop = 0;
}

static void test_one_that_is_never_stopped_keeps_it(void **state)
{
    begin(without_end, false);
    all_run();
    world_advance(docker.world, IDLE_STOP);
    carry_out(A);
    world_advance(docker.world, HOUR);
    assert_string_equal(docker.said, "stop:a-web ");
    assert_state_of(B, "ready");
}

static void test_commands_say_what_they_leave(void **state)
{
    begin(NULL, false);
    all_run();
    visit(B);
    assert_string_equal(command(A, COMMAND_RESTART, "r"), "");
    assert_string_equal(docker.said, "restart:a-web ");
    carry_out(A);
    assert_string_equal(world_outcomes(docker.world, "r"), "accepted done ");
    assert_string_equal(reason(), "shared-db is not restarted: project b uses it");
    (void)command(A, COMMAND_STOP, "s");
    carry_out(A);
    assert_string_equal(world_outcomes(docker.world, "s"), "accepted done ");
    assert_string_equal(reason(), "shared-db stays up: project b uses it");
    assert_state_of(A, "stopped");
    assert_state_of(B, "ready");
    (void)command(B, COMMAND_STOP, "t"); /* nobody wants it now */
    assert_non_null(strstr(docker.said, "stop:b-web+shared-db "));
    carry_out(B);
    assert_string_equal(reason(), "");
}

static void with_the_same(struct world *world)
{
    world->sites[SITE_CLIENT1].containers = world->sites[SITE_B].containers;
}

static void test_two_names_of_one_thing(void **state)
{
    begin(with_the_same, false);
    all_run();
    world_advance(docker.world, SECOND);
    visit(B);
    world_advance(docker.world, 2 * SECOND);
    assert_string_equal(command(A, COMMAND_STOP, "s"), "refused ");
    assert_string_equal(reason(), "b-web (and 1 more) stays up: project b uses it");
    assert_string_equal(command(A, COMMAND_RESTART, "r"), "refused ");
    world_advance(docker.world, IDLE_STOP - 2 * SECOND);
    assert_string_equal(docker.said, "stop:b-web+shared-db ");
    assert_state_of(A, "stopped"); /* both, at once */
    assert_state_of(B, "stopped");
}

/* A command ends what runs on, where nobody has visited it. */
static void test_a_command_ends_what_nobody_wants(void **state)
{
    begin(with_the_same, false);
    all_run();
    (void)command(A, COMMAND_STOP, "s");
    assert_string_equal(docker.said, "stop:b-web+shared-db ");
}

/* Of another that is on its way, for whatever reason, nothing is taken. */
static void test_which_other_one_keeps_it(void **state)
{
    static const struct {
        bool wanted;
        enum project_verb order;
        unsigned asked;
        const char *said;
    } rows[] = {
        {false, PROJECT_NOTHING, 0, "stop:b-web+shared-db "},
        {true, PROJECT_NOTHING, 0, ""},
        {false, PROJECT_START, 0, ""},
        {false, PROJECT_RESTART, 0, ""},
        {false, PROJECT_NOTHING, 1U << PROJECT_START, ""},
        {false, PROJECT_NOTHING, 1U << PROJECT_RESTART, ""},
        {false, PROJECT_NOTHING, 1U << PROJECT_STOP, "stop:b-web+shared-db "},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (i > 0)
            end(state);
        begin(with_the_same, false);
        all_run();
        for (size_t k = 0; k < docker.world->fleet->n_projects; k++) {
            struct project *project = &docker.world->fleet->projects[k];

            if (project->site != SITE_B)
                continue;
            project->wanted = rows[i].wanted;
            project->order = rows[i].order;
            project->asked = (uint8_t)rows[i].asked;
        }
        (void)command(A, COMMAND_STOP, "s");
        if (strcmp(docker.said, rows[i].said) != 0)
            fail_msg("row %zu: %s", i, docker.said);
    }
}

static void test_one_start_at_a_time_of_what_both_need(void **state)
{
    begin(NULL, false);
    tell();
    visit(A);
    visit(B);
    assert_string_equal(docker.said, "start:a-web+shared-db ");
    carry_out(A);
    assert_string_equal(docker.said, "start:a-web+shared-db start:b-web+shared-db ");
    carry_out(B);
    assert_state_of(A, "ready");
    assert_state_of(B, "ready");
}

static void test_found_by_label_it_is_stopped_and_starts_again(void **state)
{
    begin(NULL, true);
    all_run();
    for (int i = 0; i < 120; i++) {
        world_advance(docker.world, SECOND / 2);
        visit(A);
    }
    carry_out(C);
    carry_out(B);
    assert_non_null(strstr(docker.said, "stop:c-web "));
    assert_state_of(C, "stopped");
    assert_state_of(A, "ready");
    visit(C);
    carry_out(C);
    assert_state_of(C, "ready");
}

/* --- whatever happens --- */

static uint64_t seed;

static uint32_t roll(uint32_t sides)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % sides;
}

/* Its agent takes less time than it has. */
static void pass(int64_t ms)
{
    for (int at = 0; at < PROJECTS; at++)
        if (docker.orders[at].verb != PROJECT_NOTHING &&
            docker.orders[at].at + 9 * SECOND < docker.world->now.boot + ms)
            carry_out(at);
    world_advance(docker.world, ms);
}

static void happen(unsigned number)
{
    static const enum command_action actions[] = {COMMAND_START, COMMAND_STOP, COMMAND_RESTART};
    const int at = (int)roll(docker.has_c ? PROJECTS : C);
    char id[24];

    snprintf(id, sizeof(id), "c%u", number);
    switch (roll(8)) {
    case 0:
    case 1:
        visit(at);
        break;
    case 2:
        (void)command(at, actions[roll(3)], id);
        break;
    case 3:
    case 4:
        carry_out(at);
        break;
    default:
        pass(roll(9 * SECOND));
        break;
    }
}

static void settle(void)
{
    for (int i = 0; i < 6; i++) {
        for (int at = 0; at < PROJECTS; at++)
            carry_out(at);
        pass(5 * SECOND);
    }
}

/* One that is visited comes, and what nobody visits ends. */
static void check_ends(void)
{
    const int at = (int)roll(C);

    settle();
    visit(at);
    settle();
    visit(at);
    settle();
    for (int k = 0; k < CONTAINERS; k++)
        assert_true(!lists[at][k] || docker.runs[k] || docker.wanted[at] <= docker.world->now.boot);
    for (int i = 0; i < 8; i++)
        settle();
    for (int k = 0; k < CONTAINERS; k++)
        assert_false(docker.runs[k]);
}

static void test_no_container_is_taken_from_one_that_is_wanted(void **state)
{
    uint32_t stops = 0, spared = 0, restarts = 0;

    for (unsigned i = 0; i < TRIALS; i++) {
        seed = i + 1;
        begin(NULL, roll(2) == 0);
        docker.runs[C_WEB] = false;
        tell();
        for (unsigned k = 0; k < STEPS; k++) {
            happen(k);
            docker.said[0] = '\0';
        }
        docker.said[0] = '\0';
        check_ends();
        stops += docker.n_stops;
        spared += docker.n_spared;
        restarts += docker.n_restarts;
        if (i + 1 < TRIALS)
            end(state);
    }
    assert_true(stops > TRIALS && spared > TRIALS && restarts > TRIALS);
}

#define TEST(name_) cmocka_unit_test_teardown(name_, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_idle_one_leaves_what_a_visited_one_uses),
        TEST(test_the_last_one_takes_it_along),
        TEST(test_one_that_is_never_stopped_keeps_it),
        TEST(test_commands_say_what_they_leave),
        TEST(test_two_names_of_one_thing),
        TEST(test_a_command_ends_what_nobody_wants),
        TEST(test_which_other_one_keeps_it),
        TEST(test_one_start_at_a_time_of_what_both_need),
        TEST(test_found_by_label_it_is_stopped_and_starts_again),
        TEST(test_no_container_is_taken_from_one_that_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
