/* Every payload against a file in tests/golden; HALL_GOLDEN=write makes the files anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "unit.h"
#include "words/payload.h"

/* 2026-11-22T09:28:29Z */
static const struct now now = {.boot = 1000000, .wall = INT64_C(1795339709000)};

static struct model_check checks[] = {
    {.kind = CHECK_AGENT, .required = true, .site = MODEL_NONE},
    {.kind = CHECK_HTTP, .required = false, .site = 1, .url = "http://192.168.1.20:8081/"},
};
static struct model_server servers[] = {
    {.id = "testing",
     .name = "Testing \"A\"",
     .mac = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 1},
     .wake = {.port = 9, .timeout = 180000},
     .sleep = {.timeout = 60000},
     .n_checks = 2,
     .checks = checks,
     .n_depends_on = 1,
     .depends_on = {1}},
    {.id = "erp",
     .name = "ERP",
     .mac = {2, 0, 0, 0, 0, 2},
     .wake = {.port = 9, .timeout = 180000},
     .sleep = {.via = SLEEP_VIA_NONE, .timeout = 60000}},
};
static const char *containers[] = {"client1-web", "client1-db"};
static struct model_site sites[] = {
    {.id = "testing.example", .name = "testing.example", .path = "/", .check = MODEL_NONE},
    {.id = "client1",
     .name = "client1",
     .is_project = true,
     .path = "/client1",
     .check = 1,
     .n_containers = 2,
     .containers = containers},
};
static struct model_domain domains[] = {
    {.name = "testing.example",
     .n_projects = 1,
     .projects = {1},
     .policy = {.mode = POLICY_ON_DEMAND, .idle = 1200000, .timezone = "UTC"}},
};
static const struct model model = {
    .n_servers = 2,
    .servers = servers,
    .n_domains = 1,
    .domains = domains,
    .n_sites = 2,
    .sites = sites,
};

static void ignore(void *context, const struct action *action)
{
    (void)context;
    (void)action;
}

static const struct fleet_sink sink = {.act = ignore};

static int set_up(void **state)
{
    struct fleet *fleet = NULL;
    if (fleet_create(&model, &sink, now, &fleet) < 0)
        return -1;
    fleet_start(fleet, now);
    *state = fleet;
    return 0;
}

static int tear_down(void **state)
{
    fleet_destroy(*state);
    return 0;
}

static size_t read_golden(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(out, 1, size - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    out[length] = '\0';
    return length;
}

static void write_golden(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", text);
    fclose(file);
}

static void check_golden(const char *name, int error, struct buf *text)
{
    char path[512], golden[16384];
    struct json *root = NULL;
    struct json_error problem;
    assert_int_equal(error, 0);
    assert_int_equal(json_read(buf_text(text), text->length, &json_limits_payload, &root, &problem),
                     0);
    json_free(root);
    snprintf(path, sizeof path, "%s/golden/%s.json", TEST_DIR, name);
    if (getenv("HALL_GOLDEN") != NULL)
        write_golden(path, buf_text(text));
    size_t length = read_golden(path, golden, sizeof golden);
    if (length > 0 && golden[length - 1] == '\n')
        golden[length - 1] = '\0';
    assert_string_equal(buf_text(text), golden);
    buf_finish(text);
}

static struct now later(int64_t ms)
{
    return (struct now){.boot = now.boot + ms, .wall = now.wall + ms};
}

static void check_status(const char *name, struct fleet *fleet, struct now at)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = payload_server_status(fleet, &model, 0, NULL, SAY_ENGLISH, at, &text);
    check_golden(name, error, &text);
}

static void feed_agent(struct fleet *fleet, struct now at, enum agent_word word)
{
    fleet_handle(fleet, at,
                 &(struct fleet_event){.kind = FLEET_AGENT, .server = 0, .agent = {.word = word}});
}

static void visit(struct fleet *fleet, struct now at)
{
    fleet_handle(
        fleet, at,
        &(struct fleet_event){.kind = FLEET_VISIT, .visit = {.site = 1, .who = "192.0.2.7"}});
}

