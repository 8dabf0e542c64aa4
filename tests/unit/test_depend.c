#include <unistd.h>

#include "core/facts/depend.h"
#include "fleet_fixture.h"

/* front needs app and db, each of them needs nas: a chain and a diamond. */
static struct world *asleep(void **state, void (*change)(struct world *))
{
    struct world *world = world_new(change);

    *state = world;
    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_forget(world);
    return world;
}

static size_t packets_to(const struct world *world, int server)
{
    size_t n = 0;

    for (size_t i = 0; i < world->n; i++)
        n += world->seen[i].action.kind == ACTION_PACKET && world->seen[i].action.server == server;
    return n;
}

static bool is_needed_by(const struct world *world, int server, const char *by)
{
    return world_lease(world, server, LEASE_DEPENDENT, by) != NULL;
}

/* All four are up, woken for a visitor of front. */
static struct world *all_ready(void **state)
{
    struct world *world = asleep(state, world_link);

    world_visit(world, SITE_FRONT);
    for (int i = NAS; i <= FRONT; i++)
        world_up(world, i);
    for (int i = NAS; i <= FRONT; i++)
        assert_state(world, i, POWER_READY);
    world_forget(world);
    return world;
}

/* Waking. */

static void test_woken_first(void **state)
{
    struct world *world = asleep(state, world_link);
    const struct power *front = world_power(world, FRONT);

    world_visit(world, SITE_FRONT);
    for (int i = NAS; i <= FRONT; i++) {
        assert_state(world, i, POWER_WAKING); /* all are under way, one is sent packets */
        assert_int_equal(packets_to(world, i), i == NAS ? 1 : 0);
    }
    assert_int_equal(front->wake.wait, WAIT_DEPENDENCY);
    assert_string_equal(world_said(world, &front->reason),
                        "visit of front.example; waits for app, which it needs");
    assert_string_equal(world_said(world, &world_power(world, NAS)->wake.cause), "app needs it");
    assert_int_equal(power_eta(front, world->now.boot), -1);
    world_advance(world, 10 * SECOND);
    world_up(world, NAS);
    assert_int_equal(packets_to(world, APP), 1); /* both at once */
    assert_int_equal(packets_to(world, DB), 1);
    assert_int_equal(packets_to(world, FRONT), 0);
    world_advance(world, 10 * SECOND);
    world_up(world, DB);
    assert_int_equal(packets_to(world, FRONT), 0); /* all it needs, not any */
    world_advance(world, 10 * SECOND);
    world_up(world, APP);
    assert_int_equal(packets_to(world, FRONT), 1);
    assert_int_equal(front->wake.wait, WAIT_NOTHING);
    world_advance(world, 5 * SECOND);
    world_up(world, FRONT);
    assert_state(world, FRONT, POWER_READY);
    assert_int_equal(front->last_boot, 5 * SECOND); /* how long it took, not how long it waited */
    assert_int_equal(front->wake.stages[STAGE_PACKET_SENT], 0);
}

/* Its own time counts from its own packet. */
static void test_the_deadline_begins_with_the_packet(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, DB, COMMAND_WAKE, "w1");
    world_advance(world, 150 * SECOND);
    world_up(world, NAS);
    world_advance(world, 179 * SECOND);
    assert_state(world, DB, POWER_WAKING);
    world_advance(world, SECOND);
    assert_state(world, DB, POWER_WAKE_FAILED);
    assert_int_equal(world_power(world, DB)->failure, FAILURE_NO_SIGN);
}

static void test_needed_one_is_ready_already(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, NAS);
    world_visit(world, SITE_DB);
    assert_int_equal(packets_to(world, DB), 1);
    assert_true(is_needed_by(world, NAS, "db"));
    assert_int_equal(packets_to(world, NAS), 0);
}

/* Somebody pressed a button: what it needs is wanted all the same. */
static void test_woken_by_someone_else(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, APP);
    assert_state(world, APP, POWER_READY);
    assert_state(world, NAS, POWER_WAKING);
    assert_true(is_needed_by(world, NAS, "app"));
}

