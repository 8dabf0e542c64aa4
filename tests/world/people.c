/* Who comes to the sites, waits, uses them; who sends commands. */
#include "base/array.h"
#include "base/text.h"
#include "core/problem.h"
#include "world.h"

enum { POLL = 2000, PATIENCE = 20 * MINUTE };

/* ---- connections ---- */

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void stream_look(const struct world *world, const struct stream *stream, struct socket_seen *seen,
                 int64_t *ret_last)
{
    const int64_t lasted = world->t - stream->began, lately = world->t % 300;
    const uint32_t whole = (uint32_t)(lasted < UINT32_MAX ? lasted : UINT32_MAX);
    const int64_t quiet = stream->kind == STREAM_WEBSOCKET ? lasted % stream->rate
                                                           : (lately < lasted ? lately : lasted);
    const uint64_t bytes = stream->kind == STREAM_WEBSOCKET
                               ? (uint64_t)(lasted / stream->rate) * 4000
                               : (uint64_t)(stream->rate * lasted / 1000);
    const bool up = stream->kind == STREAM_UPLOAD, both = stream->kind == STREAM_WEBSOCKET,
               waits = stream->kind == STREAM_REQUEST;

    *seen = (struct socket_seen){.cookie = stream->cookie,
                                 .received = waits ? 0 : 200 + (up ? 0 : bytes),
                                 .sent = 500 + (up || both ? bytes : 0),
                                 .quiet_in = up || waits ? whole : (uint32_t)quiet,
                                 .quiet_out = up || both ? (uint32_t)quiet : whole};
    *ret_last = waits ? stream->began : world->t - quiet;
}

static void on_stream_end(struct world *world, const struct moment *moment)
{
    struct stream *stream = &world->people.streams[moment->a];

    if (!stream->open || stream->cookie != (uint64_t)moment->n)
        return;
    stream->open = false;
    tell(world, "stream %d at site %d ends", moment->a, stream->site);
}

static void open_stream(struct world *world, const struct visitor *visitor)
{
    static const enum stream_kind kinds[] = {STREAM_DOWNLOAD, STREAM_DOWNLOAD, STREAM_UPLOAD,
                                             STREAM_WEBSOCKET, STREAM_REQUEST};
    struct people *people = &world->people;
    int place = 0;

    while (place < STREAMS_HERE && people->streams[place].open)
        place++;
    if (place == STREAMS_HERE || !machine_site_passes(world, visitor->site))
        return;
    struct stream *stream = &people->streams[place];

    *stream = (struct stream){.open = true,
                              .site = visitor->site,
                              .kind = kinds[roll(world, ARRAY_SIZE(kinds))],
                              .cookie = ++people->cookies,
                              .began = world->t,
                              .lasts = between(world, 20, 3000) * SECOND,
                              .rate = between(world, 500000, 5000000)};
    if (stream->kind == STREAM_WEBSOCKET)
        stream->rate = between(world, 1, 30) * SECOND;
    text_copy(stream->who, sizeof(stream->who), visitor->who);
    tell(world, "stream %d at site %d begins: %s for %d s", place, stream->site,
         stream_kind_name(stream->kind), (int)(stream->lasts / SECOND));
    world_later(world, stream->lasts, on_stream_end, place, 0, (int64_t)stream->cookie);
    if (stream->kind == STREAM_WEBSOCKET)
        hall_visit(world, stream->site, stream->who, true, PASS_WEBSOCKET);
}

/* Was it in use by what Hall or an agent could see, all the while the sleep was decided? */
static bool was_visible(const struct world *world, int server, const struct stream *stream)
{
    const struct machine *machine = &world->machines[server];
    const bool agent_sees = machine->has_agent && machine->watched &&
                            world->plan.servers[server].sleep.via == SLEEP_VIA_AGENT;
    const bool hall_sees = world->people.near;

    return (agent_sees || hall_sees) && stream->began < machine->asked - 20 * SECOND;
}

