/* Each command in each situation: how it is answered and why, what is told of it, and what it
 * leaves: a row for each. */
#include "base/array.h"
#include "core/settle.h"
#include "core/state.h"
#include "fleet_fixture.h"

/* Situations. The server is ERP unless a command names the project, which lives on TESTING. */

static void is_off(struct world *world)
{
    world_silence(world, ERP);
    world_silence(world, TESTING);
}

static void wakes(struct world *world)
{
    is_off(world);
    world_command(world, ERP, COMMAND_WAKE, "w0");
    world_command(world, TESTING, COMMAND_WAKE, "w0");
}

static void boots(struct world *world)
{
    wakes(world);
    world_neighbour(world, ERP, MAC_MATCH);
    world_probe(world, ERP, 0, PROBE_ANSWER);
}

static void boots_with_its_agent(struct world *world)
{
    boots(world);
    world_agent(world, ERP, AGENT_ONLINE);
}

static void is_ready(struct world *world)
{
    wakes(world);
    world_up(world, ERP);
    world_agent(world, ERP, AGENT_ONLINE);
    world_up(world, TESTING);
    world_advance(world, 6 * MINUTE);
}

static void is_held(struct world *world)
{
    is_ready(world);
    world_hold(world, ERP, "backup", HOUR);
    world_hold(world, ERP, "night", HOUR);
}

/* No room for another that is asked for: one is of who woke it, the others are holds. */
static void is_full(struct world *world)
{
    char name[8];

    is_ready(world);
    for (int server = ERP;; server = TESTING) {
        for (int i = 1; i < LEASES_ASKED_MAX; i++) {
            snprintf(name, sizeof(name), "h%d", i);
            world_hold(world, server, name, HOUR);
        }
        assert_int_equal(world_power(world, server)->leases->n, LEASES_ASKED_MAX);
        if (server == TESTING)
            return;
    }
}

static void is_proposed(struct world *world)
{
    is_ready(world);
    world_command(world, ERP, COMMAND_SLEEP, "s0");
    assert_int_equal(world_power(world, ERP)->sleep.phase, SLEEP_PROPOSED);
}

static void falls_asleep(struct world *world)
{
    is_proposed(world);
    world_sleep_answer(world, ERP, SLEEP_ACCEPTED, "");
}

static void is_queued(struct world *world)
{
    falls_asleep(world);
    world_command(world, ERP, COMMAND_WAKE, "w1");
}

static void is_unreachable(struct world *world)
{
    is_ready(world);
    world_silence(world, ERP);
}

/* It went a moment ago, and may not be woken so soon. */
static void is_guarded(struct world *world)
{
    world->servers[ERP].min_down = 10 * MINUTE;
    is_unreachable(world);
}

static void is_guarded_and_up(struct world *world)
{
    world->servers[ERP].wakes_per_hour = 1;
    is_ready(world);
}

static void is_guarded_and_wakes(struct world *world)
{
    world->servers[ERP].wakes_per_hour = 1;
    wakes(world);
}

static void is_guarded_and_queued(struct world *world)
{
    world->servers[ERP].min_down = 10 * MINUTE;
    is_queued(world);
}

/* The events that were told, by name. */
static const char *told(const struct world *world)
{
    static char text[512];

    text[0] = '\0';
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_EVENT)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
                     happening_name(world->seen[i].action.event.what));
    return text;
}

/* A test of one row; begun anew. */
static struct world *anew(void **state, void (*situation)(struct world *))
{
    struct world *world;

    world_finish(state);
    *state = world = world_new(NULL);
    situation(world);
    world_forget(world);
    return world;
}

/* What was said last to a command; NULL: nothing yet. */
static const struct ledger_entry *last_answer(const struct world *world, const char *id)
{
    for (size_t i = world->n; i-- > 0;)
        if (world->seen[i].action.kind == ACTION_ANSWER &&
            strcmp(world->seen[i].answer.id, id) == 0)
            return &world->seen[i].answer;
    return NULL;
}

#define PROJECT  .site = SITE_CLIENT1
#define SERVER   .site = MODEL_NONE
#define ACCEPTED "accepted "
#define DONE     "accepted done "
#define REFUSED  "refused "
#define WAKES    "wake_requested stage packet_sent "
#define NO       "command_refused "
#define NO_SLEEP "command_refused sleep_refused "

