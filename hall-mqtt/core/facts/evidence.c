#include "core/facts/evidence_internal.h"

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

/* What a check's answers prove. */
enum {
    LIFE_BY_ANSWER = 1, /* any answer of the machine is a sign of life */
    LIFE_BY_PASS = 2,   /* only what was asked for is one */
    SILENCE = 4,        /* missing answers prove silence */
    WEAK = 8,           /* all this only where nothing else could speak */
};

/* The agent's check has no weight here: its word is weighed apart (agent_shows_life). On loopback
 * the kernel answers for everyone. */
static const uint8_t weights[2][4] = {
    [false] = {[CHECK_PING] = LIFE_BY_ANSWER | SILENCE | WEAK,
               [CHECK_TCP] = LIFE_BY_ANSWER | SILENCE,
               [CHECK_HTTP] = LIFE_BY_ANSWER | SILENCE,
               [CHECK_AGENT] = 0},
    [true] = {[CHECK_PING] = 0,
              [CHECK_TCP] = LIFE_BY_PASS | SILENCE,
              [CHECK_HTTP] = LIFE_BY_PASS | SILENCE,
              [CHECK_AGENT] = 0},
};

static unsigned weight_of(const struct model_server *server, const struct model_check *check)
{
    return weights[server->loopback][check->kind];
}

/* Is there a check whose answers come from more than the network card? */
static bool something_else_speaks(const struct evidence *evidence,
                                  const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        const unsigned weight = weight_of(server, &server->checks[i]);

        if (weight != 0 && !(weight & WEAK) && !evidence->checks[i].unable)
            return true;
    }
    return false;
}

bool evidence_is_beyond_echoes(const struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        const unsigned weight = weight_of(server, &server->checks[i]);

        if (weight != 0 && !(weight & WEAK) && evidence->checks[i].alive)
            return true;
    }
    return !something_else_speaks(evidence, server);
}

/* A card may answer echoes for a machine that sleeps. They count beside an agent that is online and
 * goes on telling, or where nothing else can speak and no goodbye was said. */
static bool echoes_count(const struct evidence *evidence, const struct model_server *server)
{
    if (evidence->agent == AGENT_ONLINE && !evidence->agent_late)
        return true;
    return !evidence->goodbye && !something_else_speaks(evidence, server);
}

struct network_view {
    bool alive;  /* some check answers */
    bool silent; /* there are checks that could answer, and none does, beyond doubt */
    bool blind;  /* no check could show silence */
};

static void weigh_check(struct network_view *view, unsigned weight, const struct check_state *state)
{
    view->blind = false;
    /* Its question was open when its site fell silent: no answer will come. */
    if (state->pending && state->overtaken)
        return;
    if ((weight & LIFE_BY_ANSWER) != 0 ? state->alive : state->passing)
        view->alive = true;
    /* Where only a pass speaks, a refusal is as good as silence. */
    if (((weight & LIFE_BY_PASS) != 0 ? state->fails : state->misses) < EVIDENCE_MISSES)
        view->silent = false;
}

static struct network_view view_network(const struct evidence *evidence,
                                        const struct model_server *server)
{
    const bool echoes = echoes_count(evidence, server);
    struct network_view view = {.silent = true, .blind = true};

    for (size_t i = 0; i < server->n_checks; i++) {
        const unsigned weight = weight_of(server, &server->checks[i]);

        if (weight != 0 && !evidence->checks[i].unable && (echoes || !(weight & WEAK)))
            weigh_check(&view, weight, &evidence->checks[i]);
    }
    if (view.blind)
        view.silent = false;
    if (server->loopback)
        return view;
    const bool taken = evidence->mac == MAC_OTHER && !evidence_doubts(evidence);

    if (!evidence->mac_heard || taken)
        view.alive = false;
    if (taken)
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

bool evidence_some_site_passes(const struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].site != MODEL_NONE && evidence->checks[i].passing)
            return true;
    return false;
}

static bool has_site(const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].site != MODEL_NONE)
            return true;
    return false;
}

/* The echo that stands in where its owner named no check and nothing else could say "ready". */
static bool is_derived_echo(const struct model_server *server, size_t check)
{
    return server->any_site && server->checks[check].kind == CHECK_PING;
}

/* All checks that its owner named; where he named none, or none of them can be made here, the
 * answer of any site does. */
