#include "simulate/observer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "say/say.h"

#include "base/number.h"

int observer_init(struct observer *observer, const struct model *model,
                  const struct telling *telling)
{
    *observer = (struct observer){.model = model, .telling = *telling};
    observer->servers = calloc(model->n_servers + 1, sizeof(*observer->servers));
    observer->sites = calloc(model->n_sites + 1, sizeof(*observer->sites));
    observer->touched = calloc(model->n_servers + 1, sizeof(*observer->touched));
    if (!observer->servers || !observer->sites || !observer->touched) {
        observer_finish(observer);
        return -ENOMEM;
    }
    for (size_t i = 0; i < model->n_servers; i++)
        observer->servers[i].account =
            (struct telling_account){.server = model->servers[i].id,
                                     .wait = -1,
                                     .watts_on = model->servers[i].watts_on,
                                     .watts_asleep = model->servers[i].watts_asleep};
    return 0;
}

void observer_finish(struct observer *observer)
{
    if (!observer)
        return;
    for (size_t i = 0; observer->servers && i < observer->model->n_servers; i++)
        free(observer->servers[i].leases.leases);
    free(observer->servers);
    free(observer->sites);
    free(observer->touched);
    *observer = (struct observer){0};
}

/* A wall time that people read, for a time of the boot clock. */
static char *time_of(const struct observer *observer, int64_t boot, char out[LOCAL_SIZE])
{
    const int64_t at = observer->telling.now + (boot - observer->now.boot);

    return local_short(observer->telling.local, at, observer->telling.now, out);
}

#define TELL(observer_, server_, ...)                                                              \
    telling_line(&(observer_)->telling, (observer_)->model->servers[server_].id, __VA_ARGS__)

/* ---- leases and guards, which change without an action of their own ---- */

static struct say_how how_of(const struct observer *observer)
{
    return (struct say_how){.language = SAY_ENGLISH,
                            .now = observer->now.wall,
                            .local = observer->telling.local,
                            .behind = observer->telling.behind};
}

static char *say_reason(const struct observer *observer, const struct fact *fact,
                        char out[SAID_SIZE])
{
    return say_fact_text(fact, observer->model, how_of(observer), out, SAID_SIZE);
}

static void say_until(const struct observer *observer, int64_t boot, char *out, size_t size)
{
    char shown[LOCAL_SIZE];

    out[0] = '\0';
    if (boot != LEASE_FOREVER)
        snprintf(out, size, " until %s", time_of(observer, boot, shown));
}

/* Without memory it stays as it was: then something is told twice. */
static void note_leases(const struct lease_set *set, struct lease_set *told)
{
    if (set->n > told->room) {
        struct lease *leases = reallocarray(told->leases, set->n, sizeof(*leases));

        if (!leases)
            return;
        told->leases = leases;
        told->room = set->n;
    }
    if (set->n > 0)
        memcpy(told->leases, set->leases, set->n * sizeof(*told->leases));
    told->n = set->n;
}

static void look_at_leases(struct observer *observer, int server)
{
    const struct lease_set *set = fleet_power(observer->fleet, server)->leases;
    struct lease_set *told = &observer->servers[server].leases;

    for (size_t i = 0; i < told->n; i++) {
        const struct lease *lease = &told->leases[i];
        char used[LOCAL_SIZE], words[128] = "";

        if (lease_find(set, lease->kind, lease->subject, lease->holder))
            continue;
        if (lease->kind == LEASE_VISIT)
            snprintf(words, sizeof(words), ", last used %s",
                     time_of(observer, lease->renewed, used));
        TELL(observer, server, "lease", "ends: %s of %s%s%s", lease_kind_name(lease->kind),
             lease_holder(lease, observer->model, server), words,
             set->n == 0 ? "; nothing else keeps it awake" : "");
    }
    for (size_t i = 0; i < set->n; i++)
        if (!lease_find(told, set->leases[i].kind, set->leases[i].subject, set->leases[i].holder)) {
            const bool up = power_is_up(fleet_power(observer->fleet, server)->state);
            const struct fact fact = lease_fact(&set->leases[i], server, observer->now);
            char words[SAID_SIZE];
            TELL(observer, server, "lease", "begins: %s because %s", up ? "awake" : "wanted",
                 say_reason(observer, &fact, words));
        }
    note_leases(set, told);
}

