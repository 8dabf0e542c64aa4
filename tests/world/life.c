/* The life of Hall: it starts with its records, which the real record/ writes and reads, reloads,
 * stands still, is killed; its clock is set. */
#include "base/zone.h"
#include "core/adopt.h"
#include "record/record.h"
#include "world.h"

enum { BATCH = 30 * SECOND }; /* what is not durable is written so late */

/* ---- records ---- */

static void write_all(struct world *world)
{
    struct hall *hall = &world->hall;

    for (int i = 0; i < SERVERS_MAX; i++)
        if (hall->records[i].waits) {
            saved_finish(hall->records[i].written);
            *hall->records[i].written = *hall->records[i].waiting;
            *hall->records[i].waiting = (struct saved){0};
            hall->records[i].waits = false;
            hall->records[i].used = true;
            hall->records[i].boot_zero = hall->boot_zero;
            hall->records[i].at = hall->records[i].waits_at;
        }
    hall->batch_due = false;
}

static void on_batch(struct world *world, const struct moment *moment)
{
    if (world->hall.run == (uint32_t)moment->n && world->hall.up)
        write_all(world);
}

void hall_save(struct world *world, const struct action *action)
{
    struct hall *hall = &world->hall;

    saved_finish(hall->records[action->server].waiting);
    if (fleet_save(hall->fleet, action->server, hall_now(world),
                   hall->records[action->server].waiting) < 0)
        abort();
    hall->records[action->server].waits = true;
    hall->records[action->server].waits_at = world->t;
    if (action->save.durable) {
        write_all(world);
    } else if (!hall->batch_due) {
        hall->batch_due = true;
        world_later(world, BATCH, on_batch, 0, 0, hall->run);
    }
}

static void restore(struct world *world, int server)
{
    struct hall *hall = &world->hall;
    char then[BOOT_ID_SIZE], boot[BOOT_ID_SIZE];
    const struct record_owner owner = {
        .config = "/etc/hall/domains.json", .mac = world->plan.servers[server].mac, .boot = boot};
    const struct record_owner wrote = {.config = owner.config, .mac = owner.mac, .boot = then};
    struct saved saved;
    struct buf text = BUF_INIT(RECORD_LIMIT);

    if (!hall->records[server].used)
        return;
    snprintf(then, sizeof(then), "%lld", (long long)hall->records[server].boot_zero);
    snprintf(boot, sizeof(boot), "%lld", (long long)hall->boot_zero);
    if (record_write_server(hall->records[server].written, &world->plan.model, server, &wrote,
                            &text) < 0 ||
        record_read_server(buf_text(&text), text.length, &world->plan.model, server, &owner,
                           &saved) < 0) {
        judge_fail(world, "record", "the record of %s cannot be read back",
                   world->plan.names[server]);
    } else {
        if (world->broken == BREAK_LEASES)
            saved.leases.n = 0;
        fleet_restore(hall->fleet, server, hall_now(world), &saved);
        saved_finish(&saved);
    }
    buf_finish(&text);
}

static void create(struct world *world)
{
    struct hall *hall = &world->hall;
    const struct fleet_sink sink = {.act = hall_act, .context = world};

    if (fleet_create(&world->plan.model, &sink, hall_now(world), &hall->fleet) < 0)
        abort();
    hall->zones = (struct zone_port){.offset = zone_offset, .context = hall->zone_cache};
    fleet_set_zones(hall->fleet, &hall->zones);
    if (!hall->trusted || world->broken == BREAK_SCHEDULE)
        fleet_trust_clock(hall->fleet, false);
}

/* ---- what befalls it ---- */

static void on_goes_on(struct world *world, const struct moment *moment)
{
    if (!world->hall.up || world->hall.run != (uint32_t)moment->n)
        return;
    tell(world, "Hall goes on");
    world->hall.stands_still = false;
    probe_stood_still(world);
    if (moment->b > FLEET_LATE)
        fleet_stood_still(world->hall.fleet, hall_now(world), hall_now(world).boot - moment->b);
    hall_settle(world);
    judge_restarted(world);
}

