/* hallctl: the reading of its command line, its tables, the picture of the bus, and its sentences.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "hallctl/arguments.h"
#include "hallctl/grid.h"
#include "hallctl/picture.h"
#include "hallctl/reader.h"
#include "hallctl/why.h"
#include "unit.h"

/* ---- arguments ---- */

enum { WORDS_MAX = 12 };

static const struct verb hold_verb = {
    .name = "hold",
    .operands = "SERVER NAME",
    .summary = "keeps a server on",
    .flags = WITH(FLAG_FOR) | WITH(FLAG_REASON) | WITH(FLAG_JSON) | WITH(FLAG_PORT),
    .least = 2,
    .most = 2,
};

/* Reads words separated by '|'. */
static int read_words(const struct verb *verb, const char *words, struct call *call, int *next)
{
    static char copies[8][256];
    static unsigned turn;
    char *copy = copies[turn++ % 8];
    static char *argv[WORDS_MAX];
    int argc = 0;
    snprintf(copy, sizeof copies[0], "%s", words);
    for (char *rest = copy, *word; argc + 1 < WORDS_MAX && (word = strsep(&rest, "|"));)
        argv[argc++] = word;
    argv[argc] = NULL;
    return arguments_read(verb, argc, argv, call, next);
}

static void test_arguments_read(void **state)
{
    struct call call = {0};
    int next;
    assert_int_equal(read_words(&hold_verb,
                                "hold|testing|--for|1h30m|backup|--reason=n\xc3\xa9|--json", &call,
                                &next),
                     0);
    assert_true(call_has(&call, FLAG_FOR));
    assert_int_equal(call.numbers[FLAG_FOR], 5400000);
    assert_string_equal(call.texts[FLAG_FOR], "1h30m");
    assert_string_equal(call.texts[FLAG_REASON], "n\xc3\xa9");
    assert_true(call_has(&call, FLAG_JSON));
    assert_false(call_has(&call, FLAG_PORT));
    assert_int_equal(call.n_operands, 2);
    assert_string_equal(call.operands[0], "testing");
    assert_string_equal(call.operands[1], "backup");
}

static void test_arguments_refused(void **state)
{
    static const char *const lines[] = {
        "hold|testing",                     /* an operand is missing */
        "hold|testing|backup|more",         /* one too many */
        "hold|testing|backup|--for",        /* no value */
        "hold|testing|backup|--for|",       /* an empty one */
        "hold|testing|backup|--for|soon",   /* no duration */
        "hold|testing|backup|--for|31d",    /* too long */
        "hold|testing|backup|--for|500ms",  /* too short */
        "hold|testing|backup|--port|0",     /* out of range */
        "hold|testing|backup|--port|65536", /* likewise */
        "hold|testing|backup|--port|9x",    /* no number */
        "hold|testing|backup|--reason|a\nb",
        "hold|testing|backup|--reason|\xff\xfe",
        "hold|testing|backup|--force",  /* not of this verb */
        "hold|testing|backup|--reas|x", /* no abbreviations: --for is not --force */
        "hold|testing|backup|--jso",
        "hold|testing|backup|--nonsense",
        "hold|testing|backup|-x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct call call = {0};
        int next;
        assert_int_equal(read_words(&hold_verb, lines[i], &call, &next), -EINVAL);
    }
}

static void test_arguments_before_the_verb(void **state)
{
    struct call call = {0};
    int next = 0;
    assert_int_equal(read_words(NULL, "hallctl|--broker|mqtt://pi|hold|--for|1h", &call, &next), 0);
    assert_int_equal(next, 3);
    assert_string_equal(call.texts[FLAG_BROKER], "mqtt://pi");
    assert_false(call_has(&call, FLAG_FOR));
    assert_int_equal(read_words(NULL, "hallctl|--for|1h|hold", &call, &next), -EINVAL);
    assert_int_equal(read_words(NULL, "hallctl|--help", &call, &next), 0);
    assert_true(call_has(&call, FLAG_HELP));
}

static void test_help_needs_no_operands(void **state)
{
    struct call call = {0};
    int next;
    assert_int_equal(read_words(&hold_verb, "hold|--help", &call, &next), 0);
    assert_true(call_has(&call, FLAG_HELP));
}

