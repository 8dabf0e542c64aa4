#include <unistd.h>

#include "base/array.h"
#include "core/problem.h"
#include "fleet_fixture.h"

#define DAY    (INT64_C(24) * HOUR)
#define SUNDAY (WORLD_START - INT64_C(10) * HOUR) /* 2026-11-22T00:00:00Z */
#define MONDAY (SUNDAY + DAY)

enum { WEEKDAYS = 0x1f, EVERY_DAY = 0x7f };

static struct model_window windows[MODEL_WINDOWS_MAX];
static struct model_date exceptions[2];

static void schedule(struct world *world, int server, size_t n)
{
    world->domains[server].policy.mode = POLICY_SCHEDULED;
    world->domains[server].policy.windows = windows;
    world->domains[server].policy.n_windows = n;
}

/* erp: Monday to Friday, 08:00 to 19:00, in a zone that a test may set. */
static void office_hours(struct world *world)
{
    windows[0] = (struct model_window){WEEKDAYS, 8 * 60, 19 * 60};
    schedule(world, ERP, 1);
}

static void office_hours_alone(struct world *world)
{
    office_hours(world);
    world->domains[ERP].policy.otherwise = OTHERWISE_REFUSE;
}

static struct world *night(void **state, void (*change)(struct world *))
{
    struct world *world = world_new(change);

    *state = world;
    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_until(world, MONDAY);
    world_forget(world);
    return world;
}

static const struct lease *schedule_lease(const struct world *world)
{
    return world_lease(world, ERP, LEASE_SCHEDULE, "erp.example");
}

static int64_t wall_of_first_packet(const struct world *world)
{
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_PACKET)
            return clock_wall_at(world->now, world->seen[i].at);
    return 0;
}

/* Ready after ms from its first packet. */
static void boot(struct world *world, int64_t ms)
{
    world_advance(world, ms);
    world_up(world, ERP);
    assert_state(world, ERP, POWER_READY);
}

static void close_day(struct world *world)
{
    world_fall_asleep(world, ERP);
    assert_state(world, ERP, POWER_OFF);
    world_forget(world);
}

/* Windows. */

static void test_a_day(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 8 * HOUR - MINUTE - 1);
    assert_state(world, ERP, POWER_OFF);
    world_advance(world, 1); /* nothing is known of how long it takes: a minute early */
    assert_state(world, ERP, POWER_WAKING);
    assert_string_equal(world_said(world, &world_power(world, ERP)->wake.cause),
                        "schedule of erp.example");
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 19 * HOUR);
    boot(world, 20 * SECOND);
    world_until(world, MONDAY + 19 * HOUR - 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_null(schedule_lease(world));
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    close_day(world);
    /* it took 20 s: with a quarter more and 5 s it is ready when the window opens */
    world_until(world, MONDAY + DAY + 8 * HOUR);
    assert_int_equal(wall_of_first_packet(world), MONDAY + DAY + 8 * HOUR - 30 * SECOND);
}

static void test_ready_at_the_start(void **state)
{
    struct world *world = night(state, office_hours);
    static const int64_t boots[] = {20, 45, 90, 60};

    for (int day = 0; day < 4; day++) {
        world_until(world, MONDAY + day * DAY + 8 * HOUR - 10 * MINUTE);
        while (!world_power(world, ERP)->wake.open)
            world_advance(world, SECOND);
        boot(world, boots[day] * SECOND);
        if (day == 3) /* the one boot took 20 s, of the two resumes the median is 67.5 s */
            assert_in_range(MONDAY + day * DAY + 8 * HOUR - wall_of_first_packet(world),
                            89 * SECOND, 91 * SECOND);
        world_until(world, MONDAY + day * DAY + 19 * HOUR);
        close_day(world);
    }
}

static void test_weekend(void **state)
{
    struct world *world = night(state, office_hours);

    for (int i = 0; i < 5; i++) { /* it never came up */
        world_until(world, MONDAY + i * DAY + 19 * HOUR + MINUTE);
        world_forget(world);
    }
    assert_null(schedule_lease(world));
    world_forget(world);
    world_until(world, MONDAY + 7 * DAY + 8 * HOUR - MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
}

/* A server that does not come is tried again through the window, less and less. */
static void test_failures_back_off(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 8 * HOUR - MINUTE + 3 * MINUTE);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    world_advance(world, MINUTE);
    assert_state(world, ERP, POWER_WAKING);
    world_advance(world, 3 * MINUTE + 2 * MINUTE - 1);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    world_advance(world, 1);
    assert_state(world, ERP, POWER_WAKING);
    boot(world, 5 * SECOND);
    assert_int_equal(world_power(world, ERP)->failures, 0);
}

