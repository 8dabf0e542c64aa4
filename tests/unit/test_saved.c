#include "base/array.h"
#include "core/adopt.h"
#include "core/facts/look.h"
#include "core/saved.h"
#include "core/state.h"
#include "fleet_fixture.h"

static struct fleet *other_fleet(struct world *world, const struct model *model)
{
    const struct fleet_sink sink = {.act = world_act, .context = world};
    struct fleet *fleet;

    assert_int_equal(fleet_create(model, &sink, world->now, &fleet), 0);
    fleet_set_zones(fleet, &world->zones);
    return fleet;
}

static void change_over(struct world *world, struct fleet *fleet)
{
    fleet_destroy(world->fleet);
    world->fleet = fleet;
    world_forget(world);
    fleet_start(fleet, world->now);
    fleet_tick(fleet, world->now);
}

/* Hall is away for so long by the wall clock, and there again at this time of the boot clock. */
static void restart_by(struct world *world, int64_t away, int64_t boot, bool trusted)
{
    struct saved saved[WORLD_SERVERS];

    for (int i = 0; i < WORLD_SERVERS; i++)
        assert_int_equal(fleet_save(world->fleet, i, world->now, &saved[i]), 0);
    world->now.boot = boot;
    world->now.wall += away;
    struct fleet *fleet = other_fleet(world, &world->model);
    fleet_trust_clock(fleet, trusted);
    for (int i = 0; i < WORLD_SERVERS; i++)
        fleet_restore(fleet, i, world->now, &saved[i]);
    for (int i = 0; i < WORLD_SERVERS; i++)
        saved_finish(&saved[i]);
    change_over(world, fleet);
}

static void restart(struct world *world, int64_t away, int64_t boot)
{
    restart_by(world, away, boot, true);
}

static void kill_hall(struct world *world, int64_t away)
{
    restart(world, away, world->now.boot + away);
}

static void adopt(struct world *world, const struct model *model)
{
    struct fleet *fleet = other_fleet(world, model);

    assert_int_equal(fleet_adopt(fleet, world->fleet, world->now), 0);
    change_over(world, fleet);
}

static const struct lease *hold_of(const struct world *world, const char *name)
{
    return world_lease(world, ERP, LEASE_HOLD, name);
}

static void open_wake(struct world *world)
{
    world_silence(world, ERP);
    world_command(world, ERP, COMMAND_WAKE, "w");
    assert_true(world_power(world, ERP)->wake.open);
}

/* erp, up after a wake and then asked to sleep and agreed. */
static void agree_to_sleep(struct world *world)
{
    open_wake(world);
    world_advance(world, 10 * SECOND);
    world_up(world, ERP);
    world_advance(world, 10 * MINUTE);
    world_command(world, ERP, COMMAND_SLEEP, "s");
    world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
    assert_state(world, ERP, POWER_SLEEPING);
}

