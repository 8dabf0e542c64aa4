/*
 * power: the life of one server as a table: nine states, the events that move them, and the wake
 * and sleep transactions that run across them. Pure: time is passed in, what is to be done comes
 * out as actions. Only power_transition() sets a state. The caller (fleet) owns all memory.
 */
#ifndef HALL_CORE_POWER_H
#define HALL_CORE_POWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/facts/evidence.h"
#include "core/facts/history.h"
#include "core/facts/lease.h"
#include "core/facts/ledger.h"
#include "core/facts/rousing.h"
#include "core/model.h"

enum power_state {
    POWER_UNKNOWN,
    POWER_OFF,
    POWER_WAKING,
    POWER_BOOTING,
    POWER_READY,
    POWER_DEGRADED,
    POWER_SLEEPING,
    POWER_UNREACHABLE,
    POWER_WAKE_FAILED,
};
enum { POWER_STATES = 9 };

/* What moves a state. */
enum power_event {
    POWER_SIGN,     /* first sign of life */
    POWER_PASS,     /* all required checks pass */
    POWER_FAIL,     /* alive, but a required check stopped passing */
    POWER_SILENT,   /* no sign of life any more, debounced */
    POWER_GOODBYE,  /* the agent says it goes to sleep */
    POWER_BACK,     /* the agent is online again after a goodbye */
    POWER_WAKE,     /* a wake begins, or is asked for again */
    POWER_SLEEP,    /* a sleep was agreed */
    POWER_DEADLINE, /* the transaction under way ran out of time */
    POWER_CANCEL,   /* the transaction under way was called off */
};
enum { POWER_EVENTS = 10 };

/* Why the last wake failed, for people in their language. */
enum wake_failure {
    FAILURE_NONE,
    FAILURE_NO_SIGN,   /* packets were sent, nothing ever answered */
    FAILURE_NOT_READY, /* it answers, its checks do not pass */
    FAILURE_NO_PACKET, /* no packet could be sent */
    FAILURE_CANCELLED,
    FAILURE_DEPENDENCY, /* a server that it needs did not become ready */
};

/* Guards: what may refuse a wake or a visitor, and says when it ends. */
enum guard_kind {
    GUARD_NONE,
    GUARD_MIN_DOWN,       /* the server went down too recently */
    GUARD_WAKES_PER_HOUR, /* the server was woken too often */
    GUARD_CLIENT_WAKES,   /* this address woke its share today */
    GUARD_CLIENT_MINUTES, /* this address used its share of time today */
    GUARD_PROJECT_WAKES,
    GUARD_PROJECT_MINUTES,
    GUARD_WINDOW, /* outside the hours of access */
};
enum { GUARDS = 8, WOKEN_MAX = 32 };

struct guard {
    enum guard_kind kind;
    int64_t until; /* boot clock, ms; LEASE_FOREVER: no end in sight */
};

/* What an open wake waits for before its first packet. */
enum wake_wait { WAIT_NOTHING, WAIT_DEPENDENCY, WAIT_TURN };

struct wake {
    bool open;
    enum wake_wait wait;
    bool queued;           /* wanted while it is falling asleep: begins when silence is proven */
    bool force;            /* guards do not apply */
    bool begun;            /* its time counts; before, it waits for others */
    bool recent;           /* it ended ready; stages that come later are still noted */
    bool found_alive;      /* it showed life when the wake began: nothing is learned of it */
    bool unseen;           /* Hall stood still meanwhile: how long it took nobody knows */
    bool sent_in_silence;  /* a packet left while it showed no life */
    bool deserted;         /* for so long that those who waited may have gone */
    uint32_t packets;      /* ordered so far */
    uint32_t packets_sent; /* of these, known to have left */
    enum wake_kind kind;   /* what is expected: resume or cold boot */
    int64_t started, deadline;
    uint32_t order;         /* of those that began in the same ms */
    int64_t next_packet;    /* boot clock; 0: none due */
    int32_t stages[STAGES]; /* ms after started, or STAGE_UNREACHED */
    char boot_id[40];       /* the agent's before this wake: tells a resume from a cold boot */
    char id[COMMAND_ID_SIZE];
    struct fact cause; /* of FACT_WAKE_VISIT and those that follow it */
};