static void test_help_names_every_option(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    arguments_help(&hold_verb, out);
    fclose(out);
    assert_non_null(strstr(text, "Usage: hallctl hold SERVER NAME"));
    assert_non_null(strstr(text, "Keeps a server on."));
    assert_non_null(strstr(text, "--for DURATION"));
    assert_non_null(strstr(text, "--reason TEXT"));
    assert_null(strstr(text, "--force"));
    free(text);
}

/* ---- grid ---- */

static char *print_grid(const struct grid *grid, size_t width, bool bold)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    grid_print(grid, width, bold, out);
    fclose(out);
    return text;
}

static void check_grid(const struct grid *grid, size_t width, bool bold, const char *expected)
{
    char *text = print_grid(grid, width, bold);
    assert_string_equal(text, expected);
    free(text);
}

static void test_grid(void **state)
{
    static const char *const titles[] = {"SERVER", "WHY"};
    struct grid grid;
    grid_init(&grid, titles, 2);
    grid_put(&grid, "t\xc3\xa9st");
    grid_put(&grid, "because of a \x1b[31mcolour");
    grid_put(&grid, "a-longer-name");
    grid_put(&grid, NULL);
    grid_put(&grid, "half a row");
    check_grid(&grid, 0, false,
               "SERVER         WHY\n"
               "t\xc3\xa9st           because of a ?[31mcolour\n"
               "a-longer-name  -\n");
    check_grid(&grid, 26, false,
               "SERVER         WHY\n"
               "t\xc3\xa9st           because of\xe2\x80\xa6\n"
               "a-longer-name  -\n");
    char *bold = print_grid(&grid, 0, true);
    assert_memory_equal(bold, "\033[1mSERVER         WHY\033[0m\n", 27);
    free(bold);
    grid_finish(&grid);
}

static void test_grid_on_a_narrow_terminal(void **state)
{
    static const char *const titles[] = {"A", "B"};
    struct grid grid;
    grid_init(&grid, titles, 2);
    grid_put(&grid, "very wide indeed");
    grid_put(&grid, "text");
    check_grid(&grid, 10, false, "A                 B\nvery wide indeed  text\n");
    grid_finish(&grid);
}

/* ---- picture ---- */

static bool take(struct picture *picture, const char *topic, const char *payload)
{
    struct topic parsed;
    return picture_take(picture, topic, payload, strlen(payload), &parsed);
}

static void test_picture(void **state)
{
    struct picture picture;
    char names[32], few[16];
    picture_init(&picture, "hall");
    assert_string_equal(picture_names(&picture.servers, names, sizeof names), "none");
    assert_true(take(&picture, "hall/status", "online"));
    assert_true(take(&picture, "hall/servers/testing/state", "ready"));
    assert_true(take(&picture, "hall/servers/erp/state", "off"));
    assert_true(take(&picture, "hall/servers/erp/status", "{\"state\":\"off\"}"));
    assert_true(take(&picture, "hall/servers/erp/status", "no JSON")); /* the last good one stays */
    assert_true(take(&picture, "hall/servers/erp/status", "[]"));
    assert_true(take(&picture, "hall/agents/stranger/report", "{}")); /* makes no server */
    assert_true(take(&picture, "hall/projects/client1/state", "ready"));
    assert_false(take(&picture, "hall/servers/erp/event", "{}"));
    assert_false(take(&picture, "other/servers/erp/state", "off"));
    assert_false(take(&picture, "hall/servers/ERP x/state", "off"));
    assert_string_equal(picture.hall, "online");
    assert_int_equal(picture.servers.n, 2);
    assert_string_equal(picture.servers.all[0]->id, "erp");
    assert_string_equal(json_get_string(picture.servers.all[0]->status, "state"), "off");
    assert_string_equal(picture_names(&picture.servers, names, sizeof names), "erp, testing");
    assert_string_equal(picture_names(&picture.servers, few, sizeof few), "erp, ...");
    assert_string_equal(picture_guess(&picture.servers, "testng"), "testing");
    assert_null(picture_guess(&picture.servers, "nowhere"));
    assert_null(picture_find(&picture.servers, "client1"));
    assert_non_null(picture_find(&picture.projects, "client1"));
    assert_true(take(&picture, "hall/servers/erp/state", "")); /* it is no more */
    assert_null(picture_find(&picture.servers, "erp"));
    picture_finish(&picture);
}

