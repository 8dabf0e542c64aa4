#include "base/array.h"
#include "core/power.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/*
 * What each state makes of each event, argued from what the states mean, not from the code:
 * - A sign of life is believed at once, whatever was thought before: booting; and ready when all
 * checks pass.
 * - Only a server that is up can fail a check, and only one that was ready is then degraded.
 * - Silence of a server that was up, without a goodbye, is unreachable; after a goodbye or an
 * agreement, however late it goes, it is off; just after the start it is off. Where a wake is
 * wanted it is still to come: waking.
 * - A goodbye of a server that is up begins its sleep: silence is not proven yet. Of one that is
 * silent already it explains the silence: off. One whose wake failed may be either, so its silence
 * is proven too.
 * - A wake begins only where nothing is there; the evidence decides, so that a server that is up is
 * not "waking".
 * - A deadline ends waking and, while a wake is wanted, booting; and it ends sleeping with what is
 * true.
 */
enum {
    UNKN = POWER_UNKNOWN,
    OFF_ = POWER_OFF,
    WAKI = POWER_WAKING,
    BOOT = POWER_BOOTING,
    REDY = POWER_READY,
    DEGR = POWER_DEGRADED,
    SLEE = POWER_SLEEPING,
    UNRE = POWER_UNREACHABLE,
    FAIL = POWER_WAKE_FAILED,
    SAME = 100, /* stays */
    SEEN,       /* what the evidence says */
    GONE,       /* off if it said that it goes, else unreachable */
};

static const uint8_t expected[POWER_STATES][POWER_EVENTS] = {
    /*         sign  pass  fail  silent goodbye back wake  sleep deadline cancel */
    [UNKN] = {BOOT, REDY, SAME, OFF_, OFF_, SAME, SEEN, SLEE, SAME, SAME},
    [OFF_] = {BOOT, REDY, SAME, SAME, SAME, SAME, SEEN, SAME, SAME, SAME},
    [WAKI] = {BOOT, REDY, SAME, SAME, SAME, SAME, SAME, SAME, FAIL, SEEN},
    [BOOT] = {SAME, REDY, SAME, GONE, SLEE, SAME, SAME, SLEE, SAME, SAME},
    [REDY] = {SAME, SAME, DEGR, GONE, SLEE, SAME, SAME, SLEE, SAME, SAME},
    [DEGR] = {SAME, REDY, SAME, GONE, SLEE, SAME, SAME, SLEE, SAME, SAME},
    [SLEE] = {SEEN, SAME, SAME, OFF_, SAME, SEEN, SAME, SAME, SEEN, SAME},
    [UNRE] = {BOOT, REDY, SAME, SAME, OFF_, SAME, SEEN, SAME, SAME, SAME},
    [FAIL] = {BOOT, REDY, SAME, GONE, SLEE, SAME, SEEN, SLEE, SAME, SAME},
};

/* Where a wanted wake makes a difference. */
static const struct {
    enum power_state from;
    enum power_event event;
    enum power_state to;
} wanted_differs[] = {
    {POWER_UNKNOWN, POWER_SILENT, POWER_WAKING},
    {POWER_BOOTING, POWER_SILENT, POWER_WAKING},
    {POWER_READY, POWER_SILENT, POWER_WAKING},
    {POWER_DEGRADED, POWER_SILENT, POWER_WAKING},
    {POWER_SLEEPING, POWER_SILENT, POWER_WAKING},
    {POWER_BOOTING, POWER_DEADLINE, POWER_WAKE_FAILED},
};

enum wish { NOBODY, OPEN, QUEUED, WISHES };

/* Every way the evidence can stand. */
static const struct {
    bool alive, passing, was_ready;
} sights[] = {
    {false, false, false}, {false, false, true}, {true, false, false},
    {true, false, true},   {true, true, false},  {true, true, true},
};

static enum power_state seen(size_t sight, enum wish wish)
{
    if (sights[sight].passing)
        return POWER_READY;
    if (sights[sight].alive)
        return sights[sight].was_ready ? POWER_DEGRADED : POWER_BOOTING;
    return wish == NOBODY ? POWER_OFF : POWER_WAKING;
}

