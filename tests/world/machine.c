/* The truth: what each machine does, whatever Hall believes. */
#include "world.h"

static const char *const phase_names[] = {"down", "starting", "system up", "up", "halting"};

static void enter(struct world *world, int server, enum phase phase)
{
    struct machine *machine = &world->machines[server];

    tell(world, "%s is %s%s", world->plan.names[server], phase_names[phase],
         phase == PHASE_DOWN && machine->suspended ? " (suspended)" : "");
    machine->phase = phase;
    machine->since = world->t;
    machine->life++;
    judge_truth(world, server);
    if (phase == PHASE_DOWN)
        people_cut(world, server);
    judge_look(world, server);
}

static bool is_stale(const struct world *world, const struct moment *moment)
{
    return world->machines[moment->a].life != (uint32_t)moment->n;
}

static void plan_phase(struct world *world, int server, int64_t delay, happens *run)
{
    world_later(world, delay, run, server, 0, world->machines[server].life);
}

/* ---- up ---- */

static void on_up(struct world *world, const struct moment *moment)
{
    if (!is_stale(world, moment))
        enter(world, moment->a, PHASE_UP);
}

static void on_system(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    struct machine *machine = &world->machines[server];
    const int64_t rest = machine->suspended ? machine->resume : machine->cold;

    if (is_stale(world, moment))
        return;
    const bool resumed = machine->suspended;

    machine->suspended = false;
    enter(world, server, PHASE_SYSTEM);
    wire_agent_starts(world, server, between(world, 200, resumed ? 3000 : 8000));
    plan_phase(world, server, between(world, 50, rest / 2), on_up);
}

static void start(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];
    const int64_t about = machine->suspended ? machine->resume : machine->cold;

    if (!machine->suspended) {
        machine->boots++;
        containers_boot(world, server);
    }
    machine->ordered = machine->forced = false;
    machine->hung = !machine->suspended && chance(world, machine->hangs);
    enter(world, server, PHASE_STARTING);
    if (machine->hung)
        tell(world, "%s hangs as it boots", world->plan.names[server]);
    else
        plan_phase(world, server, between(world, about / 2, about), on_system);
}

void machine_packet(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];

    if (machine->phase == PHASE_DOWN && machine->cable)
        start(world, server);
}

/* ---- down ---- */

void machine_void(struct world *world, int server)
{
    book_void(world, CLAIM_VISIT, server, NULL, false);
    book_void(world, CLAIM_MANUAL, server, NULL, false);
}

static void on_down(struct world *world, const struct moment *moment)
{
    const int server = moment->a;
    struct machine *machine = &world->machines[server];

    if (is_stale(world, moment))
        return;
    machine->suspended = moment->b == 2;
    wire_agent_vanishes(world, server, moment->b != 2);
    if (!machine->ordered)
        machine_void(world, server);
    enter(world, server, PHASE_DOWN);
    if (moment->b == 1)
        start(world, server);
}

void machine_halt(struct world *world, int server, bool restart, bool by_hall, bool force)
{
    struct machine *machine = &world->machines[server];
    const bool poweroff = world->plan.servers[server].sleep.mode == SLEEP_POWEROFF;
    const int64_t about = poweroff || restart ? machine->halt : 1500;

    if (machine->phase != PHASE_SYSTEM && machine->phase != PHASE_UP)
        return;
    machine->ordered = by_hall;
    machine->forced = force;
    enter(world, server, PHASE_HALTING);
    world_later(world, between(world, about / 2, about), on_down, server,
                restart    ? 1
                : poweroff ? 0
                           : 2,
                machine->life);
}

static void crash(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];

    if (machine->phase < PHASE_SYSTEM)
        return;
    tell(world, "%s crashes", world->plan.names[server]);
    machine->suspended = machine->ordered = false;
    wire_agent_vanishes(world, server, false);
    enter(world, server, PHASE_DOWN);
}

/* ---- what befalls it ---- */

static void on_replugged(struct world *world, const struct moment *moment)
{
    world->machines[moment->a].cable = true;
    world->machines[moment->a].plugged = world->t;
    tell(world, "%s has its cable again", world->plan.names[moment->a]);
    judge_truth(world, moment->a);
    judge_look(world, moment->a);
}

static void pull_cable(struct world *world, int server)
{
    world->machines[server].cable = false;
    world->machines[server].plugged = world->t;
    tell(world, "%s has its cable pulled", world->plan.names[server]);
    wire_agent_cut(world, server);
    judge_truth(world, server);
    judge_look(world, server);
    world_later(world, between(world, 5 * SECOND, 10 * MINUTE), on_replugged, server, 0, 0);
}

static void on_site_back(struct world *world, const struct moment *moment)
{
    world->machines[moment->a].site_up[moment->b] = true;
    tell(world, "site %d answers again", moment->b);
    judge_truth(world, moment->a);
    judge_look(world, moment->a);
}

static void site_breaks(struct world *world, int server)
{
    const int site = 2 * server + (int)roll(world, 2);

    if (!world->machines[server].site_up[site])
        return;
    world->machines[server].site_up[site] = false;
    tell(world, "site %d of %s breaks", site, world->plan.names[server]);
    judge_truth(world, server);
    judge_look(world, server);
    world_later(world, between(world, 2 * SECOND, 8 * MINUTE), on_site_back, server, site, 0);
}

static void on_job_done(struct world *world, const struct moment *moment)
{
    world->machines[moment->a].job = false;
    tell(world, "the job on %s is done", world->plan.names[moment->a]);
    wire_report(world, moment->a);
    judge_look(world, moment->a);
}

