/* Every code has a name, a sentence in each language and a way through JSON and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "core/facts/fault.h"
#include "core/fleet.h"
#include "say/say_table.h"
#include "unit.h"

#define NBSP  "\u00a0"
#define NNBSP "\u202f"

static const struct say_how english = {.language = SAY_ENGLISH, .now = INT64_C(1795000000000)};
static const struct say_how french = {.language = SAY_FRENCH, .now = INT64_C(1795000000000)};

/* Two servers; a domain of 253 characters with a project. */
struct world {
    struct model_check checks[4];
    struct model_server servers[2];
    struct model_domain domains[1];
    struct model_site sites[2];
    struct model model;
    char domain[254];
};

static void make_world(struct world *world)
{
    *world = (struct world){
        .checks = {{.kind = CHECK_HTTP, .site = 0},
                   {.kind = CHECK_TCP, .site = MODEL_NONE, .port = 22},
                   {.kind = CHECK_HTTP, .site = MODEL_NONE, .url = "http://10.0.0.2/health"},
                   {.kind = CHECK_AGENT, .site = MODEL_NONE}},
        .servers = {{.id = "testing", .n_checks = 4, .group = "rack"}, {.id = "nas"}},
        .sites = {{.server = 0, .is_project = false},
                  {.id = "client1", .server = 0, .is_project = true}},
    };
    memset(world->domain, 'd', 253);
    memcpy(world->domain + 240, ".example.org", 12);
    text_parse_ipv4("10.0.0.2", &world->checks[1].address);
    world->servers[0].checks = world->checks;
    world->domains[0].name = world->sites[0].id = world->domain;
    world->model = (struct model){.n_servers = 2,
                                  .servers = world->servers,
                                  .n_domains = 1,
                                  .domains = world->domains,
                                  .n_sites = 2,
                                  .sites = world->sites};
}

static char *said(const struct fact *fact, const struct model *model, struct say_how how)
{
    static char text[2][1024];
    static int turn;

    return say_fact_text(fact, model, how, text[turn ^= 1], sizeof(text[0]));
}

#define assert_said(fact_, text_) assert_string_equal(said(&(fact_), &world->model, english), text_)
#define assert_french(fact_, text_)                                                                \
    assert_string_equal(said(&(fact_), &world->model, french), text_)

/* ---- the list ---- */

/* One of this code with all its parameters. */
static struct fact whole(enum fact_code code)
{
    const struct fact cause = FACT(WAKE_VISIT, .subject = 1);
    struct fact fact = {.parts = {{.code = (uint16_t)code, .word = 1, .n = {120000, 240000}}}};
    const char *texts[2] = {NULL, NULL};

    for (const struct say_param *param = say_rows[code].params; param->name; param++)
        if (param->kind == PARAM_TEXT)
            texts[param->place] = param->place == 0 ? "first" : "second";
        else if (param->kind == PARAM_SITE)
            fact.parts[0].subject = 1;
    fact = fact_with(fact, texts[0], texts[1]);
    return say_has_cause(code) ? fact_because(fact, &cause) : fact;
}

/* Each hole names a parameter, each parameter has a hole, each bracket an end. */
static void check_text(const struct say_row *row, const char *text)
{
    int depth = 0;

    for (const char *at = text; *at; at++) {
        depth += (*at == '[') - (*at == ']');
        assert_true(depth >= 0 && depth <= 2);
        if (*at != '{')
            continue;
        bool found = false;
        for (const struct say_param *param = row->params; param->name; param++)
            found |= strncmp(at + 1, param->name, strlen(param->name)) == 0 &&
                     at[1 + strlen(param->name)] == '}';
        if (!found)
            fail_msg("%s: %s has a hole that is no parameter", row->name, text);
    }
    assert_int_equal(depth, 0);
    for (const struct say_param *param = row->params; param->name; param++) {
        char hole[40];

        snprintf(hole, sizeof(hole), "{%s}", param->name);
        if (!strstr(text, hole))
            fail_msg("%s: %s tells nothing of its %s", row->name, text, param->name);
    }
}

