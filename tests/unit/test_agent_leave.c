/* The way to sleep and back: leave.c alone, between fakes of all that it moves. */

#include <stdio.h>
#include <string.h>

#include "../fakes/transcript.h"
#include "base/array.h"
#include "bridges/agent/agent_internal.h"
#include "say/say.h"
#include "unit.h"

enum { DECIDE_MS = 8000, SAY_MS = 2000, SLEEP_MS = 30000, SHUTDOWN_MS = 120000 };

static struct agent agent;
static struct config_agent config;
static struct watch_sight sight;
static bool connected, settled; /* the broker */
static bool installing;         /* a package */
static unsigned next_look;
static void (*answer_logind)(void *context, const struct fact *why);

/* ---- the fakes: each is linked in place of what it is named after ---- */

void agent_answer(struct agent *to, const struct agent_command_name *name,
                  enum report_outcome outcome, const struct fact *why, const struct vetoes *vetoes)
{
    static const char *const outcomes[] = {"accepted", "refused", "done", "failed"};
    assert_ptr_equal(to, &agent);
    transcribe("%s %s %s", name->action, name->id, outcomes[outcome]);
    for (size_t i = 0; why && i < FACT_DEPTH && why->parts[i].code != FACT_NONE; i++)
        transcribe(" <%s>%s", say_code_name(why->parts[i].code), fact_text(why, i, 0));
    transcribe(vetoes ? " with vetoes; " : "; ");
}

/* With all the time that its phases may take. */
void agent_agree(struct agent *to, const struct agent_command_name *name, int64_t limit_ms)
{
    const bool shuts_down =
        strcmp(name->action, "poweroff") == 0 || strcmp(name->action, "reboot") == 0;
    agent_answer(to, name, REPORT_ACCEPTED, NULL, NULL);
    assert_int_equal(limit_ms, SAY_MS + (shuts_down ? SHUTDOWN_MS : SLEEP_MS));
}

void agent_say(struct agent *to, const char *state)
{
    assert_ptr_equal(to, &agent);
    transcribe("say %s; ", state);
}

void agent_look_within(struct agent *to, int64_t delay_ms)
{
    assert_ptr_equal(to, &agent);
    transcribe("look within %d; ", (int)delay_ms);
}

bool mqtt_is_connected(const struct mqtt *mqtt)
{
    (void)mqtt;
    return connected;
}

bool mqtt_is_settled(const struct mqtt *mqtt)
{
    (void)mqtt;
    return settled;
}

void mqtt_reconnect(struct mqtt *mqtt, const char *why)
{
    (void)mqtt;
    (void)why;
    transcribe("reconnect; ");
}

void logind_act(struct logind *logind, enum logind_verb verb,
                void (*answer)(void *context, const struct fact *why), void *context)
{
    static const char *const verbs[] = {"suspend", "hibernate", "poweroff", "reboot"};
    (void)logind;
    assert_ptr_equal(context, &agent);
    answer_logind = answer;
    transcribe("logind: %s; ", verbs[verb]);
}

void logind_hold(struct logind *logind)
{
    (void)logind;
    transcribe("hold; ");
}

void logind_release(struct logind *logind)
{
    (void)logind;
    transcribe("let go; ");
}

unsigned watch_look_closely(struct watch *watch)
{
    (void)watch;
    transcribe("look; ");
    return next_look;
}

const struct watch_sight *watch_sight(const struct watch *watch)
{
    (void)watch;
    return &sight;
}

void watch_hear_idle(struct watch *watch, int64_t idle_ms)
{
    (void)watch;
    transcribe("idle %d; ", (int)idle_ms);
}

void watch_forget_rates(struct watch *watch)
{
    (void)watch;
    transcribe("forget rates; ");
}

/* A film plays, and `installing`. */
void vetoes_judge(const struct watch_config *limits, const struct watch_sample *sample, bool asked,
                  struct vetoes *ret_vetoes)
{
    assert_ptr_equal(limits, &config.watch);
    assert_ptr_equal(sample, &sight.sample);
    *ret_vetoes = (struct vetoes){0};
    if (!asked)
        ret_vetoes->list[ret_vetoes->n++] = FACT(VETO_IDLE_INHIBITOR);
    if (installing)
        ret_vetoes->list[ret_vetoes->n++] = FACT(VETO_INHIBITOR);
}

