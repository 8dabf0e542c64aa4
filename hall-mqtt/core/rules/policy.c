#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "core/emit.h"
#include "core/rules/policy.h"

enum {
    LOOK_EVERY = 60000,   /* ms: the clock may be set, the lead time may change */
    LEAD_UNKNOWN = 60000, /* lead time before a window while no boot was measured */
    LEAD_MARGIN = 5000,
};

static enum policy_mode mode_of(const struct step *step, const struct model_domain *domain)
{
    const struct override *override = &step->fleet->overrides[step->server];

    return override->policy_set ? override->policy : domain->policy.mode;
}

/* Schedules. */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* So long before a window the server is woken, that it is ready when it opens: however it comes. */
static int64_t lead_time(const struct step *step)
{
    const struct history *history = &step->power->history;
    int64_t longest = -1;

    /* Until visitors are let in: the site may answer after the server's own checks pass. */
    for (unsigned kind = 0; kind < WAKE_KINDS; kind++) {
        longest = later(longest, history_median(history, (enum wake_kind)kind));
        longest =
            later(longest, history_stage_median(history, (enum wake_kind)kind, STAGE_SITE_ANSWERS));
    }
    return longest < 0 ? LEAD_UNKNOWN : longest * 5 / 4 + LEAD_MARGIN;
}

/* Of two times the sooner that is still to come. */
static int64_t sooner(int64_t a, int64_t b, int64_t wall)
{
    return b != SCHEDULE_NEVER && b > wall && b < a ? b : a;
}

/* The stretch that is wanted, or comes within the lead time. A gap that is shorter than the lead
 * time is no reason to sleep: what it parts is one stretch. */
static struct schedule_view look_ahead(const struct step *step, const struct model_policy *policy,
                                       struct schedule_view view, int64_t lead)
{
    int64_t until = view.wants ? view.until : step->now.wall;

    for (int i = 0; i < MODEL_WINDOWS_MAX && until != SCHEDULE_NEVER &&
                    view.next != SCHEDULE_NEVER && view.next - lead <= until;
         i++) {
        view = schedule_view(policy, step->fleet->zones, view.next);
        until = view.until;
    }
    return view;
}

static void look(const struct step *step, const struct model_policy *policy,
                 struct domain_state *state)
{
    const int64_t wall = step->now.wall;
    const int64_t lead = lead_time(step);
    const struct schedule_view view = schedule_view(policy, step->fleet->zones, wall);
    const struct schedule_view ahead = look_ahead(step, policy, view, lead);

    *state = (struct domain_state){
        .looked = wall,
        .open = view.wants,
        .opens = view.next,
        .wants = ahead.wants,
        .until = ahead.until,
        .next = ahead.next == SCHEDULE_NEVER ? SCHEDULE_NEVER : ahead.next - lead,
        .valid_until = wall + LOOK_EVERY,
    };
    const int64_t edges[] = {view.until, view.next, state->until, state->next};
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
        state->valid_until = sooner(state->valid_until, edges[i], wall);
}

static bool is_stale(const struct step *step, const struct domain_state *state)
{
    return state->looked == 0 || step->now.wall < state->looked ||
           step->now.wall >= state->valid_until;
}

static int64_t boot_at(const struct step *step, int64_t wall)
{
    return wall == SCHEDULE_NEVER ? LEASE_FOREVER : step->now.boot + (wall - step->now.wall);
}

/* A lease whose end moves by less than this is the same lease: clocks are slewed. */
static bool is_about(int64_t a, int64_t b)
{
    return a == b || (a != LEASE_FOREVER && b != LEASE_FOREVER && a - b < 2000 && b - a < 2000);
}

static void keep(struct step *step, enum lease_kind kind, int subject, bool wanted, int64_t until)
{
    struct lease_set *set = step->power->leases;

    if (!wanted && set->n == 0)
        return;
    const struct lease *lease = lease_find(set, kind, subject, "");
    if (wanted && (!lease || !is_about(lease->until, until)))
        step->changed |= lease_take(set, kind, subject, "", NULL, step->now.boot, until);
    else if (!wanted && lease)
        step->changed |= lease_release(set, kind, subject, "");
}

/* Outside its windows a domain is closed where the configuration says `otherwise: refuse`. */
static void close_site(struct step *step, int site, bool closed, int64_t until)
{
    struct site_state *state = &step->fleet->sites[site];
    const int64_t wanted = closed ? until : 0;

    if ((wanted == 0) == (state->closed_until == 0) && is_about(wanted, state->closed_until))
        return;
    state->closed_until = wanted;
    step_emit(step, &(struct action){.kind = ACTION_SITE, .site = {.site = site}});
    step->changed = true;
}

