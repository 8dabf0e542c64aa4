/*
 * orders: reads what Hall asks of this server, and refuses what must not be done: not understood,
 * retained, expired, asked before, switched off here. Pure; told the time. Verbs are a closed set;
 * nothing of a payload ever reaches a shell.
 */
#ifndef HALL_BRIDGES_AGENT_AGENT_ORDERS_H
#define HALL_BRIDGES_AGENT_AGENT_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "bridges/agent/docker/docker.h"
#include "bridges/agent/logind/logind.h"

enum order_verb {
    ORDER_SUSPEND = LOGIND_SUSPEND,
    ORDER_HIBERNATE = LOGIND_HIBERNATE,
    ORDER_POWEROFF = LOGIND_POWEROFF,
    ORDER_REBOOT = LOGIND_REBOOT,
    ORDER_START, /* containers */
    ORDER_STOP,
    ORDER_RESTART,
};
enum { ORDER_VERBS = 7 };

/* What a configuration can switch off, as bits. */
enum order_right {
    RIGHT_SUSPEND = 1 << ORDER_SUSPEND,
    RIGHT_HIBERNATE = 1 << ORDER_HIBERNATE,
    RIGHT_POWEROFF = 1 << ORDER_POWEROFF,
    RIGHT_REBOOT = 1 << ORDER_REBOOT,
    RIGHT_CONTAINERS = 1 << 4,
    RIGHT_WOL = 1 << 5, /* to arm the network card before a sleep */
};

enum { ORDER_ID_SIZE = 65, ORDER_CONTAINERS_MAX = 32, ORDERS_KEPT = 64 };

struct order {
    char id[ORDER_ID_SIZE];
    enum order_verb verb;
    bool force;      /* skips vetoes, never rights */
    int64_t idle_ms; /* Hall's idle time for this server; 0: not said */
    /* Of containers: a project, or names. */
    char project[SLUG_MAX + 1];
    size_t n_names;
    char names[ORDER_CONTAINERS_MAX][DOCKER_NAME_SIZE];
};

/* The ids that were asked last; a zeroed one is empty. */
struct orders {
    size_t next;
    char ids[ORDERS_KEPT][ORDER_ID_SIZE];
};

const char *order_verb_name(enum order_verb verb);
static inline bool order_is_power(enum order_verb verb)
{
    return verb <= ORDER_REBOOT;
}

/*
 * Reads one command and remembers its id. rights: what is allowed here. 0, or -errno and why:
 * -EINVAL not understood, -ESTALE retained or expired, -EALREADY asked before,
 * -EACCES switched off. On failure ret_order has as much of id and verb's name as could be read (""
 * else), so that the refusal can carry them.
 */
struct order_name {
    char id[ORDER_ID_SIZE];
    char action[24];
};
int orders_read(struct orders *orders, const void *payload, size_t length, bool retained,
                int64_t now_wall, unsigned rights, struct order *ret_order,
                struct order_name *ret_name, struct fact *ret_why);

#endif
