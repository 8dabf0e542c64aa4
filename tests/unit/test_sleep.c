/* The sleep transaction, rule by rule: what is proposed, what it waits for, which leases end with
 * it, what is told of it and how it ends. Tables on a server that is ready, its agent online. */
#include "base/array.h"
#include "core/state.h"
#include "fleet_fixture.h"

static struct power *power_of(struct world *world)
{
    return &world->fleet->powers[TESTING];
}

static struct sleep *sleep_of(struct world *world)
{
    return &power_of(world)->sleep;
}

/* It has been up for long enough, and one lease, of who woke it, keeps it for ten minutes. */
static void is_ready(struct world *world)
{
    struct command wake = world_new_command(COMMAND_WAKE, "");

    world_silence(world, TESTING);
    world_command(world, TESTING, COMMAND_WAKE, "");
    world_advance(world, 5 * SECOND);
    world_up(world, TESTING);
    world_advance(world, 9 * MINUTE);
    lease_release_kind(power_of(world)->leases, LEASE_MANUAL);
    wake.lasts = 10 * MINUTE;
    world_order(world, TESTING, wake);
    assert_int_equal(power_of(world)->leases->n, 1);
}

static struct world *anew(void **state)
{
    struct world *world;

    world_finish(state);
    *state = world = world_new(NULL);
    is_ready(world);
    world_forget(world);
    return world;
}

static struct command a_sleep(const char *id, bool force)
{
    struct command command = world_new_command(COMMAND_SLEEP, id);

    snprintf(command.by, sizeof(command.by), "anna");
    command.force = force;
    return command;
}

/* Nobody needs it any more. */
static void let_go(struct world *world)
{
    world_advance(world, 10 * MINUTE);
}

static bool was_saved_durably(const struct world *world)
{
    bool durable = false;

    for (size_t i = 0; i < world->n; i++)
        durable |= world->seen[i].action.kind == ACTION_SAVE && world->seen[i].action.save.durable;
    return durable;
}

/* It boots for so long that nobody needs it any more, is asked to sleep, and gets ready just then:
 * it is not found awake, and not woken again. */
static void test_ready_while_it_is_asked(void **state)
{
    struct world *world = anew(state);

    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_BOOTING);
    world_forget(world);
    world_advance(world, 20 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(power_of(world)->leases->n, 0);
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* Who asks, how, and what is told of it. */
static void test_what_is_proposed(void **state)
{
    static const struct {
        enum command_action action; /* NONE: Hall by itself */
        bool force;
        const char *by, *told;
    } rows[] = {
        {COMMAND_NONE, false, "idle", "sleep by idle"},
        {COMMAND_SLEEP, false, "anna", "sleep by anna"},
        {COMMAND_SLEEP, true, "anna", "sleep by anna"},
        {COMMAND_RESTART, true, "anna", "restart by anna"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);
        const bool own = rows[i].action == COMMAND_NONE;
        struct command command = a_sleep("x", rows[i].force);

        command.action = rows[i].action;
        if (own)
            let_go(world);
        else
            world_order(world, TESTING, command);
        const struct seen_action *asked = world_last(world, ACTION_SLEEP);

        assert_non_null(asked);
        assert_int_equal(asked->action.sleep.force, rows[i].force);
        assert_int_equal(asked->action.sleep.restart, rows[i].action == COMMAND_RESTART);
        assert_int_equal(asked->action.sleep.asked, !own);
        assert_int_equal(asked->action.sleep.lasts, 10 * SECOND);
        assert_int_equal(asked->detail[0], own ? 's' : 'x');
        assert_int_equal(sleep_of(world)->own, own);
        assert_string_equal(sleep_of(world)->by, rows[i].by);
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REQUESTED), 1);
        assert_string_equal(world_last(world, ACTION_EVENT)->detail, rows[i].told);
        assert_true(was_saved_durably(world) || own);
    }
}

/* Each proposal has an id of its own. */
static void test_no_two_proposals_are_the_same(void **state)
{
    struct world *world = anew(state);
    char first[COMMAND_ID_SIZE];

    let_go(world);
    snprintf(first, sizeof(first), "%s", sleep_of(world)->id);
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "apt is running");
    world_advance(world, MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 2);
    assert_string_not_equal(sleep_of(world)->id, first);
    assert_int_equal(sleep_of(world)->id[0], 's');
}

