/*
 * agent_internal: the agent's one struct, and what its two files ask of each other: agent.c has the
 * wires, leave.c the way to sleep and back. Loop thread only.
 */
#ifndef HALL_AGENT_INTERNAL_H
#define HALL_AGENT_INTERNAL_H

#include <systemd/sd-event.h>

#include "base/log.h"
#include "bridges/agent/agent.h"
#include "bridges/agent/agent_commands.h"
#include "bridges/agent/agent_words.h"
#include "bridges/agent/docker/docker.h"
#include "bridges/agent/logind/logind.h"
#include "mqtt/mqtt.h"
#include "words/topic.h"

enum leave_phase {
    LEAVE_NOT,      /* awake */
    LEAVE_CHECKING, /* a command waits for a fresh look */
    LEAVE_SAYING,   /* "sleeping" is on its way to the broker; then logind is asked */
    LEAVE_ASKED,    /* logind was */
    LEAVE_GOING,    /* logind waits for us: "sleeping" is on its way to the broker */
    LEAVE_GONE,     /* we let the machine go */
};

struct leave {
    enum leave_phase phase;
    struct agent_command command; /* from CHECKING on, where it began by one */
    bool commanded;               /* the command is not answered for good */
    unsigned look;                /* CHECKING: the look that decides */
    unsigned connection;          /* the one there was when the machine went */
    sd_event_source *limit;       /* of the phase */
};

/* Commands to containers that were accepted, until Docker is done with them. */
struct under_way {
    size_t n;
    struct agent_command_name list[16];
};

struct agent {
    const struct config_agent *config;
    sd_event *loop;
    sd_event_source *look_timer, *trim_timer;
    struct mqtt *mqtt;
    struct logind *logind;
    struct watch *watch;
    struct docker *docker;                /* NULL: not configured */
    const struct docker_view *containers; /* NULL: not heard of yet */
    struct agent_commands commands;
    struct under_way under_way;
    struct leave leave;
    struct vetoes vetoes; /* of the last look */
    unsigned resumes;
    unsigned connections;  /* so many were made */
    bool measured;         /* rates have two looks behind them */
    struct log_flood told; /* about commands */
    struct {
        char state[TOPIC_MAX], report[TOPIC_MAX], containers[TOPIC_MAX], command[TOPIC_MAX],
            result[TOPIC_MAX];
    } topics;
};

/* ---- agent.c ---- */

/* Publishes a result, and logs it. why, vetoes: NULL where there is nothing to say. */
void agent_answer(struct agent *agent, const struct agent_command_name *name,
                  enum report_outcome outcome, const struct fact *why, const struct vetoes *vetoes);
/* This machine goes, within this time; or it says that it failed. */
void agent_agree(struct agent *agent, const struct agent_command_name *name, int64_t limit_ms);
void agent_say(struct agent *agent, const char *state);
/* The next look comes after so long at the latest. */
void agent_look_within(struct agent *agent, int64_t delay_ms);

/* ---- leave.c ---- */

int leave_init(struct agent *agent);
void leave_finish(struct agent *agent);
/* A power verb that may be done here. */
void leave_command(struct agent *agent, const struct agent_command *command);
/* A look has ended. */
void leave_seen(struct agent *agent, unsigned look);
/* The broker took all there was to say. */
void leave_said(struct agent *agent);
/* It is not there to take it. */
void leave_unheard(struct agent *agent, struct fact why);
void leave_going(struct agent *agent, enum logind_change change, bool begins);

#endif
