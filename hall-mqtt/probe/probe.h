/*
 * probe: asks how the servers are: ICMP echo on a datagram socket, TCP connect, HTTP by libcurl
 * multi, and the kernel's neighbour table by rtnetlink. All on the loop thread; nothing blocks. One
 * prober serves all servers.
 *
 * Each server is probed in rounds: prober_pace says how often a round starts. A round tries every
 * check of the server at once; each try ends with one outcome within its own time limit. A check
 * whose earlier try has found no machine yet is tried again all the same, so that the first sign of
 * life is not missed by a retransmission; its first answer ends them all. Before the first answer
 * of a round the neighbour entry is read and told. On loopback no neighbour is looked up, an echo
 * is PROBE_UNABLE, and a refused connection is a miss, not an answer.
 *
 * CHECK_AGENT is not probed here: the bus tells.
 */
#ifndef HALL_PROBE_PROBE_H
#define HALL_PROBE_PROBE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/evidence.h"
#include "core/model.h"

struct prober;

/* What the prober tells; called from the loop. The callee may call prober_pace, nothing else of the
 * prober. */
struct prober_listener {
    void (*outcome)(void *context, int server, unsigned check, enum probe_outcome outcome,
                    uint16_t detail);
    void (*neighbour)(void *context, int server, enum mac_verdict verdict, const uint8_t mac[6]);
};

/* loop and model are borrowed and outlive the prober. 0 or -errno. Logs once, with what to do,
 * where ICMP is not permitted (net.ipv4.ping_group_range), and goes on with the other checks. */
int prober_create(sd_event *loop, const struct model *model, const struct prober_listener *listener,
                  void *context, struct prober **ret_prober);
void prober_destroy(struct prober *prober);

/* A round every interval_ms from now on, the first at once; 0 stops. Rounds of slow paces are
 * coalesced with those of other servers so that a sleeping site wakes the CPU rarely. timeout_ms
 * bounds each check of a round. Calling it again with the same values changes nothing. */
void prober_pace(struct prober *prober, int server, int64_t interval_ms, int64_t timeout_ms);

#endif
