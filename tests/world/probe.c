/* The prober: rounds at the pace that the core orders, and what the machines answer, as
 * hall-mqtt/probe/ does it: up to four tries of a check under way, the first answer ends them all.
 */
#include "world.h"

enum { TRIES_MAX = 4, CALM = 5000, KEEPALIVES = 3 };

static struct probing *probing_of(struct world *world, int server)
{
    return &world->hall.probing[server];
}

static void tell_neighbour(struct world *world, int server)
{
    const struct machine *machine = &world->machines[server];
    struct fleet_event event = {
        .kind = FLEET_NEIGHBOUR, .server = server, .neighbour = {.verdict = MAC_MATCH}};

    memcpy(event.neighbour.mac, world->plan.servers[server].mac, 6);
    if (machine->bridged && machine_is_on(world, server)) {
        event.neighbour.verdict = MAC_OTHER;
        memset(event.neighbour.mac, 0, 6);
        event.neighbour.mac[0] = 6;
        event.neighbour.mac[5] = (uint8_t)server;
    }
    hall_feed(world, &event);
}

static void report(struct world *world, int server, unsigned check, enum probe_outcome outcome)
{
    struct fleet_event event = {
        .kind = FLEET_PROBE, .server = server, .probe = {.check = check, .outcome = outcome}};
    struct probing *probing = probing_of(world, server);

    world->counts[COUNT_PROBES]++;
    if (world->broken == BREAK_SILENCE && outcome == PROBE_MISS)
        return;
    if (outcome != PROBE_MISS && outcome != PROBE_GONE && probing->told_in != probing->round) {
        probing->told_in = probing->round;
        tell_neighbour(world, server);
    }
    if (world->plan.checks[server][check].kind == CHECK_HTTP && outcome != PROBE_MISS &&
        outcome != PROBE_GONE)
        event.probe.detail = outcome == PROBE_PASS ? 200 : 0;
    hall_feed(world, &event);
}

/* b: the check, and whether it was answered; n: the tries that it belongs to */
static void on_outcome(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    const unsigned check = (unsigned)moment->b / 8;
    const enum probe_outcome outcome = (enum probe_outcome)(moment->b % 8);
    struct probing *probing = probing_of(world, server);

    if (!world->hall.up || (uint32_t)moment->n != world->hall.run)
        return;
    if (world->hall.stands_still) { /* it lies there until Hall looks */
        world_later(world, SECOND, on_outcome, server, moment->b, moment->n);
        return;
    }
    if ((uint32_t)(moment->n >> 32) != probing->answers[check])
        return;
    if (outcome == PROBE_PENDING && !probing->pending[check])
        return;
    if (outcome == PROBE_GONE)
        probing->pending[check] = false;
    if (outcome != PROBE_PENDING && outcome != PROBE_MISS)
        probing->answers[check]++;
    report(world, server, check, outcome);
}

static int64_t time_limit(const struct probing *probing)
{
    const int64_t most = TRIES_MAX * probing->interval;

    return probing->timeout < most ? probing->timeout : most;
}

/* The answer has come, if the machine is still the one that was asked. */
static void on_page(struct world *world, const struct moment *moment)
{
    const unsigned check = (unsigned)moment->b / 8;
    struct probing *probing = probing_of(world, moment->a);

    if (!world->hall.up || (uint32_t)moment->n != world->hall.run || !probing->pending[check])
        return;
    probing->pending[check] = false;
    probing->answers[check]++;
    report(world, moment->a, check, machine_outcome(world, moment->a, check));
}

/* A kernel that is there acknowledges what comes on an open connection, each second. b: the check,
 * and how often it did not; n: as in on_outcome */
static void on_keepalive(struct world *world, const struct moment *moment)
{
    const unsigned check = (unsigned)moment->b / 8;
    const struct probing *probing = probing_of(world, moment->a);
    const bool answers = machine_outcome(world, moment->a, check) != PROBE_MISS;
    const unsigned missed = answers ? 0 : (unsigned)moment->b % 8 + 1;

    if ((uint32_t)moment->n != world->hall.run || !probing->pending[check] ||
        (uint32_t)(moment->n >> 32) != probing->answers[check])
        return;
    if (missed == KEEPALIVES)
        world_later(world, 1, on_outcome, moment->a, (int)(8 * check + PROBE_GONE), moment->n);
    else
        world_later(world, SECOND, on_keepalive, moment->a, (int)(8 * check + missed), moment->n);
}

static bool is_slow(const struct world *world, int server, unsigned check,
                    enum probe_outcome outcome)
{
    return outcome == PROBE_PASS && world->plan.checks[server][check].kind == CHECK_HTTP &&
           world->machines[server].slow > world->hall.probing[server].timeout;
}

static void try_check(struct world *world, int server, unsigned check)
{
    struct probing *probing = probing_of(world, server);
    enum probe_outcome outcome = machine_outcome(world, server, check);
    const int64_t tries = (int64_t)((uint64_t)probing->answers[check] << 32) | world->hall.run;

    if (probing->pending[check])
        return;
    if (is_slow(world, server, check, outcome)) {
        probing->pending[check] = true;
        world_later(world, probing->timeout, on_outcome, server, (int)(8 * check + PROBE_PENDING),
                    tries);
        world_later(world, SECOND, on_keepalive, server, (int)(8 * check), tries);
        world_later(world, world->machines[server].slow, on_page, server,
                    (int)(8 * check + outcome), tries);
        return;
    }
    if (chance(world, 2) ||
        (world->broken == BREAK_FLAPS && world->t / 5000 % 4 == 0)) /* lost on its way */
        outcome = PROBE_MISS;
    world_later(world, outcome == PROBE_MISS ? time_limit(probing) : between(world, 1, 60),
                on_outcome, server, (int)(8 * check + outcome), tries);
}

static void on_round(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    struct probing *probing = probing_of(world, server);
    const int64_t interval = probing->interval;

    if (world->hall.stands_still && probing->round == (uint32_t)moment->n) {
        world_later(world, SECOND, on_round, server, 0, moment->n);
        return;
    }
    if (!hall_runs(world) || probing->round != (uint32_t)moment->n || interval == 0)
        return;
    const int64_t pause =
        interval >= CALM ? between(world, interval / 2 + 1, interval + interval / 2) : interval;

    probing->round++;
    world_later(world, world->broken == BREAK_PACE ? 10 * pause : pause, on_round, server, 0,
                probing->round);
    for (unsigned i = 0; i < world->plan.servers[server].n_checks; i++)
        if (world->plan.checks[server][i].kind != CHECK_AGENT)
            try_check(world, server, i);
}

void probe_pace(struct world *world, int server, int64_t interval, int64_t timeout)
{
    struct probing *probing = probing_of(world, server);

    if (probing->interval == interval && probing->timeout == timeout)
        return;
    probing->interval = interval;
    probing->timeout = timeout;
    probing->round++;
    world_later(world, 0, on_round, server, 0, probing->round);
}

void probe_stood_still(struct world *world)
{
    for (int i = 0; i < SERVERS_MAX; i++)
        for (unsigned check = 0; check < 8; check++) {
            probing_of(world, i)->pending[check] = false;
            probing_of(world, i)->answers[check]++;
        }
}

void probe_stop(struct world *world)
{
    for (int i = 0; i < SERVERS_MAX; i++) {
        struct probing *probing = probing_of(world, i);

        probing->interval = probing->timeout = 0;
        memset(probing->pending, 0, sizeof(probing->pending));
        probing->round++;
    }
}
