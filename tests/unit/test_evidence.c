#include "base/array.h"
#include "core/facts/evidence.h"
#include "unit.h"

#include <string.h>

static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 9};

enum { PING, AGENT, HTTP };
static struct model_check checks[] = {
    {.kind = CHECK_PING, .required = true, .site = MODEL_NONE},
    {.kind = CHECK_AGENT, .required = true, .site = MODEL_NONE},
    {.kind = CHECK_HTTP, .required = true, .site = MODEL_NONE},
};
static const struct model_server lan = {.mac = {2, 0, 0, 0, 0, 1}, .n_checks = 3, .checks = checks};
static const struct model_server local = {.n_checks = 3, .checks = checks, .loopback = true};
static const struct model_server agent_alone = {.n_checks = 1, .checks = &checks[AGENT]};
static const struct model_server no_checks = {.n_checks = 0};

static struct evidence_change probe(struct evidence *evidence, const struct model_server *server,
                                    unsigned check, enum probe_outcome outcome)
{
    return evidence_probe(evidence, server, check, outcome, (struct fault){0}, 0);
}

static struct evidence_change miss_all(struct evidence *evidence, const struct model_server *server)
{
    struct evidence_change change = {0};

    for (int i = 0; i < EVIDENCE_MISSES; i++) {
        probe(evidence, server, PING, PROBE_MISS);
        change = probe(evidence, server, HTTP, PROBE_MISS);
    }
    return change;
}

static struct evidence up(const struct model_server *server)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, server, PING, PROBE_PASS);
    probe(&evidence, server, HTTP, PROBE_PASS);
    evidence_neighbour(&evidence, server, MAC_MATCH, lan.mac, 0);
    evidence_agent(&evidence, server, AGENT_ONLINE, 5);
    return evidence;
}

static void test_an_answer_counts_with_its_mac(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    assert_false(probe(&evidence, &lan, HTTP, PROBE_ANSWER).sign);
    assert_false(evidence.alive);
    assert_true(evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0).sign);
    assert_true(evidence.alive);
    assert_false(evidence.passing);
}

/* Behind a router there is no neighbour entry: then the answer has to do. */
static void test_an_unknown_mac_is_no_objection(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &lan, HTTP, PROBE_ANSWER);
    assert_true(evidence_neighbour(&evidence, &lan, MAC_UNKNOWN, lan.mac, 0).sign);
}

static void test_another_machine_is_not_this_server(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &lan, HTTP, PROBE_PASS);
    const struct evidence_change change =
        evidence_neighbour(&evidence, &lan, MAC_OTHER, other_mac, 0);
    assert_false(change.sign);
    assert_true(change.silent);
    assert_memory_equal(evidence.other_mac, other_mac, 6);
    /* its entry may go away; it may still answer */
    assert_false(evidence_neighbour(&evidence, &lan, MAC_UNKNOWN, lan.mac, 0).sign);
    assert_false(evidence.alive);
    /* what it answered says nothing of the server */
    assert_false(evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0).sign);
    assert_true(probe(&evidence, &lan, HTTP, PROBE_PASS).sign);
}

/* Nothing passes any more, and only another MAC answers: it is believed after a while. */
static void test_the_address_is_taken_while_up(void **state)
{
    struct evidence evidence = up(&lan);
    bool silent = false;

    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 1);
    for (int64_t now = 1000; now <= 11000; now += 1000) {
        assert_false(silent);
        silent = evidence_neighbour(&evidence, &lan, MAC_OTHER, other_mac, now).silent;
    }
    assert_true(silent);
    assert_false(evidence.alive || evidence.passing);
}

static void test_pass_needs_all_required(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &lan, PING, PROBE_PASS);
    evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0);
    evidence_agent(&evidence, &lan, AGENT_ONLINE, 1);
    assert_false(evidence.passing);
    assert_true(probe(&evidence, &lan, HTTP, PROBE_PASS).pass);
    assert_true(evidence.passing);
}

/* One lost echo, and then another, flip nothing; the third in a row does. */
static void test_loss_is_debounced(void **state)
{
    struct evidence evidence = up(&lan);

    for (int i = 1; i < EVIDENCE_MISSES; i++)
        assert_false(probe(&evidence, &lan, PING, PROBE_MISS).fail);
    assert_false(probe(&evidence, &lan, PING, PROBE_PASS).pass); /* it never stopped */
    for (int i = 1; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, PING, PROBE_MISS);
    assert_true(evidence.passing);
    assert_true(probe(&evidence, &lan, PING, PROBE_MISS).fail);
    assert_true(evidence.alive);                                /* HTTP answers still */
    assert_true(probe(&evidence, &lan, PING, PROBE_PASS).pass); /* gain at once */
}

static void test_wrong_answers_are_life(void **state)
{
    struct evidence evidence = up(&lan);
    struct evidence_change change = {0};

    for (int i = 0; i < EVIDENCE_MISSES; i++)
        change = probe(&evidence, &lan, HTTP, PROBE_ANSWER);
    assert_true(change.fail);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, PING, PROBE_MISS);
    assert_true(evidence.alive);
}

static void test_silence_needs_every_check(void **state)
{
    struct evidence evidence = up(&lan);

    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 9);
    for (int i = 0; i < 5 * EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, PING, PROBE_MISS);
    assert_true(evidence.alive);
    assert_true(miss_all(&evidence, &lan).silent);
    assert_false(evidence.alive);
    assert_false(miss_all(&evidence, &lan).silent); /* said once */
}