static void test_status_unknown(void **state)
{
    check_status("status_unknown", *state, now);
    assert_string_equal(payload_server_power(*state, 0), "OFF");
    assert_string_equal(payload_project_state(*state, &model, 1), "unknown");
}

/* The id of a wake is the fleet's own: only what must hold in any case is looked at. */
static void test_status_of_a_wake(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    struct json *root = NULL;
    struct json_error problem;
    feed_agent(*state, now, AGENT_SLEEPING);
    visit(*state, later(1000));
    assert_int_equal(fleet_power(*state, 0)->wake.open, true);
    assert_int_equal(
        payload_server_status(*state, &model, 0, NULL, SAY_ENGLISH, later(2000), &text), 0);
    assert_int_equal(json_read(buf_text(&text), text.length, &json_limits_payload, &root, &problem),
                     0);
    const struct json *wake = json_get(root, "wake");
    assert_string_equal(json_get_string(root, "target"), "ON");
    assert_int_equal(json_count(wake), 7);
    assert_int_equal(json_count(json_get(wake, "stages")), STAGES);
    assert_int_equal(json_type(json_get(json_get(wake, "stages"), "site_answers")), JSON_NULL);
    assert_non_null(json_get_string(wake, "deadline"));
    assert_string_equal(json_get_string(json_get(root, "next_event"), "what"), "wake_deadline");
    assert_int_equal(json_count(json_get(root, "leases")), 1);
    assert_string_equal(payload_server_power(*state, 0), "ON");
    assert_string_equal(payload_project_state(*state, &model, 1), "starting");
    json_free(root);
    buf_finish(&text);
}

static void test_status_ready(void **state)
{
    struct fleet_event report = {
        .kind = FLEET_REPORT,
        .report = {.heard = true, .load = 0.5, .uptime_s = 42, .wol_known = true}};
    feed_agent(*state, now, AGENT_ONLINE);
    fleet_handle(*state, later(500), &report);
    check_status("status_ready", *state, later(1000));
}

/* Load and uptime are those of now, or null: not those of before it slept. */
static void test_figures_of_now(void **state)
{
    static const struct {
        enum agent_word word;
        bool known;
    } rows[] = {{AGENT_ONLINE, true}, {AGENT_OFFLINE, false}, {AGENT_SLEEPING, false}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fleet_event report = {.kind = FLEET_REPORT, .report = {.load = 0.5, .uptime_s = 42}};
        struct buf text = BUF_INIT(PAYLOAD_LIMIT);

        feed_agent(*state, now, AGENT_ONLINE);
        fleet_handle(*state, now, &report);
        feed_agent(*state, now, rows[i].word);
        assert_int_equal(payload_server_status(*state, &model, 0, NULL, SAY_ENGLISH, now, &text),
                         0);
        assert_int_equal(strstr(buf_text(&text), "\"load\":0.5,\"uptime_s\":42") != NULL,
                         rows[i].known);
        assert_int_equal(strstr(buf_text(&text), "\"load\":null,\"uptime_s\":null") != NULL,
                         !rows[i].known);
        buf_finish(&text);
    }
}

/* ---- the reader's language ---- */

static bool is_localized(const char *key)
{
    const char *end = key ? strstr(key, "_localized") : NULL;

    return end && strcmp(end, "_localized") == 0;
}

/* As deep as the documents are. */
// NOLINTNEXTLINE(misc-no-recursion)
static void put_english(struct json_writer *json, const struct json *value)
{
    const enum json_type type = json_type(value);

    if (is_localized(json_key(value)))
        return;
    if (type != JSON_ARRAY && type != JSON_OBJECT) {
        json_put_value(json, json_key(value), value);
        return;
    }
    (type == JSON_ARRAY ? json_begin_array : json_begin_object)(json, json_key(value));
    for (const struct json *at = json_first(value); at; at = json_next(at))
        put_english(json, at);
    (type == JSON_ARRAY ? json_end_array : json_end_object)(json);
}

