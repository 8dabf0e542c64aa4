#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "words/topic.h"

static void test_every_kind_reads_back_what_it_writes(void **state)
{
    for (unsigned kind = 0; kind < TOPIC_KINDS; kind++) {
        char text[TOPIC_MAX];
        struct topic topic;
        topic_format("site/hall", (enum topic_kind)kind, "my-server_1", "backup", text);
        assert_true(topic_parse("site/hall", text, &topic));
        assert_int_equal(topic.kind, kind);
        if (strstr(text, "my-server_1") != NULL)
            assert_string_equal(topic.id, "my-server_1");
        if (kind == TOPIC_SERVER_HOLD)
            assert_string_equal(topic.name, "backup");
    }
}

static void test_the_words_of_the_contract(void **state)
{
    char text[TOPIC_MAX];
    assert_string_equal(topic_format("hall", TOPIC_STATUS, NULL, NULL, text), "hall/status");
    assert_string_equal(topic_format("hall", TOPIC_SERVER_KEEP_AWAKE_SET, "a", NULL, text),
                        "hall/servers/a/keep_awake/set");
    assert_string_equal(topic_format("hall", TOPIC_SERVER_HOLD, "a", "b", text),
                        "hall/servers/a/hold/b");
    assert_string_equal(topic_format("hall", TOPIC_PROJECT_COMMAND, "p", NULL, text),
                        "hall/projects/p/command");
    assert_string_equal(topic_format("hall", TOPIC_AGENT_CONTAINERS, "a", NULL, text),
                        "hall/agents/a/containers");
    assert_string_equal(topic_format("hall", TOPIC_RELAY_SEND, "attic", NULL, text),
                        "hall/relays/attic/send");
    assert_string_equal(topic_echo("hall", text), "hall/echo");
}

static void test_what_is_not_ours_is_not_read(void **state)
{
    static const char *const texts[] = {
        "",
        "hall",
        "hall/",
        "hall/nothing",
        "hall/status/",
        "hall/status/x",
        "hal/status",
        "hallo/status",
        "other/servers/a/state",
        "hall/servers",
        "hall/servers/",
        "hall/servers/a",
        "hall/servers/a/",
        "hall/servers//state",
        "hall/servers/A/state",
        "hall/servers/a b/state",
        "hall/servers/+/state",
        "hall/servers/../state",
        "hall/servers/a/state/set",
        "hall/servers/a/powers",
        "hall/servers/a/power/sets",
        "hall/servers/a/hold",
        "hall/servers/a/hold/",
        "hall/servers/a/hold/b/c",
        "hall/servers/a/hold/B",
        "hall/servers/a/holdb",
        "hall/echo",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct topic topic = {.kind = TOPIC_INFO};
        if (topic_parse("hall", texts[i], &topic))
            fail_msg("%s was read", texts[i]);
        assert_int_equal(topic.kind, TOPIC_INFO);
    }
}

static void test_commands_with_a_wrong_name_are_known(void **state)
{
    static const struct {
        const char *text, *id, *name;
        enum topic_kind kind;
    } cases[] = {
        {"hall/servers/Testing/command", "Testing", "", TOPIC_SERVER_COMMAND},
        {"hall/servers/a b/power/set", "a b", "", TOPIC_SERVER_POWER_SET},
        {"hall/servers/a/hold/Back up", "a", "Back up", TOPIC_SERVER_HOLD},
        {"hall/projects/Client1/command", "Client1", "", TOPIC_PROJECT_COMMAND},
    };
    static const char *const others[] = {
        "hall/servers/a/command",
        "hall/servers/A/state",
        "hall/agents/A/state",
        "hall/servers//command",
        "hall/servers/\n/command",
        "hall/servers/\xc3\xa4/command",
        "hall/servers/a/hold/b/c",
        "hall/servers/A/nothing",
        "hall/servers/a/hold/",
        "other/servers/A/command",
        "hall/command",
    };
    struct topic topic;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(topic_misnamed("hall", cases[i].text, &topic));
        assert_int_equal(topic.kind, cases[i].kind);
        assert_string_equal(topic.id, cases[i].id);
        assert_string_equal(topic.name, cases[i].name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(topic_misnamed("hall", others[i], &topic));
}

static void test_lengths(void **state)
{
    char id[SLUG_MAX + 2], base[TOPIC_MAX], text[2 * TOPIC_MAX];
    struct topic topic;
    memset(id, 'x', SLUG_MAX + 1);
    id[SLUG_MAX + 1] = '\0';
    snprintf(text, sizeof text, "hall/servers/%s/state", id);
    assert_false(topic_parse("hall", text, &topic));
    snprintf(text, sizeof text, "hall/servers/%s/state", id + 1);
    assert_true(topic_parse("hall", text, &topic));
    memset(base, 'b', sizeof base - 1);
    base[sizeof base - 1] = '\0';
    assert_string_equal(topic_format(base, TOPIC_STATUS, NULL, NULL, text), "");
    assert_string_equal(topic_echo(base, text), "");
    snprintf(text, sizeof text, "%s/status", base);
    assert_false(topic_parse(base, text, &topic));
}

typedef bool lister(const char *base, size_t index, char out[TOPIC_MAX]);

/* '+' stands for one level, and the filters have nothing else. */
static bool filter_matches(const char *filter, const char *topic)
{
    for (; *filter != '\0' && *topic != '\0'; filter++) {
        if (*filter == '+')
            topic += strcspn(topic, "/");
        else if (*filter != *topic++)
            return false;
    }
    return *filter == '\0' && *topic == '\0';
}

static size_t count_matches(lister *list, const char *topic)
{
    char filter[TOPIC_MAX];
    size_t n = 0;
    for (size_t i = 0; list("hall", i, filter); i++)
        n += filter_matches(filter, topic);
    return n;
}

static void check_lists(enum topic_kind kind, size_t heard, size_t retained)
{
    char topic[TOPIC_MAX];
    topic_format("hall", kind, "a", "b", topic);
    assert_int_equal(count_matches(topic_subscription, topic), heard);
    assert_int_equal(count_matches(topic_retained, topic), retained);
}

static void test_filters_cover_each_topic_once(void **state)
{
    check_lists(TOPIC_STATUS, 0, 1);
    check_lists(TOPIC_SERVER_STATE, 0, 1);
    check_lists(TOPIC_SERVER_POWER, 0, 1);
    check_lists(TOPIC_PROJECT_STATUS, 0, 1);
    check_lists(TOPIC_SERVER_POWER_SET, 1, 0);
    check_lists(TOPIC_SERVER_HOLD, 1, 0);
    check_lists(TOPIC_PROJECT_COMMAND, 1, 0);
    check_lists(TOPIC_AGENT_RESULT, 1, 0);
    check_lists(TOPIC_AGENT_COMMAND, 0, 0);
    check_lists(TOPIC_RELAY_STATE, 1, 0);
    check_lists(TOPIC_RELAY_RESULT, 1, 0);
    check_lists(TOPIC_RELAY_SEND, 0, 0);
    check_lists(TOPIC_SERVER_RESULT, 0, 0);
    assert_int_equal(count_matches(topic_subscription, "hall/echo"), 0);
    assert_int_equal(count_matches(topic_retained, "hall/echo"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_reads_back_what_it_writes),
        cmocka_unit_test(test_the_words_of_the_contract),
        cmocka_unit_test(test_what_is_not_ours_is_not_read),
        cmocka_unit_test(test_commands_with_a_wrong_name_are_known),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_filters_cover_each_topic_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