static void test_picture_shows_no_control_characters(void **state)
{
    struct picture picture;
    picture_init(&picture, "hall");
    assert_true(
        take(&picture, "hall/servers/x/state", "re\x1b[2Jady and far too long for a state"));
    assert_null(strchr(picture.servers.all[0]->state, '\x1b'));
    picture_finish(&picture);
}

/* ---- why ---- */

static int32_t no_offset(void *context, const char *zone, int64_t utc_s)
{
    (void)context;
    (void)zone;
    (void)utc_s;
    return 3600;
}

static const struct zone_port zones = {.offset = no_offset};
static const struct local local = {.zones = &zones, .zone = "Test"};

#define NOW "2026-11-22T10:00:00Z" /* 11:00 on the wall */

static char *why_in(enum say_language language, const char *status, const char *config,
                    const char *report)
{
    struct picture picture;
    struct buf out = BUF_INIT(8192);
    struct say_how how = {.language = language, .local = &local};
    char *text = NULL;
    assert_int_equal(rfc3339_parse(NOW, &how.now), 0);
    picture_init(&picture, "hall");
    take(&picture, "hall/servers/testing/state", "ready");
    take(&picture, "hall/servers/testing/status", status);
    take(&picture, "hall/servers/testing/config", config);
    take(&picture, "hall/agents/testing/report", report);
    why_write(picture.servers.all[0], how, &out);
    assert_int_equal(buf_steal(&out, &text), 0);
    picture_finish(&picture);
    return text;
}

static char *why_of(const char *status, const char *config, const char *report)
{
    return why_in(SAY_ENGLISH, status, config, report);
}

static void check_why(const char *status, const char *config, const char *report,
                      const char *expected)
{
    char *text = why_of(status, config, report);
    assert_string_equal(text, expected);
    free(text);
}

static const char config_text[] =
    "{\"name\":\"Testing\",\"policy\":\"on_demand\",\"idle_s\":1200,\"keep_awake\":false,"
    "\"depends_on\":[\"nas\",\"erp\"],\"sleep\":{\"via\":\"agent\",\"mode\":\"suspend\"}}";

static const char awake_text[] =
    "{\"state\":\"ready\",\"since\":\"2026-11-22T09:00:00Z\",\"reason\":\"all required checks "
    "pass\",\"reason_fact\":{\"code\":\"seen.pass\"},\"target\":\"ON\",\"leases\":["
    "{\"kind\":\"visit\",\"holder\":\"client1\",\"label\":null,\"since\":\"2026-11-22T09:30:00Z\","
    "\"until\":\"2026-11-22T10:16:00Z\",\"reason\":\"in UTC\",\"reason_fact\":{\"code\":"
    "\"lease.visit\",\"site\":\"client1\",\"visited\":\"2026-11-22T09:56:00Z\",\"until\":"
    "\"2026-11-22T10:16:00Z\"}},"
    "{\"kind\":\"hold\",\"holder\":\"backup\",\"label\":\"nightly\",\"since\":\"2026-11-22T09:"
    "00:00Z\",\"until\":\"2026-11-22T11:00:00Z\",\"reason\":\"in UTC\",\"reason_fact\":{\"code\":"
    "\"lease.hold\",\"name\":\"backup\",\"reason\":\"nightly\",\"until\":\"2026-11-22T11:00:"
    "00Z\"}}],"
    "\"next_event\":{\"at\":\"2026-11-22T11:00:00Z\",\"what\":\"sleep\",\"reason\":\"the last "
    "lease ends\"},"
    "\"sleep_refused\":{\"reason\":\"sessions: root\",\"not_before\":\"2026-11-22T10:01:00Z\"},"
    "\"evidence\":{\"alive\":true,\"passing\":true,\"agent\":\"online\",\"mac\":\"match\","
    "\"checks\":[{\"kind\":\"ping\",\"site\":null,\"passing\":true,\"status\":null},"
    "{\"kind\":\"http\",\"site\":\"client1\",\"passing\":false,\"status\":502}]},"
    "\"policy\":\"on_demand\",\"last_boot_s\":41.2}";

static const char vetoing_text[] =
    "{\"vetoes\":[\"sessions: root from 192.0.2.7\",\"busy\"],\"veto_facts\":[{\"code\":"
    "\"veto.remote_session\",\"user\":\"root\",\"from\":\"192.0.2.7\"},null]}";

