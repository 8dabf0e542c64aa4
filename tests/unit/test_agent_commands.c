/* What Hall may ask of an agent, and all that must be refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "bridges/agent/agent_commands.h"
#include "say/say.h"
#include "unit.h"
#include "words/payload.h"

#define LATER "\"expires\":\"2026-11-22T09:29:00Z\""

static const unsigned all =
    RIGHT_SUSPEND | RIGHT_HIBERNATE | RIGHT_POWEROFF | RIGHT_REBOOT | RIGHT_CONTAINERS;

static struct agent_commands commands;
static struct agent_command command;
static struct agent_command_name name;
static struct fact why;
static char reason[1024]; /* the sentence for it */
static int64_t now;

static int empty(void **state)
{
    commands = (struct agent_commands){0};
    command = (struct agent_command){0};
    reason[0] = '\0';
    return rfc3339_parse("2026-11-22T09:28:29Z", &now);
}

static int read_with(const char *text, bool retained, unsigned rights)
{
    const int error = agent_commands_read(&commands, text, strlen(text), retained, now, rights,
                                          &command, &name, &why);
    if (error < 0)
        say_fact_text(&why, NULL, (struct say_how){0}, reason, sizeof reason);
    return error;
}

static int read_command(const char *text)
{
    return read_with(text, false, all);
}

static void test_every_verb(void **state)
{
    static const char *const names[AGENT_VERBS] = {"suspend", "hibernate", "poweroff", "reboot",
                                                   "start",   "stop",      "restart"};
    char text[256];
    for (unsigned verb = 0; verb < AGENT_VERBS; verb++) {
        snprintf(text, sizeof text,
                 "{\"id\":\"a%u\",\"action\":\"%s\",\"project\":\"client1\"," LATER "}", verb,
                 names[verb]);
        assert_int_equal(read_command(text), 0);
        assert_int_equal(command.verb, verb);
        assert_string_equal(agent_verb_name(command.verb), names[verb]);
        assert_int_equal(agent_verb_is_power(command.verb), verb <= VERB_REBOOT);
        assert_false(command.force);
    }
}

/* What Hall writes is what the agent reads. */
static void test_reads_what_hall_writes(void **state)
{
    struct buf text = BUF_INIT(1024);
    assert_int_equal(payload_agent_command("s-1", "suspend", true, true, now + 30000, 90000, &text),
                     0);
    assert_int_equal(read_command(buf_text(&text)), 0);
    assert_string_equal(command.id, "s-1");
    assert_int_equal(command.verb, VERB_SUSPEND);
    assert_true(command.force);
    assert_true(command.asked);
    assert_int_equal(command.idle_ms, 90000);
    buf_finish(&text);
    text = BUF_INIT(1024);
    assert_int_equal(
        payload_agent_command("s-2", "suspend", false, false, now + 30000, 90000, &text), 0);
    assert_int_equal(read_command(buf_text(&text)), 0);
    assert_false(command.force || command.asked);
    buf_finish(&text);
}

static void test_containers(void **state)
{
    assert_int_equal(
        read_command("{\"id\":\"a\",\"action\":\"stop\",\"containers\":[\"web\",\"db\"]," LATER
                     "}"),
        0);
    assert_int_equal(command.n_names, 2);
    assert_string_equal(command.names[1], "db");
    assert_string_equal(command.project, "");
    assert_int_equal(
        read_command(
            "{\"id\":\"b\",\"action\":\"stop\",\"project\":\"client1\",\"containers\":null," LATER
            "}"),
        0);
    assert_string_equal(command.project, "client1");
    assert_int_equal(command.n_names, 0);
}

static void test_expiry_to_the_millisecond(void **state)
{
    now += 31000; /* 09:29:00 */
    assert_int_equal(read_command("{\"id\":\"a\",\"action\":\"suspend\"," LATER "}"), -ESTALE);
    assert_non_null(strstr(reason, "clocks differ"));
    now -= 1;
    assert_int_equal(read_command("{\"id\":\"a\",\"action\":\"suspend\"," LATER "}"), 0);
}

static void test_replay_is_refused_as_long_as_it_is_remembered(void **state)
{
    char text[128];
    for (unsigned i = 0; i <= AGENT_COMMANDS_KEPT; i++) {
        snprintf(text, sizeof text, "{\"id\":\"id-%u\",\"action\":\"suspend\"," LATER "}", i);
        assert_int_equal(read_command(text), 0);
        assert_int_equal(read_command(text), -EALREADY);
    }
    assert_int_equal(read_command("{\"id\":\"id-1\",\"action\":\"suspend\"," LATER "}"), -EALREADY);
}

