/* What an agent publishes: byte by byte, and readable by Hall. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/version.h"
#include "bridges/agent/agent_words.h"
#include "words/agent_report.h"

static struct watch_sight sight;
static struct vetoes vetoes;

/* The version changes with each release, so it is not in the golden files. */
static void cut_version(char *text)
{
    static const char version[] = "\"version\":\"" HALL_VERSION "\",";
    char *at = strstr(text, version);
    if (at != NULL)
        memmove(at, at + sizeof version - 1, strlen(at + sizeof version - 1) + 1);
}

static void check_golden(const char *name, const struct buf *text)
{
    char path[512], expected[8192], seen[8192];
    snprintf(seen, sizeof seen, "%s", buf_text(text));
    cut_version(seen);
    snprintf(path, sizeof path, "%s/golden/%s", TEST_DIR, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s is missing; it should hold:\n%s", path, seen);
    expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
    fclose(file);
    expected[strcspn(expected, "\n")] = '\0';
    assert_string_equal(seen, expected);
}

static void fill(void)
{
    sight = (struct watch_sight){
        .boot_id = "2f3c5f0e-0d33-4a5e-9a5e-2f8cbbf1a3d1",
        .uptime_s = 3600,
        .memory = {7859, 6000},
        .interface = "eno1",
        .n_cards = 1,
        .cards = {"eno1"},
        .wol = {.known = true, .armed = true, .letters = "ug"},
        .n_macs = 2,
        .macs = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}},
        .can = {.can = {true, false, true, true}},
    };
    sight.sample.load.value = 0.25;
    sight.sample.sessions.n = 1;
    sight.sample.sessions.list[0] = (struct logind_session){.user = "root",
                                                            .host = "192.0.2.7",
                                                            .class = "user",
                                                            .state = "active",
                                                            .remote = true,
                                                            .idle = true};
    sight.sample.inhibitors.n = 1;
    sight.sample.inhibitors.list[0] = (struct logind_inhibitor){
        .who = "dnf", .why = "installs \"x\"", .what = "sleep", .mode = "block"};
    sight.sample.connections.n = 2;
    sight.sample.connections.list[0] = (struct sample_connection){
        .port = 8080, .peer = "192.0.2.7", .bytes = 12345678, .quiet_ms = 2999};
    sight.sample.connections.list[1] =
        (struct sample_connection){.port = 80, .peer = "192.0.2.8", .bytes = -1, .quiet_ms = 40000};
    sight.sample.connections.n_silent = 1;
    sight.sample.connections.silent[0] = (struct sample_silence){
        .port = 8080, .peer = "192.0.2.9", .quiet_ms = 130999, .owed = true};
    vetoes = (struct vetoes){.n = 2};
    vetoes.list[0] = fact_with(FACT(VETO_REMOTE_SESSION), "root", "192.0.2.7");
    vetoes.list[1] = fact_with(FACT(VETO_CONNECTION, .n = {8080, 12345678}), "192.0.2.7", NULL);
}

static void test_report(void **state)
{
    struct buf text = BUF_INIT(REPORT_LIMIT);
    struct fleet_event event;
    char reason[REASON_SIZE];
    (void)state;
    fill();
    assert_int_equal(report_write(&sight, &vetoes, RIGHT_SUSPEND | RIGHT_REBOOT, 3, &text), 0);
    check_golden("agent_report.json", &text);
    assert_int_equal(report_read_report(buf_text(&text), text.length, &event, reason), 0);
    assert_string_equal(event.report.boot_id, sight.boot_id);
    assert_int_equal(event.report.uptime_s, 3600);
    assert_int_equal(event.uses.n, 2);
    assert_string_equal(event.uses.list[1].holder, AGENT_STREAM);
    assert_int_equal(event.uses.list[1].quiet, 2000);
    assert_int_equal(event.uses.n_ports, 2);
    assert_int_equal(event.uses.ports[1], 80);
    assert_int_equal(event.uses.n_silent, 1);
    assert_int_equal(event.uses.silent[0].port, 8080);
    assert_int_equal(event.uses.silent[0].quiet, 130000);
    assert_true(event.uses.silent[0].owed);
    assert_string_equal(event.uses.silent[0].from, "192.0.2.9");
    assert_true(event.report.wol_known && event.report.wol_armed && event.report.can_restart);
    assert_int_equal(event.report.n_macs, 2);
    assert_memory_equal(event.report.macs, sight.macs, 2 * MAC_SIZE);
    buf_finish(&text);
}