static enum power_state expect(enum power_state from, enum power_event event, enum wish wish,
                               size_t sight, bool leaves)
{
    const uint8_t to = expected[from][event];

    for (size_t i = 0; wish != NOBODY && i < ARRAY_SIZE(wanted_differs); i++)
        if (wanted_differs[i].from == from && wanted_differs[i].event == event)
            return wanted_differs[i].to;
    if (to == SAME)
        return from;
    if (to == GONE)
        return leaves ? POWER_OFF : POWER_UNREACHABLE;
    return to == SEEN ? seen(sight, wish) : (enum power_state)to;
}

static void test_every_pair(void **state)
{
    size_t walked = 0;

    for (unsigned from = 0; from < POWER_STATES; from++)
        for (unsigned event = 0; event < POWER_EVENTS; event++)
            for (unsigned wish = 0; wish < WISHES; wish++)
                for (size_t way = 0; way < 2 * ARRAY_SIZE(sights); way++) {
                    const size_t sight = way / 2;
                    const struct power power = {
                        .leaving = way % 2 ? LEASE_FOREVER : 0,
                        .state = (enum power_state)from,
                        .was_ready = sights[sight].was_ready,
                        .evidence = {.alive = sights[sight].alive,
                                     .passing = sights[sight].passing},
                        .wake = {.open = wish == OPEN, .queued = wish == QUEUED},
                    };
                    const enum power_state to = expect(power.state, (enum power_event)event,
                                                       (enum wish)wish, sight, way % 2);
                    const enum power_state got = power_next_state(&power, (enum power_event)event);

                    if (got != to)
                        fail_msg("%s, event %u, wanted %u, sight %zu: %s, expected %s",
                                 power_state_name(power.state), event, wish, sight,
                                 power_state_name(got), power_state_name(to));
                    walked++;
                }
    assert_int_equal(walked, 9 * 10 * 3 * 6 * 2);
}

static void test_the_table_has_no_gap(void **state)
{
    for (unsigned from = 0; from < POWER_STATES; from++)
        for (unsigned event = 0; event < POWER_EVENTS; event++) {
            const struct power_row *row = &power_table[from][event];

            assert_true(row->to <= NEXT_GONE && row->wanted <= NEXT_GONE);
            /* a row that was left out reads "unknown": nothing leads there */
            assert_true(row->to != POWER_UNKNOWN && row->wanted != POWER_UNKNOWN);
        }
}

static void test_names(void **state)
{
    static const char *const states[POWER_STATES] = {"unknown",  "off",         "waking",
                                                     "booting",  "ready",       "degraded",
                                                     "sleeping", "unreachable", "wake_failed"};

    for (unsigned i = 0; i < POWER_STATES; i++)
        assert_string_equal(power_state_name((enum power_state)i), states[i]);
    assert_null(wake_failure_name(FAILURE_NONE));
    assert_string_equal(wake_failure_name(FAILURE_NO_SIGN), "no_sign");
    assert_string_equal(wake_failure_name(FAILURE_NOT_READY), "not_ready");
    assert_string_equal(wake_failure_name(FAILURE_NO_PACKET), "no_packet");
    assert_string_equal(wake_failure_name(FAILURE_CANCELLED), "cancelled");
}

static void test_kinds_of_states(void **state)
{
    static const struct {
        bool up, on;
    } kinds[POWER_STATES] = {
        [POWER_UNKNOWN] = {false, false},     [POWER_OFF] = {false, false},
        [POWER_WAKING] = {false, true},       [POWER_BOOTING] = {true, true},
        [POWER_READY] = {true, true},         [POWER_DEGRADED] = {true, true},
        [POWER_SLEEPING] = {false, false},    [POWER_UNREACHABLE] = {false, false},
        [POWER_WAKE_FAILED] = {false, false},
    };

    for (unsigned i = 0; i < POWER_STATES; i++) {
        const struct power power = {.state = (enum power_state)i};

        assert_int_equal(power_is_up(power.state), kinds[i].up);
        assert_int_equal(power_target_on(&power), kinds[i].on);
    }
}

/* The switch shows the target in transition and the truth when settled, so it never bounces. */
static void test_target(void **state)
{
    struct power power = {.state = POWER_READY, .sleep = {.phase = SLEEP_PROPOSED}};

    assert_false(power_target_on(&power));
    power.sleep.restart = true;
    assert_true(power_target_on(&power));
    power = (struct power){.state = POWER_SLEEPING, .wake = {.queued = true}};
    assert_true(power_target_on(&power));
    power = (struct power){.state = POWER_WAKE_FAILED, .evidence = {.alive = true}};
    assert_true(power_target_on(&power));
}

