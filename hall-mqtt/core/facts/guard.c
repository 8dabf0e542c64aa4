#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/facts/guard.h"
#include "core/facts/leases.h"

enum { HOUR = 3600000, DAY = 24 * HOUR };
static const struct address nobody;

/* Of the server. */

static bool is_down_too_short(const struct step *step, struct guard *ret_guard)
{
    const struct power *power = step->power;

    if (power->down_since == 0 || step->model->min_down == 0 ||
        step->now.boot >= power->down_since + step->model->min_down)
        return false;
    *ret_guard = (struct guard){GUARD_MIN_DOWN, power->down_since + step->model->min_down};
    return true;
}

static bool is_woken_too_often(const struct step *step, struct guard *ret_guard)
{
    const struct power *power = step->power;
    uint32_t most = (uint32_t)step->model->wakes_per_hour;

    if (most > WOKEN_MAX) /* no more are remembered */
        most = WOKEN_MAX;
    if (most == 0 || power->n_woken < most)
        return false;
    /* The one whose hour must be over before there is room for another. */
    const int64_t oldest = INT64_C(1000) * power->woken[(power->n_woken - most) % WOKEN_MAX];
    if (step->now.boot >= oldest + HOUR)
        return false;
    *ret_guard = (struct guard){GUARD_WAKES_PER_HOUR, oldest + HOUR};
    return true;
}

bool guard_wake(const struct step *step, struct guard *ret_guard)
{
    return is_down_too_short(step, ret_guard) || is_woken_too_often(step, ret_guard);
}

void guard_note_wake(struct step *step)
{
    struct power *power = step->power;

    power->woken[power->n_woken++ % WOKEN_MAX] = power_seconds(step->now.boot);
    power->guard = (struct guard){0};
}

/* Of visitors: what they used up today. */

static int64_t zone_offset_ms(const struct step *step, const char *zone, int64_t wall)
{
    const struct zone_port *zones = step->fleet->zones;

    return (int64_t)zones->offset(zones->context, zone, wall / 1000) * 1000;
}

struct day {
    int32_t number; /* local days since 1970 */
    int64_t ends;   /* boot clock, ms */
};

static struct day today(const struct step *step, const struct model_domain *domain)
{
    const char *zone = domain->policy.timezone;
    const int64_t offset = zone_offset_ms(step, zone, step->now.wall);
    const int64_t local = step->now.wall + offset;
    const int64_t left = DAY - local % DAY;
    /* A day on which the clocks change is longer or shorter. */
    const int64_t change = zone_offset_ms(step, zone, step->now.wall + left - 1) - offset;

    return (struct day){.number = (int32_t)(local / DAY),
                        .ends = step->now.boot + (change < left ? left - change : left)};
}

/* Whom a visit counts for; none: it does not say who came. */
static struct address client_of(const char *who)
{
    struct address address;

    return address_parse(who, &address) == 0 ? address_client(address) : nobody;
}

static bool is_spent(const struct quota *quota, int wakes, int minutes, bool wakes_count,
                     enum guard_kind of_wakes, enum guard_kind of_minutes, enum guard_kind *ret)
{
    if (!quota)
        return false;
    if (minutes > 0 && quota->awake_ms >= (int64_t)minutes * 60000)
        *ret = of_minutes;
    else if (wakes > 0 && wakes_count && quota->wakes >= (uint32_t)wakes)
        *ret = of_wakes;
    else
        return false;
    return true;
}

/* Is anything spent for this visitor of this site? */
static enum guard_kind spent_quota(const struct step *step, int site, struct address address,
                                   int32_t day, bool wakes)
{
    const struct fleet *fleet = step->fleet;
    const struct model_site *model = &fleet->model->sites[site];
    const struct model_access *access = &fleet->model->domains[model->domain].access;
    enum guard_kind kind = GUARD_NONE;

    if (!is_spent(quota_look(&fleet->quotas, QUOTA_CLIENT, model->domain, address, day),
                  access->wakes_per_day, access->minutes_per_day, wakes, GUARD_CLIENT_WAKES,
                  GUARD_CLIENT_MINUTES, &kind))
        (void)is_spent(quota_look(&fleet->quotas, QUOTA_PROJECT, site, nobody, day),
                       model->wakes_per_day, model->minutes_per_day, wakes, GUARD_PROJECT_WAKES,
                       GUARD_PROJECT_MINUTES, &kind);
    return kind;
}

