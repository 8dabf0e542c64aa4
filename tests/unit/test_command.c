#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "say/say.h"
#include "unit.h"
#include "words/command.h"

#define SIXTEEN "0123456789abcdef"

/* 2026-11-22T09:28:29Z */
static const struct now now = {.boot = 5000, .wall = INT64_C(1795339709000)};

static struct command command;
static struct fact why;
static char reason[REASON_SIZE]; /* the same in English */

static int read_bytes(enum topic_kind kind, const char *bytes, size_t length, bool retained)
{
    struct topic topic = {.kind = kind, .id = "testing", .name = "backup"};
    const int error = command_read(&topic, bytes, length, retained, now, &command, &why);
    say_fact_text(&why, NULL, (struct say_how){.now = now.wall}, reason, sizeof reason);
    return error;
}

static int read_text(enum topic_kind kind, const char *text)
{
    return read_bytes(kind, text, strlen(text), false);
}

static void check_reason(const char *text, const char *word)
{
    if (strstr(reason, word) == NULL)
        fail_msg("the reason for %s is: %s; it should have: %s", text, reason, word);
}

static void test_plain_words(void **state)
{
    static const struct {
        enum topic_kind kind;
        const char *text;
        enum command_action action;
    } rows[] = {
        {TOPIC_SERVER_COMMAND, "wake", COMMAND_WAKE},
        {TOPIC_SERVER_COMMAND, "wake\n", COMMAND_WAKE},
        {TOPIC_SERVER_COMMAND, " sleep \r\n", COMMAND_SLEEP},
        {TOPIC_SERVER_COMMAND, "restart", COMMAND_RESTART},
        {TOPIC_SERVER_COMMAND, "cancel", COMMAND_CANCEL},
        {TOPIC_SERVER_POWER_SET, "ON", COMMAND_WAKE},
        {TOPIC_SERVER_POWER_SET, "on", COMMAND_WAKE},
        {TOPIC_SERVER_POWER_SET, "OFF", COMMAND_SLEEP},
        {TOPIC_PROJECT_COMMAND, "start", COMMAND_START},
        {TOPIC_PROJECT_COMMAND, "stop", COMMAND_STOP},
        {TOPIC_PROJECT_COMMAND, "restart", COMMAND_RESTART},
        {TOPIC_PROJECT_COMMAND, "{\"action\":\"stop\"}", COMMAND_STOP},
        {TOPIC_PROJECT_COMMAND, "{\"action\":\"stop\",\"for\":null,\"force\":false}", COMMAND_STOP},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(read_text(rows[i].kind, rows[i].text), 0);
        assert_int_equal(command.action, rows[i].action);
        assert_string_equal(command.id, "");
    }
}

static void test_whole_json(void **state)
{
    assert_int_equal(
        read_text(TOPIC_SERVER_COMMAND,
                  "{\"action\":\"wake\",\"id\":\"x-1\",\"by\":\"Zoé\",\"for\":\"1h30m\","
                  "\"force\":true,\"expires\":\"2026-11-22T10:28:30+01:00\"}"),
        0);
    assert_int_equal(command.action, COMMAND_WAKE);
    assert_string_equal(command.id, "x-1");
    assert_string_equal(command.by, "Zoé");
    assert_int_equal(command.lasts, 5400000);
    assert_true(command.force);
    assert_int_equal(read_text(TOPIC_SERVER_COMMAND,
                               "{\"action\":\"sleep\",\"id\":null,\"by\":null,\"for\":null,"
                               "\"force\":null,\"expires\":null}"),
                     0);
    assert_int_equal(command.action, COMMAND_SLEEP);
    assert_int_equal(command.lasts, 0);
}

static void test_values(void **state)
{
    assert_int_equal(read_text(TOPIC_SERVER_POLICY_SET, "scheduled"), 0);
    assert_int_equal(command.action, COMMAND_POLICY);
    assert_int_equal(command.policy, POLICY_SCHEDULED);
    assert_false(command.policy_configured);
    assert_int_equal(read_text(TOPIC_SERVER_POLICY_SET, ""), 0);
    assert_true(command.policy_configured);
    assert_int_equal(read_text(TOPIC_SERVER_IDLE_SET, "20"), 0);
    assert_int_equal(command.action, COMMAND_IDLE);
    assert_int_equal(command.minutes, 20);
    assert_int_equal(read_text(TOPIC_SERVER_IDLE_SET, "10080"), 0);
    assert_int_equal(read_text(TOPIC_SERVER_IDLE_SET, "30.0"), 0);
    assert_int_equal(read_text(TOPIC_SERVER_KEEP_AWAKE_SET, "ON"), 0);
    assert_int_equal(command.action, COMMAND_KEEP_AWAKE);
    assert_true(command.on);
    assert_int_equal(read_text(TOPIC_SERVER_KEEP_AWAKE_SET, "off"), 0);
    assert_false(command.on);
}

