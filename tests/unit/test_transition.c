/* What comes with a change of state, what is wrong with a server or a site, and what a sleep ends:
 * each row by hand, on a server that is put into the state at hand. */
#include "base/array.h"
#include "core/adopt.h"
#include "core/emit.h"
#include "core/problem.h"
#include "core/saved.h"
#include "core/state.h"
#include "core/transition.h"
#include "fleet_fixture.h"

/* Each event says why it moves the state, unless somebody says it better. */
static void test_each_event_says_why(void **state)
{
    static const struct {
        enum power_state from;
        enum power_event event;
        enum power_state to;
        enum fact_code why;
    } rows[] = {
        {POWER_OFF, POWER_SIGN, POWER_BOOTING, FACT_SEEN_SIGN},
        {POWER_OFF, POWER_PASS, POWER_READY, FACT_SEEN_PASS},
        {POWER_READY, POWER_FAIL, POWER_DEGRADED, FACT_SEEN_FAIL},
        {POWER_READY, POWER_SILENT, POWER_UNREACHABLE, FACT_SEEN_SILENT},
        {POWER_READY, POWER_GOODBYE, POWER_SLEEPING, FACT_AGENT_GOODBYE},
        {POWER_SLEEPING, POWER_BACK, POWER_WAKING, FACT_AGENT_BACK},
        {POWER_OFF, POWER_WAKE, POWER_WAKING, FACT_WAKE_REQUESTED},
        {POWER_READY, POWER_SLEEP, POWER_SLEEPING, FACT_SLEEP_AGREED},
        {POWER_WAKING, POWER_DEADLINE, POWER_WAKE_FAILED, FACT_WAKE_OUT_OF_TIME},
        {POWER_WAKING, POWER_CANCEL, POWER_WAKING, FACT_NONE},
        {POWER_WAKING, POWER_CANCEL, POWER_OFF, FACT_WAKE_CANCELLED},
    };
    struct world *world = *state;
    struct power *power = &world->fleet->powers[ERP];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int given = 0; given < 2; given++) {
            const struct fact reason = FACT(SEEN_CRASH);
            struct step step = {.fleet = world->fleet,
                                .now = world->now,
                                .server = ERP,
                                .power = power,
                                .model = &world->servers[ERP]};
            const bool moves = rows[i].to != rows[i].from;

            power->state = rows[i].from;
            power->reason = FACT(NONE);
            power->since = 0;
            power->wake.open = rows[i].to == POWER_WAKING;
            world_forget(world);
            step_transition(&step, rows[i].event, given ? &reason : NULL);
            assert_int_equal(power->state, rows[i].to);
            assert_int_equal(step.changed, moves);
            assert_int_equal(power->since, moves ? world->now.boot : 0);
            assert_int_equal(world_count(world, ACTION_STATE), moves);
            if (!moves)
                continue;
            assert_int_equal(world_last(world, ACTION_STATE)->action.state.from, rows[i].from);
            assert_int_equal(world_last(world, ACTION_STATE)->action.state.to, rows[i].to);
            assert_int_equal(power->reason.parts[0].code, given ? FACT_SEEN_CRASH : rows[i].why);
        }
}

/* A stage of a wake is told and published once, as long as it is under way or was a moment ago, and
 * not while it waits for others. */
static void test_when_a_stage_is_told(void **state)
{
    static const struct {
        bool open, recent;
        enum wake_wait wait;
        bool reached, told;
    } rows[] = {
        {true, false, WAIT_NOTHING, false, true},     {false, true, WAIT_NOTHING, false, true},
        {true, true, WAIT_NOTHING, false, true},      {false, false, WAIT_NOTHING, false, false},
        {true, false, WAIT_NOTHING, true, false},     {false, true, WAIT_NOTHING, true, false},
        {true, false, WAIT_DEPENDENCY, false, false}, {true, false, WAIT_TURN, false, false},
    };
    struct world *world = *state;
    struct power *power = &world->fleet->powers[ERP];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (unsigned stage = 0; stage < STAGES; stage++) {
            struct step step = {.fleet = world->fleet,
                                .now = world->now,
                                .server = ERP,
                                .power = power,
                                .model = &world->servers[ERP]};

            power->wake = (struct wake){.open = rows[i].open,
                                        .recent = rows[i].recent,
                                        .wait = rows[i].wait,
                                        .started = world->now.boot - 7 * SECOND};
            for (unsigned k = 0; k < STAGES; k++)
                power->wake.stages[k] = STAGE_UNREACHED;
            if (rows[i].reached)
                power->wake.stages[stage] = 1;
            world_forget(world);
            step_stage(&step, (enum stage)stage);
            assert_int_equal(step.changed, rows[i].told);
            assert_int_equal(world_count_event(world, HAPPENED_STAGE), rows[i].told);
            assert_int_equal(world->n, rows[i].told);
            assert_int_equal(power->wake.stages[stage], rows[i].told      ? 7 * SECOND
                                                        : rows[i].reached ? 1
                                                                          : STAGE_UNREACHED);
            if (!rows[i].told)
                continue;
            assert_int_equal(world->seen[0].action.event.stage, stage);
            assert_int_equal(world->seen[0].action.event.ms, 7 * SECOND);
        }
}

