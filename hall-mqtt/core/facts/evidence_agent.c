/* What its agent says, and for how long that is worth something. */
#include "core/facts/evidence_internal.h"

/* Is its agent online, beyond what silence says? */
bool evidence_agent_is_there(const struct evidence *evidence)
{
    return evidence->agent == AGENT_ONLINE && !evidence->agent_outlived;
}

/* Its own check passes while it is online. */
static void note_agent(struct evidence *evidence, const struct model_server *server)
{
    const bool online = evidence->agent == AGENT_ONLINE;

    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].kind == CHECK_AGENT)
            evidence->checks[i] = (struct check_state){
                .known = true,
                .passing = online,
                .alive = online,
                .fails = online ? 0 : EVIDENCE_MISSES,
                .fault = {.code = online ? FAULT_NONE : FAULT_NO_AGENT},
            };
}

struct evidence_change evidence_agent(struct evidence *evidence, const struct model_server *server,
                                      enum agent_word word, int64_t boot_ms)
{
    const bool changed = evidence->agent != word;

    evidence->agent = word;
    evidence->agent_outlived = false;
    if (changed)
        evidence->agent_since = boot_ms;
    if (word == AGENT_ONLINE) {
        /* The agent's own word is newer than all misses before it. */
        for (size_t i = 0; i < MODEL_CHECKS_MAX; i++)
            evidence->checks[i].misses = 0;
    }
    evidence->goodbye =
        (word == AGENT_SLEEPING && changed) || (evidence->goodbye && word != AGENT_ONLINE);
    evidence_adopt_mac(evidence, server);
    note_agent(evidence, server);
    return evidence_weigh(evidence, server, changed);
}

void evidence_keep_agent(struct evidence *evidence, const struct model_server *server,
                         const struct evidence *was)
{
    evidence->agent = was->agent;
    evidence->agent_outlived = was->agent_outlived;
    evidence->goodbye = was->goodbye;
    evidence->agent_since = was->agent_since;
    if (was->agent != AGENT_UNHEARD)
        note_agent(evidence, server);
}

void evidence_hear_agent(struct evidence *evidence)
{
    evidence->agent_late = false;
}

struct evidence_change evidence_miss_agent(struct evidence *evidence,
                                           const struct model_server *server)
{
    evidence->agent_late = true;
    return evidence_weigh(evidence, server, false);
}

const char *agent_word_name(enum agent_word word)
{
    static const char *const names[] = {[AGENT_UNHEARD] = NULL,
                                        [AGENT_ONLINE] = "online",
                                        [AGENT_SLEEPING] = "sleeping",
                                        [AGENT_OFFLINE] = "offline"};

    return names[word];
}