static void test_each_command(void **state)
{
    static const struct {
        void (*situation)(struct world *);
        struct command command;
        const char *outcomes;
        enum fact_code reason;
        const char *told;
    } rows[] = {
        /* wake */
        {is_off, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, WAKES},
        {wakes, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, ""},
        {boots, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, ""},
        {wakes, {COMMAND_WAKE, SERVER, .force = true}, ACCEPTED, FACT_NONE, ""},
        {boots, {COMMAND_WAKE, SERVER, .force = true}, ACCEPTED, FACT_NONE, ""},
        {is_queued, {COMMAND_WAKE, SERVER, .force = true}, ACCEPTED, FACT_NONE, ""},
        {is_ready, {COMMAND_WAKE, SERVER}, DONE, FACT_ANSWER_READY_ALREADY, ""},
        {is_ready,
         {COMMAND_WAKE, SERVER, .force = true},
         DONE,
         FACT_ANSWER_READY_ALREADY,
         "packet_sent "},
        {falls_asleep, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, "wake_requested "},
        {is_queued, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, ""},
        {is_unreachable, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, WAKES},
        {is_full, {COMMAND_WAKE, SERVER}, REFUSED, FACT_ANSWER_LEASES_FULL, NO},
        {is_guarded, {COMMAND_WAKE, SERVER}, REFUSED, FACT_GUARD, NO},
        {is_guarded, {COMMAND_WAKE, SERVER, .force = true}, ACCEPTED, FACT_NONE, WAKES},
        {is_guarded_and_up, {COMMAND_WAKE, SERVER}, DONE, FACT_ANSWER_READY_ALREADY, ""},
        {is_guarded_and_wakes, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, ""},
        {is_guarded_and_queued, {COMMAND_WAKE, SERVER}, ACCEPTED, FACT_NONE, ""},
        /* sleep */
        {is_off, {COMMAND_SLEEP, SERVER}, DONE, FACT_ANSWER_OFF_ALREADY, ""},
        {wakes, {COMMAND_SLEEP, SERVER}, REFUSED, FACT_SLEEP_IN_USE, NO},
        {wakes,
         {COMMAND_SLEEP, SERVER, .by = "operator"},
         DONE,
         FACT_WAKE_CALLED_OFF,
         "wake_failed "},
        {wakes, {COMMAND_SLEEP, SERVER, .force = true}, DONE, FACT_WAKE_CALLED_OFF, "wake_failed "},
        {boots, {COMMAND_SLEEP, SERVER}, REFUSED, FACT_SLEEP_NO_AGENT, NO_SLEEP},
        {boots_with_its_agent, {COMMAND_SLEEP, SERVER}, REFUSED, FACT_SLEEP_TOO_SOON, NO_SLEEP},
        {boots_with_its_agent,
         {COMMAND_SLEEP, SERVER, .force = true},
         "",
         FACT_NONE,
         "wake_failed sleep_requested "},
        {is_ready, {COMMAND_SLEEP, SERVER}, "", FACT_NONE, "sleep_requested "},
        {is_held, {COMMAND_SLEEP, SERVER}, REFUSED, FACT_SLEEP_IN_USE, NO_SLEEP},
        {is_held, {COMMAND_SLEEP, SERVER, .force = true}, "", FACT_NONE, "sleep_requested "},
        {is_proposed, {COMMAND_SLEEP, SERVER}, "", FACT_NONE, ""},
        {falls_asleep, {COMMAND_SLEEP, SERVER}, ACCEPTED, FACT_ANSWER_SLEEPS_ALREADY, ""},
        {is_queued,
         {COMMAND_SLEEP, SERVER, .by = "operator"},
         DONE,
         FACT_WAKE_CALLED_OFF,
         "wake_failed "},
        {is_unreachable, {COMMAND_SLEEP, SERVER}, REFUSED, FACT_SLEEP_NOT_UP, NO_SLEEP},
        /* restart */
        {is_off, {COMMAND_RESTART, SERVER}, REFUSED, FACT_ANSWER_NOT_SETTLED, NO},
        {wakes, {COMMAND_RESTART, SERVER}, REFUSED, FACT_ANSWER_NOT_SETTLED, NO},
        {boots, {COMMAND_RESTART, SERVER}, REFUSED, FACT_ANSWER_NOT_SETTLED, NO},
        {is_ready, {COMMAND_RESTART, SERVER}, "", FACT_NONE, "sleep_requested "},
        {is_held, {COMMAND_RESTART, SERVER}, REFUSED, FACT_SLEEP_IN_USE, NO},
        {is_held, {COMMAND_RESTART, SERVER, .force = true}, "", FACT_NONE, "sleep_requested "},
        {is_proposed, {COMMAND_RESTART, SERVER}, REFUSED, FACT_ANSWER_NOT_SETTLED, NO},
        {falls_asleep, {COMMAND_RESTART, SERVER}, REFUSED, FACT_ANSWER_NOT_SETTLED, NO},
        /* cancel */
        {is_off, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_ANSWER_NO_WAKE, NO},
        {wakes, {COMMAND_CANCEL, SERVER, .by = "operator"}, DONE, FACT_NONE, "wake_failed "},
        {boots, {COMMAND_CANCEL, SERVER, .by = "operator"}, DONE, FACT_NONE, "wake_failed "},
        {wakes, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_WAKE_GOES_ON, NO},
        {is_ready, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_ANSWER_NO_WAKE, NO},
        {is_queued, {COMMAND_CANCEL, SERVER, .by = "operator"}, DONE, FACT_NONE, "wake_failed "},
        {is_queued, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_WAKE_GOES_ON, NO},
        {is_proposed, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_ANSWER_NO_WAKE, NO},
        {falls_asleep, {COMMAND_CANCEL, SERVER}, REFUSED, FACT_ANSWER_NO_WAKE, NO},
        /* policy, idle */
        {is_ready,
         {COMMAND_POLICY, SERVER, .policy = POLICY_ALWAYS_ON},
         DONE,
         FACT_NONE,
         "policy_changed "},
        {is_ready,
         {COMMAND_POLICY, SERVER, .policy = POLICY_SCHEDULED},
         REFUSED,
         FACT_ANSWER_NO_WINDOWS,
         NO},
        {is_ready,
         {COMMAND_POLICY, SERVER, .policy = POLICY_SCHEDULED, .policy_configured = true},
         DONE,
         FACT_NONE,
         "policy_changed "},
        {is_ready, {COMMAND_IDLE, SERVER, .minutes = 5}, DONE, FACT_NONE, "policy_changed "},
        /* keep_awake, hold, release */
        {is_off,
         {COMMAND_KEEP_AWAKE, SERVER, .on = true},
         DONE,
         FACT_NONE,
         "hold wake_requested stage packet_sent "},
        {is_ready, {COMMAND_KEEP_AWAKE, SERVER, .on = true}, DONE, FACT_NONE, "hold "},
        {is_guarded, {COMMAND_KEEP_AWAKE, SERVER, .on = true}, DONE, FACT_NONE, "hold "},
        {is_full, {COMMAND_KEEP_AWAKE, SERVER, .on = true}, REFUSED, FACT_ANSWER_LEASES_FULL, NO},
        {is_off, {COMMAND_KEEP_AWAKE, SERVER}, DONE, FACT_NONE, "release "},
        {is_full, {COMMAND_KEEP_AWAKE, SERVER}, DONE, FACT_NONE, "release "},
        {is_off,
         {COMMAND_HOLD, SERVER, .name = "backup", .lasts = HOUR},
         DONE,
         FACT_NONE,
         "hold wake_requested stage packet_sent "},
        {is_ready,
         {COMMAND_HOLD, SERVER, .name = "backup", .lasts = HOUR},
         DONE,
         FACT_NONE,
         "hold "},
        {is_full,
         {COMMAND_HOLD, SERVER, .name = "backup", .lasts = HOUR},
         REFUSED,
         FACT_ANSWER_LEASES_FULL,
         NO},
        {is_full, {COMMAND_HOLD, SERVER, .name = "h1", .lasts = HOUR}, DONE, FACT_NONE, "hold "},
        {is_guarded,
         {COMMAND_HOLD, SERVER, .name = "backup", .lasts = HOUR},
         DONE,
         FACT_NONE,
         "hold "},
        {is_held, {COMMAND_RELEASE, SERVER, .name = "backup"}, DONE, FACT_NONE, "release "},
        {is_ready, {COMMAND_RELEASE, SERVER, .name = "backup"}, REFUSED, FACT_ANSWER_NO_HOLD, NO},
        {is_held,
         {COMMAND_RELEASE, SERVER, .name = "backup", .of_kind = true, .lease = LEASE_MANUAL},
         REFUSED,
         FACT_ANSWER_NO_LEASE,
         NO},
        {is_held,
         {COMMAND_RELEASE, SERVER, .name = "operator", .of_kind = true, .lease = LEASE_MANUAL},
         DONE,
         FACT_NONE,
         "release "},
        {is_held, {COMMAND_RELEASE, SERVER, .name = "operator"}, REFUSED, FACT_ANSWER_NO_HOLD, NO},
        /* start and stop, of a project and of a server that has none of this name */
        {is_off, {COMMAND_START, PROJECT}, ACCEPTED, FACT_NONE, WAKES},
        {is_ready, {COMMAND_START, PROJECT}, DONE, FACT_NONE, ""},
        {is_full, {COMMAND_START, PROJECT}, REFUSED, FACT_ANSWER_LEASES_FULL, NO},
        {is_off, {COMMAND_START, SERVER}, ACCEPTED, FACT_NONE, WAKES},
        {is_ready, {COMMAND_START, SERVER}, DONE, FACT_ANSWER_READY_ALREADY, ""},
        {is_off, {COMMAND_STOP, PROJECT}, DONE, FACT_PROJECT_SERVER_OFF, ""},
        {is_ready, {COMMAND_STOP, SERVER}, REFUSED, FACT_ANSWER_NO_PROJECT, NO},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state, rows[i].situation);
        const int server = rows[i].command.site == MODEL_NONE ? ERP : TESTING;
        struct command command = rows[i].command;

        snprintf(command.id, sizeof(command.id), "x");
        world_order(world, server, command);
        const struct ledger_entry *answer = last_answer(world, "x");
        const unsigned reason = answer ? answer->reason.parts[0].code : FACT_NONE;

        if (strcmp(world_outcomes(world, "x"), rows[i].outcomes) != 0 || reason != rows[i].reason ||
            strcmp(told(world), rows[i].told) != 0)
            fail_msg("row %zu: %s(%u, %s): %s", i, world_outcomes(world, "x"), reason,
                     answer ? world_said(world, &answer->reason) : "", told(world));
        assert_true(world->fleet->rounds_most < SETTLE_ROUNDS_MOST);
    }
}

