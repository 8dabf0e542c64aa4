/* What must always hold. Each row is judged by the truth of the machines, by what people asked for
 * and were told, and by what Hall shows and does: never by why it says so. */
#include <stdarg.h>

#include "core/facts/fault.h"
#include "world.h"

void judge_fail(struct world *world, const char *invariant, const char *format, ...)
{
    struct judge *judge = &world->judge;
    va_list arguments;

    if (judge->failed)
        return;
    judge->failed = true;
    judge->invariant = invariant;
    judge->when = world->t;
    va_start(arguments, format);
    vsnprintf(judge->why, sizeof(judge->why), format, arguments);
    va_end(arguments);
    tell(world, "FAILED %s: %s", invariant, judge->why);
}

/* ---- what must not last ---- */

static enum power_state shown(const struct world *world, int server)
{
    return world->hall.shown[server];
}

/* While its agent is believed to be there, echoes count; the broker learns late that it is not. But
 * an agent tells something four times a minute. */
enum { TOLD_MOST = 75 * SECOND };
static bool may_echo(const struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];
    const int64_t told = world->wire.told_at[server], since = world->judge.restarted;

    if (world->t - (told > since ? told : since) > TOLD_MOST)
        return false;

    return machine->card_echoes && machine->cable && machine->phase == PHASE_DOWN &&
           world->wire.heard[server] == AGENT_ONLINE &&
           world->plan.checks[server][0].kind == CHECK_PING;
}

static bool shown_up_is_gone(struct world *world, int server)
{
    return power_is_up(shown(world, server)) && !machine_answers(world, server) &&
           !may_echo(world, server);
}

static bool told_gone_is_shown(struct world *world, int server)
{
    return (shown(world, server) == POWER_READY || shown(world, server) == POWER_DEGRADED) &&
           !machine_answers(world, server) && !may_echo(world, server) &&
           world->wire.heard[server] == AGENT_OFFLINE &&
           world->wire.heard_at[server] >= world->machines[server].since &&
           world->wire.heard_at[server] >= world->machines[server].plugged;
}

static bool shown_ready_is_not(struct world *world, int server)
{
    return shown(world, server) == POWER_READY && machine_answers(world, server) &&
           !machine_passes(world, server);
}

/* A MAC that was never seen to be its own may be a stranger's. */
static bool may_be_stranger(const struct world *world, int server)
{
    return world->machines[server].bridged && !world->judge.proved[server];
}

static bool shown_down_is_up(struct world *world, int server)
{
    const enum power_state state = shown(world, server);

    return (state == POWER_OFF || state == POWER_UNREACHABLE || state == POWER_UNKNOWN) &&
           machine_visible(world, server) && !may_be_stranger(world, server);
}

static bool shown_waking_is_up(struct world *world, int server)
{
    return shown(world, server) == POWER_WAKING && machine_visible(world, server) &&
           !may_be_stranger(world, server);
}

static bool shown_up_is_ready(struct world *world, int server)
{
    const enum power_state state = shown(world, server);

    return (state == POWER_BOOTING || state == POWER_DEGRADED) && machine_passes(world, server) &&
           machine_visible(world, server) && !may_be_stranger(world, server);
}

/* Visitors are let in where nothing answers them. */
static bool opens_to_nothing(struct world *world, int server)
{
    for (int site = 0; site < (int)world->plan.model.n_sites; site++)
        if (world->plan.sites[site].server == server && fleet_site_ready(world->hall.fleet, site) &&
            !machine_site_passes(world, site) && !may_echo(world, server))
            return true;
    return false;
}

static bool shown_sleeping_is_gone(struct world *world, int server)
{
    return shown(world, server) == POWER_SLEEPING && !machine_answers(world, server) &&
           !may_echo(world, server);
}

static bool shown_sleeping(struct world *world, int server)
{
    return shown(world, server) == POWER_SLEEPING;
}

static bool shown_waking(struct world *world, int server)
{
    return shown(world, server) == POWER_WAKING;
}

static bool shown_unknown(struct world *world, int server)
{
    return shown(world, server) == POWER_UNKNOWN;
}

static bool is_used(const struct world *world, int server)
{
    for (int i = 0; i < STREAMS_HERE; i++)
        if (world->people.streams[i].open &&
            world->plan.sites[world->people.streams[i].site].server == server)
            return true;
    return world->machines[server].job;
}

/* It came up by itself soon after it went to sleep, more than once: something wakes it, and Hall
 * puts it to sleep ever more seldom. */
enum { ROUSED_SOON = 4 * MINUTE, ROUSED_REST = 4 * HOUR };
void judge_roused(struct world *world, int server)
{
    struct judge *judge = &world->judge;

    if (world->machines[server].phase != PHASE_DOWN ||
        world->t - world->machines[server].since < ROUSED_SOON) {
        judge->roused[server]++;
        judge->roused_at[server] = world->t;
    }
}

