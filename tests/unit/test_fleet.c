#include <unistd.h>

#include "base/array.h"
#include "core/problem.h"
#include "core/saved.h"
#include "fleet_fixture.h"

/* Shorthands of this file: the world of the test, and where most stories start. */

static struct world *asleep(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < WORLD_SERVERS; i++)
        world_silence(world, i);
    world_agent(world, AGENTONLY, AGENT_OFFLINE);
    for (int i = 0; i < WORLD_SERVERS; i++)
        assert_state(world, i, POWER_OFF);
    world_forget(world);
    return world;
}

/* Woken by a visit of client1, ready, seen to be wakeable. */
static struct world *ready(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_CLIENT1);
    world_advance(world, 5 * SECOND);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_forget(world);
    return world;
}

/* Ready, and nobody needs it: it has just been asked to sleep. */
static struct world *proposed(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 20 * MINUTE);
    assert_int_equal(world_power(world, TESTING)->sleep.phase, SLEEP_PROPOSED);
    world_forget(world);
    return world;
}

static struct world *sleeping(void **state)
{
    struct world *world = proposed(state);

    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    return world;
}

static const struct wake *wake_of(const struct world *world, int server)
{
    return &world_power(world, server)->wake;
}

static const char *last_detail(const struct world *world)
{
    return world_last(world, ACTION_EVENT)->detail;
}

/* Start. */

static void test_start(void **state)
{
    struct world *world = *state;

    assert_int_equal(world_count(world, ACTION_PACE), WORLD_SERVERS);
    assert_int_equal(world_count(world, ACTION_STATUS), WORLD_SERVERS);
    assert_state(world, TESTING, POWER_UNKNOWN);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_last(world, ACTION_STATE)->action.state.to, POWER_OFF);
}

/* `unknown` is only right after the start, also where nothing can prove silence. */
static void test_unknown_ends(void **state)
{
    struct world *world = *state;

    world_advance(world, MINUTE);
    for (int i = 0; i < WORLD_SERVERS; i++)
        assert_state(world, i, POWER_OFF);
    world_agent(world, AGENTONLY, AGENT_ONLINE);
    assert_state(world, AGENTONLY, POWER_READY);
}

/* Hall comes back next to a server that is up: it is not slept at once, and not woken. */
static void test_restart_beside_a_running_server(void **state)
{
    struct world *world = *state;

    world_agent(world, TESTING, AGENT_ONLINE);
    world_report(world, TESTING, "b1", true);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    assert_int_equal(world_power(world, TESTING)->leases->n, 1);
    world_advance(world, 20 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_woken_by_someone_else(void **state)
{
    struct world *world = asleep(state);

    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_power(world, TESTING)->leases->n, 1);
    assert_int_equal(world_power(world, TESTING)->leases->leases[0].until,
                     world->now.boot + 20 * MINUTE);
    assert_int_equal(world_count_event(world, HAPPENED_READY), 1);
    assert_false(world_power(world, TESTING)->ever_woken);
    assert_int_equal(history_median(&world_power(world, TESTING)->history, WAKE_COLD), -1);
}

/* Wakes. */

static void test_packets(void **state)
{
    struct world *world = asleep(state);
    static const int64_t times[] = {0, 1000, 3000, 13000, 23000, 33000};
    const int64_t start = world->now.boot;
    size_t n = 0;

    world_visit(world, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_WAKING);
    world_advance(world, 40 * SECOND);
    for (size_t i = 0; i < world->n; i++)
        if (world->seen[i].action.kind == ACTION_PACKET) {
            assert_true(n < ARRAY_SIZE(times));
            assert_int_equal(world->seen[i].at - start, times[n++]);
            assert_int_equal(world->seen[i].action.packet.number, n);
            assert_int_equal(world->seen[i].action.server, TESTING);
        }
    assert_int_equal(n, 6);
    world_pass(world, TESTING); /* a sign of life: no more of them */
    world_advance(world, 60 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 6);
}

/* It shows itself, and is gone again: packets resume with the plan, not with what was left out of
 * it. */
static void test_packets_resume(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_CLIENT1);
    world_advance(world, 2 * SECOND);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_BOOTING);
    world_advance(world, 60 * SECOND);
    world_forget(world);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    world_advance(world, 10 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 2);
}

/* The loop was late: one packet, not all that were missed. */
static void test_late_tick_is_no_burst(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_CLIENT1);
    world_forget(world);
    world->now.boot += 60 * SECOND;
    fleet_tick(world->fleet, world->now);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_int_equal(fleet_deadline(world->fleet), world->now.boot + 3 * SECOND);
}

static void test_a_thousand_visits(void **state)
{
    struct world *world = asleep(state);
    char id[COMMAND_ID_SIZE];

    world_visit(world, SITE_CLIENT1);
    snprintf(id, sizeof(id), "%s", wake_of(world, TESTING)->id);
    for (int i = 0; i < 999; i++)
        world_visit(world, i % 2 ? SITE_CLIENT1 : SITE_TESTING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_int_equal(world_count_event(world, HAPPENED_WAKE_REQUESTED), 1);
    assert_string_equal(wake_of(world, TESTING)->id, id);
    assert_string_equal(world_said(world, &wake_of(world, TESTING)->cause), "visit of client1");
    assert_int_equal(world_power(world, TESTING)->leases->n, 2);
    assert_int_equal(fleet_site(world->fleet, SITE_CLIENT1)->visits, 1);
}

static void report_containers(struct world *world, bool present, bool healthy)
{
    world_containers(world, TESTING,
                     !present  ? ""
                     : healthy ? "client1-web running healthy"
                               : "client1-web running starting");
}

static void test_stages(void **state)
{
    struct world *world = asleep(state);
    static const int32_t times[STAGES] = {0, 4000, 6000, 7000, 7000, 9000, 12000};

    world_visit(world, SITE_CLIENT1);
    world_advance(world, 4 * SECOND);
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    assert_state(world, TESTING, POWER_WAKING); /* whose answer was it? */
    world_neighbour(world, TESTING, MAC_MATCH);
    assert_state(world, TESTING, POWER_BOOTING);
    world_advance(world, 2 * SECOND);
    world_agent(world, TESTING, AGENT_ONLINE);
    world_advance(world, SECOND);
    report_containers(world, true, false);
    world_advance(world, 2 * SECOND);
    report_containers(world, true, true);
    world_advance(world, SECOND);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_power(world, TESTING)->last_boot, 10 * SECOND);
    assert_true(fleet_site_ready(world->fleet, SITE_TESTING));
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* the one that is waited for */
    world_advance(world, 2 * SECOND);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
    for (unsigned i = 0; i < STAGES; i++)
        assert_int_equal(wake_of(world, TESTING)->stages[i], times[i]);
    assert_int_equal(world_count_event(world, HAPPENED_STAGE), STAGES);
    assert_int_equal(
        history_stage_median(&world_power(world, TESTING)->history, WAKE_COLD, STAGE_SITE_ANSWERS),
        12000);
}

static void test_visited_site_is_watched_until_it_answers(void **state)
{
    struct world *world = asleep(state);
    int64_t interval, timeout;

    world_visit(world, SITE_CLIENT1);
    world_pass(world, TESTING);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    power_pace(world_power(world, TESTING), MODEL_CHECKS_MAX, &interval, &timeout);
    assert_true(interval <= 250);
    world_advance(world, 4 * MINUTE); /* but not for ever */
    power_pace(world_power(world, TESTING), MODEL_CHECKS_MAX, &interval, &timeout);
    assert_true(interval >= 1000);
}

static void test_deadline_and_eta_are_learned(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_TESTING);
    assert_int_equal(power_eta(world_power(world, TESTING), world->now.boot), -1);
    assert_int_equal(wake_of(world, TESTING)->deadline, world->now.boot + 180 * SECOND);
    world_advance(world, 40 * SECOND);
    world_up(world, TESTING);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    world_visit(world, SITE_TESTING);
    assert_int_equal(wake_of(world, TESTING)->deadline, world->now.boot + 60 * SECOND);
    world_advance(world, 15 * SECOND);
    assert_int_equal(power_eta(world_power(world, TESTING), world->now.boot), 25 * SECOND);
    world_advance(world, 30 * SECOND);
    assert_int_equal(power_eta(world_power(world, TESTING), world->now.boot), 0);
}

/* Whoever names a time gets that time, from when the server is there, be it shorter than the idle
 * time. */
static void test_a_named_time_is_kept(void **state)
{
    struct world *world = asleep(state);
    struct command command = world_new_command(COMMAND_WAKE, "w1");
    const struct power *power = world_power(world, TESTING);

    command.lasts = 2 * MINUTE;
    world_order(world, TESTING, command);
    world_advance(world, 30 * SECOND);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(power->leases->n, 1);
    assert_int_equal(power->leases->leases[0].until, world->now.boot + 2 * MINUTE);
}

/* A domain that has but projects is up with its server; who wakes by command waits for a project.
 */