/* The broker learns late that a connection is dead: silence on the wire is the newer word. */
static void test_a_dead_agents_last_word_is_outlived(void **state)
{
    struct evidence evidence = up(&lan);

    assert_true(miss_all(&evidence, &lan).silent);
    assert_false(evidence.alive);
    /* and a new word counts at once */
    assert_true(evidence_agent(&evidence, &lan, AGENT_ONLINE, 9).sign);
}

/* After a silence an answer waits for its own verdict. */
static void test_a_verdict_is_of_its_time(void **state)
{
    struct evidence evidence = up(&lan);

    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 9);
    miss_all(&evidence, &lan);
    assert_false(probe(&evidence, &lan, HTTP, PROBE_PASS).sign);
    assert_true(evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0).sign);
}

/* A cable pulled for ten seconds: the agent's connection lives on, and it has no reason to speak.
 */
static void test_an_agent_may_outlive_a_short_silence(void **state)
{
    struct evidence evidence = up(&lan);

    miss_all(&evidence, &lan);
    assert_false(evidence.passing);
    probe(&evidence, &lan, PING, PROBE_PASS);
    probe(&evidence, &lan, HTTP, PROBE_PASS);
    evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0);
    assert_true(evidence.passing);
}

/* A connection that was taken is a sign of life: the count of misses starts again. */
static void test_a_pending_answer_is_life(void **state)
{
    struct evidence evidence = up(&lan);
    const struct check_state *http = &evidence.checks[HTTP];

    for (int i = 1; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, HTTP, PROBE_MISS);
    probe(&evidence, &lan, HTTP, PROBE_PENDING);
    assert_true(http->alive && http->pending && http->passing);
    for (int i = 1; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, HTTP, PROBE_MISS);
    assert_true(http->alive && !http->pending);
    probe(&evidence, &lan, HTTP, PROBE_MISS);
    assert_false(http->alive);
    probe(&evidence, &lan, HTTP, PROBE_PENDING);
    assert_true(http->alive);
}

/* A connection that was taken, and is acknowledged by nobody now, is beyond doubt. */
static void test_a_question_whose_machine_is_gone(void **state)
{
    struct evidence evidence = up(&lan);
    const struct check_state *http = &evidence.checks[HTTP];

    probe(&evidence, &lan, HTTP, PROBE_PENDING);
    probe(&evidence, &lan, HTTP, PROBE_GONE);
    assert_false(http->alive || http->passing || http->pending);
    assert_int_equal(http->fault.code, FAULT_SILENT);
    probe(&evidence, &lan, HTTP, PROBE_PASS);
    assert_true(http->alive && http->passing);
}

/* A check that can no longer be made shows nothing. */
static void test_what_a_check_shows_no_more(void **state)
{
    struct evidence evidence = up(&lan);
    const struct check_state *http = &evidence.checks[HTTP];

    probe(&evidence, &lan, HTTP, PROBE_UNABLE);
    assert_true(http->known && http->unable);
    assert_false(http->alive || http->passing || http->pending);
    probe(&evidence, &lan, HTTP, PROBE_PENDING);
    assert_true(http->alive && !http->unable);
}

static void test_a_check_that_cannot_be_made(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &lan, PING, PROBE_UNABLE);
    probe(&evidence, &lan, HTTP, PROBE_PASS);
    evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, 0);
    evidence_agent(&evidence, &lan, AGENT_ONLINE, 1);
    assert_true(evidence.passing);
    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 2);
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, HTTP, PROBE_MISS);
    assert_false(evidence.alive); /* its silence is not asked for */
}

static void test_loopback(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    assert_false(probe(&evidence, &local, PING, PROBE_PASS).sign);
    assert_false(probe(&evidence, &local, HTTP, PROBE_ANSWER).sign);
    assert_false(evidence.alive);
    assert_true(probe(&evidence, &local, HTTP, PROBE_PASS).sign); /* no verdict is waited for */
    evidence_init(&evidence);
    assert_true(evidence_agent(&evidence, &local, AGENT_ONLINE, 1).sign);
}

/* The kernel refuses for a server that is not there: that settles it as well as silence does. */
static void test_loopback_refusals_are_silence(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    for (int i = 1; i < EVIDENCE_MISSES; i++)
        assert_false(probe(&evidence, &local, HTTP, PROBE_ANSWER).silent);
    assert_true(probe(&evidence, &local, HTTP, PROBE_ANSWER).silent);
    assert_true(probe(&evidence, &local, HTTP, PROBE_PASS).sign);
    for (int i = 1; i < EVIDENCE_MISSES; i++)
        assert_false(probe(&evidence, &local, HTTP, PROBE_ANSWER).silent);
    assert_true(probe(&evidence, &local, HTTP, PROBE_ANSWER).silent);
}

static void test_agent_alone(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    assert_false(evidence.settled);
    const struct evidence_change on = evidence_agent(&evidence, &agent_alone, AGENT_ONLINE, 3);
    assert_true(on.sign && on.pass && on.changed);
    assert_int_equal(evidence.agent_since, 3);
    assert_false(evidence_agent(&evidence, &agent_alone, AGENT_ONLINE, 4).changed);
    assert_int_equal(evidence.agent_since, 3);
    assert_true(evidence_agent(&evidence, &agent_alone, AGENT_SLEEPING, 5).silent);
    evidence_init(&evidence);
    assert_true(evidence_agent(&evidence, &agent_alone, AGENT_OFFLINE, 5).silent);
}