/* A wake goes on: same id, next packet in time, the same end. */
static void test_wake_goes_on(void **state)
{
    struct world *world = *state;
    char id[COMMAND_ID_SIZE];

    open_wake(world);
    world_advance(world, 5 * SECOND);
    memcpy(id, world_power(world, ERP)->wake.id, sizeof(id));
    const int64_t left = world_power(world, ERP)->wake.deadline - world->now.boot;
    kill_hall(world, 2 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
    assert_string_equal(world_power(world, ERP)->wake.id, id);
    assert_int_equal(world_power(world, ERP)->wake.deadline - world->now.boot, left - 2 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 6 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_int_equal(world_last(world, ACTION_PACKET)->action.packet.number, 4);
    world_up(world, ERP);
    assert_state(world, ERP, POWER_READY);
    assert_string_equal(world_outcomes(world, "w"), "done ");
}

/* After a reboot most times lie before the boot: what was due is due now. */
static void test_wake_goes_on_after_reboot(void **state)
{
    struct world *world = *state;

    open_wake(world);
    world_advance(world, 5 * SECOND);
    restart(world, 50 * SECOND, 20 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    world_advance(world, 11 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 2);
    world_advance(world, 3 * MINUTE);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    assert_string_equal(world_outcomes(world, "w"), "failed ");
}

/* Its time was over while Hall was away: one look, and then it has failed. */
static void test_wake_ends_after_long(void **state)
{
    struct world *world = *state;

    open_wake(world);
    restart(world, 5 * HOUR, 20 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
    world_advance(world, LOOK_LASTS - 1);
    assert_string_equal(world_outcomes(world, "w"), "");
    world_advance(world, 1);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    assert_string_equal(world_outcomes(world, "w"), "failed ");
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* It came while Hall was away: when, nobody knows. */
static void test_wake_that_came_meanwhile(void **state)
{
    struct world *world = *state;

    open_wake(world);
    restart(world, 5 * HOUR, 20 * SECOND);
    world_advance(world, SECOND);
    world_up(world, ERP);
    assert_state(world, ERP, POWER_READY);
    assert_string_equal(world_outcomes(world, "w"), "done ");
    assert_int_equal(world_power(world, ERP)->last_boot, -1);
    assert_int_equal(history_median(&world_power(world, ERP)->history, WAKE_COLD), -1);
    assert_true(world_power(world, ERP)->ever_woken);
}

/* Hall stood still, its machine asleep or itself stopped, past the end of a wake. */
static void test_hall_stood_still(void **state)
{
    for (int up = 0; up < 2; up++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        open_wake(world);
        world->now.boot += HOUR;
        world->now.wall += HOUR;
        fleet_tick(world->fleet, world->now);
        assert_state(world, ERP, POWER_WAKING);
        world_advance(world, SECOND);
        if (up)
            world_up(world, ERP);
        world_advance(world, LOOK_LASTS);
        assert_string_equal(world_outcomes(world, "w"), up ? "accepted done " : "accepted failed ");
        assert_int_equal(world_power(world, ERP)->last_boot, -1);
    }
}

static void stand_still(struct world *world, int64_t ms)
{
    const int64_t since = world->now.boot;

    world->now.boot += ms;
    world->now.wall += ms;
    fleet_stood_still(world->fleet, world->now, since);
}

/* What was only half seen before it counts for nothing; what it ends is judged after a look. */
static void test_hall_stood_still_while_it_went(void **state)
{
    struct world *world = *state;

    agree_to_sleep(world);
    world_advance(world, 40 * SECOND);
    world_probe(world, ERP, 0, PROBE_MISS);
    world_probe(world, ERP, 0, PROBE_MISS);
    stand_still(world, 19 * SECOND); /* its time ends one second later */
    assert_false(world_power(world, ERP)->wake.deserted);
    world_probe(world, ERP, 0, PROBE_MISS);
    assert_state(world, ERP, POWER_SLEEPING);
    world_advance(world, LOOK_LASTS - 1);
    assert_string_equal(world_outcomes(world, "s"), "accepted ");
    world_probe(world, ERP, 0, PROBE_MISS);
    world_probe(world, ERP, 0, PROBE_MISS);
    assert_state(world, ERP, POWER_OFF);
    assert_string_equal(world_outcomes(world, "s"), "accepted done ");
}

/* An answer that was awaited is no sign of life any longer; but silence must be proven. */
static void test_hall_stood_still_over_a_question(void **state)
{
    struct world *world = *state;

    agree_to_sleep(world);
    world_probe(world, ERP, 0, PROBE_PENDING);
    stand_still(world, 19 * SECOND);
    assert_false(world_power(world, ERP)->evidence.checks[0].pending);
    assert_state(world, ERP, POWER_SLEEPING);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_OFF);
}

/* Who uses it could not be seen either. */
static void test_hall_stood_still_while_it_was_used(void **state)
{
    struct world *world = *state;

    open_wake(world);
    world_advance(world, 10 * SECOND);
    world_up(world, ERP);
    world_visit(world, SITE_ERP);
    stand_still(world, HOUR);
    assert_true(world_power(world, ERP)->wake.deserted);
    world_pass(world, ERP);
    world_advance(world, LOOK_LASTS - 1);
    assert_int_equal(world_power(world, ERP)->leases->n, 0);
    assert_int_equal(world_power(world, ERP)->sleep.phase, SLEEP_NONE);
    world_advance(world, 1);
    assert_int_equal(world_power(world, ERP)->sleep.phase, SLEEP_PROPOSED);
}

/* A Pi without a clock of its own may wake up in the past: no deadline moves away for it. */
static void test_clock_went_back(void **state)
{
    struct world *world = *state;

    open_wake(world);
    world_hold(world, ERP, "backup", HOUR);
    restart(world, INT64_C(-300) * 24 * HOUR, 20 * SECOND);
    assert_int_equal(world_power(world, ERP)->wake.deadline - world->now.boot, 180 * SECOND);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, HOUR);
    world_advance(world, 4 * MINUTE);
    assert_string_equal(world_outcomes(world, "w"), "failed ");
    world_set_clock(world, WORLD_START + HOUR);
    world_advance(world, 2 * HOUR);
    assert_null(hold_of(world, "backup"));
}

/* Its machine has no clock of its own: how long it was away nobody knows yet. What had just failed,
 * or had just fallen asleep, may have done so long ago. */
static void test_how_long_ago_is_not_known(void **state)
{
    static const struct {
        int64_t boot; /* 0: of the same boot */
        bool trusted, tries;
    } rows[] = {{20 * SECOND, false, true}, {20 * SECOND, true, false}, {0, false, false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_silence(world, ERP);
        world_hold(world, ERP, "backup", 9 * HOUR);
        for (int k = 0; k < 4; k++)
            world_advance(world, 30 * MINUTE);
        while (world_power(world, ERP)->wake.open)
            world_advance(world, MINUTE);
        world->fleet->powers[TESTING].rousing.slept = world->now.boot;
        const int64_t retry = world_power(world, ERP)->retry_at - world->now.boot;

        assert_true(retry > 10 * MINUTE);
        restart_by(world, SECOND, rows[i].boot ? rows[i].boot : world->now.boot + SECOND,
                   rows[i].trusted);
        world_silence(world, ERP);
        assert_state(world, ERP, rows[i].tries ? POWER_WAKING : POWER_OFF);
        assert_int_equal(world_power(world, TESTING)->rousing.slept == 0, rows[i].tries);
        assert_int_equal(world_count(world, ACTION_PACKET), rows[i].tries);
    }
}

/* The clock was in the past when it was saved: all that had an end has ended. */
static void test_clock_went_forward(void **state)
{
    struct world *world = *state;

    world_set_clock(world, 86400000); /* 1970 */
    open_wake(world);
    world_hold(world, ERP, "backup", HOUR);
    world_keep_awake(world, ERP, true);
    restart(world, WORLD_START, 20 * SECOND);
    world_advance(world, LOOK_LASTS);
    assert_int_equal(world_power(world, ERP)->failure, FAILURE_NO_SIGN);
    assert_string_equal(world_outcomes(world, "w"), "failed ");
    assert_null(hold_of(world, "backup"));
    assert_true(hold_of(world, "keep_awake")->until == LEASE_FOREVER);
}

/* Times that were never set stay so; those that have no end have none. */
static void test_edges_of_time(void **state)
{
    struct world *world = *state;
    struct saved saved;

    world_silence(world, ERP);
    world_keep_awake(world, ERP, true);
    assert_int_equal(fleet_save(world->fleet, ERP, world->now, &saved), 0);
    assert_int_equal(saved.at, world->now.wall);
    assert_int_equal(saved.up_since, 0);
    assert_int_equal(saved.sleep.started, 0);
    assert_true(saved.leases.leases[0].until == LEASE_FOREVER);
    saved_finish(&saved);
    restart(world, MINUTE, 20 * SECOND);
    assert_int_equal(world_power(world, ERP)->up_since, 0);
    assert_int_equal(world_power(world, ERP)->sleep.started, 0);
    assert_true(hold_of(world, "keep_awake")->until == LEASE_FOREVER);
    assert_int_equal(hold_of(world, "keep_awake")->since, 20 * SECOND - MINUTE);
}

/* Who was up is unknown until seen, but its run goes on; and if it is not there, it crashed. */
static void test_up_over_a_reboot(void **state)
{
    struct world *world = *state;

    world_up(world, ERP);
    world_advance(world, 3 * HOUR);
    restart(world, MINUTE, 20 * SECOND);
    assert_state(world, ERP, POWER_UNKNOWN);
    assert_true(world_power(world, ERP)->up_since > 0);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_OFF);
    assert_int_equal(world_power(world, ERP)->up_since, 0);
    assert_int_equal(world_power(world, ERP)->down_since, world->now.boot);
}

/* A sleep that was agreed is proven anew, and no stray sign says otherwise. */
static void test_sleeping_stays(void **state)
{
    struct world *world = *state;

    agree_to_sleep(world);
    restart(world, 20 * SECOND, 20 * SECOND);
    assert_state(world, ERP, POWER_SLEEPING);
    world_probe(world, ERP, 0, PROBE_PASS);
    world_neighbour(world, ERP, MAC_MATCH);
    assert_state(world, ERP, POWER_SLEEPING);
    for (int i = 1; i <= EVIDENCE_MISSES; i++) {
        assert_state(world, ERP, POWER_SLEEPING);
        world_probe(world, ERP, 0, PROBE_MISS);
    }
    assert_state(world, ERP, POWER_OFF);
    assert_string_equal(world_outcomes(world, "s"), "done ");
    assert_true(world_power(world, ERP)->said_goodbye);
}

/* One that agreed and stays up all the same is found out. */
static void test_sleeping_fails(void **state)
{
    struct world *world = *state;

    agree_to_sleep(world);
    kill_hall(world, SECOND);
    world_advance(world, MINUTE);
    assert_state(world, ERP, POWER_READY);
    assert_string_equal(world_outcomes(world, "s"), "failed ");
    world_silence(world, ERP); /* it took a little longer */
    assert_state(world, ERP, POWER_OFF);
}

/* A visitor waits for the end of a guard, and Hall is away before it, over it, or comes back to a
 * server that is up by then. */
static void test_who_waits_for_a_guard(void **state)
{
    enum then { BEFORE, AFTER, UP };

    for (int then = BEFORE; then <= UP; then++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world->servers[ERP].min_down = 10 * MINUTE;
        world_silence(world, ERP);
        world_wake(world, ERP, SECOND);
        world_silence(world, ERP);
        assert_state(world, ERP, POWER_UNREACHABLE);
        world_visit(world, SITE_ERP);
        assert_int_equal(world_power(world, ERP)->guard.kind, GUARD_MIN_DOWN);
        const int64_t until = world_power(world, ERP)->guard.until;

        kill_hall(world, then == BEFORE ? SECOND : 11 * MINUTE);
        assert_int_equal(world_power(world, ERP)->guard.until, until);
        assert_int_equal(world_count(world, ACTION_PACKET), 0);
        if (then == UP)
            world_pass(world, ERP);
        else
            world_silence(world, ERP);
        assert_int_equal(world_count(world, ACTION_PACKET), then == AFTER);
        world_advance(world, 10 * MINUTE);
        assert_int_equal(world_count(world, ACTION_PACKET) > 0, then != UP);
        assert_int_equal(world_power(world, ERP)->guard.kind, GUARD_NONE);
    }
}

/* A visitor waits for a project of a server that is up, and Hall ends: its containers are started
 * all the same. */
static void test_who_waits_for_a_project(void **state)
{
    for (int waits = 0; waits < 2; waits++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_silence(world, TESTING);
        world_wake(world, TESTING, 10 * SECOND);
        world_containers(world, TESTING, "client1-web exited -");
        if (waits)
            world_visit(world, SITE_CLIENT1);
        kill_hall(world, SECOND);
        world_agent(world, TESTING, AGENT_ONLINE);
        world_containers(world, TESTING, "client1-web exited -");
        world_up(world, TESTING);
        assert_int_equal(world_count(world, ACTION_PROJECT), waits);
    }
}

/* After a goodbye it is told as it is, and Hall begins again: the broker repeats the goodbye, which
 * says nothing of what is. Its silence is no crash, and what stands does not undo the force. */
static void test_a_goodbye_that_lasts(void **state)
{
    struct world *world = *state;
    struct command sleep = world_new_command(COMMAND_SLEEP, "s");

    world_policy(world, ERP, POLICY_ALWAYS_ON);
    world_wake(world, ERP, 30 * SECOND);
    world_advance(world, 10 * MINUTE);
    sleep.force = true;
    world_order(world, ERP, sleep);
    world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
    world_agent(world, ERP, AGENT_SLEEPING);
    world_advance(world, MINUTE);
    kill_hall(world, SECOND); /* while it counts as asleep */
    world_agent(world, ERP, AGENT_SLEEPING);
    world_pass(world, ERP);
    assert_state(world, ERP, POWER_SLEEPING);
    world_advance(world, 10 * MINUTE);
    assert_state(world, ERP, POWER_READY);
    assert_string_equal(world_outcomes(world, "s"), "failed ");
    kill_hall(world, SECOND); /* and while it counts as up */
    world_agent(world, ERP, AGENT_SLEEPING);
    assert_state(world, ERP, POWER_UNKNOWN);
    world_pass(world, ERP);
    assert_state(world, ERP, POWER_READY);
    world_forget(world);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_OFF);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    world_advance(world, HOUR);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* Its time is over when Hall is back: what is seen then decides, and nothing before. */
static void test_sleeping_past_its_end(void **state)
{
    enum seen { SILENT, ANSWERS, ONLINE, GOODBYE };
    static const struct {
        enum sleep_via via;
        enum seen seen;
        const char *outcome;
        enum power_state state;
    } rows[] = {
        {SLEEP_VIA_AGENT, SILENT, "done ", POWER_OFF},
        {SLEEP_VIA_SSH, SILENT, "done ", POWER_OFF},
        {SLEEP_VIA_AGENT, GOODBYE, "done ", POWER_OFF},
        {SLEEP_VIA_SSH, ANSWERS, "failed ", POWER_READY},
        {SLEEP_VIA_AGENT, ANSWERS, "failed ", POWER_READY},
        {SLEEP_VIA_AGENT, ONLINE, "failed ", POWER_READY},
    };
    enum { RESTARTED, STOPPED };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int how = RESTARTED; how <= STOPPED; how++) {
            world_finish(state);
            struct world *world = *state = world_new(NULL);

            world->servers[ERP].sleep.via = rows[i].via;
            agree_to_sleep(world);
            if (how == RESTARTED) {
                restart(world, 90 * SECOND, world->now.boot + 90 * SECOND);
            } else {
                world_forget(world);
                world->now.boot += 90 * SECOND;
                world->now.wall += 90 * SECOND;
                fleet_tick(world->fleet, world->now);
            }
            assert_state(world, ERP, POWER_SLEEPING);
            assert_string_equal(world_outcomes(world, "s"), "");
            if (rows[i].seen == GOODBYE)
                world_agent(world, ERP, AGENT_SLEEPING);
            if (rows[i].seen == SILENT || rows[i].seen == GOODBYE)
                world_silence(world, ERP);
            else
                world_pass(world, ERP);
            if (rows[i].seen == ONLINE && how == RESTARTED)
                world_agent(world, ERP, AGENT_ONLINE);
            world_advance(world, LOOK_LASTS);
            assert_string_equal(world_outcomes(world, "s"), rows[i].outcome);
            assert_state(world, ERP, rows[i].state);
        }
}

/* A wake that waits for silence still does. */
static void test_queued_wake(void **state)
{
    struct world *world = *state;

    agree_to_sleep(world);
    world_command(world, ERP, COMMAND_WAKE, "again");
    kill_hall(world, SECOND);
    assert_state(world, ERP, POWER_SLEEPING);
    assert_true(world_power(world, ERP)->wake.queued);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "again"), "done ");
}