static void test_a_domain_of_projects_gives_no_answer(void **state)
{
    struct world *world = asleep(state);
    const struct power *power = world_power(world, TESTING);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    for (unsigned check = 0; check < CHECK_OF_CLIENT1; check++)
        if (check != CHECK_OF_AGENT)
            world_probe(world, TESTING, check, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    assert_true(fleet_site_ready(world->fleet, SITE_TESTING));
    assert_int_equal(power->wake.stages[STAGE_SITE_ANSWERS], STAGE_UNREACHED);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_int_not_equal(power->wake.stages[STAGE_SITE_ANSWERS], STAGE_UNREACHED);
}

static void test_wake_without_sign(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted ");
    world_advance(world, 180 * SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_int_equal(world_power(world, TESTING)->failure, FAILURE_NO_SIGN);
    assert_non_null(strstr(world_said(world, &world_power(world, TESTING)->reason), "packet_sent"));
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "Wake-on-LAN"));
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_int_equal(world_count_event(world, HAPPENED_WAKE_FAILED), 1);
    world_advance(world, 24 * 60 * MINUTE); /* it stays so */
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    world_visit(world, SITE_TESTING); /* until a new wake */
    assert_state(world, TESTING, POWER_WAKING);
}

static void test_wake_not_ready(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_TESTING);
    world_advance(world, 10 * SECOND);
    world_pass(world, TESTING); /* its agent never comes */
    world_advance(world, 170 * SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_int_equal(world_power(world, TESTING)->failure, FAILURE_NOT_READY);
    assert_non_null(strstr(world_said(world, &world_power(world, TESTING)->reason), "first_sign"));
    assert_true(power_target_on(world_power(world, TESTING)));
}

static struct fleet_event a_failed_packet(void)
{
    struct fleet_event event = {.kind = FLEET_PACKET_FAILED, .server = TESTING};
    const struct fact why = fact_with(FACT(WOL_NO_INTERFACE), "eth0", NULL);

    event.packet.reason = fact_because(FACT(WAKE_PACKET_FAILED), &why);
    return event;
}

static void test_wake_without_packet(void **state)
{
    struct world *world = asleep(state);
    const struct fleet_event event = a_failed_packet();
    const struct power *power = world_power(world, TESTING);

    world->mute = true;
    world_visit(world, SITE_TESTING);
    world_handle(world, &event);
    assert_string_equal(world_said(world, &power->problem),
                        "a magic packet could not be sent: there is no network interface eth0; "
                        "correct wake.interface (ip link shows the names)");
    world_advance(world, 179 * SECOND);
    world_handle(world, &event);
    world_advance(world, SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_int_equal(power->failure, FAILURE_NO_PACKET);
    assert_true(world_count(world, ACTION_PACKET) > 0);
    assert_int_equal(world_count_event(world, HAPPENED_PACKET_SENT), 0);
    assert_int_equal(world_count_event(world, HAPPENED_STAGE), 0);
    assert_int_equal(power_stage(power), STAGES);
    assert_true(fact_is(&power->problem, FACT_WAKE_NO_PACKET));
    assert_int_equal(power->problem.parts[1].code, FACT_WOL_NO_INTERFACE);
    assert_string_equal(fact_text(&power->problem, 1, 0), "eth0");
}

/* Somebody pressed its button: nothing shows that it can be woken, or how long that takes. */
static void test_nothing_is_learned_without_a_packet(void **state)
{
    static const struct {
        int64_t sent; /* after so long the first leaves; negative: none does */
        bool woken, learned;
    } rows[] = {
        {-1, false, false}, {0, true, true}, {5 * SECOND, true, true}, {13 * SECOND, true, false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);
        const struct power *power = world_power(world, TESTING);

        world_silence(world, TESTING);
        world->mute = true;
        world_visit(world, SITE_TESTING);
        world_advance(world, rows[i].sent < 0 ? SECOND : rows[i].sent);
        if (rows[i].sent >= 0)
            world_handle(world, &(struct fleet_event){.kind = FLEET_PACKET_SENT,
                                                      .server = TESTING,
                                                      .packet = {.number = 1}});
        assert_int_equal(world_count_event(world, HAPPENED_PACKET_SENT), rows[i].sent >= 0);
        assert_int_equal(wake_of(world, TESTING)->stages[STAGE_PACKET_SENT],
                         rows[i].sent < 0 ? STAGE_UNREACHED : rows[i].sent);
        world_advance(world, 15 * SECOND);
        world_up(world, TESTING);
        assert_state(world, TESTING, POWER_READY);
        assert_int_equal(power->ever_woken, rows[i].woken);
        assert_int_equal(power->last_boot >= 0, rows[i].learned);
    }
}

/* What is told of a packet after its wake had ended is no news of the next one. */
static void test_packets_told_of_too_late(void **state)
{
    struct world *world = ready(state);
    const struct fleet_event failed = a_failed_packet();
    const uint32_t sent = wake_of(world, TESTING)->packets_sent;

    world_handle(world, &failed);
    world_handle(world, &(struct fleet_event){
                            .kind = FLEET_PACKET_SENT, .server = TESTING, .packet = {.number = 1}});
    assert_true(fact_is(&world_power(world, TESTING)->problem, FACT_NONE));
    assert_int_equal(wake_of(world, TESTING)->packets_sent, sent);
}

/* Not more can have left than were ordered; and one that leaves ends the trouble. */
static void test_a_packet_that_leaves_after_all(void **state)
{
    struct world *world = asleep(state);
    const struct fleet_event failed = a_failed_packet();

    world->mute = true;
    world_visit(world, SITE_TESTING);
    world_handle(world, &failed);
    for (uint32_t number = 1; number <= 2; number++) /* one was ordered */
        world_handle(world, &(struct fleet_event){.kind = FLEET_PACKET_SENT,
                                                  .server = TESTING,
                                                  .packet = {.number = number}});
    assert_int_equal(wake_of(world, TESTING)->packets_sent, 1);
    assert_int_equal(world_count_event(world, HAPPENED_PACKET_SENT), 1);
    assert_true(fact_is(&world_power(world, TESTING)->problem, FACT_NONE));
}

/* A crash of Hall forgets no visitor and no download: the first of each is on the disk at once,
 * what goes on need not be. */
static void test_new_use_is_kept_at_once(void **state)
{
    for (int look = 0; look < 2; look++) {
        for (int known = 0; known < 2; known++) {
            world_finish(state);
            struct world *world = *state = world_new(NULL);
            bool durable = false;

            world_silence(world, TESTING);
            world_wake(world, TESTING, 5 * SECOND);
            world_advance(world, 30 * SECOND);
            for (int i = 0; i <= known; i++) {
                world_advance(world, 20 * SECOND);
                world_forget(world);
                if (look)
                    world_look(world, TESTING, "client1", 2 * MINUTE);
                else
                    world_visit(world, SITE_CLIENT1);
            }
            for (size_t i = 0; i < world->n; i++)
                durable |=
                    world->seen[i].action.kind == ACTION_SAVE && world->seen[i].action.save.durable;
            assert_int_equal(durable, !known);
        }
    }
}

/* One that is up and not ready, and a page that asks every other second: one wake fails, and a next
 * one begins when something has changed, or when somebody commands it. */
static void test_a_wake_in_vain_is_not_begun_again(void **state)
{
    enum change { NOTHING, A_FAULT, A_PASS, THE_AGENT, A_SILENCE, A_COMMAND, CHANGES };

    for (unsigned change = 0; change < CHANGES; change++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_silence(world, TESTING);
        world_wake(world, TESTING, 20 * SECOND);
        for (int i = 0; i < EVIDENCE_MISSES; i++) {
            world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
            world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
        }
        assert_state(world, TESTING, POWER_DEGRADED);
        world_forget(world);
        for (int i = 0; i < 1800; i++) {
            world_visit(world, SITE_TESTING);
            world_advance(world, 2 * SECOND);
        }
        assert_int_equal(world_count_event(world, HAPPENED_WAKE_REQUESTED), 1);
        assert_int_equal(world_count_event(world, HAPPENED_WAKE_FAILED), 1);
        assert_state(world, TESTING, POWER_DEGRADED);
        assert_true(world_power(world, TESTING)->leases->n > 0); /* who waits keeps it awake */
        world_forget(world);
        switch ((enum change)change) {
        case A_FAULT:
            world_handle(world, &(struct fleet_event){.kind = FLEET_PROBE,
                                                      .server = TESTING,
                                                      .probe = {.check = CHECK_OF_HTTP,
                                                                .outcome = PROBE_ANSWER,
                                                                .detail = 502}});
            break;
        case A_PASS:
            world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
            break;
        case THE_AGENT:
            world_agent(world, TESTING, AGENT_OFFLINE);
            break;
        case A_SILENCE:
            world_silence(world, TESTING);
            break;
        case A_COMMAND:
            world_command(world, TESTING, COMMAND_WAKE, "w");
            break;
        case NOTHING:
        case CHANGES:
            break;
        }
        world_visit(world, SITE_TESTING);
        if (world_count_event(world, HAPPENED_WAKE_REQUESTED) !=
            (change != NOTHING && change != A_FAULT))
            fail_msg("change %u", change);
    }
}

/* Else a deadline once learned too short could never grow again. */
static void test_late_success_is_learned(void **state)
{
    struct world *world = asleep(state);
    const struct power *power = world_power(world, TESTING);

    world_visit(world, SITE_TESTING);
    world_advance(world, 5 * SECOND);
    world_up(world, TESTING);
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_silence(world, TESTING);
    world_visit(world, SITE_TESTING);
    world_advance(world, 50 * SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    world_forget(world);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_BOOTING);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(power->last_boot, 50 * SECOND);
    assert_int_equal(power->failure, FAILURE_NONE);
    assert_int_equal(power->failures, 0);
    assert_true(fact_is(&power->problem, FACT_NONE));
    assert_int_equal(history_deadline(&power->history, WAKE_COLD, 0, 999 * SECOND), 75 * SECOND);
    assert_int_equal(world_count_event(world, HAPPENED_READY), 1);
    assert_non_null(strstr(last_detail(world), "site_answers"));
}

/* Its checks stop passing while a visitor waits, and come to pass again. */
static void test_failure_is_forgotten_when_ready(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_state(world, TESTING, POWER_DEGRADED);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    world_visit(world, SITE_CLIENT1);
    assert_true(wake_of(world, TESTING)->open);
    world_advance(world, 30 * SECOND);
    assert_false(wake_of(world, TESTING)->open);
    assert_state(world, TESTING, POWER_DEGRADED);
    assert_int_equal(world_power(world, TESTING)->failure, FAILURE_NOT_READY);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_power(world, TESTING)->failure, FAILURE_NONE);
    /* it was up all the time: that told nothing of how long a wake takes */
    assert_int_equal(world_power(world, TESTING)->last_boot, 5 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

static void test_leases_outlive_a_long_wake(void **state)
{
    struct world *world = *state;

    world->domains[TESTING].policy.idle = MINUTE;
    asleep(state);
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 150 * SECOND);
    assert_int_equal(world_power(world, TESTING)->leases->n, 1);
    world_up(world, TESTING);
    assert_int_equal(world_power(world, TESTING)->leases->leases[0].until,
                     world->now.boot + MINUTE);
    world_advance(world, MINUTE);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

static void test_ready_already(void **state)
{
    struct world *world = ready(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

static void test_project_start_has_an_end(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_START, "s1");
    world_command(world, TESTING, COMMAND_STOP, "s2");
    world_up(world, TESTING);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "s2"), "refused ");
}

static void test_repeated_id(void **state)
{
    struct world *world = asleep(state);
    struct command again = world_new_command(COMMAND_WAKE, "w1");

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_up(world, TESTING);
    world_silence(world, TESTING);
    world_forget(world);
    again.route = 77;
    world_order(world, TESTING, again);
    assert_string_equal(world_outcomes(world, "w1"), "done ");
    assert_int_equal(world_last(world, ACTION_ANSWER)->answer.route, 77);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_command(world, ERP, COMMAND_WAKE, "w1"); /* of another server it is another command */
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
}

/* Answers that go to this route. */
static const char *outcomes_of_route(struct world *world, uint64_t route)
{
    static char text[80];
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < world->n; i++) {
        const struct seen_action *seen = &world->seen[i];
        const struct ledger_entry *answer = &seen->answer;

        if (seen->action.kind == ACTION_ANSWER && answer->route == route) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s ",
                                       command_outcome_name(answer->outcome));
            assert_true(length < sizeof(text));
        }
    }
    return text;
}