/* It comes by itself while it waits: nothing more is to wait for. */
static void test_up_while_it_waits(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, DB, COMMAND_WAKE, "w1");
    world_advance(world, 10 * SECOND);
    world_probe(world, DB, 0, PROBE_ANSWER);
    world_neighbour(world, DB, MAC_MATCH);
    assert_state(world, DB, POWER_BOOTING);
    assert_int_equal(world_power(world, DB)->wake.deadline, world->now.boot + 180 * SECOND);
    assert_int_equal(world_power(world, DB)->wake.stages[STAGE_FIRST_SIGN], 0);
    world_probe(world, DB, 0, PROBE_PASS);
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
    assert_false(world_power(world, DB)->ever_woken); /* it came without a packet */
}

/* It showed itself and is gone again: before it is powered, what it needs comes first. */
static void test_silent_again_while_the_needed_one_wakes(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, DB, COMMAND_WAKE, "w1");
    world_probe(world, DB, 0, PROBE_ANSWER);
    world_neighbour(world, DB, MAC_MATCH);
    world_silence(world, DB);
    assert_state(world, DB, POWER_WAKING);
    assert_int_equal(packets_to(world, DB), 0);
    const int64_t deadline = world_power(world, DB)->wake.deadline;
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
    assert_int_equal(world_power(world, DB)->wake.deadline, deadline); /* it ends, flap or not */
}

static void test_a_hold_waits_too(void **state)
{
    struct world *world = asleep(state, world_link);

    world_hold(world, DB, "backup", HOUR);
    assert_int_equal(packets_to(world, DB), 0);
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
}

/* Sleeping. */

static void test_sleep_in_reverse(void **state)
{
    struct world *world = all_ready(state);

    const char *why = world_why(world, NAS);
    assert_non_null(strstr(why, "app needs it"));
    assert_non_null(strstr(why, "db needs it"));
    world_advance(world, 20 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    assert_int_equal(world_last(world, ACTION_SLEEP)->action.server, FRONT);
    world_sleep_answer(world, FRONT, SLEEP_ACCEPTED, "");
    world_agent(world, FRONT, AGENT_SLEEPING);
    world_advance(world, 2 * SECOND);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1); /* agreed is not asleep */
    world_silence(world, FRONT);
    assert_state(world, FRONT, POWER_OFF);
    assert_int_equal(world_count(world, ACTION_SLEEP), 3); /* both that nobody needs any more */
    world_fall_asleep(world, APP);
    assert_int_equal(world_count(world, ACTION_SLEEP), 3);
    assert_true(is_needed_by(world, NAS, "db"));
    world_fall_asleep(world, DB);
    assert_int_equal(world_last(world, ACTION_SLEEP)->action.server, NAS);
    assert_int_equal(world_power(world, NAS)->leases->n, 0);
}

/* It still needs what is up, but nothing is woken for it; if it stays up, it is. */
static void test_one_that_falls_asleep_wakes_nobody(void **state)
{
    struct world *world = all_ready(state);

    world_advance(world, 20 * MINUTE);
    world_sleep_answer(world, FRONT, SLEEP_ACCEPTED, "");
    world_agent(world, FRONT, AGENT_SLEEPING);
    assert_state(world, FRONT, POWER_SLEEPING);
    assert_true(is_needed_by(world, DB, "front"));
    world_silence(world, DB); /* it crashes */
    assert_state(world, DB, POWER_UNREACHABLE);
    assert_false(is_needed_by(world, DB, "front"));
    world_forget(world);
    world_advance(world, MINUTE);
    assert_state(world, FRONT, POWER_SLEEPING);
    assert_int_equal(packets_to(world, DB), 0);
    world_agent(world, FRONT, AGENT_ONLINE);
    assert_state(world, FRONT, POWER_READY);
    assert_true(is_needed_by(world, DB, "front"));
    assert_int_equal(packets_to(world, DB), 1);
}

static void test_sleep_command_is_refused_while_needed(void **state)
{
    struct world *world = all_ready(state);

    world_advance(world, 10 * MINUTE);
    world_command(world, NAS, COMMAND_SLEEP, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    assert_non_null(strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                           "app needs it"));
    world_command(world, NAS, COMMAND_RESTART, "r1");
    assert_string_equal(world_outcomes(world, "r1"), "refused ");
}

/* A machine that is up without being ready needs its disk as much as a ready one. */
static void test_needed_while_up_but_failed(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, NAS);
    world_visit(world, SITE_DB);
    world_probe(world, DB, 0, PROBE_ANSWER);
    world_neighbour(world, DB, MAC_MATCH);
    world_advance(world, 180 * SECOND);
    assert_state(world, DB, POWER_WAKE_FAILED);
    assert_true(is_needed_by(world, NAS, "db"));
    world_silence(world, DB);
    assert_false(is_needed_by(world, NAS, "db"));
}