/* A wake that is refused leaves no lease, and no guard to wait for. */
static void test_what_a_refused_wake_leaves(void **state)
{
    static const struct {
        void (*situation)(struct world *);
        size_t leases;
    } rows[] = {{is_guarded, 1}, {is_full, LEASES_ASKED_MAX}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state, rows[i].situation);
        const struct power *power = world_power(world, ERP);
        struct command command = {COMMAND_WAKE, SERVER, .id = "x", .by = "bert"};

        world_order(world, ERP, command);
        assert_string_equal(world_outcomes(world, "x"), REFUSED);
        assert_int_equal(power->leases->n, rows[i].leases);
        assert_int_equal(power->guard.kind, GUARD_NONE);
        assert_false(power->wake.open || power->wake.queued);
    }
}

/* Each command is remembered on the disk, whether it has its answer yet or not. */
static void test_each_command_is_kept(void **state)
{
    static const struct {
        void (*situation)(struct world *);
        struct command command;
    } rows[] = {
        {is_off, {COMMAND_WAKE, SERVER}},         {is_full, {COMMAND_WAKE, SERVER}},
        {is_ready, {COMMAND_SLEEP, SERVER}},      {is_proposed, {COMMAND_SLEEP, SERVER}},
        {falls_asleep, {COMMAND_SLEEP, SERVER}},  {is_ready, {COMMAND_RESTART, SERVER}},
        {is_ready, {COMMAND_POLICY, SERVER}},     {is_ready, {COMMAND_IDLE, SERVER, .minutes = 5}},
        {is_ready, {COMMAND_KEEP_AWAKE, SERVER}}, {is_ready, {COMMAND_RELEASE, SERVER}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state, rows[i].situation);

        world_order(world, ERP, rows[i].command);
        bool durable = false;

        for (size_t k = 0; k < world->n; k++)
            durable |=
                world->seen[k].action.kind == ACTION_SAVE && world->seen[k].action.save.durable;
        if (!durable)
            fail_msg("row %zu", i);
    }
}