static bool joined(const struct world *world, uint64_t route, uint64_t to)
{
    unsigned n = 0;

    for (size_t i = 0; i < world->n; i++) {
        const struct action *action = &world->seen[i].action;

        n += action->kind == ACTION_JOIN && action->join.route == route && action->join.to == to;
    }
    return n == 1;
}

/* Whoever says it again while it is under way hears how it ends, however many they are. */
static void test_repeated_id_of_an_open_command(void **state)
{
    enum { MANY = 100 };
    struct world *world = asleep(state);
    struct command command = world_new_command(COMMAND_WAKE, "w1");

    for (command.route = 70; command.route <= 70 + MANY; command.route++)
        world_order(world, TESTING, command);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    world_up(world, TESTING);
    assert_string_equal(outcomes_of_route(world, 70), "accepted done ");
    for (uint64_t route = 71; route <= 70 + MANY; route++) {
        assert_string_equal(outcomes_of_route(world, route), "accepted ");
        assert_true(joined(world, route, 70));
    }
}

/* The agent is still asked: who repeats it is not forgotten either. */
static void test_repeated_id_of_an_unanswered_command(void **state)
{
    struct world *world = asleep(state);
    struct command command = world_new_command(COMMAND_SLEEP, "s1");

    world_wake(world, TESTING, SECOND);
    world_advance(world, 6 * MINUTE);
    command.route = 70;
    world_order(world, TESTING, command);
    command.route = 71;
    world_order(world, TESTING, command);
    assert_true(joined(world, 71, 70));
    world_fall_asleep(world, TESTING);
    assert_string_equal(outcomes_of_route(world, 70), "accepted done ");
    assert_string_equal(outcomes_of_route(world, 71), "");
}

/* It came without a route: who repeats it with one gets the rest. */
static void test_repeated_id_with_the_first_route(void **state)
{
    struct world *world = asleep(state);
    struct command command = world_new_command(COMMAND_WAKE, "w1");

    world_order(world, TESTING, command);
    command.route = 71;
    world_order(world, TESTING, command);
    command.route = 72;
    world_order(world, TESTING, command);
    world_up(world, TESTING);
    assert_string_equal(outcomes_of_route(world, 71), "accepted done ");
    assert_true(joined(world, 72, 71));
}

/* The most of one server; and how many of them there are is no matter of the other servers'. */
static void test_too_many_commands(void **state)
{
    struct world *world = asleep(state);
    char id[COMMAND_ID_SIZE];

    for (int i = 0; i < LEDGER_OF_SERVER; i++) {
        snprintf(id, sizeof(id), "w%d", i);
        world_command(world, TESTING, COMMAND_WAKE, id);
        world_command(world, ERP, COMMAND_WAKE, id);
    }
    world_forget(world);
    world_command(world, TESTING, COMMAND_WAKE, "much");
    assert_string_equal(world_outcomes(world, "much"), "refused ");
    assert_string_equal(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                        "256 commands are under way here already, the most at once; wait for one "
                        "to end");
    for (int server = TESTING; server <= ERP; server++) {
        world_forget(world);
        world_up(world, server);
        for (int i = 0; i < LEDGER_OF_SERVER; i++) {
            snprintf(id, sizeof(id), "w%d", i);
            assert_string_equal(world_outcomes(world, id), "done ");
        }
    }
}

static void test_cancel(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_CANCEL, "c0");
    assert_string_equal(world_outcomes(world, "c0"), "refused ");
    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_command(world, TESTING, COMMAND_CANCEL, "c1");
    assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->failure, FAILURE_CANCELLED);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
    world_forget(world);
    world_advance(world, MINUTE);
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* What others want stays, and the wake goes on. */
static void test_cancel_beside_others(void **state)
{
    enum other { VISITOR, HOLD, MANUAL, ANONYMOUS };

    for (int other = VISITOR; other <= ANONYMOUS; other++) {
        world_finish(state);
        *state = world_new(NULL);
        struct world *world = asleep(state);
        struct command wake = world_new_command(COMMAND_WAKE, "o");
        struct command sleep = world_new_command(COMMAND_SLEEP, "s");

        snprintf(wake.by, sizeof(wake.by), "%s", other == MANUAL ? "bert" : "");
        world_command(world, TESTING, COMMAND_WAKE, "w1");
        if (other == VISITOR)
            world_visit(world, SITE_CLIENT1);
        else if (other == HOLD)
            world_hold(world, TESTING, "backup", HOUR);
        else
            world_order(world, TESTING, wake);
        world_order(world, TESTING, sleep);
        assert_string_equal(world_outcomes(world, "s"), "refused ");
        assert_int_equal(world_power(world, TESTING)->leases->n, 2);
        world_command(world, TESTING, COMMAND_CANCEL, "c1");
        assert_string_equal(world_outcomes(world, "c1"), "accepted done ");
        assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
        assert_state(world, TESTING, POWER_WAKING);
        assert_int_equal(world_power(world, TESTING)->leases->n, 1);
        assert_int_equal(world_count_event(world, HAPPENED_WAKE_FAILED), 0);
        world_command(world, TESTING, COMMAND_CANCEL, "c2"); /* now he wants nothing himself */
        assert_string_equal(world_outcomes(world, "c2"), "refused ");
        world_up(world, TESTING);
        if (other >= MANUAL)
            assert_string_equal(world_outcomes(world, "o"), "accepted done ");
        assert_state(world, TESTING, POWER_READY);
    }
}

/* Its policy does not undo at once what a person did. */
static void test_cancel_of_a_standing_wake(void **state)
{
    struct world *world = asleep(state);

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    assert_state(world, TESTING, POWER_WAKING);
    world_command(world, TESTING, COMMAND_CANCEL, "c1");
    world_advance(world, 59 * SECOND);
    assert_state(world, TESTING, POWER_OFF);
    world_advance(world, 2 * SECOND);
    assert_state(world, TESTING, POWER_WAKING);
}

static void test_sleep_during_waking(void **state)
{
    struct world *world = asleep(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s3");

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
    assert_state(world, TESTING, POWER_OFF);
    world_hold(world, TESTING, "backup", 60 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s2"); /* others wait for it */
    assert_string_equal(world_outcomes(world, "s2"), "refused ");
    assert_state(world, TESTING, POWER_WAKING);
    force.force = true;
    world_order(world, TESTING, force);
    assert_string_equal(world_outcomes(world, "s3"), "accepted done ");
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
    world_advance(world, 10 * MINUTE);
    assert_state(world, TESTING, POWER_OFF);
}

/* Sleeps. */

static void test_a_whole_day(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 19 * MINUTE);
    world_use(world, SITE_CLIENT1);
    world_advance(world, 20 * MINUTE - 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 1);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    assert_false(power_target_on(world_power(world, TESTING)));
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    assert_state(world, TESTING, POWER_SLEEPING);
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_agent(world, TESTING, AGENT_SLEEPING);
    world_advance(world, 3 * SECOND);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REQUESTED), 1);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem), "");
    world_visit(world, SITE_CLIENT1); /* suspended: it will resume, not boot */
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_RESUME);
}