/* Found awake where nobody asked for it, it has a lease of its own for a while, which says how. */
static void test_who_is_found_awake(void **state)
{
    static const struct {
        enum power_state from;
        bool wakes, leased;
        enum fact_code why; /* NONE: it gets no lease */
    } rows[] = {
        {POWER_UNKNOWN, false, false, FACT_LEASE_FOUND_UP},
        {POWER_OFF, false, false, FACT_LEASE_FOUND_AWAKE},
        {POWER_UNREACHABLE, false, false, FACT_LEASE_FOUND_AWAKE},
        {POWER_OFF, false, true, FACT_NONE},
        {POWER_WAKING, true, false, FACT_NONE},
        {POWER_WAKING, true, true, FACT_NONE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world;
        struct power *power;

        world_finish(state);
        *state = world = world_new(NULL);
        power = &world->fleet->powers[ERP];
        struct step step = {.fleet = world->fleet,
                            .now = world->now,
                            .server = ERP,
                            .power = power,
                            .model = &world->servers[ERP]};
        power->state = rows[i].from;
        power->wake.open = rows[i].wakes;
        if (rows[i].leased)
            assert_true(lease_take(power->leases, LEASE_HOLD, MODEL_NONE, "backup", NULL,
                                   world->now.boot, LEASE_FOREVER));
        step_transition(&step, POWER_SIGN, NULL);
        assert_state(world, ERP, POWER_BOOTING);
        const struct lease *lease = world_lease(world, ERP, LEASE_MANUAL, "found awake");

        if ((lease ? lease->why.code : FACT_NONE) != rows[i].why)
            fail_msg("row %zu", i);
        if (lease)
            assert_int_equal(lease->until, world->now.boot + 20 * MINUTE);
    }
}

/* ---- what is wrong ---- */

/* A check that has failed often enough to be sure. */
static struct check_state failed(enum fault_code code)
{
    return (struct check_state){.known = true,
                                .alive = true,
                                .fails = EVIDENCE_MISSES,
                                .fault = {.code = (uint8_t)code, .number = 502}};
}

/* It is told while the server is up, and of a wake that ended before all was ready; while it starts
 * only what gets no better by waiting. */
static void test_when_a_fault_is_told(void **state)
{
    static const struct {
        bool alive, wakes;
        enum wake_failure failure;
        enum fault_code code;
        bool told, logged;
    } rows[] = {
        {true, false, FAILURE_NONE, FAULT_REFUSED, true, true},
        {true, false, FAILURE_NONE, FAULT_NONE, false, false},
        {true, true, FAILURE_NONE, FAULT_REFUSED, false, false},
        {true, true, FAILURE_NONE, FAULT_EXPIRED, true, true},
        {true, false, FAILURE_NO_SIGN, FAULT_REFUSED, true, true},
        {true, false, FAILURE_NOT_READY, FAULT_REFUSED, true, true},
        {false, false, FAILURE_NONE, FAULT_REFUSED, false, false},
        {false, false, FAILURE_NO_SIGN, FAULT_REFUSED, false, false},
        {false, false, FAILURE_NOT_READY, FAULT_REFUSED, true, false},
        {false, false, FAILURE_NO_PACKET, FAULT_REFUSED, false, false},
        {false, false, FAILURE_CANCELLED, FAULT_REFUSED, false, false},
        {false, false, FAILURE_DEPENDENCY, FAULT_REFUSED, false, false},
        {false, true, FAILURE_NONE, FAULT_EXPIRED, false, false},
    };
    struct world *world = *state;
    struct power *power = &world->fleet->powers[ERP];

    world->sites[SITE_ERP].check = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const int check = rows[i].code == FAULT_NONE ? MODEL_NONE : 0;

        power->evidence.alive = rows[i].alive;
        power->wake.open = rows[i].wakes;
        power->failure = rows[i].failure;
        power->problem = FACT(NONE);
        power->evidence.checks[0] = failed(rows[i].code);
        if (rows[i].code == FAULT_NONE)
            power->evidence.checks[0].passing = true;
        const struct fault fault = problem_of_site(world->fleet, SITE_ERP);
        const struct fact problem = fleet_problem(world->fleet, ERP);

        if (fault.code != (rows[i].told ? rows[i].code : FAULT_NONE))
            fail_msg("row %zu: of the site %d", i, fault.code);
        if (problem_check(power, &world->model, ERP) != (rows[i].told ? check : MODEL_NONE))
            fail_msg("row %zu: of the server", i);
        if (fact_is(&problem, FACT_NONE) == rows[i].told)
            fail_msg("row %zu: as a fact", i);
        if (problem_untold(power, &world->model, ERP) != (rows[i].logged ? check : MODEL_NONE))
            fail_msg("row %zu: of the log", i);
        /* It is logged once, and again after it was over. */
        assert_int_equal(problem_untold(power, &world->model, ERP), MODEL_NONE);
        power->evidence.checks[0].passing = true;
        assert_int_equal(problem_untold(power, &world->model, ERP), MODEL_NONE);
    }
    /* Seen once or twice is not yet beyond doubt; without a check nothing is known. */
    power->evidence.alive = true;
    power->wake.open = false;
    power->evidence.checks[0] = failed(FAULT_REFUSED);
    power->evidence.checks[0].fails = EVIDENCE_MISSES - 1;
    assert_int_equal(problem_of_site(world->fleet, SITE_ERP).code, FAULT_NONE);
    power->evidence.checks[0] = failed(FAULT_REFUSED);
    assert_int_equal(problem_of_site(world->fleet, SITE_ERP).code, FAULT_REFUSED);
    world->sites[SITE_ERP].check = MODEL_NONE;
    assert_int_equal(problem_of_site(world->fleet, SITE_ERP).code, FAULT_NONE);
}