static bool required_pass(const struct evidence *evidence, const struct model_server *server)
{
    bool has_usable = false;

    if (server->any_site && evidence_some_site_passes(evidence, server))
        return true;
    for (size_t i = 0; i < server->n_checks; i++) {
        const struct check_state *state = &evidence->checks[i];

        if (!server->checks[i].required || state->unable)
            continue;
        if (!state->passing && !(is_derived_echo(server, i) && evidence_agent_is_there(evidence)))
            return false;
        has_usable = true;
    }
    return has_usable || !has_site(server) || evidence_some_site_passes(evidence, server);
}

static bool is_settled(const struct evidence *evidence, const struct network_view *network)
{
    if (network->blind)
        return evidence->agent == AGENT_SLEEPING || evidence->agent == AGENT_OFFLINE;
    return network->silent;
}

/* The agent's own check stays: its connection may outlive a short silence, and then it says no new
 * word. */
void evidence_forget_answers(struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].kind == CHECK_AGENT)
            continue;
        evidence->checks[i].passing = false;
        evidence->checks[i].alive = false;
        evidence->checks[i].overtaken = evidence->checks[i].pending;
        evidence->checks[i].pending = false;
    }
    evidence->mac_heard = false;
}

void evidence_believe_silence(struct evidence *evidence, const struct model_server *server)
{
    evidence_forget_answers(evidence, server);
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->checks[i].kind != CHECK_AGENT)
            evidence->checks[i].misses = evidence->checks[i].fails = EVIDENCE_MISSES;
    evidence->alive = evidence->passing = false;
    evidence->settled = true;
}

/* Derives the two facts again and reports the edges. */
struct evidence_change evidence_weigh(struct evidence *evidence, const struct model_server *server,
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
        evidence_forget_answers(evidence, server);
    if (was_alive && !evidence->alive) {
        evidence->agent_outlived = evidence->agent == AGENT_ONLINE;
        evidence->doubts = 0;
    }
    return change;
}

static void count_up(uint8_t *counter)
{
    if (*counter < EVIDENCE_MISSES)
        (*counter)++;
}

static struct fault fault_of(enum probe_outcome outcome, struct fault told, uint16_t detail)
{
    if (told.code != FAULT_NONE)
        return told;
    switch (outcome) {
    case PROBE_MISS:
    case PROBE_GONE:
        return (struct fault){.code = FAULT_SILENT};
    case PROBE_ANSWER:
        return detail > 0 ? (struct fault){.code = FAULT_STATUS, .number = detail}
                          : (struct fault){.code = FAULT_REFUSED};
    case PROBE_UNABLE:
        return (struct fault){.code = FAULT_UNABLE};
    case PROBE_PASS:
    case PROBE_PENDING:
        break;
    }
    return (struct fault){.code = FAULT_NONE};
}

/* The machine took the connection: it is there. What it will answer is open. */
static void note_pending(struct check_state *state)
{
    state->misses = 0;
    state->alive = true;
    state->pending = true;
    state->overtaken = false;
    state->unable = false;
}

/* Where nothing has passed yet, these are believed at once: one took long to show, the others stay.
 */
static bool is_certain(struct fault fault)
{
    return fault.code == FAULT_SLOW || fault_is_of_tls((enum fault_code)fault.code);
}

/* Gain at once, loss after EVIDENCE_MISSES in a row. */
static void check_update(struct check_state *state, enum probe_outcome outcome, struct fault fault,
                         uint16_t detail)
{
    if (outcome == PROBE_PENDING) {
        note_pending(state);
        return;
    }
    state->known = true;
    state->pending = false;
    state->overtaken = false;
    state->unable = outcome == PROBE_UNABLE;
    state->detail = detail;
    state->fault = fault_of(outcome, fault, detail);
    if (outcome == PROBE_UNABLE) {
        state->passing = state->alive = false;
        return;
    }
    if (outcome == PROBE_GONE)
        state->misses = state->fails = EVIDENCE_MISSES - 1;
    if (outcome == PROBE_MISS || outcome == PROBE_GONE) {
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
        if (!state->passing && is_certain(state->fault))
            state->fails = EVIDENCE_MISSES;
        if (state->fails == EVIDENCE_MISSES)
            state->passing = false;
    }
}

