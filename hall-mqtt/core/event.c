/* What each event means for the server it is about. */
#include <string.h>

#include "base/text.h"
#include "core/emit.h"
#include "core/event.h"
#include "core/facts/leases.h"
#include "core/facts/projects.h"

enum {
    STREAMS_TOLD_EVERY = 15000, /* ms: figures alone are not published more often */
    SUSPECT_MOST = 3000,        /* ms: by then the checks have told */
};

static void handle_visit(struct step *step, const struct fleet_event *event)
{
    step->heard.visit = event;
}

static void handle_command(struct step *step, const struct fleet_event *event)
{
    step->heard.command = &event->command;
}

/* Whose site answers where another MAC does: the server's own when it was sent packets, and at the
 * first look. One that comes up by itself may be anybody's. */
static bool may_learn(const struct power *power)
{
    return power->state == POWER_UNKNOWN || power->wake.open;
}

/* The other machine that answered on its address has gone. */
static void forget_intruder(struct step *step, bool was_other)
{
    if (was_other && step->power->evidence.mac == MAC_MATCH)
        step_problem(step, NULL);
}

static void handle_probe(struct step *step, const struct fleet_event *event)
{
    struct evidence *evidence = &step->power->evidence;
    const bool was_other = evidence->mac == MAC_OTHER;

    if (event->probe.check >= step->model->n_checks)
        return;
    evidence->learns = may_learn(step->power);
    const struct evidence_change change =
        evidence_probe(evidence, step->model, event->probe.check, event->probe.outcome,
                       event->probe.fault, event->probe.detail);
    forget_intruder(step, was_other);
    step->heard.seen = change;
}

static void handle_neighbour(struct step *step, const struct fleet_event *event)
{
    struct evidence *evidence = &step->power->evidence;
    const bool was_other = evidence->mac == MAC_OTHER;

    evidence->learns = may_learn(step->power);
    const struct evidence_change change =
        evidence_neighbour(evidence, step->model, event->neighbour.verdict, event->neighbour.mac);
    forget_intruder(step, was_other);
    step->heard.seen = change;
    step->heard.intruder = event->neighbour.verdict == MAC_OTHER && evidence->mac == MAC_OTHER;
}

static void handle_moved(struct step *step, const struct fleet_event *event)
{
    step->changed |= step->power->moved.s_addr != event->moved.address.s_addr;
    step->power->moved = event->moved.address;
}

static bool is_agent_stream(const char *holder)
{
    return strcmp(holder, AGENT_STREAM) == 0;
}

/* What it said before it went holds no more; what it reported in use lives on a while. */
static void agent_went(struct step *step)
{
    struct lease_set *set = step->power->leases;
    const int64_t until = step->now.boot + step_idle(step);

    step->heard.agent_gone = true;
    for (size_t i = 0; i < set->n; i++)
        if (lease_is_of_agent(&set->leases[i]) && set->leases[i].until > until)
            set->leases[i].until = until;
}

static void handle_agent(struct step *step, const struct fleet_event *event)
{
    struct power *power = step->power;
    const enum agent_word word = event->agent.word, before = power->evidence.agent;
    const bool was_sleeping = before == AGENT_SLEEPING;
    const struct evidence_change change =
        evidence_agent(&power->evidence, step->model, word, step->now.boot);

    if (word != AGENT_ONLINE && word != before)
        agent_went(step);
    /* The broker says a retained word again at each reconnect: that is no new goodbye. */
    if (word == AGENT_SLEEPING && was_sleeping)
        return;
    if (word == AGENT_SLEEPING) {
        step->changed = true;
        power->said_goodbye |= power->state == POWER_OFF;
        step->heard.goodbye = true;
        return;
    }
    /* It may have been "offline" in between: a machine that restarts quicker than silence is
     * proven. */
    step->heard.back =
        word == AGENT_ONLINE && before != AGENT_ONLINE && power->state == POWER_SLEEPING;
    step->heard.seen = change;
}

/* Bytes that moved longer ago than the idle time are no use. The agent hears that time with the
 * first command only. */
static bool is_lasting(const struct step *step, const struct agent_use *use)
{
    return use->quiet == 0 || use->quiet < step_idle(step);
}

/* The leases of an agent are those of its latest report. */
static void take_uses(struct step *step, const struct agent_uses *uses)
{
    struct lease_set *set = step->power->leases;

    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];
        bool goes_on = !lease_is_of_agent(&lease);

        for (size_t k = 0; k < uses->n && !goes_on; k++)
            goes_on =
                is_lasting(step, &uses->list[k]) && strcmp(uses->list[k].holder, lease.holder) == 0;
        if (!goes_on)
            lease_release(set, lease.kind, lease.subject, lease.holder);
    }
    for (size_t i = 0; i < uses->n; i++) {
        const struct agent_use *use = &uses->list[i];

        if (!is_lasting(step, use))
            continue;
        (void)lease_take(set, is_agent_stream(use->holder) ? LEASE_STREAM : LEASE_AGENT, MODEL_NONE,
                         use->holder, &use->veto, step->now.boot, LEASE_FOREVER);
    }
}

