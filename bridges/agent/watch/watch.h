/*
 * watch: looks at this machine: /proc, the network card and all that the checks of vetoes.h look
 * at, and makes one sample of what was seen. Never blocks: logind and the command answer later, at
 * most 10 s. Rates need two looks; they are measured between looks that are a few seconds
 * apart. Loop thread only.
 */
#ifndef HALL_BRIDGES_AGENT_WATCH_WATCH_H
#define HALL_BRIDGES_AGENT_WATCH_WATCH_H

#include <systemd/sd-event.h>

#include "bridges/agent/watch/links.h"
#include "bridges/agent/watch/vetoes.h"
#include "bridges/agent/watch/wol_nic.h"

struct watch;

/* What a look found; borrowed until the next look. */
struct watch_sight {
    char boot_id[37]; /* "" where unknown, as below -1 */
    int64_t uptime_s;
    struct proc_memory memory;
    char interface[IF_NAMESIZE];
    size_t n_cards; /* below the interface, itself where it is one */
    char cards[CARDS_MAX][IF_NAMESIZE];
    size_t card; /* whose wol is told: one that is armed, where one is */
    struct wol_nic wol;
    size_t n_macs;
    uint8_t macs[MACS_MAX][MAC_SIZE];
    struct logind_can can;
    struct watch_sample sample;
};

/* seen is called at the end of each look, from the loop, with its number. -ENOMEM, -errno of
 * sd-event. */
int watch_create(sd_event *loop, const struct watch_config *config, struct logind *logind,
                 void (*seen)(void *context, unsigned look), void *context,
                 struct watch **ret_watch);
void watch_destroy(struct watch *watch);

/* Begins a look in the next turn of the loop, or once the one under way has ended. Returns its
 * number: what is seen then is newer than this call. */
unsigned watch_look(struct watch *watch);
/* The same, for a decision: reads also what seldom changes, and is read now and then else. */
unsigned watch_look_closely(struct watch *watch);
const struct watch_sight *watch_sight(const struct watch *watch);

/* How long Hall leaves this server awake after its last use, as it said with its last command; 0:
 * not said. Bytes that moved longer ago than that are no use, whatever the configuration says. */
void watch_hear_idle(struct watch *watch, int64_t idle_ms);

/* What Docker runs now, borrowed; the next look judges it. */
void watch_hear_containers(struct watch *watch, const struct docker_view *containers);

/* Counters from before a sleep are no measure for now. */
void watch_forget_rates(struct watch *watch);

#endif
