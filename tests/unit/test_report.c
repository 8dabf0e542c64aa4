#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "bus/report.h"

static struct fleet_event event;
static char reason[REASON_SIZE];

static const char *client1_containers[] = {"client1-web", "client1-db"};
static struct model_site sites[] = {
    {.id = "testing.example", .server = 0, .path = "/"},
    {.id = "client1",
     .server = 0,
     .is_project = true,
     .path = "/client1",
     .n_containers = 2,
     .containers = client1_containers},
    {.id = "client2", .server = 0, .is_project = true, .path = "/client2"},
    {.id = "erp.example",
     .server = 1,
     .path = "/",
     .n_containers = 2,
     .containers = client1_containers},
};
static const struct model model = {.n_sites = 4, .sites = sites};

static void check_reason(const char *text, const char *word)
{
    if (strstr(reason, word) == NULL)
        fail_msg("the reason for %s is: %s; it should have: %s", text, reason, word);
}

static void test_state_words(void **state)
{
    (void)state;
    assert_int_equal(report_read_state("online", 6, &event, reason), 0);
    assert_int_equal(event.kind, FLEET_AGENT);
    assert_int_equal(event.agent.word, AGENT_ONLINE);
    assert_int_equal(report_read_state("sleeping", 8, &event, reason), 0);
    assert_int_equal(event.agent.word, AGENT_SLEEPING);
    assert_int_equal(report_read_state("offline", 7, &event, reason), 0);
    assert_int_equal(event.agent.word, AGENT_OFFLINE);
    assert_int_equal(report_read_state("onlin", 5, &event, reason), -EINVAL);
    assert_int_equal(report_read_state("", 0, &event, reason), -EINVAL);
    assert_int_equal(report_read_state("\xff\x00z", 3, &event, reason), -EINVAL);
    check_reason("binary", "online, sleeping, offline");
    assert_int_equal(event.agent.word, AGENT_OFFLINE);
}

static int read_report(const char *text)
{
    return report_read_report(text, strlen(text), &event, reason);
}

static void test_whole_report(void **state)
{
    (void)state;
    assert_int_equal(
        read_report("{\"boot_id\":\"b-1\",\"resumes\":3,\"uptime_s\":86400.5,\"load\":0.25,"
                    "\"memory\":{},\"sessions\":[],\"inhibitors\":[],\"vetoes\":[],"
                    "\"wol\":{\"interface\":\"eno1\",\"armed\":true},"
                    "\"can\":{\"suspend\":true,\"reboot\":true},\"new\":1}"),
        0);
    assert_int_equal(event.kind, FLEET_REPORT);
    assert_true(event.report.heard);
    assert_string_equal(event.report.boot_id, "b-1");
    assert_int_equal(event.report.uptime_s, 86400);
    assert_true(event.report.load > 0.24 && event.report.load < 0.26);
    assert_true(event.report.wol_known);
    assert_true(event.report.wol_armed);
    assert_true(event.report.can_restart);
}

static void test_nothing_known(void **state)
{
    static const char *const texts[] = {
        "{}", "{\"boot_id\":null,\"uptime_s\":null,\"load\":null,\"wol\":null,\"can\":null}",
        "{\"wol\":{},\"can\":{}}", "{\"wol\":{\"armed\":null}}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(read_report(texts[i]), 0);
        assert_true(event.report.heard);
        assert_string_equal(event.report.boot_id, "");
        assert_int_equal(event.report.uptime_s, -1);
        assert_true(event.report.load < 0);
        assert_false(event.report.wol_known);
        assert_false(event.report.can_restart);
    }
}

static void test_broken_reports(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"", "JSON"},
        {"online", "JSON"},
        {"[]", "array"},
        {"{\"boot_id\":1}", "\"boot_id\" is number"},
        {"{\"boot_id\":\"0123456789012345678901234567890123456789\"}", "boot_id"},
        {"{\"boot_id\":\"a\\tb\"}", "boot_id"},
        {"{\"load\":\"high\"}", "\"load\" is string"},
        {"{\"load\":-1}", "\"load\" is out of range"},
        {"{\"uptime_s\":1e300}", "\"uptime_s\" is out of range"},
        {"{\"wol\":true}", "\"wol\""},
        {"{\"wol\":{\"armed\":\"yes\"}}", "\"armed\" is string"},
        {"{\"can\":[]}", "\"can\" is array"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_report(rows[i].text) != -EINVAL)
            fail_msg("%s was read", rows[i].text);
        check_reason(rows[i].text, rows[i].word);
    }
}

static int read_containers(int server, const char *text)
{
    return report_read_containers(&model, server, text, strlen(text), &event, reason);
}

static const struct container_sight *sight_of(int site)
{
    for (size_t i = 0; i < event.containers.n; i++)
        if (event.containers.sights[i].site == site)
            return &event.containers.sights[i];
    return NULL;
}

static void check_sight(int site, bool present, bool healthy)
{
    const struct container_sight *sight = sight_of(site);
    assert_non_null(sight);
    assert_int_equal(sight->present, present);
    assert_int_equal(sight->healthy, healthy);
}

#define WEB(state, health)                                                                         \
    "{\"name\":\"client1-web\",\"project\":\"x\",\"state\":\"" state "\",\"health\":" health "}"