/* A command that was refused is not done when it is said again. */
static void test_refused_ones_are_remembered_too(void **state)
{
    const char *text = "{\"id\":\"a\",\"action\":\"suspend\"," LATER "}";
    assert_int_equal(read_with(text, true, all), -ESTALE);
    assert_non_null(strstr(reason, "retained"));
    assert_int_equal(read_command(text), -EALREADY);
}

static void test_rights(void **state)
{
    assert_int_equal(read_with("{\"id\":\"a\",\"action\":\"reboot\",\"force\":true," LATER "}",
                               false, RIGHT_SUSPEND),
                     -EACCES);
    assert_non_null(strstr(reason, "reboot is switched off"));
    assert_string_equal(name.id, "a");
    assert_string_equal(name.action, "reboot");
    assert_int_equal(read_with("{\"id\":\"b\",\"action\":\"stop\",\"project\":\"x\"," LATER "}",
                               false, RIGHT_SUSPEND),
                     -EACCES);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"", "JSON"},
        {"suspend", "JSON"},
        {"[]", "an object"},
        {"{}", "\"id\""},
        {"{\"id\":7}", "\"id\""},
        {"{\"id\":\"\",\"action\":\"suspend\"," LATER "}", "\"id\""},
        {"{\"id\":\"a\\nb\",\"action\":\"suspend\"," LATER "}", "\"id\""},
        {"{\"id\":\"a\"," LATER "}", "\"action\""},
        {"{\"id\":\"a\",\"action\":\"Suspend\"," LATER "}", "\"action\" is \"Suspend\""},
        {"{\"id\":\"a\",\"action\":\"suspend; rm -rf /\"," LATER "}", "\"action\""},
        {"{\"id\":\"a\",\"action\":[\"suspend\"]," LATER "}", "\"action\""},
        {"{\"id\":\"a\",\"action\":\"suspend\"}", "\"expires\" is missing"},
        {"{\"id\":\"a\",\"action\":\"suspend\",\"expires\":null}", "\"expires\""},
        {"{\"id\":\"a\",\"action\":\"suspend\",\"expires\":1795000000}", "\"expires\""},
        {"{\"id\":\"a\",\"action\":\"suspend\",\"force\":1," LATER "}", "\"force\" is number"},
        {"{\"id\":\"a\",\"action\":\"start\"," LATER "}", "neither"},
        {"{\"id\":\"a\",\"action\":\"start\",\"project\":\"../x\"," LATER "}", "\"project\""},
        {"{\"id\":\"a\",\"action\":\"start\",\"containers\":\"web\"," LATER "}", "\"containers\""},
        {"{\"id\":\"a\",\"action\":\"start\",\"containers\":[\"\"]," LATER "}", "\"containers\""},
        {"{\"id\":\"a\",\"action\":\"start\",\"containers\":[7]," LATER "}", "\"containers\""},
        {"{\"id\":\"a\",\"id\":\"b\",\"action\":\"suspend\"," LATER "}", "JSON"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        command.verb = VERB_REBOOT;
        if (read_command(rows[i].text) >= 0 || strstr(reason, rows[i].word) == NULL)
            fail_msg("%s gave: %s", rows[i].text, reason);
        assert_int_equal(command.verb, VERB_REBOOT);
    }
}

static void test_too_much(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    buf_puts(&text, "{\"id\":\"a\",\"action\":\"start\"," LATER ",\"containers\":[");
    for (unsigned i = 0; i <= AGENT_COMMAND_CONTAINERS_MAX; i++)
        buf_printf(&text, "%s\"c%u\"", i > 0 ? "," : "", i);
    buf_puts(&text, "]}");
    assert_int_equal(read_command(buf_text(&text)), -EINVAL);
    buf_clear(&text);
    buf_puts(&text, "{\"id\":\"a\",\"action\":\"start\"," LATER ",\"containers\":[\"");
    for (unsigned i = 0; i < DOCKER_NAME_SIZE; i++)
        buf_putc(&text, 'x');
    buf_puts(&text, "\"]}");
    assert_int_equal(read_command(buf_text(&text)), -EINVAL);
    buf_clear(&text);
    for (unsigned i = 0; i < 100000; i++)
        buf_putc(&text, '[');
    assert_int_equal(read_command(buf_text(&text)), -EINVAL);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_verb, empty),
        cmocka_unit_test_setup(test_reads_what_hall_writes, empty),
        cmocka_unit_test_setup(test_containers, empty),
        cmocka_unit_test_setup(test_expiry_to_the_millisecond, empty),
        cmocka_unit_test_setup(test_replay_is_refused_as_long_as_it_is_remembered, empty),
        cmocka_unit_test_setup(test_refused_ones_are_remembered_too, empty),
        cmocka_unit_test_setup(test_rights, empty),
        cmocka_unit_test_setup(test_malformed, empty),
        cmocka_unit_test_setup(test_too_much, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