static void test_holds(void **state)
{
    static const char until[] =
        "{\"until\":\"2026-11-22T10:28:29Z\",\"reason\":\"backup of /srv\"}";
    assert_int_equal(read_text(TOPIC_SERVER_HOLD, "{\"for\":\"2h\",\"reason\":\"backup\"}"), 0);
    assert_int_equal(command.action, COMMAND_HOLD);
    assert_string_equal(command.name, "backup");
    assert_string_equal(command.reason, "backup");
    assert_int_equal(command.lasts, 7200000);
    assert_int_equal(command.until, 0);
    assert_int_equal(read_text(TOPIC_SERVER_HOLD, ""), 0);
    assert_int_equal(command.action, COMMAND_RELEASE);
    assert_int_equal(read_bytes(TOPIC_SERVER_HOLD, "", 0, true), 0);
    assert_int_equal(command.action, COMMAND_RELEASE);
    assert_int_equal(read_bytes(TOPIC_SERVER_HOLD, until, strlen(until), true), 0);
    assert_int_equal(command.lasts, 3600000);
    assert_true(command.until == now.wall + 3600000);
}

/* What time it is is not known yet: no end is over or too far then. */
static void test_hold_before_the_clock_is_known(void **state)
{
    static const char *const ends[] = {"1970-01-01T00:00:00Z", "2026-11-22T10:28:29Z",
                                       "2100-01-01T00:00:00Z"};
    const struct topic topic = {.kind = TOPIC_SERVER_HOLD, .id = "testing", .name = "backup"};

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        char text[96];
        int64_t at = -1;

        snprintf(text, sizeof(text), "{\"until\":\"%s\"}", ends[i]);
        assert_int_equal(command_read(&topic, text, strlen(text), true, (struct now){.boot = 5000},
                                      &command, &why),
                         0);
        assert_int_equal(rfc3339_parse(ends[i], &at), 0);
        assert_int_equal(command.until, at);
    }
}

static void check_retained(enum topic_kind kind, const char *text, const char *word)
{
    assert_int_equal(read_bytes(kind, text, strlen(text), true), -ESTALE);
    check_reason(text, word);
}

static void test_retained(void **state)
{
    check_retained(TOPIC_SERVER_COMMAND, "wake", "retained");
    check_retained(TOPIC_SERVER_COMMAND, "nonsense", "retained");
    assert_int_equal(command.action, COMMAND_NONE);
    check_retained(TOPIC_SERVER_POWER_SET, "ON", "retained");
    check_retained(TOPIC_SERVER_POLICY_SET, "always_on", "retained");
    check_retained(TOPIC_SERVER_HOLD, "{\"reason\":\"for ever\"}", "end");
    check_retained(TOPIC_SERVER_HOLD, "{\"until\":\"2026-11-22T09:28:28Z\"}", "over");
    check_retained(TOPIC_SERVER_HOLD, "2h", "2h");
    check_retained(TOPIC_SERVER_COMMAND, "{\"action\":\"wake\",\"id\":\"kept\"}", "retained");
    assert_string_equal(command.id, "kept");
}

static void test_empty_is_refused(void **state)
{
    static const enum topic_kind kinds[] = {TOPIC_SERVER_COMMAND, TOPIC_SERVER_POWER_SET,
                                            TOPIC_SERVER_IDLE_SET, TOPIC_SERVER_KEEP_AWAKE_SET,
                                            TOPIC_PROJECT_COMMAND};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        assert_int_equal(read_bytes(kinds[i], "", 0, false), -EINVAL);
        assert_string_equal(reason, "empty");
        assert_int_equal(read_bytes(kinds[i], "", 0, true), -EINVAL);
        assert_true(fact_is(&why, FACT_ANSWER_RETAINED));
    }
    assert_int_equal(read_bytes(TOPIC_SERVER_POLICY_SET, "", 0, true), -EINVAL);
    assert_true(fact_is(&why, FACT_ANSWER_RETAINED));
}

