/*
 * step: what the parts of the fleet share while one event is handled: the fleet, the time, and the
 * server at hand. Internal to core/.
 */
#ifndef HALL_CORE_STEP_H
#define HALL_CORE_STEP_H

#include "core/due.h"
#include "core/fleet.h"
#include "core/quota.h"

/* What a domain's schedule says, as last looked at. Wall times, ms. */
struct domain_state {
    int64_t looked, valid_until; /* 0: never looked */
    bool open;                   /* a window is open */
    int64_t opens;               /* the next window begins; SCHEDULE_NEVER */
    bool wants;                  /* a window is open, or opens within the lead time */
    int64_t until;               /* it closes; SCHEDULE_NEVER */
    int64_t next;                /* the next one opens; SCHEDULE_NEVER */
    bool closed;                 /* outside its windows it refuses visitors */
};

/* Who needs whom, and who shares a circuit. Built once from the model. */
struct depend {
    int *first;       /* [n_servers] first edge to a server that needs this one, or MODEL_NONE */
    int *next;        /* [edges] */
    int *from;        /* [edges] the server that needs */
    int *group;       /* [n_servers] circuit group, or MODEL_NONE */
    int *group_first; /* [groups] */
    int *group_next;  /* [n_servers] */
    int *starting;    /* [groups] the server that starts now, or MODEL_NONE */
};

struct fleet {
    const struct model *model;
    struct fleet_sink sink;
    struct power *powers;         /* [n_servers] */
    struct override *overrides;   /* [n_servers] */
    struct site_state *sites;     /* [n_sites] */
    int *site_first;              /* [n_servers] its first site, or MODEL_NONE */
    int *site_next;               /* [n_sites] the next site of the same server */
    struct domain_state *domains; /* [n_domains] */
    struct project *projects;     /* [n_projects] */
    size_t n_projects;
    struct container *containers; /* of all projects */
    struct depend depend;
    struct due due;
    struct ledger ledger;
    struct quota_book *quotas;
    const struct zone_port *zones;
    bool clock_trusted;
    uint32_t serial; /* makes ids of wakes, sleeps and nameless commands unique */
};

/* What was changed at run time. */
struct override {
    bool policy_set;
    enum policy_mode policy;
    int64_t idle;             /* 0: as configured */
    char by[COMMAND_BY_SIZE]; /* who changed it last */
};

struct step {
    struct fleet *fleet;
    struct now now;
    int server;
    struct power *power;
    const struct model_server *model;
    bool changed; /* the server's status is to be published */
    bool durable; /* and what changed must not be lost: somebody was told */
};

#define SAYS(format_, first_) __attribute__((format(printf, format_, first_)))

/* step.c: the few doors through which everything leaves the core */
void step_transition(struct step *step, enum power_event event, const char *reason);
void step_tell(struct step *step, enum happening what, int64_t ms, const char *format, ...)
    SAYS(4, 5);
void step_stage(struct step *step, enum stage stage);
void step_problem(struct step *step, const char *format, ...) SAYS(2, 3);
void step_answer(struct step *step, struct ledger_entry *entry, enum command_outcome outcome,
                 const char *reason);
/* Answers every open command of this action on this server. */
void step_answer_open(struct step *step, enum command_action action, enum command_outcome outcome,
                      const char *reason);
void step_new_id(struct step *step, char kind, char out[COMMAND_ID_SIZE]);
void step_emit(struct step *step, struct action *action);

/* wake.c: the wake transaction */
enum {
    WAKE_AWAITED_MOST = 180000
}; /* ms a visited site is watched closely while its server is up */
/* Begins one, joins the one under way, or queues it. False: a guard refuses, and step->power->guard
 * says which. */
bool wake_request(struct step *step, const char *cause, bool force);
void wake_sign(struct step *step);
void wake_tick(struct step *step);
/* Is it this wake, open or just given up, that makes the server ready? */
bool wake_is_answered(const struct power *power);
void wake_succeed(struct step *step);
/* The agent's first report since a wake that has ended: it tells which kind that was. */
void wake_correct_kind(struct step *step);
void wake_fail(struct step *step, enum wake_failure failure);
void wake_cancel(struct step *step, const char *by);
int64_t wake_due(const struct step *step);

/* sleep.c: the sleep transaction */
/* Why it must not be put to sleep now, as a sentence in out; false when it may. idle: Hall's own
 * wish, which nobody can force. */
bool sleep_is_barred(struct step *step, bool force, char out[REASON_SIZE]);
/* Is there a lease that a plain command may not override? */
bool sleep_is_in_use(const struct step *step, char out[REASON_SIZE]);
void sleep_propose(struct step *step, const char *id, const char *by, bool force, bool restart);
void sleep_answered(struct step *step, enum sleep_answer answer, const char *id,
                    const char *reason);
