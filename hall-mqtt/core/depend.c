#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/depend.h"
#include "core/emit.h"
#include "core/guard.h"
#include "core/wish.h"

static size_t count_edges(const struct model *model)
{
    size_t n = 0;

    for (size_t i = 0; i < model->n_servers; i++)
        n += model->servers[i].n_depends_on;
    return n;
}

static void link_edges(struct depend *depend, const struct model *model)
{
    int edge = 0;

    for (size_t i = 0; i < model->n_servers; i++)
        depend->first[i] = MODEL_NONE;
    for (size_t i = 0; i < model->n_servers; i++)
        for (size_t k = 0; k < model->servers[i].n_depends_on; k++, edge++) {
            const int needed = model->servers[i].depends_on[k];

            depend->from[edge] = (int)i;
            depend->next[edge] = depend->first[needed];
            depend->first[needed] = edge;
        }
}

struct named {
    const char *name;
    int server;
};

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int link_groups(struct depend *depend, const struct model *model)
{
    struct named *named = calloc(model->n_servers + 1, sizeof(*named));
    size_t n = 0;
    int group = -1;

    if (!named)
        return -ENOMEM;
    for (size_t i = 0; i < model->n_servers; i++) {
        depend->group[i] = MODEL_NONE;
        if (model->servers[i].group)
            named[n++] = (struct named){model->servers[i].group, (int)i};
    }
    qsort(named, n, sizeof(*named), compare_named);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(named[i].name, named[i - 1].name) != 0) {
            depend->group_first[++group] = MODEL_NONE;
            depend->starting[group] = MODEL_NONE;
        }
        depend->group[named[i].server] = group;
        depend->group_next[named[i].server] = depend->group_first[group];
        depend->group_first[group] = named[i].server;
    }
    free(named);
    return 0;
}

int depend_init(struct depend *depend, const struct model *model)
{
    const size_t n = model->n_servers + 1;
    const size_t edges = count_edges(model) + 1;

    *depend = (struct depend){
        .first = calloc(n, sizeof(int)),
        .next = calloc(edges, sizeof(int)),
        .from = calloc(edges, sizeof(int)),
        .group = calloc(n, sizeof(int)),
        .group_first = calloc(n, sizeof(int)),
        .group_next = calloc(n, sizeof(int)),
        .starting = calloc(n, sizeof(int)),
    };
    if (!depend->first || !depend->next || !depend->from || !depend->group ||
        !depend->group_first || !depend->group_next || !depend->starting)
        return -ENOMEM;
    link_edges(depend, model);
    return link_groups(depend, model);
}

void depend_finish(struct depend *depend)
{
    free(depend->first);
    free(depend->next);
    free(depend->from);
    free(depend->group);
    free(depend->group_first);
    free(depend->group_next);
    free(depend->starting);
    *depend = (struct depend){0};
}

/* Does this server, as it stands, need those it depends on? Up it does, ready or not. */
static bool needs_others(const struct power *power)
{
    return power->wake.open || power->wake.queued || power->evidence.alive ||
           power->state == POWER_SLEEPING;
}

/* A server that is up but not ready has nobody to wake it, but somebody now waits, with a limit. */
static void wait_for_checks(struct step *step, const char *holder)
{
    char cause[CAUSE_SIZE];

    if (!power_is_up(step->power->state) || step->power->state == POWER_READY)
        return;
    snprintf(cause, sizeof(cause), "%.64s needs it", holder);
    wish_wake(step, cause, true);
}

static void take(struct step *step, const char *holder)
{
    struct power *power = step->power;

    if (!lease_take(&power->leases, LEASE_DEPENDENT, holder, "", step->now.boot, LEASE_FOREVER))
        return;
    step->changed = true;
    power->retry_at = 0;
    power->resting = false;
    wait_for_checks(step, holder);
}

void depend_keep(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    struct lease_set *set = &step->power->leases;

    for (int edge = fleet->depend.first[step->server]; edge != MODEL_NONE;
         edge = fleet->depend.next[edge]) {
        const int from = fleet->depend.from[edge];
        const char *holder = fleet->model->servers[from].id;
        const bool held = lease_find(set, LEASE_DEPENDENT, holder);
        const bool needed = needs_others(&fleet->powers[from]);

        if (needed && !held)
            take(step, holder);
        else if (!needed && held)
            step->changed |= lease_release(set, LEASE_DEPENDENT, holder);
        else if (held && fleet->powers[from].wake.wait == WAIT_DEPENDENCY &&
                 (step->power->asked || step->power->failure == FAILURE_NONE))
            wait_for_checks(step, holder);
    }
}