static void test_forced_sleep_of_a_needed_one(void **state)
{
    struct world *world = all_ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    force.force = true;
    world_order(world, NAS, force);
    world_fall_asleep(world, NAS);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    world_advance(world, 10 * MINUTE);
    assert_state(world, NAS, POWER_OFF); /* what stands rests */
    assert_true(is_needed_by(world, NAS, "db"));
    /* db falls, and front needs it: that is a new wake, and what it needs is wanted again */
    world_agent(world, DB, AGENT_SLEEPING);
    world_silence(world, DB);
    assert_state(world, DB, POWER_WAKING);
    assert_state(world, NAS, POWER_WAKING);
}

/* Somebody forces it to sleep while another waits for it: that one's wake fails, and says why. */
static void test_forced_sleep_of_an_awaited_one(void **state)
{
    struct world *world = asleep(state, world_link);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_command(world, DB, COMMAND_WAKE, "w1");
    force.force = true;
    world_order(world, NAS, force);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_state(world, DB, POWER_WAKE_FAILED);
    assert_int_equal(world_power(world, DB)->failure, FAILURE_DEPENDENCY);
    assert_non_null(
        strstr(world_said(world, &world_power(world, DB)->problem), "put to sleep by force"));
}

/* It stays up without its disk, which was put to rest by force, until a visitor comes. */
static void test_at_rest_when_it_is_needed_again(void **state)
{
    struct world *world = all_ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    force.force = true;
    world_order(world, NAS, force);
    world_fall_asleep(world, NAS);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, DB, 0, PROBE_ANSWER);
    assert_state(world, DB, POWER_DEGRADED);
    world_advance(world, 10 * MINUTE);
    assert_state(world, NAS, POWER_OFF);
    world_visit(world, SITE_DB);
    assert_state(world, NAS, POWER_WAKING);
}

/* What it needs failed long ago and is tried again now and then: a new visitor does not wait for
 * that, and is not refused for the sake of the old failure. */
static void test_an_old_failure_is_no_answer(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, DB); /* by its button */
    world_advance(world, 2 * HOUR);
    assert_state(world, NAS, POWER_WAKE_FAILED);
    world_forget(world);
    world_agent(world, DB, AGENT_OFFLINE);
    world_silence(world, DB);
    world_visit(world, SITE_DB);
    assert_state(world, DB, POWER_WAKING);
    assert_int_equal(packets_to(world, NAS), 1);
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
}

/* Failing. */

static void test_failure_goes_up_the_chain(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, FRONT, COMMAND_WAKE, "w1");
    world_advance(world, 180 * SECOND);
    assert_int_equal(world_power(world, NAS)->failure, FAILURE_NO_SIGN);
    for (int i = DB; i <= FRONT; i++) {
        assert_state(world, i, POWER_WAKE_FAILED);
        assert_int_equal(world_power(world, i)->failure, FAILURE_DEPENDENCY);
        assert_int_equal(packets_to(world, i), 0);
        assert_false(world_power(world, i)->wake.open);
    }
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_non_null(strstr(world_said(world, &world_power(world, DB)->problem),
                           "nas, which it needs, did not become ready: not ready after 180 s"));
    assert_int_equal(world_power(world, NAS)->leases->n, 0);
    world_forget(world);
    world_visit(world, SITE_FRONT); /* again, and nobody waits for a back-off */
    assert_int_equal(packets_to(world, NAS), 1);
    assert_state(world, FRONT, POWER_WAKING);
}

static void test_cancel_of_a_needed_one(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, DB, COMMAND_WAKE, "w1");
    world_command(world, NAS, COMMAND_CANCEL, "c1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_int_equal(world_power(world, DB)->failure, FAILURE_DEPENDENCY);
    assert_non_null(strstr(world_said(world, &world_power(world, DB)->problem), "cancelled"));
}