/* By ssh or webhook: the answer says how it was asked, and silence alone proves that it sleeps. */
static void test_a_sleep_without_an_agent(void **state)
{
    struct world *world = ready(state);
    struct fleet_event event = {
        .kind = FLEET_SLEEP_ANSWER, .server = TESTING, .sleep = {.answer = SLEEP_ACCEPTED}};

    world->servers[TESTING].sleep.via = SLEEP_VIA_SSH;
    world_advance(world, 20 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    event.sleep.reason = fact_said("it was asked by ssh");
    world_handle(world, &event);
    assert_state(world, TESTING, POWER_SLEEPING);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->reason),
                        "it was asked by ssh");
    world_advance(world, 61 * SECOND);
    assert_state(world, TESTING, POWER_READY);
    assert_non_null(strstr(world_said(world, &world_power(world, TESTING)->problem),
                           "it was asked, but still answers after 60 s"));
}

static void test_use_never_wakes(void **state)
{
    struct world *world = asleep(state);

    world_use(world, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

static void test_the_kind_of_wake_is_corrected(void **state)
{
    struct world *world = sleeping(state);

    world_silence(world, TESTING);
    world_report(world, TESTING, "boot-1", true); /* its last one, retained */
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 9 * SECOND);
    world_report(world, TESTING, "boot-2", true);
    world_up(world, TESTING);
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_COLD);
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_RESUME].n, 0);
}

static void test_the_kind_of_wake_is_corrected_by_a_late_report(void **state)
{
    struct world *world = sleeping(state);

    world_silence(world, TESTING);
    world_report(world, TESTING, "boot-1", true); /* its last one, retained */
    world_visit(world, SITE_CLIENT1);
    world_advance(world, 9 * SECOND);
    world_up(world, TESTING);
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_RESUME);
    world_advance(world, SECOND);
    world_report(world, TESTING, "boot-2", true);
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_COLD);
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_RESUME].n, 0);
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_COLD].n, 2);
    world_report(world, TESTING, "boot-3", true); /* rebooted behind our back: no wake of ours */
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_COLD].n, 2);
}

static void test_manual_and_hold(void **state)
{
    struct world *world = ready(state);
    struct command wake = world_new_command(COMMAND_WAKE, "w1");
    struct command release = world_new_command(COMMAND_RELEASE, "r1");

    wake.lasts = 60 * MINUTE;
    world_order(world, TESTING, wake);
    world_hold(world, TESTING, "backup", 90 * MINUTE);
    world_advance(world, 61 * MINUTE);
    assert_int_equal(world_power(world, TESTING)->leases->n, 1);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    assert_non_null(strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                           "backup holds it"));
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    snprintf(release.name, sizeof(release.name), "backup");
    world_order(world, TESTING, release);
    assert_string_equal(world_outcomes(world, "r1"), "accepted done ");
    assert_int_equal(world_count(world, ACTION_SLEEP), 1); /* nobody needs it any more */
    snprintf(release.id, sizeof(release.id), "r2");
    world_order(world, TESTING, release);
    assert_string_equal(world_outcomes(world, "r2"), "refused ");
}

static size_t count_told(const struct world *world, enum happening what)
{
    size_t n = 0;

    for (size_t i = 0; i < world->n; i++)
        n += world->seen[i].action.kind == ACTION_EVENT && world->seen[i].action.event.what == what;
    return n;
}

/* Released or run out: each hold that was told of has its end told, once. */
static void test_the_end_of_a_hold_is_told(void **state)
{
    struct world *world = asleep(state);

    world_up(world, TESTING);
    world_hold(world, TESTING, "backup", HOUR);
    world_hold(world, TESTING, "rsync", 2 * HOUR);
    assert_int_equal(count_told(world, HAPPENED_HOLD), 2);
    world_advance(world, HOUR - SECOND);
    assert_int_equal(count_told(world, HAPPENED_RELEASE), 0);
    world_advance(world, SECOND);
    assert_int_equal(count_told(world, HAPPENED_RELEASE), 1);
    assert_string_equal(world_last(world, ACTION_EVENT)->detail, "backup: its time is over");
    world_advance(world, 2 * HOUR);
    assert_int_equal(count_told(world, HAPPENED_RELEASE), 2);
}

static void test_hold_wakes(void **state)
{
    struct world *world = asleep(state);

    world_hold(world, TESTING, "backup", 60 * MINUTE);
    assert_state(world, TESTING, POWER_WAKING);
    assert_string_equal(world_said(world, &wake_of(world, TESTING)->cause), "hold of backup");
    world_keep_awake(world, ERP, true);
    assert_state(world, ERP, POWER_WAKING);
    assert_true(fleet_keep_awake(world->fleet, ERP));
    world_keep_awake(world, ERP, false);
    assert_false(fleet_keep_awake(world->fleet, ERP));
}

static void test_too_many_leases(void **state)
{
    struct world *world = ready(state);
    struct command hold = world_new_command(COMMAND_HOLD, "h1");
    char name[16];

    for (int i = 0; i < LEASES_ASKED_MAX; i++) {
        snprintf(name, sizeof(name), "h%d", i);
        world_hold(world, TESTING, name, 60 * MINUTE);
    }
    hold.lasts = MINUTE;
    snprintf(hold.name, sizeof(hold.name), "one-more");
    world_order(world, TESTING, hold);
    assert_string_equal(world_outcomes(world, "h1"), "refused ");
    world_visit(world, SITE_TESTING); /* a visitor has a place of his own */
    assert_non_null(world_lease(world, TESTING, LEASE_VISIT, "testing.example"));
}

static void test_veto(void **state)
{
    struct world *world = proposed(state);

    world_sleep_answer(world, TESTING, SLEEP_VETOED, "ssh session of alice");
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
    assert_string_equal(last_detail(world), "ssh session of alice");
    world_advance(world, MINUTE); /* asked again, after a while */
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "ssh session of alice");
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1); /* told once */
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REQUESTED), 0);
}

/* The report of the run before is no word on how this one began. */
static void test_report_of_before_the_wake(void **state)
{
    struct world *world = *state;

    world_up(world, TESTING);
    world_report(world, TESTING, "boot-1", true);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_visit(world, SITE_TESTING);
    world_advance(world, 10 * SECOND);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_COLD].n, 1);
    assert_int_equal(world_power(world, TESTING)->history.kinds[WAKE_RESUME].n, 0);
}

static void test_no_answer_is_a_veto(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 6 * MINUTE);
    world_agent(world, TESTING, AGENT_ONLINE);
    world->domains[TESTING].policy.idle = MINUTE;
    world_command(world, TESTING, COMMAND_CANCEL, "");
    world_advance(world, 20 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s1"); /* joins the proposal under way */
    world_advance(world, 10 * SECOND);
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    assert_state(world, TESTING, POWER_READY);
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, ""); /* too late */
    assert_state(world, TESTING, POWER_READY);
}

static void test_sleep_command(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_SLEEP, "s0");
    assert_string_equal(world_outcomes(world, "s0"), "accepted done ");
    world_wake(world, TESTING, 5 * SECOND);
    world_advance(world, 6 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    assert_string_equal(world_last(world, ACTION_SLEEP)->detail, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    assert_string_equal(world_outcomes(world, "s1"), "accepted ");
    world_command(world, TESTING, COMMAND_SLEEP, "s2"); /* it is on its way */
    world_fall_asleep(world, TESTING);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    assert_string_equal(world_outcomes(world, "s2"), "accepted done ");
    assert_state(world, TESTING, POWER_OFF);
}

static void test_answer_to_another_question(void **state)
{
    struct world *world = proposed(state);
    struct fleet_event event = {
        .kind = FLEET_SLEEP_ANSWER, .server = TESTING, .sleep = {.answer = SLEEP_ACCEPTED}};

    snprintf(event.sleep.id, sizeof(event.sleep.id), "older");
    world_handle(world, &event);
    assert_state(world, TESTING, POWER_READY);
}

static void test_sleep_that_fails(void **state)
{
    struct world *world = sleeping(state);

    world_advance(world, 11 * MINUTE - 1);
    assert_state(world, TESTING, POWER_SLEEPING); /* a goodbye is a goodbye */
    world_advance(world, 1);
    assert_state(world, TESTING, POWER_DEGRADED); /* what is true: its agent is gone */
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "the sleep failed"));
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 1);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 0);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    world_advance(world, 4 * MINUTE); /* not asked again at once */
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_advance(world, 2 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_sleep_that_fails_stays_ready(void **state)
{
    struct world *world = proposed(state);

    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_sleep_answer(world, TESTING, SLEEP_FAILED, "logind said no");
    assert_state(world, TESTING, POWER_READY);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem),
                        "the sleep failed: logind said no");
    assert_string_equal(world_outcomes(world, "s1"), "accepted failed ");
}