static void touch(struct step *step, int server)
{
    if (step->fleet->due.at[server] > step->now.boot)
        due_set(&step->fleet->due, server, step->now.boot);
}

/* What those who need this server look at. */
static bool is_telling(const struct power *power)
{
    return power->state == POWER_READY;
}

/* Put to sleep by force, and nobody has wanted it anew. */
static bool is_at_rest(const struct power *power)
{
    return power->resting && !power->evidence.alive;
}

static bool will_not_come(const struct power *power)
{
    const bool may_come = power->state == POWER_READY || power->state == POWER_SLEEPING ||
                          power->wake.open || power->wake.queued || power->asked;

    return !may_come &&
           (power->failure != FAILURE_NONE || power->guard.kind != GUARD_NONE || is_at_rest(power));
}

void depend_touch(struct step *step)
{
    const struct fleet *fleet = step->fleet;
    struct power *power = step->power;
    const bool needs = needs_others(power);
    const bool tells = is_telling(power);

    power->asked = false;
    if (needs != power->needed_others)
        for (size_t i = 0; i < step->model->n_depends_on; i++)
            touch(step, step->model->depends_on[i]);
    if (tells != power->was_told_ready || will_not_come(power))
        for (int edge = fleet->depend.first[step->server]; edge != MODEL_NONE;
             edge = fleet->depend.next[edge])
            if (fleet->powers[fleet->depend.from[edge]].wake.wait == WAIT_DEPENDENCY)
                touch(step, fleet->depend.from[edge]);
    power->needed_others = needs;
    power->was_told_ready = tells;
}

enum wake_wait depend_wait(const struct step *step, char out[REASON_SIZE])
{
    const struct fleet *fleet = step->fleet;
    const int group = fleet->depend.group[step->server];

    for (size_t i = 0; i < step->model->n_depends_on; i++) {
        const int needed = step->model->depends_on[i];

        if (fleet->powers[needed].state == POWER_READY)
            continue;
        snprintf(out, REASON_SIZE, "waits for %s, which it needs",
                 fleet->model->servers[needed].id);
        return WAIT_DEPENDENCY;
    }
    if (group != MODEL_NONE && fleet->depend.starting[group] != MODEL_NONE &&
        fleet->depend.starting[group] != step->server) {
        snprintf(out, REASON_SIZE, "waits for its turn: %s starts on the same circuit (%s)",
                 fleet->model->servers[fleet->depend.starting[group]].id, step->model->group);
        return WAIT_TURN;
    }
    return WAIT_NOTHING;
}

static void say_failure(const struct step *step, int needed, char out[REASON_SIZE])
{
    const struct power *power = &step->fleet->powers[needed];
    char why[REASON_SIZE];

    if (power->guard.kind != GUARD_NONE)
        guard_say(step, &power->guard, why);
    else if (is_at_rest(power))
        snprintf(why, sizeof(why), "it was put to sleep by force");
    else if (power->failure == FAILURE_CANCELLED || !power->problem[0])
        snprintf(why, sizeof(why), "its wake was cancelled");
    else
        text_copy(why, sizeof(why), power->problem);
    snprintf(out, REASON_SIZE, "%s, which it needs, did not become ready: %.160s",
             step->fleet->model->servers[needed].id, why);
}

bool depend_failed(const struct step *step, char out[REASON_SIZE])
{
    const struct fleet *fleet = step->fleet;

    for (size_t i = 0; i < step->model->n_depends_on; i++) {
        const int needed = step->model->depends_on[i];

        if (!will_not_come(&fleet->powers[needed]))
            continue;
        say_failure(step, needed, out);
        return true;
    }
    return false;
}

void depend_ask(struct step *step)
{
    for (size_t i = 0; i < step->model->n_depends_on; i++) {
        const int needed = step->model->depends_on[i];
        struct power *power = &step->fleet->powers[needed];

        if (power->state == POWER_READY)
            continue;
        /* Whoever needs it now is not to wait for the back-off of an earlier failure. */
        power->asked = true;
        power->resting = false;
        power->retry_at = 0;
        touch(step, needed);
    }
}

void depend_take_turn(struct step *step)
{
    const int group = step->fleet->depend.group[step->server];

    if (group != MODEL_NONE)
        step->fleet->depend.starting[group] = step->server;
}

void depend_end_turn(struct step *step)
{
    struct depend *depend = &step->fleet->depend;
    const int group = depend->group[step->server];

    if (group == MODEL_NONE || depend->starting[group] != step->server)
        return;
    depend->starting[group] = MODEL_NONE;
    for (int server = depend->group_first[group]; server != MODEL_NONE;
         server = depend->group_next[server])
        if (step->fleet->powers[server].wake.wait == WAIT_TURN)
            touch(step, server);
}