static void test_each_reason_has_its_code(void **state)
{
    static const struct {
        enum topic_kind kind;
        const char *text;
        enum fact_code code;
        const char *first, *second;
    } rows[] = {
        {TOPIC_SERVER_COMMAND, "", FACT_COMMAND_EMPTY, "", ""},
        {TOPIC_AGENT_STATE, "wake", FACT_COMMAND_NO_TOPIC, "", ""},
        {TOPIC_PROJECT_COMMAND, "wake", FACT_COMMAND_WORD, "wake", "start, stop, restart"},
        {TOPIC_SERVER_POWER_SET, "1", FACT_COMMAND_SWITCH, "1", ""},
        {TOPIC_SERVER_POLICY_SET, "never", FACT_COMMAND_POLICY, "never", ""},
        {TOPIC_SERVER_IDLE_SET, "20m", FACT_COMMAND_MINUTES, "20m", ""},
        {TOPIC_SERVER_IDLE_SET, "0", FACT_COMMAND_MINUTES, "0", ""},
        {TOPIC_SERVER_HOLD, "2h", FACT_COMMAND_HOLD, "2h", ""},
        {TOPIC_SERVER_COMMAND, "{", FACT_ANSWER_INVALID, NULL, ""},
        {TOPIC_PROJECT_COMMAND, "{}", FACT_COMMAND_NO_ACTION, "start, stop, restart", ""},
        {TOPIC_PROJECT_COMMAND, "{\"action\":\"no\"}", FACT_COMMAND_ACTION, "no",
         "start, stop, restart"},
        {TOPIC_PROJECT_COMMAND, "{\"speed\":1}", FACT_COMMAND_UNKNOWN_KEY, "speed",
         "id, by, action, expires"},
        {TOPIC_SERVER_COMMAND, "{\"by\":[]}", FACT_COMMAND_TEXT, "by", "array"},
        {TOPIC_SERVER_COMMAND, "{\"id\":\"\"}", FACT_COMMAND_BLANK, "id", ""},
        {TOPIC_SERVER_COMMAND, "{\"by\":\"" SIXTEEN SIXTEEN SIXTEEN SIXTEEN "x\"}",
         FACT_COMMAND_LENGTH, "by", ""},
        {TOPIC_SERVER_COMMAND, "{\"id\":\"\\n\"}", FACT_COMMAND_CONTROL, "id", ""},
        {TOPIC_SERVER_COMMAND, "{\"force\":1}", FACT_COMMAND_FORCE, "number", ""},
        {TOPIC_SERVER_COMMAND, "{\"for\":\"0s\"}", FACT_COMMAND_DURATION, "0s", ""},
        {TOPIC_SERVER_COMMAND, "{\"expires\":\"x\"}", FACT_COMMAND_TIME, "expires", "x"},
        {TOPIC_SERVER_COMMAND, "{\"expires\":\"2026-11-22T09:28:29Z\"}", FACT_COMMAND_EXPIRED, "",
         ""},
        {TOPIC_SERVER_HOLD, "{\"until\":\"2026-11-22T09:28:29Z\"}", FACT_COMMAND_OVER, "", ""},
        {TOPIC_SERVER_HOLD, "{\"until\":\"2027-11-22T09:28:29Z\"}", FACT_COMMAND_FAR, "", ""},
        {TOPIC_SERVER_COMMAND, "{\"action\":\"sleep\",\"for\":\"1h\"}", FACT_COMMAND_FOR, "", ""},
        {TOPIC_SERVER_HOLD, "{\"for\":\"1h\",\"until\":\"2026-11-22T10:00:00Z\"}",
         FACT_COMMAND_TWO_ENDS, "", ""},
        {TOPIC_SERVER_HOLD, "{}", FACT_COMMAND_NO_END, "", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(read_text(rows[i].kind, rows[i].text) < 0);
        if (!fact_is(&why, rows[i].code))
            fail_msg("%s: %s", rows[i].text, reason);
        if (rows[i].first)
            assert_string_equal(fact_text(&why, 0, 0), rows[i].first);
        assert_string_equal(fact_text(&why, 0, 1), rows[i].second);
    }
    assert_int_equal(read_text(TOPIC_SERVER_COMMAND, "wake"), 0);
    assert_true(fact_is(&why, FACT_NONE));
}

static void test_refusals(void **state)
{
    static const struct {
        enum topic_kind kind;
        int error;
        const char *text, *word;
    } rows[] = {
        {TOPIC_SERVER_COMMAND, -EINVAL, "wakeup", "wake, sleep, restart, cancel"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "Wake", "\"Wake\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "hold", "\"hold\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "start", "\"start\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "  \n", "not understood;"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "\x01\xff", "\"??\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{", "JSON"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "[]", "array"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{}", "\"action\" is missing"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":null}", "\"action\" is missing"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":1}", "\"action\" is number"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"dance\"}", "\"dance\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"hold\"}", "\"hold\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"speed\":3}",
         "\"speed\" is unknown"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"action\":\"sleep\"}", "twice"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"id\":3}", "\"id\" is number"},
        {TOPIC_SERVER_COMMAND, -ERANGE, "{\"action\":\"wake\",\"id\":\"\"}", "\"id\" is empty"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"id\":\"a\\nb\"}", "control"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"id\":\"a\\u0085\"}", "control"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"by\":[]}", "\"by\" is array"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"for\":30}",
         "\"1h30m\": \"number\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"for\":\"forever\"}", "forever"},
        {TOPIC_SERVER_COMMAND, -ERANGE, "{\"action\":\"wake\",\"for\":\"0s\"}", "1s to 30d"},
        {TOPIC_SERVER_COMMAND, -ERANGE, "{\"action\":\"wake\",\"for\":\"31d\"}", "1s to 30d"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"sleep\",\"for\":\"1h\"}", "wake only"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"force\":1}", "\"force\""},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"expires\":\"soon\"}", "expires"},
        {TOPIC_SERVER_COMMAND, -EINVAL, "{\"action\":\"wake\",\"expires\":9}", "expires"},
        {TOPIC_SERVER_COMMAND, -ESTALE,
         "{\"action\":\"wake\",\"expires\":\"2026-11-22T09:28:29Z\"}", "expired"},
        {TOPIC_SERVER_POWER_SET, -EINVAL, "1", "ON, OFF"},
        {TOPIC_SERVER_POWER_SET, -EINVAL, "{\"action\":\"wake\"}", "ON, OFF"},
        {TOPIC_SERVER_KEEP_AWAKE_SET, -EINVAL, "true", "ON, OFF"},
        {TOPIC_SERVER_POLICY_SET, -EINVAL, "never", "always_on, scheduled, on_demand"},
        {TOPIC_SERVER_IDLE_SET, -EINVAL, "20m", "whole minutes"},
        {TOPIC_SERVER_IDLE_SET, -EINVAL, "1.5", "whole minutes"},
        {TOPIC_SERVER_IDLE_SET, -EINVAL, "30.05", "whole minutes"},
        {TOPIC_SERVER_IDLE_SET, -EINVAL, "30.", "whole minutes"},
        {TOPIC_SERVER_IDLE_SET, -EINVAL, ".0", "whole minutes"},
        {TOPIC_SERVER_IDLE_SET, -ERANGE, "0", "1 to 10080"},
        {TOPIC_SERVER_IDLE_SET, -ERANGE, "10081", "1 to 10080"},
        {TOPIC_SERVER_HOLD, -EINVAL, "{}", "needs an end"},
        {TOPIC_SERVER_HOLD, -EINVAL, "{\"reason\":\"x\"}", "needs an end"},
        {TOPIC_SERVER_HOLD, -EINVAL, "{\"for\":\"1h\",\"until\":\"2026-11-22T10:00:00Z\"}", "both"},
        {TOPIC_SERVER_HOLD, -EINVAL, "{\"for\":\"1h\",\"action\":\"wake\"}",
         "\"action\" is unknown"},
        {TOPIC_SERVER_HOLD, -ERANGE, "{\"until\":\"2027-11-22T10:00:00Z\"}", "30d"},
        {TOPIC_SERVER_HOLD, -EINVAL, "2h", "JSON with \"for\""},
        {TOPIC_PROJECT_COMMAND, -EINVAL, "wake", "start, stop, restart"},
        {TOPIC_PROJECT_COMMAND, -EINVAL, "{\"action\":\"wake\"}", "start, stop, restart"},
        {TOPIC_PROJECT_COMMAND, -EINVAL, "{\"action\":\"stop\",\"force\":true}", "\"force\""},
        {TOPIC_PROJECT_COMMAND, -EINVAL, "{\"action\":\"stop\",\"for\":\"1h\"}", "\"for\""},
        {TOPIC_PROJECT_COMMAND, -EINVAL, "{\"action\":\"stop\",\"speed\":null}", "\"speed\""},
        {TOPIC_AGENT_STATE, -ENOTSUP, "wake", "takes no commands"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int error = read_text(rows[i].kind, rows[i].text);
        if (error != rows[i].error)
            fail_msg("%s gave %d (%s)", rows[i].text, error, reason);
        check_reason(rows[i].text, rows[i].word);
    }
}

static void test_a_refusal_knows_who_asked(void **state)
{
    assert_int_equal(
        read_text(TOPIC_SERVER_COMMAND, "{\"speed\":3,\"id\":\"x-9\",\"by\":\"cron\"}"), -EINVAL);
    assert_string_equal(command.id, "x-9");
    assert_string_equal(command.by, "cron");
}

static void test_id_lengths(void **state)
{
    char text[128];
    snprintf(text, sizeof text, "{\"action\":\"wake\",\"id\":\"%064d\"}", 0);
    assert_int_equal(read_text(TOPIC_SERVER_COMMAND, text), 0);
    snprintf(text, sizeof text, "{\"action\":\"wake\",\"id\":\"%065d\"}", 0);
    assert_int_equal(read_text(TOPIC_SERVER_COMMAND, text), -ERANGE);
    assert_string_equal(command.id, "");
}

static void test_monsters(void **state)
{
    size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'w', size);
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, text, size, false), -EINVAL);
    check_reason("a megabyte of w", "allowed: wake");
    memset(text, '{', size);
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, text, size, false), -EINVAL);
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + 5 * i, "{\"a\":", 5);
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, text, 5000, false), -EINVAL);
    assert_true(strlen(reason) > 0);
    memset(text, 0, size);
    assert_int_equal(read_bytes(TOPIC_SERVER_IDLE_SET, text, 3, false), -EINVAL);
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, "wake\0x", 6, false), -EINVAL);
    /* What lies behind the payload is not read. */
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, " {", 1, false), -EINVAL);
    check_reason("a blank before a brace", "not understood;");
    assert_int_equal(read_bytes(TOPIC_SERVER_COMMAND, "  wake", 1, false), -EINVAL);
    check_reason("a blank before a blank", "not understood;");
    free(text);
}

