/*
 * project: the containers a project is made of: what the agent of its server tells of them, what
 * state that makes, and what is ordered of the agent: started when somebody wants the site,
 * stopped when nobody has wanted it for idle_stop. Pure. A project belongs to one site; the fleet
 * owns all memory. project_internal.h says which
 * file does what.
 */
#ifndef HALL_CORE_FACTS_PROJECT_H
#define HALL_CORE_FACTS_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "core/fact.h"
#include "core/facts/history.h"
#include "core/facts/ledger.h"

struct fleet;

enum {
    CONTAINERS_TOLD_MAX = 128, /* of one agent */
    CONTAINER_NAME_SIZE = 129,
    PROJECT_FOUND_MAX = CONTAINERS_TOLD_MAX, /* of a project whose containers are not configured */
    PROJECT_RUNS_MAX = 5,                    /* starts an estimate is made from */
};

/* As the agent says; the first is what it does not say. */
enum container_state {
    CONTAINER_MISSING,
    CONTAINER_UNKNOWN, /* another word, or Docker is down */
    CONTAINER_CREATED,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_RESTARTING,
    CONTAINER_REMOVING,
    CONTAINER_EXITED,
    CONTAINER_DEAD,
};
enum { CONTAINER_STATES = 9 };

enum container_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
enum { HEALTHS = 4 };

/* What an agent tells of all its containers. */
struct container_told {
    char name[CONTAINER_NAME_SIZE]; /* "": all of the project */
    char project[SLUG_MAX + 1];     /* by its labels; "" */
    enum container_state state;
    enum container_health health;
    bool busy; /* must not be stopped under those who use it */
};
struct containers_told {
    bool docker_up;
    int schema;          /* another than AGENT_SCHEMA: nothing else is known; 0: it does not say */
    struct fact problem; /* why Docker is not up; may be FACT_NONE */
    size_t n, n_cut;     /* n_cut: for which there is no room */
    struct container_told list[CONTAINERS_TOLD_MAX];
};

/* One container of a project. */
struct container {
    const char *name; /* the model's, or the fleet's where none are configured */
    uint8_t state;    /* enum container_state */
    uint8_t health;   /* enum container_health */
    bool busy;
    bool ordered;       /* the order under way is about it */
    bool leaving;       /* another project that lists it too stops or restarts it */
    bool listed;        /* it was found by its label, and another project names it */
    bool looping;       /* it restarts again and again: that it runs at the moment says nothing */
    uint8_t falls;      /* how often it ended by itself, of late */
    int64_t fell_at;    /* the last time */
    int64_t settles_at; /* boot clock, ms: if it runs until then, it runs */
};

enum project_state {
    PROJECT_UNKNOWN,
    PROJECT_MISSING,
    PROJECT_STOPPED,
    PROJECT_STARTING,
    PROJECT_UNHEALTHY,
    PROJECT_READY,
};
enum { PROJECT_STATES = 6 };

/* What is wrong with a project, for those who say it in other languages. */
enum project_ailment {
    AILMENT_NONE,
    AILMENT_DOCKER,    /* Docker is down */
    AILMENT_AGENT,     /* nobody tells of its containers */
    AILMENT_MISSING,   /* a container is not there */
    AILMENT_RESTARTS,  /* a container restarts again and again */
    AILMENT_UNHEALTHY, /* a container's health check fails */
    AILMENT_FAILED,    /* its containers could not be started */
    AILMENT_SILENT,    /* they run, and the site does not answer */
};
enum { AILMENTS = 8 };

/* What the agent is asked to do with its containers. */
enum project_verb { PROJECT_NOTHING, PROJECT_START, PROJECT_STOP, PROJECT_RESTART };
enum { PROJECT_VERBS = 4 };

struct project {
    struct project *next; /* of the same server */
    int site;
    bool configured; /* its containers are named in the configuration */
    bool seen;       /* the agent told of them, and its machine was not off since */
    bool docker_up;
    bool was_ready; /* since it was last seen not to run */
    bool wanted;    /* somebody wants it, and it is not ready yet */
    bool left;      /* its last stop left some to others: they end when those need them no longer */
    bool alone;     /* its server was up already when that began */
    bool given_up;  /* the last wish came to nothing; a visit begins no new one before retry_at */
    uint8_t tries;  /* starts ordered for this wish */
    uint8_t asked;  /* commands that wait for their end: bits by project_verb */
    uint8_t lost;   /* of these, those under way when Hall was restarted */
    uint8_t n_runs, next_run;
    bool accepted;            /* the order, by the agent; also one that is lost */
    enum project_state state; /* as last told */
    enum project_verb order;  /* under way with the agent */
    char id[COMMAND_ID_SIZE];
    int64_t told_at;     /* boot clock, ms; as all times here: the agent told of them last */
    int64_t order_until; /* 0: none */
    int64_t retry_at;    /* no order of our own before */
    int64_t deadline;    /* of the wish */
    int64_t running_since;
    int64_t started;        /* when the wish began: stages count from here */
    int32_t stages[STAGES]; /* ms after it, or STAGE_UNREACHED; those of containers and the site */
    int32_t runs[PROJECT_RUNS_MAX]; /* how long starts took, ms */
    size_t n;
    struct container *containers;
    char (*found)[CONTAINER_NAME_SIZE]; /* names where none are configured, or NULL */
    struct fact trouble; /* what its last order or Docker came to, when it went wrong */
    struct fact spared;  /* what its last stop or restart left alone, and for whom */
};

/* NULL: the site is no project. */
const struct project *fleet_project(const struct fleet *fleet, int site);
enum project_state fleet_project_state(const struct fleet *fleet, int site);
/* What is wrong with it and what to do; FACT_NONE: nothing. */
struct fact fleet_project_problem(const struct fleet *fleet, int site);
/* The same as a word, and the container it is about ("" where it is about none). */
enum project_ailment fleet_project_ailment(const struct fleet *fleet, int site,
                                           const char **ret_container);
/* Is what the agent told of its containers to be believed now? */
bool fleet_project_is_known(const struct fleet *fleet, int site);
/* When a start under way should have come to its end, by earlier ones; -1: not known. */
int64_t project_expected(const struct project *project);

const char *project_state_name(enum project_state state);
const char *project_verb_name(enum project_verb verb); /* "start" ... */
const char *container_state_name(enum container_state state);
enum container_state container_state_from_name(const char *name);
const char *container_health_name(enum container_health health); /* HEALTH_NONE is NULL */
enum container_health container_health_from_name(const char *name);

#endif
