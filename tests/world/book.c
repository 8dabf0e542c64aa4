/* Why a server must be up, by what people asked for and were told, and by what is configured. Never
 * by what the core says. */
#include "base/text.h"
#include "base/zone.h"
#include "world.h"

enum { UNSURE = 3 * HOUR, NIGHT = 5 * 60, WRITTEN = 31 * SECOND };

int64_t book_idle(const struct world *world, int server)
{
    const struct plan *plan = &world->plan;
    const int64_t a = plan->domains[2 * server].policy.idle,
                  b = plan->domains[2 * server + 1].policy.idle;

    if (world->judge.idle[server] > 0)
        return world->judge.idle[server];
    return a > b ? a : b;
}

static bool is_over(const struct world *world, const struct claim *claim)
{
    return claim->until <= world->t;
}

static struct claim *find(struct world *world, enum claim_kind kind, int server, int site,
                          const char *name)
{
    struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++) {
        struct claim *claim = &judge->claims[i];

        if (claim->kind == kind && claim->server == server && claim->site == site &&
            strcmp(claim->name, name) == 0)
            return claim;
    }
    return NULL;
}

void book_take(struct world *world, enum claim_kind kind, int server, int site, const char *name,
               int64_t until)
{
    struct judge *judge = &world->judge;
    struct claim *claim = find(world, kind, server, site, name);

    for (size_t i = 0; !claim && i < judge->n_claims; i++)
        if (is_over(world, &judge->claims[i]) && judge->claims[i].latest <= world->t)
            claim = &judge->claims[i];
    if (!claim && judge->n_claims < CLAIMS_MAX)
        claim = &judge->claims[judge->n_claims++];
    if (!claim)
        return;
    const bool known = claim->kind == kind && claim->server == server && claim->site == site &&
                       strcmp(claim->name, name) == 0;
    const bool same = known && !is_over(world, claim);
    const int64_t sure = !same ? 0 : world->t - claim->since > WRITTEN ? claim->until : claim->sure;

    /* Of two wakes of the same person the later end holds. */
    if (same && kind == CLAIM_MANUAL && claim->until > until)
        until = claim->until;
    *claim = (struct claim){.kind = kind,
                            .server = server,
                            .site = site,
                            .since = world->t,
                            .until = until,
                            .sure = sure,
                            .latest = known && claim->latest > until ? claim->latest : until};
    text_copy(claim->name, sizeof(claim->name), name);
}

void book_void(struct world *world, enum claim_kind kind, int server, const char *name, bool surely)
{
    struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++) {
        struct claim *claim = &judge->claims[i];

        if (claim->kind == kind && claim->server == server &&
            (!name || strcmp(claim->name, name) == 0)) {
            claim->until = 0;
            claim->latest = surely ? 0 : claim->latest;
        }
    }
}

void book_stretch(struct world *world, int64_t ms)
{
    struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++)
        judge->claims[i].latest += judge->claims[i].latest == 0 ? 0 : ms;
}

bool book_possible(const struct world *world, int server)
{
    const struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++)
        if (judge->claims[i].server == server && judge->claims[i].latest > world->t)
            return true;
    return false;
}

const struct claim *book_find(const struct world *world, int server)
{
    const struct judge *judge = &world->judge;
    const struct claim *longest = NULL;

    for (size_t i = 0; i < judge->n_claims; i++) {
        const struct claim *claim = &judge->claims[i];

        if (claim->server == server && !is_over(world, claim) &&
            (!longest || claim->until > longest->until))
            longest = claim;
    }
    return longest;
}

const struct claim *book_standing(const struct world *world, int server)
{
    const struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++)
        if (judge->claims[i].server == server && judge->claims[i].kind == CLAIM_HOLD &&
            !is_over(world, &judge->claims[i]))
            return &judge->claims[i];
    return NULL;
}

/* A kill may lose what was renewed in the last half minute. */
void book_forget(struct world *world)
{
    struct judge *judge = &world->judge;

    for (size_t i = 0; i < judge->n_claims; i++) {
        struct claim *claim = &judge->claims[i];

        if (claim->kind == CLAIM_VISIT && world->t - claim->since <= WRITTEN)
            claim->until = claim->sure;
    }
}