/* Unless all who wanted it have gone while Hall was away. */
static void test_a_queued_wake_that_nobody_wants(void **state)
{
    static const struct {
        int64_t away, boot; /* 0: of the same boot */
        bool commanded, wakes;
    } rows[] = {
        {2 * HOUR, 0, false, false}, {2 * HOUR, 30 * SECOND, false, false},
        {2 * HOUR, 0, true, true},   {2 * HOUR, 30 * SECOND, true, true},
        {MINUTE, 0, false, true}, /* the visitor's idle time goes on */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        agree_to_sleep(world);
        if (rows[i].commanded)
            world_command(world, ERP, COMMAND_WAKE, "again");
        else
            world_visit(world, SITE_ERP);
        assert_true(world_power(world, ERP)->wake.queued);
        restart(world, rows[i].away, rows[i].boot ? rows[i].boot : world->now.boot + rows[i].away);
        assert_state(world, ERP, POWER_SLEEPING);
        assert_int_equal(world_power(world, ERP)->wake.queued, rows[i].wakes);
        world_silence(world, ERP);
        assert_state(world, ERP, rows[i].wakes ? POWER_WAKING : POWER_OFF);
        assert_int_equal(world_count(world, ACTION_PACKET), rows[i].wakes);
    }
}

/* Nor begins one that waited for others: Hall was stopped, or stood still. */
static void test_a_waiting_wake_that_nobody_wants(void **state)
{
    for (int still = 0; still < 2; still++) {
        world_finish(state);
        struct world *world = *state = world_new(world_link);

        for (int i = 0; i < WORLD_SERVERS; i++)
            world_silence(world, i);
        world_visit(world, SITE_APP);
        assert_int_equal(world_power(world, APP)->wake.wait, WAIT_DEPENDENCY);
        world_forget(world);
        if (still) {
            world->now.boot += 40 * MINUTE;
            world->now.wall += 40 * MINUTE;
        } else {
            kill_hall(world, 40 * MINUTE);
        }
        world_up(world, NAS);
        assert_state(world, NAS, POWER_READY);
        assert_int_equal(world_count(world, ACTION_PACKET), 0);
        assert_state(world, APP, POWER_OFF);
        assert_int_equal(world_power(world, APP)->failure, FAILURE_NONE);
    }
}