/* What calls a wake off is accepted before anything comes of it. */
static void test_accepted_first(void **state)
{
    static const enum command_action actions[] = {COMMAND_CANCEL, COMMAND_SLEEP};

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        struct world *world = anew(state, wakes);

        world_command(world, ERP, actions[i], "x");
        assert_int_equal(world->seen[0].action.kind, ACTION_ANSWER);
        assert_string_equal(world->seen[0].answer.id, "x");
        assert_int_equal(world->seen[0].answer.outcome, OUTCOME_ACCEPTED);
    }
}

/* A command without an id gets one of its own. */
static void test_commands_without_an_id(void **state)
{
    struct world *world = anew(state, is_ready);
    char first[COMMAND_ID_SIZE];

    world_command(world, ERP, COMMAND_WAKE, "");
    snprintf(first, sizeof(first), "%s", world_last(world, ACTION_ANSWER)->answer.id);
    assert_int_equal(first[0], 'c');
    world_command(world, ERP, COMMAND_WAKE, "");
    assert_int_equal(world_last(world, ACTION_ANSWER)->answer.id[0], 'c');
    assert_string_not_equal(world_last(world, ACTION_ANSWER)->answer.id, first);
}

/* Who commands, and for how long it is held then; nobody named is someone. */
static void test_who_wakes_it_holds_it(void **state)
{
    static const struct {
        struct command command;
        const char *holder;
        int64_t lasts;
    } rows[] = {
        {{COMMAND_WAKE, SERVER, .by = "anna", .lasts = HOUR}, "anna", HOUR},
        {{COMMAND_WAKE, SERVER, .by = "b", .lasts = 1}, "b", 1},
        {{COMMAND_WAKE, SERVER}, "someone", 20 * MINUTE},
        {{COMMAND_START, PROJECT, .by = "anna", .lasts = MINUTE}, "anna", MINUTE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state, is_off);
        const int server = rows[i].command.site == MODEL_NONE ? ERP : TESTING;

        world_order(world, server, rows[i].command);
        const struct lease *lease = world_lease(world, server, LEASE_MANUAL, rows[i].holder);

        assert_non_null(lease);
        assert_int_equal(lease->until, world->now.boot + rows[i].lasts);
        assert_string_equal(world_last(world, ACTION_ANSWER)->answer.by, rows[i].holder);
        assert_int_equal(world_count(world, ACTION_PACKET), 1);
    }
}