/* Somebody suspended it by hand. */
static void test_goodbye_nobody_asked_for(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_advance(world, 3 * SECOND);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem), "");
}

/* The broker says retained words again at each reconnect. */
static void test_a_goodbye_said_again(void **state)
{
    struct world *world = sleeping(state);

    world_advance(world, 11 * MINUTE);
    assert_state(world, TESTING, POWER_DEGRADED);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_DEGRADED);
}

/* After Hall's restart the goodbye of yesterday says that it will resume, whichever is heard first.
 */
static void test_a_goodbye_heard_late(void **state)
{
    struct world *world = asleep(state);

    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_OFF);
    world_visit(world, SITE_TESTING);
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_RESUME);
}

static void test_goodbye_where_only_the_agent_tells(void **state)
{
    struct world *world = asleep(state);

    world_wake(world, AGENTONLY, 5 * SECOND);
    assert_state(world, AGENTONLY, POWER_READY);
    world_advance(world, 20 * MINUTE);
    world_forget(world);
    world_sleep_answer(world, AGENTONLY, SLEEP_ACCEPTED, "");
    assert_state(world, AGENTONLY, POWER_SLEEPING);
    world_agent(world, AGENTONLY, AGENT_SLEEPING);
    assert_state(world, AGENTONLY, POWER_OFF);
    assert_int_equal(world_count_event(world, HAPPENED_ASLEEP), 1);
    world_advance(world, 10 * MINUTE);
    assert_string_equal(world_said(world, &world_power(world, AGENTONLY)->problem), "");
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_FAILED), 0);
}

static void test_unasked_goodbye_where_only_the_agent_tells(void **state)
{
    struct world *world = asleep(state);

    world_agent(world, AGENTONLY, AGENT_ONLINE);
    world_agent(world, AGENTONLY, AGENT_SLEEPING);
    assert_state(world, AGENTONLY, POWER_OFF);
    world_agent(world, AGENTONLY, AGENT_ONLINE);
    world_agent(world, AGENTONLY, AGENT_OFFLINE);
    assert_state(world, AGENTONLY, POWER_UNREACHABLE);
}

static void test_wake_during_sleeping(void **state)
{
    struct world *world = sleeping(state);

    world_visit(world, SITE_CLIENT1);
    world_command(world, TESTING, COMMAND_WAKE, "w1");
    assert_state(world, TESTING, POWER_SLEEPING);
    assert_true(power_target_on(world_power(world, TESTING)));
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
    world_advance(world, 3 * SECOND);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_int_equal(wake_of(world, TESTING)->kind, WAKE_RESUME);
    world_advance(world, 3 * SECOND);
    world_up(world, TESTING);
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
    assert_int_equal(world_power(world, TESTING)->leases->n, 2);
}

/* The sleep does not come about: what was queued ends all the same. */
static void test_wake_during_a_sleep_that_fails(void **state)
{
    struct world *world = sleeping(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_advance(world, 11 * MINUTE);
    assert_state(world, TESTING, POWER_DEGRADED);
    assert_false(wake_of(world, TESTING)->queued);
    world_advance(world, 180 * SECOND);
    assert_string_equal(world_outcomes(world, "w1"), "accepted failed ");
}

/* It came back by itself, not ready yet. */
static void test_queued_wake_and_a_comeback(void **state)
{
    struct world *world = sleeping(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_MISS);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_DEGRADED);
    assert_true(wake_of(world, TESTING)->open);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    assert_state(world, TESTING, POWER_READY);
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
}

/* A machine that restarts quicker than silence is proven: its agent's will comes in between. */
static void test_back_by_way_of_offline(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_state(world, TESTING, POWER_SLEEPING);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
}

/* A visitor comes between Hall's proposal and the agent's yes: the server cannot be stopped any
 * more, but the visitor is not forgotten. */
static void test_visit_between_proposal_and_agreement(void **state)
{
    struct world *world = proposed(state);

    world_visit(world, SITE_CLIENT1);
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    assert_non_null(world_lease(world, TESTING, LEASE_VISIT, "client1"));
}

static void test_wake_between_command_and_agreement(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 19 * MINUTE);
    world_command(world, TESTING, COMMAND_WAKE, "");
    world_advance(world, 2 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    world_advance(world, SECOND);
    world_command(world, TESTING, COMMAND_WAKE, "w1"); /* the last word counts */
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
}

/* Hall's own proposal is a moment old, or of the very tick that came before the command. */
static void test_wake_right_after_the_proposal(void **state)
{
    struct world *world = proposed(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
}

/* Its last word was the sleep: the older wake does not bring it back. */
static void test_sleep_ends_the_manual_lease(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 19 * MINUTE);
    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_advance(world, 2 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    world_fall_asleep(world, TESTING);
    world_advance(world, 10 * MINUTE);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
}

/* It is suspended by hand while visitors wait for it to boot. */
static void test_goodbye_during_a_wake(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_WAKE, "w1");
    world_visit(world, SITE_CLIENT1);
    world_pass(world, TESTING);
    assert_state(world, TESTING, POWER_BOOTING);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_state(world, TESTING, POWER_SLEEPING);
    assert_false(wake_of(world, TESTING)->open);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    world_up(world, TESTING);
    assert_string_equal(world_outcomes(world, "w1"), "accepted done ");
}

/* A hold waits for it: it is not "off" in between. */
static void test_goodbye_during_a_wake_for_a_hold(void **state)
{
    struct world *world = asleep(state);

    world_hold(world, TESTING, "backup", 60 * MINUTE);
    world_pass(world, TESTING);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_true(wake_of(world, TESTING)->queued);
    assert_true(power_target_on(world_power(world, TESTING)));
    world_silence(world, TESTING);
    assert_int_equal(world_last(world, ACTION_STATE)->action.state.from, POWER_SLEEPING);
    assert_state(world, TESTING, POWER_WAKING);
}

/* A sleep was asked for, a wake began, and the server fell silent without an answer. */
static void test_silence_before_the_answer(void **state)
{
    struct world *world = proposed(state);

    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    for (int i = 0; i < EVIDENCE_MISSES; i++) {
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    }
    assert_state(world, TESTING, POWER_DEGRADED);
    world_visit(world, SITE_CLIENT1);
    assert_true(wake_of(world, TESTING)->open);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_WAKING);
    assert_string_equal(world_outcomes(world, "s1"), "accepted failed ");
}

static void test_min_up(void **state)
{
    struct world *world = asleep(state);

    world_wake(world, TESTING, 5 * SECOND);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    assert_non_null(strstr(last_detail(world), "min_up"));
    world_advance(world, 5 * MINUTE);
    world_command(world, TESTING, COMMAND_SLEEP, "s2");
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
}

static void test_not_wakeable(void **state)
{
    struct world *world = asleep(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s2");

    world_up(world, TESTING); /* somebody pressed the button */
    world_advance(world, 30 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    assert_int_equal(world_count_event(world, HAPPENED_SLEEP_REFUSED), 1);
    world_command(world, TESTING, COMMAND_SLEEP, "s1");
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    assert_non_null(
        strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason), "wakeable"));
    force.force = true;
    world_order(world, TESTING, force);
    assert_int_equal(world_count(world, ACTION_SLEEP), 1);
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "no");
    world_report(world, TESTING, "b1", true); /* its card is armed: that is enough */
    world_advance(world, MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 2);
}

static void test_force(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_hold(world, TESTING, "backup", 60 * MINUTE);
    force.force = true;
    world_order(world, TESTING, force);
    assert_true(world_last(world, ACTION_SLEEP)->action.sleep.force);
    world_fall_asleep(world, TESTING);
    assert_state(world, TESTING, POWER_OFF);
    assert_int_equal(world_power(world, TESTING)->leases->n, 0);
    assert_int_equal(world_count_event(world, HAPPENED_RELEASE), 1);
    world_advance(world, 60 * MINUTE);
    assert_state(world, TESTING, POWER_OFF);
}

/* A forced sleep is the last word: what stands wakes it no more, until somebody wants it again. */
static void test_force_lets_standing_leases_rest(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    force.force = true;
    world_order(world, TESTING, force);
    world_fall_asleep(world, TESTING);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    assert_true(world_power(world, TESTING)->resting);
    assert_non_null(world_lease(world, TESTING, LEASE_ALWAYS_ON, "testing"));
    world_advance(world, 24 * 60 * MINUTE);
    assert_state(world, TESTING, POWER_OFF);
    world_visit(world, SITE_CLIENT1);
    assert_state(world, TESTING, POWER_WAKING);
    assert_false(world_power(world, TESTING)->resting);
    world_up(world, TESTING);
    world_agent(world, TESTING, AGENT_OFFLINE);
    world_silence(world, TESTING); /* it stands again */
    world_advance(world, 30 * SECOND);
    assert_state(world, TESTING, POWER_WAKING);
}

