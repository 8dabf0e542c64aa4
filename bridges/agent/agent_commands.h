/*
 * agent_commands: reads what Hall asks of this server, and refuses what must not be done: not
 * understood, retained, expired, asked before, switched off here. Pure; told the time. Verbs are a
 * closed set; nothing of a payload ever reaches a shell.
 */
#ifndef HALL_BRIDGES_AGENT_AGENT_COMMANDS_H
#define HALL_BRIDGES_AGENT_AGENT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "bridges/agent/docker/docker.h"
#include "bridges/agent/logind/logind.h"

enum agent_verb {
    VERB_SUSPEND = LOGIND_SUSPEND,
    VERB_HIBERNATE = LOGIND_HIBERNATE,
    VERB_POWEROFF = LOGIND_POWEROFF,
    VERB_REBOOT = LOGIND_REBOOT,
    VERB_START, /* containers */
    VERB_STOP,
    VERB_RESTART,
};
enum { AGENT_VERBS = 7 };

/* What a configuration can switch off, as bits. */
enum agent_right {
    RIGHT_SUSPEND = 1 << VERB_SUSPEND,
    RIGHT_HIBERNATE = 1 << VERB_HIBERNATE,
    RIGHT_POWEROFF = 1 << VERB_POWEROFF,
    RIGHT_REBOOT = 1 << VERB_REBOOT,
    RIGHT_CONTAINERS = 1 << 4,
    RIGHT_WOL = 1 << 5, /* to arm the network card before a sleep */
};

enum { AGENT_COMMAND_ID_SIZE = 65, AGENT_COMMAND_CONTAINERS_MAX = 32, AGENT_COMMANDS_KEPT = 64 };

struct agent_command {
    char id[AGENT_COMMAND_ID_SIZE];
    enum agent_verb verb;
    bool force;      /* skips vetoes, never rights */
    bool asked;      /* it came of a command, not because nobody uses this server */
    int64_t idle_ms; /* Hall's idle time for this server; 0: not said */
    /* Of containers: a project, or names. */
    char project[SLUG_MAX + 1];
    size_t n_names;
    char names[AGENT_COMMAND_CONTAINERS_MAX][DOCKER_NAME_SIZE];
};

/* The ids that were asked last; a zeroed one is empty. */
struct agent_commands {
    size_t next;
    char ids[AGENT_COMMANDS_KEPT][AGENT_COMMAND_ID_SIZE];
};

const char *agent_verb_name(enum agent_verb verb);
static inline bool agent_verb_is_power(enum agent_verb verb)
{
    return verb <= VERB_REBOOT;
}

/*
 * Reads one command and remembers its id. rights: what is allowed here. 0, or -errno and why:
 * -EINVAL not understood, -ESTALE retained or expired, -EALREADY asked before,
 * -EACCES switched off. On failure ret_command has as much of id and verb's name as could be read
 * ("" else), so that the refusal can carry them.
 */
struct agent_command_name {
    char id[AGENT_COMMAND_ID_SIZE];
    char action[24];
};
int agent_commands_read(struct agent_commands *commands, const void *payload, size_t length,
                        bool retained, int64_t now_wall, unsigned rights,
                        struct agent_command *ret_command, struct agent_command_name *ret_name,
                        struct fact *ret_why);

#endif
