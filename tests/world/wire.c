/* The broker, and the agents of the machines: what is said, when it arrives, and what is lost. */
#include "base/text.h"
#include "world.h"

static struct agent *agent_of(struct world *world, int server)
{
    return &world->wire.agents[server];
}

/* ---- to Hall ---- */

static void hear_report(struct world *world, const struct said *said)
{
    struct fleet_event event = {.kind = FLEET_REPORT, .server = said->server};
    const struct machine *machine = &world->machines[said->server];

    event.report = (struct agent_report){
        .wol_known = true, .wol_armed = true, .can_restart = true, .load = -1, .uptime_s = -1};
    snprintf(event.report.boot_id, sizeof(event.report.boot_id), "boot-%u", said->boots);
    if (machine->bridged) {
        event.report.n_macs = 1;
        event.report.macs[0][0] = 6;
        event.report.macs[0][5] = (uint8_t)said->server;
    }
    if (said->moves)
        event.uses.list[event.uses.n++] =
            (struct agent_use){.holder = AGENT_STREAM,
                               .veto = FACT(STREAM_MOVING, .n = {1000000}),
                               .quiet = said->quiet > 0 ? said->quiet : 1};
    if (said->busy)
        event.uses.list[event.uses.n++] =
            (struct agent_use){.holder = "processes", .veto = fact_said("a job runs")};
    world->judge.wakes[said->server] = true;
    hall_feed(world, &event);
}

static void hear(struct world *world, const struct said *said)
{
    struct wire *wire = &world->wire;
    struct fleet_event event = {.server = said->server};

    wire->told_at[said->server] = world->t;
    switch (said->kind) {
    case SAID_WORD:
        if (wire->heard[said->server] != said->word) {
            wire->heard_at[said->server] = world->t;
            if (said->word == AGENT_SLEEPING && !world->machines[said->server].ordered)
                machine_void(world, said->server);
        }
        wire->heard[said->server] = said->word;
        judge_truth(world, said->server);
        tell(world, "Hall hears: agent of %s is %s", world->plan.names[said->server],
             agent_word_name(said->word));
        event.kind = FLEET_AGENT;
        event.agent.word = said->word;
        hall_feed(world, &event);
        break;
    case SAID_REPORT:
        hear_report(world, said);
        break;
    case SAID_CONTAINERS:
        containers_hear(world, said);
        break;
    case SAID_RESULT:
        event.kind = FLEET_SLEEP_ANSWER;
        event.sleep.answer = said->answer;
        if (said->answer == SLEEP_ACCEPTED && chance(world, 800)) /* some agents tell */
            event.sleep.limit =
                said->restart || world->plan.servers[said->server].sleep.mode == SLEEP_POWEROFF
                    ? 2 * MINUTE
                    : 30 * SECOND;
        event.sleep.reason = said->answer == SLEEP_ACCEPTED ? FACT(NONE) : fact_said("a veto");
        text_copy(event.sleep.id, sizeof(event.sleep.id), said->id);
        tell(world, "Hall hears: %s answers %d to %s", world->plan.names[said->server],
             (int)said->answer, said->id);
        hall_feed(world, &event);
        break;
    case SAID_ASK:
        break;
    }
}

static void on_arrived(struct world *world, const struct moment *moment)
{
    if (!world->wire.hall || world->wire.epoch != (uint32_t)moment->n || !world->hall.up)
        return;
    if (world->hall.stands_still) /* they lie there, one behind the other */
        world_later_said(world, world->hall.goes_on - world->t, on_arrived, &moment->said,
                         moment->n);
    else
        hear(world, &moment->said);
}

static int64_t delay_of(struct world *world)
{
    return chance(world, 20) ? between(world, 100, 3000) : between(world, 1, 30);
}

/* Messages of one connection keep their order. */
static void forward(struct world *world, const struct said *said)
{
    struct wire *wire = &world->wire;
    int64_t *last = &wire->last[said->server];
    int64_t at = world->t + delay_of(world);

    if (!wire->hall)
        return;
    at = at > *last ? at : *last;
    *last = at;
    world_later_said(world, at - world->t, on_arrived, said, wire->epoch);
    if (chance(world, 10))
        world_later_said(world, at - world->t, on_arrived, said, wire->epoch);
}

/* What the broker takes from an agent, or says in its name. */
static void take(struct world *world, const struct said *said)
{
    struct wire *wire = &world->wire;

    if (!wire->broker)
        return;
    if (said->kind == SAID_WORD) {
        wire->kept[said->server] = true;
        wire->word[said->server] = said->word;
    } else if (said->kind == SAID_REPORT) {
        wire->kept_report[said->server] = true;
        wire->report[said->server] = *said;
    } else if (said->kind == SAID_CONTAINERS) {
        wire->kept_boxes = true;
        wire->boxes = *said;
    }
    forward(world, said);
}