static void test_nothing_to_check(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    assert_true(evidence_agent(&evidence, &no_checks, AGENT_ONLINE, 1).pass);
    assert_true(evidence_agent(&evidence, &no_checks, AGENT_OFFLINE, 2).silent);
}

static void test_sites(void **state)
{
    struct evidence evidence = up(&lan);

    assert_true(evidence_site_answers(&evidence, &lan, MODEL_NONE));
    assert_true(evidence_site_answers(&evidence, &lan, HTTP));
    for (int i = 0; i < EVIDENCE_MISSES; i++)
        probe(&evidence, &lan, HTTP, PROBE_MISS);
    assert_false(evidence_site_answers(&evidence, &lan, HTTP));
    assert_false(evidence_site_answers(&evidence, &lan, MODEL_NONE));
    assert_true(evidence_site_answers(&evidence, &lan, PING));
    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 6);
    miss_all(&evidence, &lan);
    evidence_neighbour(&evidence, &lan, MAC_OTHER, other_mac, 0);
    probe(&evidence, &lan, PING, PROBE_PASS);
    assert_false(evidence_site_answers(&evidence, &lan, PING));
}

/* ---- what each proves ---- */

enum { SITE = 1 };
static struct model_check derived[] = {
    {.kind = CHECK_PING, .site = MODEL_NONE},
    {.kind = CHECK_HTTP, .site = 0},
};
static const struct model_server by_default = {.n_checks = 2, .checks = derived, .any_site = true};
static struct model_check echo[] = {{.kind = CHECK_PING, .required = true, .site = MODEL_NONE}};
static const struct model_server pinged = {.n_checks = 1, .checks = echo};
static struct model_check echo_and_agent[] = {
    {.kind = CHECK_PING, .required = true, .site = MODEL_NONE},
    {.kind = CHECK_AGENT, .required = true, .site = MODEL_NONE},
};
static const struct model_server with_agent = {.n_checks = 2, .checks = echo_and_agent};

/* What was seen of a server in rows: {what, of the site, agent} lead to {alive, passing, answers}.
 */
enum seen { NOT_SEEN, PASS, ANSWER, PENDING, SILENT };
struct row {
    const struct model_server *server;
    enum seen ping, site;
    enum agent_word agent;
    bool alive, passing, answers;
};
static const struct row rows[] = {
    /* the card answers, and nothing else: it sleeps */
    {&by_default, PASS, SILENT, AGENT_UNHEARD, false, false, false},
    {&by_default, PASS, SILENT, AGENT_SLEEPING, false, false, false},
    {&by_default, PASS, SILENT, AGENT_OFFLINE, false, false, false},
    {&by_default, PASS, NOT_SEEN, AGENT_UNHEARD, false, false, false},
    /* an agent that is online is there, and so are the echoes beside it */
    {&by_default, PASS, SILENT, AGENT_ONLINE, true, false, true},
    /* refused, or to come: it is there, and nothing passes */
    {&by_default, PASS, ANSWER, AGENT_UNHEARD, true, false, false},
    {&by_default, SILENT, ANSWER, AGENT_UNHEARD, true, false, false},
    {&by_default, SILENT, PENDING, AGENT_UNHEARD, true, false, false},
    /* the site's own answer is enough */
    {&by_default, SILENT, PASS, AGENT_UNHEARD, true, true, true},
    {&by_default, NOT_SEEN, PASS, AGENT_SLEEPING, true, true, true},
    /* where nothing but echoes is asked for, they have to do */
    {&pinged, PASS, NOT_SEEN, AGENT_UNHEARD, true, true, true},
    {&pinged, PASS, NOT_SEEN, AGENT_OFFLINE, true, true, true},
    {&pinged, PASS, NOT_SEEN, AGENT_SLEEPING, false, false, false},
    {&pinged, SILENT, NOT_SEEN, AGENT_UNHEARD, false, false, false},
    /* beside an agent they are a sign of life, and no answer to a wake */
    {&with_agent, PASS, NOT_SEEN, AGENT_UNHEARD, true, false, false},
    {&with_agent, PASS, NOT_SEEN, AGENT_OFFLINE, true, false, false},
    {&with_agent, PASS, NOT_SEEN, AGENT_SLEEPING, false, false, false},
    {&with_agent, PASS, NOT_SEEN, AGENT_ONLINE, true, true, true},
};

static void see(struct evidence *evidence, const struct model_server *server, unsigned check,
                enum seen seen)
{
    static const enum probe_outcome outcomes[] = {[PASS] = PROBE_PASS,
                                                  [ANSWER] = PROBE_ANSWER,
                                                  [PENDING] = PROBE_PENDING,
                                                  [SILENT] = PROBE_MISS};

    for (int i = 0; seen != NOT_SEEN && i < EVIDENCE_MISSES; i++)
        probe(evidence, server, check, outcomes[seen]);
}

static void test_what_each_proves(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct evidence evidence;

        evidence_init(&evidence);
        evidence_neighbour(&evidence, row->server, MAC_MATCH, lan.mac, 0);
        evidence_agent(&evidence, row->server, row->agent, 1);
        see(&evidence, row->server, PING, row->ping);
        if (row->server->n_checks > SITE)
            see(&evidence, row->server, SITE, row->site);
        if (evidence.alive != row->alive || evidence.passing != row->passing ||
            evidence_answers(&evidence, row->server) != row->answers)
            fail_msg("row %zu: alive %d, passing %d, answers %d", i, evidence.alive,
                     evidence.passing, evidence_answers(&evidence, row->server));
    }
}