void people_cut(struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];

    for (int i = 0; i < STREAMS_HERE; i++) {
        struct stream *stream = &world->people.streams[i];
        struct socket_seen seen;
        int64_t last;

        if (!stream->open || world->plan.sites[stream->site].server != server)
            continue;
        stream_look(world, stream, &seen, &last);
        stream->open = false;
        tell(world, "stream %d at site %d is cut", i, stream->site);
        if (machine->ordered && !machine->forced && stream->kind != STREAM_REQUEST &&
            was_visible(world, server, stream) &&
            last > machine->asked - book_idle(world, server) / 2)
            judge_fail(world, "cut", "%s was put to sleep while a %s to it moved bytes",
                       world->plan.names[server], stream_kind_name(stream->kind));
    }
}

/* ---- visitors ---- */

static void on_turn(struct world *world, const struct moment *moment);

static void next_turn(struct world *world, int index, int64_t delay)
{
    struct visitor *visitor = &world->people.visitors[index];

    world_later(world, delay, on_turn, index, 0, ++visitor->turn);
}

static void go_away(struct world *world, int index)
{
    world->people.visitors[index].state = AWAY;
    next_turn(world, index, between(world, 2, 90) * MINUTE);
}

/* A reason that the waiting page names. */
static bool is_told(const struct world *world, int site)
{
    const int server = world->plan.sites[site].server;
    const struct power *power = fleet_power(world->hall.fleet, server);
    const struct fact problem = fleet_problem(world->hall.fleet, server),
                      ailment = fleet_project_problem(world->hall.fleet, site);

    return power->failure != FAILURE_NONE || power->guard.kind != GUARD_NONE ||
           !fact_is(&problem, FACT_NONE) || !fact_is(&ailment, FACT_NONE) ||
           fleet_site(world->hall.fleet, site)->closed_until != 0;
}

static void use(struct world *world, int index)
{
    struct visitor *visitor = &world->people.visitors[index];

    if (visitor->state == WAITING)
        tell(world, "%s is let in to site %d after %d s", visitor->who, visitor->site,
             (int)((world->t - visitor->since) / SECOND));
    visitor->state = USING;
    visitor->answers = 0;
    hall_visit(world, visitor->site, visitor->who, true, PASS_PERSON);
    if (chance(world, 150))
        open_stream(world, visitor);
    if (visitor->views-- > 0)
        next_turn(world, index, between(world, 1, 120) * SECOND);
    else
        go_away(world, index);
}

static void wait(struct world *world, int index)
{
    struct visitor *visitor = &world->people.visitors[index];
    const bool begins = visitor->state != WAITING;

    if (begins) {
        visitor->since = world->t;
        visitor->answers = machine_site_passes(world, visitor->site) ? world->t : 0;
        tell(world, "%s waits for site %d", visitor->who, visitor->site);
    }
    visitor->state = WAITING;
    /* The page is asked for once; some people reload it. */
    if (begins || chance(world, 20))
        hall_visit(world, visitor->site, visitor->who, false, PASS_PERSON);
    if (!begins && world->t - visitor->since > PATIENCE) {
        tell(world, "%s gives up on site %d", visitor->who, visitor->site);
        go_away(world, index);
        return;
    }
    next_turn(world, index, POLL);
}

static void on_turn(struct world *world, const struct moment *moment)
{
    const int index = moment->a;
    struct visitor *visitor = &world->people.visitors[index];

    if (visitor->turn != (uint32_t)moment->n)
        return;
    if (visitor->state == AWAY) {
        visitor->site = (int)roll(world, (uint32_t)world->plan.model.n_sites);
        visitor->views = (int)roll(world, 8);
        world->counts[COUNT_VISITS]++;
    }
    if (!hall_runs(world)) {
        if (visitor->state == AWAY && chance(world, 300))
            go_away(world, index);
        else
            next_turn(world, index, 5 * SECOND);
        return;
    }
    if (fleet_site_ready(world->hall.fleet, visitor->site) && world->broken != BREAK_GATE)
        use(world, index);
    else if (visitor->state == USING || visitor->state == TOLD)
        go_away(world, index);
    else if (visitor->state == WAITING && is_told(world, visitor->site)) {
        visitor->state = TOLD;
        tell(world, "%s is told why site %d does not come", visitor->who, visitor->site);
        next_turn(world, index, between(world, 3, 60) * SECOND);
    } else
        wait(world, index);
}