/* Each parameter tells something else. */
static void check_places(const struct say_row *row)
{
    for (const struct say_param *param = row->params; param->name; param++)
        for (const struct say_param *other = row->params; other != param; other++)
            if (other->kind == param->kind && other->place == param->place)
                fail_msg("%s: %s is %s again", row->name, param->name, other->name);
}

static bool is_code(const char *name)
{
    if (name[0] < 'a' || name[0] > 'z')
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz_.")] == '\0' && !strstr(name, "..");
}

static void every_code_has_a_name_and_its_sentences(void **state)
{
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        const struct say_row *row = &say_rows[code];
        enum fact_code found;

        if (!row->name)
            fail_msg("code %u has no row", code);
        assert_true(is_code(row->name));
        assert_true(say_code_from_name(row->name, &found));
        assert_int_equal(found, code); /* also: no name twice */
        for (unsigned i = 0; i < SAY_LANGUAGES; i++)
            check_text(row, row->texts[i]);
        check_places(row);
        assert_null(strstr(row->texts[SAY_FRENCH], "'"));
        for (const char *mark = ":;!?"; *mark; mark++)
            for (const char *at = row->texts[SAY_FRENCH]; (at = strchr(at, *mark)); at++)
                assert_true(at - row->texts[SAY_FRENCH] >= 2 && (unsigned char)at[-1] >= 0x80);
    }
    assert_null(say_code_name(FACT_NONE));
}

static void every_code_speaks_and_goes_through_json(void **state)
{
    struct world *world = *state;

    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        const struct fact fact = whole((enum fact_code)code);
        struct buf text = BUF_INIT(4096), again = BUF_INIT(4096), sentence = BUF_INIT(4096);
        struct json_writer json;
        struct json *read = NULL;
        struct json_error error;
        struct told told;
        struct fact back;

        json_writer_init(&json, &text);
        say_put_fact(&json, NULL, &fact, &world->model);
        assert_int_equal(
            json_read(buf_text(&text), text.length, &json_limits_payload, &read, &error), 0);
        assert_int_equal(say_read_fact(read, &told), 0);
        json_writer_init(&json, &again);
        say_put_told(&json, NULL, &told);
        assert_string_equal(buf_text(&again), buf_text(&text));
        for (unsigned i = 0; i < SAY_LANGUAGES; i++) {
            const struct say_how how = {.language = (enum say_language)i, .now = english.now};

            say_sentence(&told, how, &sentence);
            assert_true(sentence.length > 0);
            assert_null(strchr(buf_text(&sentence), '?'));
            assert_null(strpbrk(buf_text(&sentence), "{}[]"));
            assert_string_equal(buf_text(&sentence), said(&fact, &world->model, how));
            buf_clear(&sentence);
        }
        assert_true(say_locate(&told, &world->model, 0, &back));
        assert_string_equal(said(&back, &world->model, english),
                            said(&fact, &world->model, english));
        json_free(read);
        buf_finish(&text);
        buf_finish(&again);
        buf_finish(&sentence);
    }
}

/* Without any of its parameters it still says something, and nothing is read that is not there. */
static void every_code_speaks_without_parameters(void **state)
{
    struct world *world = *state;

    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        const struct fact bare = {.parts = {{.code = (uint16_t)code, .word = 255, .subject = 999}}};

        assert_true(strlen(said(&bare, &world->model, english)) > 0);
        assert_true(strlen(said(&bare, NULL, french)) > 0);
    }
}