/* Each fault has a fact of its own; of a server's check the fact says which, of a site's not. */
static void test_the_fact_of_each_fault(void **state)
{
    static const enum fact_code codes[FAULTS] = {
        [FAULT_NONE] = FACT_NONE,
        [FAULT_SILENT] = FACT_CHECK_SILENT,
        [FAULT_REFUSED] = FACT_CHECK_REFUSED,
        [FAULT_STATUS] = FACT_CHECK_STATUS,
        [FAULT_SLOW] = FACT_CHECK_SLOW,
        [FAULT_CLOSED] = FACT_CHECK_CLOSED,
        [FAULT_UNRESOLVED] = FACT_CHECK_UNRESOLVED,
        [FAULT_SELF_SIGNED] = FACT_CHECK_SELF_SIGNED,
        [FAULT_UNTRUSTED] = FACT_CHECK_UNTRUSTED,
        [FAULT_EXPIRED] = FACT_CHECK_EXPIRED,
        [FAULT_NOT_YET_VALID] = FACT_CHECK_NOT_YET_VALID,
        [FAULT_WRONG_NAME] = FACT_CHECK_WRONG_NAME,
        [FAULT_BAD_CERTIFICATE] = FACT_CHECK_BAD_CERTIFICATE,
        [FAULT_CA_FILE] = FACT_CHECK_CA_FILE,
        [FAULT_NO_TLS] = FACT_CHECK_NO_TLS,
        [FAULT_UNABLE] = FACT_CHECK_UNABLE,
        [FAULT_NO_AGENT] = FACT_CHECK_NO_AGENT,
    };

    for (unsigned code = 0; code < FAULTS; code++) {
        struct power power = {.evidence = {.checks = {[2] = failed((enum fault_code)code)}}};
        const struct fact of_site = problem_of_fault(power.evidence.checks[2].fault);
        const struct fact of_server = problem_of_check(&power, TESTING + 3, 2);

        assert_int_equal(of_site.parts[0].code, codes[code]);
        assert_int_equal(of_server.parts[0].code, codes[code]);
        if (code == FAULT_NONE)
            continue;
        assert_int_equal(of_site.parts[0].n[0], 502);
        assert_int_equal(of_site.parts[0].subject, MODEL_NONE);
        assert_int_equal(of_server.parts[0].n[0], 502);
        assert_int_equal(of_server.parts[0].subject, TESTING + 3);
        assert_int_equal(of_server.parts[0].word, 2);
    }
}

/* A required check comes before others, wherever it stands; beside the site of a domain one that
 * nobody named says nothing, and a project's site says it itself. */
static void test_which_check_is_named(void **state)
{
    static const struct {
        bool required[3];
        int site[3];
        bool any_site;
        unsigned failing; /* a bit each */
        int named;
    } rows[] = {
        {{true, true, true}, {-1, -1, -1}, false, 7, 0},
        {{true, true, true}, {-1, -1, -1}, false, 6, 1},
        {{true, true, true}, {-1, -1, -1}, false, 0, -1},
        {{false, false, true}, {SITE_TESTING, -1, -1}, false, 7, 2},
        {{false, false, true}, {SITE_TESTING, -1, -1}, false, 3, 0},
        {{false, false, true}, {-1, SITE_TESTING, -1}, true, 3, 1},
        {{false, false, false}, {-1, -1, -1}, true, 7, -1},
        {{false, false, false}, {-1, -1, -1}, false, 6, 1},
        {{false, false, false}, {SITE_CLIENT1, SITE_CLIENT1, SITE_TESTING}, false, 7, 2},
        {{true, false, false}, {SITE_CLIENT1, -1, -1}, true, 7, -1},
    };
    struct world *world = *state;

    world->servers[TESTING].n_checks = 3;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct power power = {.evidence = {.alive = true}};

        world->servers[TESTING].any_site = rows[i].any_site;
        for (unsigned n = 0; n < 3; n++) {
            world->checks[TESTING][n].required = rows[i].required[n];
            world->checks[TESTING][n].site = rows[i].site[n] < 0 ? MODEL_NONE : rows[i].site[n];
            if (rows[i].failing & 1U << n)
                power.evidence.checks[n] = failed(FAULT_REFUSED);
        }
        const int found = problem_check(&power, &world->model, TESTING);

        if (found != (rows[i].named < 0 ? MODEL_NONE : rows[i].named))
            fail_msg("row %zu: check %d", i, found);
    }
}

/* ---- what a sleep ends ---- */

/* Those of the run end with it, those of people and programs only by force. */
static void test_which_leases_a_sleep_ends(void **state)
{
    static const struct {
        enum lease_kind kind;
        const char *holder;
        int subject;
        bool after_goodbye, after_force;
    } rows[] = {
        {LEASE_VISIT, "", SITE_ERP, false, false},
        {LEASE_MANUAL, "operator", MODEL_NONE, false, false},
        {LEASE_AGENT, "ssh", MODEL_NONE, false, false},
        {LEASE_STREAM, AGENT_STREAM, MODEL_NONE, false, false},
        {LEASE_HOLD, "backup", MODEL_NONE, true, false},
    };

    for (int force = 0; force < 2; force++) {
        struct world *world;
        struct power *power;

        world_finish(state);
        *state = world = world_new(NULL);
        power = &world->fleet->powers[ERP];
        world_wake(world, ERP, 5 * SECOND);
        world_agent(world, ERP, AGENT_ONLINE);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
            assert_true(lease_take(power->leases, rows[i].kind, rows[i].subject, rows[i].holder,
                                   NULL, world->now.boot, world->now.boot + HOUR));
        world_advance(world, SECOND);
        if (force) {
            struct command command = world_new_command(COMMAND_SLEEP, "s");

            command.force = true;
            world_order(world, ERP, command);
            world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
        } else {
            world_agent(world, ERP, AGENT_SLEEPING);
        }
        assert_state(world, ERP, POWER_SLEEPING);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            const bool kept =
                lease_find(power->leases, rows[i].kind, rows[i].subject, rows[i].holder) != NULL;

            if (kept != (force ? rows[i].after_force : rows[i].after_goodbye))
                fail_msg("%s: %d", lease_kind_name(rows[i].kind), kept);
        }
    }
}