/* How long a site has truly answered while somebody waits for it. */
void people_site_changed(struct world *world, int server)
{
    for (size_t i = 0; i < world->people.n_visitors; i++) {
        struct visitor *visitor = &world->people.visitors[i];

        if (visitor->state != WAITING || world->plan.sites[visitor->site].server != server)
            continue;
        /* Of containers Hall knows what their agent tells. */
        if (!machine_site_passes(world, visitor->site) ||
            (containers_site(world, visitor->site) &&
             !(world->wire.hall && world->wire.agents[server].connected)))
            visitor->answers = 0;
        else if (visitor->answers == 0)
            visitor->answers = world->t;
    }
}

/* ---- commands ---- */

static void fill(struct world *world, struct command *command)
{
    static const enum command_action actions[] = {
        COMMAND_WAKE,   COMMAND_WAKE,    COMMAND_WAKE, COMMAND_SLEEP,
        COMMAND_SLEEP,  COMMAND_HOLD,    COMMAND_HOLD, COMMAND_RELEASE,
        COMMAND_CANCEL, COMMAND_RESTART, COMMAND_IDLE, COMMAND_POLICY,
    };

    command->action = actions[roll(world, ARRAY_SIZE(actions))];
    command->site = MODEL_NONE;
    snprintf(command->by, sizeof(command->by), "person%u", roll(world, 3));
    snprintf(command->name, sizeof(command->name), "hold%u", roll(world, 2));
    command->force = chance(world, 300);
    if (command->action == COMMAND_HOLD || (command->action == COMMAND_WAKE && chance(world, 500)))
        command->lasts = between(world, 1, 240) * MINUTE;
    if (command->action == COMMAND_HOLD && command->lasts == 0)
        command->lasts = HOUR;
    command->minutes = (int)between(world, 2, 30);
    command->policy_configured = chance(world, 600);
    command->policy = chance(world, 500) ? POLICY_ALWAYS_ON : POLICY_ON_DEMAND;
}

static void on_command(struct world *world, const struct moment *moment)
{
    struct fleet_event event = {.kind = FLEET_COMMAND};
    const uint32_t number = world->people.commands;

    (void)moment;
    world_later(world, between(world, 2, 90) * MINUTE, on_command, 0, 0, 0);
    if (!hall_runs(world) || number == COMMANDS_MAX)
        return;
    world->people.commands++;
    world->counts[COUNT_COMMANDS]++;
    event.server = (int)roll(world, (uint32_t)world->plan.model.n_servers);
    fill(world, &event.command);
    snprintf(event.command.id, sizeof(event.command.id), "c%u", number);
    event.command.route = number + 1;
    tell(world, "%s commands %s of %s%s (%s)", event.command.by,
         command_action_name(event.command.action), world->plan.names[event.server],
         event.command.force ? " by force" : "", event.command.id);
    judge_command(world, number, &event);
    if (world->broken == BREAK_FORCE)
        event.command.force = false;
    hall_feed(world, &event);
    if (chance(world, 50)) {
        world->judge.asked[number].repeats += world->judge.asked[number].first;
        hall_feed(world, &event);
    }
}

void people_begin(struct world *world)
{
    struct people *people = &world->people;

    people->near = chance(world, 700);
    people->n_visitors = 1 + roll(world, VISITORS_MAX);
    for (size_t i = 0; i < people->n_visitors; i++) {
        snprintf(people->visitors[i].who, sizeof(people->visitors[i].who), "10.0.0.%d", (int)i + 1);
        go_away(world, (int)i);
    }
    world_later(world, later_of(1, between(world, 1, 60)) * MINUTE, on_command, 0, 0, 0);
}
