/*
 * fleet: all servers together: takes events, keeps leases, runs wakes and sleeps, answers commands.
 * The pure heart of Hall: no clock, no I/O, no allocation after fleet_create. One owner (the loop
 * thread); actions are handed to a sink during the step; the sink must not call back into the
 * fleet.
 */
#ifndef HALL_CORE_FLEET_H
#define HALL_CORE_FLEET_H

#include "base/address.h"
#include "base/clock.h"
#include "core/facts/ledger.h"
#include "core/facts/project.h"
#include "core/facts/quota.h"
#include "core/facts/schedule.h"
#include "core/model.h"
#include "core/power.h"

/* What happens to the fleet. */
enum fleet_event_kind {
    FLEET_NOTHING, /* only time has passed */
    FLEET_VISIT,   /* a visitor wants a site: wakes its server, takes or renews the visit lease */
    FLEET_USE,     /* a ready site was used: renews the visit lease, never wakes */
    FLEET_COMMAND,
    FLEET_PROBE,
    FLEET_NEIGHBOUR,
    FLEET_MOVED, /* its MAC answers at another address, or no longer does */
    FLEET_AGENT, /* the agent's state topic */
    FLEET_REPORT,
    FLEET_UNHEARD,   /* the broker is back, and nothing is known of what was reported meanwhile */
    FLEET_STREAM,    /* a look at the connections: `stream` leases */
    FLEET_STALLED,   /* what moved on its connections has stopped of a sudden */
    FLEET_WEBSOCKET, /* one was let through to a site, of late */
    FLEET_CONTAINERS,
    FLEET_SLEEP_ANSWER, /* what the sleep method said: agent's result, ssh's or webhook's end */
    FLEET_PACKET_SENT,  /* it left: by Hall's own hand, or a relay said so */
    FLEET_PACKET_FAILED,
};
enum { FLEET_EVENTS = 17 };

/* What an agent or a sleep method says to what it was asked. A sleep that is done has been
 * accepted.
 */
enum sleep_answer { SLEEP_ACCEPTED, SLEEP_VETOED, SLEEP_FAILED, SLEEP_DONE };

enum {
    COMMAND_NAME_SIZE = 256, /* of a lease: a domain at most */
    COMMAND_REASON_SIZE = 64
};
struct command {
    enum command_action action;
    int site;                 /* the project commanded, or MODEL_NONE */
    char id[COMMAND_ID_SIZE]; /* "": the fleet makes one */
    char by[COMMAND_BY_SIZE]; /* "": unknown */
    int64_t lasts;            /* wake, hold: ms; 0: not given */
    bool force;
    uint64_t route;               /* given back in the answers */
    char name[COMMAND_NAME_SIZE]; /* hold, release: its name */
    bool of_kind;                 /* release: a lease of this kind, not a hold */
    enum lease_kind lease;
    char reason[COMMAND_REASON_SIZE]; /* hold: why */
    int64_t until;                    /* hold: wall, ms, the instant it ends; 0: it lasts so long */
    int64_t told; /* hold: wall, ms, the end that the broker has of one that lasts so long; with
                     until: the broker repeats it; or 0 */
    enum policy_mode policy; /* policy; with policy_configured: back to the configured one */
    bool policy_configured;
    int minutes; /* idle */
    bool on;     /* keep_awake */
};

/* What an agent reports as in use, each by the name of its check: an `agent` lease, or a `stream`
 * lease where the check is that of the connections to the server. */
enum { AGENT_USES_MAX = LEASES_AGENT_MAX };
struct agent_use {
    char holder[LEASE_HOLDER_SIZE];
    struct fact veto; /* a FACT_VETO_... or FACT_AGENT_SAID */
    int64_t quiet;    /* ms since bytes moved on any of the connections; 0 where that is not told */
    int64_t until;    /* boot clock, ms; 0: as long as the agent reports it */
};
/* Open connections to a port on which nothing moves any more: the one that moved last. */
struct agent_silence {
    uint16_t port;
    bool owed; /* the client spoke last: an answer is owed */
    int64_t quiet;
    char from[INET6_ADDRSTRLEN];
};
enum { AGENT_PORTS_MAX = 7, AGENT_SILENT_MAX = 64 };
struct agent_uses {
    bool unknown; /* the report tells nothing of use, or Hall does not understand it */
    size_t n, n_cut, n_ports, n_silent; /* n_cut: for which there is no room */
    struct agent_use list[AGENT_USES_MAX];
    uint16_t ports[AGENT_PORTS_MAX]; /* to which bytes move; n_ports may be more: any port */
    struct agent_silence silent[AGENT_SILENT_MAX];
};

/* What Hall saw on the open connections to one server: everything that is in use, or that it could
 * not look. */