/* The agent is back before silence was proven: a sleep has failed, a restart was too quick to be
 * seen. */
static void test_back_before_silence(void **state)
{
    for (int restart = 0; restart < 2; restart++) {
        struct world *world;

        world_finish(state);
        *state = world = world_new(NULL);
        world_wake(world, ERP, 5 * SECOND);
        world_agent(world, ERP, AGENT_ONLINE);
        world_advance(world, 10 * MINUTE);
        world_command(world, ERP, restart ? COMMAND_RESTART : COMMAND_SLEEP, "c");
        world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
        world_agent(world, ERP, AGENT_SLEEPING);
        assert_state(world, ERP, POWER_SLEEPING);
        world_forget(world);
        world_agent(world, ERP, AGENT_ONLINE);
        assert_state(world, ERP, POWER_READY);
        const struct power *power = world_power(world, ERP);

        assert_int_equal(power->reason.parts[0].code,
                         restart ? FACT_SLEEP_RESTARTED : FACT_AGENT_BACK);
        assert_int_equal(power->sleep.phase, SLEEP_NONE);
        assert_false(power->resting);
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), !restart);
        assert_int_equal(fact_is(&power->problem, FACT_SLEEP_FAILED), !restart);
        assert_string_equal(world_outcomes(world, "c"), restart ? "done " : "failed ");
    }
}

/* An agent that never answers is asked each minute; that it does not is news once. */
static void test_the_same_refusal_is_told_once(void **state)
{
    struct world *world = *state;

    world_wake(world, ERP, 5 * SECOND);
    world_agent(world, ERP, AGENT_ONLINE);
    world_advance(world, HOUR);
    assert_true(world_count(world, ACTION_SLEEP) > 10);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REQUESTED), 1);
    world_sleep_answer(world, ERP, SLEEP_VETOED, "apt is running");
    world_advance(world, MINUTE);
    world_sleep_answer(world, ERP, SLEEP_VETOED, "apt is running");
    assert_in_range(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1, 3);
}

/* ---- over a reload ---- */

/* A lease follows what holds it to its new place, and ends with it. */
static void test_leases_over_a_reload(void **state)
{
    struct world *world = *state;
    struct model model = world->model;
    struct model_site sites[WORLD_SITES];
    struct model_domain domains[WORLD_SERVERS];
    const struct lease_set *set;
    struct fleet *fleet;
    const struct fleet_sink sink = {.act = world_act, .context = world};

    /* nas and db change places among the sites, erp's site has gone. */
    memcpy(sites, world->sites, sizeof(sites));
    memcpy(domains, world->domains, sizeof(domains));
    sites[SITE_NAS] = world->sites[SITE_DB];
    sites[SITE_DB] = world->sites[SITE_NAS];
    sites[SITE_ERP].id = "other.example";
    domains[NAS].site = SITE_DB;
    domains[DB].site = SITE_NAS;
    model.sites = sites;
    model.domains = domains;
    world_up(world, NAS);
    world_up(world, ERP);
    world_visit(world, SITE_NAS);
    world_use(world, SITE_NAS);
    world_use(world, SITE_ERP);
    world_hold(world, NAS, "backup", HOUR);
    world_look(world, NAS, "nas.example", MINUTE);
    const struct lease visit = *world_lease(world, NAS, LEASE_VISIT, "nas.example");
    assert_non_null(world_lease(world, ERP, LEASE_VISIT, "erp.example"));
    world_advance(world, SECOND);
    assert_int_equal(fleet_create(&model, &sink, world->now, &fleet), 0);
    fleet_set_zones(fleet, &world->zones);
    assert_int_equal(fleet_adopt(fleet, world->fleet, world->now), 0);
    fleet_destroy(world->fleet);
    world->fleet = fleet;
    set = world_power(world, NAS)->leases;
    assert_non_null(lease_find(set, LEASE_VISIT, SITE_DB, ""));
    assert_int_equal(lease_find(set, LEASE_VISIT, SITE_DB, "")->since, visit.since);
    assert_int_equal(lease_find(set, LEASE_VISIT, SITE_DB, "")->until, visit.until);
    assert_null(lease_find(set, LEASE_VISIT, SITE_NAS, ""));
    assert_non_null(lease_find(set, LEASE_STREAM, SITE_DB, ""));
    assert_non_null(lease_find(set, LEASE_HOLD, MODEL_NONE, "backup"));
    assert_null(lease_find(world_power(world, ERP)->leases, LEASE_VISIT, SITE_ERP, ""));
    fleet_destroy(world->fleet);
    world->fleet = NULL;
}

/* ---- what wakes one that was put to sleep by force ---- */