/* What a subject is the core must know too, to move it to other indexes. */
static void subjects_are_what_the_table_says(void **state)
{
    for (unsigned code = FACT_NONE + 1; code < FACTS; code++) {
        enum fact_subject subject = FACT_OF_NOTHING;

        for (const struct say_param *param = say_rows[code].params; param->name; param++)
            subject = param->kind == PARAM_SERVER   ? FACT_OF_SERVER
                      : param->kind == PARAM_DOMAIN ? FACT_OF_DOMAIN
                      : param->kind == PARAM_SITE   ? FACT_OF_SITE
                      : param->kind == PARAM_CHECK  ? FACT_OF_CHECK
                                                    : subject;
        assert_int_equal(fact_subject((enum fact_code)code), subject);
    }
}

static void faults_are_checks_in_the_same_order(void **state)
{
    for (unsigned code = FAULT_NONE + 1; code < FAULTS; code++) {
        char name[64];

        snprintf(name, sizeof(name), "check.%s", fault_name((enum fault_code)code));
        assert_string_equal(say_code_name((enum fact_code)(FACT_CHECK_SILENT + code - 1)), name);
    }
}

/* ---- sentences ---- */

static void sentences_as_people_know_them(void **state)
{
    struct world *world = *state;
    const struct fact visit =
        FACT(LEASE_VISIT, .subject = 1, .n = {english.now - 240000, INT64_C(1795000320000)});
    const struct fact hold = fact_with(FACT(LEASE_HOLD, .n = {0, LEASE_FOREVER}), "backup", NULL);
    const struct fact why = fact_with(FACT(LEASE_HOLD), "backup", "nightly");
    const struct fact wait =
        fact_because(FACT(WAKE_WAITS_FOR, .subject = 1), &FACT(WAKE_VISIT, .subject = 1));
    const struct fact failed = FACT(WAKE_NO_SIGN, .word = STAGES, .n = {180000});
    const struct fact moving =
        fact_with(FACT(STREAM_MOVING, .word = STREAM_DOWNLOAD, .n = {12345678}), "10.0.0.9", NULL);
    const struct fact stream = fact_because(FACT(LEASE_STREAM, .subject = 1), &moving);

    assert_said(visit, "client1 was visited 4 min ago (until 11:12 UTC)");
    assert_french(visit, "client1 a été visité il y a 4" NNBSP "min (jusqu’à 11:12 UTC)");
    assert_said(hold, "backup holds it");
    assert_said(why, "backup holds it: nightly");
    assert_french(why, "backup le maintient" NBSP ": nightly");
    assert_said(wait, "visit of client1; waits for nas, which it needs");
    assert_true(strncmp(said(&failed, NULL, english),
                        "not ready after 180 s, last stage reached: none; no sign of life",
                        60) == 0);
    assert_said(stream, "client1 is in use: download from 10.0.0.9, 12 MB in the last minute");
    assert_french(stream, "client1 est utilisé" NBSP ": téléchargement depuis 10.0.0.9, 12" NNBSP
                          "Mo dans la dernière minute");
    assert_said(FACT(WAKE_READY, .word = WAKE_COLD, .n = {12345}),
                "ready after 12.345 s (cold_boot)");
    const struct fact asked = fact_with(FACT(WAKE_COMMAND), "someone", NULL);
    assert_said(asked, "wake command by someone");
    assert_french(asked, "commande de réveil de quelqu’un");
    assert_french(FACT(WAKE_READY, .word = WAKE_COLD, .n = {12345}),
                  "prêt au bout de 12,345" NNBSP "s (démarrage à froid)");
    assert_said(FACT(GUARD, .word = GUARD_MIN_DOWN, .n = {INT64_C(1763806201000)}),
                "guard min_down refuses until 2025-11-22T10:10:01Z");
    assert_said(FACT(VETO_DISK, .n = {1500000, 1}), "disk: 1.5 MB/s, the limit is 1 B/s");
    assert_french(FACT(VETO_DISK, .n = {1500000, 1}),
                  "disque" NBSP ": 1,5" NNBSP "Mo/s, la limite est 1" NNBSP "o/s");
    assert_said(FACT(GUARD, .word = GUARD_MIN_DOWN, .n = {LEASE_FOREVER}),
                "guard min_down refuses");
    assert_said(FACT(WAKE_WAITS_TURN, .subject = 0),
                "waits for its turn: testing starts on the same circuit (rack)");
}

