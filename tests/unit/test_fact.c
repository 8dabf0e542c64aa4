/* Facts as data: their texts, their causes, and what becomes of them when the names move. */
#include <string.h>

#include "base/array.h"
#include "core/fact.h"
#include "core/facts/lease.h"
#include "unit.h"

static void texts_are_kept_and_compared(void **state)
{
    struct fact fact = fact_with(FACT(LEASE_HOLD, .n = {1, 2}), "backup", "of /srv");
    assert_true(fact_is(&fact, FACT_LEASE_HOLD));
    assert_false(fact_is(&fact, FACT_LEASE_AGENT));
    assert_string_equal(fact_text(&fact, 0, 0), "backup");
    assert_string_equal(fact_text(&fact, 0, 1), "of /srv");
    assert_string_equal(fact_text(&fact, 1, 0), "");
    struct fact same = fact_with(FACT(LEASE_HOLD, .n = {1, 2}), "backup", "of /srv");
    assert_true(fact_equal(&fact, &same));
    same = fact_with(FACT(LEASE_HOLD, .n = {1, 2}), "backup", "of /sry");
    assert_false(fact_equal(&fact, &same));
    same = fact_with(FACT(LEASE_HOLD, .n = {1, 3}), "backup", "of /srv");
    assert_false(fact_equal(&fact, &same));
    fact = fact_with(FACT(LEASE_HOLD), NULL, "why");
    assert_string_equal(fact_text(&fact, 0, 0), "");
    assert_string_equal(fact_text(&fact, 0, 1), "why");
    fact = fact_said("words");
    assert_true(fact_is(&fact, FACT_SAID));
    assert_string_equal(fact_text(&fact, 0, 0), "words");
    fact = fact_said("");
    assert_true(fact_is(&fact, FACT_NONE));
    fact = fact_said(NULL);
    assert_true(fact_is(&fact, FACT_NONE));
}

static void a_text_that_does_not_fit_is_cut(void **state)
{
    char text[400];
    memset(text, 'x', sizeof text);
    text[399] = '\0';
    struct fact fact = fact_with(FACT(LEASE_HOLD), text, "no room for this");
    assert_int_equal(strlen(fact_text(&fact, 0, 0)), FACT_TEXT_SIZE - 1);
    assert_string_equal(fact_text(&fact, 0, 1), "");
    text[FACT_TEXT_SIZE - 3] = '\0'; /* its end, one byte and one end */
    fact = fact_with(FACT(LEASE_HOLD), text, "yes");
    assert_int_equal(strlen(fact_text(&fact, 0, 0)), FACT_TEXT_SIZE - 3);
    assert_true(strlen(fact_text(&fact, 0, 1)) <= 1);
    const struct fact cause = fact_with(FACT(WAKE_HOLD), "name", NULL);
    text[FACT_TEXT_SIZE - 5] = '\0'; /* its end, the other's end, two bytes and one end */
    fact = fact_with(FACT(LEASE_AGENT), text, NULL);
    fact = fact_because(fact, &cause);
    assert_string_equal(fact_text(&fact, 0, 1), "");
    assert_string_equal(fact_text(&fact, 1, 0), "na");
    assert_string_equal(fact_text(&fact, 1, 1), "");
}

/* How much of a second text has room behind the first, and of a cause's behind both: each ends with
 * a byte of its own. */