static void test_what_wakes_in_spite_of_force(void **state)
{
    for (int hold = 0; hold < 2; hold++) {
        struct world *world;
        struct command command = world_new_command(COMMAND_SLEEP, "s");

        world_finish(state);
        *state = world = world_new(NULL);
        world_wake(world, ERP, 5 * SECOND);
        world_agent(world, ERP, AGENT_ONLINE);
        world_policy(world, ERP, POLICY_ALWAYS_ON);
        command.force = true;
        world_order(world, ERP, command);
        world_fall_asleep(world, ERP);
        assert_state(world, ERP, POWER_OFF);
        assert_true(world_power(world, ERP)->resting);
        world_forget(world);
        if (hold)
            world_hold(world, ERP, "backup", HOUR);
        else
            world_keep_awake(world, ERP, true);
        assert_state(world, ERP, POWER_WAKING);
        const struct seen_action *asked = NULL;

        for (size_t i = 0; i < world->n; i++) {
            if (world->seen[i].action.kind == ACTION_EVENT &&
                world->seen[i].action.event.what == HAPPENED_HOLD)
                asked = &world->seen[i];
        }
        assert_non_null(asked);
        assert_int_equal(asked->action.event.ms, 0);
        assert_int_equal(world_count(world, ACTION_PACKET), 1);
    }
}

/* ---- who else is told of ---- */

static void report_use(struct world *world, const char *holder)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = ERP, .uses = {.n = holder != NULL}};

    snprintf(event.uses.list[0].holder, sizeof(event.uses.list[0].holder), "%s",
             holder ? holder : "");
    event.uses.list[0].veto = fact_said("in use");
    world_handle(world, &event);
}

