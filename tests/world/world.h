/*
 * world: one small world, played in virtual time: machines with a truth of their own, agents and a
 * broker between them and Hall, people who come and go, and Hall's real core in the middle. What
 * happens is a moment in a queue; chance has one seed, so a world is the same in every run. main.c
 * says what it is for. One thread.
 */
#ifndef HALL_TESTS_WORLD_H
#define HALL_TESTS_WORLD_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet.h"
#include "core/saved.h"
#include "core/stream.h"

enum {
    SERVERS_MAX = 3,
    SITES_MAX = 2 * SERVERS_MAX + 2, /* two of each server, and two projects */
    VISITORS_MAX = 5,
    STREAMS_HERE = 6,
    COMMANDS_MAX = 512,
    CLAIMS_MAX = 48,
    LINES = 40, /* of the log, shown with a failure */
    LINE_SIZE = 160,
    SECOND = 1000,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
};
#define NEVER INT64_MAX

struct world;

/* ---- what goes over the wire ---- */

enum said_kind { SAID_WORD, SAID_REPORT, SAID_CONTAINERS, SAID_RESULT, SAID_ASK };
struct said {
    enum said_kind kind;
    int server;
    enum agent_word word;
    enum sleep_answer answer;
    bool force, restart;
    bool containers, starts; /* ASK: it is about these, in `boots` */
    bool moves, busy;        /* REPORT: bytes move on its connections; a job runs */
    int64_t quiet;           /* REPORT: ms since bytes moved */
    unsigned boots;          /* REPORT: its boot id; CONTAINERS: which of them run */
    int64_t expires;
    char id[COMMAND_ID_SIZE];
};

/* ---- time ---- */

struct moment;
typedef void happens(struct world *world, const struct moment *moment);
struct moment {
    int64_t at;
    uint64_t order;
    happens *run;
    int a, b;
    int64_t n;
    struct said said;
};

struct queue {
    struct moment **heap;
    size_t n, room;
    struct moment *spare[64];
    size_t n_spare;
    uint64_t order;
};

void world_later(struct world *world, int64_t delay, happens *run, int a, int b, int64_t n);
void world_later_said(struct world *world, int64_t delay, happens *run, const struct said *said,
                      int64_t n);
/* ms of the next moment; NEVER: there is none. */
int64_t world_next(const struct world *world);
/* Plays the next moment, at world.t. */
void world_play(struct world *world);
void world_finish_queue(struct world *world);

uint32_t roll(struct world *world, uint32_t sides);
bool chance(struct world *world, unsigned of_thousand);
int64_t between(struct world *world, int64_t low, int64_t high);