/* A look at its connections that is half a second old still tells what is. */
static void test_how_old_a_look_may_be(void **state)
{
    static const struct {
        int64_t age;
        bool looks;
    } rows[] = {{1, false}, {499, false}, {500, false}, {501, true}, {9 * MINUTE, true}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        world_advance(world, 10 * MINUTE - rows[i].age);
        world_look(world, TESTING, NULL, 0);
        world_forget(world);
        world_advance(world, rows[i].age);
        assert_int_equal(world_count(world, ACTION_LOOK), rows[i].looks);
        assert_int_equal(world_count(world, ACTION_SLEEP), !rows[i].looks);
    }
}

/* The look that is ordered has been made within five seconds, or what moves is not known. */
static void test_a_look_that_is_late(void **state)
{
    struct world *world = anew(state);

    world_look(world, TESTING, NULL, 0);
    let_go(world);
    assert_int_equal(world_count(world, ACTION_LOOK), 1);
    world_forget(world);
    assert_int_equal(fleet_deadline(world->fleet), world->now.boot + 5 * SECOND);
    world_advance(world, 5 * SECOND - 1);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 0);
    world_advance(world, 1);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
    assert_true(fact_is(&sleep_of(world)->refusal, FACT_SLEEP_LOOK_LATE));
    assert_int_equal(sleep_of(world)->not_before, world->now.boot + MINUTE);
    world_forget(world);
    world_advance(world, MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_LOOK), 0);
    world_advance(world, 1); /* and then it is ordered again */
    assert_int_equal(world_count(world, ACTION_LOOK), 1);
}

/* While a look is awaited, a command's proposal is vetoed: nothing is due before that is over. */
static void test_a_veto_while_a_look_is_awaited(void **state)
{
    struct world *world = anew(state);

    world_look(world, TESTING, NULL, 0);
    let_go(world);
    world_order(world, TESTING, a_sleep("x", false));
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "apt is running");
    assert_int_equal(fleet_deadline(world->fleet), world->now.boot + MINUTE);
    world_advance(world, 2 * MINUTE);
}

/* What keeps it is named: those that speak for themselves, then one that has a cause. */
static void test_what_a_refusal_names(void **state)
{
    static const struct {
        struct {
            enum lease_kind kind;
            const char *holder;
        } leases[3];
        enum fact_code parts[FACT_DEPTH];
    } rows[] = {
        {{{LEASE_HOLD, "a"}}, {FACT_SLEEP_IN_USE, FACT_LEASE_HOLD}},
        {{{LEASE_STREAM, "s"}}, {FACT_SLEEP_IN_USE, FACT_LEASE_STREAM, FACT_STREAM_MOVING}},
        {{{LEASE_STREAM, "s"}, {LEASE_HOLD, "a"}},
         {FACT_SLEEP_IN_USE, FACT_LEASE_HOLD, FACT_LEASE_STREAM, FACT_STREAM_MOVING}},
        {{{LEASE_HOLD, "a"}, {LEASE_STREAM, "s"}},
         {FACT_SLEEP_IN_USE, FACT_LEASE_HOLD, FACT_LEASE_STREAM, FACT_STREAM_MOVING}},
        {{{LEASE_STREAM, "s"}, {LEASE_STREAM, "t"}},
         {FACT_SLEEP_IN_USE, FACT_LEASE_STREAM, FACT_STREAM_MOVING}},
        {{{LEASE_HOLD, "a"}, {LEASE_HOLD, "b"}, {LEASE_HOLD, "c"}},
         {FACT_SLEEP_IN_USE, FACT_LEASE_HOLD, FACT_LEASE_HOLD, FACT_LEASE_HOLD}},
    };
    const struct fact moving = FACT(STREAM_MOVING, .word = STREAM_DOWNLOAD, .n = {1000});

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        for (size_t k = 0; k < 3 && rows[i].leases[k].holder; k++)
            assert_true(lease_take(power_of(world)->leases, rows[i].leases[k].kind, MODEL_NONE,
                                   rows[i].leases[k].holder,
                                   rows[i].leases[k].kind == LEASE_STREAM ? &moving : NULL,
                                   world->now.boot, LEASE_FOREVER));
        world_order(world, TESTING, a_sleep("x", false));
        assert_string_equal(world_outcomes(world, "x"), "refused ");
        const struct fact *reason = &world_last(world, ACTION_ANSWER)->answer.reason;

        for (size_t k = 0; k < FACT_DEPTH; k++)
            if (reason->parts[k].code != rows[i].parts[k])
                fail_msg("row %zu: %s", i, world_said(world, reason));
    }
}