int wol_nic_arm(const char *interface, bool only)
{
    transcribe("arm %s%s; ", interface, only ? " by packets only" : "");
    return 0;
}

/* ---- helpers ---- */

static int wake_up(void **state)
{
    agent = (struct agent){.config = &config, .measured = true, .connections = 1};
    config = (struct config_agent){.rights = RIGHT_SUSPEND};
    sight = (struct watch_sight){.can = {.can = {LOGIND_YES, LOGIND_YES, LOGIND_YES, LOGIND_YES}}};
    connected = true;
    settled = installing = false;
    next_look = 7;
    transcript[0] = '\0';
    return sd_event_new(&agent.loop) < 0 || leave_init(&agent) < 0 ? -1 : 0;
}

static int end(void **state)
{
    leave_finish(&agent);
    sd_event_unref(agent.loop);
    return 0;
}

static struct agent_command order_of(enum agent_verb verb, bool force)
{
    return (struct agent_command){.id = "a1", .verb = verb, .force = force, .idle_ms = 600000};
}

static void order(enum agent_verb verb, bool force)
{
    const struct agent_command asked = order_of(verb, force);
    leave_command(&agent, &asked);
}

/* The phase, and how long it may last: 0 for ever. */
static void assert_phase(enum leave_phase phase, int64_t limit_ms)
{
    int enabled;
    assert_int_equal(agent.leave.phase, phase);
    assert_int_equal(sd_event_source_get_enabled(agent.leave.limit, &enabled), limit_ms > 0);
    if (limit_ms > 0) {
        uint64_t due, now;
        sd_event_source_get_time(agent.leave.limit, &due);
        sd_event_now(agent.loop, CLOCK_MONOTONIC, &now);
        assert_in_range(due, now, now + (uint64_t)limit_ms * 1000);
        /* At most a second of this test has passed since. */
        assert_true(due > now + (uint64_t)(limit_ms - 1000) * 1000);
    }
}

static void let_time_run_out(void)
{
    sd_event_source_set_time(agent.leave.limit, 1);
    sd_event_run(agent.loop, 0);
}

/* ---- deciding ---- */

static void test_an_order_waits_for_a_fresh_look(void **state)
{
    assert_phase(LEAVE_NOT, 0);
    order(VERB_SUSPEND, false);
    assert_transcript("idle 600000; look; ");
    assert_phase(LEAVE_CHECKING, DECIDE_MS);
    leave_seen(&agent, 6); /* an older one */
    assert_transcript("");
    leave_seen(&agent, 7);
    assert_transcript("suspend a1 accepted; say sleeping; ");
    assert_phase(LEAVE_SAYING, SAY_MS);
    leave_seen(&agent, 8); /* decided already */
    assert_transcript("");
}

static void test_numbers_of_looks_wrap_around(void **state)
{
    next_look = UINT32_MAX;
    order(VERB_SUSPEND, false);
    assert_transcript("idle 600000; look; ");
    leave_seen(&agent, UINT32_MAX - 1);
    assert_transcript("");
    leave_seen(&agent, 3);
    assert_transcript("suspend a1 accepted; say sleeping; ");
}

static void test_vetoes_refuse(void **state)
{
    order(VERB_SUSPEND, false);
    agent.vetoes = (struct vetoes){.n = 1, .list = {FACT(VETO_LATE)}};
    leave_seen(&agent, 7);
    assert_transcript("idle 600000; look; suspend a1 refused <veto.late> with vetoes; ");
    assert_phase(LEAVE_NOT, 0);
    leave_seen(&agent, 8);
    assert_transcript("");
}

/* Each verb by what logind says of it. */
static void test_what_logind_cannot_is_refused(void **state)
{
    static const char *const words[] = {"suspend", "hibernate", "poweroff", "reboot"};
    for (enum agent_verb verb = VERB_SUSPEND; verb <= VERB_REBOOT; verb++) {
        char refusal[200];
        sight.can = (struct logind_can){.can = {LOGIND_YES, LOGIND_YES, LOGIND_YES, LOGIND_YES}};
        sight.can.can[verb] = LOGIND_NO;
        order(verb, false);
        leave_seen(&agent, 7);
        snprintf(refusal, sizeof refusal,
                 "idle 600000; look; %s a1 refused <agent.cannot>%s <agent.no_right>; ",
                 words[verb], words[verb]);
        assert_transcript(refusal);
        sight.can.problem = FACT(AGENT_NO_BROKER);
        order(verb, false);
        leave_seen(&agent, 7);
        snprintf(refusal, sizeof refusal,
                 "idle 600000; look; %s a1 refused <agent.cannot>%s <agent.no_broker>; ",
                 words[verb], words[verb]);
        assert_transcript(refusal);
        assert_phase(LEAVE_NOT, 0);
    }
}