static void look_at_guard(struct observer *observer, int server)
{
    const struct guard *guard = &fleet_power(observer->fleet, server)->guard;
    struct observed_server *of = &observer->servers[server];
    char until[64];

    if (guard->kind != GUARD_NONE &&
        (guard->kind != of->guard.kind || guard->until != of->guard.until)) {
        say_until(observer, guard->until, until, sizeof(until));
        TELL(observer, server, "guard", "%s refuses to wake it%s", guard_name(guard->kind), until);
        of->account.refused++;
    }
    of->guard = *guard;
}

/* ---- actions ---- */

static void tell_state(struct observer *observer, const struct action *action)
{
    char reason[SAID_SIZE];

    TELL(observer, action->server, "state", "%s -> %s: %s", power_state_name(action->state.from),
         power_state_name(action->state.to),
         say_reason(observer, &fleet_power(observer->fleet, action->server)->reason, reason));
}

/* While a veto stands it is asked again each minute; that a packet was sent has a line already. */
static bool is_repetition(struct observer *observer, const struct action *action)
{
    struct observed_server *of = &observer->servers[action->server];
    const char *by = fleet_power(observer->fleet, action->server)->sleep.by;
    const enum happening what = action->event.what;

    if (what == HAPPENED_SLEEP_REQUESTED)
        return of->vetoed && strcmp(by, "idle") == 0;
    of->vetoed = what == HAPPENED_SLEEP_REFUSED;
    return what == HAPPENED_STAGE && action->event.stage == STAGE_PACKET_SENT;
}

static void tell_event(struct observer *observer, const struct action *action)
{
    struct observed_server *of = &observer->servers[action->server];
    const enum happening what = action->event.what;
    char span[32] = "", detail[SAID_SIZE];

    if (is_repetition(observer, action))
        return;
    if (what == HAPPENED_STAGE)
        duration_show(action->event.ms, span, sizeof(span));
    TELL(observer, action->server, happening_name(what), "%s%s%s%s",
         say_reason(observer, action->event.detail, detail), span[0] ? " after " : "", span,
         what == HAPPENED_PACKET_SENT && of->packet_lost ? ", which does not reach it" : "");
    of->account.failed += what == HAPPENED_WAKE_FAILED;
    of->account.refused += what == HAPPENED_COMMAND_REFUSED;
    if (what == HAPPENED_READY) {
        /* All that keeps it awake, now that it is there. */
        struct buf why = BUF_INIT(SAY_SENTENCE_MAX);
        say_awake(observer->fleet, action->server, observer->now, how_of(observer), &why);
        if (fleet_power(observer->fleet, action->server)->leases->n > 0)
            TELL(observer, action->server, "why", "%s", buf_text(&why));
        buf_finish(&why);
    }
}

static void count_packet(struct observer *observer, const struct action *action)
{
    observer->servers[action->server].account.wakes += action->packet.number == 1;
}

/* That a command was accepted, and how one ended at once, the other lines say. */
static void tell_answer(struct observer *observer, const struct action *action)
{
    const struct ledger_entry *entry = action->answer;
    const bool ended = entry->outcome == OUTCOME_DONE || entry->outcome == OUTCOME_FAILED;
    char span[32], reason[SAID_SIZE];

    say_reason(observer, &entry->reason, reason);
    if (!ended || (entry->seconds_ms == 0 && reason[0] == '\0'))
        return;
    TELL(observer, action->server, "answer", "%s by %s: %s after %s%s%s",
         command_action_name(entry->action), entry->by, command_outcome_name(entry->outcome),
         duration_show(entry->seconds_ms, span, sizeof(span)), reason[0] ? ": " : "", reason);
}

/* From a time that moves by the second nobody has news. */
static bool is_moved(int64_t a, int64_t b)
{
    return (a == 0) != (b == 0) || a - b > 2000 || b - a > 2000;
}

/* It is said again at each use. */
static bool is_new_limit(struct observed_site *of, const struct action *action)
{
    const struct guard guard = action->limit.guard;
    const bool is_new = guard.kind != of->limit.kind || is_moved(guard.until, of->limit.until) ||
                        !address_equal(action->limit.address, of->limit_of);

    of->limit = guard;
    of->limit_of = action->limit.address;
    return is_new;
}