/* Of what was only proposed the answer may be lost: what is seen tells it. */
static void test_a_proposal_over_a_restart(void **state)
{
    enum seen { NOTHING, SILENCE, GOODBYE, ACCEPTED, VETOED };
    static const struct {
        enum seen seen;
        const char *outcomes;
        enum power_state state;
    } rows[] = {
        {NOTHING, "refused ", POWER_READY},     {SILENCE, "accepted done ", POWER_OFF},
        {GOODBYE, "accepted done ", POWER_OFF}, {ACCEPTED, "accepted done ", POWER_OFF},
        {VETOED, "refused ", POWER_READY},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int64_t away = SECOND; away <= HOUR; away += HOUR - SECOND) {
            world_finish(state);
            struct world *world = *state = world_new(NULL);

            open_wake(world);
            world_up(world, ERP);
            world_advance(world, 10 * MINUTE);
            world_command(world, ERP, COMMAND_SLEEP, "s");
            kill_hall(world, away);
            assert_string_equal(world_outcomes(world, "s"), "");
            if (rows[i].seen == GOODBYE)
                world_agent(world, ERP, AGENT_SLEEPING);
            if (rows[i].seen == ACCEPTED)
                world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
            if (rows[i].seen == VETOED)
                world_sleep_answer(world, ERP, SLEEP_VETOED, "apt is running");
            if (rows[i].seen == NOTHING || rows[i].seen == VETOED)
                world_up(world, ERP);
            else
                world_silence(world, ERP);
            world_advance(world, LOOK_LASTS);
            assert_string_equal(world_outcomes(world, "s"), rows[i].outcomes);
            assert_state(world, ERP, rows[i].state);
            assert_int_equal(world_power(world, ERP)->sleep.phase, SLEEP_NONE);
        }
}