/* Its machine is suspended, or too busy. */
static void stand_still(struct world *world)
{
    const int64_t lasts =
        chance(world, 500) ? between(world, 1, 20) * SECOND : between(world, 1, 60) * MINUTE;

    tell(world, "Hall stands still");
    world->hall.stands_still = true;
    world->hall.goes_on = world->t + lasts;
    world_later(world, lasts, on_goes_on, 0, (int)lasts, world->hall.run);
}

static void lose_card(struct world *world)
{
    tell(world, "Hall cannot send packets for a while");
    world->hall.card_until = world->t + between(world, 1, 6) * MINUTE;
}

/* The same configuration again. */
static void reload(struct world *world)
{
    struct hall *hall = &world->hall;
    struct fleet *old = hall->fleet;

    tell(world, "Hall reloads its configuration");
    probe_stop(world);
    sight_stop(world);
    create(world);
    fleet_adopt(hall->fleet, old, hall_now(world));
    fleet_destroy(old);
    for (size_t i = 0; i < world->plan.model.n_servers; i++)
        hall->shown[i] = fleet_power(hall->fleet, (int)i)->state;
    fleet_start(hall->fleet, hall_now(world));
    sight_start(world);
    hall_settle(world);
    judge_restarted(world);
}

static void on_fate(struct world *world, const struct moment *moment)
{
    static void (*const fates[])(struct world *) = {stand_still, lose_card, reload, reload};

    (void)moment;
    world_later(world, between(world, 30 * MINUTE, 8 * HOUR), on_fate, 0, 0, 0);
    if (hall_runs(world))
        fates[roll(world, 4)](world);
}

/* ---- its clock ---- */

static void on_clock_step(struct world *world, const struct moment *moment)
{
    struct hall *hall = &world->hall;

    (void)moment;
    world_later(world, between(world, HOUR, 10 * HOUR), on_clock_step, 0, 0, 0);
    if (!hall_runs(world) || !hall->trusted)
        return;
    const int64_t step = between(world, -90, 90) * (chance(world, 500) ? SECOND : MINUTE);

    hall->wall_ahead += step;
    hall->stepped += step < 0 ? -step : step;
    tell(world, "the clock is set by %d s", (int)(step / SECOND));
    fleet_clock_was_set(hall->fleet, hall_now(world));
    hall_tick(world);
}

static void on_synchronised(struct world *world, const struct moment *moment)
{
    struct hall *hall = &world->hall;

    if (hall->run != (uint32_t)moment->n || !hall->up)
        return;
    if (hall->stands_still) {
        world_later(world, 10 * SECOND, on_synchronised, 0, 0, moment->n);
        return;
    }
    hall->stepped += world->plan.starts - hall->wall_ahead;
    hall->wall_ahead = world->plan.starts;
    tell(world, "the clock is synchronised");
    hall->trusted = true;
    fleet_trust_clock(hall->fleet, world->broken != BREAK_SCHEDULE);
    fleet_clock_was_set(hall->fleet, hall_now(world));
    hall_tick(world);
}

/* ---- its life ---- */

/* Since what is on its disk was true. */
static int64_t unknown_time(const struct world *world)
{
    int64_t since = world->hall.stopped;

    for (size_t i = 0; i < world->plan.model.n_servers; i++)
        if (world->hall.records[i].used && world->hall.records[i].at < since)
            since = world->hall.records[i].at;
    return world->t - since;
}