/* Each sentence has its fact beside it, and where there is one, it is said in both languages. */
// NOLINTNEXTLINE(misc-no-recursion)
static size_t count_localized(const struct json *value)
{
    size_t n = 0;

    for (const struct json *at = json_first(value); at; at = json_next(at)) {
        const char *key = json_key(at), *end = key ? strstr(key, "_fact") : NULL;
        char name[64];

        n += count_localized(at);
        if (!end || strcmp(end, "_fact") != 0)
            continue;
        snprintf(name, sizeof(name), "%.*s_localized", (int)(end - key), key);
        const struct json *said = json_get(value, name);
        assert_non_null(said);
        assert_int_equal(json_type(said) == JSON_NULL, json_type(at) == JSON_NULL);
        n += json_type(said) != JSON_NULL;
    }
    return n;
}

/* The one in French is golden, has so many sentences in it, and is the English one but for them. */
static void check_french(const char *name, size_t sentences, struct buf *french,
                         struct buf *english)
{
    struct buf rest = BUF_INIT(PAYLOAD_LIMIT);
    struct json_error problem;
    struct json_writer writer;
    struct json *root = NULL;

    assert_null(strstr(buf_text(english), "_localized"));
    assert_int_equal(
        json_read(buf_text(french), french->length, &json_limits_payload, &root, &problem), 0);
    assert_int_equal(count_localized(root), sentences);
    json_writer_init(&writer, &rest);
    put_english(&writer, root);
    assert_string_equal(buf_text(&rest), buf_text(english));
    check_golden(name, 0, french);
    json_free(root);
    buf_finish(&rest);
    buf_finish(english);
}

static void test_status_in_french(void **state)
{
    struct buf french = BUF_INIT(PAYLOAD_LIMIT), english = BUF_INIT(PAYLOAD_LIMIT);
    const struct now at = later(240000);
    feed_agent(*state, now, AGENT_ONLINE);
    fleet_handle(*state, later(500),
                 &(struct fleet_event){.kind = FLEET_COMMAND,
                                       .command = {.action = COMMAND_HOLD,
                                                   .site = MODEL_NONE,
                                                   .name = "backup",
                                                   .reason = "nightly",
                                                   .lasts = 600000}});
    visit(*state, later(1000));
    assert_int_equal(payload_server_status(*state, &model, 0, NULL, SAY_ENGLISH, at, &english), 0);
    assert_int_equal(payload_server_status(*state, &model, 0, NULL, SAY_FRENCH, at, &french), 0);
    check_french("status_fr", 8, &french, &english);
}

static void test_project_in_french(void **state)
{
    struct buf french = BUF_INIT(PAYLOAD_LIMIT), english = BUF_INIT(PAYLOAD_LIMIT);
    feed_agent(*state, now, AGENT_ONLINE);
    assert_int_equal(payload_project_status(*state, &model, 1, SAY_ENGLISH, now, &english), 0);
    assert_int_equal(payload_project_status(*state, &model, 1, SAY_FRENCH, now, &french), 0);
    check_french("project_fr", 1, &french, &english);
}

static void test_event_in_french(void **state)
{
    struct buf french = BUF_INIT(PAYLOAD_LIMIT), english = BUF_INIT(PAYLOAD_LIMIT);
    const struct action refused = {
        .kind = ACTION_EVENT,
        .server = 1,
        .event = {.what = HAPPENED_COMMAND_REFUSED, .detail = &FACT(ANSWER_RETAINED)}};
    assert_int_equal(payload_event(&model, &refused, SAY_ENGLISH, now, &english), 0);
    assert_int_equal(payload_event(&model, &refused, SAY_FRENCH, now, &french), 0);
    check_french("event_fr", 1, &french, &english);
}

static void test_config(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = payload_server_config(*state, &model, 0, &text);
    check_golden("config", error, &text);
}

static void test_project(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = payload_project_status(*state, &model, 1, SAY_ENGLISH, now, &text);
    check_golden("project", error, &text);
}