static bool asks_the_same(const struct model_check *a, const struct model_check *b)
{
    return a->url && b->url && strcmp(a->url, b->url) == 0;
}

/* A check that had its answers falls silent, or speaks again: what that makes of those that are
 * still to come from the same page. Each other connection tells for itself when its machine is gone
 * (PROBE_GONE), but not on loopback. */
static void overtake(struct evidence *evidence, const struct model_server *server, unsigned check,
                     const struct check_state *before)
{
    const struct check_state *now = &evidence->checks[check];

    if (before->alive == now->alive || now->unable)
        return;
    for (size_t i = 0; i < server->n_checks; i++)
        if (server->loopback || asks_the_same(&server->checks[i], &server->checks[check]))
            evidence->checks[i].overtaken = evidence->checks[i].pending && !now->alive;
}

/* Why a try failed is shown once that is beyond doubt. */
static bool is_shown_alike(const struct check_state *a, const struct check_state *b)
{
    const bool same_fault = a->fault.code == b->fault.code && a->fault.number == b->fault.number;

    return a->known == b->known && a->passing == b->passing && a->alive == b->alive &&
           a->unable == b->unable && evidence_fails(a) == evidence_fails(b) &&
           (same_fault || !evidence_fails(b));
}

struct evidence_change evidence_probe(struct evidence *evidence, const struct model_server *server,
                                      unsigned check, enum probe_outcome outcome,
                                      struct fault fault, uint16_t detail)
{
    struct check_state *state = &evidence->checks[check];
    const struct check_state before = *state;

    /* That no answer came to a question of before the silence is no answer. */
    if (fault.code == FAULT_SLOW && state->overtaken)
        outcome = PROBE_MISS;
    check_update(state, outcome, fault, detail);
    overtake(evidence, server, check, &before);
    /* A machine that fell silent after its goodbye, and answers again, is awake; so is one that
     * does more than answer echoes. */
    if (server->checks[check].kind == CHECK_PING ? state->misses == EVIDENCE_MISSES
                                                 : state->passing)
        evidence->goodbye = false;
    evidence_adopt_mac(evidence, server);
    return evidence_weigh(evidence, server, !is_shown_alike(&before, state));
}

bool evidence_fails(const struct check_state *state)
{
    return state->known && !state->unable && !state->passing && state->fails == EVIDENCE_MISSES;
}

bool evidence_answers(const struct evidence *evidence, const struct model_server *server)
{
    if (!evidence->alive)
        return false;
    if (evidence->agent == AGENT_ONLINE)
        return true;
    for (size_t i = 0; i < server->n_checks; i++)
        if (evidence->checks[i].passing && server->checks[i].kind != CHECK_PING)
            return true;
    /* A card may be all that answered: an echo does where nothing else is required. */
    return evidence->passing && !something_else_speaks(evidence, server);
}

int64_t evidence_pending(const struct evidence *evidence, const struct model_server *server)
{
    int64_t longest = 0;

    for (size_t i = 0; i < server->n_checks; i++) {
        const struct check_state *state = &evidence->checks[i];

        if (state->pending && state->fault.code != FAULT_SLOW &&
            server->checks[i].timeout > longest)
            longest = server->checks[i].timeout;
    }
    return longest;
}

void evidence_count_afresh(struct evidence *evidence, int64_t boot_ms)
{
    for (size_t i = 0; i < MODEL_CHECKS_MAX; i++) {
        struct check_state *state = &evidence->checks[i];

        if (state->misses < EVIDENCE_MISSES)
            state->misses = 0;
        if (state->fails < EVIDENCE_MISSES)
            state->fails = 0;
        state->pending = state->overtaken = false;
    }
    if (!evidence_doubts(evidence))
        return;
    evidence->doubts = 1;
    evidence->doubted = boot_ms;
}

bool evidence_echoes(const struct evidence *evidence, const struct model_server *server)
{
    for (size_t i = 0; i < server->n_checks && !server->loopback; i++)
        if (server->checks[i].kind == CHECK_PING && evidence->checks[i].alive)
            return true;
    return false;
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

bool evidence_site_answers(const struct evidence *evidence, const struct model_server *server,
                           int check)
{
    if (!evidence->alive)
        return false;
    if (check == MODEL_NONE || (size_t)check >= server->n_checks)
        return evidence->passing;
    return evidence->checks[check].passing;
}