#define DB(state, health)                                                                          \
    "{\"name\":\"client1-db\",\"project\":\"x\",\"state\":\"" state "\",\"health\":" health "}"

static void test_containers_by_name(void **state)
{
    static const struct {
        const char *text;
        bool present, healthy;
    } rows[] = {
        {"{\"docker\":true,\"containers\":[" WEB("running", "\"healthy\"") "," DB("running",
                                                                                  "\"none\"") "]}",
         true, true},
        {"{\"docker\":true,\"containers\":[" WEB("running", "null") "," DB("running", "null") "]}",
         true, true},
        {"{\"docker\":true,\"containers\":[" WEB("running", "null") "," DB("exited", "null") "]}",
         true, false},
        {"{\"docker\":true,\"containers\":[" WEB("running", "\"starting\"") "," DB("running",
                                                                                   "null") "]}",
         true, false},
        {"{\"docker\":true,\"containers\":[" WEB("running", "null") "]}", false, false},
        {"{\"docker\":true,\"containers\":[]}", false, false},
        {"{\"docker\":false,\"containers\":null}", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(read_containers(0, rows[i].text), 0);
        assert_int_equal(event.kind, FLEET_CONTAINERS);
        assert_int_equal(event.server, 0);
        check_sight(1, rows[i].present, rows[i].healthy);
        assert_null(sight_of(0));
        assert_null(sight_of(3));
    }
    assert_false(event.containers.docker_up);
}

static void test_containers_by_project(void **state)
{
    (void)state;
    assert_int_equal(
        read_containers(0, "{\"docker\":true,\"containers\":["
                           "{\"name\":\"a\",\"project\":\"client2\",\"state\":\"running\"},"
                           "{\"name\":\"b\",\"project\":\"client2\",\"state\":\"paused\"}]}"),
        0);
    check_sight(2, true, false);
    assert_true(event.containers.docker_up);
    assert_int_equal(
        read_containers(0, "{\"docker\":true,\"containers\":["
                           "{\"name\":\"a\",\"project\":\"client2\",\"state\":\"running\"}]}"),
        0);
    check_sight(2, true, true);
}

static void test_broken_containers(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"{}", "\"docker\" is missing"},
        {"{\"docker\":\"up\"}", "\"docker\" is string"},
        {"{\"docker\":true,\"containers\":{}}", "\"containers\" is object"},
        {"{\"docker\":true,\"containers\":[1]}", "a container is number"},
        {"{\"docker\":true,\"containers\":[{\"name\":1}]}", "\"name\" is number"},
        {"{\"docker\":true,\"containers\":[{\"state\":[]}]}", "\"state\" is array"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_containers(0, rows[i].text) != -EINVAL)
            fail_msg("%s was read", rows[i].text);
        check_reason(rows[i].text, rows[i].word);
    }
}

static int read_result(const char *text)
{
    return report_read_result(text, strlen(text), &event, reason);
}

static void test_results(void **state)
{
    (void)state;
    assert_int_equal(
        read_result("{\"id\":\"s-1\",\"outcome\":\"accepted\",\"reason\":null,\"vetoes\":[]}"), 0);
    assert_int_equal(event.kind, FLEET_SLEEP_ANSWER);
    assert_int_equal(event.sleep.answer, SLEEP_ACCEPTED);
    assert_string_equal(event.sleep.id, "s-1");
    assert_string_equal(event.sleep.reason, "");
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"done\"}"), 0);
    assert_int_equal(event.sleep.answer, SLEEP_ACCEPTED);
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"refused\",\"reason\":\"busy\","
                                 "\"vetoes\":[\"ssh of root\",\"rsync\"]}"),
                     0);
    assert_int_equal(event.sleep.answer, SLEEP_VETOED);
    assert_string_equal(event.sleep.reason, "ssh of root, rsync");
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"failed\",\"reason\":\"logind\"}"),
                     0);
    assert_int_equal(event.sleep.answer, SLEEP_FAILED);
    assert_string_equal(event.sleep.reason, "logind");
}

static void test_broken_results(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"{}", "\"id\""},
        {"{\"id\":\"\",\"outcome\":\"done\"}", "\"id\""},
        {"{\"id\":\"a\\nb\",\"outcome\":\"done\"}", "\"id\""},
        {"{\"id\":\"a\"}", "\"outcome\""},
        {"{\"id\":\"a\",\"outcome\":\"maybe\"}", "\"maybe\""},
        {"{\"id\":\"a\",\"outcome\":\"refused\",\"vetoes\":\"x\"}", "\"vetoes\" is string"},
        {"{\"id\":\"a\",\"outcome\":\"refused\",\"reason\":1}", "\"reason\" is number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_result(rows[i].text) != -EINVAL)
            fail_msg("%s was read", rows[i].text);
        check_reason(rows[i].text, rows[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_words),        cmocka_unit_test(test_whole_report),
        cmocka_unit_test(test_nothing_known),      cmocka_unit_test(test_broken_reports),
        cmocka_unit_test(test_containers_by_name), cmocka_unit_test(test_containers_by_project),
        cmocka_unit_test(test_broken_containers),  cmocka_unit_test(test_results),
        cmocka_unit_test(test_broken_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