/* It fell silent after its goodbye and answers again: it was woken, its agent is not there yet. */
static void test_echoes_count_again_after_silence(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &pinged, MAC_MATCH, lan.mac, 0);
    probe(&evidence, &pinged, PING, PROBE_PASS);
    assert_true(evidence_agent(&evidence, &pinged, AGENT_SLEEPING, 2).silent);
    probe(&evidence, &pinged, PING, PROBE_PASS);
    assert_false(evidence.alive);
    see(&evidence, &pinged, PING, SILENT);
    probe(&evidence, &pinged, PING, PROBE_PASS);
    evidence_neighbour(&evidence, &pinged, MAC_MATCH, lan.mac, 0);
    assert_true(evidence.alive);
}

/* An echo alone is no life where another check could speak, whichever is named first. */
static void test_an_echo_beside_another_check(void **state)
{
    static struct model_check orders[][2] = {
        {{.kind = CHECK_PING, .required = true, .site = MODEL_NONE},
         {.kind = CHECK_HTTP, .required = true, .site = MODEL_NONE}},
        {{.kind = CHECK_HTTP, .required = true, .site = MODEL_NONE},
         {.kind = CHECK_PING, .required = true, .site = MODEL_NONE}},
    };

    for (unsigned ping = 0; ping < 2; ping++)
        for (int unable = 0; unable < 2; unable++) {
            const struct model_server server = {.n_checks = 2, .checks = orders[ping]};
            struct evidence evidence;

            evidence_init(&evidence);
            if (unable)
                probe(&evidence, &server, 1 - ping, PROBE_UNABLE);
            probe(&evidence, &server, ping, PROBE_PASS);
            evidence_neighbour(&evidence, &server, MAC_MATCH, server.mac, 0);
            assert_int_equal(evidence.alive, unable);
            assert_int_equal(evidence_answers(&evidence, &server), unable);
            if (unable)
                continue;
            probe(&evidence, &server, 1 - ping, PROBE_PASS);
            assert_true(evidence_answers(&evidence, &server));
        }
}

static void test_a_mac_is_learned_from_a_site(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    assert_false(evidence.alive); /* it came up by itself: it may be anybody */
    evidence.lesson = LEARN_WOKEN;
    probe(&evidence, &by_default, SITE, PROBE_ANSWER);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    assert_true(evidence.alive && evidence.passing);
    evidence.lesson = LEARN_NOTHING;
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    assert_true(evidence.alive);
    assert_int_equal(evidence.mac, MAC_MATCH);
}

/* A bridge answers, nobody knows whose it is; its machine falls asleep, and its card echoes. */
static void test_a_card_that_echoes_after_a_stranger(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    assert_false(evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0).sign);
    probe(&evidence, &by_default, PING, PROBE_PASS);
    assert_false(evidence_neighbour(&evidence, &by_default, MAC_MATCH, lan.mac, 0).sign);
    assert_false(probe(&evidence, &by_default, PING, PROBE_PASS).sign);
    assert_false(evidence.alive || evidence.mac_matched);
    /* It is woken: that its card had answered does not make it a stranger. */
    evidence.lesson = LEARN_WOKEN;
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    assert_true(evidence.alive && evidence.passing);
}

static void test_what_matches_a_mac(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &by_default, SITE, PROBE_ANSWER);
    evidence_neighbour(&evidence, &by_default, MAC_MATCH, lan.mac, 0);
    assert_true(evidence.mac_matched);
    evidence_init(&evidence); /* nothing but its card can speak */
    probe(&evidence, &pinged, PING, PROBE_PASS);
    evidence_neighbour(&evidence, &pinged, MAC_MATCH, lan.mac, 0);
    assert_true(evidence.mac_matched && evidence.alive);
}

/* It was there at the first look, and its site answers later; one that comes later is another. */
static void test_one_that_boots_at_the_first_look(void **state)
{
    static const uint8_t third_mac[6] = {2, 0, 0, 0, 0, 10};

    for (int same = 0; same < 2; same++) {
        struct evidence evidence;

        evidence_init(&evidence);
        evidence.lesson = LEARN_FIRST;
        probe(&evidence, &by_default, SITE, PROBE_ANSWER);
        evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
        assert_false(evidence.alive);
        evidence.lesson = LEARN_NOTHING;
        evidence_neighbour(&evidence, &by_default, MAC_OTHER, same ? other_mac : third_mac, 0);
        probe(&evidence, &by_default, SITE, PROBE_PASS);
        assert_int_equal(evidence.alive, same);
    }
}

static void test_a_mac_is_learned_from_the_agent(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    probe(&evidence, &by_default, SITE, PROBE_ANSWER);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    assert_false(evidence.alive);
    evidence_agent(&evidence, &by_default, AGENT_ONLINE, 1);
    assert_true(evidence.alive);
    assert_int_equal(evidence.mac, MAC_MATCH);
}

/* Whose MAC it is that answers: {was the configured one heard before, what is to be learned, does
 * the site answer, its agent, was it there before} lead to {is it the server's}. */