/* Of two wakes of one person the later end holds, whichever command it was. */
static void test_the_later_end_holds(void **state)
{
    static const struct {
        enum command_action first, then;
        int64_t first_lasts, then_lasts, ends;
    } rows[] = {
        {COMMAND_WAKE, COMMAND_WAKE, 4 * HOUR, 0, 4 * HOUR},
        {COMMAND_WAKE, COMMAND_WAKE, 4 * HOUR, HOUR, 4 * HOUR},
        {COMMAND_WAKE, COMMAND_WAKE, HOUR, 2 * HOUR, 2 * HOUR + 30 * MINUTE},
        {COMMAND_WAKE, COMMAND_START, 4 * HOUR, 0, 4 * HOUR},
        {COMMAND_START, COMMAND_WAKE, 4 * HOUR, 0, 4 * HOUR},
    };

    for (int named = 0; named < 2; named++)
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            struct world *world = anew(state, is_off);
            struct command first = world_new_command(rows[i].first, "");
            struct command then = world_new_command(rows[i].then, "");
            const int64_t began = world->now.boot;

            first.lasts = rows[i].first_lasts;
            then.lasts = rows[i].then_lasts;
            first.site = rows[i].first == COMMAND_START ? SITE_CLIENT1 : MODEL_NONE;
            then.site = rows[i].then == COMMAND_START ? SITE_CLIENT1 : MODEL_NONE;
            if (!named)
                first.by[0] = then.by[0] = '\0';
            world_order(world, TESTING, first);
            world_up(world, TESTING);
            world_advance(world, 30 * MINUTE);
            world_order(world, TESTING, then);
            const struct lease *lease =
                world_lease(world, TESTING, LEASE_MANUAL, named ? "operator" : "someone");

            assert_int_equal(lease->until, began + rows[i].ends);
        }
}