static void test_report_of_one_that_knows_nothing(void **state)
{
    struct buf text = BUF_INIT(REPORT_LIMIT);
    struct fleet_event event;
    char reason[REASON_SIZE];
    (void)state;
    sight = (struct watch_sight){.uptime_s = -1,
                                 .sample.load.value = -1,
                                 .memory = {-1, -1},
                                 .wol = {.problem = "no route"},
                                 .can = {.problem = FACT(LOGIND_ABSENT)}};
    vetoes.n = 0;
    assert_int_equal(report_write(&sight, &vetoes, 0, 0, &text), 0);
    check_golden("agent_report_unknown.json", &text);
    assert_int_equal(report_read_report(buf_text(&text), text.length, &event, reason), 0);
    assert_false(event.report.wol_known || event.report.can_restart);
    buf_finish(&text);
}

/* All lists full, every text as long as it can be and to be escaped. */
static void test_largest_report_is_within_its_limit(void **state)
{
    struct buf text = BUF_INIT(REPORT_LIMIT);
    (void)state;
    fill();
    sight.sample.sessions.n = LOGIND_SESSIONS_MAX;
    sight.sample.inhibitors.n = LOGIND_INHIBITORS_MAX;
    vetoes.n = VETOES_MAX;
    for (size_t i = 0; i < LOGIND_SESSIONS_MAX; i++) {
        struct logind_session *session = &sight.sample.sessions.list[i];
        memset(session->user, '"', sizeof session->user - 1);
        memset(session->host, '"', sizeof session->host - 1);
        memset(session->seat, '"', sizeof session->seat - 1);
    }
    for (size_t i = 0; i < LOGIND_INHIBITORS_MAX; i++) {
        struct logind_inhibitor *inhibitor = &sight.sample.inhibitors.list[i];
        memset(inhibitor->who, '"', sizeof inhibitor->who - 1);
        memset(inhibitor->why, '"', sizeof inhibitor->why - 1);
        memset(inhibitor->what, '"', sizeof inhibitor->what - 1);
    }
    sight.sample.connections.n = SAMPLE_SEEN_MAX;
    for (size_t i = 0; i < SAMPLE_SEEN_MAX; i++) {
        struct sample_connection *connection = &sight.sample.connections.list[i];
        *connection = (struct sample_connection){
            .port = UINT16_MAX, .bytes = INT64_MAX, .quiet_ms = INT64_MAX};
        memset(connection->peer, 'f', sizeof connection->peer - 1);
    }
    sight.sample.connections.n_silent = SAMPLE_SILENT_MAX;
    for (size_t i = 0; i < SAMPLE_SILENT_MAX; i++) {
        struct sample_silence *silence = &sight.sample.connections.silent[i];
        *silence = (struct sample_silence){.port = UINT16_MAX, .quiet_ms = INT64_MAX};
        memset(silence->peer, 'f', sizeof silence->peer - 1);
    }
    for (size_t i = 0; i < VETOES_MAX; i++)
        vetoes.list[i] = fact_with(FACT(VETO_INHIBITOR), sight.sample.inhibitors.list[0].who,
                                   sight.sample.inhibitors.list[0].why);
    assert_int_equal(report_write(&sight, &vetoes, 63, UINT32_MAX, &text), 0);
    buf_finish(&text);
}

static struct docker_view *largest_view(void)
{
    struct docker_view *view = calloc(1, sizeof *view);
    assert_non_null(view);
    view->up = true;
    view->n = DOCKER_CONTAINERS_MAX;
    for (size_t i = 0; i < view->n; i++) {
        struct docker_container *container = &view->containers[i];
        memset(container->name, 'n', sizeof container->name - 1);
        memset(container->project, 'p', sizeof container->project - 1);
        memset(container->state, 's', sizeof container->state - 1);
        memset(container->health, 'h', sizeof container->health - 1);
    }
    return view;
}