static const struct lease *lease_of(const struct world *world, const struct claim *claim)
{
    static const enum lease_kind kinds[] = {
        [CLAIM_VISIT] = LEASE_VISIT, [CLAIM_MANUAL] = LEASE_MANUAL, [CLAIM_HOLD] = LEASE_HOLD};

    return lease_find(fleet_power(world->hall.fleet, claim->server)->leases, kinds[claim->kind],
                      claim->site, claim->name);
}

void book_check_kept(struct world *world, int server)
{
    static const char *const names[] = {"visit", "wake", "hold"};
    const struct judge *judge = &world->judge;
    const int64_t boot_zero = world->hall.boot_zero;

    for (size_t i = 0; i < judge->n_claims; i++) {
        const struct claim *claim = &judge->claims[i];

        if (claim->server != server || claim->until < world->t + 3 * SECOND)
            continue;
        const struct lease *lease = lease_of(world, claim);

        if (!lease ||
            (lease->until != LEASE_FOREVER && lease->until + boot_zero < claim->until - 3 * SECOND))
            judge_fail(world, "lease", "%s: its %s %s, for %d s more, is %s",
                       world->plan.names[server], names[claim->kind], claim->name,
                       (int)((claim->until - world->t) / SECOND), lease ? "shorter" : "lost");
    }
}

/* ---- others ---- */

bool book_needed(struct world *world, int server)
{
    for (int from = server + 1; from < (int)world->plan.model.n_servers; from++) {
        const struct model_server *model = &world->plan.servers[from];

        if (model->n_depends_on > 0 && model->depends_on[0] == server &&
            (machine_is_on(world, from) || book_wanted(world, from)))
            return true;
    }
    return false;
}

bool book_wanted(struct world *world, int server)
{
    return book_possible(world, server) || book_always(world, server) ||
           book_scheduled(world, server, 5 * MINUTE, false) || book_needed(world, server);
}

int book_depth(const struct world *world, int server)
{
    const struct model_server *model = &world->plan.servers[server];

    return model->n_depends_on == 0 ? 0 : 1 + book_depth(world, model->depends_on[0]);
}

/* ---- policies ---- */

static enum policy_mode mode_of(const struct world *world, int domain)
{
    const int server = world->plan.domains[domain].server;

    return world->judge.policy_set[server] ? world->judge.policy[server]
                                           : world->plan.domains[domain].policy.mode;
}

bool book_always(const struct world *world, int server)
{
    for (int domain = 2 * server; domain < 2 * server + 2; domain++)
        if (mode_of(world, domain) == POLICY_ALWAYS_ON)
            return true;
    return false;
}

static int32_t offset_at(const struct world *world, int64_t wall)
{
    return zone_offset(world->hall.zone_cache, world->plan.zone, wall / 1000);
}

/* Every window here is of every day. */
static bool is_open(const struct world *world, const struct model_policy *policy, int64_t wall)
{
    const int64_t local = wall / 1000 + offset_at(world, wall);
    const int minute = (int)(local / 60 % 1440);

    for (size_t i = 0; i < policy->n_windows; i++) {
        const int from = policy->windows[i].from, to = policy->windows[i].to;

        if (from < to ? minute >= from && minute < to : minute >= from || minute < to)
            return true;
    }
    return false;
}

/* Near a change of the clocks an edge of the night may be meant in two ways. */
static bool is_unsure(const struct world *world, const struct model_policy *policy, int64_t wall)
{
    bool at_night = false;

    for (size_t i = 0; i < policy->n_windows; i++)
        at_night |= policy->windows[i].from < NIGHT || policy->windows[i].to < NIGHT;
    return at_night && offset_at(world, wall - UNSURE) != offset_at(world, wall + UNSURE);
}

bool book_scheduled(struct world *world, int server, int64_t margin, bool surely)
{
    const int64_t wall = hall_now(world).wall;

    for (int domain = 2 * server; domain < 2 * server + 2; domain++) {
        const struct model_policy *policy = &world->plan.domains[domain].policy;

        if (mode_of(world, domain) != POLICY_SCHEDULED || policy->n_windows == 0)
            continue;
        if (!world->hall.trusted || is_unsure(world, policy, wall)) {
            if (!surely)
                return true;
            continue;
        }
        const bool now = is_open(world, policy, wall),
                   before = is_open(world, policy, wall - margin),
                   after = is_open(world, policy, wall + margin);

        if (surely ? now && before && after : now || before || after)
            return true;
    }
    return false;
}
