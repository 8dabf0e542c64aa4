#include "simulate/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "say/say.h"

enum { WORDS_SIZE = 1024 };
#include "base/number.h"

int watch_init(struct watch *watch, const struct model *model, const struct telling *telling)
{
    *watch = (struct watch){.model = model, .telling = *telling};
    watch->servers = calloc(model->n_servers + 1, sizeof(*watch->servers));
    watch->sites = calloc(model->n_sites + 1, sizeof(*watch->sites));
    watch->touched = calloc(model->n_servers + 1, sizeof(*watch->touched));
    if (!watch->servers || !watch->sites || !watch->touched) {
        watch_finish(watch);
        return -ENOMEM;
    }
    for (size_t i = 0; i < model->n_servers; i++)
        watch->servers[i].account =
            (struct telling_account){.server = model->servers[i].id,
                                     .wait = -1,
                                     .watts_on = model->servers[i].watts_on,
                                     .watts_asleep = model->servers[i].watts_asleep};
    return 0;
}

void watch_finish(struct watch *watch)
{
    if (!watch)
        return;
    free(watch->servers);
    free(watch->sites);
    free(watch->touched);
    *watch = (struct watch){0};
}

char *watch_time(const struct watch *watch, int64_t boot, char out[LOCAL_SIZE])
{
    const int64_t at = watch->telling.now + (boot - watch->now.boot);

    return local_short(watch->telling.local, at, watch->telling.now, out);
}

#define TELL(watch_, server_, ...)                                                                 \
    telling_line(&(watch_)->telling, (watch_)->model->servers[server_].id, __VA_ARGS__)

/* ---- leases and guards, which change without an action of their own ---- */

/* Why, where that is known beside who. */
static char *say_reason(const struct watch *watch, const struct fact *fact, char out[SAID_SIZE])
{
    const struct say_how how = {.language = SAY_ENGLISH,
                                .now = watch->now.wall,
                                .local = watch->telling.local,
                                .behind = watch->telling.behind};

    return say_fact_text(fact, watch->model, how, out, SAID_SIZE);
}

static char *say_lease(const struct watch *watch, int server, const struct lease *lease, char *out,
                       size_t size)
{
    const char *holder = lease_holder(lease, watch->model, server);
    const struct fact fact = lease_why(lease);
    char why[SAID_SIZE];

    say_reason(watch, &fact, why);
    switch (lease->kind) {
    case LEASE_VISIT:
        snprintf(out, size, "%s is visited", holder);
        break;
    case LEASE_SCHEDULE:
        snprintf(out, size, "the schedule of %s wants it", holder);
        break;
    case LEASE_ALWAYS_ON:
        snprintf(out, size, "%s is always on", holder);
        break;
    case LEASE_MANUAL:
        snprintf(out, size, "%s%s", why[0] ? why : holder, why[0] ? "" : " woke it");
        break;
    case LEASE_HOLD:
        snprintf(out, size, "%s holds it%s%s", holder, why[0] ? ": " : "", why);
        break;
    case LEASE_AGENT:
        snprintf(out, size, "%s is in use on it", holder);
        break;
    case LEASE_DEPENDENT:
        snprintf(out, size, "%s needs it", holder);
        break;
    case LEASE_STREAM:
        snprintf(out, size, "%s is in use%s%s", holder, why[0] ? ": " : "", why);
        break;
    }
    return out;
}

static void say_until(const struct watch *watch, int64_t boot, char *out, size_t size)
{
    char shown[LOCAL_SIZE];

    out[0] = '\0';
    if (boot != LEASE_FOREVER)
        snprintf(out, size, " until %s", watch_time(watch, boot, shown));
}

static void tell_begun(const struct watch *watch, int server, const struct lease *lease)
{
    const bool up = power_is_up(fleet_power(watch->fleet, server)->state);
    char words[WORDS_SIZE], until[64];

    say_until(watch, lease->until, until, sizeof(until));
    TELL(watch, server, "lease", "begins: %s because %s%s", up ? "awake" : "wanted",
         say_lease(watch, server, lease, words, sizeof(words)), until);
}

static void tell_ended(const struct watch *watch, int server, const struct lease *lease)
{
    const bool last = fleet_power(watch->fleet, server)->leases.n == 0;
    char used[LOCAL_SIZE], words[128] = "";

    if (lease->kind == LEASE_VISIT)
        snprintf(words, sizeof(words), ", last used %s", watch_time(watch, lease->renewed, used));
    TELL(watch, server, "lease", "ends: %s of %s%s%s", lease_kind_name(lease->kind),
         lease_holder(lease, watch->model, server), words,
         last ? "; nothing else keeps it awake" : "");
}