static void test_why_awake(void **state)
{
    check_why(awake_text, config_text, vetoing_text,
              "testing (Testing) is ready since 10:00 (60 min): all required checks pass.\n"
              "It is on because:\n"
              "  - client1 was visited 4 min ago (until 11:16), since 10:30\n"
              "  - backup holds it: nightly (until 12:00), since 10:00\n"
              "It goes to sleep at 12:00, when the last of these ends, if its agent agrees.\n"
              "To end it now: hallctl sleep testing --force\n"
              "The last sleep was refused: sessions: root.\n"
              "Its agent would veto a sleep now:\n"
              "  - sessions: root from 192.0.2.7\n"
              "  - busy\n"
              "Next: at 12:00 sleep: the last lease ends.\n"
              "Its policy is on_demand; a visit keeps it on for 20 min.\n"
              "It needs nas, erp.\n"
              "Evidence: its agent says online; its MAC answers at its address; ping passes; "
              "http (client1) fails, HTTP 502.\n"
              "The last wake took 41 s.\n");
}

/* What an agent said before it went is no veto of now. */
static void test_why_without_vetoes_of_before(void **state)
{
    static const char *const words[] = {"offline", "sleeping"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *at = strstr(awake_text, "\"online\"");
        char status[sizeof(awake_text) + 16];

        snprintf(status, sizeof(status), "%.*s\"%s\"%s", (int)(at - awake_text), awake_text,
                 words[i], at + strlen("\"online\""));
        char *text = why_of(status, config_text, vetoing_text);

        assert_non_null(strstr(text, "is ready since"));
        assert_null(strstr(text, "would veto"));
        free(text);
    }
}

/* What an older Hall said without a fact stays as it said it. */
static void test_why_in_french(void **state)
{
    char *text = why_in(SAY_FRENCH, awake_text, config_text, vetoing_text);
    assert_string_equal(
        text, "testing (Testing)\u00a0: prêt depuis 10:00 (60 min)\u00a0– tous les contrôles "
              "requis sont bons.\n"
              "Il est allumé car\u00a0:\n"
              "  - client1 a été visité il y a 4\u202fmin (jusqu’à 11:16), depuis 10:30\n"
              "  - backup le maintient\u00a0: nightly (jusqu’à 12:00), depuis 10:00\n"
              "Il sera mis en veille à 12:00, quand tout cela aura pris fin, si son agent "
              "l’accepte.\n"
              "Pour y mettre fin tout de suite\u00a0: hallctl sleep testing --force\n"
              "La dernière mise en veille a été refusée\u00a0: sessions: root.\n"
              "Son agent refuserait maintenant une mise en veille\u00a0:\n"
              "  - session à distance\u00a0: root depuis 192.0.2.7\n"
              "  - busy\n"
              "Ensuite\u00a0: à 12:00, mise en veille\u00a0: the last lease ends.\n"
              "Sa politique est «\u00a0à la demande\u00a0»\u202f; une visite le maintient allumé "
              "pendant 20 min.\n"
              "Il a besoin de nas, erp.\n"
              "Indices\u00a0: selon son agent, en ligne\u202f; son adresse MAC répond à son "
              "adresse\u202f; ping\u00a0: bon\u202f; http (client1)\u00a0: échec, HTTP 502.\n"
              "Le dernier réveil a pris 41 s.\n");
    free(text);
}

static void test_why_of_an_older_hall(void **state)
{
    char *text = why_of("{\"state\":\"ready\",\"target\":\"ON\",\"leases\":[{\"kind\":\"visit\","
                        "\"holder\":\"client1\",\"since\":\"2026-11-22T09:30:00Z\","
                        "\"until\":\"2026-11-22T10:16:00Z\"}]}",
                        "{}", "{}");
    assert_non_null(strstr(text, "  - client1 (visit), since 10:30, until 11:16\n"));
    free(text);
}

static void test_why_refused_without_a_lease(void **state)
{
    char *text = why_of(
        "{\"state\":\"ready\",\"target\":\"ON\",\"leases\":[],\"reason\":\"all required checks "
        "pass\","
        "\"sleep_refused\":{\"reason\":\"load 3.1\",\"not_before\":\"2026-11-22T10:01:00Z\"}}",
        config_text, "{}");
    assert_non_null(strstr(text, "Nothing needs it.\n"));
    assert_non_null(strstr(text, "Hall puts it to sleep now, if its agent agrees.\n"));
    assert_non_null(
        strstr(text, "The last sleep was refused: load 3.1. Hall asks again at 11:01.\n"));
    free(text);
}

