/* What each event means for the server it is about. */
#include <string.h>

#include "base/text.h"
#include "core/emit.h"
#include "core/event.h"
#include "core/facts/agent_ports.h"
#include "core/facts/leases.h"
#include "core/facts/projects.h"

enum {
    STREAMS_TOLD_EVERY = 15000, /* ms: figures alone are not published more often */
    SUSPECT_MOST = 3000,        /* ms: by then the checks have told */
    REPORTED_WITHIN = 60000,    /* ms: by then an agent that is there has reported more than once */
    BIRTH_MOST = 10000,         /* ms: so soon an agent that connects has told all it knows */
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
static enum mac_lesson lesson_of(const struct power *power)
{
    if (power->wake.open)
        return LEARN_WOKEN;
    return power->state == POWER_UNKNOWN ? LEARN_FIRST : LEARN_NOTHING;
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
    evidence->lesson = lesson_of(step->power);
    const bool was_passing = evidence->checks[event->probe.check].passing;
    const struct evidence_change change =
        evidence_probe(evidence, step->model, event->probe.check, event->probe.outcome,
                       event->probe.fault, event->probe.detail);
    if (evidence->checks[event->probe.check].passing && !was_passing)
        step->power->in_vain = false;
    forget_intruder(step, was_other);
    step->heard.seen = change;
}

static void handle_neighbour(struct step *step, const struct fleet_event *event)
{
    struct evidence *evidence = &step->power->evidence;
    const bool was_other = evidence->mac == MAC_OTHER;

    evidence->lesson = lesson_of(step->power);
    const struct evidence_change change = evidence_neighbour(
        evidence, step->model, event->neighbour.verdict, event->neighbour.mac, step->now.boot);
    forget_intruder(step, was_other);
    step->heard.seen = change;
    step->heard.intruder = event->neighbour.verdict == MAC_OTHER && evidence->mac == MAC_OTHER &&
                           !evidence_doubts(evidence);
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

/* What it reported in use lives on a while. */
static void outlive_report(struct step *step, int64_t at_least)
{
    struct lease_set *set = step->power->leases;
    const int64_t idle = step_idle(step);
    const int64_t until = step->now.boot + (idle > at_least ? idle : at_least);

    for (size_t i = 0; i < set->n; i++)
        if (lease_is_of_agent(&set->leases[i]) && set->leases[i].until > until)
            set->leases[i].until = until;
}

/* What it said before it went no longer holds. */
static void agent_went(struct step *step)
{
    step->heard.agent_gone = true;
    step->power->report.past = true;
    outlive_report(step, 0);
}

static void handle_agent(struct step *step, const struct fleet_event *event)
{
    struct power *power = step->power;
    const enum agent_word word = event->agent.word, before = power->evidence.agent;
    const bool was_sleeping = before == AGENT_SLEEPING;
    /* It was not let go, and tells of nothing else again. */
    const bool stays = was_sleeping && power->state == POWER_SLEEPING;
    const struct evidence_change change =
        evidence_agent(&power->evidence, step->model, word, step->now.boot);

    power->in_vain &= word == before;
    if (word != AGENT_ONLINE && word != before)
        agent_went(step);
    if (word == AGENT_ONLINE && before != AGENT_ONLINE) {
        power_forget_goodbye(power);
        if (!stays)
            projects_forget(step, step->now.boot - BIRTH_MOST);
    }
    if (word == AGENT_OFFLINE && before == AGENT_ONLINE)
        power->suspect_until = step->now.boot + SUSPECT_MOST;
    /* The broker says a retained word again at each reconnect, of it or of Hall: that is no new
     * goodbye. */
    if (word == AGENT_SLEEPING && (was_sleeping || power->leaving == LEASE_FOREVER)) {
        step->heard.seen = change;
        return;
    }
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
                         use->holder, &use->veto, step->now.boot,
                         use->until > 0 ? use->until : LEASE_FOREVER);
    }
}

/* Where no bytes move that count, a connection in silence may. */
static void take_report(struct step *step, const struct agent_uses *told)
{
    struct agent_uses uses = *told;
    bool moves = false;

    if (told->unknown) {
        outlive_report(step, 0);
        return;
    }
    for (size_t i = 0; i < uses.n; i++)
        moves |= is_agent_stream(uses.list[i].holder) && is_lasting(step, &uses.list[i]);
    if (!moves && uses.n < AGENT_USES_MAX && agent_ports_silent(step, told, &uses.list[uses.n]))
        uses.n++;
    take_uses(step, &uses);
    agent_ports_note(step, told);
}