/* Of the leases that are there, exactly the one that is named ends. */
static void test_which_lease_a_release_ends(void **state)
{
    static const struct {
        struct command command;
        enum lease_kind kind;
        const char *holder;
    } rows[] = {
        {{COMMAND_RELEASE, SERVER, .name = "same"}, LEASE_HOLD, "same"},
        {{COMMAND_RELEASE, SERVER, .name = "night"}, LEASE_HOLD, "night"},
        {{COMMAND_RELEASE, SERVER, .name = "same", .of_kind = true, .lease = LEASE_MANUAL},
         LEASE_MANUAL,
         "same"},
        {{COMMAND_RELEASE, SERVER, .name = "other", .of_kind = true, .lease = LEASE_MANUAL},
         LEASE_MANUAL,
         "other"},
        {{COMMAND_RELEASE, SERVER, .name = "erp.example", .of_kind = true, .lease = LEASE_VISIT},
         LEASE_VISIT,
         "erp.example"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct world *world = anew(state, is_ready);
        struct command wake = world_new_command(COMMAND_WAKE, "");
        struct command release = rows[i].command;

        snprintf(wake.by, sizeof(wake.by), "other");
        world_order(world, ERP, wake);
        snprintf(wake.by, sizeof(wake.by), "same");
        world_order(world, ERP, wake);
        world_hold(world, ERP, "night", HOUR);
        world_hold(world, ERP, "same", HOUR);
        world_visit(world, SITE_ERP);
        for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
            assert_non_null(world_lease(world, ERP, rows[k].kind, rows[k].holder));
        world_order(world, ERP, release);
        for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
            assert_int_equal(world_lease(world, ERP, rows[k].kind, rows[k].holder) == NULL, i == k);
        assert_string_equal(world_last(world, ACTION_EVENT)->detail, release.name);
    }
}

/* Who changed a policy or an idle time last is kept with it. */
static void test_who_changed_it(void **state)
{
    static const struct command commands[] = {
        {COMMAND_POLICY, SERVER, .by = "anna", .policy = POLICY_ALWAYS_ON},
        {COMMAND_IDLE, SERVER, .by = "bert", .minutes = 7},
    };
    struct world *world = anew(state, is_ready);
    const struct override *override = &world->fleet->overrides[ERP];

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        world_order(world, ERP, commands[i]);
        assert_string_equal(override->by, commands[i].by);
    }
    assert_true(override->policy_set);
    assert_int_equal(override->policy, POLICY_ALWAYS_ON);
    assert_int_equal(override->idle, 7 * MINUTE);
}

/* While as many as may be of one server are open, one more is refused: its answer says how many,
 * and names it, who asked, and where the answer goes. Of another server it is not. */
static void test_too_many_commands(void **state)
{
    struct world *world = anew(state, wakes);
    struct command command = {COMMAND_WAKE, SERVER, .by = "anna", .route = 7};
    const struct ledger_entry *answer = NULL;

    for (int i = 0; i <= LEDGER_OF_SERVER; i++) {
        snprintf(command.id, sizeof(command.id), "x%d", i);
        world_forget(world);
        world_order(world, ERP, command);
        answer = last_answer(world, command.id);
        assert_non_null(answer);
        if (answer->outcome == OUTCOME_REFUSED)
            break;
        assert_int_equal(answer->outcome, OUTCOME_ACCEPTED);
    }
    assert_int_equal(answer->outcome, OUTCOME_REFUSED);
    assert_true(fact_is(&answer->reason, FACT_ANSWER_COMMANDS_FULL));
    assert_int_equal(answer->reason.parts[0].n[0], LEDGER_OF_SERVER);
    assert_string_equal(answer->by, "anna");
    assert_int_equal(answer->action, COMMAND_WAKE);
    assert_int_equal(answer->server, ERP);
    assert_int_equal(answer->site, MODEL_NONE);
    assert_int_equal(answer->route, 7);
    assert_int_equal(answer->seconds_ms, 0);
    assert_string_equal(told(world), "command_refused ");
    world_order(world, TESTING, command);
    assert_int_equal(last_answer(world, command.id)->outcome, OUTCOME_ACCEPTED);
}

/* It fell asleep with a wake queued, and a guard does not let it be woken so soon. */
static void test_a_queued_wake_that_is_refused(void **state)
{
    struct world *world = anew(state, is_guarded_and_queued);

    world_agent(world, ERP, AGENT_SLEEPING);
    world_forget(world);
    world_advance(world, 2 * SECOND);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_OFF);
    assert_string_equal(world_outcomes(world, "w1"), "failed ");
    assert_int_equal(world_count_event(world, HAPPENED_WAKE_FAILED), 1);
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_EVENT &&
            world->seen[i].action.event.what == HAPPENED_WAKE_FAILED)
            assert_int_equal(world->seen[i].action.event.ms, 0);
    assert_int_equal(world_power(world, ERP)->guard.kind, GUARD_MIN_DOWN);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)
    const struct CMUnitTest tests[] = {
        TEST(test_a_queued_wake_that_is_refused),
        TEST(test_each_command),
        TEST(test_what_a_refused_wake_leaves),
        TEST(test_each_command_is_kept),
        TEST(test_accepted_first),
        TEST(test_commands_without_an_id),
        TEST(test_who_wakes_it_holds_it),
        TEST(test_the_later_end_holds),
        TEST(test_which_lease_a_release_ends),
        TEST(test_who_changed_it),
        TEST(test_too_many_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