static void look_at_leases(struct watch *watch, int server)
{
    const struct lease_set *set = &fleet_power(watch->fleet, server)->leases;
    struct lease_set *told = &watch->servers[server].leases;

    for (size_t i = 0; i < told->n; i++)
        if (!lease_find(set, told->leases[i].kind, told->leases[i].subject, told->leases[i].holder))
            tell_ended(watch, server, &told->leases[i]);
    for (size_t i = 0; i < set->n; i++)
        if (!lease_find(told, set->leases[i].kind, set->leases[i].subject, set->leases[i].holder))
            tell_begun(watch, server, &set->leases[i]);
    *told = *set;
}

static void look_at_guard(struct watch *watch, int server)
{
    const struct guard *guard = &fleet_power(watch->fleet, server)->guard;
    struct watch_server *of = &watch->servers[server];
    char until[64];

    if (guard->kind != GUARD_NONE &&
        (guard->kind != of->guard.kind || guard->until != of->guard.until)) {
        say_until(watch, guard->until, until, sizeof(until));
        TELL(watch, server, "guard", "%s refuses to wake it%s", guard_name(guard->kind), until);
        of->account.refused++;
    }
    of->guard = *guard;
}

/* ---- actions ---- */

static void tell_state(struct watch *watch, const struct action *action)
{
    char reason[SAID_SIZE];

    TELL(watch, action->server, "state", "%s -> %s: %s", power_state_name(action->state.from),
         power_state_name(action->state.to),
         say_reason(watch, &fleet_power(watch->fleet, action->server)->reason, reason));
}

/* All that keeps it awake, now that it is there. */
static void tell_why(struct watch *watch, int server)
{
    const struct lease_set *set = &fleet_power(watch->fleet, server)->leases;
    char text[TELLING_TEXT_SIZE / 2] = "", words[WORDS_SIZE], until[64];
    size_t used = 0;

    for (size_t i = 0; i < set->n && used < sizeof(text); i++) {
        say_until(watch, set->leases[i].until, until, sizeof(until));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s",
                                 i == 0            ? ""
                                 : i + 1 == set->n ? " and "
                                                   : ", ",
                                 say_lease(watch, server, &set->leases[i], words, sizeof(words)),
                                 until);
    }
    if (set->n > 0)
        TELL(watch, server, "why", "awake because %s", text);
}

/* While a veto stands it is asked again each minute; that a packet was sent has a line already. */
static bool is_repetition(struct watch *watch, const struct action *action)
{
    struct watch_server *of = &watch->servers[action->server];
    const char *by = fleet_power(watch->fleet, action->server)->sleep.by;
    const enum happening what = action->event.what;

    if (what == HAPPENED_SLEEP_REQUESTED)
        return of->vetoed && strcmp(by, "idle") == 0;
    of->vetoed = what == HAPPENED_SLEEP_REFUSED;
    return what == HAPPENED_STAGE && action->event.stage == STAGE_PACKET_SENT;
}

static void tell_event(struct watch *watch, const struct action *action)
{
    struct watch_server *of = &watch->servers[action->server];
    const enum happening what = action->event.what;
    char span[32] = "", detail[SAID_SIZE];

    if (is_repetition(watch, action))
        return;
    if (what == HAPPENED_STAGE)
        duration_show(action->event.ms, span, sizeof(span));
    TELL(watch, action->server, happening_name(what), "%s%s%s%s",
         say_reason(watch, action->event.detail, detail), span[0] ? " after " : "", span,
         what == HAPPENED_PACKET_SENT && of->packet_lost ? ", which does not reach it" : "");
    of->account.failed += what == HAPPENED_WAKE_FAILED;
    of->account.refused += what == HAPPENED_COMMAND_REFUSED;
    if (what == HAPPENED_READY)
        tell_why(watch, action->server);
}

static void count_packet(struct watch *watch, const struct action *action)
{
    watch->servers[action->server].account.wakes += action->packet.number == 1;
}

/* That a command was accepted, and how one ended at once, the other lines say. */
static void tell_answer(struct watch *watch, const struct action *action)
{
    const struct ledger_entry *entry = action->answer;
    const bool ended = entry->outcome == OUTCOME_DONE || entry->outcome == OUTCOME_FAILED;
    char span[32], reason[SAID_SIZE];

    say_reason(watch, &entry->reason, reason);
    if (!ended || (entry->seconds_ms == 0 && reason[0] == '\0'))
        return;
    TELL(watch, action->server, "answer", "%s by %s: %s after %s%s%s",
         command_action_name(entry->action), entry->by, command_outcome_name(entry->outcome),
         duration_show(entry->seconds_ms, span, sizeof(span)), reason[0] ? ": " : "", reason);
}