/* Each word that logind has for an answer, with and without a program that blocks a sleep, and with
 * this agent's own delay inhibitor, which never counts. */
static void test_each_answer_of_logind(void **state)
{
    static const char accepted[] = "accepted; say sleeping; ";
    static const struct {
        const char *word, *alone, *blocked;
    } rows[] = {
        {"yes", accepted, accepted},
        {"no", "refused <agent.cannot>suspend <agent.no_right>; ", NULL},
        {"na", "refused <agent.cannot>suspend <logind.unable>; ", NULL},
        {"challenge", "refused <agent.cannot>suspend <logind.no_right>suspend; ", NULL},
        {"inhibited", accepted, "refused <agent.cannot>suspend <logind.blocked>; "},
        {"inhibitor-blocked", accepted, "refused <agent.cannot>suspend <logind.blocked>; "},
        {"challenge-inhibitor-blocked", accepted,
         "refused <agent.cannot>suspend <logind.blocked>; "},
        {"maybe", "refused <agent.cannot>suspend <logind.odd>; ", NULL},
        {"", "refused <agent.cannot>suspend <logind.odd>; ", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int blocked = 0; blocked < 2; blocked++) {
            char expected[200];
            end(state);
            assert_int_equal(wake_up(state), 0);
            sight.can.can[LOGIND_SUSPEND] = logind_read_answer(rows[i].word);
            sight.sample.inhibitors.n = 2;
            sight.sample.inhibitors.list[0] = (struct logind_inhibitor){
                .who = "hall-agent", .what = "sleep", .why = "says goodbye", .mode = "delay"};
            sight.sample.inhibitors.list[1] =
                (struct logind_inhibitor){.who = "dnf", .what = "sleep:shutdown", .mode = "delay"};
            if (blocked)
                memcpy(sight.sample.inhibitors.list[1].mode, "block", sizeof "block");
            order(VERB_SUSPEND, false);
            leave_seen(&agent, 7);
            snprintf(expected, sizeof expected, "idle 600000; look; suspend a1 %s",
                     blocked && rows[i].blocked ? rows[i].blocked : rows[i].alone);
            assert_transcript(expected);
        }
}

/* What only says that the machine is not idle is no veto for who asks; all else is. */
static void test_who_asks_passes_over_idle_inhibitors(void **state)
{
    struct agent_command command = order_of(VERB_SUSPEND, false);
    vetoes_judge(&config.watch, &sight.sample, false, &agent.vetoes);
    leave_command(&agent, &command);
    leave_seen(&agent, 7);
    assert_transcript("idle 600000; look; suspend a1 refused <veto.idle_inhibitor> with vetoes; ");
    command.asked = true;
    leave_command(&agent, &command);
    leave_seen(&agent, 7);
    assert_transcript("idle 600000; look; suspend a1 accepted; say sleeping; ");
}

static void test_who_asks_passes_over_nothing_else(void **state)
{
    struct agent_command command = order_of(VERB_SUSPEND, false);
    command.asked = installing = true;
    leave_command(&agent, &command);
    leave_seen(&agent, 7);
    assert_transcript("idle 600000; look; suspend a1 refused <veto.inhibitor> with vetoes; ");
}

static void test_force_asks_nobody(void **state)
{
    agent.vetoes = (struct vetoes){.n = 1, .list = {FACT(VETO_LATE)}};
    order(VERB_SUSPEND, true);
    assert_transcript("suspend a1 accepted; say sleeping; ");
    assert_phase(LEAVE_SAYING, SAY_MS);
}

static void test_one_order_at_a_time(void **state)
{
    for (enum leave_phase phase = LEAVE_CHECKING; phase <= LEAVE_GONE; phase++) {
        agent.leave.phase = phase;
        order(VERB_REBOOT, true);
        assert_transcript("reboot a1 refused <agent.busy>; ");
        assert_int_equal(agent.leave.phase, phase);
        assert_false(agent.leave.commanded);
    }
}

static void urge(enum agent_verb verb)
{
    struct agent_command asked = order_of(verb, true);
    text_copy(asked.id, sizeof(asked.id), "b2");
    leave_command(&agent, &asked);
}

/* The same by force while it looks for vetoes: it looks no further, and each has its answer. */
static void test_force_overtakes_a_look(void **state)
{
    agent.vetoes = (struct vetoes){.n = 1, .list = {FACT(VETO_LATE)}};
    order(VERB_POWEROFF, false);
    assert_transcript("idle 600000; look; ");
    urge(VERB_REBOOT); /* another thing altogether */
    assert_transcript("reboot b2 refused <agent.busy>; ");
    assert_phase(LEAVE_CHECKING, DECIDE_MS);
    urge(VERB_POWEROFF);
    assert_transcript(
        "poweroff a1 refused <agent.overtaken>; poweroff b2 accepted; say sleeping; ");
    assert_phase(LEAVE_SAYING, SAY_MS);
    leave_seen(&agent, 7); /* the vetoes of the look are nothing any more */
    assert_transcript("");
    leave_said(&agent);
    assert_transcript("logind: poweroff; ");
    let_time_run_out();
    assert_transcript("poweroff b2 failed <agent.still_awake>; say online; hold; ");
}

/* A person wants what Hall proposed: what that look finds is judged as for a person. */
static void test_a_person_overtakes_a_look(void **state)
{
    struct agent_command asked = order_of(VERB_SUSPEND, false);
    order(VERB_SUSPEND, false);
    assert_transcript("idle 600000; look; ");
    text_copy(asked.id, sizeof(asked.id), "b2");
    leave_command(&agent, &asked); /* Hall once more */
    assert_transcript("suspend b2 refused <agent.busy>; ");
    asked.asked = true;
    leave_command(&agent, &asked);
    assert_transcript("suspend a1 refused <agent.overtaken>; ");
    assert_phase(LEAVE_CHECKING, DECIDE_MS);
    agent.vetoes = (struct vetoes){.n = 1, .list = {FACT(VETO_LATE)}}; /* for Hall alone */
    leave_seen(&agent, 7);
    assert_transcript("suspend b2 accepted; say sleeping; ");
}

/* It goes already, as it was asked to: so it agrees to that once more. */
static void test_force_while_it_goes(void **state)
{
    for (enum leave_phase phase = LEAVE_SAYING; phase <= LEAVE_GONE; phase++) {
        agent.leave.phase = phase;
        agent.leave.command = order_of(VERB_SUSPEND, false);
        agent.leave.commanded = true;
        urge(VERB_SUSPEND);
        assert_transcript(phase == LEAVE_GOING ? "suspend b2 refused <agent.busy>; "
                                               : "suspend b2 accepted; ");
        assert_int_equal(agent.leave.phase, phase);
        assert_string_equal(agent.leave.command.id, "a1");
    }
}

static void test_not_knowing_in_time_is_a_veto(void **state)
{
    order(VERB_SUSPEND, false);
    let_time_run_out();
    assert_transcript("idle 600000; look; suspend a1 refused <veto.late>; ");
    assert_phase(LEAVE_NOT, 0);
    leave_seen(&agent, 7);
    assert_transcript("");
}

/* ---- going ---- */

static void test_the_goodbye_comes_before_logind_is_asked(void **state)
{
    static const struct {
        enum agent_verb verb;
        const char *words;
        int64_t patience;
    } rows[] = {
        {VERB_SUSPEND, "logind: suspend; ", SLEEP_MS},
        {VERB_HIBERNATE, "logind: hibernate; ", SLEEP_MS},
        {VERB_POWEROFF, "logind: poweroff; ", SHUTDOWN_MS},
        {VERB_REBOOT, "logind: reboot; ", SHUTDOWN_MS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        end(state);
        assert_int_equal(wake_up(state), 0);
        order(rows[i].verb, true);
        transcript[0] = '\0';
        leave_said(&agent);
        assert_transcript(rows[i].words);
        assert_phase(LEAVE_ASKED, rows[i].patience);
        answer_logind(&agent, &FACT(NONE));
        assert_transcript("");
        /* logind tells everyone, this agent too: the goodbye is said once more, with the card
         * armed. */
        leave_going(&agent, LOGIND_SLEEP, true);
        assert_transcript("say sleeping; ");
        assert_phase(LEAVE_GOING, SAY_MS);
        leave_said(&agent);
        assert_transcript("let go; ");
        assert_phase(LEAVE_GONE, rows[i].patience);
    }
}

static void test_a_broker_that_is_done_at_once(void **state)
{
    settled = true;
    order(VERB_SUSPEND, true);
    assert_transcript("suspend a1 accepted; say sleeping; logind: suspend; ");
    leave_going(&agent, LOGIND_SLEEP, true);
    assert_transcript("say sleeping; let go; ");
}

/* A sleep that Hall would not hear of does not begin. */
static void test_no_goodbye_no_sleep(void **state)
{
    connected = false;
    settled = true;
    order(VERB_SUSPEND, true);
    assert_transcript("suspend a1 accepted; say sleeping; suspend a1 failed <agent.no_broker>; say "
                      "online; hold; ");
    assert_phase(LEAVE_NOT, 0);
    connected = true;
    settled = false;
    order(VERB_SUSPEND, true);
    leave_unheard(&agent, FACT(DOCKER_SILENT));
    assert_transcript(
        "suspend a1 accepted; say sleeping; suspend a1 failed <docker.silent>; say online; hold; ");
    assert_phase(LEAVE_NOT, 0);
    order(VERB_SUSPEND, true);
    let_time_run_out();
    assert_transcript(
        "suspend a1 accepted; say sleeping; suspend a1 failed <agent.unheard>; say online; hold; ");
    assert_phase(LEAVE_NOT, 0);
}

/* One that somebody else began is not held up. */
static void test_a_sleep_of_others_goes_on(void **state)
{
    connected = false;
    leave_going(&agent, LOGIND_SLEEP, true);
    assert_transcript("say sleeping; let go; ");
    assert_phase(LEAVE_GONE, SHUTDOWN_MS);
    agent.leave.phase = LEAVE_NOT;
    connected = true;
    leave_going(&agent, LOGIND_SHUTDOWN, true);
    assert_transcript("say sleeping; ");
    assert_phase(LEAVE_GOING, SAY_MS);
    let_time_run_out();
    assert_transcript("let go; ");
    assert_phase(LEAVE_GONE, SHUTDOWN_MS);
}

static void test_a_sleep_of_others_ends_an_order_that_is_being_judged(void **state)
{
    order(VERB_SUSPEND, false);
    leave_going(&agent, LOGIND_SHUTDOWN, true);
    assert_transcript("idle 600000; look; suspend a1 refused <agent.going_down>; say sleeping; ");
    leave_seen(&agent, 7);
    assert_transcript("");
    assert_phase(LEAVE_GOING, SAY_MS);
    leave_said(&agent);
    assert_phase(LEAVE_GONE, SHUTDOWN_MS); /* not that of the command, which is over */
}

static void test_logind_refuses(void **state)
{
    order(VERB_SUSPEND, true);
    leave_said(&agent);
    transcript[0] = '\0';
    answer_logind(&agent, &FACT(AGENT_NO_RIGHT));
    assert_transcript("suspend a1 failed <agent.no_right>; say online; hold; ");
    assert_phase(LEAVE_NOT, 0);
    answer_logind(&agent, &FACT(AGENT_NO_RIGHT));
    assert_transcript("");
}

static void test_logind_agreed_and_nothing_happens(void **state)
{
    order(VERB_SUSPEND, true);
    leave_said(&agent);
    answer_logind(&agent, &FACT(NONE));
    transcript[0] = '\0';
    let_time_run_out();
    assert_transcript("suspend a1 failed <agent.still_awake>; say "
                      "online; hold; ");
    assert_phase(LEAVE_NOT, 0);
    order(VERB_SUSPEND, true);
    leave_said(&agent);
    leave_going(&agent, LOGIND_SLEEP, true);
    leave_said(&agent);
    transcript[0] = '\0';
    let_time_run_out(); /* also after it was let go */
    assert_transcript("suspend a1 failed <agent.still_awake>; say "
                      "online; hold; ");
}

/* What the broker does in a phase that does not wait for it. */
static void test_the_broker_matters_only_to_a_goodbye(void **state)
{
    static const enum leave_phase others[] = {LEAVE_NOT, LEAVE_CHECKING, LEAVE_ASKED, LEAVE_GONE};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        agent.leave.phase = others[i];
        leave_said(&agent);
        leave_unheard(&agent, FACT(DOCKER_SILENT));
        assert_transcript("");
        assert_int_equal(agent.leave.phase, others[i]);
    }
}

/* ---- coming back ---- */

static void test_back_from_sleep(void **state)
{
    order(VERB_SUSPEND, true);
    leave_said(&agent);
    leave_going(&agent, LOGIND_SLEEP, true);
    leave_said(&agent);
    transcript[0] = '\0';
    leave_going(&agent, LOGIND_SLEEP, false);
    assert_transcript("hold; forget rates; reconnect; look within 0; ");
    assert_phase(LEAVE_NOT, 0);
    assert_int_equal(agent.resumes, 1);
    assert_false(agent.measured);
    /* The command is done: no word follows, and the next sleep is not its own. */
    let_time_run_out();
    assert_transcript("");
    leave_going(&agent, LOGIND_SLEEP, true);
    leave_said(&agent);
    assert_transcript("say sleeping; let go; ");
    assert_phase(LEAVE_GONE, SHUTDOWN_MS);
}

/* It noticed the sleep by the clocks before logind said that it is over. */
static void test_back_on_a_new_connection(void **state)
{
    leave_going(&agent, LOGIND_SLEEP, true);
    leave_said(&agent);
    transcript[0] = '\0';
    agent.connections++;
    leave_going(&agent, LOGIND_SLEEP, false);
    assert_transcript("hold; forget rates; say online; look within 0; ");
    assert_int_equal(agent.resumes, 1);
}

static void test_a_shutdown_that_was_called_off(void **state)
{
    leave_going(&agent, LOGIND_SHUTDOWN, true);
    leave_said(&agent);
    transcript[0] = '\0';
    leave_going(&agent, LOGIND_SHUTDOWN, false);
    assert_transcript("hold; forget rates; say online; look within 0; ");
    assert_phase(LEAVE_NOT, 0);
    assert_int_equal(agent.resumes, 0);
    assert_false(agent.measured);
}

/* ---- the card ---- */

static void test_the_card_is_armed_where_it_may_be(void **state)
{
    config.rights |= RIGHT_WOL;
    order(VERB_SUSPEND, true);
    assert_transcript("suspend a1 accepted; say sleeping; "); /* no card is known */
    leave_unheard(&agent, FACT(DOCKER_SILENT));
    transcript[0] = '\0';
    strcpy(sight.interface, "br0");
    sight.n_cards = 2;
    strcpy(sight.cards[0], "e");
    strcpy(sight.cards[1], "f");
    config.magic_packet_only = true;
    order(VERB_SUSPEND, true);
    assert_transcript(
        "suspend a1 accepted; arm e by packets only; arm f by packets only; say sleeping; ");
    leave_unheard(&agent, FACT(DOCKER_SILENT));
    transcript[0] = '\0';
    config.rights &= ~(unsigned)RIGHT_WOL;
    order(VERB_SUSPEND, true);
    assert_transcript("suspend a1 accepted; say sleeping; ");
}

#define LEAVE(test) cmocka_unit_test_setup_teardown(test, wake_up, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAVE(test_an_order_waits_for_a_fresh_look),
        LEAVE(test_numbers_of_looks_wrap_around),
        LEAVE(test_vetoes_refuse),
        LEAVE(test_what_logind_cannot_is_refused),
        LEAVE(test_each_answer_of_logind),
        LEAVE(test_who_asks_passes_over_idle_inhibitors),
        LEAVE(test_who_asks_passes_over_nothing_else),
        LEAVE(test_force_asks_nobody),
        LEAVE(test_force_overtakes_a_look),
        LEAVE(test_a_person_overtakes_a_look),
        LEAVE(test_force_while_it_goes),
        LEAVE(test_one_order_at_a_time),
        LEAVE(test_not_knowing_in_time_is_a_veto),
        LEAVE(test_the_goodbye_comes_before_logind_is_asked),
        LEAVE(test_a_broker_that_is_done_at_once),
        LEAVE(test_no_goodbye_no_sleep),
        LEAVE(test_a_sleep_of_others_goes_on),
        LEAVE(test_a_sleep_of_others_ends_an_order_that_is_being_judged),
        LEAVE(test_logind_refuses),
        LEAVE(test_logind_agreed_and_nothing_happens),
        LEAVE(test_the_broker_matters_only_to_a_goodbye),
        LEAVE(test_back_from_sleep),
        LEAVE(test_back_on_a_new_connection),
        LEAVE(test_a_shutdown_that_was_called_off),
        LEAVE(test_the_card_is_armed_where_it_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