struct stream_use {
    int site;
    struct fact what; /* FACT_STREAM_MOVING or _SILENT */
    int64_t until;    /* boot clock, ms */
    bool renamed;     /* another kind of use than before */
};
struct stream_uses {
    bool failed;
    size_t n;
    const struct stream_use *list; /* [n], each of another site; borrowed for the call */
};

struct fleet_event {
    enum fleet_event_kind kind;
    int server; /* all but visit, use and websocket */
    union {
        struct {
            int site;
            char who[48]; /* client address, for the log */
        } visit;          /* VISIT, USE; of WEBSOCKET the site */
        struct command command;
        struct {
            unsigned check;
            enum probe_outcome outcome;
            struct fault fault; /* where it does not pass and the prober knows why */
            uint16_t detail;
        } probe;
        struct {
            enum mac_verdict verdict;
            uint8_t mac[6];
        } neighbour;
        struct {
            struct in_addr address; /* 0.0.0.0: nowhere else */
        } moved;
        struct {
            enum agent_word word;
        } agent;
        struct {
            struct agent_report report;
            struct agent_uses uses;
        };                                        /* REPORT */
        struct stream_uses streams;               /* STREAM */
        const struct containers_told *containers; /* borrowed for the call */
        struct {
            enum sleep_answer answer;
            char id[COMMAND_ID_SIZE];
            int64_t limit; /* ms it may take to go, where it is accepted and that is told; or 0 */
            struct fact reason;
        } sleep;
        struct {
            uint32_t number;    /* SENT: as it was ordered */
            struct fact reason; /* FAILED */
        } packet;
    };
};

/* What is to be done. */
enum action_kind {
    ACTION_STATE,   /* a state changed: publish state, power, status */
    ACTION_STATUS,  /* something else of a server's status changed */
    ACTION_SITE,    /* a site's readiness changed */
    ACTION_PACKET,  /* send a magic packet */
    ACTION_PACE,    /* probe at this interval */
    ACTION_SLEEP,   /* ask the server to sleep by its configured method */
    ACTION_EVENT,   /* tell what happened: bus event topic, log, store */
    ACTION_ANSWER,  /* a command's answer */
    ACTION_LIMIT,   /* a guard refuses visitors from now on, or refused one */
    ACTION_SAVE,    /* what must survive a restart changed */
    ACTION_QUOTA,   /* a quota was used */
    ACTION_PROJECT, /* ask the agent to start, stop or restart a project's containers */
    ACTION_LOOK,    /* look at the connections now; the answer is FLEET_STREAM */
    ACTION_JOIN,    /* who said an open command again hears what else is answered to it */
    ACTION_CHECK,   /* a check of the server fails, and it is known why: log */
};

enum happening {
    HAPPENED_WAKE_REQUESTED,
    HAPPENED_PACKET_SENT,
    HAPPENED_STAGE,
    HAPPENED_READY,
    HAPPENED_WAKE_FAILED,
    HAPPENED_SLEEP_REQUESTED,
    HAPPENED_SLEEP_REFUSED,
    HAPPENED_ASLEEP,
    HAPPENED_SLEEP_FAILED,
    HAPPENED_UNREACHABLE,
    HAPPENED_BACK,
    HAPPENED_POLICY_CHANGED,
    HAPPENED_HOLD,
    HAPPENED_RELEASE,
    HAPPENED_COMMAND_REFUSED,
};
enum { HAPPENINGS = 15 };

struct action {
    enum action_kind kind;
    int server;
    union {
        struct {
            unsigned check;
        } check;
        struct {
            enum power_state from, to;
        } state;
        struct {
            bool leases; /* others need it than before */
        } status;
        struct {
            int site;
            bool changed; /* the state of a project; else whether visitors are let through */
        } site;
        struct {
            uint32_t number; /* 1: the first of this wake */
        } packet;
        struct {
            int64_t interval, timeout; /* ms */
        } pace;
        struct {
            const char *id; /* of the sleep; borrowed for the call */
            bool force, restart;
            bool asked;    /* a command wants it, not Hall by itself */
            int64_t lasts; /* the proposal expires after, ms */
        } sleep;
        struct {
            enum happening what;
            const struct fact *detail; /* may be FACT_NONE; borrowed for the call */
            enum stage stage;          /* with HAPPENED_STAGE */
            int64_t ms;                /* ready, stage: after the start; else 0 */
        } event;
        const struct ledger_entry *answer;
        struct {
            uint64_t route, to; /* routes of commands; to: of the one that is open */
        } join;
        struct {
            int site;
            struct address address; /* the client, as address_client; none: everyone */
            struct guard guard;
            bool refused; /* a visitor was refused: to be logged */
        } limit;
        struct {
            bool durable; /* somebody was told: not to be lost */
        } save;
        const struct quota *quota; /* borrowed for the call */
        struct {
            int site;
            enum project_verb verb;
            const char *id; /* of the order; borrowed for the call */
            int64_t lasts;  /* it expires after, ms */
        } project;
    };
};