/* Nobody needs it, and it could be asked to sleep. */
static bool stays_awake(struct world *world, int server)
{
    if (world->judge.roused[server] > 1 && world->t - world->judge.roused_at[server] < ROUSED_REST)
        return false;
    const enum sleep_via via = world->plan.servers[server].sleep.via;
    const bool reached =
        via == SLEEP_VIA_SSH || (via == SLEEP_VIA_AGENT && world->wire.agents[server].connected &&
                                 world->wire.hall && world->wire.heard[server] == AGENT_ONLINE);

    return reached && world->machines[server].phase == PHASE_UP && machine_answers(world, server) &&
           world->judge.wakes[server] && !is_used(world, server) && !book_wanted(world, server) &&
           !may_be_stranger(world, server);
}

/* It must be up, and a packet would bring it. */
static bool stays_down(struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];

    for (size_t i = 0; i < world->plan.servers[server].n_depends_on; i++)
        if (!machine_passes(world, world->plan.servers[server].depends_on[i]))
            return false;
    return machine->phase == PHASE_DOWN && machine->cable && !world->judge.resting[server] &&
           (world->judge.failed_at[server] == 0 ||
            world->t - world->judge.failed_at[server] > 70 * MINUTE) &&
           (book_always(world, server) || book_standing(world, server) ||
            book_scheduled(world, server, MINUTE, true));
}

/* An agent that may take two minutes; one that said goodbye goes, however long it takes. */
static int64_t for_sleep(const struct world *world, int server)
{
    const bool said = world->wire.heard[server] == AGENT_SLEEPING;

    return 2 * MINUTE + 12 * SECOND + (said ? 10 * MINUTE : 0);
}

static int64_t for_wake(const struct world *world, int server)
{
    return book_depth(world, server) > 0 ? HOUR + 10 * MINUTE : 195 * SECOND;
}

static int64_t for_idle(const struct world *world, int server)
{
    return 10 * MINUTE + world->judge.idle_most[server];
}

/* One that comes up by itself is seen with the next calm round, at most one and a half intervals
 * later. */
static int64_t for_round(const struct world *world, int server)
{
    return shown(world, server) == POWER_OFF ? 18 * SECOND : 11 * SECOND;
}

/* A connection on which a page is still to come is known to be dead after three seconds. */
static int64_t for_word(const struct world *world, int server)
{
    return 2 * SECOND + (world->machines[server].slow > 0 ? 3 * SECOND : 0);
}

/* Its pages take their time, and so does what is seen of them. */
static int64_t for_page(const struct world *world, int server)
{
    return 5 * SECOND + 2 * world->machines[server].slow;
}

static const struct condition {
    const char *invariant, *what;
    bool (*holds)(struct world *world, int server);
    int64_t most;                                            /* ms it may last */
    int64_t (*bound)(const struct world *world, int server); /* or that */
} conditions[] = {
    {"state", "is shown up and does not answer", shown_up_is_gone, 5 * SECOND, NULL},
    {"state", "is shown up, its agent said it is gone", told_gone_is_shown, 0, for_word},
    {"state", "is shown ready, and a check fails", shown_ready_is_not, 0, for_page},
    {"state", "is shown down and answers", shown_down_is_up, 0, for_round},
    {"state", "is shown waking and answers", shown_waking_is_up, 2 * SECOND, NULL},
    {"state", "is not shown ready, and all checks pass", shown_up_is_ready, 0, for_page},
    {"state", "lets visitors in to a site that does not answer", opens_to_nothing, 0, for_page},
    {"state", "is shown falling asleep and is gone", shown_sleeping_is_gone, 5 * SECOND, NULL},
    {"state", "is shown falling asleep for too long", shown_sleeping, 0, for_sleep},
    {"state", "is shown waking for too long", shown_waking, 0, for_wake},
    {"state", "is not known for too long", shown_unknown, 20 * SECOND, NULL},
    {"awake", "is awake and nobody needs it", stays_awake, 0, for_idle},
    {"asleep", "is down and must be up", stays_down, 4 * MINUTE, NULL},
};
enum { CONDITIONS = sizeof(conditions) / sizeof(conditions[0]) };
_Static_assert(CONDITIONS <= 16, "struct judge has room for them");

const char *judge_condition(size_t number)
{
    return number < CONDITIONS ? conditions[number].what : NULL;
}

static int64_t most_of(const struct world *world, int server, const struct condition *condition)
{
    return condition->bound ? condition->bound(world, server) : condition->most;
}

