/* Every payload against a file in tests/golden; HALL_GOLDEN=write makes the files anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    int error = payload_server_status(fleet, &model, 0, NULL, at, &text);
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
    assert_int_equal(payload_server_status(*state, &model, 0, NULL, later(2000), &text), 0);
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

static void test_config(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = payload_server_config(*state, &model, 0, &text);
    check_golden("config", error, &text);
}

static void test_project(void **state)
{
    struct buf text = BUF_INIT(PAYLOAD_LIMIT);
    int error = payload_project_status(*state, &model, 1, now, &text);
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
    check_golden(
        "info",
        payload_info(&(struct hall_info){.version = "0.1.0", .started = now.wall, .broker = "5"},
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
    check_golden("event_stage", payload_event(&model, &stage, now, &text), &text);
    text = BUF_INIT(PAYLOAD_LIMIT);
    check_golden("event_refused", payload_event(&model, &refused, now, &text), &text);
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
    check_golden("agent_command",
                 payload_agent_command("s-1", "suspend", false, now.wall + 30000, 1200000, &text),
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
    assert_true(payload_server_status(*state, &model, 0, NULL, now, &text) < 0);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_status_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_of_a_wake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_config, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_project_states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_is_told, set_up, tear_down),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_agent_command),
        cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