/* An old report, said again by the broker, tells nothing of a server that is not up. */
static void handle_report(struct step *step, const struct fleet_event *event)
{
    step->heard.reported = step->power->report.heard_at <= step->power->wake.started;
    step->power->report = event->report;
    step->power->report.heard = true;
    step->power->report.heard_at = step->now.boot;
    if (power_is_up(step->power->state) && step->power->evidence.agent != AGENT_SLEEPING)
        take_uses(step, &event->uses);
    step->changed = true;
}

static bool is_seen(const struct stream_uses *uses, int site)
{
    for (size_t i = 0; i < uses->n; i++)
        if (uses->list[i].site == site)
            return true;
    return false;
}

static bool release_unseen(struct lease_set *set, const struct stream_uses *uses)
{
    const size_t before = set->n;

    for (size_t i = set->n; i-- > 0;) {
        const struct lease lease = set->leases[i];

        if (lease.kind == LEASE_STREAM && lease.subject != MODEL_NONE &&
            !is_seen(uses, lease.subject))
            lease_release(set, LEASE_STREAM, lease.subject, "");
    }
    return set->n != before;
}

static bool take_stream(struct step *step, const struct stream_use *use)
{
    struct lease_set *set = step->power->leases;
    const bool is_new = !lease_find(set, LEASE_STREAM, use->site, "");

    if (use->until <= step->now.boot)
        return false;
    /* Traffic at a site is use of it, so its containers stay up as well. */
    step->fleet->sites[use->site].last_visit = step->now.boot;
    (void)lease_take(set, LEASE_STREAM, use->site, "", &use->what, step->now.boot, use->until);
    return is_new || use->renamed;
}

static void take_streams(struct step *step, const struct stream_uses *uses)
{
    struct sight *sight = &step->power->sight;
    bool changed = release_unseen(step->power->leases, uses);

    for (size_t i = 0; i < uses->n; i++)
        changed |= take_stream(step, &uses->list[i]);
    if (!changed && (uses->n == 0 || step->now.boot - sight->told < STREAMS_TOLD_EVERY))
        return;
    sight->told = step->now.boot;
    step->changed = true;
}

/* Not to know is a veto: a look that could not be made ends no lease, and begins no sleep. */
static void handle_stream(struct step *step, const struct fleet_event *event)
{
    struct power *power = step->power;
    struct sight *sight = &power->sight;

    sight->asked = 0;
    if (event->streams.failed) {
        sight->failed = sight->watched;
        return;
    }
    if (sight->failed)
        power->sleep.not_before = step->now.boot;
    sight->watched = true;
    sight->failed = false;
    sight->looked = step->now.boot;
    if (power_is_awake(power))
        take_streams(step, &event->streams);
}

/* It may be gone: its checks will tell, soon. */
static void handle_stalled(struct step *step, const struct fleet_event *event)
{
    (void)event;
    if (power_is_awake(step->power))
        step->power->suspect_until = step->now.boot + SUSPECT_MOST;
}

static void handle_websocket(struct step *step, const struct fleet_event *event)
{
    struct site_state *site = &step->fleet->sites[event->visit.site];

    if (site->websocket == 0 || site->websocket < step->power->up_since)
        site->websocket = step->now.boot;
}

static void handle_containers(struct step *step, const struct fleet_event *event)
{
    projects_told(step, event->containers);
}

static void handle_sleep_answer(struct step *step, const struct fleet_event *event)
{
    step->heard.answer = event;
}

static void handle_packet_failed(struct step *step, const struct fleet_event *event)
{
    if (step->power->wake.packets_failed < step->power->wake.packets)
        step->power->wake.packets_failed++;
    step_problem(step, &event->packet.reason);
}

typedef void handler(struct step *, const struct fleet_event *);

static handler *const handlers[] = {
    [FLEET_VISIT] = handle_visit,
    [FLEET_USE] = handle_visit,
    [FLEET_COMMAND] = handle_command,
    [FLEET_PROBE] = handle_probe,
    [FLEET_NEIGHBOUR] = handle_neighbour,
    [FLEET_MOVED] = handle_moved,
    [FLEET_AGENT] = handle_agent,
    [FLEET_REPORT] = handle_report,
    [FLEET_STREAM] = handle_stream,
    [FLEET_STALLED] = handle_stalled,
    [FLEET_WEBSOCKET] = handle_websocket,
    [FLEET_CONTAINERS] = handle_containers,
    [FLEET_SLEEP_ANSWER] = handle_sleep_answer,
    [FLEET_PACKET_FAILED] = handle_packet_failed,
};

void event_handle(struct step *step, const struct fleet_event *event)
{
    step->heard.kind = event->kind;
    handlers[event->kind](step, event);
}