/* Every kind of topic, whether it takes commands, an empty payload and a retained one, as
 * docs/BUS.md has it. */
static void test_what_each_topic_takes(void **state)
{
    static const struct {
        const char *payload; /* NULL: it takes no commands */
        bool may_be_empty;
        bool may_be_retained;
    } rows[TOPIC_KINDS] = {
        [TOPIC_COMMAND] = {"reload", false, false},
        [TOPIC_SERVER_POWER_SET] = {"ON", false, false},
        [TOPIC_SERVER_COMMAND] = {"wake", false, false},
        [TOPIC_SERVER_POLICY_SET] = {"scheduled", true, false},
        [TOPIC_SERVER_IDLE_SET] = {"20", false, false},
        [TOPIC_SERVER_KEEP_AWAKE_SET] = {"ON", false, false},
        [TOPIC_SERVER_HOLD] = {"{\"until\":\"2026-11-22T10:00:00Z\"}", true, true},
        [TOPIC_PROJECT_COMMAND] = {"start", false, false},
    };
    for (size_t i = 0; i < TOPIC_KINDS; i++) {
        const enum topic_kind kind = (enum topic_kind)i;
        const char *payload = rows[i].payload;
        if (!payload) {
            assert_int_equal(read_text(kind, "wake"), -ENOTSUP);
            assert_int_equal(read_text(kind, ""), -ENOTSUP);
            continue;
        }
        assert_int_equal(read_text(kind, payload), 0);
        assert_int_equal(read_text(kind, ""), rows[kind].may_be_empty ? 0 : -EINVAL);
        assert_int_equal(command_may_be_retained(kind), rows[kind].may_be_retained);
        assert_int_equal(read_bytes(kind, payload, strlen(payload), true),
                         rows[kind].may_be_retained ? 0 : -ESTALE);
        assert_int_equal(read_bytes(kind, "", 0, true), rows[kind].may_be_retained ? 0 : -EINVAL);
    }
}