static void on_hall_connected(struct world *world, const struct moment *moment)
{
    struct wire *wire = &world->wire;

    if (!world->hall.up || world->hall.run != (uint32_t)moment->n || wire->hall)
        return;
    if (!wire->broker) {
        world_later(world, between(world, 500, 4000), on_hall_connected, 0, 0, moment->n);
        return;
    }
    wire->hall = true;
    wire->epoch++;
    tell(world, "Hall is connected to the broker");
    for (size_t i = 0; i < world->plan.model.n_servers; i++) {
        const struct said word = {.kind = SAID_WORD, .server = (int)i, .word = wire->word[i]};

        if (wire->kept[i])
            forward(world, &word);
        if (wire->kept_report[i])
            forward(world, &wire->report[i]);
    }
    if (wire->kept_boxes)
        forward(world, &wire->boxes);
}

void wire_hall_connects(struct world *world, int64_t delay)
{
    world_later(world, delay, on_hall_connected, 0, 0, world->hall.run);
}

void wire_hall_gone(struct world *world)
{
    world->wire.hall = false;
    world->wire.epoch++;
}

/* ---- agents ---- */

void wire_publish(struct world *world, const struct said *said)
{
    if (agent_of(world, said->server)->connected)
        take(world, said);
}

void wire_say(struct world *world, int server, enum agent_word word)
{
    const struct said said = {.kind = SAID_WORD, .server = server, .word = word};

    wire_publish(world, &said);
}

/* What moves on the connections of a machine; ms since it last did, or NEVER. */
static int64_t quiet_of(const struct world *world, int server)
{
    int64_t quiet = NEVER;

    for (int i = 0; i < STREAMS_HERE; i++) {
        const struct stream *stream = &world->people.streams[i];
        struct socket_seen seen;
        int64_t last;

        if (!stream->open || world->plan.sites[stream->site].server != server)
            continue;
        stream_look(world, stream, &seen, &last);
        if (world->t - last < quiet && stream->kind != STREAM_REQUEST)
            quiet = world->t - last;
    }
    return quiet;
}

static struct said report_of(struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];
    const int64_t quiet =
        machine->watched && world->broken != BREAK_STREAMS ? quiet_of(world, server) : NEVER;

    return (struct said){.kind = SAID_REPORT,
                         .server = server,
                         .moves = quiet < 2 * MINUTE,
                         .quiet = quiet,
                         .busy = machine->job,
                         .boots = machine->boots};
}

void wire_report(struct world *world, int server)
{
    const struct said said = report_of(world, server);

    if (agent_of(world, server)->connected)
        take(world, &said);
}

static void on_report(struct world *world, const struct moment *moment)
{
    if (agent_of(world, moment->a)->connection != (uint32_t)moment->n ||
        !agent_of(world, moment->a)->connected)
        return;
    wire_report(world, moment->a);
    containers_tell(world, moment->a);
    world_later(world, 15 * SECOND, on_report, moment->a, 0, moment->n);
}

/* The broker misses an agent that did not say it would go, unless it is back by then. */
static void on_will(struct world *world, const struct moment *moment)
{
    const struct said offline = {.kind = SAID_WORD, .server = moment->a, .word = AGENT_OFFLINE};

    if (agent_of(world, moment->a)->connection == (uint32_t)moment->n && world->wire.broker)
        take(world, &offline);
}

static void on_connect(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    struct agent *agent = agent_of(world, server);

    if (!agent->running || agent->connected || agent->connection != (uint32_t)moment->n)
        return;
    if (!world->wire.broker || !machine_answers(world, server)) {
        world_later(world, between(world, 1000, 4000), on_connect, server, 0, moment->n);
        return;
    }
    /* The connection before it is taken over, and its will is said. */
    if (world->wire.kept[server] && world->wire.word[server] == AGENT_ONLINE) {
        const struct said offline = {.kind = SAID_WORD, .server = server, .word = AGENT_OFFLINE};
        take(world, &offline);
    }
    agent->connected = true;
    agent->connection++;
    tell(world, "the agent of %s connects", world->plan.names[server]);
    wire_say(world, server, AGENT_ONLINE);
    world_later(world, between(world, 50, 4000), on_report, server, 0, agent->connection);
}

void wire_agent_starts(struct world *world, int server, int64_t delay)
{
    struct agent *agent = agent_of(world, server);

    if (!world->machines[server].has_agent)
        return;
    agent->running = true;
    agent->leaving = false;
    world_later(world, delay, on_connect, server, 0, agent->connection);
}

void wire_agent_cut(struct world *world, int server)
{
    struct agent *agent = agent_of(world, server);

    if (agent->connected)
        world_later(world, between(world, 10 * SECOND, 30 * SECOND), on_will, server, 0,
                    agent->connection);
    agent->connected = false;
    if (agent->running)
        world_later(world, between(world, 1000, 4000), on_connect, server, 0, agent->connection);
}

void wire_agent_vanishes(struct world *world, int server, bool graceful)
{
    struct agent *agent = agent_of(world, server);

    agent->running = false;
    agent->leaving = false;
    if (!graceful) {
        wire_agent_cut(world, server);
        return;
    }
    if (world->wire.word[server] == AGENT_ONLINE)
        wire_say(world, server, AGENT_OFFLINE);
    agent->connected = false;
}