/* Which leases live on when the agent agrees: those that came while it made up its mind, of a
 * visitor only where nobody insisted. They queue a wake, and not by force. */
static void test_what_came_meanwhile(void **state)
{
    enum how { OWN, ORDERED, FORCED, UNASKED };
    static const struct {
        enum how how;
        enum lease_kind kind;
        bool before, kept;
    } rows[] = {
        {OWN, LEASE_VISIT, false, true},      {OWN, LEASE_MANUAL, false, true},
        {ORDERED, LEASE_VISIT, false, true},  {ORDERED, LEASE_MANUAL, false, true},
        {ORDERED, LEASE_MANUAL, true, false}, {FORCED, LEASE_VISIT, true, false},
        {FORCED, LEASE_VISIT, false, false},  {FORCED, LEASE_MANUAL, true, false},
        {FORCED, LEASE_MANUAL, false, true},  {UNASKED, LEASE_VISIT, true, false},
        {UNASKED, LEASE_MANUAL, true, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);
        struct lease_set *set = power_of(world)->leases;
        const int subject = rows[i].kind == LEASE_VISIT ? SITE_TESTING : MODEL_NONE;
        const char *holder = rows[i].kind == LEASE_VISIT ? "" : "bert";

        if (rows[i].before)
            assert_true(lease_take(set, rows[i].kind, subject, holder, NULL, world->now.boot,
                                   world->now.boot + HOUR));
        world_advance(world, SECOND);
        if (rows[i].how == OWN)
            let_go(world);
        else if (rows[i].how != UNASKED)
            world_order(world, TESTING, a_sleep("x", rows[i].how == FORCED));
        world_advance(world, SECOND);
        if (!rows[i].before)
            assert_true(lease_take(set, rows[i].kind, subject, holder, NULL, world->now.boot,
                                   world->now.boot + HOUR));
        world_forget(world);
        if (rows[i].how == UNASKED)
            world_agent(world, TESTING, AGENT_SLEEPING);
        else
            world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        assert_state(world, TESTING, POWER_SLEEPING);
        assert_true(was_saved_durably(world));
        if ((lease_find(set, rows[i].kind, subject, holder) != NULL) != rows[i].kept)
            fail_msg("row %zu", i);
        assert_int_equal(power_of(world)->wake.queued, rows[i].kept);
        assert_false(power_of(world)->wake.force);
        assert_int_equal(power_of(world)->wake.wait, WAIT_NOTHING);
    }
}

/* The same refusal is told once, and its status published where a number of it has changed. */
static void test_which_refusal_is_new(void **state)
{
    static const struct {
        struct fact reason;
        bool told, published;
    } rows[] = {
        {{.parts = {{.code = FACT_VETO_LOAD, .n = {80, 50}}}}, true, true},
        {{.parts = {{.code = FACT_VETO_LOAD, .n = {80, 50}}}}, false, false},
        {{.parts = {{.code = FACT_VETO_LOAD, .n = {90, 50}}}}, false, true},
        {{.parts = {{.code = FACT_VETO_LOAD, .n = {90, 60}}}}, false, true},
        {{.parts = {{.code = FACT_VETO_DISK, .n = {90, 60}}}}, true, true},
        {{.parts = {{.code = FACT_VETO_UNKNOWN}, {.code = FACT_LOOK_MEASURING, .n = {1}}}},
         true,
         true},
        {{.parts = {{.code = FACT_VETO_UNKNOWN}, {.code = FACT_LOOK_MEASURING, .n = {2}}}},
         false,
         true},
        {{.parts = {{.code = FACT_VETO_UNKNOWN}, {.code = FACT_LOOK_STATUS, .n = {2}}}},
         true,
         true},
    };
    struct world *world = anew(state);

    let_go(world);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fleet_event event = {
            .kind = FLEET_SLEEP_ANSWER, .server = TESTING, .sleep = {.answer = SLEEP_VETOED}};

        assert_int_equal(sleep_of(world)->phase, SLEEP_PROPOSED);
        event.sleep.reason = rows[i].reason;
        world_forget(world);
        world_handle(world, &event);
        assert_int_equal(sleep_of(world)->phase, SLEEP_NONE);
        if (world_count_event(world, HAPPENED_SLEEP_REFUSED) != rows[i].told ||
            world_count(world, ACTION_STATUS) != rows[i].published)
            fail_msg("row %zu", i);
        world_advance(world, MINUTE);
    }
}

