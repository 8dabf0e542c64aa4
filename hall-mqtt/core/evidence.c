#include "core/evidence.h"

#include <string.h>

void evidence_init(struct evidence *evidence)
{
    memset(evidence, 0, sizeof(*evidence));
}

void evidence_assume_up(struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].kind != CHECK_AGENT)
            evidence->checks[i] =
                (struct check_state){.known = true, .passing = true, .alive = true};
    evidence->mac_heard = true;
    evidence->alive = evidence->settled = true;
}

/* Does this check, as it stands, show that the machine is there? */
static bool shows_life(const struct model_server *server, const struct model_check *check,
                       const struct check_state *state)
{
    if (check->kind == CHECK_AGENT)
        return false;
    if (!server->loopback)
        return state->alive;
    return state->passing && check->kind != CHECK_PING;
}

/* Checks whose silence proves something: neither the agent's, nor one that cannot be made, nor an
 * echo on loopback. */
static bool can_miss(const struct model_server *server, const struct model_check *check,
                     const struct check_state *state)
{
    if (check->kind == CHECK_AGENT || state->unable)
        return false;
    return !(server->loopback && check->kind == CHECK_PING);
}

struct network_view {
    bool alive;  /* some check answers */
    bool silent; /* there are checks that could answer, and none does, beyond doubt */
    bool blind;  /* no check could show silence */
};

static struct network_view view_network(const struct evidence *evidence,
                                        const struct model_server *server)
{
    struct network_view view = {.silent = true, .blind = true};

    for (size_t i = 0; i < server->n_checks; i++) {
        const struct model_check *check = &server->checks[i];
        const struct check_state *state = &evidence->checks[i];

        if (shows_life(server, check, state))
            view.alive = true;
        if (!can_miss(server, check, state))
            continue;
        view.blind = false;
        /* On loopback the kernel refuses for a server that is not there: only a pass speaks. */
        if ((server->loopback ? state->fails : state->misses) < EVIDENCE_MISSES)
            view.silent = false;
    }
    if (view.blind)
        view.silent = false;
    if (server->loopback)
        return view;
    if (!evidence->mac_heard || evidence->mac == MAC_OTHER)
        view.alive = false;
    if (evidence->mac == MAC_OTHER)
        view.silent = true;
    return view;
}

static bool agent_shows_life(const struct evidence *evidence, const struct model_server *server,
                             const struct network_view *network)
{
    if (evidence->agent != AGENT_ONLINE)
        return false;
    /* The broker learns late that a connection is dead; proven silence on the wire is the newer
     * word. */
    return server->loopback || !network->silent;
}

/* Where no required check can be made (echoes are not permitted), some site's own answer must do.
 */
static bool some_site_passes(const struct evidence *evidence, const struct model_server *server)
{
    bool has_site = false;

    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].site == MODEL_NONE)
            continue;
        if (evidence->checks[i].passing)
            return true;
        has_site = true;
    }
    return !has_site;
}

static bool required_pass(const struct evidence *evidence, const struct model_server *server)
{
    bool has_usable = false;

    for (size_t i = 0; i < server->n_checks; i++) {
        const struct check_state *state = &evidence->checks[i];

        if (!server->checks[i].required || state->unable)
            continue;
        if (!state->passing)
            return false;
        has_usable = true;
    }
    return has_usable || some_site_passes(evidence, server);
}

static bool is_settled(const struct evidence *evidence, const struct network_view *network)
{
    if (network->blind)
        return evidence->agent == AGENT_SLEEPING || evidence->agent == AGENT_OFFLINE;
    return network->silent;
}

/* The agent's own check stays: its connection may outlive a short silence, and then it says no new
 * word. */
static void forget_answers(struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].kind == CHECK_AGENT)
            continue;
        evidence->checks[i].passing = false;
        evidence->checks[i].alive = false;
    }
    evidence->mac_heard = false;
}

/* Derives the two facts anew and reports the edges. */
static struct evidence_change weigh(struct evidence *evidence, const struct model_server *server,
                                    bool changed)
{
    const struct network_view network = view_network(evidence, server);
    const bool was_alive = evidence->alive;
    const bool was_passing = evidence->passing;
    const bool was_settled = evidence->settled;

    evidence->alive = network.alive || agent_shows_life(evidence, server, &network);
    evidence->passing = evidence->alive && required_pass(evidence, server);
    evidence->settled = evidence->alive || is_settled(evidence, &network);

    const struct evidence_change change = {
        .sign = evidence->alive && !was_alive,
        .silent = !evidence->alive && (was_alive || (evidence->settled && !was_settled)),
        .pass = evidence->passing && !was_passing,
        .fail = evidence->alive && was_alive && was_passing && !evidence->passing,
        .changed = changed || evidence->alive != was_alive || evidence->passing != was_passing,
    };
    if (was_alive && !evidence->alive && evidence->mac != MAC_OTHER)
        forget_answers(evidence, server);
    return change;
}