static void test_cancel_releases_those_it_needs(void **state)
{
    struct world *world = asleep(state, world_link);

    world_command(world, DB, COMMAND_WAKE, "w1");
    world_command(world, DB, COMMAND_CANCEL, "c1");
    assert_state(world, DB, POWER_OFF);
    assert_false(is_needed_by(world, NAS, "db"));
    world_up(world, NAS); /* its own wake goes on to its end, nobody is left to need it */
    assert_int_equal(packets_to(world, DB), 0);
}

static void guarded(struct world *world)
{
    world_link(world);
    world->servers[NAS].min_down = 10 * MINUTE;
}

static void test_a_guard_of_a_needed_one(void **state)
{
    struct world *world = asleep(state, guarded);

    world_wake(world, NAS, SECOND);
    world_agent(world, NAS, AGENT_OFFLINE);
    world_silence(world, NAS); /* power cut */
    world_advance(world, 5 * MINUTE);
    world_command(world, DB, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_non_null(strstr(world_said(world, &world_power(world, DB)->problem),
                           "guard min_down refuses until 2026-11-22T10:1"));
    world_forget(world);
    world_advance(world, 5 * MINUTE);
    assert_int_equal(packets_to(world, NAS), 1); /* for the operator, who still wants it */
    world_visit(world, SITE_DB);
    assert_true(is_needed_by(world, NAS, "db"));
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
}

/* A needed one that is up but not ready: somebody waits for it now, and not for ever. */
static void test_needed_one_is_degraded(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, NAS);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, NAS, 0, PROBE_ANSWER);
    assert_state(world, NAS, POWER_DEGRADED);
    world_visit(world, SITE_DB);
    assert_true(world_power(world, NAS)->wake.open);
    world_advance(world, 180 * SECOND);
    assert_int_equal(world_power(world, NAS)->failure, FAILURE_NOT_READY);
    assert_int_equal(world_power(world, DB)->failure, FAILURE_DEPENDENCY);
    assert_int_equal(packets_to(world, DB), 0);
    world_probe(world, NAS, 0, PROBE_PASS);
    world_visit(world, SITE_DB);
    assert_int_equal(packets_to(world, DB), 1);
}

/* It was ready when asked, and is no more before the other one is. */
static void test_needed_one_degrades_while_awaited(void **state)
{
    struct world *world = asleep(state, world_link);

    world_up(world, NAS);
    world_up(world, DB);
    world_visit(world, SITE_FRONT); /* waits for app alone */
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, DB, 0, PROBE_ANSWER);
    assert_state(world, DB, POWER_DEGRADED);
    assert_true(world_power(world, DB)->wake.open);
    world_up(world, APP);
    assert_int_equal(packets_to(world, FRONT), 0);
    world_advance(world, 180 * SECOND);
    assert_int_equal(world_power(world, FRONT)->failure, FAILURE_DEPENDENCY);
}

/* As many holds as there may be leave those who need a server their leases. */
static void crowded(struct world *world)
{
    world->servers[DB].n_depends_on = 0;
    world_depends(world, DB, NAS);
}

static void test_beside_a_crowd_of_holds(void **state)
{
    struct world *world = asleep(state, crowded);
    char name[16];

    for (int i = 0; i < LEASES_ASKED_MAX; i++) {
        snprintf(name, sizeof(name), "h%d", i);
        world_hold(world, NAS, name, 24 * HOUR);
    }
    world_command(world, DB, COMMAND_WAKE, "w1");
    assert_non_null(world_lease(world, NAS, LEASE_DEPENDENT, "db"));
    assert_int_equal(packets_to(world, DB), 0);
    world_advance(world, 180 * SECOND);
    assert_state(world, NAS, POWER_WAKE_FAILED);
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    world_visit(world, SITE_DB);
    assert_state(world, NAS, POWER_WAKING);
    world_forget(world);
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
}

/* Circuit groups. */

static void one_circuit(struct world *world)
{
    for (int i = NAS; i <= FRONT; i++)
        world->servers[i].group = "rack";
}

static int starting(const struct world *world)
{
    int found = MODEL_NONE;

    for (int i = NAS; i <= FRONT; i++) {
        const struct wake *wake = &world_power(world, i)->wake;

        if (!wake->open || wake->wait != WAIT_NOTHING)
            continue;
        assert_int_equal(found, MODEL_NONE);
        found = i;
    }
    return found;
}

static void visit_all(struct world *world)
{
    for (int i = 0; i < 4; i++)
        world_visit(world, SITE_NAS + i);
}