/* A restart that was only proposed, and is under way: it is woken again as it was meant to be. */
static void test_a_proposed_restart_over_a_restart(void **state)
{
    struct world *world = *state;

    open_wake(world);
    world_up(world, ERP);
    world_advance(world, 10 * MINUTE);
    world_command(world, ERP, COMMAND_RESTART, "r");
    kill_hall(world, SECOND);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "r"), "accepted done ");
}

/* An id that was answered is answered again, not run again. */
static void test_commands_are_remembered(void **state)
{
    struct world *world = *state;

    world_up(world, ERP);
    world_command(world, ERP, COMMAND_WAKE, "done before");
    restart(world, MINUTE, 20 * SECOND);
    world_command(world, ERP, COMMAND_WAKE, "done before");
    assert_string_equal(world_outcomes(world, "done before"), "done ");
    assert_int_equal(world_count_event(world, HAPPENED_WAKE_REQUESTED), 0);
}

/* All that are open stay, and the latest others. */
static void test_which_commands_are_kept(void **state)
{
    struct world *world = *state;
    struct saved saved;
    char id[16];

    open_wake(world);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "k%d", i);
        world_command(world, ERP, COMMAND_IDLE, id);
        snprintf(id, sizeof(id), "w%d", i);
        world_command(world, ERP, COMMAND_WAKE, id);
    }
    assert_int_equal(fleet_save(world->fleet, ERP, world->now, &saved), 0);
    assert_int_equal(saved.n_commands, 101 + SAVED_ENDED);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "w%d", 99 - i);
        assert_string_equal(saved.commands[i].id, id);
        assert_true(saved.commands[i].open);
    }
    assert_string_equal(saved.commands[100].id, "w");
    assert_string_equal(saved.commands[101].id, "k99");
    saved_finish(&saved);
    restart(world, SECOND, SECOND);
    world_up(world, ERP);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        assert_string_equal(world_outcomes(world, id), "done ");
    }
}

static void test_overrides(void **state)
{
    struct world *world = *state;
    struct command command = world_new_command(COMMAND_IDLE, "");

    command.minutes = 7;
    world_order(world, ERP, command);
    world_policy(world, ERP, POLICY_ALWAYS_ON);
    restart(world, MINUTE, 20 * SECOND);
    assert_int_equal(fleet_policy(world->fleet, ERP), POLICY_ALWAYS_ON);
    assert_int_equal(fleet_idle(world->fleet, ERP), 7 * MINUTE);
    assert_int_equal(fleet_policy(world->fleet, NAS), POLICY_ON_DEMAND);
}

/* Reloads. */

