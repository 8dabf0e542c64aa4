#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "unit.h"
#include "words/agent_report.h"

static struct fleet_event event;
static char reason[REASON_SIZE];

static void check_reason(const char *text, const char *word)
{
    if (strstr(reason, word) == NULL)
        fail_msg("the reason for %s is: %s; it should have: %s", text, reason, word);
}

static void test_state_words(void **state)
{
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
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
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
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (read_report(rows[i].text) != -EINVAL)
            fail_msg("%s was read", rows[i].text);
        check_reason(rows[i].text, rows[i].word);
    }
}

static struct containers_told told;

static int read_containers(const char *text)
{
    return report_read_containers(text, strlen(text), &told, reason);
}

static void check_container(size_t i, const char *name, const char *project,
                            enum container_state wanted, enum container_health health)
{
    assert_string_equal(told.list[i].name, name);
    assert_string_equal(told.list[i].project, project);
    assert_int_equal(told.list[i].state, wanted);
    assert_int_equal(told.list[i].health, health);
}

static void test_containers(void **state)
{
    assert_int_equal(
        read_containers("{\"schema\":1,\"docker\":true,\"problem\":null,\"containers\":["
                        "{\"name\":\"web\",\"project\":\"client1\",\"state\":\"running\","
                        "\"health\":\"healthy\",\"busy\":true},"
                        "{\"name\":\"db\",\"state\":\"exited\",\"health\":null},"
                        "{\"name\":\"odd\",\"state\":\"flying\",\"health\":\"splendid\"},"
                        "{\"name\":\"none\",\"state\":\"running\",\"health\":\"none\"},"
                        "{\"state\":\"running\"},{\"project\":\"p\",\"state\":\"running\"}]}"),
        0);
    assert_true(told.docker_up);
    assert_int_equal(told.n, 5); /* one that names nothing is passed over */
    check_container(4, "", "p", CONTAINER_RUNNING, HEALTH_NONE);
    check_container(0, "web", "client1", CONTAINER_RUNNING, HEALTH_HEALTHY);
    assert_true(told.list[0].busy);
    check_container(1, "db", "", CONTAINER_EXITED, HEALTH_NONE);
    check_container(2, "odd", "", CONTAINER_UNKNOWN, HEALTH_UNHEALTHY);
    check_container(3, "none", "", CONTAINER_RUNNING, HEALTH_NONE);
    assert_false(told.list[3].busy);
    assert_int_equal(
        read_containers("{\"docker\":false,\"problem\":\"no permission\",\"containers\":[]}"), 0);
    assert_false(told.docker_up);
    assert_string_equal(fact_text(&told.problem, 0, 0), "no permission");
    assert_int_equal(told.n, 0);
}

static void test_too_many_containers(void **state)
{
    struct buf text = BUF_INIT(65536);
    buf_puts(&text, "{\"docker\":true,\"containers\":[");
    for (int i = 0; i < CONTAINERS_TOLD_MAX + 10; i++)
        buf_printf(&text, "%s{\"name\":\"c%d\",\"state\":\"running\"}", i > 0 ? "," : "", i);
    buf_puts(&text, "]}");
    assert_int_equal(read_containers(buf_text(&text)), 0);
    assert_int_equal(told.n, CONTAINERS_TOLD_MAX);
    buf_finish(&text);
}

static void test_foreign_schema(void **state)
{
    assert_int_equal(read_containers("{\"schema\":7,\"docker\":\"yes\",\"containers\":5}"), 0);
    assert_int_equal(told.schema, 7);
    assert_false(told.docker_up);
    assert_int_equal(told.n, 0);
    assert_int_equal(
        read_report("{\"schema\":2,\"boot_id\":5,\"vetoes\":[\"sessions: root\"],\"load\":1}"), 0);
    assert_int_equal(event.report.schema, 2);
    assert_int_equal(event.uses.n, 0);
    assert_true(event.uses.unknown);
    assert_true(event.report.load < 0);
    assert_int_equal(read_report("{\"schema\":1,\"load\":1}"), 0);
    assert_int_equal(event.report.schema, 1);
    assert_int_equal(read_report("{\"schema\":\"1\"}"), -EINVAL);
    check_reason("a schema of letters", "\"schema\" is string");
    assert_int_equal(read_report("{\"schema\":0}"), -EINVAL);
    assert_int_equal(read_containers("{\"schema\":99999,\"docker\":true}"), -EINVAL);
    check_reason("a huge schema", "out of range");
}

static void check_use(size_t i, const char *holder, const char *label)
{
    assert_true(i < event.uses.n);
    assert_string_equal(event.uses.list[i].holder, holder);
    assert_string_equal(fact_text(&event.uses.list[i].veto, 0, 0), label);
}

#define CONNECTION "{\"code\":\"veto.connection\",\"port\":80,\"from\":\"192.0.2.7\",\"bytes\":1}"

/* Of more checks than have a lease the first ones keep the server awake. */
static void test_most_uses(void **state)
{
    struct buf text = BUF_INIT(65536);

    buf_puts(&text, "{\"vetoes\":[\"a\"");
    for (int i = 1; i < 2 * AGENT_USES_MAX; i++)
        buf_puts(&text, ",\"a\"");
    buf_puts(&text, "],\"veto_facts\":[null");
    for (int i = 1; i < 2 * AGENT_USES_MAX; i++)
        buf_printf(&text, ",{\"code\":\"veto.unknown\",\"veto\":\"check %d\",\"cause\":null}", i);
    buf_puts(&text, "]}");
    assert_int_equal(read_report(buf_text(&text)), 0);
    buf_finish(&text);
    assert_int_equal(event.uses.n, AGENT_USES_MAX);
    assert_int_equal(event.report.n_cut, AGENT_USES_MAX);
    check_use(AGENT_USES_MAX - 1, "check 31", "check 31");
}