/* An answer that it failed, before any that it was accepted, is a veto; after one, a failure. */
static void test_a_sleep_that_fails(void **state)
{
    for (int accepted = 0; accepted < 2; accepted++) {
        struct world *world = anew(state);

        world_order(world, TESTING, a_sleep("x", false));
        if (accepted)
            world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        world_sleep_answer(world, TESTING, SLEEP_FAILED, "logind said no");
        assert_string_equal(world_outcomes(world, "x"), accepted ? "accepted failed " : "refused ");
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), accepted);
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), !accepted);
        assert_int_equal(fact_is(&power_of(world)->problem, FACT_SLEEP_FAILED), accepted);
        assert_int_equal(sleep_of(world)->phase, SLEEP_NONE);
        assert_int_equal(sleep_of(world)->not_before,
                         world->now.boot + (accepted ? 5 * MINUTE : MINUTE));
    }
}

/* It still answers when its time is over: an agent has agreed, others were only asked. */
static void test_out_of_time(void **state)
{
    static const struct {
        enum sleep_via via;
        enum fact_code code;
    } rows[] = {{SLEEP_VIA_AGENT, FACT_SLEEP_AGREED_AWAKE},
                {SLEEP_VIA_SSH, FACT_SLEEP_ASKED_AWAKE}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        world->servers[TESTING].sleep.via = rows[i].via;
        world_order(world, TESTING, a_sleep("x", false));
        world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        world_advance(world, MINUTE - 1);
        assert_string_equal(world_outcomes(world, "x"), "accepted ");
        world_advance(world, 1);
        assert_string_equal(world_outcomes(world, "x"), "accepted failed ");
        const struct fact *reason = &world_last(world, ACTION_ANSWER)->answer.reason;

        assert_int_equal(reason->parts[0].code, rows[i].code);
        assert_int_equal(reason->parts[0].n[0], MINUTE);
        assert_int_equal(power_of(world)->problem.parts[0].code, FACT_SLEEP_FAILED);
        assert_int_equal(power_of(world)->problem.parts[1].code, rows[i].code);
    }
}

static void accept_within(struct world *world, int64_t limit)
{
    const struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER,
                                      .server = TESTING,
                                      .sleep = {.answer = SLEEP_ACCEPTED, .limit = limit}};

    world_handle(world, &event);
}

/* Whoever agrees knows how long it may take, and what it says counts where it is longer. */
static void test_its_own_limit_counts(void **state)
{
    static const struct {
        int64_t limit, most;
    } rows[] = {{0, MINUTE},
                {50 * SECOND, MINUTE},
                {50 * SECOND + 1, MINUTE + 1},
                {122 * SECOND, 132 * SECOND},
                {HOUR, HOUR + 10 * SECOND}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        world_order(world, TESTING, a_sleep("x", false));
        accept_within(world, rows[i].limit);
        world_advance(world, rows[i].most - 1);
        assert_state(world, TESTING, POWER_SLEEPING);
        assert_string_equal(world_outcomes(world, "x"), "accepted ");
        world_advance(world, 1);
        assert_state(world, TESTING, POWER_READY);
        assert_string_equal(world_outcomes(world, "x"), "accepted failed ");
        assert_int_equal(world_last(world, ACTION_ANSWER)->answer.reason.parts[0].n[0],
                         rows[i].most);
    }
}

