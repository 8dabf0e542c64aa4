/*
 * step: what the parts of the fleet share while one event is handled: the fleet, the time, and the server at hand.
 * Internal to core/.
 */
#ifndef HALL_CORE_STEP_H
#define HALL_CORE_STEP_H

#include "core/due.h"
#include "core/fleet.h"

struct fleet {
    const struct model *model;
    struct fleet_sink sink;
    struct power *powers;      /* [n_servers] */
    struct override *overrides; /* [n_servers] */
    struct site_state *sites;  /* [n_sites] */
    int *site_first;           /* [n_servers] its first site, or MODEL_NONE */
    int *site_next;            /* [n_sites] the next site of the same server */
    struct due due;
    struct ledger ledger;
    uint32_t serial;           /* makes ids of wakes, sleeps and nameless commands unique */
};

/* What was changed at run time. */
struct override {
    bool policy_set;
    enum policy_mode policy;
    int64_t idle;              /* 0: as configured */
};

struct step {
    struct fleet *fleet;
    struct now now;
    int server;
    struct power *power;
    const struct model_server *model;
    bool changed;              /* the server's status is to be published */
};

#define SAYS(format_, first_) __attribute__((format(printf, format_, first_)))

/* step.c: the few doors through which everything leaves the core */
void step_transition(struct step *step, enum power_event event, const char *reason);
void step_tell(struct step *step, enum happening what, int64_t ms, const char *format, ...) SAYS(4, 5);
void step_stage(struct step *step, enum stage stage);
void step_problem(struct step *step, const char *format, ...) SAYS(2, 3);
void step_answer(struct step *step, struct ledger_entry *entry, enum command_outcome outcome, const char *reason);
/* Answers every open command of this action on this server. */
void step_answer_open(struct step *step, enum command_action action, enum command_outcome outcome, const char *reason);
void step_new_id(struct step *step, char kind, char out[COMMAND_ID_SIZE]);
void step_emit(struct step *step, struct action *action);

/* wake.c: the wake transaction */
enum { WAKE_AWAITED_MOST = 180000 }; /* ms a visited site is watched closely while its server is up */
void wake_request(struct step *step, const char *cause); /* begins one, joins the one under way, or queues it */
void wake_sign(struct step *step);
void wake_tick(struct step *step);
/* Is it this wake, open or just given up, that makes the server ready? */
bool wake_is_answered(const struct power *power);
void wake_succeed(struct step *step);
void wake_fail(struct step *step, enum wake_failure failure);
void wake_cancel(struct step *step, const char *by);
int64_t wake_due(const struct step *step);

/* sleep.c: the sleep transaction */
/* Why it must not be put to sleep now, as a sentence in out; false when it may. idle: Hall's own wish, which nobody can force. */
bool sleep_is_barred(struct step *step, bool force, char out[REASON_SIZE]);
void sleep_propose(struct step *step, const char *id, const char *by, bool force, bool restart);
void sleep_answered(struct step *step, enum sleep_answer answer, const char *id, const char *reason);
void sleep_agreed(struct step *step, const char *reason);  /* also a goodbye that nobody asked for */
void sleep_succeed(struct step *step);
void sleep_fail(struct step *step, const char *reason);
void sleep_release_holds(struct step *step);              /* what a forced sleep ends */
void sleep_came_back(struct step *step);                  /* the agent is online again before silence was proven */
void sleep_tick(struct step *step);
void sleep_when_idle(struct step *step);
int64_t sleep_due(const struct step *step);

/* order.c: commands */
void order_command(struct step *step, const struct command *command);

/* fleet.c */
int64_t step_idle(const struct step *step);
void step_release_passing_leases(struct step *step); /* visit and manual: those that end with the run */

#endif
