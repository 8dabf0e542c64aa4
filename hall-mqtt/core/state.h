/*
 * state: all that the fleet knows, and the server at hand while one event is handled. Plain data,
 * read and changed by the files of core/ alone.
 */
#ifndef HALL_CORE_STATE_H
#define HALL_CORE_STATE_H

#include "core/facts/due.h"
#include "core/facts/quota.h"
#include "core/fleet.h"

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
    struct power *powers;           /* [n_servers] */
    struct lease_set *lease_sets;   /* [n_servers] */
    struct lease *leases;           /* of all sets */
    struct override *overrides;     /* [n_servers] */
    struct site_state *sites;       /* [n_sites] */
    int *site_first;                /* [n_servers] its first site, or MODEL_NONE */
    int *site_next;                 /* [n_sites] the next site of the same server */
    struct domain_state *domains;   /* [n_domains] */
    struct project *projects;       /* [n_projects] */
    struct project **project_first; /* [n_servers] or NULL */
    size_t n_projects;
    struct container *containers;       /* of all projects */
    char (*found)[CONTAINER_NAME_SIZE]; /* names for those whose containers are not configured */
    struct depend depend;
    struct due due;
    struct ledger ledger;
    struct quota_book quotas;
    const struct zone_port *zones;
    bool clock_trusted;
    bool clock_missed; /* it has not been trusted for so long that it is told */
    /* Of the step at hand: why a wake is wanted, why one has failed, what a cancelled one is told.
     */
    struct fact cause, failure, done;
    unsigned rounds_most; /* that settling has taken so far */
    uint32_t serial;      /* makes ids of wakes, sleeps and nameless commands unique */
};

/* What was changed at run time. */
struct override {
    bool policy_set;
    enum policy_mode policy;
    int64_t idle;             /* 0: as configured */
    char by[COMMAND_BY_SIZE]; /* who changed it last */
};

/* What an event says; it is heard once. */
struct heard {
    enum fleet_event_kind kind;
    const struct fleet_event *visit; /* a visit or a use */
    const struct command *command;
    struct ledger_entry *entry;       /* of that command, once it is in the ledger */
    const struct fleet_event *answer; /* of an agent or a sleep method, to what it was asked */
    struct evidence_change seen;
    bool intruder;   /* another machine answers on its address */
    bool goodbye;    /* its agent says that it sleeps */
    bool back;       /* its agent is online again, and it was falling asleep */
    bool reported;   /* its agent, for the first time since a wake began */
    bool agent_gone; /* what its agent said holds no more */
    uint32_t packet; /* the number of a magic packet that left; 0: none */
};

/* A wake that somebody wants: the wake rule begins it, joins the one under way, queues it or
 * refuses. */
struct wake_wish {
    const struct fact *cause; /* NULL: nobody does */
    bool force;
    int site;        /* a visitor's: its quotas count the wake; else MODEL_NONE */
    const char *who; /* the visitor's address */
};

/* A wake is to be called off. */
struct cancel_wish {
    const char *by;             /* who; NULL: it is not */
    struct ledger_entry *entry; /* the command that is done by that, or NULL */
    const struct fact *done;    /* and what it is told */
};

/* A command wants a sleep, or a restart. */
struct sleep_wish {
    struct ledger_entry *entry; /* NULL: none does */
    const char *by;
    bool force, restart;
};

/* How a server that was about to sleep fell silent. */
enum silence { SILENCE_NONE, SILENCE_AGREED, SILENCE_SUDDEN };

/* ms a visited site is watched closely while its server is up */
enum { AWAITED_MOST = 180000 };

struct step {
    struct fleet *fleet;
    struct now now;
    int server;
    struct power *power;
    const struct model_server *model;
    struct heard heard;
    struct wake_wish wish;
    struct cancel_wish cancel;
    struct sleep_wish sleep;
    const struct fact *wake_failure; /* why; nobody is to wait any longer for what is on it */
    bool became_ready;               /* the wake that led there is over */
    enum silence silence;

    bool changed; /* the server's status is to be published */
    bool durable; /* and what changed must not be lost: somebody was told */
};

#endif