static void start(struct world *world)
{
    struct hall *hall = &world->hall;

    create(world);
    book_stretch(world, hall->stepped + (hall->trusted ? 0 : unknown_time(world)));
    hall->stepped = 0;
    hall->started = world->t;
    hall->up = true;
    hall->run++;
    hall->n_deferred = 0;
    hall->batch_due = hall->stands_still = false;
    memset(hall->passes, 0, sizeof(hall->passes));
    for (size_t i = 0; i < world->plan.model.n_servers; i++) {
        hall->records[i].waits = false;
        restore(world, (int)i);
    }
    for (size_t i = 0; i < world->plan.model.n_servers; i++)
        hall->shown[i] = fleet_power(hall->fleet, (int)i)->state;
    fleet_start(hall->fleet, hall_now(world));
    sight_start(world);
    hall_settle(world);
    wire_hall_connects(world, between(world, 50, 1500));
    judge_restarted(world);
}

static void stop(struct world *world, bool killed)
{
    struct hall *hall = &world->hall;

    if (!killed) {
        write_all(world);
    } else {
        book_forget(world);
        containers_forget(world);
        /* Whether a packet had left is written late, too. */
        memset(world->judge.sent, 0, sizeof(world->judge.sent));
    }
    probe_stop(world);
    sight_stop(world);
    wire_hall_gone(world);
    memset(world->wire.heard, 0, sizeof(world->wire.heard));
    fleet_destroy(hall->fleet);
    hall->fleet = NULL;
    hall->up = false;
    hall->stopped = world->t;
}

static void on_start(struct world *world, const struct moment *moment)
{
    struct hall *hall = &world->hall;
    const bool reboots = moment->a != 0;

    if (reboots)
        hall->boot_zero = world->t - between(world, 5, 40) * SECOND;
    if (reboots && moment->b != 0) {
        hall->wall_ahead -= between(world, 1, 900) * (int64_t)24 * HOUR;
        hall->trusted = false;
        world_later(world, between(world, 5, 300) * SECOND, on_synchronised, 0, 0, hall->run + 1);
    }
    tell(world, "Hall starts%s", hall->trusted ? "" : "; its clock is not set");
    start(world);
}

static void on_end(struct world *world, const struct moment *moment)
{
    static const int64_t most[] = {2 * SECOND, 20 * SECOND, 5 * MINUTE, 2 * HOUR};
    const bool killed = chance(world, 500), reboots = chance(world, 200);
    const bool unset = reboots && !world->plan.quiet_clock && chance(world, 500);

    (void)moment;
    world_later(world, between(world, 20 * MINUTE, 5 * HOUR), on_end, 0, 0, 0);
    if (!hall_runs(world))
        return;
    tell(world, "Hall is %s%s", killed ? "killed" : "stopped",
         reboots ? ", its machine reboots" : "");
    world->counts[COUNT_RESTARTS]++;
    stop(world, killed);
    world_later(world, between(world, 200, most[roll(world, 4)]), on_start, reboots, unset, 0);
}

void hall_begin(struct world *world)
{
    struct hall *hall = &world->hall;

    hall->boot_zero = -1000000;
    hall->wall_ahead = world->plan.starts;
    hall->trusted = true;
    hall->zone_cache = calloc(1, sizeof(struct zone_cache));
    for (int i = 0; i < SERVERS_MAX; i++) {
        hall->records[i].waiting = calloc(1, sizeof(struct saved));
        hall->records[i].written = calloc(1, sizeof(struct saved));
    }
    start(world);
    world_later(world, between(world, 30 * MINUTE, 8 * HOUR), on_fate, 0, 0, 0);
    world_later(world, between(world, 20 * MINUTE, 5 * HOUR), on_end, 0, 0, 0);
    if (!world->plan.quiet_clock)
        world_later(world, between(world, HOUR, 10 * HOUR), on_clock_step, 0, 0, 0);
}

void hall_finish(struct world *world)
{
    struct hall *hall = &world->hall;

    if (hall->up)
        stop(world, true);
    for (int i = 0; i < SERVERS_MAX; i++) {
        saved_finish(hall->records[i].waiting);
        saved_finish(hall->records[i].written);
        free(hall->records[i].waiting);
        free(hall->records[i].written);
    }
    free(hall->zone_cache);
}