static void tell_limit(struct observer *observer, const struct action *action)
{
    const char *site = observer->model->sites[action->limit.site].id;
    char until[64], who[ADDRESS_TEXT_SIZE] = "everyone";

    if (!address_is_none(action->limit.address))
        address_format_client(action->limit.address, who);
    say_until(observer, action->limit.guard.until, until, sizeof(until));
    if (action->limit.refused)
        TELL(observer, action->server, "refused", "%s: %s refuses %s%s", site,
             guard_name(action->limit.guard.kind), who, until);
    else if (is_new_limit(&observer->sites[action->limit.site], action))
        TELL(observer, action->server, "limit", "%s: %s is used up for %s%s", site,
             guard_name(action->limit.guard.kind), who, until);
    observer->servers[action->server].account.refused += action->limit.refused;
}

static void tell_site(struct observer *observer, const struct action *action)
{
    const struct site_state *state = fleet_site(observer->fleet, action->site.site);
    struct observed_site *of = &observer->sites[action->site.site];
    const char *id = observer->model->sites[action->site.site].id;
    char until[64];

    if (action->site.changed) /* the state of a project: simulated servers have no containers */
        return;
    if (state->ready != of->ready)
        TELL(observer, action->server, "site", "%s %s", id,
             state->ready ? "answers: visitors are let through" : "does not answer any more");
    if (is_moved(state->closed_until, of->closed_until)) {
        say_until(observer, state->closed_until, until, sizeof(until));
        TELL(observer, action->server, "site", "%s is %s%s", id,
             state->closed_until ? "closed" : "open", state->closed_until ? until : "");
    }
    of->ready = state->ready;
    of->closed_until = state->closed_until;
}

typedef void teller(struct observer *observer, const struct action *action);

static teller *const tellers[] = {
    [ACTION_STATE] = tell_state,    [ACTION_STATUS] = NULL,        [ACTION_SITE] = tell_site,
    [ACTION_PACKET] = count_packet, [ACTION_PACE] = NULL,          [ACTION_SLEEP] = NULL,
    [ACTION_EVENT] = tell_event,    [ACTION_ANSWER] = tell_answer, [ACTION_LIMIT] = tell_limit,
    [ACTION_SAVE] = NULL,           [ACTION_QUOTA] = NULL,         [ACTION_PROJECT] = NULL,
    [ACTION_LOOK] = NULL,           [ACTION_CHECK] = NULL,         [ACTION_JOIN] = NULL,
};

void observer_action(struct observer *observer, const struct action *action)
{
    struct observed_server *of = &observer->servers[action->server];

    look_at_leases(observer, action->server);
    look_at_guard(observer, action->server);
    if ((size_t)action->kind < ARRAY_SIZE(tellers) && tellers[action->kind])
        tellers[action->kind](observer, action);
    if (!of->touched)
        observer->touched[observer->n_touched++] = action->server;
    of->touched = true;
}

/* ---- what comes next ---- */

/* Each use moves the end of a visit, and an answer to a proposal comes in seconds: that is no
 * news. */
static bool is_news(const struct next_event *next, const struct next_event *told)
{
    if (strcmp(next->what, "sleep_deadline") == 0)
        return false;
    if (!told->what || strcmp(next->what, told->what) != 0 ||
        !fact_equal(&next->reason, &told->reason))
        return true;
    return strcmp(next->what, "sleep") != 0 && is_moved(next->at, told->at);
}

static void look_ahead(struct observer *observer, int server)
{
    struct next_event *told = &observer->servers[server].next;
    struct next_event next = {0};
    char at[LOCAL_SIZE], reason[SAID_SIZE];

    if (!fleet_next_event(observer->fleet, server, observer->now, &next)) {
        *told = (struct next_event){0};
        return;
    }
    if (is_news(&next, told))
        TELL(observer, server, "next", "%s at %s: %s", next.what,
             local_short(observer->telling.local, next.at - observer->telling.behind,
                         observer->telling.now, at),
             say_reason(observer, &next.reason, reason));
    *told = next;
}

void observer_settle(struct observer *observer)
{
    for (size_t i = 0; i < observer->n_touched; i++) {
        const int server = observer->touched[i];

        observer->servers[server].touched = false;
        look_ahead(observer, server);
    }
    observer->n_touched = 0;
}