/* The same of one that was still waking. */
static void test_force_during_a_standing_wake(void **state)
{
    struct world *world = asleep(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    assert_state(world, TESTING, POWER_WAKING);
    force.force = true;
    world_order(world, TESTING, force);
    assert_string_equal(world_outcomes(world, "s1"), "accepted done ");
    world_advance(world, 24 * 60 * MINUTE);
    assert_state(world, TESTING, POWER_OFF);
}

/* It did not sleep after all: nothing rests, and after a crash the policy wakes it. */
static void test_no_rest_after_a_sleep_that_fails(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    force.force = true;
    world_order(world, TESTING, force);
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_sleep_answer(world, TESTING, SLEEP_FAILED, "logind said no");
    assert_state(world, TESTING, POWER_READY);
    assert_false(world_power(world, TESTING)->resting);
}

/* Somebody pressed its button: that is a new run, and the policy keeps it. */
static void test_rest_ends_when_someone_else_wakes_it(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    force.force = true;
    world_order(world, TESTING, force);
    world_fall_asleep(world, TESTING);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_false(world_power(world, TESTING)->resting);
}

static void test_no_way_to_ask(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_agent(world, TESTING, AGENT_OFFLINE);
    force.force = true; /* force skips vetoes, it makes no way */
    world_order(world, TESTING, force);
    assert_string_equal(world_outcomes(world, "s1"), "refused ");
    world->servers[ERP].sleep.via = SLEEP_VIA_NONE;
    world_pass(world, ERP);
    world_command(world, ERP, COMMAND_SLEEP, "s2");
    assert_string_equal(world_outcomes(world, "s2"), "refused ");
    world_advance(world, 24 * 60 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
}

/* Restarts. */

/* A visitor uses it: only force restarts it. */
static void force_restart(struct world *world, const char *id)
{
    struct command command = world_new_command(COMMAND_RESTART, id);

    command.force = true;
    world_order(world, TESTING, command);
}

static void test_restart(void **state)
{
    struct world *world = ready(state);

    force_restart(world, "r1");
    assert_true(world_last(world, ACTION_SLEEP)->action.sleep.restart);
    assert_true(power_target_on(world_power(world, TESTING)));
    world_fall_asleep(world, TESTING);
    assert_string_equal(world_outcomes(world, "r1"), "accepted ");
    assert_state(world, TESTING, POWER_WAKING);
    world_advance(world, 20 * SECOND);
    world_up(world, TESTING);
    assert_string_equal(world_outcomes(world, "r1"), "accepted done ");
    /* those who needed it before need it still */
    assert_non_null(world_lease(world, TESTING, LEASE_VISIT, "client1"));
}

static void test_restart_refused(void **state)
{
    struct world *world = asleep(state);

    world_command(world, TESTING, COMMAND_RESTART, "r0");
    assert_string_equal(world_outcomes(world, "r0"), "refused ");
    world_wake(world, TESTING, 5 * SECOND);
    world_command(world, TESTING, COMMAND_RESTART, "r1");
    world_sleep_answer(world, TESTING, SLEEP_VETOED, "apt is running");
    assert_string_equal(world_outcomes(world, "r1"), "refused ");
    assert_state(world, TESTING, POWER_READY);
}

/* It would be taken from under those who use it. */
static void test_restart_refused_in_use(void **state)
{
    struct world *world = ready(state);

    world_command(world, TESTING, COMMAND_RESTART, "r1");
    assert_string_equal(world_outcomes(world, "r1"), "refused ");
    assert_non_null(strstr(world_said(world, &world_last(world, ACTION_ANSWER)->answer.reason),
                           "client1 was visited"));
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_hold(world, TESTING, "backup", 60 * MINUTE);
    world_advance(world, 21 * MINUTE);
    world_command(world, TESTING, COMMAND_RESTART, "r2");
    assert_string_equal(world_outcomes(world, "r2"), "refused ");
}

/* Back before three answers were missed, and never ready again: the command ends all the same. */
static void test_restart_too_fast_to_be_seen(void **state)
{
    struct world *world = ready(state);

    force_restart(world, "r1");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_DEGRADED);
    assert_string_equal(world_outcomes(world, "r1"), "accepted ");
    world_advance(world, 180 * SECOND);
    assert_string_equal(world_outcomes(world, "r1"), "accepted failed ");
}

static void test_restart_that_fails(void **state)
{
    struct world *world = ready(state);

    force_restart(world, "r1");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_sleep_answer(world, TESTING, SLEEP_FAILED, "logind said no");
    assert_string_equal(world_outcomes(world, "r1"), "accepted failed ");
    assert_state(world, TESTING, POWER_READY);
}

/* It recovers while the restart is only proposed: that is not the restart. */
static void test_ready_before_the_restart(void **state)
{
    struct world *world = ready(state);

    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    assert_state(world, TESTING, POWER_DEGRADED);
    force_restart(world, "r1");
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    assert_state(world, TESTING, POWER_READY);
    assert_string_equal(world_outcomes(world, "r1"), "");
    world_fall_asleep(world, TESTING);
    world_up(world, TESTING);
    assert_string_equal(world_outcomes(world, "r1"), "accepted done ");
}

/* A sleep command that came while it restarted has its end when the restart does not look like one.
 */
static void test_restart_called_off_by_sleep(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    force_restart(world, "r1");
    world_sleep_answer(world, TESTING, SLEEP_ACCEPTED, "");
    world_agent(world, TESTING, AGENT_SLEEPING);
    force.force = true;
    world_order(world, TESTING, force);
    assert_string_equal(world_outcomes(world, "r1"), "accepted failed ");
    world_command(world, TESTING, COMMAND_SLEEP, "s2");
    assert_string_equal(world_outcomes(world, "s2"), "accepted ");
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_string_equal(world_outcomes(world, "s2"), "accepted failed ");
}

/* A forced sleep came too late for a restart: it is up again, and what stands keeps it so. */
static void test_no_rest_after_a_restart(void **state)
{
    struct world *world = ready(state);
    struct command force = world_new_command(COMMAND_SLEEP, "s1");

    world_policy(world, TESTING, POLICY_ALWAYS_ON);
    force_restart(world, "r1");
    world_agent(world, TESTING, AGENT_SLEEPING);
    force.force = true;
    world_order(world, TESTING, force);
    assert_true(world_power(world, TESTING)->resting);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_state(world, TESTING, POWER_READY);
    assert_false(world_power(world, TESTING)->resting);
}

/* What happens to servers by themselves. */

static void test_unreachable_and_back(void **state)
{
    struct world *world = ready(state);

    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_int_equal(world_count_event(world, HAPPENED_UNREACHABLE), 1);
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "without a goodbye"));
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_pass(world, TESTING); /* the cable is in again; the agent's connection lived on */
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_count_event(world, HAPPENED_BACK), 1);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem), "");
    assert_int_equal(world_count(world, ACTION_PACKET), 0);
}

/* Its wake failed because it never got ready; then it is switched off. */
static void test_wake_failed_and_gone(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_TESTING);
    world_pass(world, TESTING);
    world_advance(world, 180 * SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    world_silence(world, TESTING);
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_int_equal(world_power(world, TESTING)->up_since, 0);
}

static void test_one_lost_answer_flips_nothing(void **state)
{
    struct world *world = ready(state);

    for (int i = 0; i < 20; i++)
        world_probe(world, TESTING, CHECK_OF_PING, i % 3 == 2 ? PROBE_PASS : PROBE_MISS);
    assert_state(world, TESTING, POWER_READY);
    assert_int_equal(world_count(world, ACTION_STATE), 0);
}

static void test_degraded(void **state)
{
    struct world *world = ready(state);

    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    assert_state(world, TESTING, POWER_DEGRADED);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1)); /* its own check passes */
    assert_false(fleet_site_ready(world->fleet, SITE_TESTING));
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    assert_state(world, TESTING, POWER_READY);
}

/* Its card may answer while it sleeps: only a check that passes says that it is awake. */
static void test_packets_until_a_check_passes(void **state)
{
    struct world *world = asleep(state);

    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    world_neighbour(world, TESTING, MAC_MATCH);
    assert_state(world, TESTING, POWER_BOOTING);
    world_visit(world, SITE_TESTING);
    assert_int_equal(world_count(world, ACTION_PACKET), 1);
    world_advance(world, 3 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 3);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_advance(world, 30 * SECOND);
    assert_int_equal(world_count(world, ACTION_PACKET), 3);
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_false(world_power(world, TESTING)->ever_woken); /* it was there before */
}

/* The learned deadline is over, but the site has taken the connection: it gets its time, once. */
static void test_a_deadline_leaves_room_for_an_answer(void **state)
{
    struct world *world = asleep(state);

    world->checks[TESTING][CHECK_OF_HTTP].timeout = 15 * SECOND;
    for (int i = 0; i < 3; i++) {
        world_visit(world, SITE_TESTING);
        world_advance(world, 5 * SECOND);
        world_up(world, TESTING);
        world_command(world, TESTING, COMMAND_SLEEP, "");
        world_order(world, TESTING,
                    (struct command){.action = COMMAND_SLEEP, .id = "s", .force = true});
        world_fall_asleep(world, TESTING);
    }
    world_visit(world, SITE_TESTING);
    assert_int_equal(wake_of(world, TESTING)->deadline, world->now.boot + 30 * SECOND);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PENDING);
    world_neighbour(world, TESTING, MAC_MATCH);
    world_advance(world, 30 * SECOND);
    assert_state(world, TESTING, POWER_BOOTING);
    fleet_handle(world->fleet, world->now,
                 &(struct fleet_event){.kind = FLEET_PROBE,
                                       .server = TESTING,
                                       .probe = {.check = CHECK_OF_HTTP,
                                                 .outcome = PROBE_ANSWER,
                                                 .fault = {.code = FAULT_SLOW, .number = 15}}});
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PENDING);
    world_advance(world, 15 * SECOND);
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "a check does not pass"));
}

