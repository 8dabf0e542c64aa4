/* Whose MAC it is that answers on the address of a server. */
#include <string.h>

#include "core/facts/evidence_internal.h"

enum {
    DOUBT_LEAST = 10000
}; /* ms that another MAC answers before that is believed of one that is up */

bool evidence_doubts(const struct evidence *evidence)
{
    return evidence->mac == MAC_OTHER && evidence->doubts > 0;
}

/* Whose site answers by a MAC that nobody named: its own where none is known yet (it may have been
 * booting at the first look), or where it was silent before it was woken; not one that was there
 * before. */
static bool may_be_woken(const struct evidence *evidence)
{
    if (!evidence->mac_matched && evidence->macs.n == 0)
        return evidence->lesson != LEARN_NOTHING ||
               memcmp(evidence->first, evidence->other_mac, MAC_SIZE) == 0;
    return evidence->lesson == LEARN_WOKEN &&
           memcmp(evidence->stranger, evidence->other_mac, MAC_SIZE) != 0;
}

/* Bridges, bonds, second cards and the system that starts the real one have MACs that nobody
 * configured. */
void evidence_adopt_mac(struct evidence *evidence, const struct model_server *server)
{
    if (evidence->mac != MAC_OTHER)
        return;
    if (!evidence_agent_is_there(evidence) && !macs_have(&evidence->macs, evidence->other_mac) &&
        !(may_be_woken(evidence) && evidence_some_site_passes(evidence, server)))
        return;
    macs_learn(&evidence->macs, evidence->other_mac, false);
    evidence->mac = MAC_MATCH;
    evidence->doubts = 0;
}

/* One that is up, and whose site answers on: it has changed its card. Else it was replaced. */
static void decide(struct evidence *evidence, const struct model_server *server, int64_t now)
{
    if (evidence->doubts < EVIDENCE_MISSES || now - evidence->doubted < DOUBT_LEAST)
        return;
    evidence->doubts = 0;
    if (!evidence_some_site_passes(evidence, server))
        return;
    macs_learn(&evidence->macs, evidence->other_mac, false);
    evidence->mac = MAC_MATCH;
}

/* Two machines may answer by turns: what is up stays so while its own MAC is among those. */
static void doubt(struct evidence *evidence, const struct model_server *server, int64_t now)
{
    if (evidence->mac != MAC_OTHER)
        evidence->doubts = 0;
    else if (evidence->alive && evidence->doubts == 0)
        evidence->doubted = now;
    if (evidence->mac != MAC_OTHER || !evidence->alive)
        return;
    if (evidence->doubts < EVIDENCE_MISSES)
        evidence->doubts++;
    decide(evidence, server, now);
}

static bool is_own(const struct evidence *evidence, const struct model_server *server,
                   const uint8_t mac[MAC_SIZE])
{
    return model_has_mac(server, mac) || macs_are_told(&evidence->macs, mac);
}

bool evidence_is_disputed(const struct evidence *evidence, const struct model_server *server)
{
    return evidence->alive && macs_alternate(&evidence->macs) &&
           !(is_own(evidence, server, evidence->macs.heard[0]) &&
             is_own(evidence, server, evidence->macs.heard[1]));
}

struct evidence_change evidence_neighbour(struct evidence *evidence,
                                          const struct model_server *server,
                                          enum mac_verdict verdict, const uint8_t mac[6],
                                          int64_t boot_ms)
{
    const enum mac_verdict before = evidence->mac;
    const bool was_taken = before == MAC_OTHER && !evidence->alive;
    const bool was_doubted = evidence->doubts > 0;
    const bool was_disputed = evidence_is_disputed(evidence, server);

    /* While another machine holds the address, a neighbour entry that is gone proves nothing. */
    if (verdict == MAC_UNKNOWN && before == MAC_OTHER)
        return evidence_weigh(evidence, server, false);
    /* A card that echoes for its sleeping machine takes over what another one had answered. */
    if (was_taken && verdict == MAC_MATCH)
        evidence_forget_answers(evidence, server);
    evidence->mac = verdict;
    evidence->mac_heard = true;
    evidence->mac_matched |= verdict == MAC_MATCH && evidence_is_beyond_echoes(evidence, server);
    if (verdict != MAC_UNKNOWN)
        macs_hear(&evidence->macs, mac, boot_ms);
    if (verdict == MAC_OTHER)
        memcpy(evidence->other_mac, mac, sizeof(evidence->other_mac));
    if (verdict == MAC_OTHER && evidence->lesson == LEARN_FIRST)
        memcpy(evidence->first, mac, sizeof(evidence->first));
    evidence_adopt_mac(evidence, server);
    if (evidence->mac == MAC_OTHER && evidence->lesson == LEARN_NOTHING && !evidence->alive)
        memcpy(evidence->stranger, mac, sizeof(evidence->stranger));
    doubt(evidence, server, boot_ms);
    return evidence_weigh(evidence, server,
                          before != evidence->mac || was_doubted != (evidence->doubts > 0) ||
                              was_disputed != evidence_is_disputed(evidence, server));
}

struct evidence_change evidence_macs(struct evidence *evidence, const struct model_server *server,
                                     const uint8_t macs[][MAC_SIZE], size_t n)
{
    const enum mac_verdict before = evidence->mac;

    macs_forget_told(&evidence->macs);
    for (size_t i = n; i-- > 0;)
        if (!model_has_mac(server, macs[i]))
            macs_learn(&evidence->macs, macs[i], true);
    evidence_adopt_mac(evidence, server);
    return evidence_weigh(evidence, server, before != evidence->mac);
}