static void add_boot(struct power *power, enum wake_kind kind, int32_t ready)
{
    const struct boot boot = {.ready = ready};

    history_add(&power->history, kind, &boot);
}

static void test_eta(void **state)
{
    struct power power = {.wake = {.open = true, .started = 1000, .kind = WAKE_COLD}};

    assert_int_equal(power_eta(&power, 1000), -1);
    add_boot(&power, WAKE_COLD, 60000);
    add_boot(&power, WAKE_RESUME, 5000);
    assert_int_equal(power_eta(&power, 1000), 60000);
    assert_int_equal(power_eta(&power, 31000), 30000);
    assert_int_equal(power_eta(&power, 99000), 0);
    power.wake.kind = WAKE_RESUME;
    assert_int_equal(power_eta(&power, 1000), 5000);
    power.wake.open = false;
    assert_int_equal(power_eta(&power, 1000), -1);
}

static void test_stage(void **state)
{
    struct power power = {.wake = {.started = 5}};

    for (unsigned i = 0; i < STAGES; i++)
        power.wake.stages[i] = STAGE_UNREACHED;
    assert_int_equal(power_stage(&power), STAGES);
    power.wake.stages[STAGE_PACKET_SENT] = 0;
    power.wake.stages[STAGE_DOCKER_UP] = 9;
    assert_int_equal(power_stage(&power), STAGE_DOCKER_UP);
}

/* Fast while a wake is open, at least four a second; slow while asleep; close where one answer is
 * missing. */
static void test_pace(void **state)
{
    struct power power = {.state = POWER_OFF};
    int64_t off, waking, ready, suspect, timeout;

    power_pace(&power, MODEL_CHECKS_MAX, &off, &timeout);
    power.state = POWER_WAKING;
    power.wake.open = true;
    power_pace(&power, MODEL_CHECKS_MAX, &waking, &timeout);
    assert_true(waking <= 250 && timeout > 0);
    power = (struct power){.state = POWER_READY};
    power_pace(&power, MODEL_CHECKS_MAX, &ready, &timeout);
    power.evidence.checks[2] = (struct check_state){.known = true, .alive = true, .misses = 1};
    power_pace(&power, MODEL_CHECKS_MAX, &suspect, &timeout);
    assert_true(off > ready && ready > suspect && suspect > waking);
    power.awaited_until = 1;
    power_pace(&power, MODEL_CHECKS_MAX, &suspect, &timeout);
    assert_int_equal(suspect, waking);
}

/* Its wake failed, and some of its sites answer: it is watched as any that is up. */
static void test_pace_of_one_that_is_up_all_the_same(void **state)
{
    struct power power = {.state = POWER_WAKE_FAILED, .evidence = {.alive = true}};
    int64_t interval, timeout;

    power_pace(&power, MODEL_CHECKS_MAX, &interval, &timeout);
    assert_int_equal(interval, 2000);
    power.evidence.checks[2] = (struct check_state){.known = true, .alive = true, .misses = 1};
    power_pace(&power, MODEL_CHECKS_MAX, &interval, &timeout);
    assert_int_equal(interval, 300);
}

/* Each state's own pace. What is there is looked at every few seconds, what is asleep seldom, what
 * is on its way up or down several times a second. */