static int32_t one_hour(void *context, const char *zone, int64_t utc_s)
{
    (void)context;
    (void)zone;
    (void)utc_s;
    return 3600;
}

/* For a reader an hour east of UTC, while Hall's clock is three hours fast. */
static void times_are_those_of_the_readers_clock(void **state)
{
    const struct world *world = *state;
    const struct zone_port zones = {.offset = one_hour};
    const struct local local = {.zones = &zones, .zone = "Test"};
    const struct say_how how = {.language = SAY_ENGLISH,
                                .now = english.now,
                                .local = &local,
                                .behind = INT64_C(3) * 3600000};
    const struct fact visit =
        FACT(LEASE_VISIT, .subject = 1, .n = {english.now - 240000, INT64_C(1795000320000)});

    assert_string_equal(said(&visit, &world->model, how),
                        "client1 was visited 4 min ago (until 09:12)");
}

static void checks_are_named(void **state)
{
    struct world *world = *state;
    char expected[400];

    snprintf(expected, sizeof(expected), "site %s: connection refused", world->domain);
    assert_said(FACT(CHECK_REFUSED, .subject = 0, .word = 0), expected);
    assert_said(FACT(CHECK_SLOW, .subject = 0, .word = 1, .n = {15}),
                "tcp 10.0.0.2:22: no answer within 15 s");
    assert_said(FACT(CHECK_STATUS, .subject = 0, .word = 2, .n = {502}),
                "http http://10.0.0.2/health: it answers with status 502");
    assert_said(FACT(CHECK_NO_AGENT, .subject = 0, .word = 3), "agent: its agent is not online");
    assert_said(FACT(CHECK_SILENT, .subject = MODEL_NONE), "no answer");
    assert_french(FACT(CHECK_SILENT, .subject = 0, .word = 3), "agent" NBSP ": aucune réponse");
}

static void no_name_is_cut(void **state)
{
    struct world *world = *state;
    char expected[300];

    snprintf(expected, sizeof(expected), "the schedule of %s wants it on", world->domain);
    assert_said(FACT(LEASE_SCHEDULE, .subject = 0), expected);
    snprintf(expected, sizeof(expected), "visit of %s", world->domain);
    assert_said(FACT(WAKE_VISIT, .subject = 0), expected);
}

/* ---- facts ---- */

static void words_are_cut_between_characters_and_causes_keep_theirs(void **state)
{
    struct world *world = *state;
    char name[66], words[400];
    memset(name, 'n', 65);
    name[65] = '\0';
    memset(words, '\0', sizeof(words));
    for (size_t i = 0; i < 199; i++)
        memcpy(words + 2 * i, "é", 2);
    const struct fact cause = fact_with(FACT(SAID), words, NULL);
    const struct fact fact = fact_because(fact_with(FACT(COMMAND_REFUSED), name, NULL), &cause);

    assert_string_equal(fact_text(&fact, 0, 0), name);
    assert_true(strlen(fact_text(&fact, 1, 0)) > 80);
    assert_true(text_is_utf8(fact_text(&fact, 1, 0), strlen(fact_text(&fact, 1, 0))));
    assert_int_equal(fact.parts[1].code, FACT_SAID);
    assert_true(fact_equal(&fact, &fact));
    assert_false(fact_equal(&fact, &cause));
    (void)world;
}