/* The same model but for what the test changes in it. */
struct copy {
    struct model model;
    struct model_server servers[WORLD_SERVERS];
    struct model_check checks[WORLD_CHECKS]; /* of erp */
    struct model_domain domains[WORLD_SERVERS];
};

static void make_copy(const struct world *world, struct copy *copy)
{
    copy->model = world->model;
    copy->model.servers = copy->servers;
    copy->model.domains = copy->domains;
    memcpy(copy->servers, world->servers, sizeof(copy->servers));
    memcpy(copy->checks, world->checks[ERP], sizeof(copy->checks));
    memcpy(copy->domains, world->domains, sizeof(copy->domains));
    copy->servers[ERP].checks = copy->checks;
}

/* Where a command is to be answered is not forgotten. */
static void test_route_over_reload(void **state)
{
    struct world *world = *state;
    struct command command = world_new_command(COMMAND_WAKE, "w");
    struct copy copy;

    world_silence(world, ERP);
    command.route = UINT64_MAX;
    world_order(world, ERP, command);
    make_copy(world, &copy);
    adopt(world, &copy.model);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "w"), "done ");
    assert_true(world_last(world, ACTION_ANSWER)->answer.route == UINT64_MAX);
    adopt(world, &world->model);
}

/* With the same checks nothing needs to be seen anew. */
static void test_reload_keeps_sight(void **state)
{
    struct world *world = *state;
    struct copy copy;

    world_up(world, ERP);
    world_advance(world, MINUTE);
    const int64_t since = world_power(world, ERP)->up_since;
    make_copy(world, &copy);
    adopt(world, &copy.model);
    assert_state(world, ERP, POWER_READY);
    assert_int_equal(world_power(world, ERP)->up_since, since);
    assert_int_equal(world_count(world, ACTION_STATE), 0);
    assert_true(fleet_site_ready(world->fleet, SITE_ERP));
    adopt(world, &world->model);
}

/* With other checks it is; and a wake under way goes on. */
static void test_reload_with_other_checks(void **state)
{
    struct world *world = *state;
    struct copy copy;

    world_up(world, ERP);
    make_copy(world, &copy);
    copy.checks[0].port = 8080;
    adopt(world, &copy.model);
    assert_state(world, ERP, POWER_UNKNOWN);
    world_silence(world, ERP); /* though its agent had said that it is there */
    assert_state(world, ERP, POWER_UNREACHABLE);
    world_command(world, ERP, COMMAND_WAKE, "w");
    adopt(world, &world->model);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_string_equal(world_outcomes(world, "w"), "done ");
}

/* Its agent says no new word after a reload: the old one counts for what is checked now. */
static void test_reload_with_other_checks_keeps_the_agents_word(void **state)
{
    struct world *world = *state;
    struct copy copy;

    world_up(world, TESTING);
    world_up(world, AGENTONLY);
    assert_state(world, TESTING, POWER_READY);
    make_copy(world, &copy);
    copy.servers[TESTING].n_checks = 3; /* a project went */
    copy.servers[AGENTONLY].address.s_addr = 77;
    adopt(world, &copy.model);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_state(world, AGENTONLY, POWER_READY);
    adopt(world, &world->model);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_state(world, AGENTONLY, POWER_READY);
}

static void hold_by_all(struct world *world)
{
    world_link(world);
    world->domains[NAS].policy.mode = POLICY_ALWAYS_ON;
}

/* Leases of what is configured no more would have nobody to end them. */
static void test_reload_drops_unfounded(void **state)
{
    struct world *world = world_new(hold_by_all);
    struct copy copy;

    *state = world;
    world_command(world, DB, COMMAND_WAKE, "");
    assert_non_null(world_lease(world, NAS, LEASE_DEPENDENT, "db"));
    assert_non_null(world_lease(world, NAS, LEASE_ALWAYS_ON, "nas.example"));
    make_copy(world, &copy);
    copy.servers[DB].n_depends_on = 0;
    copy.domains[NAS].name = "nas2.example";
    adopt(world, &copy.model);
    assert_null(world_lease(world, NAS, LEASE_DEPENDENT, "db"));
    assert_null(world_lease(world, NAS, LEASE_ALWAYS_ON, "nas.example"));
    assert_non_null(world_lease(world, NAS, LEASE_ALWAYS_ON, "nas2.example"));
    adopt(world, &world->model);
}

static void share_circuit(struct world *world)
{
    world->servers[ERP].group = world->servers[NAS].group = "rack";
}