static void test_project_states(void **state)
{
    static struct containers_told told = {
        .docker_up = true, .list = {{.name = "client1-web"}, {.name = "client1-db"}}};
    struct fleet_event seen = {.kind = FLEET_CONTAINERS, .containers = &told};
    feed_agent(*state, now, AGENT_SLEEPING);
    assert_string_equal(payload_project_state(*state, &model, 1), "stopped");
    feed_agent(*state, later(1000), AGENT_ONLINE);
    fleet_handle(*state, later(1100), &seen);
    assert_string_equal(payload_project_state(*state, &model, 1), "missing");
    told.n = 2;
    told.list[0].state = CONTAINER_RUNNING;
    told.list[1].state = CONTAINER_EXITED;
    fleet_handle(*state, later(1200), &seen);
    assert_string_equal(payload_project_state(*state, &model, 1), "stopped");
    told.list[1].state = CONTAINER_RUNNING;
    told.list[1].health = HEALTH_UNHEALTHY;
    fleet_handle(*state, later(1250), &seen);
    assert_string_equal(payload_project_state(*state, &model, 1), "unhealthy");
    told.list[1].health = HEALTH_HEALTHY;
    fleet_handle(*state, later(1300), &seen);
    assert_string_equal(payload_project_state(*state, &model, 1), "unhealthy");
    fleet_handle(
        *state, later(1400),
        &(struct fleet_event){.kind = FLEET_PROBE,
                              .probe = {.check = 1, .outcome = PROBE_PASS, .detail = 200}});
    assert_string_equal(payload_project_state(*state, &model, 1), "ready");
}

static void test_info(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("info",
                 payload_info(&(struct hall_info){.version = "0.1.0",
                                                  .started = now.wall,
                                                  .config_problem = &(struct told){.parts = {{0}}},
                                                  .store_salvaged = &(struct told){.parts = {{0}}},
                                                  .clock_trusted = true,
                                                  .clock_problem = &(struct told){.parts = {{0}}},
                                                  .dropped = 2,
                                                  .broker = "5"},
                              &model, &text),
                 &text);
}

static void test_events(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    struct action stage = {.kind = ACTION_EVENT,
                           .event = {.what = HAPPENED_STAGE,
                                     .detail = &FACT(WAKE_STAGE, .word = STAGE_FIRST_SIGN),
                                     .stage = STAGE_FIRST_SIGN,
                                     .ms = 2345}};
    struct action refused = {.kind = ACTION_EVENT,
                             .server = 1,
                             .event = {.what = HAPPENED_COMMAND_REFUSED, .detail = &FACT(NONE)}};
    const struct told told = say_words(FACT_ACCESS_REFUSED_PATH, "192.0.2.7", "/x");
    check_golden("event_stage", payload_event(&model, &stage, SAY_ENGLISH, now, &text), &text);
    text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("event_refused", payload_event(&model, &refused, SAY_ENGLISH, now, &text), &text);
    text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("hall_event", payload_hall_event("access_refused", &told, now, &text), &text);
}

static void test_results(void **state)
{
    struct ledger_entry entry = {.used = true,
                                 .action = COMMAND_WAKE,
                                 .outcome = OUTCOME_DONE,
                                 .seconds_ms = 41250,
                                 .id = "x-1",
                                 .by = "operator"};
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("result_done", payload_result(&entry, &model, now, &text), &text);
    entry = (struct ledger_entry){
        .action = COMMAND_KEEP_AWAKE, .outcome = OUTCOME_REFUSED, .reason = FACT(ANSWER_RETAINED)};
    text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("result_refused", payload_result(&entry, &model, now, &text), &text);
}

static void test_agent_command(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden(
        "agent_command",
        payload_agent_command("s-1", "suspend", false, true, now.wall + 30000, 1200000, &text),
        &text);
}

static void test_hold(void **state)
{
    const struct command command = {.by = "cron", .reason = "backup"};
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("hold", payload_hold(&command, now.wall + 7200000, &text), &text);
}

static void test_too_long_is_told(void **state)
{
    struct buf text = BUF_INIT(40);
    assert_true(payload_server_status(*state, &model, 0, NULL, SAY_ENGLISH, now, &text) < 0);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_status_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_of_a_wake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_figures_of_now, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_in_french, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project_in_french, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_config, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project_states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_is_told, set_up, tear_down),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_event_in_french),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_agent_command),
        cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