static void test_uses(void **state)
{
    assert_int_equal(
        read_report("{\"vetoes\":[\"a\",\"b\",\"c\",\"\",\"d\",\"e\",\"f\"],\"veto_facts\":["
                    "{\"code\":\"veto.remote_session\",\"user\":\"root\",\"from\":\"192.0.2.7\"},"
                    "{\"code\":\"veto.session\",\"user\":\"marie\",\"seat\":\"seat0\"},"
                    "{\"code\":\"veto.late\"},null,"
                    "{\"code\":\"veto.unknown\",\"veto\":\"load\",\"cause\":null},"
                    "{\"code\":\"veto.process\",\"name\":\"rsync\"},"
                    "{\"code\":\"veto.command\",\"command\":\"x\"}]}"),
        0);
    assert_int_equal(event.uses.n, 5);
    check_use(0, "sessions", "root");
    check_use(1, AGENT_WORDS, "");
    check_use(2, "load", "load");
    check_use(3, "processes", "rsync");
    check_use(4, "command", "x");
    assert_int_equal(read_report("{\"vetoes\":[\"c\"],\"veto_facts\":[" CONNECTION "],"
                                 "\"connections\":["
                                 "{\"quiet_s\":40},{\"quiet_s\":7},{},3,{\"quiet_s\":\"x\"}]}"),
                     0);
    check_use(0, AGENT_STREAM, "192.0.2.7");
    assert_int_equal(event.uses.list[0].quiet, 7000);
    assert_int_equal(read_report("{\"vetoes\":[\"c\"],\"veto_facts\":[" CONNECTION "]}"), 0);
    assert_int_equal(event.uses.list[0].quiet, 0);
    assert_false(event.uses.unknown);
    assert_int_equal(read_report("{\"vetoes\":[]}"), 0);
    assert_false(event.uses.unknown);
    assert_int_equal(read_report("{\"vetoes\":null}"), 0);
    assert_int_equal(event.uses.n, 0);
    assert_true(event.uses.unknown);
    assert_int_equal(read_report("{}"), 0);
    assert_true(event.uses.unknown);
    assert_int_equal(read_report("{\"vetoes\":\"all\"}"), -EINVAL);
    check_reason("vetoes as text", "\"vetoes\" is string");
    assert_int_equal(read_report("{\"vetoes\":[\"a\",7]}"), -EINVAL);
    check_reason("a number among vetoes", "\"vetoes\" has number");
}

/* Words are not taken apart: those of one check would be those of another in the next version. */
static void test_uses_in_words(void **state)
{
    assert_int_equal(read_report("{\"vetoes\":[\"\",\"sessions: root\\u001b\",\"load: 3\","
                                 "\"connections: port 80\"],\"connections\":[{\"quiet_s\":7}]}"),
                     0);
    assert_int_equal(event.uses.n, 1);
    check_use(0, AGENT_WORDS, "sessions: root?");
    assert_int_equal(event.uses.list[0].quiet, 0);
    assert_int_equal(read_report("{\"vetoes\":[\"a: 1\",\"b: 2\"],\"veto_facts\":"
                                 "[{\"code\":\"veto.nova\"},{\"code\":\"lease.visit\"}]}"),
                     0);
    assert_int_equal(event.uses.n, 1);
    check_use(0, AGENT_WORDS, "a: 1");
}

static void test_wol(void **state)
{
    assert_int_equal(read_report("{\"wol\":{\"interface\":\"eno1\",\"armed\":false}}"), 0);
    assert_true(event.report.wol_known && !event.report.wol_armed);
    assert_string_equal(event.report.wol_interface, "eno1");
    assert_int_equal(read_report("{\"wol\":{\"interface\":null,\"armed\":null}}"), 0);
    assert_false(event.report.wol_known);
    assert_string_equal(event.report.wol_interface, "");
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
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (read_containers(rows[i].text) != -EINVAL)
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
    assert_int_equal(
        read_result("{\"id\":\"s-1\",\"outcome\":\"accepted\",\"reason\":null,\"vetoes\":[]}"), 0);
    assert_int_equal(event.kind, FLEET_SLEEP_ANSWER);
    assert_int_equal(event.sleep.answer, SLEEP_ACCEPTED);
    assert_string_equal(event.sleep.id, "s-1");
    assert_true(fact_is(&event.sleep.reason, FACT_NONE));
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"done\"}"), 0);
    assert_int_equal(event.sleep.answer, SLEEP_DONE);
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"refused\",\"reason\":\"busy\","
                                 "\"vetoes\":[\"ssh of root\",\"rsync\"]}"),
                     0);
    assert_int_equal(event.sleep.answer, SLEEP_VETOED);
    assert_string_equal(fact_text(&event.sleep.reason, 0, 0), "ssh of root, rsync");
    assert_int_equal(read_result("{\"id\":\"s-1\",\"outcome\":\"failed\",\"reason\":\"logind\"}"),
                     0);
    assert_int_equal(event.sleep.answer, SLEEP_FAILED);
    assert_string_equal(fact_text(&event.sleep.reason, 0, 0), "logind");
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
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (read_result(rows[i].text) != -EINVAL)
            fail_msg("%s was read", rows[i].text);
        check_reason(rows[i].text, rows[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_words),
        cmocka_unit_test(test_whole_report),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_broken_reports),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_too_many_containers),
        cmocka_unit_test(test_foreign_schema),
        cmocka_unit_test(test_most_uses),
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_uses_in_words),
        cmocka_unit_test(test_wol),
        cmocka_unit_test(test_broken_containers),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_broken_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
