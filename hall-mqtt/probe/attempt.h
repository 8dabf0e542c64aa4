/*
 * attempt: one try of one check, as the kinds of probe (icmp, tcp, http) share it: its deadline,
 * its place among the tries of its check, its turn. A kind says how a try begins, what it means
 * that its time is over, how it is dropped.
 *
 * A check may have several tries under way: a machine that comes up answers the newest at once,
 * while an older one still waits for its retransmission. The first answer ends them all. At most
 * kind.limit tries of a kind are under way (twice as many for hurried checks); what comes beyond
 * waits its turn. All on the loop thread.
 */
#ifndef HALL_PROBE_ATTEMPT_H
#define HALL_PROBE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/facts/evidence.h"
#include "core/model.h"

enum { ATTEMPTS_MAX = 4 }; /* under way of one check */

struct attempt;
struct probe_kind;
struct question;

/* A check at run time. Owned by the prober; the lists by this module. */
struct probe_check {
    const struct model_server *server;
    const struct model_check *check;
    struct probe_kind *kind;
    struct attempt *attempts;         /* under way, newest first */
    struct probe_check *next_waiting; /* for its turn */
    int64_t rest_until; /* http: its name is not asked for again before; boot clock, ms */
    int server_index;
    int timeout_ms;
    uint16_t index; /* among the server's checks */
    uint8_t n_attempts;
    bool hurried;       /* a fast pace: its timers are exact */
    bool queued;        /* is in the queue */
    bool wanted;        /* is to be tried when its turn comes */
    bool missed;        /* nothing answered since it last did */
    int64_t look_after; /* http: while an answer is pending, the connection alone is tried again not
                           before; boot clock, ms */
    int64_t ask_after;  /* http: it was slow, and is not asked again before */
    struct question *question; /* http: what it shares with others; NULL: it was never asked */
};

/* The first member of each kind's own struct. */
struct attempt {
    struct probe_check *check;
    struct attempt *next;
    sd_event_source *deadline;
    bool patient; /* the machine has taken it; it may last as long as its check allows */
    bool late;    /* and did not answer by then, which was told: it is waited for all the same, so
                     that no question is abandoned and repeated; it holds no turn */
};

struct kind_impl {
    /* Begins a try, whose memory the kind allocates; never reports. 0 or -errno. */
    int (*begin)(struct probe_kind *kind, struct probe_check *check, struct attempt **ret_attempt);
    /* Ends what the try holds and frees it. */
    void (*drop)(struct attempt *attempt);
    /* Is no new try of this check to begin: one is so far on its way that a newer one cannot be
     * faster, or it rests? May be NULL. */
    bool (*engaged)(const struct probe_check *check);
    /* The time of a round is over: is this try so far on its way that it may go on? NULL: no. */
    bool (*may_go_on)(struct attempt *attempt);
    void (*destroy)(struct probe_kind *kind);
};

/* What all kinds need; borrowed, outlives them. */
struct probe_env {
    sd_event *loop;
    /* May call check_cancel, nothing else of this module. */
    void (*report)(void *context, struct probe_check *check, enum probe_outcome outcome,
                   struct fault fault, uint16_t detail);
    void *context;
    unsigned descriptors; /* a kind may hold so many at once */
};

/* The first member of each kind's own struct. */
struct probe_kind {
    const struct kind_impl *impl;
    const struct probe_env *env;
    sd_event_source *turn; /* runs when the queue can go on */
    struct probe_check *first_waiting, *last_waiting;
    unsigned busy, late, limit;
    uint64_t shortage_told; /* when it was last logged; boot clock, us */
};

int kind_init(struct probe_kind *kind, const struct kind_impl *impl, const struct probe_env *env,
              unsigned limit);
void kind_finish(struct probe_kind *kind);
void kind_destroy(
    struct probe_kind *kind); /* by its impl; accepts NULL. Its checks are cancelled already */

/* Its turn has come: begins a try, or lets the one under way go on, or queues it. May report. */
void check_ask(struct probe_check *check, int timeout_ms, bool hurried);
/* Drops all tries of a check without a word. */
void check_cancel(struct probe_check *check);
/* And all that it was left to rest for: it is asked again with the next round. */
void check_forget(struct probe_check *check);

/* A try has ended; it is freed, the others of its check too if the machine answered. Reports; the
 * caller does nothing after it with what it knew. */
void attempt_end(struct attempt *attempt, enum probe_outcome outcome, enum fault_code fault,
                 uint16_t number);

/* An HTTP status has come: PROBE_PASS if it is one of those expected. */
void attempt_end_with_status(struct attempt *attempt, uint16_t status);
/* The machine took the connection and did not do what was asked for: an answer, but a miss on
 * loopback. */
void attempt_end_wrong(struct attempt *attempt, enum fault_code fault, uint16_t number);
/* A try has failed by an errno, > 0, told by a socket. What this machine is short of for the moment
 * says nothing and is not reported, but logged, once a minute. */
void attempt_fail(struct attempt *attempt, int error);

#endif