static void test_containers(void **state)
{
    struct buf text = BUF_INIT(REPORT_LIMIT);
    struct docker_view *view = largest_view();
    (void)state;
    assert_int_equal(report_write_containers(view, &text), 0);
    buf_clear(&text);
    view->n = 2;
    view->containers[0] = (struct docker_container){
        .name = "web", .project = "client1", .state = "running", .health = "healthy"};
    view->containers[1] = (struct docker_container){.name = "db", .state = "exited", .busy = true};
    assert_int_equal(report_write_containers(view, &text), 0);
    check_golden("agent_containers.json", &text);
    buf_finish(&text);
    free(view);
}

static void test_results(void **state)
{
    static const struct {
        enum report_outcome outcome;
        enum sleep_answer answer;
    } rows[] = {{REPORT_ACCEPTED, SLEEP_ACCEPTED},
                {REPORT_REFUSED, SLEEP_VETOED},
                {REPORT_FAILED, SLEEP_FAILED}};
    const struct agent_command_name name = {.id = "s-1", .action = "suspend"};
    const struct fact because = FACT(AGENT_BUSY);
    struct buf text = BUF_INIT(REPORT_LIMIT);
    struct fleet_event event;
    char reason[REASON_SIZE];
    (void)state;
    fill();
    vetoes.n = 1;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        buf_clear(&text);
        assert_int_equal(report_write_result(&name, rows[i].outcome, &because, &vetoes, 0, &text),
                         0);
        assert_int_equal(report_read_result(buf_text(&text), text.length, &event, reason), 0);
        assert_int_equal(event.sleep.answer, rows[i].answer);
        assert_string_equal(event.sleep.id, "s-1");
        assert_true(fact_is(&event.sleep.reason, FACT_VETO_REMOTE_SESSION));
        assert_string_equal(fact_text(&event.sleep.reason, 0, 1), "192.0.2.7");
    }
    buf_clear(&text);
    assert_int_equal(report_write_result(&(struct agent_command_name){0}, REPORT_REFUSED,
                                         &FACT(AGENT_REPEATED), NULL, 0, &text),
                     0);
    assert_string_equal(
        buf_text(&text),
        "{\"id\":null,\"action\":null,\"outcome\":\"refused\",\"reason\":\"a command with this id "
        "was handled before\",\"reason_fact\":{\"code\":\"agent.repeated\"},\"vetoes\":[],"
        "\"veto_facts\":[],\"limit_s\":null}");
    buf_finish(&text);
}

/* How long it may take to go; Hall believes an hour. */
static void test_limits(void **state)
{
    static const struct {
        const char *said;
        int64_t ms; /* negative: the result is refused */
    } rows[] = {{"0", 0},          {"1", 1000},       {"122", 122000},
                {"3600", 3600000}, {"3601", 3600000}, {"9007199254740991", 3600000},
                {"null", 0},       {"-1", -1},        {"1.5", -1},
                {"\"90\"", -1},    {"[]", -1}};
    const struct agent_command_name name = {.id = "s-1", .action = "poweroff"};
    struct buf text = BUF_INIT(REPORT_LIMIT);
    struct fleet_event event;
    char reason[REASON_SIZE], said[200];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        snprintf(said, sizeof(said), "{\"id\":\"s\",\"outcome\":\"accepted\",\"limit_s\":%s}",
                 rows[i].said);
        const int error = report_read_result(said, strlen(said), &event, reason);
        assert_int_equal(error, rows[i].ms < 0 ? -EINVAL : 0);
        if (error < 0)
            assert_non_null(strstr(reason, "limit_s"));
        else
            assert_int_equal(event.sleep.limit, rows[i].ms);
    }
    assert_int_equal(report_write_result(&name, REPORT_ACCEPTED, NULL, NULL, 122000, &text), 0);
    assert_int_equal(report_read_result(buf_text(&text), text.length, &event, reason), 0);
    assert_int_equal(event.sleep.limit, 122000);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_of_one_that_knows_nothing),
        cmocka_unit_test(test_largest_report_is_within_its_limit),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