const char *happening_name(enum happening what); /* "wake_requested" ... */

struct fleet_sink {
    void (*act)(void *context, const struct action *action);
    void *context;
};

struct fleet;

/* model and sink are borrowed and outlive the fleet. All servers start `unknown`. -ENOMEM. */
int fleet_create(const struct model *model, const struct fleet_sink *sink, struct now now,
                 struct fleet **ret_fleet);
void fleet_destroy(struct fleet *fleet);

/* Between events: makes room for one more command or visitor, which no step does. -ENOMEM: then the
 * next command may be refused, and the next visitor's quota may push out another's. */
int fleet_reserve(struct fleet *fleet);

/* Where local time comes from, for schedules and days; borrowed. Without it all zones are UTC. */
void fleet_set_zones(struct fleet *fleet, const struct zone_port *zones);
/* Schedules wait while the clock is not to be trusted (a Pi has no clock of its own), and so do
 * ends that were named as instants. At first it is. */
void fleet_trust_clock(struct fleet *fleet, bool trusted);
bool fleet_clock_is_trusted(const struct fleet *fleet);
/* It should be by now: servers whose hours wait for it say so. */
void fleet_miss_clock(struct fleet *fleet);
/* Wall time was set, or is known from now on: schedules, days and ends that were named as instants
 * follow it, spans do not; and every server is saved again, for records speak of wall time. After
 * fleet_start. */
void fleet_clock_was_set(struct fleet *fleet, struct now now);

/* Orders the first probes of every server. Once, before the first step. */
void fleet_start(struct fleet *fleet, struct now now);

void fleet_handle(struct fleet *fleet, struct now now, const struct fleet_event *event);
/* Does what time alone makes due. */
void fleet_tick(struct fleet *fleet, struct now now);
/* ms: a loop that runs is never so late. */
enum { FLEET_LATE = 2000 };
/* Was something due by then, and has not been done? Boot clock, ms. */
bool fleet_is_behind(const struct fleet *fleet, int64_t before);
/* Hall stood still since (boot clock, ms): its machine was suspended or overloaded, or its process
 * stopped. What was only half seen before counts for nothing, and no deadline is judged before
 * there was time for a look. The fleet notices it by itself only where one of its own deadlines is
 * late. */
void fleet_stood_still(struct fleet *fleet, struct now now, int64_t since);
/* Boot clock, ms, when fleet_tick is due; INT64_MAX: never. */
int64_t fleet_deadline(const struct fleet *fleet);

const struct model *fleet_model(const struct fleet *fleet);
const struct power *fleet_power(const struct fleet *fleet, int server);
/* May a visitor of this site be let through: server up, and the site's own check passes? */
bool fleet_site_ready(const struct fleet *fleet, int site);
enum policy_mode fleet_policy(const struct fleet *fleet,
                              int server);                 /* the strongest of its domains' */
int64_t fleet_idle(const struct fleet *fleet, int server); /* ms; the longest of its domains' */
/* What time alone brings next to a server. */
struct next_event {
    int64_t at;       /* wall, ms */
    const char *what; /* "ready", "wake_deadline", "sleep", "sleep_deadline", "guard_end",
                         "wake_retry", "schedule" */
    struct fact reason;
};
bool fleet_next_event(const struct fleet *fleet, int server, struct now now,
                      struct next_event *ret_next); /* false: nothing */
bool fleet_keep_awake(const struct fleet *fleet, int server);

/* What is known of one site beside its server. */
struct site_state {
    bool ready;  /* visitors are let through */
    int project; /* which of the fleet's projects, or MODEL_NONE */
    int64_t
        closed_until; /* boot clock: outside its hours; 0: open; LEASE_FOREVER: no opening known */
    int64_t hours_looked, hours_valid_until; /* wall: when its hours were last looked at */
    uint32_t visits;                         /* ever, as far as the store remembers */
    int64_t last_visit;                      /* boot clock, ms; 0: none */
    int64_t websocket; /* boot clock, ms: the first of this run was let through; 0: none */
    bool moves;        /* its agent sees bytes move that may be to this site */
};
/* The sites of one server, in model order: first, next, MODEL_NONE. */
int fleet_first_site(const struct fleet *fleet, int server);
int fleet_next_site(const struct fleet *fleet, int site);
const struct site_state *fleet_site(const struct fleet *fleet, int site);

#endif