static bool is_of_client(enum guard_kind kind)
{
    return kind == GUARD_CLIENT_WAKES || kind == GUARD_CLIENT_MINUTES;
}

static void tell_limit(struct step *step, int site, struct address address, struct guard guard,
                       bool refused)
{
    step_emit(step,
              &(struct action){.kind = ACTION_LIMIT,
                               .limit = {.site = site,
                                         .address = is_of_client(guard.kind) ? address : nobody,
                                         .guard = guard,
                                         .refused = refused}});
}

/* Would this visitor's wish begin a wake? */
static bool would_wake(const struct step *step, int site)
{
    const struct power *power = step->power;

    return !step->fleet->sites[site].ready && !power->evidence.alive && !power->wake.open &&
           !power->wake.queued;
}

bool guard_visit(struct step *step, int site, const char *who)
{
    const struct model *model = step->fleet->model;
    const struct day day = today(step, &model->domains[model->sites[site].domain]);
    const struct address address = client_of(who);
    struct guard guard = {.until = day.ends};

    if (step->fleet->sites[site].closed_until != 0)
        guard = (struct guard){GUARD_WINDOW, step->fleet->sites[site].closed_until};
    else
        guard.kind = spent_quota(step, site, address, day.number, would_wake(step, site));
    if (guard.kind == GUARD_NONE)
        return false;
    tell_limit(step, site, address, guard, true);
    return true;
}

void guard_note_use(struct step *step, int site, const char *who, bool wakes)
{
    struct fleet *fleet = step->fleet;
    const struct model_site *model = &fleet->model->sites[site];
    const struct day day = today(step, &fleet->model->domains[model->domain]);
    const struct address address = client_of(who);
    const int64_t gap = step_idle(step);
    struct quota *const quotas[] = {
        quota_open(&fleet->quotas, QUOTA_CLIENT, model->domain, address, day.number),
        quota_open(&fleet->quotas, QUOTA_PROJECT, site, nobody, day.number),
    };

    for (size_t i = 0; i < ARRAY_SIZE(quotas); i++) {
        quotas[i]->wakes += wakes ? 1 : 0;
        quotas[i]->at = step->now.boot;
        if (!wakes)
            quota_use(quotas[i], step->now.boot, gap);
        step_emit(step, &(struct action){.kind = ACTION_QUOTA, .quota = quotas[i]});
    }
    const enum guard_kind kind = spent_quota(step, site, address, day.number, true);
    if (kind != GUARD_NONE)
        tell_limit(step, site, address, (struct guard){kind, day.ends}, false);
}

static int domain_of(const struct model *model, const struct quota *quota)
{
    return quota->kind == QUOTA_CLIENT ? quota->subject : model->sites[quota->subject].domain;
}

int32_t guard_day(const struct fleet *fleet, struct now now, const struct quota *quota)
{
    const struct model *model = fleet->model;
    const struct step then = {.fleet = (struct fleet *)fleet,
                              .now = {quota->at, clock_wall_at(now, quota->at)}};

    return quota->at == 0 ? quota->day
                          : today(&then, &model->domains[domain_of(model, quota)]).number;
}

void guard_clock_was_set(struct fleet *fleet, struct now now)
{
    const struct model *model = fleet->model;

    for (uint32_t i = 0; i < fleet->quotas.size; i++) {
        struct quota *quota = &fleet->quotas.slots[i];

        if (!quota->used)
            continue;
        const struct model_domain *domain = &model->domains[domain_of(model, quota)];
        const int site = quota->kind == QUOTA_CLIENT ? domain->site : quota->subject;
        struct step step = {.fleet = fleet, .now = now, .server = model->sites[site].server};
        const struct day day = today(&step, domain);
        const int32_t counted = guard_day(fleet, now, quota);

        if (counted != quota->day) {
            quota->day = counted;
            step_emit(&step, &(struct action){.kind = ACTION_QUOTA, .quota = quota});
        }
        const enum guard_kind kind = spent_quota(&step, site, quota->address, day.number, true);
        if (kind != GUARD_NONE)
            tell_limit(&step, site, quota->address, (struct guard){kind, day.ends}, false);
    }
}