/* The broker says an old report again. Before anything is known of it, its agent's word will tell.
 */
static bool is_of_the_past(const struct power *power)
{
    const enum agent_word word = power->evidence.agent;

    return word == AGENT_SLEEPING || word == AGENT_OFFLINE ||
           (power->state != POWER_UNKNOWN && !power_is_awake(power));
}

/* A crash that took the broker along: nobody said that its agent had gone. */
static void notice_boot(struct step *step, const char *boot_id)
{
    const char *before = step->power->report.boot_id;

    if (boot_id[0] && before[0] && strcmp(boot_id, before) != 0)
        projects_forget(step, step->now.boot - BIRTH_MOST);
}

/* After the broker was away it says again what it has: nobody has reported that now. */
static bool is_kept_by_broker(const struct agent_report *before, const struct agent_report *now)
{
    return before->unheard && before->mark != 0 && before->mark == now->mark;
}

/* While the broker is away nothing of an agent is known, and what it reported goes on: not to know
 * is a veto. An agent that went meanwhile says nothing when the broker is back. */
static void handle_unheard(struct step *step, const struct fleet_event *event)
{
    (void)event;
    step->power->report.unheard = true;
    outlive_report(step, REPORTED_WITHIN);
    step->changed = true;
}

/* An old report, said again by the broker, tells nothing of a server that is not up. */
static void handle_report(struct step *step, const struct fleet_event *event)
{
    const bool was_other = step->power->evidence.mac == MAC_OTHER;
    const bool is_kept = is_kept_by_broker(&step->power->report, &event->report);

    notice_boot(step, event->report.boot_id);
    step->heard.reported = step->power->report.heard_at <= step->power->wake.started;
    step->power->report = event->report;
    step->power->report.heard = true;
    step->power->report.heard_at = step->now.boot;
    step->power->report.unheard = is_kept;
    step->power->report.past = is_of_the_past(step->power);
    step->durable |= rousing_hear(&step->power->rousing, event->report.wol_letters);
    step->heard.seen = evidence_macs(&step->power->evidence, step->model, event->report.macs,
                                     event->report.n_macs);
    forget_intruder(step, was_other);
    if (!is_kept && power_is_awake(step->power) && step->power->evidence.agent != AGENT_SLEEPING)
        take_report(step, &event->uses);
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
    step->durable |= is_new;
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

static void handle_packet_sent(struct step *step, const struct fleet_event *event)
{
    step->heard.packet = event->packet.number;
}

/* Of a wake that is over it is no news. */
static void handle_packet_failed(struct step *step, const struct fleet_event *event)
{
    step->power->forced_packet = false;
    if (step->power->wake.open)
        step_problem(step, &event->packet.reason);
}

/* A MAC that was learned is known after a crash of Hall too; of two that take turns not each time.
 */
static void keep_macs(struct step *step, uint16_t before)
{
    const struct macs *macs = &step->power->evidence.macs;

    if (macs->learned == before)
        return;
    step->changed = true;
    step->durable |= !macs_alternate(macs);
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
    [FLEET_UNHEARD] = handle_unheard,
    [FLEET_STREAM] = handle_stream,
    [FLEET_STALLED] = handle_stalled,
    [FLEET_WEBSOCKET] = handle_websocket,
    [FLEET_CONTAINERS] = handle_containers,
    [FLEET_SLEEP_ANSWER] = handle_sleep_answer,
    [FLEET_PACKET_SENT] = handle_packet_sent,
    [FLEET_PACKET_FAILED] = handle_packet_failed,
};

static void note_agent(struct step *step, enum fleet_event_kind kind)
{
    if (kind != FLEET_AGENT && kind != FLEET_REPORT && kind != FLEET_CONTAINERS)
        return;
    step->power->agent_heard = step->now.boot;
    evidence_hear_agent(&step->power->evidence);
}

void event_handle(struct step *step, const struct fleet_event *event)
{
    const uint16_t learned = step->power->evidence.macs.learned;

    step->heard.kind = event->kind;
    note_agent(step, event->kind);
    handlers[event->kind](step, event);
    keep_macs(step, learned);
}