/* It was given up, and somebody pressed its button an hour later: no wake takes an hour. */
static void test_lead_time_after_a_wake_in_vain(void **state)
{
    struct world *world = night(state, office_hours);

    world_visit(world, SITE_ERP);
    world_advance(world, 200 * SECOND);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    world_advance(world, HOUR);
    boot(world, 0);
    assert_int_equal(world_power(world, ERP)->last_boot, HOUR + 200 * SECOND);
    assert_int_equal(history_median(&world_power(world, ERP)->history, WAKE_COLD), 180 * SECOND);
    close_day(world);
    world_until(world, MONDAY + 8 * HOUR);
    assert_int_equal(wall_of_first_packet(world), MONDAY + 8 * HOUR - 230 * SECOND);
}

/* A stage that comes long after it was ready is part of no wake either. */
static void test_lead_time_after_a_late_stage(void **state)
{
    struct world *world = night(state, office_hours);

    world_visit(world, SITE_ERP);
    world_advance(world, 5 * SECOND);
    world_pass(world, ERP);
    world_advance(world, HOUR);
    world_agent(world, ERP, AGENT_ONLINE);
    assert_int_equal(
        history_stage_median(&world_power(world, ERP)->history, WAKE_COLD, STAGE_AGENT_ONLINE),
        180 * SECOND);
}

static void late_shift(struct world *world)
{
    windows[0] = (struct model_window){1 << 4, 22 * 60, 2 * 60}; /* Fridays */
    schedule(world, ERP, 1);
}

static void test_across_midnight(void **state)
{
    struct world *world = night(state, late_shift);
    const int64_t friday = MONDAY + 4 * DAY;

    world_until(world, friday + 3 * HOUR); /* the night before it is no Friday's */
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_until(world, friday + 22 * HOUR);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), friday + 26 * HOUR);
    boot(world, 5 * SECOND);
    world_until(world, friday + 26 * HOUR - 1);
    assert_non_null(schedule_lease(world));
    world_advance(world, 1);
    assert_null(schedule_lease(world));
}

static void holidays(struct world *world)
{
    office_hours(world);
    exceptions[0] = (struct model_date){2026, 11, 23};
    world->domains[ERP].policy.except = exceptions;
    world->domains[ERP].policy.n_except = 1;
}

static void test_exception(void **state)
{
    struct world *world = night(state, holidays);

    world_until(world, MONDAY + DAY);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_until(world, MONDAY + DAY + 8 * HOUR);
    assert_state(world, ERP, POWER_WAKING);
}

static void lunch_break(struct world *world)
{
    windows[0] = (struct model_window){EVERY_DAY, 8 * 60, 12 * 60};
    windows[1] = (struct model_window){EVERY_DAY, 12 * 60 + 1, 19 * 60};
    schedule(world, ERP, 2);
}

/* It would be woken for the second window before the first is over: that is one stretch. */
static void test_gap_shorter_than_the_lead(void **state)
{
    struct world *world = night(state, lunch_break);

    world_until(world, MONDAY + 8 * HOUR);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 19 * HOUR);
    boot(world, 5 * SECOND);
    world_until(world, MONDAY + 18 * HOUR);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    assert_state(world, ERP, POWER_READY);
}