/* Its card answers, and nobody says that its agent has gone: the broker went with it. Reports that
 * are missed tell it; those that come bring it back. */
static void test_echoes_beside_an_agent_that_is_late(void **state)
{
    for (int reports = 0; reports < 2; reports++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_up(world, TESTING);
        if (reports)
            world_report(world, TESTING, "boot", true);
        world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
        for (int i = 0; i < EVIDENCE_MISSES; i++) {
            world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_MISS);
            world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_MISS);
        }
        for (int i = 0; i < 20; i++) {
            world_advance(world, 15 * SECOND);
            if (reports)
                world_report(world, TESTING, "boot", true);
            assert_state(world, TESTING, POWER_DEGRADED);
        }
        world_advance(world, MINUTE - 1);
        assert_state(world, TESTING, POWER_DEGRADED);
        world_advance(world, 1);
        assert_state(world, TESTING, reports ? POWER_UNREACHABLE : POWER_DEGRADED);
        world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
        assert_state(world, TESTING, reports ? POWER_UNREACHABLE : POWER_DEGRADED);
        world_neighbour(world, TESTING, MAC_MATCH);
        world_report(world, TESTING, "boot", true);
        assert_true(world_power(world, TESTING)->evidence.alive);
        assert_state(world, TESTING, reports ? POWER_BOOTING : POWER_DEGRADED);
    }
}

/* It tells of its containers, and Hall stood still: it is late no sooner than Hall has listened. */
static void test_when_an_agent_is_late(void **state)
{
    struct world *world = *state;

    world_up(world, TESTING);
    world_report(world, TESTING, "boot", true);
    world_advance(world, 50 * SECOND);
    world_containers(world, TESTING, "client1-web running healthy");
    world_advance(world, 59 * SECOND);
    assert_false(world_power(world, TESTING)->evidence.agent_late);
    world->now.boot += HOUR;
    world->now.wall += HOUR;
    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    assert_false(world_power(world, TESTING)->evidence.agent_late);
    world_advance(world, 20 * SECOND);
    assert_true(world_power(world, TESTING)->evidence.agent_late);
    assert_state(world, TESTING, POWER_READY);
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_false(world_power(world, TESTING)->evidence.agent_late);
}

static void test_echoes_alone_are_no_life(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_SLEEPING);
    for (int i = 0; i < EVIDENCE_MISSES; i++) {
        world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_MISS);
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_MISS);
    }
    assert_state(world, TESTING, POWER_OFF);
    assert_false(power_target_on(world_power(world, TESTING)));
}

static void test_another_machine(void **state)
{
    struct world *world = asleep(state);

    world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_OTHER);
    assert_state(world, TESTING, POWER_OFF);
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "02:00:00:00:00:63"));
    world_visit(world, SITE_TESTING); /* a wake does not take it for the server either */
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_OTHER);
    assert_state(world, TESTING, POWER_WAKING);
    assert_true(world_count(world, ACTION_PACKET) > 0);
    world_neighbour(world, TESTING, MAC_MATCH);
    assert_state(world, TESTING, POWER_WAKING);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_PASS);
    assert_state(world, TESTING, POWER_BOOTING);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem), "");
}

/* It was on its way down when somebody wanted it: what brings it back are packets, if it was silent
 * before. */
static void test_one_that_falls_silent_is_woken(void **state)
{
    for (int silent = 0; silent < 2; silent++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_pass(world, ERP);
        for (int i = 0; i < EVIDENCE_MISSES; i++)
            world_probe(world, ERP, 0, PROBE_ANSWER);
        assert_state(world, ERP, POWER_DEGRADED);
        world_command(world, ERP, COMMAND_WAKE, "");
        world_advance(world, 5 * SECOND);
        if (silent) {
            world_silence(world, ERP);
            assert_state(world, ERP, POWER_WAKING);
        }
        world_advance(world, 20 * SECOND);
        assert_true(world_power(world, ERP)->wake.packets_sent > 0);
        assert_false(world_power(world, ERP)->ever_woken);
        world_pass(world, ERP);
        assert_state(world, ERP, POWER_READY);
        assert_int_equal(world_power(world, ERP)->ever_woken, silent);
    }
}

/* A packet had left when its wake was called off; what comes up much later nobody knows. */
static void test_woken_though_it_was_called_off(void **state)
{
    static const int64_t after[] = {20 * SECOND, 10 * MINUTE};

    for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
        world_finish(state);
        struct world *world = *state = world_new(NULL);

        world_silence(world, ERP);
        world_command(world, ERP, COMMAND_WAKE, "");
        world_advance(world, 10);
        world_command(world, ERP, COMMAND_CANCEL, "");
        assert_state(world, ERP, POWER_OFF);
        assert_int_equal(world_count(world, ACTION_PACKET), 1);
        world_advance(world, after[i]);
        world_pass(world, ERP);
        assert_state(world, ERP, POWER_READY);
        assert_int_equal(world_power(world, ERP)->ever_woken, i == 0);
    }
}

/* It boots as Hall starts, by a MAC that nobody named. */
static void test_another_mac_at_the_first_look(void **state)
{
    struct world *world = *state;

    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    world_neighbour(world, TESTING, MAC_OTHER);
    assert_state(world, TESTING, POWER_OFF);
    world_advance(world, MINUTE);
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    world_neighbour(world, TESTING, MAC_OTHER);
    assert_state(world, TESTING, POWER_BOOTING);
    assert_string_equal(world_said(world, &world_power(world, TESTING)->problem), "");
}

/* Its address is another machine's now: believed once that has lasted, and its sites answer no
 * more.
 */
static void test_another_machine_takes_over(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_OFFLINE);
    for (int i = 0; i < EVIDENCE_MISSES; i++) {
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
        world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_ANSWER);
    }
    for (int i = 0; i <= 10; i++) {
        assert_state(world, TESTING, POWER_DEGRADED);
        world_advance(world, SECOND);
        world_neighbour(world, TESTING, MAC_OTHER);
    }
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_non_null(
        strstr(world_said(world, &world_power(world, TESTING)->problem), "another machine"));
}

/* Two machines answer by turns: no state comes and goes, no lease ends, and both are named. */
static void test_two_machines_answer_by_turns(void **state)
{
    struct world *world = ready(state);

    world_agent(world, TESTING, AGENT_OFFLINE);
    world_hold(world, TESTING, "backup", HOUR);
    world_forget(world);
    for (int i = 0; i < 60; i++) {
        world_advance(world, SECOND);
        world_neighbour(world, TESTING, i % 2 ? MAC_MATCH : MAC_OTHER);
        world_probe(world, TESTING, CHECK_OF_PING, PROBE_PASS);
    }
    assert_int_equal(world_count(world, ACTION_STATE), 0);
    assert_non_null(
        lease_find(world_power(world, TESTING)->leases, LEASE_HOLD, MODEL_NONE, "backup"));
    const struct fact problem = fleet_problem(world->fleet, TESTING);
    const char *said = world_said(world, &problem);
    assert_non_null(strstr(said, "two machines answer at "));
    assert_non_null(strstr(said, "02:00:00:00:00:63"));
}

/* What its agent reported is known after a restart of Hall too, and so is its goodbye. */
static void test_macs_and_goodbye_outlive_hall(void **state)
{
    struct world *world = ready(state);
    struct fleet_event report = {.kind = FLEET_REPORT, .server = TESTING};
    struct saved saved;

    report.report = (struct agent_report){.heard = true, .schema = AGENT_SCHEMA, .n_macs = 1};
    memcpy(report.report.macs[0], world_other_mac, MAC_SIZE);
    world_handle(world, &report);
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_int_equal(fleet_save(world->fleet, TESTING, world->now, &saved), 0);
    assert_true(saved.goodbye && saved.mac_matched && saved.macs.n == 1);
    fleet_restore(world->fleet, ERP, world->now, &saved);
    saved_finish(&saved);
    const struct evidence *evidence = &world_power(world, ERP)->evidence;
    assert_true(evidence->goodbye && evidence->mac_matched);
    assert_true(macs_have(&evidence->macs, world_other_mac));
}

/* A site whose own check passes is open, whatever keeps the server from being ready. */
static void test_each_site_by_itself(void **state)
{
    struct world *world = asleep(state);

    world_visit(world, SITE_CLIENT1);
    world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    world_neighbour(world, TESTING, MAC_MATCH);
    assert_state(world, TESTING, POWER_BOOTING);
    assert_false(fleet_site_ready(world->fleet, SITE_CLIENT1));
    world_probe(world, TESTING, CHECK_OF_CLIENT1, PROBE_PASS);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
    assert_false(fleet_site_ready(world->fleet, SITE_TESTING));
    for (int i = 0; i < 200 && world_power(world, TESTING)->state != POWER_WAKE_FAILED; i++) {
        world_advance(world, SECOND);
        world_probe(world, TESTING, CHECK_OF_HTTP, PROBE_ANSWER);
    }
    assert_state(world, TESTING, POWER_WAKE_FAILED);
    assert_true(fleet_site_ready(world->fleet, SITE_CLIENT1));
    assert_false(fleet_site_ready(world->fleet, SITE_TESTING));
}