enum sleep_phase { SLEEP_NONE, SLEEP_PROPOSED, SLEEP_AGREED };

struct sleep {
    enum sleep_phase phase;
    bool restart; /* it is to come back at once */
    bool force;
    bool own; /* proposed by Hall itself, for want of a lease */
    int64_t started, deadline;
    int64_t not_before; /* no new proposal of our own before: back-off after a veto */
    char id[COMMAND_ID_SIZE];
    char by[COMMAND_BY_SIZE];
    struct fact refusal; /* why the last proposal came to nothing; told once while it stays the
                            same */
};

/* Which of those that it depends on a server needs: they stay up, or are woken too. */
enum power_need { NEED_NOBODY, NEED_WHO_IS_UP, NEED_ALL };

/* Whether Hall can see the open connections to a server, and when it last looked. */
struct sight {
    bool watched;   /* it was seen once: from then on there is no sleep without a fresh look */
    bool failed;    /* the last look could not be made */
    int64_t looked; /* boot clock: the last look; 0: none */
    int64_t asked;  /* a look is ordered; 0: none */
    int64_t told;   /* the figures of its streams were last published */
};

enum { AGENT_SCHEMA = 1 }; /* of agents' messages, which Hall understands */

/* The agent's last report, what of it the core and the views use. */
struct agent_report {
    bool heard;
    bool unheard;     /* since the broker is back: it may be just what the broker kept */
    uint64_t mark;    /* tells it from another; 0: not known */
    bool past;        /* it tells of a run that is over, or of what its agent no longer sees */
    int64_t heard_at; /* boot clock, ms */
    bool wol_armed, wol_known;
    bool can_restart;
    int16_t schema; /* another than AGENT_SCHEMA: nothing else is known; 0: it does not say */
    char wol_interface[16]; /* "" not known */
    char wol_letters[10];   /* what wakes it, as ethtool(8) writes it; "" not known */
    char boot_id[40];
    uint16_t n_cut;                   /* of its checks with something in use: without a lease */
    uint8_t n_macs;                   /* of its interfaces */
    uint8_t macs[MACS_MAX][MAC_SIZE]; /* those of its way to the network first */
    double load;                      /* negative: unknown */
    int64_t uptime_s;                 /* negative: unknown */
};

struct power {
    /* What each step looks at stands together: with many servers it is the memory that takes the
     * time. */
    enum power_state state;
    int64_t since;      /* boot clock, ms */
    int64_t up_since;   /* first sign of life of this run; 0: not up */
    int64_t down_since; /* when its last run ended; 0: up, or not known */
    bool was_ready;     /* it was ready in this run */
    bool said_goodbye;  /* how it went down: with a goodbye (resume expected) or not */
    bool ever_woken;    /* it answered after our packets at some time: it is wakeable */
    enum wake_failure failure;
    uint32_t lease_mark; /* of the leases as last told */
    struct sight sight;
    int64_t leaving;    /* boot clock: it said that it goes, and until then its silence is no crash;
                           LEASE_FOREVER after a goodbye; 0: it did not, or has gone */
    bool resting;       /* put to sleep by force: standing leases do not wake it */
    bool in_vain;       /* its last wake left it up and not ready, and nothing changed since */
    bool forced_packet; /* one that force sent while it was ready is not told of yet */
    bool asked;         /* a wake of one that needs it has just begun; not looked at yet */
    enum power_need need;   /* when last looked at: for those it depends on */
    bool was_told_ready;    /* when last looked at: for those that depend on it */
    struct guard guard;     /* the guard that refused the last wake, while it holds */
    int64_t probe_interval; /* as last ordered */
    int64_t looking_since;  /* boot clock: from then on Hall looks at it without a gap */
    int64_t agent_heard;    /* boot clock: its agent told something; 0: not yet */
    int64_t suspect_until;  /* its agent or a stream says that it is gone: seen soon; 0: neither */
    int64_t retry_at;  /* a standing lease wakes it again not before; back-off after failures */
    uint32_t failures; /* wakes failed in a row */
    int64_t
        awaited_until; /* a visited site does not answer yet: watched closely until then; 0: none */
    struct evidence evidence;
    struct wake wake;
    struct sleep sleep;
    struct rousing rousing;
    struct in_addr moved; /* where its MAC answers while it is not seen at its own address; or 0 */
    struct lease_set *leases; /* the fleet's: most are empty, and take no memory */