/* With a boot of 5 s the minute is worth a sleep; min_up and vetoes decide, not the schedule. */
static void test_gap_longer_than_the_lead(void **state)
{
    struct world *world = night(state, lunch_break);

    world_until(world, MONDAY + 8 * HOUR - MINUTE);
    boot(world, 5 * SECOND);
    world_advance(world, 2 * MINUTE);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 12 * HOUR);
    world_until(world, MONDAY + 12 * HOUR + MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void many_windows(struct world *world)
{
    for (unsigned i = 0; i < MODEL_WINDOWS_MAX; i++)
        windows[i] =
            (struct model_window){EVERY_DAY, (uint16_t)(480 + 2 * i), (uint16_t)(481 + 2 * i)};
    schedule(world, ERP, MODEL_WINDOWS_MAX);
}

static void test_many_windows_in_a_row(void **state)
{
    struct world *world = night(state, many_windows);

    world_until(world, MONDAY + 7 * HOUR + 58 * MINUTE + 59 * SECOND);
    assert_null(schedule_lease(world));
    world_advance(world, SECOND);
    assert_non_null(schedule_lease(world));
    world_until(world, MONDAY + 8 * HOUR + 31 * MINUTE - 1);
    assert_non_null(schedule_lease(world));
    world_advance(world, 1);
    assert_null(schedule_lease(world));
}

static void test_next_window_in_another_zone(void **state)
{
    struct world *world = night(state, office_hours);

    world->offset = 3600; /* as if the zone had been so from the start */
    world_until(world, MONDAY + 7 * HOUR);
    assert_state(world, ERP, POWER_WAKING);
}

/* The clocks go back on Sunday morning: 08:00 is an hour later than it was. */
static void test_clock_change(void **state)
{
    struct world *world = night(state, office_hours);

    world->offset = world->offset_after = 7200;
    world_until(world, MONDAY + 6 * HOUR);
    boot(world, 5 * SECOND);
    world_until(world, MONDAY + 17 * HOUR);
    close_day(world);
    world_until(world, MONDAY + 5 * DAY);
    world_silence(world, ERP);
    world->offset_after = 3600;
    world->changes_at = (MONDAY + 6 * DAY + HOUR) / 1000;
    world_until(world, MONDAY + 7 * DAY + 6 * HOUR + 30 * MINUTE);
    assert_null(schedule_lease(world));
    world_until(world, MONDAY + 7 * DAY + 7 * HOUR);
    assert_non_null(schedule_lease(world));
}

/* Two domains in front of one server. */
static void shared_server(struct world *world)
{
    office_hours(world);
    world->domains[ERP].server = TESTING;
    world->sites[SITE_ERP].server = TESTING;
}

static void test_union_of_domains(void **state)
{
    struct world *world = night(state, shared_server);

    world_until(world, MONDAY + 8 * HOUR);
    assert_non_null(world_lease(world, TESTING, LEASE_SCHEDULE, "erp.example"));
    world_up(world, TESTING);
    world_until(world, MONDAY + 18 * HOUR + 50 * MINUTE);
    world_visit(world, SITE_CLIENT1);
    world_until(world, MONDAY + 19 * HOUR + 10 * MINUTE - 1);
    assert_null(world_lease(world, TESTING, LEASE_SCHEDULE, "erp.example"));
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

/* Clocks. */

static void test_catch_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    *state = world;
    world_model(world);
    office_hours(world);
    world->now.wall = MONDAY + 10 * HOUR; /* Hall starts two hours into the window */
    world_begin(world);
    assert_non_null(schedule_lease(world));
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_WAKING);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 19 * HOUR);
}

static void test_clock_steps(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 6 * HOUR);
    world_set_clock(world, MONDAY + 9 * HOUR);
    world_advance(world, MINUTE);
    assert_state(world, ERP, POWER_WAKING);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 19 * HOUR);
    boot(world, 5 * SECOND);
    world_set_clock(world, MONDAY + 12 * HOUR); /* forward inside the window */
    world_advance(world, MINUTE);
    assert_int_equal(clock_wall_at(world->now, schedule_lease(world)->until), MONDAY + 19 * HOUR);
    world_set_clock(world, MONDAY + 6 * HOUR); /* and back out of it */
    world_advance(world, MINUTE);
    assert_null(schedule_lease(world));
    world_until(world, MONDAY + 8 * HOUR);
    assert_non_null(schedule_lease(world));
}

/* A step forward over the end of the window. */
static void test_clock_steps_past_the_end(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 8 * HOUR);
    boot(world, 5 * SECOND);
    world_set_clock(world, MONDAY + 20 * HOUR);
    world_advance(world, MINUTE);
    assert_null(schedule_lease(world));
}

/* A clock that is slewed by milliseconds makes no news of each of them. */
static void test_slewed_clock_is_no_news(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 8 * HOUR);
    boot(world, 5 * SECOND);
    world_advance(world, 10 * MINUTE);
    world_forget(world);
    for (int i = 0; i < 20; i++) {
        world->now.wall += 50;
        world_advance(world, MINUTE);
    }
    assert_int_equal(world_count(world, ACTION_STATUS), 0);
}