/* Every action on every topic that takes actions: as a word and in JSON. */
static void test_which_actions_each_topic_takes(void **state)
{
    static const struct {
        enum topic_kind kind;
        const char *allowed;
        enum command_action actions[4];
    } rows[] = {
        {TOPIC_COMMAND,
         "allowed: announce, reload",
         {COMMAND_ANNOUNCE, COMMAND_RELOAD, COMMAND_NONE, COMMAND_NONE}},
        {TOPIC_SERVER_COMMAND,
         "allowed: wake, sleep, restart, cancel",
         {COMMAND_WAKE, COMMAND_SLEEP, COMMAND_RESTART, COMMAND_CANCEL}},
        {TOPIC_PROJECT_COMMAND,
         "allowed: start, stop, restart",
         {COMMAND_START, COMMAND_STOP, COMMAND_RESTART, COMMAND_NONE}},
    };
    static const struct {
        const char *word;
        enum command_action action;
    } words[] = {
        {"wake", COMMAND_WAKE},         {"sleep", COMMAND_SLEEP},   {"restart", COMMAND_RESTART},
        {"cancel", COMMAND_CANCEL},     {"start", COMMAND_START},   {"stop", COMMAND_STOP},
        {"announce", COMMAND_ANNOUNCE}, {"reload", COMMAND_RELOAD}, {"hold", COMMAND_NONE},
        {"release", COMMAND_NONE},      {"policy", COMMAND_NONE},   {"idle", COMMAND_NONE},
        {"keep_awake", COMMAND_NONE},   {"none", COMMAND_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++) {
            char json[64];
            bool allowed = false;
            for (size_t k = 0; k < 4; k++)
                allowed |= words[j].action != COMMAND_NONE && rows[i].actions[k] == words[j].action;
            snprintf(json, sizeof json, "{\"action\":\"%s\"}", words[j].word);
            for (int form = 0; form < 2; form++) {
                const char *text = form == 0 ? words[j].word : json;
                assert_int_equal(read_text(rows[i].kind, text), allowed ? 0 : -EINVAL);
                assert_int_equal(command.action, allowed ? words[j].action : COMMAND_NONE);
                if (!allowed)
                    check_reason(text, rows[i].allowed);
            }
        }
}

/* Every key of JSON on every topic that takes JSON. */
static void test_which_keys_each_topic_takes(void **state)
{
    static const struct {
        enum topic_kind kind;
        const char *rest, *taken, *allowed;
    } rows[] = {
        {TOPIC_COMMAND, "\"action\":\"reload\"", "id by expires",
         "allowed: id, by, action, expires"},
        {TOPIC_SERVER_COMMAND, "\"action\":\"wake\"", "id by for force expires",
         "allowed: id, by, action, for, force, expires"},
        {TOPIC_PROJECT_COMMAND, "\"action\":\"stop\"", "id by expires",
         "allowed: id, by, action, expires"},
        {TOPIC_SERVER_HOLD, "\"for\":\"1h\"", "id by reason",
         "allowed: id, by, for, until, reason"},
    };
    static const struct {
        const char *key, *value;
        bool of_server; /* null is let pass everywhere: it is one of the keys of a server's command
                         */
    } keys[] = {
        {"id", "\"x\"", true},
        {"by", "\"x\"", true},
        {"for", "\"1h\"", true},
        {"force", "true", true},
        {"expires", "\"2026-11-22T10:00:00Z\"", true},
        {"reason", "\"x\"", false},
        {"speed", "3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++) {
            char json[128];
            bool taken = strstr(rows[i].taken, keys[j].key) != NULL;
            if (strstr(rows[i].rest, keys[j].key))
                continue;
            snprintf(json, sizeof json, "{%s,\"%s\":%s}", rows[i].rest, keys[j].key, keys[j].value);
            if (read_text(rows[i].kind, json) != (taken ? 0 : -EINVAL))
                fail_msg("%s: %s", json, reason);
            if (!taken)
                check_reason(json, rows[i].allowed);
            snprintf(json, sizeof json, "{%s,\"%s\":null}", rows[i].rest, keys[j].key);
            if (read_text(rows[i].kind, json) != (taken || keys[j].of_server ? 0 : -EINVAL))
                fail_msg("%s: %s", json, reason);
        }
}

/* The last value that is taken and the first that is not. */
static void test_bounds(void **state)
{
    static const struct {
        enum topic_kind kind;
        int error;
        int64_t value;
        const char *text;
    } rows[] = {
        {TOPIC_SERVER_COMMAND, 0, 1000, "{\"action\":\"wake\",\"for\":\"1s\"}"},
        {TOPIC_SERVER_COMMAND, -ERANGE, 0, "{\"action\":\"wake\",\"for\":\"999ms\"}"},
        {TOPIC_SERVER_COMMAND, 0, INT64_C(2592000000), "{\"action\":\"wake\",\"for\":\"30d\"}"},
        {TOPIC_SERVER_COMMAND, -ERANGE, 0, "{\"action\":\"wake\",\"for\":\"30d1s\"}"},
        {TOPIC_SERVER_HOLD, 0, INT64_C(2592000000), "{\"until\":\"2026-12-22T09:28:29Z\"}"},
        {TOPIC_SERVER_HOLD, -ERANGE, 0, "{\"until\":\"2026-12-22T09:28:30Z\"}"},
        {TOPIC_SERVER_HOLD, 0, 1000, "{\"until\":\"2026-11-22T09:28:30Z\"}"},
        {TOPIC_SERVER_HOLD, -ESTALE, 0, "{\"until\":\"2026-11-22T09:28:29Z\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (read_text(rows[i].kind, rows[i].text) != rows[i].error)
            fail_msg("%s: %s", rows[i].text, reason);
        assert_int_equal(command.lasts, rows[i].value);
    }
    assert_int_equal(read_text(TOPIC_SERVER_COMMAND, "{\"action\":\"wake\",\"by\":\"a\\u009f\"}"),
                     -EINVAL);
    assert_int_equal(
        read_text(TOPIC_SERVER_COMMAND, "{\"action\":\"wake\",\"by\":\"\u00a0\u00e9\"}"), 0);
    assert_int_equal(read_text(TOPIC_SERVER_IDLE_SET, "1"), 0);
    assert_int_equal(command.minutes, 1);
}

/* Whom a command is for, by its topic: the ids of servers and projects are two lists. */
static void test_whom_it_is_for(void **state)
{
    static struct model_server servers[] = {{.id = "erp"}, {.id = "both"}};
    static struct model_site sites[] = {
        {.id = "a.example", .server = 0, .path = "/"},
        {.id = "both", .server = 0, .is_project = true, .path = "/both"},
        {.id = "client1", .server = 1, .is_project = true, .path = "/client1"},
    };
    static const struct model model = {
        .n_servers = 2, .servers = servers, .n_sites = 3, .sites = sites};
    static const struct {
        enum topic_kind kind;
        const char *id;
        int server, site;
    } rows[] = {
        {TOPIC_SERVER_COMMAND, "erp", 0, MODEL_NONE},
        {TOPIC_SERVER_COMMAND, "both", 1, MODEL_NONE},
        {TOPIC_SERVER_HOLD, "both", 1, MODEL_NONE},
        {TOPIC_SERVER_COMMAND, "client1", MODEL_NONE, MODEL_NONE},
        {TOPIC_PROJECT_COMMAND, "both", 0, 1},
        {TOPIC_PROJECT_COMMAND, "client1", 1, 2},
        {TOPIC_PROJECT_COMMAND, "erp", MODEL_NONE, MODEL_NONE},
        {TOPIC_PROJECT_COMMAND, "a.example", MODEL_NONE, MODEL_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct topic topic = {.kind = rows[i].kind};
        snprintf(topic.id, sizeof topic.id, "%s", rows[i].id);
        command.site = 7;
        assert_int_equal(command_subject(&model, &topic, &command), rows[i].server);
        assert_int_equal(command.site, rows[i].site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_words),
        cmocka_unit_test(test_whole_json),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_hold_before_the_clock_is_known),
        cmocka_unit_test(test_retained),
        cmocka_unit_test(test_empty_is_refused),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_each_reason_has_its_code),
        cmocka_unit_test(test_a_refusal_knows_who_asked),
        cmocka_unit_test(test_id_lengths),
        cmocka_unit_test(test_monsters),
        cmocka_unit_test(test_what_each_topic_takes),
        cmocka_unit_test(test_which_actions_each_topic_takes),
        cmocka_unit_test(test_which_keys_each_topic_takes),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_whom_it_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