static void test_one_start_at_a_time(void **state)
{
    struct world *world = asleep(state, one_circuit);

    visit_all(world);
    assert_int_equal(world_power(world, DB)->wake.wait, WAIT_TURN);
    assert_non_null(strstr(world_said(world, &world_power(world, DB)->reason),
                           "nas starts on the same circuit (rack)"));
    for (int i = 0; i < 4; i++) {
        const int server = starting(world);

        assert_int_not_equal(server, MODEL_NONE);
        world_advance(world, 5 * SECOND);
        assert_int_equal(starting(world), server);
        world_up(world, server);
        assert_state(world, server, POWER_READY);
        assert_int_equal(world_power(world, server)->last_boot, 5 * SECOND);
    }
    assert_int_equal(starting(world), MODEL_NONE);
}

static void test_a_failed_start_hands_on(void **state)
{
    struct world *world = asleep(state, one_circuit);

    visit_all(world);
    for (int i = 0; i < 4; i++) {
        const int server = starting(world);

        assert_int_not_equal(server, MODEL_NONE);
        world_advance(world, 180 * SECOND);
        assert_state(world, server, POWER_WAKE_FAILED);
    }
    for (int i = NAS; i <= FRONT; i++)
        assert_state(world, i, POWER_WAKE_FAILED);
}

/* Whoever asked first starts first, in the same millisecond too, and whoever leaves is passed over.
 */
static void test_turns_come_in_the_order_of_asking(void **state)
{
    static const int asked[][4] = {
        {FRONT, APP, DB, NAS}, {DB, FRONT, NAS, APP}, {APP, NAS, FRONT, DB}, {NAS, DB, APP, FRONT}};

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        for (int leaves = 0; leaves < 4; leaves++) {
            struct world *world = asleep(state, one_circuit);

            for (int k = 0; k < 4; k++)
                world_command(world, asked[i][k], COMMAND_WAKE, "w");
            if (leaves > 0)
                world_command(world, asked[i][leaves], COMMAND_CANCEL, "c");
            for (int k = 0; k < 4; k++) {
                if (leaves > 0 && k == leaves)
                    continue;
                assert_int_equal(starting(world), asked[i][k]);
                world_up(world, asked[i][k]);
            }
            assert_int_equal(starting(world), MODEL_NONE);
            world_finish(state);
        }
    *state = NULL;
}

/* One that never comes is tried for ever; the others have their turns between its tries. */
static void test_everyone_gets_a_turn(void **state)
{
    struct world *world = asleep(state, one_circuit);

    world_policy(world, NAS, POLICY_ALWAYS_ON);
    world_visit(world, SITE_DB);
    world_visit(world, SITE_APP);
    for (int i = 0; i < 600 && (packets_to(world, DB) == 0 || packets_to(world, APP) == 0); i++)
        world_advance(world, SECOND);
    assert_true(packets_to(world, DB) > 0);
    assert_true(packets_to(world, APP) > 0);
}

static void test_cancel_while_waiting_for_a_turn(void **state)
{
    struct world *world = asleep(state, one_circuit);

    world_visit(world, SITE_NAS);
    world_command(world, DB, COMMAND_WAKE, "w1");
    world_visit(world, SITE_APP);
    world_command(world, DB, COMMAND_CANCEL, "c1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_state(world, DB, POWER_OFF);
    assert_int_equal(starting(world), NAS); /* it had no turn to hand on */
    world_up(world, NAS);
    assert_int_equal(starting(world), APP);
    assert_int_equal(packets_to(world, DB), 0);
}

static void test_cancel_of_the_one_that_starts(void **state)
{
    struct world *world = asleep(state, one_circuit);

    world_command(world, NAS, COMMAND_WAKE, "w1");
    world_visit(world, SITE_DB);
    world_command(world, NAS, COMMAND_CANCEL, "c1");
    assert_int_equal(starting(world), DB);
}

/* It says goodbye while it boots: its turn is over. */
static void test_goodbye_hands_on(void **state)
{
    struct world *world = asleep(state, one_circuit);

    world_visit(world, SITE_NAS);
    world_visit(world, SITE_DB);
    world_probe(world, NAS, 0, PROBE_ANSWER);
    world_neighbour(world, NAS, MAC_MATCH);
    world_agent(world, NAS, AGENT_SLEEPING);
    assert_int_equal(starting(world), DB);
    world_silence(world, NAS);
    assert_int_equal(world_power(world, NAS)->wake.wait, WAIT_TURN);
    world_up(world, DB);
    assert_int_equal(starting(world), NAS);
}

/* Up all the time and then gone: the packets that follow take their turn like any others. */
static void test_silence_takes_a_turn(void **state)
{
    struct world *world = asleep(state, one_circuit);

    world_up(world, DB);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, DB, 0, PROBE_ANSWER);
    world_visit(world, SITE_DB);
    world_visit(world, SITE_NAS);
    assert_int_equal(packets_to(world, NAS), 1);
    world_agent(world, DB, AGENT_OFFLINE);
    world_silence(world, DB);
    assert_state(world, DB, POWER_WAKING);
    assert_int_equal(packets_to(world, DB), 0);
    world_up(world, NAS);
    assert_int_equal(packets_to(world, DB), 1);
}