static void test_why_without_an_end(void **state)
{
    char *text =
        why_of("{\"state\":\"ready\",\"target\":\"ON\",\"leases\":[{\"kind\":\"always_on\","
               "\"holder\":\"testing.example\",\"label\":null,\"since\":null,\"until\":null,"
               "\"reason_fact\":{\"code\":\"lease.always_on\",\"domain\":"
               "\"testing.example\"}}]}",
               "{\"sleep\":{\"via\":\"none\",\"mode\":null},\"keep_awake\":true}", "{}");
    assert_non_null(strstr(text, "  - testing.example is always on, no end known\n"));
    assert_non_null(strstr(text, "Hall never puts it to sleep: its sleep.via is none.\n"));
    assert_null(strstr(text, "--force"));
    free(text);
}

static void test_why_asleep_and_guarded(void **state)
{
    check_why(
        "{\"state\":\"off\",\"since\":\"2026-11-21T20:00:00Z\",\"reason\":\"no sign of life\","
        "\"target\":\"OFF\",\"leases\":[],\"problem\":null,"
        "\"guard\":{\"name\":\"min_down\",\"until\":\"2026-11-22T10:05:00Z\"},"
        "\"evidence\":{\"agent\":null,\"mac\":\"other\",\"other_mac\":\"02:00:00:00:00:01\","
        "\"checks\":[]}}",
        "{}", "{}",
        "testing is off since Sat 2026-11-21 21:00 (14 h): no sign of life.\n"
        "The guard min_down refuses to wake it until 11:05.\n"
        "A visit of its sites wakes it, or: hallctl wake testing --wait\n"
        "Evidence: nothing was heard of its agent; another machine has its address: "
        "02:00:00:00:00:01.\n");
}

static void test_why_waking(void **state)
{
    char *text =
        why_of("{\"state\":\"waking\",\"target\":\"ON\",\"leases\":[],\"problem\":\"it is late\","
               "\"wake\":{\"id\":\"1\",\"cause\":\"visit of "
               "client1\",\"stage\":\"packet_sent\",\"stages\":{},"
               "\"eta_s\":38,\"deadline\":\"2026-11-22T10:03:00Z\"}}",
               "{}", "{}");
    assert_non_null(strstr(text, "Problem: it is late.\n"));
    assert_non_null(strstr(
        text, "A wake is under way: visit of client1; the last stage reached: packet_sent.\n"));
    assert_non_null(strstr(text, "It was last expected to be ready in 38 s.\n"));
    assert_non_null(strstr(text, "It is given up at 11:03.\n"));
    free(text);
}

/* What is no answer of Hall's must not end us: wrong types, and nothing at all. */
static void test_why_of_nonsense(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"state\":1,\"since\":[],\"leases\":{\"a\":1},\"evidence\":[],\"wake\":7,\"next_event\":"
        "\"x\"}",
        "{\"state\":\"ready\",\"leases\":[1,null,\"x\",{}],\"evidence\":{\"checks\":[3,{}]},"
        "\"sleep_refused\":\"x\",\"guard\":[],\"last_boot_s\":\"long\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *text = why_of(texts[i], "{\"sleep\":[],\"depends_on\":[1]}", "{\"vetoes\":[1,{}]}");
        assert_memory_equal(text, "testing is ", 11);
        free(text);
    }
}

static void test_why_short(void **state)
{
    struct picture picture;
    const struct say_how how = {.local = &local};
    struct buf out = BUF_INIT(1024);
    picture_init(&picture, "hall");
    take(&picture, "hall/servers/a/status",
         "{\"leases\":[{\"kind\":\"visit\",\"holder\":\"client1\",\"reason_fact\":{\"code\":"
         "\"lease.visit\",\"site\":\"client1\"}},{\"kind\":\"manual\",\"reason\":\"cron woke "
         "it\"}]}");
    why_write_short(picture.servers.all[0], how, &out);
    assert_string_equal(buf_text(&out), "client1 was visited, cron woke it");
    buf_clear(&out);
    take(&picture, "hall/servers/a/status", "{\"problem\":\"the sleep failed\",\"leases\":[]}");
    why_write_short(picture.servers.all[0], how, &out);
    assert_string_equal(buf_text(&out), "the sleep failed");
    buf_finish(&out);
    picture_finish(&picture);
}

