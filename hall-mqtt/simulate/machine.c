#include "simulate/machine.h"

#include <stdio.h>

#include "base/text.h"

enum {
    ANSWER_AFTER = 200,   /* ms: an agent looks around, then answers */
    GOODBYE_AFTER = 1000, /* after the answer */
    SILENCE_AFTER = 1500,
    WILL_AFTER = 30000, /* one and a half keepalives */
};

static bool has_agent(const struct model_server *model)
{
    for (size_t i = 0; i < model->n_checks; i++)
        if (model->checks[i].kind == CHECK_AGENT)
            return true;
    return model->sleep.via == SLEEP_VIA_AGENT;
}

void machine_init(struct machine *machine, const struct model *model, int server)
{
    *machine = (struct machine){.model = &model->servers[server], .server = server};
    machine->has_agent = has_agent(machine->model);
    machine->word = machine->has_agent ? AGENT_SLEEPING : AGENT_UNHEARD;
    machine->boot = MACHINE_BOOT;
    machine->cold = machine->model->sleep.mode == SLEEP_POWEROFF;
    for (size_t i = 0; i < MACHINE_PLANS; i++)
        machine->plans[i] = MACHINE_NEVER;
}

static enum machine_plan first_plan(const struct machine *machine)
{
    enum machine_plan first = 0;

    for (size_t i = 1; i < MACHINE_PLANS; i++)
        if (machine->plans[i] < machine->plans[first])
            first = (enum machine_plan)i;
    return first;
}

int64_t machine_due(const struct machine *machine)
{
    return machine->plans[first_plan(machine)];
}

/* ---- probes ---- */

static bool answers(const struct machine *machine)
{
    return machine->phase >= MACHINE_ANSWERS;
}

/* The next round begins on the beat of the pace; that nothing answers is known after the time
 * limit. */
static void plan_round(struct machine *machine, int64_t now)
{
    const int64_t interval = machine->pace.interval;
    int64_t begins = machine->pace.since;

    machine->plans[PLAN_ROUND] = MACHINE_NEVER;
    if (machine->pace.rounds == 0 || interval <= 0)
        return;
    if (begins < now)
        begins += (now - begins + interval - 1) / interval * interval;
    machine->plans[PLAN_ROUND] = begins + (answers(machine) ? 0 : machine->pace.timeout);
}

/* Something changed: it takes as many rounds to be believed as loss is debounced. */
static void be_seen(struct machine *machine, int64_t now)
{
    machine->pace.rounds = EVIDENCE_MISSES;
    plan_round(machine, now);
}

void machine_pace(struct machine *machine, int64_t now, int64_t interval, int64_t timeout)
{
    machine->pace.since = now;
    machine->pace.interval = interval;
    machine->pace.timeout = timeout;
    plan_round(machine, now);
}

static enum probe_outcome outcome_of(const struct machine *machine, const struct model_check *check)
{
    /* On loopback the kernel answers for everyone; only a service that runs says something. */
    if (machine->model->loopback && check->kind == CHECK_PING)
        return PROBE_UNABLE;
    if (!answers(machine))
        return PROBE_MISS;
    if (check->kind == CHECK_PING || machine->phase == MACHINE_UP)
        return PROBE_PASS;
    return machine->model->loopback ? PROBE_MISS : PROBE_ANSWER;
}

static void tell_probes(const struct machine *machine, const struct machine_listener *listener)
{
    const struct machine seen = *machine; /* the fleet may change the pace in between */
    struct fleet_event event = {.kind = FLEET_NEIGHBOUR, .server = seen.server};

    if (answers(&seen) && !seen.model->loopback) {
        event.neighbour.verdict = MAC_MATCH;
        for (size_t i = 0; i < sizeof(seen.model->mac); i++)
            event.neighbour.mac[i] = seen.model->mac[i];
        listener->tell(listener->context, &event);
    }
    for (unsigned i = 0; i < seen.model->n_checks; i++) {
        const struct model_check *check = &seen.model->checks[i];
        const enum probe_outcome outcome = outcome_of(&seen, check);

        if (check->kind == CHECK_AGENT)
            continue;
        event = (struct fleet_event){
            .kind = FLEET_PROBE, .server = seen.server, .probe = {.check = i, .outcome = outcome}};
        if (check->kind == CHECK_HTTP && outcome == PROBE_PASS)
            event.probe.detail = 200;
        listener->tell(listener->context, &event);
    }
}

static void do_round(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    machine->pace.rounds--;
    plan_round(machine, now + 1);
    tell_probes(machine, listener);
}

/* ---- its agent ---- */

static void tell_word(const struct machine *machine, const struct machine_listener *listener)
{
    listener->tell(listener->context, &(struct fleet_event){.kind = FLEET_AGENT,
                                                            .server = machine->server,
                                                            .agent = {.word = machine->word}});
}

static void tell_report(const struct machine *machine, const struct machine_listener *listener)
{
    struct fleet_event event = {
        .kind = FLEET_REPORT,
        .server = machine->server,
        .report = {
            .wol_known = true, .wol_armed = true, .can_restart = true, .load = -1, .uptime_s = -1}};

    event.uses = machine->uses;
    snprintf(event.report.boot_id, sizeof(event.report.boot_id), "boot-%u", machine->boots);
    listener->tell(listener->context, &event);
}