/* A lease of the agent goes on while each report tells of it. */
static void test_what_an_agent_goes_on_to_report(void **state)
{
    struct world *world = *state;
    const struct lease_set *set = world_power(world, ERP)->leases;

    world_wake(world, ERP, 5 * SECOND);
    world_agent(world, ERP, AGENT_ONLINE);
    report_use(world, "ssh");
    const int64_t since = world->now.boot;

    for (int i = 0; i < 3; i++) {
        world_advance(world, MINUTE);
        report_use(world, "ssh");
        const struct lease *lease = lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh");

        assert_non_null(lease);
        assert_int_equal(lease->since, since);
        assert_int_equal(lease->renewed, world->now.boot);
    }
    report_use(world, "zypper");
    assert_null(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh"));
    assert_non_null(lease_find(set, LEASE_AGENT, MODEL_NONE, "zypper"));
    report_use(world, NULL);
    assert_null(lease_find(set, LEASE_AGENT, MODEL_NONE, "zypper"));
}

/* A report that tells nothing of use does not say that the use is over; it is not for ever either.
 */
static void test_what_an_agent_does_not_say(void **state)
{
    struct world *world = *state;
    const struct lease_set *set = world_power(world, ERP)->leases;
    struct fleet_event event = {.kind = FLEET_REPORT, .server = ERP, .uses = {.unknown = true}};

    world_wake(world, ERP, 5 * SECOND);
    world_agent(world, ERP, AGENT_ONLINE);
    report_use(world, "ssh");
    const int64_t until = world->now.boot + fleet_idle(world->fleet, ERP);

    world_handle(world, &event);
    world_advance(world, MINUTE);
    world_handle(world, &event);
    const struct lease *lease = lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh");

    assert_non_null(lease);
    assert_int_equal(lease->until, until);
    report_use(world, "ssh");
    assert_int_equal(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh")->until, LEASE_FOREVER);
}

/* The broker was away: what was reported goes on meanwhile, and ends after a while unless it is
 * reported again. What the broker kept is no report. */
static void test_what_an_agent_reported_before_the_broker_went(void **state)
{
    struct world *world = *state;
    const struct lease_set *set = world_power(world, ERP)->leases;
    const struct fleet_event back = {.kind = FLEET_UNHEARD, .server = ERP};
    struct fleet_event report = {.kind = FLEET_REPORT, .server = ERP, .uses = {.n = 1}};

    text_copy(report.uses.list[0].holder, sizeof(report.uses.list[0].holder), "ssh");
    report.uses.list[0].veto = fact_said("in use");
    report.report.mark = 7;
    world_wake(world, ERP, 5 * SECOND);
    world_agent(world, ERP, AGENT_ONLINE);
    world_handle(world, &report);
    world_advance(world, 5 * 3600 * SECOND);
    assert_int_equal(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh")->until, LEASE_FOREVER);

    const int64_t until = world->now.boot + fleet_idle(world->fleet, ERP);
    world_handle(world, &back);
    world_handle(world, &report);
    world_handle(world, &report);
    assert_int_equal(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh")->until, until);
    report.report.mark = 8;
    world_handle(world, &report);
    assert_int_equal(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh")->until, LEASE_FOREVER);
    world_handle(world, &report); /* as heard while the broker is there */
    assert_int_equal(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh")->until, LEASE_FOREVER);

    world_handle(world, &back);
    world_advance(world, fleet_idle(world->fleet, ERP) + SECOND);
    assert_null(lease_find(set, LEASE_AGENT, MODEL_NONE, "ssh"));
}

/* A stream that is the first of the leases ends like any other. */
static void test_a_stream_alone_ends(void **state)
{
    struct world *world = *state;
    struct lease_set *set = world->fleet->powers[ERP].leases;

    world_up(world, ERP);
    world_look(world, ERP, "erp.example", MINUTE);
    lease_release_kind(set, LEASE_MANUAL);
    assert_int_equal(set->n, 1);
    assert_int_equal(set->leases[0].kind, LEASE_STREAM);
    world_look(world, ERP, NULL, 0);
    assert_int_equal(set->n, 0);
}

/* Who changed it last is kept, and the longest idle time of its domains holds; 20 minutes where
 * none is configured. */
static void test_the_idle_time(void **state)
{
    struct world *world = *state;
    struct command command = world_new_command(COMMAND_IDLE, "i");
    static const struct {
        int64_t configured, idle;
    } rows[] = {{0, 20 * MINUTE}, {1, 1}, {HOUR, HOUR}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world->domains[ERP].policy.idle = rows[i].configured;
        assert_int_equal(fleet_idle(world->fleet, ERP), rows[i].idle);
    }
    snprintf(command.by, sizeof(command.by), "anne");
    command.minutes = 7;
    world_order(world, ERP, command);
    assert_int_equal(fleet_idle(world->fleet, ERP), 7 * MINUTE);
    assert_string_equal(world->fleet->overrides[ERP].by, "anne");
}

/* Before its agent has told of them nothing is known of the containers. */
static void test_containers_before_any_report(void **state)
{
    struct world *world = *state;
    const struct project *project = fleet_project(world->fleet, SITE_CLIENT1);

    assert_int_equal(project->n, 1);
    assert_string_equal(project->containers[0].name, "client1-web");
    assert_int_equal(project->containers[0].state, CONTAINER_UNKNOWN);
    assert_int_equal(project->containers[0].health, HEALTH_NONE);
    assert_false(project->containers[0].busy);
    for (unsigned stage = 0; stage < STAGES; stage++)
        assert_int_equal(project->stages[stage], STAGE_UNREACHED);
}

/* An answer that names another question is none; one that names none is to this one. */
static void test_whose_answer_it_is(void **state)
{
    static const struct {
        const char *id;
        bool counts;
    } rows[] = {{"m", true}, {"", true}, {"a", false}, {"z", false}, {"l", false}, {"mm", false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world;
        struct fleet_event event = {
            .kind = FLEET_SLEEP_ANSWER, .server = ERP, .sleep = {.answer = SLEEP_ACCEPTED}};

        world_finish(state);
        *state = world = world_new(NULL);
        world_wake(world, ERP, 5 * SECOND);
        world_agent(world, ERP, AGENT_ONLINE);
        world_advance(world, 10 * MINUTE);
        world_command(world, ERP, COMMAND_SLEEP, "m");
        snprintf(event.sleep.id, sizeof(event.sleep.id), "%s", rows[i].id);
        world_handle(world, &event);
        assert_state(world, ERP, rows[i].counts ? POWER_SLEEPING : POWER_READY);
    }
}

/* ---- what a report of an agent does ---- */

/* Bytes that moved as long ago as the idle time are no use; nor is what an agent says that has gone
 * to sleep, or of a server that is not up. */
static void test_which_use_is_taken(void **state)
{
    static const struct {
        int64_t quiet;
        enum power_state state;
        enum agent_word word;
        bool taken;
    } rows[] = {
        {0, POWER_READY, AGENT_ONLINE, true},
        {1, POWER_READY, AGENT_ONLINE, true},
        {20 * MINUTE - 1, POWER_READY, AGENT_ONLINE, true},
        {20 * MINUTE, POWER_READY, AGENT_ONLINE, false},
        {0, POWER_DEGRADED, AGENT_OFFLINE, true},
        {0, POWER_DEGRADED, AGENT_SLEEPING, false},
        {0, POWER_SLEEPING, AGENT_ONLINE, false},
        {0, POWER_OFF, AGENT_ONLINE, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world;
        struct fleet_event event = {.kind = FLEET_REPORT, .server = ERP};

        world_finish(state);
        *state = world = world_new(NULL);
        world->fleet->powers[ERP].state = rows[i].state;
        world->fleet->powers[ERP].evidence.agent = rows[i].word;
        event.uses.n = 1;
        snprintf(event.uses.list[0].holder, LEASE_HOLDER_SIZE, "ssh");
        event.uses.list[0].quiet = rows[i].quiet;
        world_handle(world, &event);
        if ((world_lease(world, ERP, LEASE_AGENT, "ssh") != NULL) != rows[i].taken)
            fail_msg("row %zu", i);
    }
}

/* When it goes, what it reported lives on for an idle time, each of it. */
static void test_what_outlives_an_agent(void **state)
{
    struct world *world = *state;
    struct fleet_event event = {.kind = FLEET_REPORT, .server = ERP};
    struct lease_set *set = world->fleet->powers[ERP].leases;

    world_up(world, ERP);
    world_agent(world, ERP, AGENT_ONLINE);
    set->n = 0;
    event.uses.n = 2;
    snprintf(event.uses.list[0].holder, LEASE_HOLDER_SIZE, "ssh");
    snprintf(event.uses.list[1].holder, LEASE_HOLDER_SIZE, "%s", AGENT_STREAM);
    world_handle(world, &event);
    assert_int_equal(set->n, 2);
    world_agent(world, ERP, AGENT_OFFLINE);
    assert_int_equal(set->n, 2);
    for (size_t i = 0; i < set->n; i++)
        assert_int_equal(set->leases[i].until, world->now.boot + 20 * MINUTE);
}

/* ---- how a wake ends ---- */

/* Found ready: it is told without a time. Woken: with its time, and without stages of an agent that
 * was not heard. */
static void test_what_is_told_of_ready(void **state)
{
    for (int woken = 0; woken < 2; woken++) {
        struct world *world;

        world_finish(state);
        *state = world = world_new(NULL);
        world_silence(world, ERP);
        if (woken)
            world_visit(world, SITE_ERP);
        world_advance(world, 5 * SECOND);
        world_forget(world);
        world_pass(world, ERP);
        assert_state(world, ERP, POWER_READY);
        assert_int_equal(world_count_event(world, HAPPENED_READY), 1);
        assert_true(!woken || world_last(world, ACTION_SAVE)->action.save.durable);
        for (size_t i = 0; i < world->n; i++)
            if (world->seen[i].action.kind == ACTION_EVENT &&
                world->seen[i].action.event.what == HAPPENED_READY)
                assert_int_equal(world->seen[i].action.event.ms, woken ? 5 * SECOND : 0);
        assert_int_equal(world_power(world, ERP)->wake.stages[STAGE_AGENT_ONLINE], STAGE_UNREACHED);
        assert_int_equal(world_power(world, ERP)->wake.stages[STAGE_FIRST_SIGN],
                         woken ? 5 * SECOND : STAGE_UNREACHED);
    }
}

/* It resumed where its boot id is the same, and booted where it is another; where one is not known,
 * what was expected stands. */
static void test_which_kind_of_wake_it_was(void **state)
{
    static const struct {
        const char *before, *after;
        bool goodbye;
        enum wake_kind kind;
    } rows[] = {
        {"a", "a", true, WAKE_RESUME}, {"a", "a", false, WAKE_RESUME}, {"a", "b", true, WAKE_COLD},
        {"a", "b", false, WAKE_COLD},  {"", "b", true, WAKE_RESUME},   {"", "b", false, WAKE_COLD},
        {"a", "", true, WAKE_RESUME},  {"a", "", false, WAKE_COLD},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world;

        world_finish(state);
        *state = world = world_new(NULL);
        world_silence(world, ERP);
        world->fleet->powers[ERP].said_goodbye = rows[i].goodbye;
        world_report(world, ERP, rows[i].before, true);
        world_command(world, ERP, COMMAND_WAKE, "");
        world_advance(world, 5 * SECOND);
        world_report(world, ERP, rows[i].after, true);
        world_up(world, ERP);
        assert_state(world, ERP, POWER_READY);
        if (world_power(world, ERP)->wake.kind != rows[i].kind)
            fail_msg("row %zu", i);
    }
}

/* It is watched closely while a visitor's site does not answer yet, and no longer. */
static void test_how_long_a_site_is_awaited(void **state)
{
    for (int ready = 0; ready < 2; ready++)
        for (int leased = 0; leased < 2; leased++) {
            struct world *world;
            struct power *power;

            world_finish(state);
            *state = world = world_new(NULL);
            power = &world->fleet->powers[ERP];
            world_up(world, ERP);
            world->fleet->sites[SITE_ERP].ready = ready;
            power->evidence.passing = ready;
            if (leased)
                assert_true(lease_take(power->leases, LEASE_VISIT, SITE_ERP, "", NULL,
                                       world->now.boot, LEASE_FOREVER));
            if (!ready)
                power->state = POWER_BOOTING;
            power->awaited_until = world->now.boot + MINUTE;
            world_blind(world, ERP);
            assert_int_equal(power->awaited_until != 0, !ready && leased);
        }
}

/* ---- what entering a state brings with it ---- */

static void test_what_a_state_brings(void **state)
{
    static const struct {
        enum power_state from;
        enum power_event event;
        bool wakes, goodbye; /* a wake is open; it said goodbye when it went */
        enum power_state to;
        bool goodbye_after, failure_after, rests, back;
    } rows[] = {
        {POWER_UNKNOWN, POWER_SILENT, false, true, POWER_OFF, false, false, false, false},
        {POWER_SLEEPING, POWER_SILENT, false, false, POWER_OFF, true, false, false, false},
        {POWER_WAKING, POWER_CANCEL, false, true, POWER_OFF, true, true, false, false},
        {POWER_WAKING, POWER_CANCEL, false, false, POWER_OFF, false, true, false, false},
        {POWER_READY, POWER_SILENT, false, true, POWER_UNREACHABLE, false, false, true, false},
        {POWER_DEGRADED, POWER_SILENT, false, true, POWER_UNREACHABLE, false, false, true, false},
        {POWER_BOOTING, POWER_SILENT, true, true, POWER_WAKING, false, true, false, false},
        {POWER_SLEEPING, POWER_SILENT, true, false, POWER_WAKING, true, true, false, false},
        {POWER_OFF, POWER_WAKE, true, true, POWER_WAKING, true, true, false, false},
        {POWER_OFF, POWER_WAKE, true, false, POWER_WAKING, false, true, false, false},
        {POWER_UNREACHABLE, POWER_SIGN, false, false, POWER_BOOTING, false, true, false, true},
        {POWER_OFF, POWER_SIGN, false, true, POWER_BOOTING, true, true, false, false},
        {POWER_UNREACHABLE, POWER_PASS, false, false, POWER_READY, false, true, false, true},
        {POWER_WAKE_FAILED, POWER_PASS, false, false, POWER_READY, false, true, false, false},
        {POWER_OFF, POWER_PASS, false, true, POWER_READY, true, true, false, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world;
        struct power *power;

        world_finish(state);
        *state = world = world_new(NULL);
        power = &world->fleet->powers[ERP];
        struct step step = {.fleet = world->fleet,
                            .now = world->now,
                            .server = ERP,
                            .power = power,
                            .model = &world->servers[ERP]};
        power->state = rows[i].from;
        power->said_goodbye = rows[i].goodbye;
        power->failure = FAILURE_NO_SIGN;
        power->wake.open = rows[i].wakes;
        power->retry_at = 1;
        world_forget(world);
        step_transition(&step, rows[i].event, NULL);
        assert_state(world, ERP, rows[i].to);
        if (power->said_goodbye != rows[i].goodbye_after ||
            power->failure != (rows[i].failure_after ? FAILURE_NO_SIGN : FAILURE_NONE) ||
            power->retry_at != (rows[i].rests ? world->now.boot + 30 * SECOND : 1) ||
            world_count_event(world, HAPPENED_BACK) != rows[i].back)
            fail_msg("row %zu", i);
    }
}

/* As many holds as there may be leave what moves its lease. */
static void test_a_stream_beside_a_crowd(void **state)
{
    struct world *world = *state;
    struct lease_set *set = world->fleet->powers[ERP].leases;
    char name[8];

    world_up(world, ERP);
    set->n = 0;
    for (int i = 0; i < LEASES_ASKED_MAX; i++) {
        snprintf(name, sizeof(name), "h%d", i);
        assert_true(lease_take(set, LEASE_HOLD, MODEL_NONE, name, NULL, world->now.boot,
                               world->now.boot + HOUR));
    }
    world_look(world, ERP, "erp.example", 2 * MINUTE);
    assert_int_equal(world_lease(world, ERP, LEASE_STREAM, "erp.example")->until,
                     world->now.boot + 2 * MINUTE);
    assert_int_equal(set->leases[0].until, world->now.boot + HOUR);
    assert_int_equal(set->n, LEASES_ASKED_MAX + 1);
}

/* Ready, it is looked at closely while a check that passed has failed once, or one that answered
 * has not. */
static void test_when_it_is_suspect(void **state)
{
    static const struct {
        struct check_state check;
        bool suspect;
    } rows[] = {
        {{.passing = true, .alive = true}, false}, {{.passing = true, .fails = 1}, true},
        {{.passing = false, .fails = 3}, false},   {{.alive = true, .misses = 1}, true},
        {{.alive = false, .misses = 3}, false},
    };
    struct world *world = *state;
    struct power *power = &world->fleet->powers[ERP];
    int64_t usual, interval, timeout;

    power->state = POWER_READY;
    power_pace(power, 0, &usual, &timeout);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        power->evidence.checks[0] = rows[i].check;
        power_pace(power, 1, &interval, &timeout);
        if ((interval < usual) != rows[i].suspect)
            fail_msg("row %zu", i);
    }
}

/* A MAC is learned from what answers when nothing is known yet, or in a wake of Hall's: one that
 * comes up by itself may be anybody. */
static void test_when_a_mac_may_be_learned(void **state)
{
    static const struct {
        enum power_state state;
        bool wakes, learns;
    } rows[] = {
        {POWER_UNKNOWN, false, true}, {POWER_OFF, false, false},
        {POWER_READY, false, false},  {POWER_WAKING, true, true},
        {POWER_BOOTING, true, true},  {POWER_UNREACHABLE, false, false},
    };
    struct world *world = *state;
    struct power *power = &world->fleet->powers[ERP];

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int neighbour = 0; neighbour < 2; neighbour++) {
            power->state = rows[i].state;
            power->wake = (struct wake){.open = rows[i].wakes, .deadline = LEASE_FOREVER};
            if (neighbour)
                world_neighbour(world, ERP, MAC_UNKNOWN);
            else
                world_probe(world, ERP, 0, PROBE_PENDING);
            if ((power->evidence.lesson != LEARN_NOTHING) != rows[i].learns)
                fail_msg("row %zu", i);
        }
}

/* Streams are published when one is new or of another kind; figures alone only now and then. */
static void test_when_streams_are_published(void **state)
{
    static const struct {
        int64_t later;
        bool renamed, published;
    } rows[] = {
        {0, false, true},       {SECOND, false, false}, {SECOND, true, true},
        {SECOND, false, false}, {13999, false, false},  {1, false, true},
    };
    struct world *world = *state;

    world_up(world, ERP);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_advance(world, rows[i].later);
        world_forget(world);
        const struct stream_use use = {.site = SITE_ERP,
                                       .what = FACT(STREAM_MOVING),
                                       .until = world->now.boot + HOUR,
                                       .renamed = rows[i].renamed};
        const struct fleet_event event = {
            .kind = FLEET_STREAM, .server = ERP, .streams = {.n = 1, .list = &use}};

        world_handle(world, &event);
        if (world_count(world, ACTION_STATUS) != rows[i].published)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_when_streams_are_published),
        TEST(test_when_a_mac_may_be_learned),
        TEST(test_what_a_state_brings),
        TEST(test_a_stream_beside_a_crowd),
        TEST(test_when_it_is_suspect),
        TEST(test_which_use_is_taken),
        TEST(test_what_outlives_an_agent),
        TEST(test_what_is_told_of_ready),
        TEST(test_which_kind_of_wake_it_was),
        TEST(test_how_long_a_site_is_awaited),
        TEST(test_each_event_says_why),
        TEST(test_who_is_found_awake),
        TEST(test_when_a_stage_is_told),
        TEST(test_when_a_fault_is_told),
        TEST(test_the_fact_of_each_fault),
        TEST(test_which_check_is_named),
        TEST(test_which_leases_a_sleep_ends),
        TEST(test_back_before_silence),
        TEST(test_the_same_refusal_is_told_once),
        TEST(test_leases_over_a_reload),
        TEST(test_what_wakes_in_spite_of_force),
        TEST(test_what_an_agent_goes_on_to_report),
        TEST(test_what_an_agent_does_not_say),
        TEST(test_what_an_agent_reported_before_the_broker_went),
        TEST(test_a_stream_alone_ends),
        TEST(test_the_idle_time),
        TEST(test_containers_before_any_report),
        TEST(test_whose_answer_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