/* After a goodbye it may answer for ten minutes more, and is asleep when it is silent. */
static void test_a_goodbye_is_a_goodbye(void **state)
{
    enum way { ASKED, BY_FORCE, UNASKED, WAYS };
    static const int64_t silences[] = {SECOND, 70 * SECOND, 12 * MINUTE + 11 * SECOND};

    for (size_t i = 0; i < WAYS * ARRAY_SIZE(silences); i++) {
        struct world *world = anew(state);
        const enum way way = (enum way)(i % WAYS);

        if (way != UNASKED) {
            world_order(world, TESTING, a_sleep("x", way == BY_FORCE));
            accept_within(world, 122 * SECOND);
        }
        world_agent(world, TESTING, AGENT_SLEEPING);
        if (way == UNASKED && silences[i / WAYS] > 11 * MINUTE)
            continue;
        world_advance(world, silences[i / WAYS]);
        world_agent(world, TESTING, AGENT_OFFLINE); /* its shutdown ends the agent first */
        assert_state(world, TESTING, POWER_SLEEPING);
        assert_int_equal(power_target_on(power_of(world)), false);
        assert_string_equal(world_outcomes(world, "x"), way == UNASKED ? "" : "accepted ");
        world_silence(world, TESTING);
        assert_state(world, TESTING, POWER_OFF);
        assert_string_equal(world_outcomes(world, "x"), way == UNASKED ? "" : "accepted done ");
        assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
        assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 0);
        assert_true(fact_is(&power_of(world)->problem, FACT_NONE));
        assert_int_equal(power_of(world)->leaving, 0);
    }
}

/* Then it is told as it is; and still its silence is no crash, whenever it comes. Without a goodbye
 * that holds for ten minutes. */
static void test_it_goes_later_still(void **state)
{
    static const struct {
        bool goodbye;
        enum sleep_via via;
        int64_t until, later;
        enum power_state silent;
    } rows[] = {
        {true, SLEEP_VIA_AGENT, 11 * MINUTE, SECOND, POWER_OFF},
        {true, SLEEP_VIA_AGENT, 11 * MINUTE, 9 * HOUR, POWER_OFF},
        {false, SLEEP_VIA_AGENT, MINUTE, SECOND, POWER_OFF},
        {false, SLEEP_VIA_SSH, MINUTE, 10 * MINUTE - 1, POWER_OFF},
        {false, SLEEP_VIA_SSH, MINUTE, 10 * MINUTE, POWER_UNREACHABLE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        world->servers[TESTING].sleep.via = rows[i].via;
        world_policy(world, TESTING, POLICY_ALWAYS_ON);
        world_order(world, TESTING, a_sleep("x", true));
        accept_within(world, 0);
        if (rows[i].goodbye)
            world_agent(world, TESTING, AGENT_SLEEPING);
        world_advance(world, rows[i].until - 1);
        assert_state(world, TESTING, POWER_SLEEPING);
        world_advance(world, 1);
        assert_string_equal(world_outcomes(world, "x"), "accepted failed ");
        assert_true(power_is_up(power_of(world)->state));
        world_forget(world);
        world_advance(world, rows[i].later);
        world_silence(world, TESTING);
        if (power_of(world)->state != rows[i].silent)
            fail_msg("row %zu: %s", i, power_state_name(power_of(world)->state));
        assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), rows[i].silent == POWER_OFF);
        assert_int_equal(world_count_event(world, HAPPENED_UNREACHABLE),
                         rows[i].silent != POWER_OFF);
        /* And who put it down by force has his way until somebody wakes it. */
        world_advance(world, HOUR);
        assert_int_equal(world_count(world, ACTION_PACKET) > 0, rows[i].silent != POWER_OFF);
    }
}

/* An agent that is back, or says that it stays, has taken its goodbye back: a crash is a crash, and
 * what was wanted by force is over. */