    struct history history;
    struct agent_report report;
    int32_t woken[WOKEN_MAX]; /* boot clock, whole s, rounded up: when it was last woken, a ring */
    uint32_t n_woken;         /* wakes since the records began */
    int64_t last_boot;        /* ms; -1: none yet */
    int64_t last_ready;       /* wall, ms: when it became ready, in its latest run; 0: never */
    struct fact reason;
    struct fact problem; /* FACT_NONE: none */
};

/* One row of the table: where an event leads, and what it does beside. `to` applies when no wake is
 * open or queued, `wanted` when one is. */
enum power_next {
    NEXT_STAY = POWER_STATES, /* no change */
    NEXT_AS_SEEN, /* what the evidence says: ready, degraded, booting; silent: waking if wanted,
                     else off */
    NEXT_GONE,    /* off where it said that it goes, else unreachable */
};
struct power_row {
    uint8_t to, wanted; /* enum power_state or enum power_next */
};
extern const struct power_row power_table[POWER_STATES][POWER_EVENTS];

/* The state an event leads to. Pure look-up; NEXT_* resolved by the evidence. */
enum power_state power_next_state(const struct power *power, enum power_event event);

/* Whole seconds that are not before this time: how power.woken keeps it. */
int32_t power_seconds(int64_t ms);
bool power_is_up(enum power_state state); /* booting, ready, degraded */
/* It is known not to run, and nobody wakes it yet. */
bool power_is_down(const struct power *power);
/* It runs, so it may be in use and may be put to sleep: up, or alive though its wake failed. */
bool power_is_awake(const struct power *power);
/* It is back, or stays: what a person wanted by force is over with that. */
void power_forget_goodbye(struct power *power);
/* Does what its agent reported tell of now? */
bool power_report_holds(const struct power *power);
bool power_target_on(
    const struct power *power); /* the target in transition, the truth when settled */

/* Up it needs the others, ready or not. One that falls asleep has nobody woken for it. A wake whose
 * time went by while Hall was away is only looked at once more. */
enum power_need power_need(const struct power *power, int64_t now);
/* Those that it needs are told of a change after this: as they see it in their first step. */
void power_note_needs(struct power *power);

/* Milliseconds until it is expected to be ready; -1: no estimate, or no wake open. Never negative
 * otherwise: 0 when overdue. */
int64_t power_eta(const struct power *power, int64_t now);
/* The last stage reached of the open or last wake; STAGES when none. */
enum stage power_stage(const struct power *power);

/* Why it is awake, or wanted: the lease that lives longest; without one, why it is as it is. */
struct fact power_awake_because(const struct power *power, int server, struct now now);

/* It sleeps, and is not asked anything while it does: its card may take that for a wake. Its agent,
 * if it has one, will tell. */
bool power_is_left_alone(const struct power *power);

/* That it woke soon after it went to sleep, again and again. */
struct fact power_roused(const struct power *power);

/* What is wrong with it: the last failure, else what its agent shows; FACT_NONE: nothing.
 * fleet_problem() knows its checks besides. */
struct fact power_problem(const struct power *power);

/* At which interval and with which time limit its checks should be made, ms. */
void power_pace(const struct power *power, size_t n_checks, int64_t *ret_interval,
                int64_t *ret_timeout);

const char *power_state_name(enum power_state state);
const char *guard_name(enum guard_kind kind); /* "min_down" ...; GUARD_NONE is NULL */
struct fact guard_fact(const struct guard *guard, struct now now); /* that it refuses */
const char *wake_failure_name(enum wake_failure failure); /* "no_sign" ...; FAILURE_NONE is NULL */

#endif