static void job_begins(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];

    if (machine->job || !machine->has_agent)
        return;
    machine->job = true;
    tell(world, "a job begins on %s", world->plan.names[server]);
    wire_report(world, server);
    judge_look(world, server);
    world_later(world, between(world, MINUTE, 40 * MINUTE), on_job_done, server, 0, 0);
}

/* Somebody walks up to it: presses its button, or puts it to sleep by hand. */
static void by_hand(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];

    if (machine->phase == PHASE_DOWN && !machine->hung) {
        tell(world, "somebody presses the button of %s", world->plan.names[server]);
        judge_roused(world, server);
        start(world, server);
    } else if (machine->phase == PHASE_UP && !world->wire.agents[server].leaving) {
        tell(world, "somebody puts %s to sleep by hand", world->plan.names[server]);
        machine_void(world, server);
        if (chance(world, 800))
            wire_say(world, server, AGENT_SLEEPING);
        machine_halt(world, server, false, false, true);
    }
}

static void on_reset(struct world *world, const struct moment *moment)
{
    struct machine *machine = &world->machines[moment->a];

    if (machine->hung) {
        machine->hung = false;
        enter(world, moment->a, PHASE_DOWN);
    }
}

static void on_fate(struct world *world, const struct moment *moment)
{
    static void (*const fates[])(struct world *, int) = {crash,       pull_cable, site_breaks,
                                                         site_breaks, job_begins, by_hand};
    const int server = moment->a;

    if (world->machines[server].cable)
        fates[roll(world, sizeof(fates) / sizeof(fates[0]))](world, server);
    if (world->machines[server].hung)
        world_later(world, between(world, MINUTE, 20 * MINUTE), on_reset, server, 0, 0);
    world_later(world, between(world, 5 * MINUTE, 3 * HOUR), on_fate, server, 0, 0);
}

void machine_begin(struct world *world, int server)
{
    struct machine *machine = &world->machines[server];
    const bool poweroff = world->plan.servers[server].sleep.mode == SLEEP_POWEROFF;

    machine->cable = true;
    machine->suspended = !poweroff;
    machine->cold = between(world, 15, 75) * SECOND;
    machine->resume = between(world, 2, 9) * SECOND;
    machine->halt = (chance(world, 250) ? between(world, 40, 90) : between(world, 4, 30)) * SECOND;
    machine->hangs = chance(world, 200) ? 50 : 0;
    machine->boots = 1;
    for (int site = 0; site < SITES_MAX; site++)
        machine->site_up[site] = true;
    if (chance(world, 400)) {
        machine->phase = PHASE_SYSTEM;
        machine->suspended = false;
        wire_agent_starts(world, server, 100);
        plan_phase(world, server, 200, on_up);
    }
    world_later(world, between(world, 5 * MINUTE, 3 * HOUR), on_fate, server, 0, 0);
}

/* ---- what can be seen of it ---- */

bool machine_is_on(const struct world *world, int server)
{
    return world->machines[server].phase >= PHASE_SYSTEM;
}

bool machine_answers(const struct world *world, int server)
{
    return world->machines[server].phase >= PHASE_SYSTEM && world->machines[server].cable;
}

enum probe_outcome machine_outcome(const struct world *world, int server, unsigned check)
{
    const struct machine *machine = &world->machines[server];
    const struct model_check *model = &world->plan.checks[server][check];

    if (!machine_answers(world, server))
        return model->kind == CHECK_PING && machine->card_echoes && machine->cable &&
                       machine->phase == PHASE_DOWN
                   ? PROBE_PASS
                   : PROBE_MISS;
    if (model->kind == CHECK_PING)
        return machine->echo_blocked ? PROBE_MISS : PROBE_PASS;
    const bool serves = containers_site(world, model->site)
                            ? containers_pass(world, model->site)
                            : model->site == MODEL_NONE || machine->site_up[model->site];

    if (machine->phase == PHASE_UP && serves)
        return PROBE_PASS;
    return machine->drops ? PROBE_MISS : PROBE_ANSWER;
}

bool machine_visible(const struct world *world, int server)
{
    const struct model_server *model = &world->plan.servers[server];
    bool other = false;

    for (unsigned i = 0; i < model->n_checks; i++) {
        const enum check_kind kind = model->checks[i].kind;

        if (kind == CHECK_PING || kind == CHECK_AGENT)
            continue;
        other = true;
        if (machine_outcome(world, server, i) != PROBE_MISS)
            return true;
    }
    return !other && machine_outcome(world, server, 0) == PROBE_PASS;
}

static bool agent_is_heard(const struct world *world, int server)
{
    return world->wire.heard[server] == AGENT_ONLINE;
}

bool machine_passes(const struct world *world, int server)
{
    const struct model_server *model = &world->plan.servers[server];
    bool some = false;

    if (!machine_answers(world, server))
        return false;
    for (unsigned i = 0; i < model->n_checks; i++)
        some |=
            model->checks[i].site != MODEL_NONE && machine_outcome(world, server, i) == PROBE_PASS;
    if (model->any_site)
        return some;
    for (unsigned i = 0; i < model->n_checks; i++)
        if (model->checks[i].required && (model->checks[i].kind == CHECK_AGENT
                                              ? !agent_is_heard(world, server)
                                              : machine_outcome(world, server, i) != PROBE_PASS))
            return false;
    return true;
}

bool machine_site_passes(const struct world *world, int site)
{
    const int server = world->plan.sites[site].server, check = world->plan.sites[site].check;

    return machine_visible(world, server) &&
           (check == MODEL_NONE ? machine_passes(world, server)
                                : machine_outcome(world, server, (unsigned)check) == PROBE_PASS);
}