void judge_look(struct world *world, int server)
{
    struct judge *judge = &world->judge;

    judge->next[server] = NEVER;
    for (size_t i = 0; i < CONDITIONS; i++) {
        int64_t *since = &judge->since[server][i];

        world->counts[COUNT_JUDGED]++;
        if (!hall_runs(world) || !conditions[i].holds(world, server)) {
            if (*since > 0 && world->t - *since > judge->longest[i])
                judge->longest[i] = world->t - *since;
            *since = 0;
            continue;
        }
        if (*since == 0)
            *since = world->t > 0 ? world->t : 1;
        const int64_t due = *since + most_of(world, server, &conditions[i]);

        judge->next[server] = due < judge->next[server] ? due : judge->next[server];
    }
    people_site_changed(world, server);
    if (shown(world, server) == POWER_READY)
        judge->resting[server] = false;
}

static void judge_conditions(struct world *world, int server)
{
    for (size_t i = 0; i < CONDITIONS; i++) {
        const int64_t since = world->judge.since[server][i];

        if (since > 0 && world->t - since > most_of(world, server, &conditions[i]))
            judge_fail(world, conditions[i].invariant, "%s %s, for %d ms (shown %s)",
                       world->plan.names[server], conditions[i].what, (int)(world->t - since),
                       power_state_name(shown(world, server)));
    }
}

enum { LET_IN_MOST = 6 * SECOND, STUCK_MOST = 8 * MINUTE };

static void judge_visitors(struct world *world)
{
    for (size_t i = 0; i < world->people.n_visitors; i++) {
        const struct visitor *visitor = &world->people.visitors[i];

        if (visitor->state != WAITING || !hall_runs(world))
            continue;
        const int server = world->plan.sites[visitor->site].server;

        world->counts[COUNT_JUDGED]++;
        if (visitor->answers > 0 &&
            world->t - visitor->answers > LET_IN_MOST + world->machines[server].slow &&
            !may_be_stranger(world, server) && shown(world, server) != POWER_SLEEPING)
            judge_fail(world, "visitor", "%s waits for site %d, which answers for %d s",
                       visitor->who, visitor->site, (int)((world->t - visitor->answers) / SECOND));
        if (world->t - visitor->since > STUCK_MOST * (1 + book_depth(world, server)))
            judge_fail(world, "visitor", "%s waits for site %d for %d s, and is told nothing",
                       visitor->who, visitor->site, (int)((world->t - visitor->since) / SECOND));
    }
}

void judge_time(struct world *world, int64_t until)
{
    struct judge *judge = &world->judge;

    for (int i = 0; i < (int)world->plan.model.n_servers; i++)
        if (judge->next[i] < until) {
            world->t = judge->next[i] + 1 > world->t ? judge->next[i] + 1 : world->t;
            judge_look(world, i); /* time alone may have ended it: a claim, a window */
            judge_conditions(world, i);
        }
}

/* ---- commands ---- */

static int64_t end_most(enum command_action action)
{
    return action == COMMAND_RESTART || action == COMMAND_SLEEP ? 25 * MINUTE : 10 * MINUTE;
}

/* A sleep is accepted by the agent, which has 10 s. */
enum { FIRST_MOST = 16 * SECOND };

static void judge_asked(struct world *world)
{
    struct judge *judge = &world->judge;

    for (uint32_t i = 0; i < world->people.commands; i++) {
        struct asked *asked = &judge->asked[i];

        if (asked->ended)
            continue;
        world->counts[COUNT_JUDGED]++;
        if (!asked->first && world->t - asked->at > FIRST_MOST)
            judge_fail(world, "answer", "c%u (%s) got no answer", i,
                       command_action_name(asked->action));
        else if (world->t - asked->at >
                 end_most(asked->action) * (1 + book_depth(world, asked->server)))
            judge_fail(world, "answer", "c%u (%s) got no end in %d s", i,
                       command_action_name(asked->action), (int)((world->t - asked->at) / SECOND));
    }
}

static void on_round(struct world *world, const struct moment *moment)
{
    (void)moment;
    world_later(world, SECOND, on_round, 0, 0, 0);
    judge_visitors(world);
    if (world->t / SECOND % 30 == 0) {
        if (hall_runs(world))
            judge_asked(world);
        for (int i = 0; i < (int)world->plan.model.n_servers; i++) {
            judge_look(world, i);
            if (hall_runs(world) && shown(world, i) == POWER_READY)
                book_check_kept(world, i);
        }
    }
}

void judge_begin(struct world *world)
{
    for (int i = 0; i < SERVERS_MAX; i++)
        world->judge.next[i] = NEVER;
    world_later(world, SECOND, on_round, 0, 0, 0);
}