static void test_a_goodbye_taken_back(void **state)
{
    for (int says = 0; says < 2; says++) {
        struct world *world = anew(state);

        world_policy(world, TESTING, POLICY_ALWAYS_ON);
        world_order(world, TESTING, a_sleep("x", true));
        accept_within(world, 122 * SECOND);
        world_agent(world, TESTING, AGENT_SLEEPING);
        world_advance(world, 20 * SECOND);
        if (says)
            world_sleep_answer(world, TESTING, SLEEP_FAILED, "logind said no");
        world_agent(world, TESTING, AGENT_ONLINE);
        assert_string_equal(world_outcomes(world, "x"), "accepted failed ");
        assert_state(world, TESTING, POWER_READY);
        assert_false(power_of(world)->resting);
        world_silence(world, TESTING);
        assert_state(world, TESTING, POWER_UNREACHABLE);
        world_advance(world, MINUTE);
        assert_true(world_count(world, ACTION_PACKET) > 0);
    }
}

/* What is proposed already, by whom, and what a further command makes of it. */
static void test_a_command_joins_a_proposal(void **state)
{
    static const struct {
        bool own, first_force, force, again;
        const char *by;
    } rows[] = {
        {true, false, false, true, "anna"},   {true, false, true, true, "anna"},
        {false, false, false, false, "bert"}, {false, false, true, true, "anna"},
        {false, true, true, false, "bert"},   {false, true, false, false, "bert"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);
        struct command first = a_sleep("w", rows[i].first_force);

        text_copy(first.by, sizeof(first.by), "bert");
        if (rows[i].own)
            let_go(world);
        else
            world_order(world, TESTING, first);
        world_advance(world, 9 * SECOND);
        world_forget(world);
        world_order(world, TESTING, a_sleep("x", rows[i].force));
        const bool forced = rows[i].force || rows[i].first_force;
        const struct seen_action *asked = world_last(world, ACTION_SLEEP);

        assert_int_equal(world_count(world, ACTION_SLEEP), rows[i].again);
        if (rows[i].again) {
            assert_string_equal(asked->detail, "x");
            assert_int_equal(asked->action.sleep.force, rows[i].force);
            assert_true(asked->action.sleep.asked);
            assert_int_equal(sleep_of(world)->deadline, world->now.boot + 10 * SECOND);
        }
        assert_string_equal(sleep_of(world)->by, rows[i].by);
        assert_int_equal(sleep_of(world)->force, forced);
        assert_false(sleep_of(world)->own);
        /* What the first is answered is no answer to the second. */
        if (rows[i].again)
            world_handle(world,
                         &(struct fleet_event){.kind = FLEET_SLEEP_ANSWER,
                                               .server = TESTING,
                                               .sleep = {.answer = SLEEP_VETOED, .id = "w"}});
        world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        assert_int_equal(power_of(world)->resting, false); /* nothing stands */
        world_silence(world, TESTING);
        assert_string_equal(world_outcomes(world, "x"), "accepted done ");
        if (!rows[i].own)
            assert_string_equal(world_outcomes(world, "w"), "accepted done ");
    }
}

/* By ssh the same would be said again: what it says to the first is the answer to both. */
static void test_force_joins_a_proposal_by_ssh(void **state)
{
    struct world *world = anew(state);

    world->servers[TESTING].sleep.via = SLEEP_VIA_SSH;
    world_order(world, TESTING, a_sleep("w", false));
    world_order(world, TESTING, a_sleep("x", true));
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    assert_string_equal(sleep_of(world)->id, "w");
    world_hold(world, TESTING, "backup", HOUR);
    world_sleep_answer(world, TESTING, SLEEP_DONE, "");
    assert_null(world_lease(world, TESTING, LEASE_HOLD, "backup"));
    world_silence(world, TESTING);
    assert_string_equal(world_outcomes(world, "x"), "accepted done ");
}

/* Force comes late, where it sleeps already or is about to: what stands does not wake it then
 * either. */
static void test_force_when_it_sleeps_already(void **state)
{
    for (int silent = 0; silent < 2; silent++) {
        struct world *world = anew(state);

        world_agent(world, TESTING, AGENT_SLEEPING);
        if (silent)
            world_silence(world, TESTING);
        power_of(world)->retry_at = world->now.boot + MINUTE;
        world_policy(world, TESTING, POLICY_ALWAYS_ON);
        world_order(world, TESTING, a_sleep("x", true));
        if (!silent)
            world_silence(world, TESTING);
        assert_state(world, TESTING, POWER_OFF);
        assert_string_equal(world_outcomes(world, "x"), "accepted done ");
        world_forget(world);
        world_advance(world, HOUR);
        assert_int_equal(world_count(world, ACTION_PACKET), 0);
    }
}