/* The turn on a circuit belongs to who starts, not to who is up and waited for. */
static void test_turn(void **state)
{
    struct world *world = world_new(share_circuit);

    *state = world;
    world_silence(world, NAS);
    world_probe(world, ERP, 0, PROBE_ANSWER); /* up, its check does not pass */
    world_neighbour(world, ERP, MAC_MATCH);
    assert_state(world, ERP, POWER_BOOTING);
    world_command(world, ERP, COMMAND_WAKE, "");
    world_command(world, NAS, COMMAND_WAKE, "");
    assert_int_equal(world_power(world, NAS)->wake.packets, 1);
    restart(world, SECOND, 20 * SECOND);
    world_advance(world, 20 * SECOND);
    assert_true(world_power(world, NAS)->wake.packets > 1);
    assert_int_equal(world_power(world, ERP)->wake.packets, 0);
    assert_int_equal(world_power(world, ERP)->wake.wait, WAIT_TURN);
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
#define OWN(test_)  cmocka_unit_test_setup_teardown(test_, NULL, world_finish)

/* The lease of a server that needs this one goes on over a reload. */
static void test_needed_over_a_reload(void **state)
{
    world_finish(state);
    struct world *world = world_new(world_link);

    *state = world;
    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_visit(world, SITE_APP);
    const int64_t needed = world_lease(world, NAS, LEASE_DEPENDENT, "app")->since;

    world_advance(world, MINUTE);
    adopt(world, &world->model);
    assert_int_equal(world_lease(world, NAS, LEASE_DEPENDENT, "app")->since, needed);
}

/* What was used of a quota is known over a reload. */
static void test_quotas_over_a_reload(void **state)
{
    struct world *world = *state;
    const struct quota *quota;
    size_t cursor = 0;

    assert_null(fleet_quota(world->fleet, &cursor));
    quota_open(&world->fleet->quotas, QUOTA_PROJECT, SITE_CLIENT1, v4(0), 5)->wakes = 3;
    adopt(world, &world->model);
    cursor = 0;
    quota = fleet_quota(world->fleet, &cursor);
    assert_non_null(quota);
    assert_int_equal(quota->kind, QUOTA_PROJECT);
    assert_int_equal(quota->subject, SITE_CLIENT1);
    assert_int_equal(quota->wakes, 3);
    assert_null(fleet_quota(world->fleet, &cursor));
}

/* The time of the wake went by while Hall was away: what it needed is woken no more for it. */
static void test_an_old_wake_needs_nobody(void **state)
{
    struct world *world;

    world_finish(state);
    *state = world = world_new(world_link);
    world_silence(world, NAS);
    world_silence(world, APP);
    world_wake(world, NAS, 5 * SECOND);
    world_command(world, APP, COMMAND_WAKE, "w");
    world_advance(world, 5 * SECOND);
    assert_true(world_power(world, APP)->wake.packets > 0);
    assert_non_null(world_lease(world, NAS, LEASE_DEPENDENT, "app"));
    kill_hall(world, HOUR);
    world_silence(world, NAS);
    world_silence(world, APP);
    world_advance(world, 15 * SECOND);
    assert_string_equal(world_outcomes(world, "w"), "failed ");
    assert_state(world, APP, POWER_WAKE_FAILED);
    assert_state(world, NAS, POWER_OFF);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* When it was woken is known over a restart, as exactly as a second. */
static void test_wakes_over_a_restart(void **state)
{
    struct world *world = *state;

    open_wake(world);
    world_advance(world, 5 * SECOND);
    world_up(world, ERP);
    world_advance(world, MINUTE);
    const struct power *power = world_power(world, ERP);
    const int64_t ago = world->now.boot - INT64_C(1000) * power->woken[0];

    assert_int_equal(power->n_woken, 1);
    restart(world, HOUR, 20 * SECOND);
    power = world_power(world, ERP);
    assert_int_equal(power->n_woken, 1);
    assert_in_range(world->now.boot - INT64_C(1000) * power->woken[0] - ago, HOUR - SECOND,
                    HOUR + SECOND);
}

/* Within one boot of Hall's machine the boot clock tells how much time has passed, though the wall
 * clock was set three hours forward, or back, while Hall was away. */
static void test_spans_within_a_boot(void **state)
{
    static const int64_t steps[] = {3 * HOUR, -3 * HOUR, 0, INT64_C(400) * 24 * HOUR};

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_up(world, TESTING);
        open_wake(world);
        world_hold(world, ERP, "backup", 2 * HOUR);
        world_advance(world, 10 * SECOND);
        const int64_t until = hold_of(world, "backup")->until;
        const int64_t deadline = world_power(world, ERP)->wake.deadline;
        const int64_t up_since = world_power(world, TESTING)->up_since;
        const int64_t woken = world_power(world, ERP)->woken[0];

        restart(world, steps[i] + 5 * SECOND, world->now.boot + 5 * SECOND);
        assert_int_equal(hold_of(world, "backup")->until, until);
        assert_int_equal(world_power(world, ERP)->wake.deadline, deadline);
        assert_int_equal(world_power(world, ERP)->woken[0], woken);
        assert_int_equal(world_power(world, TESTING)->up_since, up_since);
        world_advance(world, until - world->now.boot - SECOND);
        assert_non_null(hold_of(world, "backup"));
        world_advance(world, SECOND);
        assert_null(hold_of(world, "backup"));
    }
}

static void hold_until(struct world *world, int64_t wall)
{
    struct command command = world_new_command(COMMAND_HOLD, "");

    snprintf(command.name, sizeof(command.name), "backup");
    command.until = wall;
    command.lasts = wall - world->now.wall;
    world_order(world, ERP, command);
}

/* Until noon is until noon: while Hall runs, over a kill, over a reboot. */
static void test_named_ends_follow_the_clock(void **state)
{
    struct world *world = *state;
    const int64_t noon = WORLD_START + 2 * HOUR;

    world_up(world, ERP);
    hold_until(world, noon);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, 2 * HOUR);
    world->now.wall += HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, HOUR);
    restart(world, HOUR / 2, world->now.boot + SECOND);
    world_up(world, ERP);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, HOUR / 2);
    restart(world, -HOUR, 20 * SECOND);
    world_up(world, ERP);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, 3 * HOUR / 2);
    world_advance(world, 3 * HOUR / 2);
    assert_null(hold_of(world, "backup"));
    hold_until(world, noon + HOUR);
    world->now.wall += 3 * HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_null(hold_of(world, "backup"));
}

