/*
 * machine: one simulated server. Asleep until a magic packet reaches it, it boots, answers the
 * probes at the pace that was ordered, agrees to sleep unless its agent has a veto, and falls
 * silent. What Hall would see of it goes out as fleet events. Times are of the boot clock, ms. All
 * but machine_step may be called while the fleet handles an event.
 */
#ifndef HALL_SIMULATE_MACHINE_H
#define HALL_SIMULATE_MACHINE_H

#include "core/fleet.h"

#define MACHINE_NEVER INT64_MAX
enum { MACHINE_BOOT = 30000 }; /* ms from the packet until its sites answer */

enum machine_phase {
    MACHINE_DOWN,
    MACHINE_STARTING, /* nothing answers yet */
    MACHINE_ANSWERS,  /* the system does, its services do not */
    MACHINE_UP,
};

/* Things that come at their time; each has a row in machine.c. */
enum machine_plan {
    PLAN_SIGN,    /* it answers echoes */
    PLAN_AGENT,   /* its agent is online */
    PLAN_SITES,   /* all its checks pass */
    PLAN_ANSWER,  /* its agent, or whatever was told to put it to sleep, answers */
    PLAN_GOODBYE, /* its agent says that it goes */
    PLAN_SILENCE, /* it is gone */
    PLAN_WILL,    /* the broker notices that its agent is gone */
    PLAN_ROUND,   /* what a round of probes saw */
};
enum { MACHINE_PLANS = 8 };

struct machine {
    const struct model_server *model;
    int server;
    bool has_agent;
    enum machine_phase phase;
    int64_t plans[MACHINE_PLANS]; /* MACHINE_NEVER: not planned */
    int64_t boot;                 /* how long a boot takes */
    int lose;                     /* packets that will not reach it */
    struct agent_uses uses;       /* what its agent reports: a veto, while there is any */
    unsigned boots;               /* cold ones: tells a resume from a boot */
    bool cold;                    /* the next start is one */
    enum agent_word word;         /* the agent's, as the broker keeps it */
    struct {
        bool force, restart;
        char id[COMMAND_ID_SIZE];
    } asked; /* the sleep asked for */
    struct {
        int64_t since, interval, timeout;
        int rounds; /* until all that changed was seen often enough */
    } pace;
    int64_t on, on_since; /* how long it was on, before on_since; 0: it is not */
};

/* What Hall sees. */
struct machine_listener {
    void (*tell)(void *context, const struct fleet_event *event);
    void *context;
};

void machine_init(struct machine *machine, const struct model *model, int server);
int64_t machine_due(const struct machine *machine);
/* Does what is due, the earliest first, one thing at a call. */
void machine_step(struct machine *machine, int64_t now, const struct machine_listener *listener);

/* What Hall does to it. */
void machine_pace(struct machine *machine, int64_t now, int64_t interval, int64_t timeout);
bool machine_packet(struct machine *machine, int64_t now); /* false: it did not get there */
void machine_ask_sleep(struct machine *machine, int64_t now, const char *id, bool force,
                       bool restart);

/* What the script does to it. */
bool machine_crash(struct machine *machine, int64_t now); /* false: it is not on */
void machine_report(struct machine *machine, const struct fleet_event *report,
                    const struct machine_listener *listener);

/* Hall has restarted: what the broker keeps is told, and all is probed anew. */
void machine_meet(struct machine *machine, int64_t now, const struct machine_listener *listener);

int64_t machine_on(const struct machine *machine, int64_t now); /* ms */

#endif