static void say(struct machine *machine, enum agent_word word,
                const struct machine_listener *listener)
{
    if (!machine->has_agent)
        return;
    machine->word = word;
    if (word == AGENT_ONLINE)
        tell_report(machine, listener);
    tell_word(machine, listener);
}

static void do_agent(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    (void)now;
    machine->plans[PLAN_WILL] = MACHINE_NEVER;
    say(machine, AGENT_ONLINE, listener);
}

static void do_goodbye(struct machine *machine, int64_t now,
                       const struct machine_listener *listener)
{
    (void)now;
    say(machine, AGENT_SLEEPING, listener);
}

static void do_will(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    (void)now;
    say(machine, AGENT_OFFLINE, listener);
}

/* ---- start and end ---- */

static void start(struct machine *machine, int64_t now)
{
    machine->phase = MACHINE_STARTING;
    machine->boots += machine->cold || machine->boots == 0 ? 1 : 0;
    machine->cold = false;
    machine->on_since = now;
    machine->plans[PLAN_SIGN] = now + machine->boot * 2 / 5;
    machine->plans[PLAN_AGENT] = now + machine->boot * 3 / 5;
    machine->plans[PLAN_SITES] = now + machine->boot;
}

static void go_down(struct machine *machine, int64_t now)
{
    machine->phase = MACHINE_DOWN;
    machine->on += now - machine->on_since;
    machine->on_since = 0;
    for (size_t i = 0; i < MACHINE_PLANS; i++)
        if (i != PLAN_WILL)
            machine->plans[i] = MACHINE_NEVER;
    be_seen(machine, now);
}

static void do_sign(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    (void)listener;
    machine->phase = MACHINE_ANSWERS;
    be_seen(machine, now);
}

static void do_sites(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    (void)listener;
    machine->phase = MACHINE_UP;
    be_seen(machine, now);
}

bool machine_packet(struct machine *machine, int64_t now)
{
    if (machine->lose > 0) {
        machine->lose--;
        return false;
    }
    if (machine->phase == MACHINE_DOWN)
        start(machine, now);
    return true;
}

bool machine_crash(struct machine *machine, int64_t now)
{
    if (machine->phase == MACHINE_DOWN)
        return false;
    go_down(machine, now);
    machine->cold = true;
    if (machine->word == AGENT_ONLINE)
        machine->plans[PLAN_WILL] = now + WILL_AFTER;
    return true;
}

/* ---- sleep ---- */

void machine_ask_sleep(struct machine *machine, int64_t now, const char *id, bool force,
                       bool restart)
{
    if (machine->phase == MACHINE_DOWN)
        return;
    machine->asked.force = force;
    machine->asked.restart = restart;
    text_copy(machine->asked.id, sizeof(machine->asked.id), id);
    machine->plans[PLAN_ANSWER] = now + ANSWER_AFTER;
}

void machine_report(struct machine *machine, const struct fleet_event *report,
                    const struct machine_listener *listener)
{
    machine->uses = report->uses;
    if (machine->word == AGENT_ONLINE)
        tell_report(machine, listener);
}

static void do_answer(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    struct fleet_event event = {.kind = FLEET_SLEEP_ANSWER, .server = machine->server};
    const bool vetoed = !machine->asked.force && machine->uses.n > 0;

    event.sleep.answer = vetoed ? SLEEP_VETOED : SLEEP_ACCEPTED;
    text_copy(event.sleep.id, sizeof(event.sleep.id), machine->asked.id);
    if (vetoed)
        event.sleep.reason = machine->uses.list[0].veto;
    if (!vetoed) {
        machine->plans[PLAN_GOODBYE] = now + GOODBYE_AFTER;
        machine->plans[PLAN_SILENCE] = now + SILENCE_AFTER;
    }
    listener->tell(listener->context, &event);
}

static void do_silence(struct machine *machine, int64_t now,
                       const struct machine_listener *listener)
{
    (void)listener;
    go_down(machine, now);
    machine->cold = machine->asked.restart || machine->model->sleep.mode == SLEEP_POWEROFF;
    if (machine->asked.restart)
        start(machine, now);
}

/* ---- time ---- */

typedef void plan(struct machine *machine, int64_t now, const struct machine_listener *listener);

static plan *const plans[MACHINE_PLANS] = {
    [PLAN_SIGN] = do_sign,     [PLAN_AGENT] = do_agent,     [PLAN_SITES] = do_sites,
    [PLAN_ANSWER] = do_answer, [PLAN_GOODBYE] = do_goodbye, [PLAN_SILENCE] = do_silence,
    [PLAN_WILL] = do_will,     [PLAN_ROUND] = do_round,
};

void machine_step(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    const enum machine_plan first = first_plan(machine);

    if (machine->plans[first] > now)
        return;
    machine->plans[first] = MACHINE_NEVER;
    plans[first](machine, now, listener);
}

void machine_meet(struct machine *machine, int64_t now, const struct machine_listener *listener)
{
    if (machine->word == AGENT_ONLINE)
        tell_report(machine, listener);
    if (machine->word != AGENT_UNHEARD)
        tell_word(machine, listener);
    be_seen(machine, now);
}

int64_t machine_on(const struct machine *machine, int64_t now)
{
    return machine->on + (machine->on_since > 0 ? now - machine->on_since : 0);
}