static void causes_go_as_deep_as_there_is_room(void **state)
{
    struct world *world = *state;
    const struct fact inner = fact_because(FACT(SLEEP_FAILED), &FACT(SLEEP_CAME_BACK));
    const struct fact outer = fact_because(FACT(WAKE_NEEDED_NOT_READY, .subject = 1), &inner);
    const struct fact deeper = fact_because(FACT(WAKE_NEEDED_NOT_READY, .subject = 0), &outer);

    assert_said(outer, "nas, which it needs, did not become ready: the sleep failed: it came back "
                       "before it fell silent");
    const struct fact deepest = fact_because(FACT(WAKE_NEEDED_NOT_READY, .subject = 1), &deeper);

    assert_said(deepest, "nas, which it needs, did not become ready: testing, which it needs, did "
                         "not become ready: nas, which it needs, did not become ready: the sleep "
                         "failed");
    assert_said(deeper, "testing, which it needs, did not become ready: nas, which it needs, did "
                        "not become ready: the sleep failed: it came back before it fell silent");
}

static int read_text(const char *text, struct told *told)
{
    struct json *json = NULL;
    struct json_error error;
    int result;

    assert_int_equal(json_read(text, strlen(text), &json_limits_payload, &json, &error), 0);
    result = say_read_fact(json, told);
    json_free(json);
    return result;
}

static void facts_stand_beside_each_other(void **state)
{
    struct world *world = *state;
    const struct fact load = FACT(VETO_LOAD, .n = {310, 200});
    const struct fact both = fact_because(fact_with(FACT(VETO_SESSION), "root", NULL), &load);
    struct buf text = BUF_INIT(4096);
    struct json_writer json;
    struct told told;

    assert_said(both, "sessions: root, load: 3.10, the limit is 2.00");
    json_writer_init(&json, &text);
    say_put_fact(&json, NULL, &both, &world->model);
    assert_string_equal(buf_text(&text), "{\"code\":\"veto.session\",\"user\":\"root\",\"seat\":"
                                         "null,\"and\":{\"code\":\"veto.load\",\"load\":3.1,"
                                         "\"limit\":2}}");
    assert_int_equal(read_text(buf_text(&text), &told), 0);
    assert_int_equal(told.parts[1].code, FACT_VETO_LOAD);
    buf_finish(&text);
}

/* ---- what strangers write ---- */

static void strangers_are_not_believed(void **state)
{
    static const char *const bad[] = {
        "{\"code\":\"veto.unheard_of\"}",
        "{\"code\":7}",
        "{}",
        "[]",
        "null",
        "{\"code\":\"veto.session\",\"user\":7}",
        "{\"code\":\"veto.load\",\"load\":-1}",
        "{\"code\":\"veto.load\",\"load\":1e300}",
        "{\"code\":\"lease.visit\",\"until\":\"tomorrow\"}",
    };
    struct told told = {.parts = {{.code = FACT_SAID}}};
    char longest[4096] = "{\"code\":\"said\",\"said\":\"";

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(read_text(bad[i], &told), -EINVAL);
    memset(longest + strlen(longest), 'x', 3000);
    memcpy(longest + strlen(longest), "\"}", 2);
    assert_int_equal(read_text(longest, &told), -EINVAL);
    assert_int_equal(told.parts[0].code, FACT_SAID); /* untouched */
}

static void what_is_missing_or_deep_is_left_out(void **state)
{
    struct told told;

    assert_int_equal(
        read_text("{\"code\":\"sleep.failed\",\"cause\":{\"code\":\"new.one\"}}", &told), 0);
    assert_int_equal(told.parts[1].code, FACT_NONE);
    assert_int_equal(
        read_text(
            "{\"code\":\"sleep.failed\",\"cause\":{\"code\":\"sleep.failed\",\"cause\":{"
            "\"code\":\"sleep.failed\",\"cause\":{\"code\":\"sleep.failed\",\"cause\":null}}}}",
            &told),
        0);
    assert_int_equal(told.parts[2].code, FACT_SLEEP_FAILED);
    assert_int_equal(read_text("{\"code\":\"veto.session\",\"user\":null,\"seat\":null}", &told),
                     0);
    assert_false(told.parts[0].values[0].known);
}