/* The same circuit and a dependency: the one that is needed has the turn first. */
static void rack_of_dependents(struct world *world)
{
    one_circuit(world);
    world_link(world);
}

static void test_dependencies_on_one_circuit(void **state)
{
    struct world *world = asleep(state, rack_of_dependents);
    int last = MODEL_NONE;

    world_visit(world, SITE_FRONT);
    for (int i = 0; i < 4; i++) {
        last = starting(world);
        assert_int_not_equal(last, MODEL_NONE);
        assert_true(i > 0 || last == NAS);
        world_advance(world, 5 * SECOND);
        world_up(world, last);
    }
    assert_int_equal(last, FRONT);
    assert_state(world, FRONT, POWER_READY);
}

/* It had the turn, and now waits for the one it needs: that one has to start on the same circuit.
 */
static void pair_on_one_circuit(struct world *world)
{
    one_circuit(world);
    world_depends(world, DB, NAS);
}

static void test_a_turn_is_not_held_while_waiting(void **state)
{
    struct world *world = asleep(state, pair_on_one_circuit);

    world_up(world, NAS);
    world_visit(world, SITE_DB);
    assert_int_equal(starting(world), DB);
    world_probe(world, DB, 0, PROBE_ANSWER);
    world_neighbour(world, DB, MAC_MATCH);
    world_agent(world, NAS, AGENT_OFFLINE);
    world_silence(world, NAS);
    world_silence(world, DB);
    assert_int_equal(world_power(world, DB)->wake.wait, WAIT_DEPENDENCY);
    world_advance(world, 30 * SECOND); /* nas is tried again */
    assert_int_equal(starting(world), NAS);
    world_up(world, NAS);
    assert_int_equal(starting(world), DB);
}

/* It waits for its turn, and meanwhile what it needs is gone and does not come back. */
static void test_needed_one_fails_during_the_turn_of_another(void **state)
{
    struct world *world = world_new(NULL);

    *state = world;
    fleet_destroy(world->fleet);
    world_depends(world, DB, NAS);
    world->servers[DB].group = world->servers[APP].group = "rack";
    world_begin(world);
    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_up(world, NAS);
    world->servers[APP].wake.timeout = 30 * MINUTE;
    world_command(world, APP, COMMAND_WAKE, "w0");
    world_command(world, DB, COMMAND_WAKE, "w1");
    assert_int_equal(world_power(world, DB)->wake.wait, WAIT_TURN);
    world_agent(world, NAS, AGENT_OFFLINE);
    world_silence(world, NAS);
    world_advance(world, 4 * MINUTE);
    assert_state(world, NAS, POWER_WAKE_FAILED);
    world_command(world, APP, COMMAND_CANCEL, "");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_int_equal(world_power(world, DB)->failure, FAILURE_DEPENDENCY);
}

/* Nobody waits for ever, whatever it is that does not come. */
static void circle(struct world *world) /* the configuration refuses it; the core bears it */
{
    world_depends(world, NAS, DB);
    world_depends(world, DB, NAS);
}

static void test_a_circle_ends(void **state)
{
    struct world *world = asleep(state, circle);

    world_command(world, NAS, COMMAND_WAKE, "w1");
    world_advance(world, HOUR);
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_int_equal(world_power(world, NAS)->failure, FAILURE_DEPENDENCY);
    assert_non_null(strstr(world_said(world, &world_power(world, NAS)->problem),
                           "given up: it still waits for "));
}