/* Its agent's last will says that it is gone: the checks look at once, and closely. */
static void test_an_agent_that_went_hurries_the_checks(void **state)
{
    struct world *world = ready(state);

    world_advance(world, 10 * MINUTE);
    const int64_t usual = world_power(world, TESTING)->probe_interval;
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_true(world_power(world, TESTING)->probe_interval < usual / 4);
    world_advance(world, 3 * SECOND);
    assert_int_equal(world_power(world, TESTING)->suspect_until, 0);
}

static void test_loopback(void **state)
{
    struct world *world = asleep(state);

    world_probe(world, LOOP, 0, PROBE_PASS);
    world_probe(world, LOOP, 1, PROBE_ANSWER);
    assert_state(world, LOOP, POWER_OFF);
    world_visit(world, SITE_LOOP);
    world_probe(world, LOOP, 0, PROBE_PASS);
    assert_state(world, LOOP, POWER_WAKING);
    world_probe(world, LOOP, 1, PROBE_PASS);
    assert_state(world, LOOP, POWER_READY);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        world_probe(world, LOOP, 1, PROBE_ANSWER);
    assert_state(world, LOOP, POWER_UNREACHABLE);
}

static void test_always_on(void **state)
{
    struct world *world = asleep(state);
    static const int64_t waits[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};

    world_policy(world, ERP, POLICY_ALWAYS_ON);
    assert_int_equal(world_count_event(world, HAPPENED_POLICY_CHANGED), 1);
    assert_state(world, ERP, POWER_WAKING);
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
        world_advance(world, 180 * SECOND);
        assert_state(world, ERP, POWER_WAKE_FAILED);
        world_advance(world, waits[i] * SECOND - 1);
        assert_state(world, ERP, POWER_WAKE_FAILED);
        world_advance(world, 1);
        assert_state(world, ERP, POWER_WAKING);
        world_forget(world);
    }
    world_up(world, ERP);
    world_advance(world, 24 * 60 * MINUTE);
    assert_int_equal(world_count(world, ACTION_SLEEP), 0);
    world_agent(world, ERP, AGENT_OFFLINE);
    world_silence(world, ERP);
    assert_state(world, ERP, POWER_UNREACHABLE);
    world_advance(world, 30 * SECOND);
    assert_state(world, ERP, POWER_WAKING);
    world_policy(world, ERP, POLICY_ON_DEMAND);
    assert_int_equal(world_power(world, ERP)->leases->n, 0);
}

static void test_policies_of_domains(void **state)
{
    struct world *world = *state;
    struct command idle = world_new_command(COMMAND_IDLE, "i1");

    world->domains[ERP].policy.mode = POLICY_ALWAYS_ON;
    assert_int_equal(fleet_policy(world->fleet, ERP), POLICY_ALWAYS_ON);
    assert_int_equal(fleet_policy(world->fleet, TESTING), POLICY_ON_DEMAND);
    assert_int_equal(fleet_idle(world->fleet, TESTING), 20 * MINUTE);
    idle.minutes = 7;
    world_order(world, TESTING, idle);
    assert_string_equal(world_outcomes(world, "i1"), "accepted done ");
    assert_int_equal(fleet_idle(world->fleet, TESTING), 7 * MINUTE);
}

static bool holds(const struct world *world)
{
    return power_report_holds(world_power(world, TESTING));
}

/* What an agent reported tells of now only while its server is up and it is online, and not before
 * it reports again. */
static void test_a_report_tells_of_its_run(void **state)
{
    struct world *world = *state;

    world_report(world, TESTING, "a", true);
    assert_false(holds(world)); /* whose server is not seen yet */
    world_up(world, TESTING);
    world_report(world, TESTING, "a", true);
    assert_true(holds(world));
    world_agent(world, TESTING, AGENT_OFFLINE);
    assert_false(holds(world));
    world_agent(world, TESTING, AGENT_ONLINE);
    assert_false(holds(world));
    world_report(world, TESTING, "a", true);
    assert_true(holds(world));
    world_silence(world, TESTING); /* a crash; the broker notices later */
    assert_state(world, TESTING, POWER_UNREACHABLE);
    assert_false(holds(world));
    world_report(world, TESTING, "a", true); /* the broker says it again */
    assert_false(holds(world));
    world_up(world, TESTING);
    assert_state(world, TESTING, POWER_READY);
    assert_false(holds(world));
    world_report(world, TESTING, "b", true);
    assert_true(holds(world));
    world_agent(world, TESTING, AGENT_SLEEPING);
    assert_false(holds(world));
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, world_init, world_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start),
        TEST(test_a_report_tells_of_its_run),
        TEST(test_unknown_ends),
        TEST(test_restart_beside_a_running_server),
        TEST(test_woken_by_someone_else),
        TEST(test_packets),
        TEST(test_packets_resume),
        TEST(test_late_tick_is_no_burst),
        TEST(test_a_thousand_visits),
        TEST(test_stages),
        TEST(test_visited_site_is_watched_until_it_answers),
        TEST(test_deadline_and_eta_are_learned),
        TEST(test_a_named_time_is_kept),
        TEST(test_a_domain_of_projects_gives_no_answer),
        TEST(test_wake_without_sign),
        TEST(test_wake_not_ready),
        TEST(test_wake_without_packet),
        TEST(test_nothing_is_learned_without_a_packet),
        TEST(test_packets_told_of_too_late),
        TEST(test_a_packet_that_leaves_after_all),
        TEST(test_new_use_is_kept_at_once),
        TEST(test_a_wake_in_vain_is_not_begun_again),
        TEST(test_late_success_is_learned),
        TEST(test_failure_is_forgotten_when_ready),
        TEST(test_leases_outlive_a_long_wake),
        TEST(test_ready_already),
        TEST(test_project_start_has_an_end),
        TEST(test_repeated_id),
        TEST(test_repeated_id_of_an_open_command),
        TEST(test_repeated_id_of_an_unanswered_command),
        TEST(test_repeated_id_with_the_first_route),
        TEST(test_too_many_commands),
        TEST(test_cancel),
        TEST(test_cancel_beside_others),
        TEST(test_cancel_of_a_standing_wake),
        TEST(test_sleep_during_waking),
        TEST(test_a_whole_day),
        TEST(test_a_sleep_without_an_agent),
        TEST(test_use_never_wakes),
        TEST(test_the_kind_of_wake_is_corrected),
        TEST(test_the_kind_of_wake_is_corrected_by_a_late_report),
        TEST(test_manual_and_hold),
        TEST(test_the_end_of_a_hold_is_told),
        TEST(test_hold_wakes),
        TEST(test_too_many_leases),
        TEST(test_veto),
        TEST(test_report_of_before_the_wake),
        TEST(test_no_answer_is_a_veto),
        TEST(test_sleep_command),
        TEST(test_answer_to_another_question),
        TEST(test_sleep_that_fails),
        TEST(test_sleep_that_fails_stays_ready),
        TEST(test_goodbye_nobody_asked_for),
        TEST(test_a_goodbye_said_again),
        TEST(test_a_goodbye_heard_late),
        TEST(test_goodbye_where_only_the_agent_tells),
        TEST(test_unasked_goodbye_where_only_the_agent_tells),
        TEST(test_wake_during_sleeping),
        TEST(test_wake_during_a_sleep_that_fails),
        TEST(test_queued_wake_and_a_comeback),
        TEST(test_back_by_way_of_offline),
        TEST(test_visit_between_proposal_and_agreement),
        TEST(test_wake_between_command_and_agreement),
        TEST(test_wake_right_after_the_proposal),
        TEST(test_sleep_ends_the_manual_lease),
        TEST(test_goodbye_during_a_wake),
        TEST(test_goodbye_during_a_wake_for_a_hold),
        TEST(test_silence_before_the_answer),
        TEST(test_min_up),
        TEST(test_not_wakeable),
        TEST(test_force),
        TEST(test_force_lets_standing_leases_rest),
        TEST(test_force_during_a_standing_wake),
        TEST(test_no_rest_after_a_sleep_that_fails),
        TEST(test_rest_ends_when_someone_else_wakes_it),
        TEST(test_no_way_to_ask),
        TEST(test_restart),
        TEST(test_restart_refused),
        TEST(test_restart_refused_in_use),
        TEST(test_restart_too_fast_to_be_seen),
        TEST(test_restart_that_fails),
        TEST(test_ready_before_the_restart),
        TEST(test_restart_called_off_by_sleep),
        TEST(test_no_rest_after_a_restart),
        TEST(test_unreachable_and_back),
        TEST(test_wake_failed_and_gone),
        TEST(test_one_lost_answer_flips_nothing),
        TEST(test_degraded),
        TEST(test_packets_until_a_check_passes),
        TEST(test_a_deadline_leaves_room_for_an_answer),
        TEST(test_echoes_alone_are_no_life),
        TEST(test_echoes_beside_an_agent_that_is_late),
        TEST(test_when_an_agent_is_late),
        TEST(test_another_machine),
        TEST(test_one_that_falls_silent_is_woken),
        TEST(test_woken_though_it_was_called_off),
        TEST(test_another_mac_at_the_first_look),
        TEST(test_another_machine_takes_over),
        TEST(test_two_machines_answer_by_turns),
        TEST(test_macs_and_goodbye_outlive_hall),
        TEST(test_each_site_by_itself),
        TEST(test_an_agent_that_went_hurries_the_checks),
        TEST(test_loopback),
        TEST(test_always_on),
        TEST(test_policies_of_domains),
    };
    alarm(60); /* a tick that never ends is a failure too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