/* ---- small things ---- */

static struct json *parse(const char *text)
{
    struct json *value = NULL;
    struct json_error error;
    assert_int_equal(json_read(text, strlen(text), &json_limits_payload, &value, &error), 0);
    return value;
}

static void test_json_value_is_written_again(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5,true,null,\"x\\n\"],\"b\":{},\"c\":9007199254740991}";
    struct json *value = parse(text);
    struct buf out = BUF_INIT(1024);
    struct json_writer json;
    json_writer_init(&json, &out);
    json_put_value(&json, NULL, value);
    assert_string_equal(buf_text(&out), text);
    buf_finish(&out);
    json_free(value);
}

static void check_phrase(const char *event, const char *english, const char *french)
{
    struct json *value = parse(event);
    struct buf out = BUF_INIT(1024);
    say_event(value, (struct say_how){.language = SAY_ENGLISH}, &out);
    assert_string_equal(reader_show(&out), english);
    buf_clear(&out);
    say_event(value, (struct say_how){.language = SAY_FRENCH}, &out);
    assert_string_equal(reader_show(&out), french);
    buf_finish(&out);
    json_free(value);
}

static void test_the_language_of_the_terminal(void **state)
{
    static const struct {
        const char *all, *messages, *lang;
        enum say_language language;
    } cases[] = {
        {NULL, NULL, NULL, SAY_ENGLISH},      {NULL, NULL, "fr_FR.UTF-8", SAY_FRENCH},
        {NULL, "fr_BE", "en_US", SAY_FRENCH}, {"C", "fr_FR", "fr_FR", SAY_ENGLISH},
        {"", "", "fr", SAY_FRENCH},           {"fr_CA.UTF-8", "C", "C", SAY_FRENCH},
    };
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *const values[] = {cases[i].all, cases[i].messages, cases[i].lang};
        for (size_t n = 0; n < ARRAY_SIZE(names); n++)
            (void)(values[n] ? setenv(names[n], values[n], 1) : unsetenv(names[n]));
        assert_int_equal(reader_language(), cases[i].language);
    }
}

static void test_phrases(void **state)
{
    check_phrase("{\"event_type\":\"stage\",\"stage\":\"first_sign\",\"detail\":\"first_sign\"}",
                 "the server answers", "le serveur répond");
    check_phrase(
        "{\"event_type\":\"wake_requested\",\"stage\":null,\"detail\":\"visit of client1\"}",
        "wake requested: visit of client1", "réveil demandé\u00a0: visit of client1");
    check_phrase("{\"type\":\"asleep\",\"detail\":\"x\",\"detail_fact\":{\"code\":"
                 "\"sleep.proven\"}}",
                 "asleep: silence is proven", "en veille\u00a0: le silence est confirmé");
    check_phrase("{\"event_type\":\"x\\u001by\",\"detail\":\"\\u001b[2J\"}", "x?y: ?[2J",
                 "x?y\u00a0: ?[2J");
    check_phrase("{}", "event", "événement");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_read),
        cmocka_unit_test(test_arguments_refused),
        cmocka_unit_test(test_arguments_before_the_verb),
        cmocka_unit_test(test_help_needs_no_operands),
        cmocka_unit_test(test_help_names_every_option),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_grid_on_a_narrow_terminal),
        cmocka_unit_test(test_picture),
        cmocka_unit_test(test_picture_shows_no_control_characters),
        cmocka_unit_test(test_why_awake),
        cmocka_unit_test(test_why_without_vetoes_of_before),
        cmocka_unit_test(test_why_in_french),
        cmocka_unit_test(test_why_of_an_older_hall),
        cmocka_unit_test(test_why_refused_without_a_lease),
        cmocka_unit_test(test_why_without_an_end),
        cmocka_unit_test(test_why_asleep_and_guarded),
        cmocka_unit_test(test_why_waking),
        cmocka_unit_test(test_why_of_nonsense),
        cmocka_unit_test(test_why_short),
        cmocka_unit_test(test_json_value_is_written_again),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_the_language_of_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