static void count_up(uint8_t *counter)
{
    if (*counter < EVIDENCE_MISSES)
        (*counter)++;
}

/* Gain at once, loss after EVIDENCE_MISSES in a row. */
static void check_update(struct check_state *state, enum probe_outcome outcome, uint16_t detail)
{
    state->known = true;
    state->unable = outcome == PROBE_UNABLE;
    state->detail = detail;
    if (outcome == PROBE_UNABLE) {
        state->passing = state->alive = false;
        return;
    }
    if (outcome == PROBE_MISS) {
        count_up(&state->misses);
        if (state->misses == EVIDENCE_MISSES)
            state->alive = false;
    } else {
        state->misses = 0;
        state->alive = true;
    }
    if (outcome == PROBE_PASS) {
        state->fails = 0;
        state->passing = true;
    } else {
        count_up(&state->fails);
        if (state->fails == EVIDENCE_MISSES)
            state->passing = false;
    }
}

struct evidence_change evidence_probe(struct evidence *evidence, const struct model_server *server,
                                      unsigned check, enum probe_outcome outcome, uint16_t detail)
{
    struct check_state *state = &evidence->checks[check];
    const struct check_state before = *state;

    check_update(state, outcome, detail);
    return weigh(evidence, server,
                 !before.known || before.passing != state->passing ||
                     before.alive != state->alive || before.unable != state->unable);
}

bool evidence_forget(struct evidence *evidence, const struct model_server *server, unsigned check)
{
    struct check_state *state = &evidence->checks[check];

    if (check >= server->n_checks || server->checks[check].required || !state->passing)
        return false;
    state->passing = false;
    state->fails = EVIDENCE_MISSES;
    return true;
}

struct evidence_change evidence_neighbour(struct evidence *evidence,
                                          const struct model_server *server,
                                          enum mac_verdict verdict, const uint8_t mac[6])
{
    const enum mac_verdict before = evidence->mac;

    /* While another machine holds the address, a neighbour entry that is gone proves nothing. */
    if (verdict == MAC_UNKNOWN && before == MAC_OTHER)
        return weigh(evidence, server, false);
    evidence->mac = verdict;
    evidence->mac_heard = true;
    if (verdict == MAC_OTHER)
        memcpy(evidence->other_mac, mac, sizeof(evidence->other_mac));
    return weigh(evidence, server, before != verdict);
}

/* The agent's own word is newer than all misses before it. */
static void forgive_misses(struct evidence *evidence)
{
    for (size_t i = 0; i < MODEL_CHECKS_MAX; i++)
        evidence->checks[i].misses = 0;
}

/* Its own check passes while it is online. */
static void note_agent(struct evidence *evidence, const struct model_server *server)
{
    const bool online = evidence->agent == AGENT_ONLINE;

    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].kind == CHECK_AGENT)
            evidence->checks[i] =
                (struct check_state){.known = true, .passing = online, .alive = online};
}

struct evidence_change evidence_agent(struct evidence *evidence, const struct model_server *server,
                                      enum agent_word word, int64_t boot_ms)
{
    const bool changed = evidence->agent != word;

    evidence->agent = word;
    if (changed)
        evidence->agent_since = boot_ms;
    if (word == AGENT_ONLINE)
        forgive_misses(evidence);
    note_agent(evidence, server);
    return weigh(evidence, server, changed);
}

void evidence_keep_agent(struct evidence *evidence, const struct model_server *server,
                         const struct evidence *was)
{
    evidence->agent = was->agent;
    evidence->agent_since = was->agent_since;
    if (was->agent != AGENT_UNHEARD)
        note_agent(evidence, server);
}

bool evidence_site_answers(const struct evidence *evidence, const struct model_server *server,
                           int check)
{
    if (!evidence->alive)
        return false;
    if (check == MODEL_NONE || (size_t)check >= server->n_checks)
        return evidence->passing;
    return evidence->checks[check].passing;
}

const char *agent_word_name(enum agent_word word)
{
    switch (word) {
    case AGENT_ONLINE:
        return "online";
    case AGENT_SLEEPING:
        return "sleeping";
    case AGENT_OFFLINE:
        return "offline";
    case AGENT_UNHEARD:
        break;
    }
    return NULL;
}