static void test_pace_of_each_state(void **state)
{
    static const struct {
        enum power_state state;
        int64_t interval, timeout;
    } rows[POWER_STATES] = {
        {POWER_UNKNOWN, 500, 1000},      {POWER_OFF, 10000, 2000},
        {POWER_WAKING, 200, 1000},       {POWER_BOOTING, 1000, 1000},
        {POWER_READY, 2500, 1000},       {POWER_DEGRADED, 2000, 1000},
        {POWER_SLEEPING, 500, 500},      {POWER_UNREACHABLE, 5000, 2000},
        {POWER_WAKE_FAILED, 5000, 2000},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct power power = {.state = rows[i].state};
        const bool ready = rows[i].state == POWER_READY || rows[i].state == POWER_DEGRADED;
        int64_t interval, timeout;
        power_pace(&power, MODEL_CHECKS_MAX, &interval, &timeout);
        assert_int_equal(interval, rows[i].interval);
        assert_int_equal(timeout, rows[i].timeout);
        power.evidence.checks[0] = (struct check_state){.known = true, .alive = true, .misses = 1};
        power_pace(&power, MODEL_CHECKS_MAX, &interval,
                   &timeout); /* only what was ready can become suspect */
        assert_int_equal(interval, ready ? 300 : rows[i].interval);
        assert_int_equal(timeout, ready ? 700 : rows[i].timeout);
        power.suspect_until = 1; /* something else says that it is gone */
        power_pace(&power, MODEL_CHECKS_MAX, &interval, &timeout);
        assert_int_equal(interval, ready ? 200 : rows[i].interval);
        assert_int_equal(timeout, ready ? 500 : rows[i].timeout);
        if (ready) /* one answer missing, then two more: within 5 s, and within 2 s where it is told
                    */
            assert_true(rows[i].interval + rows[i].timeout + 300 + 700 < 5000 &&
                        2 * 200 + 500 < 2000);
        power.wake.open = true;
        power_pace(&power, MODEL_CHECKS_MAX, &interval, &timeout);
        assert_int_equal(interval, 200);
        assert_int_equal(timeout, 1000);
    }
}

static const struct now noon = {.boot = 10000000, .wall = 1795345200000}; /* 2026-11-22T11:00:00Z */

/* The lease that lives longest is why; without one, what the state says. */
static void test_why(void **state)
{
    struct lease places[4];
    struct lease_set leases = {.room = 4, .leases = places};
    struct power power = {.state = POWER_READY, .reason = FACT(SEEN_SILENT), .leases = &leases};
    const struct fact nightly = fact_said("nightly");
    struct fact why = power_awake_because(&power, 0, noon);

    assert_true(fact_is(&why, FACT_SEEN_SILENT));
    lease_take(&leases, LEASE_VISIT, 3, "", NULL, noon.boot - 240000, noon.boot + 960000);
    why = power_awake_because(&power, 0, noon);
    assert_true(fact_equal(
        &why, &FACT(LEASE_VISIT, .subject = 3, .n = {noon.wall - 240000, noon.wall + 960000})));
    lease_take(&leases, LEASE_HOLD, MODEL_NONE, "backup", &nightly, noon.boot, noon.boot + 3600000);
    why = power_awake_because(&power, 0, noon);
    assert_true(fact_is(&why, FACT_LEASE_HOLD));
    assert_string_equal(fact_text(&why, 0, 0), "backup");
    assert_string_equal(fact_text(&why, 0, 1), "nightly");
    lease_take(&leases, LEASE_ALWAYS_ON, MODEL_NONE, "", NULL, noon.boot, LEASE_FOREVER);
    why = power_awake_because(&power, 7, noon);
    assert_true(
        fact_equal(&why, &FACT(LEASE_ALWAYS_ON_SERVER, .subject = 7, .n = {0, LEASE_FOREVER})));
}

/* To the last millisecond, and then it is overdue. */
static void test_the_end_of_an_eta(void **state)
{
    struct power power = {.wake = {.open = true, .started = 1000, .kind = WAKE_COLD}};

    add_boot(&power, WAKE_COLD, 60000);
    assert_int_equal(power_eta(&power, 60998), 2);
    assert_int_equal(power_eta(&power, 60999), 1);
    assert_int_equal(power_eta(&power, 61000), 0);
    assert_int_equal(power_eta(&power, 61001), 0);
}

/* Whole seconds that are not before the time, as far as there is room. */
static void test_whole_seconds(void **state)
{
    static const struct {
        int64_t ms;
        int32_t seconds;
    } times[] = {
        {0, 0},
        {1, 1},
        {500, 1},
        {999, 1},
        {1000, 1},
        {1001, 2},
        {1500, 2},
        {2000, 2},
        {-1, 0},
        {-1000, -1},
        {-1001, -1},
        {-1999, -1},
        {-2000, -2},
        {INT64_MAX, INT32_MAX},
        {INT64_MIN, INT32_MIN},
    };

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        assert_int_equal(power_seconds(times[i].ms), times[i].seconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_seconds),
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_the_table_has_no_gap),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_kinds_of_states),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_eta),
        cmocka_unit_test(test_stage),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pace_of_one_that_is_up_all_the_same),
        cmocka_unit_test(test_pace_of_each_state),
        cmocka_unit_test(test_why),
        cmocka_unit_test(test_the_end_of_an_eta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