void sleep_agreed(struct step *step, const char *reason); /* also a goodbye that nobody asked for */
void sleep_succeed(struct step *step);
void sleep_fail(struct step *step, const char *reason);
void sleep_release_holds(struct step *step); /* what a forced sleep ends */
void sleep_came_back(struct step *step); /* the agent is online again before silence was proven */
void sleep_tick(struct step *step);
void sleep_when_idle(struct step *step);
int64_t sleep_due(const struct step *step);

/* policy.c: standing leases */
void policy_keep(struct step *step); /* takes and ends the leases that policies want */
void policy_wake(struct step *step); /* wakes for them what is found down */
bool policy_is_standing(enum lease_kind kind);
int64_t policy_due(const struct step *step);

/* depend.c: servers that need each other, circuit groups */
int depend_init(struct depend *depend, const struct model *model); /* -ENOMEM */
void depend_finish(struct depend *depend);
void depend_keep(struct step *step);  /* leases of those that need this server */
void depend_touch(struct step *step); /* makes those due whom a change concerns */
enum wake_wait depend_wait(const struct step *step,
                           char out[REASON_SIZE]); /* what a wake has to wait for, as a sentence */
bool depend_failed(const struct step *step,
                   char out[REASON_SIZE]); /* a server that it needs will not come */
void depend_ask(struct step *step);        /* a wake begins: what it needs is wanted anew */
void depend_take_turn(struct step *step);
void depend_end_turn(struct step *step);

/* guard.c: what refuses */
bool guard_wake(const struct step *step, struct guard *ret_guard);
void guard_note_wake(struct step *step);
bool guard_visit(struct step *step, int site, const char *who); /* true: refused, told */
void guard_note_use(struct step *step, int site, const char *who, bool wakes);
void guard_tick(struct step *step);
int64_t guard_due(const struct step *step);
void guard_say(const struct step *step, const struct guard *guard, char out[REASON_SIZE]);

/* project.c: what is known of a project */
struct project *project_of(const struct step *step, int site); /* NULL: it is none */
void project_told(struct step *step, struct project *project, const struct containers_told *told);
bool project_is_known(const struct power *power, const struct project *project);
bool project_is_stopped(const struct project *project);
bool project_is_running(const struct project *project);
bool project_is_whole(const struct project *project); /* none is missing */
bool project_is_healthy(const struct project *project);
bool project_is_busy(const struct project *project);
bool project_admits(const struct power *power, const struct project *project, bool has_check);

/* projects.c, project_run.c, project_ask.c: all of a server, what is ordered, commands */
int projects_init(struct fleet *fleet); /* -ENOMEM */
void projects_finish(struct fleet *fleet);
void projects_told(struct step *step, const struct containers_told *told);
void projects_agent_away(struct step *step); /* what it said holds no more */
/* Somebody wants this site, and it is not ready. */
void projects_want(struct step *step, int site);
void projects_order(struct step *step);  /* what is to be started or stopped now; before sites are
                                            looked at */
void projects_settle(struct step *step); /* what came of it; afterwards */
void projects_tell(struct step *step);   /* which states changed; last */
/* Is it the answer to an order of a project? */
bool projects_answered(struct step *step, enum sleep_answer answer, const char *id,
                       const char *reason);
void projects_fail(struct step *step, const char *reason); /* its server does not come */
int64_t projects_due(const struct step *step);
/* A command to a project; accepted and its lease taken already where it is a start. */
bool project_has_command(const struct ledger_entry *entry); /* is it one to a project? */
void project_command_start(struct step *step, struct ledger_entry *entry);
void project_command_stop(struct step *step, struct ledger_entry *entry);
void project_command_restart(struct step *step, struct ledger_entry *entry);
void project_learn(struct project *project, int32_t ms);
/* After a restart or reload: whoever asked still waits for an end. */
void projects_restore_command(struct fleet *fleet, const struct ledger_entry *entry);
/* Over a reload: everything but what is configured. */
void project_adopt(struct project *project, const struct project *was);

/* event.c: what happened */
void event_handle(struct step *step, const struct fleet_event *event);
void event_apply(struct step *step, struct evidence_change change); /* what the evidence shows */

/* order.c: commands */
void order_command(struct step *step, const struct command *command);

/* fleet.c */
int64_t step_idle(const struct step *step);
void step_release_passing_leases(
    struct step *step); /* visit and manual: those that end with the run */

#endif