/* ---- what it is asked ---- */

static void answer(struct world *world, const struct said *asked, enum sleep_answer what)
{
    struct said said = *asked;

    said.kind = SAID_RESULT;
    said.answer = what;
    if (agent_of(world, asked->server)->connected)
        take(world, &said);
}

static void on_leave(struct world *world, const struct moment *moment)
{
    const struct said *asked = &moment->said;
    struct agent *agent = agent_of(world, asked->server);

    if (!agent->running)
        return;
    agent->leaving = false;
    if (!agent->connected || chance(world, 10)) {
        answer(world, asked, SLEEP_FAILED);
        judge_roused(world, asked->server);
        judge_truth(world, asked->server);
        wire_say(world, asked->server, AGENT_ONLINE);
        return;
    }
    machine_halt(world, asked->server, asked->restart, true, asked->force);
}

static void go_along(struct world *world, const struct said *asked)
{
    answer(world, asked, SLEEP_ACCEPTED);
    if (!chance(world, 10)) /* lost now and then */
        wire_say(world, asked->server, AGENT_SLEEPING);
    world_later_said(world, between(world, 50, 1500), on_leave, asked, 0);
}

static void on_decided(struct world *world, const struct moment *moment)
{
    const struct said *asked = &moment->said;
    const struct said sample = report_of(world, asked->server);

    if (!agent_of(world, asked->server)->running)
        return;
    if (sample.busy || (sample.moves && sample.quiet < book_idle(world, asked->server))) {
        agent_of(world, asked->server)->leaving = false;
        answer(world, asked, SLEEP_VETOED);
        return;
    }
    go_along(world, asked);
}

static void on_asked(struct world *world, const struct moment *moment)
{
    const struct said *asked = &moment->said;
    struct agent *agent = agent_of(world, asked->server);

    if (!agent->connected || !world->wire.broker || strcmp(agent->asked, asked->id) == 0)
        return;
    text_copy(agent->asked, sizeof(agent->asked), asked->id);
    if (asked->containers) {
        containers_ordered(world, asked);
        return;
    }
    if (agent->leaving || world->t > asked->expires ||
        world->machines[asked->server].phase == PHASE_HALTING) {
        answer(world, asked, SLEEP_VETOED);
        return;
    }
    agent->leaving = true;
    if (asked->force)
        go_along(world, asked);
    else
        world_later_said(world, between(world, 50, 3000), on_decided, asked, 0);
}

bool wire_ask(struct world *world, const struct said *said)
{
    if (!world->wire.hall)
        return false;
    world_later_said(world, delay_of(world), on_asked, said, 0);
    if (chance(world, 10))
        world_later_said(world, delay_of(world), on_asked, said, 0);
    return true;
}

/* ---- what befalls it ---- */

static void on_broker_back(struct world *world, const struct moment *moment)
{
    (void)moment;
    world->wire.broker = true;
    tell(world, "the broker is back");
    if (!world->wire.persistent) {
        memset(world->wire.kept, 0, sizeof(world->wire.kept));
        world->wire.kept_boxes = false;
        memset(world->wire.kept_report, 0, sizeof(world->wire.kept_report));
    }
    for (int i = 0; i < (int)world->plan.model.n_servers; i++)
        if (agent_of(world, i)->running)
            world_later(world, between(world, 100, 4000), on_connect, i, 0,
                        agent_of(world, i)->connection);
    wire_hall_connects(world, between(world, 100, 4000));
}

static void on_broker_dies(struct world *world, const struct moment *moment)
{
    (void)moment;
    tell(world, "the broker dies");
    world->wire.broker = false;
    wire_hall_gone(world);
    for (int i = 0; i < (int)world->plan.model.n_servers; i++)
        agent_of(world, i)->connected = false;
    world_later(world, chance(world, 800) ? between(world, 200, 20000) : 5 * MINUTE, on_broker_back,
                0, 0, 0);
    world_later(world, between(world, 20 * MINUTE, 6 * HOUR), on_broker_dies, 0, 0, 0);
}

static void on_agent_restarts(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    struct agent *agent = agent_of(world, server);

    world_later(world, between(world, HOUR, 6 * HOUR), on_agent_restarts, server, 0, 0);
    if (!agent->running || agent->leaving || !machine_answers(world, server))
        return;
    tell(world, "the agent of %s is restarted", world->plan.names[server]);
    wire_say(world, server, AGENT_OFFLINE);
    agent->connected = false;
    wire_agent_starts(world, server, between(world, 500, 60 * SECOND));
}

void wire_begin(struct world *world)
{
    world->wire.broker = true;
    world->wire.persistent = chance(world, 700);
    world_later(world, between(world, 20 * MINUTE, 6 * HOUR), on_broker_dies, 0, 0, 0);
    for (int i = 0; i < (int)world->plan.model.n_servers; i++)
        world_later(world, between(world, HOUR, 6 * HOUR), on_agent_restarts, i, 0, 0);
}