static void test_whose_mac_it_is(void **state)
{
    static const struct {
        bool matched;
        enum mac_lesson lesson;
        bool site, stranger;
        enum agent_word agent;
        bool own;
    } macs[] = {
        /* it came up by itself: it may be anybody, whatever it serves */
        {false, LEARN_NOTHING, true, false, AGENT_UNHEARD, false},
        {true, LEARN_NOTHING, true, false, AGENT_UNHEARD, false},
        {true, LEARN_NOTHING, true, false, AGENT_OFFLINE, false},
        /* the first look, while no MAC is known */
        {false, LEARN_FIRST, true, false, AGENT_UNHEARD, true},
        {false, LEARN_FIRST, false, false, AGENT_UNHEARD, false},
        {true, LEARN_FIRST, true, false, AGENT_UNHEARD, false},
        /* woken: the card answered for the sleeper, or the system before the real one did */
        {false, LEARN_WOKEN, true, false, AGENT_UNHEARD, true},
        {true, LEARN_WOKEN, true, false, AGENT_UNHEARD, true},
        {true, LEARN_WOKEN, false, false, AGENT_UNHEARD, false},
        {true, LEARN_WOKEN, true, true, AGENT_UNHEARD, false},
        /* its agent is online */
        {true, LEARN_NOTHING, false, false, AGENT_ONLINE, true},
        {true, LEARN_NOTHING, true, true, AGENT_ONLINE, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
        struct evidence evidence;

        evidence_init(&evidence);
        evidence.mac_matched = macs[i].matched;
        if (macs[i].stranger)
            evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
        evidence.lesson = macs[i].lesson;
        probe(&evidence, &by_default, SITE, macs[i].site ? PROBE_PASS : PROBE_ANSWER);
        evidence_agent(&evidence, &by_default, macs[i].agent, 1);
        evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
        if (evidence.alive != macs[i].own || (evidence.mac == MAC_MATCH) != macs[i].own)
            fail_msg("row %zu: alive %d, mac %d", i, evidence.alive, evidence.mac);
    }
}

/* The agent's word from before a silence says nothing of who answers after it. */
static void test_an_agent_that_was_outlived_vouches_for_nobody(void **state)
{
    struct evidence evidence = up(&lan);

    miss_all(&evidence, &lan);
    evidence_neighbour(&evidence, &lan, MAC_OTHER, other_mac, 9000);
    probe(&evidence, &lan, HTTP, PROBE_PASS);
    assert_false(evidence.alive);
    evidence_agent(&evidence, &lan, AGENT_ONLINE, 9001);
    assert_true(evidence.alive);
}

/* A card that failed over, a second one: the site answers on, and after a while it is its own. */
static void test_another_mac_while_the_site_answers_on(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &by_default, MAC_MATCH, by_default.mac, 0);
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    assert_false(evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 1000).silent);
    assert_true(evidence_doubts(&evidence) && evidence.alive);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 2000);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 3000);
    assert_true(evidence_doubts(&evidence));
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 11000);
    assert_true(evidence.alive && evidence.mac == MAC_MATCH);
    assert_true(macs_have(&evidence.macs, other_mac));
}

/* Two that take turns: nothing flaps, and both are named. */
static void test_two_machines_take_turns(void **state)
{
    struct evidence evidence = up(&lan);
    int64_t now = 1000;

    evidence_agent(&evidence, &lan, AGENT_OFFLINE, 1);
    for (int i = 0; i < 60; i++, now += 1000) {
        const bool other = i % 2 == 0;
        const struct evidence_change change = evidence_neighbour(
            &evidence, &lan, other ? MAC_OTHER : MAC_MATCH, other ? other_mac : lan.mac, now);

        assert_false(change.silent || change.sign || change.fail);
        assert_true(evidence.alive);
        assert_int_equal(evidence_is_disputed(&evidence, &lan), i >= 2);
    }
    assert_memory_equal(evidence.macs.heard[1], other_mac, 6);
    /* both named in the agent's report: one machine with two cards */
    evidence_macs(&evidence, &lan, &other_mac, 1);
    assert_false(evidence_is_disputed(&evidence, &lan));
    /* it is over when only one answers */
    evidence_macs(&evidence, &lan, NULL, 0);
    assert_true(evidence_is_disputed(&evidence, &lan));
    evidence_neighbour(&evidence, &lan, MAC_MATCH, lan.mac, now + 60000);
    assert_false(evidence_is_disputed(&evidence, &lan));
}

/* A new one each time while its agent is online: all are its own, the oldest are forgotten. */
static void test_macs_that_change_each_time(void **state)
{
    struct evidence evidence = up(&lan);
    uint8_t mac[MAC_SIZE] = {2, 0, 0, 0, 1, 0};

    for (int i = 0; i < 3 * MACS_MAX; i++) {
        mac[5] = (uint8_t)i;
        const struct evidence_change change =
            evidence_neighbour(&evidence, &lan, MAC_OTHER, mac, 1000 + 1000 * i);

        assert_false(change.silent || change.sign);
        assert_true(evidence.alive && evidence.mac == MAC_MATCH);
    }
    for (int i = 0; i < 3 * MACS_MAX; i++) {
        mac[5] = (uint8_t)i;
        assert_int_equal(macs_have(&evidence.macs, mac), i >= 2 * MACS_MAX);
    }
    assert_true(evidence_is_disputed(&evidence, &lan));
}

/* What its agent names is its own, also where it answered before it was named. */
static void test_macs_in_a_report(void **state)
{
    struct evidence evidence;
    const uint8_t macs[2][MAC_SIZE] = {{2, 0, 0, 0, 0, 8}, {2, 0, 0, 0, 0, 9}};

    evidence_init(&evidence);
    evidence.mac_matched = true;
    probe(&evidence, &by_default, SITE, PROBE_ANSWER);
    evidence_neighbour(&evidence, &by_default, MAC_OTHER, other_mac, 0);
    assert_false(evidence.alive);
    assert_true(evidence_macs(&evidence, &by_default, macs, 2).sign);
    assert_memory_equal(evidence.macs.list[0], macs[1], MAC_SIZE); /* it answered last */
    assert_true(macs_are_told(&evidence.macs, macs[0]) && macs_are_told(&evidence.macs, macs[1]));
    evidence_macs(&evidence, &by_default, macs, 1);
    assert_false(macs_are_told(&evidence.macs, macs[1]));
    assert_true(macs_have(&evidence.macs, macs[1]));
}