/* A line of the log. */
void tell(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what is configured (plan.c) ---- */

struct plan {
    struct model model;
    struct model_server servers[SERVERS_MAX];
    struct model_check checks[SERVERS_MAX][8];
    struct model_site sites[SITES_MAX];
    struct model_domain domains[SITES_MAX];
    struct model_window windows[SITES_MAX][2];
    char names[SERVERS_MAX][8], hosts[SITES_MAX][24], upstreams[SITES_MAX][40];
    const char *zone;
    int64_t starts;   /* wall, ms */
    bool quiet_clock; /* nobody steps it */
};
void plan_make(struct world *world);

/* ---- the machines (machine.c) ---- */

enum phase {
    PHASE_DOWN,
    PHASE_STARTING, /* nothing answers yet */
    PHASE_SYSTEM,   /* its system does, its services do not */
    PHASE_UP,
    PHASE_HALTING, /* on its way down */
};

struct machine {
    bool has_agent, watched;    /* its agent reports, and looks at its connections */
    bool card_echoes;           /* the card answers echoes for a machine that sleeps */
    bool echo_blocked, drops;   /* its firewall drops echoes; and what comes to closed ports */
    bool bridged;               /* another MAC answers than the one that wakes */
    int64_t cold, resume, halt; /* ms, about */
    int64_t slow;               /* ms that its sites need for a page */
    unsigned hangs;             /* of a thousand boots */

    enum phase phase;
    bool cable, suspended, hung;
    uint32_t life; /* what was planned in another one is void */
    unsigned boots;
    bool site_up[SITES_MAX];
    bool job;               /* something that its agent does not let be cut off */
    bool ordered, forced;   /* it goes down because Hall asked; by force */
    int64_t asked;          /* when it was */
    int64_t since, plugged; /* its phase began; its cable was pulled or plugged */
};
void machine_begin(struct world *world, int server);
void machine_packet(struct world *world, int server);
/* Who puts it to sleep by hand ends what people wanted of it: until it is down, and Hall hears. */
void machine_void(struct world *world, int server);
/* Why it goes down decides how it comes back. */
void machine_halt(struct world *world, int server, bool restart, bool by_hall, bool force);
bool machine_is_on(const struct world *world, int server);   /* may be slept */
bool machine_answers(const struct world *world, int server); /* on the network */
enum probe_outcome machine_outcome(const struct world *world, int server, unsigned check);
/* Would a prober that looks now see life, by more than echoes of a card? */
bool machine_visible(const struct world *world, int server);
bool machine_passes(const struct world *world, int server); /* all that makes it ready */
bool machine_site_passes(const struct world *world, int site);

/* ---- the broker and the agents (wire.c) ---- */

struct agent {
    bool running, connected;
    uint32_t connection;
    bool leaving;
    char asked[COMMAND_ID_SIZE]; /* the latest */
};
struct wire {
    bool broker, hall; /* it runs; Hall is connected */
    uint32_t epoch;    /* of Hall's connection */
    bool persistent;
    struct agent agents[SERVERS_MAX];
    bool kept[SERVERS_MAX], kept_report[SERVERS_MAX], kept_boxes;
    enum agent_word word[SERVERS_MAX]; /* as the broker keeps it */
    struct said report[SERVERS_MAX], boxes;
    int64_t last[SERVERS_MAX]; /* when the latest message reaches Hall: they keep their order */
    /* What Hall was told */
    enum agent_word heard[SERVERS_MAX];
    int64_t heard_at[SERVERS_MAX], told_at[SERVERS_MAX]; /* another word; anything at all */
};
void wire_begin(struct world *world);
void wire_agent_starts(struct world *world, int server, int64_t delay);
void wire_agent_vanishes(struct world *world, int server, bool graceful);
void wire_agent_cut(struct world *world, int server); /* it runs on, without a network */
void wire_say(struct world *world, int server, enum agent_word word);
void wire_report(struct world *world, int server);
bool wire_ask(struct world *world, const struct said *said); /* false: Hall is not connected */
void wire_hall_connects(struct world *world, int64_t delay);
void wire_hall_gone(struct world *world);

void wire_publish(struct world *world, const struct said *said);

/* ---- containers (containers.c) ---- */

struct docker {
    int server, first;   /* the first of two projects; 0: there are none */
    unsigned up, moving; /* a bit each */
    int64_t used[2];     /* somebody came to a project last, true time; 0: not known */
};
void containers_plan(struct world *world, int server);
bool containers_site(const struct world *world, int site); /* it is one of them */
bool containers_pass(const struct world *world, int site);
void containers_tell(struct world *world, int server);
void containers_hear(struct world *world, const struct said *said);
void containers_boot(struct world *world, int server);
bool containers_order(struct world *world, const struct action *action);
void containers_ordered(struct world *world, const struct said *asked);
void containers_used(struct world *world, int site);
void containers_forget(struct world *world);

/* ---- people (people.c) ---- */

enum visitor_state { AWAY, WAITING, TOLD, USING };
struct visitor {
    enum visitor_state state;
    int site;
    char who[24];
    int64_t since;   /* it waits */
    int64_t answers; /* truly, since then; 0: the site does not */
    int views;
    uint32_t turn;
};
struct stream {
    bool open;
    int site;
    enum stream_kind kind;
    uint64_t cookie;
    int64_t began, lasts, rate; /* bytes a second; websockets: a message each so many ms */
    char who[24];
};
struct people {
    struct visitor visitors[VISITORS_MAX];
    size_t n_visitors;
    struct stream streams[STREAMS_HERE];
    uint64_t cookies;
    bool near; /* the proxy is on Hall's machine: Hall sees the connections */
    uint32_t commands;
};
void people_begin(struct world *world);
void people_site_changed(struct world *world, int server); /* those who wait look again */
/* What of a stream has gone until now; when its last byte did. */
void stream_look(const struct world *world, const struct stream *stream, struct socket_seen *seen,
                 int64_t *ret_last);
void people_cut(struct world *world, int server); /* it is gone: what was open breaks */

/* ---- Hall (hall.c, life.c, probe.c, sight.c) ---- */

struct probing {
    int64_t interval, timeout;
    bool pending[8];     /* the answer to a question is still to come */
    uint32_t round;      /* rounds that were planned before are void */
    uint32_t answers[8]; /* tries begun before the last answer say nothing more */
    uint32_t told_in;    /* the neighbour entry, in this round */
};
/* What is on the disk of one server, and what still waits to be written. */
struct kept {
    bool used, waits;
    int64_t boot_zero; /* of the boot in which it was written */
    int64_t at;        /* true time of what is written */
    int64_t waits_at;  /* and of what waits */
    struct saved *written, *waiting;
};
struct hall {
    bool up;
    uint32_t run; /* of how many */
    struct fleet *fleet;
    int64_t boot_zero, wall_ahead; /* boot = t - boot_zero, wall = t + wall_ahead */
    bool trusted, stands_still;
    int64_t goes_on;          /* when it no longer stands still */
    int64_t card_until;       /* until then no packet can be sent */
    int64_t stepped;          /* how far its clock was set since it started */
    int64_t started, stopped; /* true time */
    struct zone_port zones;
    void *zone_cache;
    struct probing probing[SERVERS_MAX];
    struct kept records[SERVERS_MAX];
    bool batch_due;
    size_t n_deferred;
    struct fleet_event deferred[32];
    struct streams *streams;
    int peer_of[SITES_MAX];
    struct {
        bool up, ordered, told, in_use;
    } watches[SERVERS_MAX];
    uint32_t look; /* those planned before are void */
    struct passes passes[SITES_MAX];
    enum power_state shown[SERVERS_MAX];
};
struct now hall_now(const struct world *world);
void hall_begin(struct world *world);
void hall_settle(struct world *world);
void hall_act(void *world, const struct action *action);
void hall_save(struct world *world, const struct action *action);
void hall_feed(struct world *world, const struct fleet_event *event);
int64_t hall_deadline(const struct world *world); /* true time */
void hall_tick(struct world *world);
void hall_finish(struct world *world);
void hall_visit(struct world *world, int site, const char *who, bool uses, enum pass_kind kind);
void probe_pace(struct world *world, int server, int64_t interval, int64_t timeout);
void probe_stop(struct world *world);
void probe_stood_still(struct world *world); /* what lies there answers old questions */
void sight_start(struct world *world);
void sight_stop(struct world *world);
void sight_state(struct world *world, int server);
void sight_order(struct world *world, int server);

/* ---- the judge (judge.c, book.c) ---- */

/* Why a server must be up, by what people were told. */
enum claim_kind { CLAIM_VISIT, CLAIM_MANUAL, CLAIM_HOLD };
struct claim {
    enum claim_kind kind;
    int server, site;
    char name[24];
    int64_t since, until; /* true time */
    int64_t sure;         /* VISIT: what was written down for sure of its end */
    int64_t latest;       /* by then surely nobody remembers it */
};
struct asked {
    int server;
    enum command_action action;
    bool force, first, ended, configured;
    int repeats; /* said again by its sender: so many answers more */
    int64_t at, lasts;
    enum policy_mode policy;
    int minutes;
    char name[24], by[24];
};
enum { CHANGES_KEPT = 16 };
struct judge {
    bool failed;
    const char *invariant;
    char why[200];
    int64_t when;
    int64_t restarted; /* Hall, or it goes on */
    struct claim claims[CLAIMS_MAX];
    size_t n_claims;
    struct asked asked[COMMANDS_MAX];
    int64_t idle[SERVERS_MAX], idle_most[SERVERS_MAX];
    bool policy_set[SERVERS_MAX];
    enum policy_mode policy[SERVERS_MAX];
    bool resting[SERVERS_MAX];      /* put down by force: nothing that stands wakes it */
    bool proved[SERVERS_MAX];       /* it was ready once: whose MAC it is */
    unsigned roused[SERVERS_MAX];   /* it came up by itself soon after it went to sleep */
    int64_t roused_at[SERVERS_MAX]; /* last */
    bool wakes[SERVERS_MAX];        /* Hall has woken it, or its agent said that it can */
    bool sent[SERVERS_MAX];         /* a packet, since it was last up */
    int64_t wanted[SERVERS_MAX];    /* somebody asked for it last */
    int64_t failed_at[SERVERS_MAX]; /* a wake or a command of it failed last */
    int64_t since[SERVERS_MAX][16]; /* of each condition, since it holds; 0: it does not */
    int64_t next[SERVERS_MAX];      /* when the first of them has lasted too long */
    int64_t changes[SERVERS_MAX][CHANGES_KEPT]; /* when what is shown changed, a ring */
    uint32_t n_changes[SERVERS_MAX];
    int64_t truth[SERVERS_MAX]; /* when something happened to it last */
    int64_t longest[16];        /* that each condition lasted */
};
void judge_begin(struct world *world);
/* What it is about; NULL: there are no more. */
const char *judge_condition(size_t number);
void judge_fail(struct world *world, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void judge_look(struct world *world, int server);    /* after everything that happens to it */
void judge_time(struct world *world, int64_t until); /* nothing happens until then */
void judge_action(struct world *world, const struct action *action);
void judge_command(struct world *world, uint32_t number, const struct fleet_event *event);
void judge_visit(struct world *world, int site, bool uses);
void judge_roused(struct world *world, int server);
void judge_truth(struct world *world, int server); /* it changed its phase */
void judge_restarted(struct world *world);

void book_take(struct world *world, enum claim_kind kind, int server, int site, const char *name,
               int64_t until);
/* surely: nobody remembers it from now on; else it may be so. */
void book_void(struct world *world, enum claim_kind kind, int server, const char *name,
               bool surely);
/* All may last so much longer. */
void book_stretch(struct world *world, int64_t ms);
bool book_possible(const struct world *world, int server);
/* The one that lasts longest; NULL: none lasts. */
const struct claim *book_find(const struct world *world, int server);
void book_forget(struct world *world);
const struct claim *book_standing(const struct world *world, int server);
void book_check_kept(struct world *world, int server);
/* Does a window of its schedules hold it now, for sure; may one hold it, within a margin? */
bool book_scheduled(struct world *world, int server, int64_t margin, bool surely);
bool book_always(const struct world *world, int server);
/* Is it wanted by anybody, perhaps; by one that needs it? */
bool book_wanted(struct world *world, int server);
bool book_needed(struct world *world, int server);
int book_depth(const struct world *world, int server); /* servers that it needs, in a row */
int64_t book_idle(const struct world *world, int server);

/* ---- all of it ---- */

enum breakage {
    BREAK_NOTHING,
    BREAK_FORCE,    /* force is not heard */
    BREAK_LEASES,   /* a restart loses holds */
    BREAK_SLEEP,    /* no sleep is asked for */
    BREAK_STREAMS,  /* open connections are not seen */
    BREAK_SILENCE,  /* missing answers are not told */
    BREAK_ANSWERS,  /* ends of commands are lost */
    BREAK_TWICE,    /* ends of commands are told twice */
    BREAK_WAKES,    /* packets that nobody asked for */
    BREAK_GATE,     /* visitors are not let in */
    BREAK_PACKETS,  /* packets are not sent */
    BREAK_SCHEDULE, /* the clock is never trusted */
    BREAK_FLAPS,    /* now and then an answer is taken for a miss, three times */
    BREAK_SHARED,   /* a project's stop takes along what others need */
    BREAK_PACE,     /* probes are made ten times too seldom */
    BREAKS,
};

enum count {
    COUNT_MOMENTS,
    COUNT_PROBES,
    COUNT_VISITS,
    COUNT_COMMANDS,
    COUNT_PACKETS,
    COUNT_SLEEPS,
    COUNT_RESTARTS,
    COUNT_JUDGED,
    COUNTS,
};

struct world {
    uint64_t seed, random;
    unsigned number;
    enum breakage broken;
    bool verbose;
    int64_t t, ends;
    struct queue queue;
    struct plan plan;
    struct machine machines[SERVERS_MAX];
    struct wire wire;
    struct docker docker;
    struct people people;
    struct hall hall;
    struct judge judge;
    char lines[LINES][LINE_SIZE];
    uint64_t n_lines;
    uint64_t counts[COUNTS];
};

static inline bool hall_runs(const struct world *world)
{
    return world->hall.up && !world->hall.stands_still;
}

#endif