/* It opened or closed: its sites learn of it now, not with the next minute. */
static void tell_sites(struct step *step, const struct model_domain *domain)
{
    struct site_state *sites = step->fleet->sites;

    sites[domain->site].hours_valid_until = 0;
    for (size_t i = 0; i < domain->n_projects; i++)
        sites[domain->projects[i]].hours_valid_until = 0;
}

static void keep_schedule(struct step *step, int domain_index)
{
    const struct model *model = step->fleet->model;
    const struct model_domain *domain = &model->domains[domain_index];
    struct domain_state *state = &step->fleet->domains[domain_index];
    const bool scheduled = mode_of(step, domain) == POLICY_SCHEDULED &&
                           domain->policy.n_windows > 0 && step->fleet->clock_trusted;
    const bool refuses = scheduled && domain->policy.otherwise == OTHERWISE_REFUSE;
    const bool was_closed = state->closed;

    if (!scheduled)
        *state = (struct domain_state){
            .opens = SCHEDULE_NEVER, .until = SCHEDULE_NEVER, .next = SCHEDULE_NEVER};
    else if (is_stale(step, state))
        look(step, &domain->policy, state);
    keep(step, LEASE_SCHEDULE, domain_index, scheduled && state->wants,
         boot_at(step, state->until));
    state->closed = refuses && !state->open;
    if (state->closed != was_closed)
        tell_sites(step, domain);
}

/* When hours of access, of a domain or a project, open. Boot clock; 0: they are open, or there are
 * none. */
static int64_t opening(const struct step *step, const struct model_policy *hours)
{
    if (hours->n_windows == 0 || !step->fleet->clock_trusted)
        return 0;
    const struct schedule_view view = schedule_view(hours, step->fleet->zones, step->now.wall);
    return view.wants ? 0 : boot_at(step, view.next);
}

/* A site is open while its domain's schedule, its domain's hours and its own hours let visitors in.
 */
static void keep_hours(struct step *step, int site)
{
    const struct model_site *model = &step->fleet->model->sites[site];
    const struct model_domain *domain = &step->fleet->model->domains[model->domain];
    const struct domain_state *state = &step->fleet->domains[model->domain];
    int64_t opens = state->closed ? boot_at(step, state->opens) : 0;

    /* Where several doors are shut, the last to open counts. */
    opens = later(opens, opening(step, &domain->access.hours));
    opens = later(opens, opening(step, &model->hours));
    close_site(step, site, opens != 0, opens);
}

static bool has_hours(const struct step *step, int site)
{
    const struct model_site *model = &step->fleet->model->sites[site];
    const struct model_domain *domain = &step->fleet->model->domains[model->domain];

    return model->hours.n_windows > 0 || domain->access.hours.n_windows > 0 ||
           domain->policy.otherwise == OTHERWISE_REFUSE;
}

/* At most once a minute, unless the clock was set: hours open and close on whole minutes. */
static void look_at_hours(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    const int64_t wall = step->now.wall;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site]) {
        struct site_state *state = &fleet->sites[site];

        if (!has_hours(step, site) ||
            (state->hours_looked <= wall && wall < state->hours_valid_until))
            continue;
        state->hours_looked = wall;
        state->hours_valid_until = (wall / LOOK_EVERY + 1) * LOOK_EVERY;
        keep_hours(step, site);
    }
}

static void end_rest(struct step *step)
{
    const struct lease_set *set = step->power->leases;

    for (size_t i = 0; i < set->n; i++)
        if (lease_is_standing(set->leases[i].kind))
            return;
    step->power->resting = false;
}

void policy_keep(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    const struct model *model = fleet->model;
    const struct override *override = &fleet->overrides[step->server];

    keep(step, LEASE_ALWAYS_ON, MODEL_NONE,
         override->policy_set && override->policy == POLICY_ALWAYS_ON, LEASE_FOREVER);
    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site]) {
        const int domain = model->sites[site].domain;

        if (model->sites[site].is_project)
            continue;
        keep(step, LEASE_ALWAYS_ON, domain,
             !override->policy_set && model->domains[domain].policy.mode == POLICY_ALWAYS_ON,
             LEASE_FOREVER);
        keep_schedule(step, domain);
    }
    look_at_hours(step);
    end_rest(step);
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t policy_due(const struct step *step)
{
    const struct fleet *fleet = step->fleet;
    int64_t due = DUE_NEVER;

    for (int site = fleet->site_first[step->server]; site != MODEL_NONE;
         site = fleet->site_next[site]) {
        const struct domain_state *state = &fleet->domains[fleet->model->sites[site].domain];

        if (has_hours(step, site))
            due = earliest(due, boot_at(step, fleet->sites[site].hours_valid_until));
        if (!fleet->model->sites[site].is_project && state->looked > 0)
            due = earliest(due, boot_at(step, state->valid_until));
    }
    return due;
}