/* Before it is known what time it is, a hold that names its end holds. */
static void test_named_ends_before_the_clock_is_known(void **state)
{
    struct world *world = *state;

    fleet_trust_clock(world->fleet, false);
    world_set_clock(world, WORLD_START + INT64_C(40000) * HOUR);
    hold_until(world, WORLD_START + 2 * HOUR);
    world_advance(world, MINUTE);
    assert_non_null(hold_of(world, "backup"));
    world->now.wall += 5 * HOUR;
    fleet_clock_was_set(world->fleet, world->now); /* set, but not known to be right */
    assert_non_null(hold_of(world, "backup"));
    world->now.wall = WORLD_START + HOUR;
    fleet_trust_clock(world->fleet, true);
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(hold_of(world, "backup")->until - world->now.boot, HOUR);
}

/* Its records speak of wall time. */
static void test_all_is_saved_when_the_clock_is_set(void **state)
{
    struct world *world = *state;

    world_advance(world, HOUR);
    world_forget(world);
    fleet_tick(world->fleet, world->now);
    assert_int_equal(world_count(world, ACTION_SAVE), 0);
    world->now.wall += 3 * HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(world_count(world, ACTION_SAVE), WORLD_SERVERS);
    for (size_t i = 0; i < world->n; i++) /* Hall may be killed, and its machine started again */
        assert_true(world->seen[i].action.kind != ACTION_SAVE ||
                    world->seen[i].action.save.durable);
    assert_int_equal(world_count(world, ACTION_STATUS), WORLD_SERVERS);
}

/* What was used at 22:00 was used the next day, if it was past midnight in truth; over a kill as
 * well. A boot clock that is further on than this one is another's. */
static void test_quotas_follow_the_clock(void **state)
{
    struct world *world = *state;
    struct quota *quota;
    struct quota kept;
    size_t cursor = 0;

    world_up(world, ERP);
    world_set_clock(world, WORLD_START + 12 * HOUR);
    world_come(world, FLEET_USE, SITE_ERP, "10.0.0.1");
    quota = (struct quota *)fleet_quota(world->fleet, &cursor);
    assert_int_equal(quota->at, world->now.boot);
    kept = *quota;
    world_forget(world);
    world->now.wall += HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(quota->day, kept.day);
    assert_int_equal(world_count(world, ACTION_QUOTA), 0);
    world->now.wall += 2 * HOUR;
    fleet_clock_was_set(world->fleet, world->now);
    assert_int_equal(quota->day, kept.day + 1);
    assert_int_equal(world_count(world, ACTION_QUOTA), 2); /* the client's and the site's */
    struct fleet *fleet = other_fleet(world, &world->model);
    fleet_restore_quota(fleet, world->now, &kept);
    cursor = 0;
    assert_int_equal(fleet_quota(fleet, &cursor)->day, kept.day + 1);
    kept.at = kept.last_use = world->now.boot + 1;
    fleet_restore_quota(fleet, world->now, &kept);
    cursor = 0;
    assert_int_equal(fleet_quota(fleet, &cursor)->day, kept.day);
    cursor = 0;
    assert_int_equal(fleet_quota(fleet, &cursor)->last_use, 0);
    fleet_destroy(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_needed_over_a_reload),
        TEST(test_quotas_over_a_reload),
        TEST(test_an_old_wake_needs_nobody),
        TEST(test_wakes_over_a_restart),
        TEST(test_spans_within_a_boot),
        TEST(test_named_ends_follow_the_clock),
        TEST(test_named_ends_before_the_clock_is_known),
        TEST(test_all_is_saved_when_the_clock_is_set),
        TEST(test_quotas_follow_the_clock),
        TEST(test_wake_goes_on),
        TEST(test_wake_goes_on_after_reboot),
        TEST(test_wake_ends_after_long),
        TEST(test_wake_that_came_meanwhile),
        TEST(test_hall_stood_still),
        TEST(test_hall_stood_still_while_it_went),
        TEST(test_hall_stood_still_over_a_question),
        TEST(test_hall_stood_still_while_it_was_used),
        TEST(test_clock_went_back),
        TEST(test_how_long_ago_is_not_known),
        TEST(test_clock_went_forward),
        TEST(test_edges_of_time),
        TEST(test_up_over_a_reboot),
        TEST(test_sleeping_stays),
        TEST(test_sleeping_fails),
        TEST(test_a_goodbye_that_lasts),
        TEST(test_who_waits_for_a_guard),
        TEST(test_who_waits_for_a_project),
        TEST(test_queued_wake),
        TEST(test_a_queued_wake_that_nobody_wants),
        TEST(test_a_waiting_wake_that_nobody_wants),
        TEST(test_sleeping_past_its_end),
        TEST(test_a_proposal_over_a_restart),
        TEST(test_a_proposed_restart_over_a_restart),
        TEST(test_commands_are_remembered),
        TEST(test_which_commands_are_kept),
        TEST(test_overrides),
        TEST(test_route_over_reload),
        TEST(test_reload_keeps_sight),
        TEST(test_reload_with_other_checks),
        TEST(test_reload_with_other_checks_keeps_the_agents_word),
        OWN(test_reload_drops_unfounded),
        OWN(test_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