/* Places and their bits move together. */
static void test_which_are_told(void **state)
{
    struct macs macs = {0};
    uint8_t mac[MAC_SIZE] = {2};

    for (uint8_t round = 0; round < 2; round++)
        for (int i = 0; i < MACS_MAX; i++) {
            mac[5] = (uint8_t)i;
            macs_learn(&macs, mac, i % 3 == 0);
            for (int k = 0; k < MACS_MAX; k++) {
                mac[5] = (uint8_t)k;
                assert_int_equal(macs_have(&macs, mac), round > 0 || k <= i);
                assert_int_equal(macs_are_told(&macs, mac), (round > 0 || k <= i) && k % 3 == 0);
            }
        }
    assert_int_equal(macs.n, MACS_MAX);
}

/* A server that crashes while a question is open: the question's own connection tells, not its 15
 * s. What else falls silent may be a port that a firewall drops. */
static void test_a_question_that_is_open_at_the_crash(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &by_default, MAC_MATCH, lan.mac, 0);
    probe(&evidence, &by_default, PING, PROBE_PASS);
    probe(&evidence, &by_default, SITE, PROBE_PASS);
    probe(&evidence, &by_default, SITE, PROBE_PENDING);
    for (int i = 0; i < 2 * EVIDENCE_MISSES; i++)
        assert_false(probe(&evidence, &by_default, PING, PROBE_MISS).silent);
    assert_true(evidence.alive);
    assert_true(probe(&evidence, &by_default, SITE, PROBE_GONE).silent);
    assert_false(evidence.alive);
}

/* Two checks of one page: one asks, the other waits for its turn and would not be told. */
static void test_a_question_that_another_asked_at_the_crash(void **state)
{
    static const struct fault slow = {.code = FAULT_SLOW, .number = 15};
    static struct model_check page[] = {
        {.kind = CHECK_HTTP, .url = "http://10.0.0.9:8080/", .site = 0},
        {.kind = CHECK_HTTP, .url = "http://10.0.0.9:8080/", .site = 1},
        {.kind = CHECK_HTTP, .url = "http://10.0.0.9:8081/", .site = 2}};
    static const struct model_server server = {.n_checks = 3, .checks = page, .any_site = true};
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &server, MAC_MATCH, lan.mac, 0);
    for (unsigned i = 0; i < 3; i++) {
        probe(&evidence, &server, i, PROBE_PASS);
        probe(&evidence, &server, i, PROBE_PENDING);
    }
    assert_false(probe(&evidence, &server, 0, PROBE_GONE).silent);
    assert_true(evidence.alive);
    assert_true(probe(&evidence, &server, 2, PROBE_GONE).silent);
    /* and its end is no answer */
    evidence_probe(&evidence, &server, 1, PROBE_ANSWER, slow, 0);
    evidence_neighbour(&evidence, &server, MAC_UNKNOWN, lan.mac, 0);
    assert_false(evidence.alive);
}

/* Without a site of its own the echo stands in; where that is dropped, its agent does. */
static void test_the_agent_stands_in_for_the_derived_echo(void **state)
{
    static struct model_check derived_echo[] = {
        {.kind = CHECK_PING, .required = true, .site = MODEL_NONE}};
    static const struct model_server bare = {
        .n_checks = 1, .checks = derived_echo, .any_site = true};

    for (int derives = 0; derives < 2; derives++) {
        const struct model_server *server = derives ? &bare : &pinged;
        struct evidence evidence;

        evidence_init(&evidence);
        evidence_neighbour(&evidence, server, MAC_MATCH, lan.mac, 0);
        probe(&evidence, server, PING, PROBE_MISS);
        evidence_agent(&evidence, server, AGENT_ONLINE, 1);
        assert_true(evidence.alive);
        assert_int_equal(evidence.passing, derives);
    }
}

static void test_a_fault_is_known_beyond_doubt(void **state)
{
    static const struct fault closed = {.code = FAULT_CLOSED};
    static const struct fault slow = {.code = FAULT_SLOW, .number = 15};
    struct evidence evidence;
    struct evidence_change change = {0};

    evidence_init(&evidence);
    evidence_neighbour(&evidence, &by_default, MAC_MATCH, lan.mac, 0);
    for (int i = 0; i < EVIDENCE_MISSES; i++) {
        assert_false(evidence_fails(&evidence.checks[SITE]));
        change = evidence_probe(&evidence, &by_default, SITE, PROBE_ANSWER, closed, 0);
    }
    assert_true(change.changed && evidence_fails(&evidence.checks[SITE]));
    assert_int_equal(evidence.checks[SITE].fault.code, FAULT_CLOSED);
    change = evidence_probe(&evidence, &by_default, SITE, PROBE_ANSWER, closed, 0);
    assert_false(change.changed);
    change = evidence_probe(&evidence, &by_default, SITE, PROBE_ANSWER, (struct fault){0}, 500);
    assert_true(change.changed);
    assert_int_equal(evidence.checks[SITE].fault.code, FAULT_STATUS);
    assert_int_equal(evidence.checks[SITE].fault.number, 500);
    assert_true(probe(&evidence, &by_default, SITE, PROBE_PASS).pass);
    assert_false(evidence_fails(&evidence.checks[SITE]));
    /* One that took 15 s to show is not looked at three times; what passed before is. */
    evidence_probe(&evidence, &by_default, SITE, PROBE_ANSWER, slow, 0);
    assert_true(evidence.checks[SITE].passing);
    evidence_init(&evidence);
    evidence_probe(&evidence, &by_default, SITE, PROBE_ANSWER, slow, 0);
    assert_true(evidence_fails(&evidence.checks[SITE]));
}

