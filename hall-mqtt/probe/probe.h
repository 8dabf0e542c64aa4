/*
 * probe: asks how the servers are, by ICMP echo, TCP connect, HTTP and the kernel's neighbour
 * table. One prober for all, on the loop thread; nothing blocks.
 *
 * prober_pace says how often a round starts. A round tries every check of the server; each try ends
 * with one outcome. A check whose earlier try has found no machine yet is tried again all the same,
 * lest a retransmission delay the first sign of life; the first answer ends them all. Before the
 * first answer of a round the neighbour entry is told; while nothing answers, the neighbour table
 * is searched now and then for the server's MAC at another address. A site that took the connection
 * is given as long as its check allows and asked once at a time; until it answers it is
 * PROBE_PENDING, and one that is slow is asked less often. On loopback none is, an echo is
 * PROBE_UNABLE and a refused connection a miss. CHECK_AGENT is not probed here: the bus tells.
 */
#ifndef HALL_PROBE_PROBE_H
#define HALL_PROBE_PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/facts/evidence.h"
#include "core/model.h"

struct prober;

/* What the prober tells; called from the loop. The callee may call prober_pace, nothing else of the
 * prober. */
struct prober_listener {
    void (*outcome)(void *context, int server, unsigned check, enum probe_outcome outcome,
                    struct fault fault, uint16_t detail);
    void (*neighbour)(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6]);
    /* One of its MACs answers at another address, while nothing answers at its own; 0.0.0.0: no
     * more. May be NULL. */
    void (*moved)(void *context, int server, struct in_addr address);
    /* Is this one of its MACs that is not configured? May be NULL. */
    bool (*owns)(void *context, int server, const uint8_t mac[6]);
};

/* loop and model are borrowed and outlive the prober. 0 or -errno. Where ICMP is not permitted, the
 * first echo logs once what to do (net.ipv4.ping_group_range) and the other checks go on. */
int prober_create(sd_event *loop, const struct model *model, const struct prober_listener *listener,
                  void *context, struct prober **ret_prober);
void prober_destroy(struct prober *prober);

/* A round every interval_ms from now on, the first at once; 0 stops. Rounds of slow paces are
 * coalesced with those of other servers so that a sleeping site wakes the CPU rarely. timeout_ms
 * bounds each try of a round, unless its check names a time of its own. Calling it again with the
 * same values changes nothing. */
void prober_pace(struct prober *prober, int server, int64_t interval_ms, int64_t timeout_ms);

/* Was a round due by then, and has not begun? Boot clock, ms. */
bool prober_is_behind(const struct prober *prober, int64_t before);
/* The loop stood still: an answer that is there by now may have been given long ago, and one that
 * is missing proves nothing. All tries end without a word, and nothing rests: what is due is asked
 * again. */
void prober_stood_still(struct prober *prober);

#endif