#define TEST(test_) cmocka_unit_test_teardown(test_, world_finish)

static void two_circuits(struct world *world)
{
    static const char *const groups[] = {"rack", "shelf", "rack", "shelf"};

    for (int i = NAS; i <= FRONT; i++)
        world->servers[i].group = groups[i - NAS];
}

/* Those of one circuit wait for each other, and not for those of another, in whatever order they
 * are named. */
static void test_two_circuits(void **state)
{
    struct world *world = asleep(state, two_circuits);

    visit_all(world);
    for (int i = NAS; i <= FRONT; i++)
        assert_int_equal(world_power(world, i)->wake.wait,
                         i == NAS || i == DB ? WAIT_NOTHING : WAIT_TURN);
    world_advance(world, SECOND);
    world_up(world, DB);
    assert_int_equal(world_power(world, APP)->wake.wait, WAIT_TURN);
    assert_int_equal(world_power(world, FRONT)->wake.wait, WAIT_NOTHING);
    world_up(world, NAS);
    assert_int_equal(world_power(world, APP)->wake.wait, WAIT_NOTHING);
}

/* After a failure a needed server is no longer awaited, unless it is up or on its way. */
static void test_who_will_not_come(void **state)
{
    static const struct {
        struct power power;
        bool lost;
    } rows[] = {
        {{.state = POWER_OFF}, false},
        {{.state = POWER_OFF, .failure = FAILURE_NO_SIGN}, true},
        {{.state = POWER_OFF, .guard = {GUARD_MIN_DOWN, 1}}, true},
        {{.state = POWER_OFF, .resting = true}, true},
        {{.state = POWER_OFF, .resting = true, .evidence = {.alive = true}}, false},
        {{.state = POWER_READY, .failure = FAILURE_NO_SIGN}, false},
        {{.state = POWER_SLEEPING, .failure = FAILURE_NO_SIGN}, false},
        {{.state = POWER_OFF, .failure = FAILURE_NO_SIGN, .wake = {.open = true}}, false},
        {{.state = POWER_OFF, .failure = FAILURE_NO_SIGN, .wake = {.queued = true}}, false},
        {{.state = POWER_OFF, .failure = FAILURE_NO_SIGN, .asked = true}, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (depend_will_not_come(&rows[i].power) != rows[i].lost)
            fail_msg("row %zu", i);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_circuits),
        TEST(test_who_will_not_come),
        TEST(test_woken_first),
        TEST(test_the_deadline_begins_with_the_packet),
        TEST(test_needed_one_is_ready_already),
        TEST(test_woken_by_someone_else),
        TEST(test_up_while_it_waits),
        TEST(test_silent_again_while_the_needed_one_wakes),
        TEST(test_a_hold_waits_too),
        TEST(test_sleep_in_reverse),
        TEST(test_one_that_falls_asleep_wakes_nobody),
        TEST(test_sleep_command_is_refused_while_needed),
        TEST(test_needed_while_up_but_failed),
        TEST(test_forced_sleep_of_a_needed_one),
        TEST(test_forced_sleep_of_an_awaited_one),
        TEST(test_at_rest_when_it_is_needed_again),
        TEST(test_an_old_failure_is_no_answer),
        TEST(test_failure_goes_up_the_chain),
        TEST(test_cancel_of_a_needed_one),
        TEST(test_cancel_releases_those_it_needs),
        TEST(test_a_guard_of_a_needed_one),
        TEST(test_needed_one_is_degraded),
        TEST(test_needed_one_degrades_while_awaited),
        TEST(test_beside_a_crowd_of_holds),
        TEST(test_one_start_at_a_time),
        TEST(test_a_failed_start_hands_on),
        cmocka_unit_test(test_turns_come_in_the_order_of_asking),
        TEST(test_everyone_gets_a_turn),
        TEST(test_cancel_while_waiting_for_a_turn),
        TEST(test_cancel_of_the_one_that_starts),
        TEST(test_goodbye_hands_on),
        TEST(test_silence_takes_a_turn),
        TEST(test_dependencies_on_one_circuit),
        TEST(test_a_turn_is_not_held_while_waiting),
        TEST(test_needed_one_fails_during_the_turn_of_another),
        TEST(test_a_circle_ends),
    };
    alarm(60); /* a tick that never ends is a failure too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