static void test_names(void **state)
{
    assert_string_equal(agent_word_name(AGENT_ONLINE), "online");
    assert_string_equal(agent_word_name(AGENT_SLEEPING), "sleeping");
    assert_string_equal(agent_word_name(AGENT_OFFLINE), "offline");
    assert_null(agent_word_name(AGENT_UNHEARD));
}

/* What each word of the agent makes of its goodbye: only "online" takes it back. */
static void test_each_word_and_the_goodbye(void **state)
{
    static const struct {
        bool before;
        enum agent_word word;
        bool after;
    } words[] = {
        {false, AGENT_ONLINE, false},  {false, AGENT_SLEEPING, true}, {false, AGENT_OFFLINE, false},
        {false, AGENT_UNHEARD, false}, {true, AGENT_ONLINE, false},   {true, AGENT_SLEEPING, true},
        {true, AGENT_OFFLINE, true},   {true, AGENT_UNHEARD, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct evidence evidence = up(&lan);

        evidence.goodbye = words[i].before;
        evidence_agent(&evidence, &lan, words[i].word, 7);
        if (evidence.goodbye != words[i].after)
            fail_msg("%d after %d", words[i].word, words[i].before);
        assert_int_equal(evidence.agent_since, words[i].word == AGENT_ONLINE ? 5 : 7);
    }
}

/* Only a check that asks for an echo tells of one, and not where the kernel answers for everyone.
 */
static void test_who_echoes(void **state)
{
    for (unsigned alive = 0; alive < 8; alive++) {
        struct evidence evidence;

        evidence_init(&evidence);
        for (unsigned check = 0; check < 3; check++)
            evidence.checks[check].alive = alive & 1U << check;
        assert_int_equal(evidence_echoes(&evidence, &lan), alive & 1U << PING ? 1 : 0);
        assert_false(evidence_echoes(&evidence, &local));
        assert_false(evidence_echoes(&evidence, &no_checks));
    }
}

/* Only what was learned counts, not what stands in the places behind. */
static void test_which_macs_are_learned(void **state)
{
    for (unsigned n = 0; n <= MACS_MAX; n++)
        for (unsigned i = 0; i < MACS_MAX; i++) {
            struct evidence evidence;

            evidence_init(&evidence);
            for (unsigned k = 0; k < MACS_MAX; k++)
                evidence.macs.list[k][5] = (uint8_t)(k + 1);
            evidence.macs.n = (uint8_t)n;
            const uint8_t mac[MAC_SIZE] = {0, 0, 0, 0, 0, (uint8_t)(i + 1)};
            evidence_neighbour(&evidence, &lan, MAC_OTHER, mac, 0);
            assert_int_equal(evidence.mac, i < n ? MAC_MATCH : MAC_OTHER);
        }
}

/* The edges between the three ways it can stand: silent, alive, and all required checks passing. */
static void test_each_edge(void **state)
{
    static const struct {
        enum probe_outcome before, after;
        bool sign, silent, pass, fail;
    } edges[] = {
        {PROBE_ANSWER, PROBE_ANSWER, false, false, false, false},
        {PROBE_ANSWER, PROBE_PASS, false, false, true, false},
        {PROBE_ANSWER, PROBE_MISS, false, true, false, false},
        {PROBE_PASS, PROBE_PASS, false, false, false, false},
        {PROBE_PASS, PROBE_ANSWER, false, false, false, true},
        {PROBE_PASS, PROBE_MISS, false, true, false, false},
        {PROBE_MISS, PROBE_MISS, false, false, false, false},
        {PROBE_MISS, PROBE_ANSWER, true, false, false, false},
        {PROBE_MISS, PROBE_PASS, true, false, true, false},
    };
    static struct model_check only[] = {{.kind = CHECK_TCP, .required = true, .site = MODEL_NONE}};
    static const struct model_server server = {.n_checks = 1, .checks = only};

    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        struct evidence evidence;
        struct evidence_change seen = {0};

        evidence_init(&evidence);
        evidence_neighbour(&evidence, &server, MAC_MATCH, server.mac, 0);
        for (int n = 0; n < 2 * EVIDENCE_MISSES; n++)
            probe(&evidence, &server, 0, edges[i].before);
        evidence_neighbour(&evidence, &server, MAC_MATCH, server.mac, 0);
        for (int n = 0; n < EVIDENCE_MISSES; n++) {
            struct evidence_change change = probe(&evidence, &server, 0, edges[i].after);

            seen.sign |= change.sign;
            seen.silent |= change.silent;
            seen.pass |= change.pass;
            seen.fail |= change.fail;
            if (change.sign || change.silent || change.pass || change.fail)
                assert_true(change.changed);
            if (edges[i].after != PROBE_MISS || edges[i].before != PROBE_MISS) {
                change = evidence_neighbour(&evidence, &server, MAC_MATCH, server.mac, 0);
                seen.sign |= change.sign;
                seen.pass |= change.pass;
            }
        }
        if (seen.sign != edges[i].sign || seen.silent != edges[i].silent ||
            seen.pass != edges[i].pass || seen.fail != edges[i].fail)
            fail_msg("row %zu: %d %d %d %d", i, seen.sign, seen.silent, seen.pass, seen.fail);
    }
}