static void what_has_room(void **state)
{
    static const struct {
        size_t first, second, cause;
    } rows[] = {{0, 3, 3},
                {1, 3, 3},
                {FACT_TEXT_SIZE - 6, 3, 3},
                {FACT_TEXT_SIZE - 5, 3, 2},
                {FACT_TEXT_SIZE - 4, 2, 1},
                {FACT_TEXT_SIZE - 3, 1, 0},
                {FACT_TEXT_SIZE - 2, 0, 0},
                {FACT_TEXT_SIZE - 1, 0, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char first[FACT_TEXT_SIZE] = {0};
        memset(first, 'x', rows[i].first);
        const struct fact fact = fact_with(FACT(LEASE_HOLD), first, "abc");
        const struct fact alone = fact_with(FACT(LEASE_HOLD), first, NULL);
        const struct fact cause = fact_because(alone, &(struct fact){0});
        const struct fact said = fact_with(FACT(AGENT_SAID), "abc", "abc");
        const struct fact because = fact_because(alone, &said);
        assert_string_equal(fact_text(&fact, 0, 0), first);
        assert_int_equal(strlen(fact_text(&fact, 0, 1)), rows[i].second);
        assert_int_equal(fact_equal(&fact, &alone), rows[i].second == 0);
        assert_true(fact_equal(&cause, &alone));
        assert_string_equal(fact_text(&because, 0, 0), first);
        assert_int_equal(strlen(fact_text(&because, 1, 0)), rows[i].cause);
        assert_int_equal(because.parts[1].text != 0, rows[i].cause > 0);
    }
}

static void causes_come_behind(void **state)
{
    const struct fact deepest = fact_with(FACT(AGENT_SAID), "sessions", NULL);
    const struct fact middle = fact_because(fact_with(FACT(WAKE_COMMAND), "anna", NULL), &deepest);
    const struct fact whole = fact_because(fact_with(FACT(WAKE_QUEUED), "t", NULL), &middle);
    assert_int_equal(whole.parts[0].code, FACT_WAKE_QUEUED);
    assert_int_equal(whole.parts[1].code, FACT_WAKE_COMMAND);
    assert_int_equal(whole.parts[2].code, FACT_AGENT_SAID);
    assert_int_equal(whole.parts[3].code, FACT_NONE);
    assert_string_equal(fact_text(&whole, 0, 0), "t");
    assert_string_equal(fact_text(&whole, 1, 0), "anna");
    assert_string_equal(fact_text(&whole, 2, 0), "sessions");
    /* What is deeper than there is room is left out. */
    const struct fact more = fact_because(whole, &whole);
    assert_int_equal(more.parts[FACT_DEPTH - 1].code, FACT_WAKE_QUEUED);
    assert_string_equal(fact_text(&more, FACT_DEPTH - 1, 0), "t");
}

/* A cause keeps both its texts behind a fact. */
static void causes_keep_their_texts(void **state)
{
    static const char *const texts[][2] = {
        {"anna", "ssh"}, {"anna", NULL}, {NULL, "ssh"}, {NULL, NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
            const struct fact cause =
                fact_with(FACT(VETO_SESSION, .n = {5, 6}), texts[i][0], texts[i][1]);
            const struct fact fact = fact_with(FACT(LEASE_AGENT), texts[k][0], texts[k][1]);
            const struct fact whole = fact_because(fact, &cause);
            for (size_t place = 0; place < 2; place++) {
                const char *of_cause = texts[i][place] ? texts[i][place] : "";
                const char *of_fact = texts[k][place] ? texts[k][place] : "";
                assert_string_equal(fact_text(&whole, 0, place), of_fact);
                assert_string_equal(fact_text(&whole, 1, place), of_cause);
            }
            assert_int_equal(whole.parts[1].n[1], 6);
        }
}

/* What an agent says in codes of its own: its vetoes, its containers, why it could not look; and
 * its words. */
static void what_is_of_an_agent(void **state)
{
    for (unsigned code = FACT_NONE; code < FACTS; code++) {
        const bool expected =
            code == FACT_AGENT_SAID || (code >= FACT_VETO_UNKNOWN && code <= FACT_LOOK_NO_UNITS);
        assert_int_equal(fact_is_of_agent((enum fact_code)code), expected);
    }
}

/* ---- names that move ---- */

static struct model_check checks[] = {{.kind = CHECK_PING}, {.kind = CHECK_HTTP}};
static struct model_server old_servers[] = {{.id = "a", .n_checks = 2, .checks = checks},
                                            {.id = "b", .n_checks = 2, .checks = checks}};
static struct model_server new_servers[] = {{.id = "b", .n_checks = 2, .checks = checks}};
static struct model_site old_sites[] = {{.id = "a.org", .domain = 0, .path = "/"},
                                        {.id = "b.org", .domain = 1, .path = "/"}};
static struct model_site new_sites[] = {{.id = "b.org", .domain = 0, .path = "/"}};
static struct model_domain old_domains[] = {{.name = "a.org", .site = 0},
                                            {.name = "b.org", .site = 1}};
static struct model_domain new_domains[] = {{.name = "b.org", .site = 0}};
static const struct model from = {.n_servers = 2,
                                  .servers = old_servers,
                                  .n_sites = 2,
                                  .sites = old_sites,
                                  .n_domains = 2,
                                  .domains = old_domains};
static const struct model to = {.n_servers = 1,
                                .servers = new_servers,
                                .n_sites = 1,
                                .sites = new_sites,
                                .n_domains = 1,
                                .domains = new_domains};

/* Each code, and what its subject is: its number moves with what it names, and only then. */
static void each_subject(void **state)
{
    static const enum fact_code of_server[] = {FACT_LEASE_ALWAYS_ON_SERVER, FACT_LEASE_DEPENDENT,
                                               FACT_WAKE_ALWAYS_ON_SERVER,  FACT_WAKE_DEPENDENT,
                                               FACT_WAKE_WAITS_FOR,         FACT_WAKE_WAITS_TURN,
                                               FACT_WAKE_NEEDED_NOT_READY};
    static const enum fact_code of_domain[] = {FACT_LEASE_SCHEDULE, FACT_LEASE_ALWAYS_ON,
                                               FACT_WAKE_SCHEDULE, FACT_WAKE_ALWAYS_ON,
                                               FACT_NEXT_SCHEDULE};
    static const enum fact_code of_site[] = {
        FACT_LEASE_VISIT,  FACT_LEASE_STREAM,   FACT_WAKE_VISIT,     FACT_WAKE_START,
        FACT_WAKE_STREAM,  FACT_ACCESS_REFUSED, FACT_PROJECT_SPARED, FACT_PROJECT_SPARED_RESTART,
        FACT_ACCESS_ASTRAY};
    enum fact_subject expected[FACTS] = {FACT_OF_NOTHING};
    for (size_t i = 0; i < ARRAY_SIZE(of_server); i++)
        expected[of_server[i]] = FACT_OF_SERVER;
    for (size_t i = 0; i < ARRAY_SIZE(of_domain); i++)
        expected[of_domain[i]] = FACT_OF_DOMAIN;
    for (size_t i = 0; i < ARRAY_SIZE(of_site); i++)
        expected[of_site[i]] = FACT_OF_SITE;
    for (unsigned code = FACT_CHECK_SILENT; code <= FACT_CHECK_NO_AGENT; code++)
        expected[code] = FACT_OF_CHECK;
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        assert_int_equal(fact_subject((enum fact_code)code), expected[code]);
        const bool moves = expected[code] != FACT_OF_NOTHING;
        const struct fact second = {.parts = {{.code = (uint16_t)code, .subject = 1}}};
        const struct fact first = {.parts = {{.code = (uint16_t)code, .subject = 0}}};
        const struct fact moved = fact_move(&second, &from, &to);
        const struct fact gone = fact_move(&first, &from, &to);
        assert_int_equal(moved.parts[0].code, code);
        assert_int_equal(moved.parts[0].subject, moves ? 0 : 1);
        if (expected[code] == FACT_OF_CHECK) /* what failed is still true of a check without name */
            assert_int_equal(gone.parts[0].subject, MODEL_NONE);
        assert_int_equal(gone.parts[0].code,
                         moves && expected[code] != FACT_OF_CHECK ? FACT_NONE : code);
    }
}

static void a_cause_about_what_is_gone_is_left_out(void **state)
{
    const struct fact deepest = FACT(AGENT_NO_BROKER);
    const struct fact cause = fact_because(FACT(WAKE_DEPENDENT, .subject = 0), &deepest);
    const struct fact fact = fact_because(FACT(WAKE_QUEUED), &cause);
    const struct fact moved = fact_move(&fact, &from, &to);
    assert_int_equal(moved.parts[0].code, FACT_WAKE_QUEUED);
    assert_int_equal(moved.parts[1].code, FACT_NONE);
    assert_int_equal(moved.parts[2].code, FACT_NONE);
}

static void a_check_is_known_by_its_place_and_kind(void **state)
{
    static struct model_check other[] = {{.kind = CHECK_PING}, {.kind = CHECK_TCP}};
    static struct model_server servers[] = {{.id = "b", .n_checks = 2, .checks = other}};
    struct model changed = to;
    changed.servers = servers;
    for (uint8_t place = 0; place < 4; place++) {
        const struct fact fact = FACT(CHECK_SILENT, .subject = 1, .word = place);
        const struct fact same = fact_move(&fact, &from, &to);
        const struct fact moved = fact_move(&fact, &from, &changed);
        assert_int_equal(same.parts[0].subject, place < 2 ? 0 : MODEL_NONE);
        assert_int_equal(moved.parts[0].subject, place < 1 ? 0 : MODEL_NONE);
        assert_int_equal(moved.parts[0].word, place);
    }
    for (size_t now_has = 0; now_has <= 2; now_has++) {
        static struct model_server fewer[] = {{.id = "b", .checks = checks}};
        changed.servers = fewer;
        fewer[0].n_checks = now_has;
        for (uint8_t place = 0; place < 2; place++) {
            const struct fact fact = FACT(CHECK_SILENT, .subject = 1, .word = place);
            const struct fact moved = fact_move(&fact, &from, &changed);
            assert_int_equal(moved.parts[0].subject, place < now_has ? 0 : MODEL_NONE);
        }
    }
    const struct fact none = FACT(CHECK_SILENT, .subject = MODEL_NONE);
    const struct fact moved = fact_move(&none, &from, &to);
    assert_int_equal(moved.parts[0].subject, MODEL_NONE);
}

/* ---- why a server is awake ---- */

static const struct now now = {.boot = 10000, .wall = 1000000};

static void each_lease_says_why(void **state)
{
    static const struct {
        enum lease_kind kind;
        int subject;
        enum fact_code code;
        int told; /* the subject that is told */
        int64_t n0;
        const char *text;
    } rows[] = {
        {LEASE_VISIT, 3, FACT_LEASE_VISIT, 3, 999000, ""},
        {LEASE_SCHEDULE, 2, FACT_LEASE_SCHEDULE, 2, 0, ""},
        {LEASE_ALWAYS_ON, 2, FACT_LEASE_ALWAYS_ON, 2, 0, ""},
        {LEASE_ALWAYS_ON, MODEL_NONE, FACT_LEASE_ALWAYS_ON_SERVER, 7, 0, ""},
        {LEASE_MANUAL, MODEL_NONE, FACT_LEASE_MANUAL, 0, 0, "anna"},
        {LEASE_HOLD, MODEL_NONE, FACT_LEASE_HOLD, 0, 0, "anna"},
        {LEASE_DEPENDENT, 1, FACT_LEASE_DEPENDENT, 1, 0, ""},
        {LEASE_STREAM, 3, FACT_LEASE_STREAM, 3, 0, ""},
        {LEASE_AGENT, MODEL_NONE, FACT_LEASE_AGENT, 0, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int forever = 0; forever < 2; forever++) {
            const struct lease lease = {.kind = rows[i].kind,
                                        .subject = rows[i].subject,
                                        .holder = "anna",
                                        .since = 5000,
                                        .renewed = 9000,
                                        .until = forever ? LEASE_FOREVER : 12000};
            const struct fact fact = lease_fact(&lease, 7, now);
            assert_int_equal(fact.parts[0].code, rows[i].code);
            assert_int_equal(fact.parts[0].subject, rows[i].told);
            assert_int_equal(fact.parts[0].n[0], rows[i].n0);
            assert_int_equal(fact.parts[0].n[1], forever ? LEASE_FOREVER : 1002000);
            assert_string_equal(fact_text(&fact, 0, 0), rows[i].text);
        }
}

/* A fact that is as deep as can be moves as a whole. */
static void the_deepest_moves(void **state)
{
    struct fact fact = {0};
    for (size_t i = 0; i < FACT_DEPTH; i++)
        fact.parts[i] = (struct fact_part){.code = FACT_WAKE_VISIT, .subject = 1};
    const struct fact moved = fact_move(&fact, &from, &to);
    for (size_t i = 0; i < FACT_DEPTH; i++) {
        assert_int_equal(moved.parts[i].code, FACT_WAKE_VISIT);
        assert_int_equal(moved.parts[i].subject, 0);
    }
}

/* Each part moves, whatever the one before it says. */
static void each_part_moves(void **state)
{
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        if (fact_subject((enum fact_code)code) != FACT_OF_NOTHING)
            continue;
        const struct fact fact = {
            .parts = {{.code = (uint16_t)code}, {.code = FACT_WAKE_VISIT, .subject = 1}}};
        const struct fact moved = fact_move(&fact, &from, &to);
        assert_int_equal(moved.parts[0].code, code);
        assert_int_equal(moved.parts[1].code, FACT_WAKE_VISIT);
        assert_int_equal(moved.parts[1].subject, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_kept_and_compared),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut),
        cmocka_unit_test(what_has_room),
        cmocka_unit_test(causes_come_behind),
        cmocka_unit_test(causes_keep_their_texts),
        cmocka_unit_test(what_is_of_an_agent),
        cmocka_unit_test(each_subject),
        cmocka_unit_test(a_cause_about_what_is_gone_is_left_out),
        cmocka_unit_test(a_check_is_known_by_its_place_and_kind),
        cmocka_unit_test(each_lease_says_why),
        cmocka_unit_test(the_deepest_moves),
        cmocka_unit_test(each_part_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
