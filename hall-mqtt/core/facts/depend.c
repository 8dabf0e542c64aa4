#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/emit.h"
#include "core/facts/depend.h"
#include "core/facts/guard.h"

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

void depend_touch(struct step *step, int server)
{
    if (step->fleet->due.at[server] > step->now.boot)
        due_set(&step->fleet->due, server, step->now.boot);
}

/* Put to sleep by force, and nobody has wanted it anew. */
static bool is_at_rest(const struct power *power)
{
    return power->resting && !power->evidence.alive;
}

bool depend_will_not_come(const struct power *power)
{
    const bool may_come = power->state == POWER_READY || power->state == POWER_SLEEPING ||
                          power->wake.open || power->wake.queued || power->asked;

    return !may_come &&
           (power->failure != FAILURE_NONE || power->guard.kind != GUARD_NONE || is_at_rest(power));
}

static bool is_before(const struct wake *a, const struct wake *b)
{
    return a->started < b->started || (a->started == b->started && a->order < b->order);
}

/* Who of this circuit has waited longest for its turn, beside the server at hand; MODEL_NONE. */
static int first_in_line(const struct step *step, int group)
{
    const struct fleet *fleet = step->fleet;
    int first = MODEL_NONE;

    for (int server = fleet->depend.group_first[group]; server != MODEL_NONE;
         server = fleet->depend.group_next[server]) {
        const struct wake *wake = &fleet->powers[server].wake;

        if (server != step->server && wake->open && wake->wait == WAIT_TURN &&
            (first == MODEL_NONE || is_before(wake, &fleet->powers[first].wake)))
            first = server;
    }
    return first;
}

/* The server that starts now on its circuit, or is to before the one at hand; MODEL_NONE. */
static int whose_turn(const struct step *step, int group)
{
    const struct fleet *fleet = step->fleet;

    if (fleet->depend.starting[group] != MODEL_NONE)
        return fleet->depend.starting[group];
    const int first = first_in_line(step, group);

    return first != MODEL_NONE && is_before(&fleet->powers[first].wake, &step->power->wake)
               ? first
               : MODEL_NONE;
}

enum wake_wait depend_wait(const struct step *step, struct fact *ret_what)
{
    const struct fleet *fleet = step->fleet;
    const int group = fleet->depend.group[step->server];

    for (size_t i = 0; i < step->model->n_depends_on; i++) {
        const int needed = step->model->depends_on[i];

        if (fleet->powers[needed].state == POWER_READY)
            continue;
        *ret_what = FACT(WAKE_WAITS_FOR, .subject = needed);
        return WAIT_DEPENDENCY;
    }
    if (group != MODEL_NONE) {
        const int turn = whose_turn(step, group);

        if (turn != MODEL_NONE && turn != step->server) {
            *ret_what = FACT(WAKE_WAITS_TURN, .subject = turn);
            return WAIT_TURN;
        }
    }
    return WAIT_NOTHING;
}

/* Why a server that is needed will not come. */
static struct fact failure_of(const struct step *step, int needed)
{
    const struct power *power = &step->fleet->powers[needed];

    if (power->guard.kind != GUARD_NONE)
        return guard_fact(&power->guard, step->now);
    if (is_at_rest(power))
        return FACT(SLEEP_FORCED);
    if (power->failure == FAILURE_CANCELLED || fact_is(&power->problem, FACT_NONE))
        return FACT(WAKE_ITS_CALLED_OFF);
    return power->problem;
}

bool depend_failed(const struct step *step, struct fact *ret_why)
{
    const struct fleet *fleet = step->fleet;

    for (size_t i = 0; i < step->model->n_depends_on; i++) {
        const int needed = step->model->depends_on[i];

        if (!depend_will_not_come(&fleet->powers[needed]))
            continue;
        const struct fact why = failure_of(step, needed);

        *ret_why = fact_because(FACT(WAKE_NEEDED_NOT_READY, .subject = needed), &why);
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
        depend_touch(step, needed);
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

    if (group == MODEL_NONE)
        return;
    if (depend->starting[group] == step->server)
        depend->starting[group] = MODEL_NONE;
    else if (depend->starting[group] != MODEL_NONE || step->power->wake.wait != WAIT_TURN)
        return;
    const int next = first_in_line(step, group);

    if (next != MODEL_NONE)
        depend_touch(step, next);
}