/* A sleep is no restart: it would be told as done, and the server would come back. */
static void test_no_sleep_joins_a_restart(void **state)
{
    struct world *world = anew(state);
    struct command restart = a_sleep("w", true);

    restart.action = COMMAND_RESTART;
    world_order(world, TESTING, restart);
    world_order(world, TESTING, a_sleep("x", true));
    assert_string_equal(world_outcomes(world, "x"), "refused ");
    assert_true(fact_is(&world_last(world, ACTION_ANSWER)->answer.reason, FACT_ANSWER_RESTARTS));
    assert_true(sleep_of(world)->restart);
}

/* Silent before it has agreed: that is a crash, and its problem is told as one. */
static void test_silent_before_it_agreed(void **state)
{
    struct world *world = anew(state);

    world_order(world, TESTING, a_sleep("x", false));
    world_forget(world);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_true(fact_is(&power_of(world)->problem, FACT_SEEN_CRASH));
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 1);
    assert_string_equal(world_outcomes(world, "x"), "accepted failed ");
}

/* How long it took is told of a sleep that was asked for, since it was: of a goodbye that nobody
 * asked for it is not known, whatever was asked before. */
static void test_how_long_it_took(void **state)
{
    static const struct {
        const char *asked, *vetoed;
        int64_t ms;
    } rows[] = {{"x", NULL, 7 * SECOND}, {"x2", NULL, 7 * SECOND}, {NULL, NULL, 0}, {NULL, "x", 0}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state);

        if (rows[i].vetoed) {
            world_order(world, TESTING, a_sleep(rows[i].vetoed, false));
            world_sleep_answer(world, TESTING, SLEEP_VETOED, "apt is running");
        }
        if (rows[i].asked) {
            world_order(world, TESTING, a_sleep(rows[i].asked, false));
            world_advance(world, 3 * SECOND);
            world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        }
        world_agent(world, TESTING, AGENT_SLEEPING);
        world_advance(world, 4 * SECOND);
        world_silence(world, TESTING);
        assert_state(world, TESTING, POWER_OFF);
        for (size_t k = 0; k < world->n; k++)
            if (world->seen[k].action.kind == ACTION_EVENT &&
                world->seen[k].action.event.what == HAPPENED_ASLEEP)
                assert_int_equal(world->seen[k].action.event.ms, rows[i].ms);
        assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    }
}

/* Put to sleep by force, it rests while something stands that would wake it, and no longer: what a
 * hold left where leases are kept is nothing that stands. */
static void test_how_long_it_rests(void **state)
{
    for (int stands = 0; stands < 2; stands++) {
        struct world *world = anew(state);

        if (stands)
            world_policy(world, TESTING, POLICY_ALWAYS_ON);
        world_hold(world, TESTING, "backup", HOUR);
        world_order(world, TESTING, a_sleep("x", true));
        world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
        assert_state(world, TESTING, POWER_SLEEPING);
        assert_int_equal(power_of(world)->leases->n, stands);
        assert_int_equal(power_of(world)->resting, stands);
    }
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_ready_while_it_is_asked),
        TEST(test_what_is_proposed),
        TEST(test_no_two_proposals_are_the_same),
        TEST(test_how_old_a_look_may_be),
        TEST(test_a_look_that_is_late),
        TEST(test_a_veto_while_a_look_is_awaited),
        TEST(test_what_a_refusal_names),
        TEST(test_what_came_meanwhile),
        TEST(test_which_refusal_is_new),
        TEST(test_a_sleep_that_fails),
        TEST(test_out_of_time),
        TEST(test_its_own_limit_counts),
        TEST(test_a_goodbye_is_a_goodbye),
        TEST(test_it_goes_later_still),
        TEST(test_a_goodbye_taken_back),
        TEST(test_a_command_joins_a_proposal),
        TEST(test_force_joins_a_proposal_by_ssh),
        TEST(test_force_when_it_sleeps_already),
        TEST(test_no_sleep_joins_a_restart),
        TEST(test_silent_before_it_agreed),
        TEST(test_how_long_it_took),
        TEST(test_how_long_it_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