/* A view shows another fault as well as another figure of the same. */
static void test_which_faults_are_shown_alike(void **state)
{
    static const struct fault faults[] = {
        {FAULT_STATUS, 502}, {FAULT_STATUS, 503}, {FAULT_SLOW, 502}, {FAULT_SLOW, 503}};

    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        for (size_t k = 0; k < ARRAY_SIZE(faults); k++) {
            struct evidence evidence = up(&lan);

            for (int n = 0; n <= EVIDENCE_MISSES; n++)
                evidence_probe(&evidence, &lan, HTTP, PROBE_ANSWER, faults[i], 0);
            assert_int_equal(
                evidence_probe(&evidence, &lan, HTTP, PROBE_ANSWER, faults[k], 0).changed, i != k);
        }
}

/* Of one that was up, everything is taken to be as it was, until its agent or a check says
 * otherwise. */
static void test_what_is_assumed(void **state)
{
    struct evidence evidence;

    evidence_init(&evidence);
    evidence_assume_up(&evidence, &lan);
    for (unsigned check = PING; check <= HTTP; check++) {
        const struct check_state *one = &evidence.checks[check];
        const bool assumed = check != AGENT;

        assert_int_equal(one->known, assumed);
        assert_int_equal(one->passing, assumed);
        assert_int_equal(one->alive, assumed);
    }
    assert_true(evidence.alive && evidence.settled && evidence.mac_heard);
}

/* Where none of the checks that its owner named can be made, being there is enough; but where it
 * has sites, one of them must answer. */
static void test_where_no_check_can_be_made(void **state)
{
    static const struct {
        int site;
        bool passes, passing;
    } cases[] = {
        {MODEL_NONE, false, true}, {MODEL_NONE, true, true}, {0, false, false}, {0, true, true}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct model_check two[] = {{.kind = CHECK_PING, .required = true, .site = MODEL_NONE},
                                    {.kind = CHECK_HTTP, .site = cases[i].site}};
        const struct model_server server = {.n_checks = 2, .checks = two};
        struct evidence evidence;

        evidence_init(&evidence);
        probe(&evidence, &server, 0, PROBE_UNABLE);
        probe(&evidence, &server, 1, cases[i].passes ? PROBE_PASS : PROBE_ANSWER);
        evidence_neighbour(&evidence, &server, MAC_MATCH, server.mac, 0);
        assert_true(evidence.alive);
        if (evidence.passing != cases[i].passing)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_assumed),
        cmocka_unit_test(test_where_no_check_can_be_made),
        cmocka_unit_test(test_an_answer_counts_with_its_mac),
        cmocka_unit_test(test_an_unknown_mac_is_no_objection),
        cmocka_unit_test(test_another_machine_is_not_this_server),
        cmocka_unit_test(test_the_address_is_taken_while_up),
        cmocka_unit_test(test_pass_needs_all_required),
        cmocka_unit_test(test_loss_is_debounced),
        cmocka_unit_test(test_wrong_answers_are_life),
        cmocka_unit_test(test_silence_needs_every_check),
        cmocka_unit_test(test_a_dead_agents_last_word_is_outlived),
        cmocka_unit_test(test_a_verdict_is_of_its_time),
        cmocka_unit_test(test_an_agent_may_outlive_a_short_silence),
        cmocka_unit_test(test_a_pending_answer_is_life),
        cmocka_unit_test(test_a_question_whose_machine_is_gone),
        cmocka_unit_test(test_what_a_check_shows_no_more),
        cmocka_unit_test(test_a_check_that_cannot_be_made),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_loopback_refusals_are_silence),
        cmocka_unit_test(test_agent_alone),
        cmocka_unit_test(test_nothing_to_check),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_what_each_proves),
        cmocka_unit_test(test_echoes_count_again_after_silence),
        cmocka_unit_test(test_an_echo_beside_another_check),
        cmocka_unit_test(test_a_mac_is_learned_from_a_site),
        cmocka_unit_test(test_a_mac_is_learned_from_the_agent),
        cmocka_unit_test(test_a_card_that_echoes_after_a_stranger),
        cmocka_unit_test(test_what_matches_a_mac),
        cmocka_unit_test(test_one_that_boots_at_the_first_look),
        cmocka_unit_test(test_whose_mac_it_is),
        cmocka_unit_test(test_an_agent_that_was_outlived_vouches_for_nobody),
        cmocka_unit_test(test_another_mac_while_the_site_answers_on),
        cmocka_unit_test(test_two_machines_take_turns),
        cmocka_unit_test(test_macs_that_change_each_time),
        cmocka_unit_test(test_macs_in_a_report),
        cmocka_unit_test(test_which_are_told),
        cmocka_unit_test(test_a_question_that_is_open_at_the_crash),
        cmocka_unit_test(test_a_question_that_another_asked_at_the_crash),
        cmocka_unit_test(test_the_agent_stands_in_for_the_derived_echo),
        cmocka_unit_test(test_a_fault_is_known_beyond_doubt),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_each_word_and_the_goodbye),
        cmocka_unit_test(test_who_echoes),
        cmocka_unit_test(test_which_macs_are_learned),
        cmocka_unit_test(test_each_edge),
        cmocka_unit_test(test_which_faults_are_shown_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