static void test_clock_not_trusted(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    const struct fleet_sink sink = {.act = world_act, .context = world};

    *state = world;
    world_model(world);
    office_hours_alone(world);
    world->now = (struct now){.boot = 5000, .wall = MONDAY + 10 * HOUR};
    assert_int_equal(fleet_create(&world->model, &sink, world->now, &world->fleet), 0);
    fleet_trust_clock(world->fleet, false);
    fleet_start(world->fleet, world->now);
    fleet_tick(world->fleet, world->now);
    world_silence(world, ERP);
    world_advance(world, HOUR);
    assert_state(world, ERP, POWER_OFF);
    assert_int_equal(fleet_site(world->fleet, SITE_ERP)->closed_until, 0); /* nor does it refuse */
    struct fact problem = fleet_problem(world->fleet, ERP);
    assert_true(fact_is(&problem, FACT_NONE)); /* it may come any moment */
    fleet_miss_clock(world->fleet);
    problem = fleet_problem(world->fleet, ERP);
    assert_true(fact_is(&problem, FACT_CLOCK_SCHEDULE));
    problem = fleet_problem(world->fleet, NAS); /* without hours */
    assert_true(fact_is(&problem, FACT_NONE));
    fleet_trust_clock(world->fleet, true);
    problem = fleet_problem(world->fleet, ERP);
    assert_true(fact_is(&problem, FACT_NONE));
    fleet_tick(world->fleet, world->now);
    assert_state(world, ERP, POWER_WAKING);
    boot(world, SECOND);
    fleet_trust_clock(world->fleet, true); /* no news, no work */
    assert_true(fleet_deadline(world->fleet) > world->now.boot);
}

/* At run time. */

static void configured(struct world *world)
{
    struct command command = world_new_command(COMMAND_POLICY, "");

    command.policy_configured = true;
    world_order(world, ERP, command);
}

static void test_override(void **state)
{
    struct world *world = night(state, office_hours);
    const struct lease_set *set = world_power(world, ERP)->leases;

    world_policy(world, ERP, POLICY_ALWAYS_ON);
    assert_int_equal(fleet_policy(world->fleet, ERP), POLICY_ALWAYS_ON);
    assert_state(world, ERP, POWER_WAKING);
    assert_non_null(world_lease(world, ERP, LEASE_ALWAYS_ON, "erp"));
    boot(world, 5 * SECOND);
    world_policy(world, ERP, POLICY_ON_DEMAND);
    assert_int_equal(set->n, 0);
    world_advance(world, 10 * MINUTE);
    world_fall_asleep(world, ERP);
    world_until(world, MONDAY + 12 * HOUR); /* the windows do not count */
    assert_state(world, ERP, POWER_OFF);
    configured(world);
    assert_int_equal(fleet_policy(world->fleet, ERP), POLICY_SCHEDULED);
    assert_state(world, ERP, POWER_WAKING);
    assert_non_null(schedule_lease(world));
}

static void test_scheduled_needs_windows(void **state)
{
    struct world *world = night(state, NULL);
    struct command command = world_new_command(COMMAND_POLICY, "p1");

    command.policy = POLICY_SCHEDULED;
    world_order(world, ERP, command);
    assert_string_equal(world_outcomes(world, "p1"), "refused ");
    assert_non_null(
        strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason), "windows"));
    assert_int_equal(fleet_policy(world->fleet, ERP), POLICY_ON_DEMAND);
}

/* What the configuration keeps for one domain, a command may make of the whole server. */
static void test_override_to_scheduled(void **state)
{
    struct world *world = night(state, office_hours);

    world->domains[ERP].policy.mode = POLICY_ON_DEMAND;
    world_advance(world, MINUTE);
    world_policy(world, ERP, POLICY_SCHEDULED);
    world_until(world, MONDAY + 8 * HOUR);
    assert_state(world, ERP, POWER_WAKING);
}