static void names_that_are_not_configured_have_no_index(void **state)
{
    struct world *world = *state;
    struct told told = {
        .parts = {{.code = FACT_WAKE_VISIT, .values = {{.known = true, .text = "gone"}}}}};
    struct fact fact;

    assert_false(say_locate(&told, &world->model, 0, &fact));
    told.parts[0].values[0].text = world->domain;
    assert_true(say_locate(&told, &world->model, 0, &fact));
    assert_int_equal(fact.parts[0].subject, 0);
}

static void documents_change_their_language(void **state)
{
    static const char from[] =
        "{\"reason\":\"silence is proven\",\"reason_fact\":{\"code\":\"sleep.proven\"},"
        "\"problem\":\"words\",\"problem_fact\":{\"code\":\"no.such\"},\"detail\":null,"
        "\"detail_fact\":null,\"list\":[{\"why\":\"x\",\"why_fact\":{\"code\":\"seen.pass\"}},1.5,"
        "true],"
        "\"vetoes\":[\"a\",\"b\"],\"veto_facts\":[{\"code\":\"veto.late\"},null]}";
    struct json *document = NULL, *said_again = NULL;
    struct json_error error;
    struct json_writer writer;
    struct buf out = BUF_INIT(4096);
    const struct fact proven = FACT(SLEEP_PROVEN), passing = FACT(SEEN_PASS),
                      late = FACT(VETO_LATE);

    (void)state;
    assert_int_equal(json_read(from, strlen(from), &json_limits_payload, &document, &error), 0);
    json_writer_init(&writer, &out);
    say_localize(document, french, &writer);
    assert_int_equal(
        json_read(buf_text(&out), out.length, &json_limits_payload, &said_again, &error), 0);
    assert_string_equal(json_get_string(said_again, "reason"), said(&proven, NULL, french));
    assert_string_not_equal(json_get_string(said_again, "reason"), "silence is proven");
    assert_string_equal(json_get_string(said_again, "problem"), "words");
    assert_string_equal(json_get_string(json_get(said_again, "reason_fact"), "code"),
                        "sleep.proven");
    const struct json *first = json_first(json_get(said_again, "list"));
    assert_string_equal(json_get_string(first, "why"), said(&passing, NULL, french));
    assert_int_equal(json_count(json_get(said_again, "list")), 3);
    const struct json *veto = json_first(json_get(said_again, "vetoes"));
    assert_string_equal(json_string(veto), said(&late, NULL, french));
    assert_string_equal(json_string(json_next(veto)), "b");
    json_free(said_again);
    json_free(document);
    buf_finish(&out);
}

static int setup(void **state)
{
    static struct world world;

    make_world(&world);
    *state = &world;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_its_sentences),
        cmocka_unit_test(every_code_speaks_and_goes_through_json),
        cmocka_unit_test(every_code_speaks_without_parameters),
        cmocka_unit_test(subjects_are_what_the_table_says),
        cmocka_unit_test(faults_are_checks_in_the_same_order),
        cmocka_unit_test(sentences_as_people_know_them),
        cmocka_unit_test(times_are_those_of_the_readers_clock),
        cmocka_unit_test(checks_are_named),
        cmocka_unit_test(no_name_is_cut),
        cmocka_unit_test(words_are_cut_between_characters_and_causes_keep_theirs),
        cmocka_unit_test(causes_go_as_deep_as_there_is_room),
        cmocka_unit_test(facts_stand_beside_each_other),
        cmocka_unit_test(strangers_are_not_believed),
        cmocka_unit_test(what_is_missing_or_deep_is_left_out),
        cmocka_unit_test(names_that_are_not_configured_have_no_index),
        cmocka_unit_test(documents_change_their_language),
    };

    return cmocka_run_group_tests_name("say", tests, setup, NULL);
}
