/* The way to sleep and back. One phase at a time; leave_enter alone changes it and its time limit.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bridges/agent/agent_internal.h"
#include "say/say.h"

enum {
    DECIDE_MS = 8000, /* Hall waits 10 s for an answer */
    SAY_MS = 2000,    /* logind waits 5 s for whoever delays a sleep */
    SLEEP_MS = 30000, /* awake time, from the question to the sleep */
    SHUTDOWN_MS = 120000,
    ACCURACY_US = 50000,
    SENTENCE_SIZE = 256,
};

static struct agent_command_name name_of(const struct agent_command *command)
{
    struct agent_command_name name;
    text_copy(name.id, sizeof(name.id), command->id);
    text_copy(name.action, sizeof(name.action), agent_verb_name(command->verb));
    return name;
}

/* 0: no limit. The clock stands still while the machine sleeps, so that sleeping long is no
 * failure. */
static void leave_enter(struct agent *agent, enum leave_phase phase, int64_t limit_ms)
{
    struct leave *leave = &agent->leave;
    leave->phase = phase;
    if (limit_ms > 0)
        sd_event_source_set_time_relative(leave->limit, (uint64_t)limit_ms * 1000);
    sd_event_source_set_enabled(leave->limit, limit_ms > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int64_t patience(const struct leave *leave)
{
    return leave->command.verb == VERB_POWEROFF || leave->command.verb == VERB_REBOOT ? SHUTDOWN_MS
                                                                                      : SLEEP_MS;
}

/* The command's last word; a command that has had it gets no other. */
static void end_command(struct agent *agent, enum report_outcome outcome, struct fact why,
                        const struct vetoes *vetoes)
{
    const struct agent_command_name name = name_of(&agent->leave.command);
    if (!agent->leave.commanded)
        return;
    agent->leave.commanded = false;
    agent_answer(agent, &name, outcome, &why, vetoes);
}

/* ---- deciding ---- */

static void arm_cards(struct agent *agent)
{
    const struct watch_sight *sight = watch_sight(agent->watch);
    int error = 0;
    bool armed = false;
    if ((agent->config->rights & RIGHT_WOL) == 0 || sight->interface[0] == '\0')
        return;
    for (size_t i = 0; i < sight->n_cards; i++) {
        const int one = wol_nic_arm(sight->cards[i], agent->config->magic_packet_only);
        armed |= one == 0;
        error = one < 0 ? one : error;
    }
    if (!armed)
        log_warning("%s is not armed to wake this machine: %s", sight->interface, strerror(-error));
}

/* The broker may be done before anybody waits for it. */
static void say_sleeping(struct agent *agent, enum leave_phase phase)
{
    arm_cards(agent);
    agent_say(agent, "sleeping");
    leave_enter(agent, phase, SAY_MS);
    if (!mqtt_is_connected(agent->mqtt))
        leave_unheard(agent, FACT(AGENT_NO_BROKER));
    else if (mqtt_is_settled(agent->mqtt))
        leave_said(agent);
}

static void accept_command(struct agent *agent)
{
    const struct agent_command_name name = name_of(&agent->leave.command);
    agent_agree(agent, &name, SAY_MS + patience(&agent->leave));
    say_sleeping(agent, LEAVE_SAYING);
}

static void refuse_command(struct agent *agent, struct fact why, const struct vetoes *vetoes)
{
    leave_enter(agent, LEAVE_NOT, 0);
    end_command(agent, REPORT_REFUSED, why, vetoes);
}

/* Why logind cannot do it now; FACT_NONE: it can. What only a delay inhibitor stands against, such
 * as this agent's own, is possible. */
static struct fact why_not(const struct watch_sight *sight, enum agent_verb verb)
{
    switch (sight->can.can[verb]) {
    case LOGIND_YES:
        return FACT(NONE);
    case LOGIND_BLOCKED:
        return logind_is_inhibited(&sight->sample.inhibitors) ? FACT(LOGIND_BLOCKED) : FACT(NONE);
    case LOGIND_CHALLENGE:
        return fact_with(FACT(LOGIND_NO_RIGHT), agent_verb_name(verb), NULL);
    case LOGIND_UNABLE:
        return FACT(LOGIND_UNABLE);
    case LOGIND_STRANGE:
        return FACT(LOGIND_ODD);
    case LOGIND_NO:
        break;
    }
    return fact_is(&sight->can.problem, FACT_NONE) ? FACT(AGENT_NO_RIGHT) : sight->can.problem;
}

static void decide(struct agent *agent)
{
    const struct watch_sight *sight = watch_sight(agent->watch);
    const struct agent_command *command = &agent->leave.command;
    const struct fact cannot = fact_with(FACT(AGENT_CANNOT), agent_verb_name(command->verb), NULL);
    const struct fact why = why_not(sight, command->verb);
    struct vetoes vetoes = agent->vetoes;
    if (command->asked)
        vetoes_judge(&agent->config->watch, &sight->sample, true, &vetoes);
    if (vetoes.n > 0)
        refuse_command(agent, vetoes.list[0], &vetoes);
    else if (fact_is(&why, FACT_NONE))
        accept_command(agent);
    else
        refuse_command(agent, fact_because(cannot, &why), NULL);
}

/* The same is under way, and now a person wants it, or it is wanted by force: other vetoes count,
 * or none; or it goes already. */
static bool is_urged(const struct leave *leave, const struct agent_command *command)
{
    const struct agent_command *now = &leave->command;
    return leave->commanded && command->verb == now->verb && leave->phase != LEAVE_GOING &&
           (command->force || (command->asked && !now->asked));
}

static void take_besides(struct agent *agent, const struct agent_command *command)
{
    const struct agent_command_name name = name_of(command);
    if (!is_urged(&agent->leave, command)) {
        agent_answer(agent, &name, REPORT_REFUSED, &FACT(AGENT_BUSY), NULL);
    } else if (agent->leave.phase != LEAVE_CHECKING) {
        agent_agree(agent, &name, SAY_MS + patience(&agent->leave));
    } else {
        end_command(agent, REPORT_REFUSED, FACT(AGENT_OVERTAKEN), NULL);
        agent->leave.command = *command;
        agent->leave.commanded = true;
        if (command->force)
            accept_command(agent);
    }
}

void leave_command(struct agent *agent, const struct agent_command *command)
{
    struct leave *leave = &agent->leave;
    if (leave->phase != LEAVE_NOT) {
        take_besides(agent, command);
        return;
    }
    leave->command = *command;
    leave->commanded = true;
    if (command->force) {
        accept_command(agent);
        return;
    }
    watch_hear_idle(agent->watch, command->idle_ms);
    leave->look = watch_look_closely(agent->watch);
    leave_enter(agent, LEAVE_CHECKING, DECIDE_MS);
}

void leave_seen(struct agent *agent, unsigned look)
{
    /* Numbers wrap around. */
    if (agent->leave.phase == LEAVE_CHECKING && (int)(look - agent->leave.look) >= 0)
        decide(agent);
}

/* ---- going ---- */

static void stay(struct agent *agent, struct fact why)
{
    end_command(agent, REPORT_FAILED, why, NULL);
    agent_say(agent, "online");
    logind_hold(agent->logind);
    leave_enter(agent, LEAVE_NOT, 0);
}

static void on_logind_answer(void *context, const struct fact *why)
{
    struct agent *agent = context;
    if (!fact_is(why, FACT_NONE) && agent->leave.phase == LEAVE_ASKED)
        stay(agent, *why);
}

static void let_go(struct agent *agent)
{
    leave_enter(agent, LEAVE_GONE, agent->leave.commanded ? patience(&agent->leave) : SHUTDOWN_MS);
    logind_release(agent->logind);
}

void leave_said(struct agent *agent)
{
    if (agent->leave.phase == LEAVE_SAYING) {
        leave_enter(agent, LEAVE_ASKED, patience(&agent->leave));
        logind_act(agent->logind, (enum logind_verb)agent->leave.command.verb, on_logind_answer,
                   agent);
    } else if (agent->leave.phase == LEAVE_GOING) {
        let_go(agent);
    }
}

/* A sleep that Hall would not hear of does not begin; one that someone else began is not held up.
 */
void leave_unheard(struct agent *agent, struct fact why)
{
    char text[SENTENCE_SIZE];
    if (agent->leave.phase == LEAVE_SAYING) {
        stay(agent, why);
    } else if (agent->leave.phase == LEAVE_GOING) {
        log_warning("no goodbye could be said: %s",
                    say_fact_text(&why, NULL, (struct say_how){0}, text, sizeof(text)));
        let_go(agent);
    }
}

static void come_back(struct agent *agent, enum logind_change change)
{
    agent->leave.commanded = false; /* it was done */
    leave_enter(agent, LEAVE_NOT, 0);
    logind_hold(agent->logind);
    watch_forget_rates(agent->watch);
    agent->measured = false;
    if (change == LOGIND_SHUTDOWN) {
        agent_say(agent, "online");
    } else {
        agent->resumes++;
        log_info("back from sleep, for the %u. time", agent->resumes);
        /* Whoever notices the sleep by the clocks may have made a new one already: to drop that too
         * would say "offline" once more. */
        if (agent->connections == agent->leave.connection)
            mqtt_reconnect(agent->mqtt, "this machine was asleep");
        else
            agent_say(agent, "online");
    }
    agent_look_within(agent, 0);
}

void leave_going(struct agent *agent, enum logind_change change, bool begins)
{
    if (!begins) {
        come_back(agent, change);
        return;
    }
    agent->leave.connection = agent->connections;
    if (agent->leave.phase == LEAVE_CHECKING)
        end_command(agent, REPORT_REFUSED, FACT(AGENT_GOING_DOWN), NULL);
    log_info("this machine is about to %s", change == LOGIND_SLEEP ? "sleep" : "shut down");
    say_sleeping(agent, LEAVE_GOING);
}

/* ---- time ---- */

static int on_limit(sd_event_source *source, uint64_t usec, void *context)
{
    struct agent *agent = context;
    (void)source;
    (void)usec;
    switch (agent->leave.phase) {
    case LEAVE_NOT:
        break;
    case LEAVE_CHECKING:
        refuse_command(agent, FACT(VETO_LATE), NULL);
        break;
    case LEAVE_SAYING:
    case LEAVE_GOING:
        leave_unheard(agent, FACT(AGENT_UNHEARD));
        break;
    case LEAVE_ASKED:
    case LEAVE_GONE:
        log_warning("logind agreed, but this machine is still awake");
        stay(agent, FACT(AGENT_STILL_AWAKE));
        break;
    }
    return 0;
}

int leave_init(struct agent *agent)
{
    const int error = sd_event_add_time(agent->loop, &agent->leave.limit, CLOCK_MONOTONIC,
                                        UINT64_MAX, ACCURACY_US, on_limit, agent);
    if (error < 0)
        return error;
    return sd_event_source_set_enabled(agent->leave.limit, SD_EVENT_OFF);
}

void leave_finish(struct agent *agent)
{
    sd_event_source_disable_unref(agent->leave.limit);
}