static void test_configured_always_on(void **state)
{
    struct world *world = night(state, NULL);

    world->domains[ERP].policy.mode = POLICY_ALWAYS_ON;
    world_use(world, SITE_ERP); /* anything: it is looked at with the next event */
    assert_state(world, ERP, POWER_WAKING);
    assert_string_equal(world_said(world, &world_power(world, ERP)->wake.cause),
                        "always_on of erp.example");
    boot(world, 5 * SECOND);
    world_advance(world, 30 * DAY);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_agent(world, ERP, AGENT_OFFLINE);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_UNREACHABLE);
    world_advance(world, 30 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
}

static void test_idle_at_run_time(void **state)
{
    struct world *world = night(state, NULL);
    struct command idle = world_new_command(COMMAND_IDLE, "i1");

    idle.minutes = 7;
    world_order(world, ERP, idle);
    world_visit(world, SITE_ERP);
    boot(world, 5 * SECOND);
    world_advance(world, 7 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_holds(void **state)
{
    struct world *world = night(state, NULL);
    struct command release = world_new_command(COMMAND_RELEASE, "r1");

    world_hold(world, ERP, "backup", HOUR);
    boot(world, 5 * SECOND);
    world_hold(world, ERP, "restore", 2 * HOUR);
    const char *why = world_why(world, ERP);
    assert_string_equal(why, "awake because backup holds it (until 01:00 UTC) and restore holds it "
                             "(until 02:00 UTC)");
    world_advance(world, HOUR + MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    snprintf(release.name, sizeof(release.name), "restore");
    world_order(world, ERP, release);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    world_order(world, ERP, (snprintf(release.id, sizeof(release.id), "r2"), release));
    assert_string_equal(world_outcomes(world, "r2"), "refused ");
}

static void test_a_hold_is_renewed(void **state)
{
    struct world *world = night(state, NULL);

    world_hold(world, ERP, "backup", HOUR);
    boot(world, 5 * SECOND);
    for (int i = 0; i < 10; i++) {
        world_advance(world, 50 * MINUTE);
        world_hold(world, ERP, "backup", HOUR);
    }
    assert_int_equal(world_power(world, ERP)->leases->n, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, HOUR);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_keep_awake(void **state)
{
    struct world *world = night(state, NULL);

    assert_false(fleet_keep_awake(world->fleet, ERP));
    world_keep_awake(world, ERP, true);
    assert_true(fleet_keep_awake(world->fleet, ERP));
    boot(world, 5 * SECOND);
    world_advance(world, 100 * DAY);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_keep_awake(world, ERP, false);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_a_visit_outlives_the_window(void **state)
{
    struct world *world = night(state, office_hours);

    world_until(world, MONDAY + 8 * HOUR);
    boot(world, 5 * SECOND);
    world_until(world, MONDAY + 19 * HOUR - MINUTE);
    world_use(world, SITE_ERP);
    world_advance(world, 20 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void a_minute_with_nas(struct world *world)
{
    windows[0] = (struct model_window){WEEKDAYS, 8 * 60, 8 * 60 + 1};
    schedule(world, ERP, 1);
    world_depends(world, ERP, NAS);
}

/* The window ends while the wake still waits for another server: the wake goes on to its own end,
 * and no other follows. */
static void test_a_wake_outlives_the_window(void **state)
{
    struct world *world = night(state, a_minute_with_nas);

    world_until(world, MONDAY + 8 * HOUR + 90 * SECOND);
    assert_null(schedule_lease(world));
    assert_true(world_power(world, ERP)->wake.open);
    assert_int_equal(world_power(world, ERP)->wake.wait, WAIT_DEPENDENCY);
    world_up(world, NAS);
    assert_state(world, ERP, POWER_WAKING);
    assert_int_equal(world_power(world, ERP)->wake.packets, 1);
    world_advance(world, 180 * SECOND);
    assert_state(world, ERP, POWER_WAKE_FAILED);
    assert_false(world_power(world, ERP)->wake.open);
    world_forget(world);
    world_advance(world, 6 * HOUR);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* Outside the windows. */

static void test_on_demand_outside(void **state)
{
    struct world *world = night(state, office_hours);

    assert_int_equal(fleet_site(world->fleet, SITE_ERP)->closed_until, 0);
    world_visit(world, SITE_ERP);
    assert_state(world, ERP, POWER_WAKING);
}

static void test_refused_outside(void **state)
{
    struct world *world = night(state, office_hours_alone);
    const struct site_state *site = fleet_site(world->fleet, SITE_ERP);

    assert_int_equal(clock_wall_at(world->now, site->closed_until), MONDAY + 8 * HOUR);
    world_visit(world, SITE_ERP);
    assert_int_equal(world_power(world, ERP)->leases->n, 0);
    assert_state(world, ERP, POWER_OFF);
    const struct action *limit = &world_last(world, ACTION_LIMIT)->action;
    assert_int_equal(limit->limit.guard.kind, GUARD_WINDOW);
    assert_int_equal(clock_wall_at(world->now, limit->limit.guard.until), MONDAY + 8 * HOUR);
    assert_true(limit->limit.refused);
    assert_true(address_is_none(limit->limit.address));
    /* it wakes before it opens, but it opens when it says */
    world_until(world, MONDAY + 8 * HOUR - 30 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
    world_up(world, ERP);
    assert_true(site->closed_until > world->now.boot);
    world_forget(world);
    world_until(world, MONDAY + 8 * HOUR);
    assert_int_equal(site->closed_until, 0);
    assert_int_equal(world_last(world, ACTION_SITE)->action.site.site, SITE_ERP);
    world_use(world, SITE_ERP);
    assert_int_equal(world_count(world, ACTION_LIMIT), 0);
    world_until(world, MONDAY + 19 * HOUR); /* the last use does not hold it open */
    assert_int_equal(clock_wall_at(world->now, site->closed_until), MONDAY + DAY + 8 * HOUR);
    world_use(world, SITE_ERP);
    assert_int_equal(world_last(world, ACTION_LIMIT)->action.limit.guard.kind, GUARD_WINDOW);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_commands_are_not_refused_outside(void **state)
{
    struct world *world = night(state, office_hours_alone);

    world_command(world, ERP, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted ");
    assert_state(world, ERP, POWER_WAKING);
}

static void test_override_opens(void **state)
{
    struct world *world = night(state, office_hours_alone);

    assert_true(fleet_site(world->fleet, SITE_ERP)->closed_until > 0);
    world_policy(world, ERP, POLICY_ON_DEMAND);
    assert_int_equal(fleet_site(world->fleet, SITE_ERP)->closed_until, 0);
}

static void hours_of_access(struct world *world)
{
    office_hours(world);
    world->domains[ERP].access.hours = world->domains[ERP].policy;
    world->domains[ERP].policy = (struct model_policy){.mode = POLICY_ON_DEMAND};
}

/* The same of the site alone, and not of its domain. */
static void hours_of_a_site(struct world *world)
{
    hours_of_access(world);
    world->sites[SITE_ERP].hours = world->domains[ERP].access.hours;
    world->domains[ERP].access.hours = (struct model_policy){0};
}

/* A site that opens or closes while its server stays as it is: that is told, and published. */
static void test_opening_and_closing_are_published(void **state)
{
    static const int64_t edges[] = {MONDAY + 8 * HOUR, MONDAY + 19 * HOUR};
    struct world *world = NULL;

    for (size_t i = 0; i < 2 * ARRAY_SIZE(edges); i++) {
        const size_t edge = i % ARRAY_SIZE(edges);

        if (edge == 0) {
            world_finish(state);
            world = night(state, i == 0 ? hours_of_access : hours_of_a_site);
        }
        world_until(world, edges[edge] - MINUTE);
        world_forget(world);
        world_until(world, edges[edge]);
        assert_state(world, ERP, POWER_OFF);
        assert_int_equal(world_count(world, ACTION_SITE), 1);
        assert_int_equal(world_count(world, ACTION_STATUS), 1);
        assert_int_equal(fleet_site(world->fleet, SITE_ERP)->closed_until != 0, edge == 1);
    }
}

static void projects_too(struct world *world)
{
    office_hours_alone(world);
    world->domains[TESTING].policy = world->domains[ERP].policy;
}

static void test_projects_are_closed_too(void **state)
{
    struct world *world = night(state, projects_too);

    assert_true(fleet_site(world->fleet, SITE_TESTING)->closed_until > 0);
    assert_true(fleet_site(world->fleet, SITE_CLIENT1)->closed_until > 0);
    world_visit(world, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_OFF);
}

/* What comes next. */

static void assert_next(const struct world *world, int64_t at, const char *what)
{
    struct next_event next = {.what = ""};

    assert_true(fleet_next_event(world->fleet, ERP, world->now, &next));
    assert_string_equal(next.what, what);
    assert_int_equal(next.at, at);
    assert_true(!fact_is(&next.reason, FACT_NONE));
}

static void test_next_event(void **state)
{
    struct world *world = night(state, office_hours);
    struct next_event next;

    assert_next(world, MONDAY + 8 * HOUR - MINUTE, "schedule");
    world_until(world, MONDAY + 8 * HOUR - MINUTE);
    assert_next(world, MONDAY + 8 * HOUR + 2 * MINUTE, "wake_deadline");
    world_advance(world, 3 * MINUTE);
    assert_next(world, MONDAY + 8 * HOUR + 3 * MINUTE, "wake_retry");
    world_advance(world, MINUTE);
    boot(world, 20 * SECOND);
    assert_next(world, MONDAY + 19 * HOUR, "sleep");
    world_until(world, MONDAY + 19 * HOUR);
    assert_next(world, world->now.wall + 10 * SECOND, "sleep_deadline");
    close_day(world);
    world_visit(world, SITE_ERP);
    assert_next(world, world->now.wall + 20 * SECOND, "ready");
    boot(world, 20 * SECOND);
    world_keep_awake(world, ERP, true);
    assert_false(fleet_next_event(world->fleet, ERP, world->now, &next));
}

#define TEST(test_) cmocka_unit_test_teardown(test_, world_finish)

/* A clock that is set by less than two seconds moves no end of a lease. */
static void test_how_far_a_clock_is_set(void **state)
{
    static const struct {
        int64_t by;
        bool moves;
    } rows[] = {{-3000, true}, {-2000, true}, {-1999, false},
                {1999, false}, {2000, true},  {3000, true}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        struct world *world = night(state, office_hours);

        world_until(world, MONDAY + 10 * HOUR);
        const int64_t until = schedule_lease(world)->until;

        world->now.wall += rows[i].by;
        fleet_clock_was_set(world->fleet, world->now);
        assert_int_equal(schedule_lease(world)->until, rows[i].moves ? until - rows[i].by : until);
    }
}

/* A policy that opens a domain opens its projects with it, in the middle of a minute as well. */
static void test_an_override_opens_all(void **state)
{
    struct world *world = night(state, projects_too);

    world_advance(world, 30 * SECOND);
    assert_true(fleet_site(world->fleet, SITE_CLIENT1)->closed_until > 0);
    world_policy(world, TESTING, POLICY_ON_DEMAND);
    assert_int_equal(fleet_site(world->fleet, SITE_TESTING)->closed_until, 0);
    assert_int_equal(fleet_site(world->fleet, SITE_CLIENT1)->closed_until, 0);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_override_opens_all),
        TEST(test_how_far_a_clock_is_set),
        TEST(test_a_day),
        TEST(test_ready_at_the_start),
        TEST(test_weekend),
        TEST(test_failures_back_off),
        TEST(test_across_midnight),
        TEST(test_exception),
        TEST(test_lead_time_after_a_wake_in_vain),
        TEST(test_lead_time_after_a_late_stage),
        TEST(test_gap_shorter_than_the_lead),
        TEST(test_gap_longer_than_the_lead),
        TEST(test_many_windows_in_a_row),
        TEST(test_next_window_in_another_zone),
        TEST(test_clock_change),
        TEST(test_union_of_domains),
        TEST(test_catch_up),
        TEST(test_clock_steps),
        TEST(test_clock_steps_past_the_end),
        TEST(test_slewed_clock_is_no_news),
        TEST(test_clock_not_trusted),
        TEST(test_override),
        TEST(test_scheduled_needs_windows),
        TEST(test_override_to_scheduled),
        TEST(test_configured_always_on),
        TEST(test_idle_at_run_time),
        TEST(test_holds),
        TEST(test_a_hold_is_renewed),
        TEST(test_keep_awake),
        TEST(test_a_visit_outlives_the_window),
        TEST(test_a_wake_outlives_the_window),
        TEST(test_on_demand_outside),
        TEST(test_refused_outside),
        TEST(test_commands_are_not_refused_outside),
        TEST(test_override_opens),
        TEST(test_opening_and_closing_are_published),
        TEST(test_projects_are_closed_too),
        TEST(test_next_event),
    };
    alarm(60); /* a tick that never ends is a failure too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