/* From a time that moves by the second nobody has news. */
static bool is_moved(int64_t a, int64_t b)
{
    return (a == 0) != (b == 0) || a - b > 2000 || b - a > 2000;
}

/* It is said again at each use. */
static bool is_new_limit(struct watch_site *of, const struct action *action)
{
    const struct guard guard = action->limit.guard;
    const bool is_new = guard.kind != of->limit.kind || is_moved(guard.until, of->limit.until) ||
                        action->limit.address != of->limit_of;

    of->limit = guard;
    of->limit_of = action->limit.address;
    return is_new;
}

static void tell_limit(struct watch *watch, const struct action *action)
{
    const char *site = watch->model->sites[action->limit.site].id;
    const struct in_addr address = {.s_addr = htonl(action->limit.address)};
    char until[64], who[INET_ADDRSTRLEN] = "everyone";

    if (action->limit.address)
        inet_ntop(AF_INET, &address, who, sizeof(who));
    say_until(watch, action->limit.guard.until, until, sizeof(until));
    if (action->limit.refused)
        TELL(watch, action->server, "refused", "%s: %s refuses %s%s", site,
             guard_name(action->limit.guard.kind), who, until);
    else if (is_new_limit(&watch->sites[action->limit.site], action))
        TELL(watch, action->server, "limit", "%s: %s is used up for %s%s", site,
             guard_name(action->limit.guard.kind), who, until);
    watch->servers[action->server].account.refused += action->limit.refused;
}

static void tell_site(struct watch *watch, const struct action *action)
{
    const struct site_state *state = fleet_site(watch->fleet, action->site.site);
    struct watch_site *of = &watch->sites[action->site.site];
    const char *id = watch->model->sites[action->site.site].id;
    char until[64];

    if (action->site.changed) /* the state of a project: simulated servers have no containers */
        return;
    if (state->ready != of->ready)
        TELL(watch, action->server, "site", "%s %s", id,
             state->ready ? "answers: visitors are let through" : "does not answer any more");
    if (is_moved(state->closed_until, of->closed_until)) {
        say_until(watch, state->closed_until, until, sizeof(until));
        TELL(watch, action->server, "site", "%s is %s%s", id,
             state->closed_until ? "closed" : "open", state->closed_until ? until : "");
    }
    of->ready = state->ready;
    of->closed_until = state->closed_until;
}

typedef void teller(struct watch *watch, const struct action *action);

static teller *const tellers[] = {
    [ACTION_STATE] = tell_state,    [ACTION_STATUS] = NULL,        [ACTION_SITE] = tell_site,
    [ACTION_PACKET] = count_packet, [ACTION_PACE] = NULL,          [ACTION_SLEEP] = NULL,
    [ACTION_EVENT] = tell_event,    [ACTION_ANSWER] = tell_answer, [ACTION_LIMIT] = tell_limit,
    [ACTION_SAVE] = NULL,           [ACTION_QUOTA] = NULL,         [ACTION_PROJECT] = NULL,
    [ACTION_LOOK] = NULL,           [ACTION_CHECK] = NULL,
};

void watch_action(struct watch *watch, const struct action *action)
{
    struct watch_server *of = &watch->servers[action->server];

    look_at_leases(watch, action->server);
    look_at_guard(watch, action->server);
    if ((size_t)action->kind < ARRAY_SIZE(tellers) && tellers[action->kind])
        tellers[action->kind](watch, action);
    if (!of->touched)
        watch->touched[watch->n_touched++] = action->server;
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

static void look_ahead(struct watch *watch, int server)
{
    struct next_event *told = &watch->servers[server].next;
    struct next_event next = {0};
    char at[LOCAL_SIZE], reason[SAID_SIZE];

    if (!fleet_next_event(watch->fleet, server, watch->now, &next)) {
        *told = (struct next_event){0};
        return;
    }
    if (is_news(&next, told))
        TELL(watch, server, "next", "%s at %s: %s", next.what,
             local_short(watch->telling.local, next.at - watch->telling.behind, watch->telling.now,
                         at),
             say_reason(watch, &next.reason, reason));
    *told = next;
}

void watch_settle(struct watch *watch)
{
    for (size_t i = 0; i < watch->n_touched; i++) {
        const int server = watch->touched[i];

        watch->servers[server].touched = false;
        look_ahead(watch, server);
    }
    watch->n_touched = 0;
}
