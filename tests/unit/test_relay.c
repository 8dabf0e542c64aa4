/* What Hall and a relay say to each other, what a relay refuses, and its file. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "bridges/relay/config_relay.h"
#include "bridges/relay/relay_guard.h"
#include "unit.h"

#define EXPIRES "\"expires\":\"2026-11-25T10:00:10Z\""
#define MAC     "\"mac\":\"02:00:00:00:00:01\""

static char reason[REASON_SIZE];

static int read_request(const char *text, struct relay_request *request)
{
    return relay_read_request(text, strlen(text), request, reason);
}

static void test_an_order_reads_back(void **state)
{
    static const uint8_t lengths[] = {0, 4, 6};
    struct relay_request request = {.id = "erp-1",
                                    .mac = {2, 0, 0, 0, 0, 0xfe},
                                    .secureon = {1, 2, 3, 4, 5, 6},
                                    .port = 7,
                                    .expires = INT64_C(1795600810000)};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct buf text = BUF_INIT(1000);
        struct relay_request again;
        request.secureon_length = lengths[i];
        request.broadcast.s_addr = i == 0 ? 0 : inet_addr("192.168.7.255");
        assert_int_equal(relay_write_request(&request, &text), 0);
        assert_int_equal(read_request(buf_text(&text), &again), 0);
        assert_string_equal(again.id, "erp-1");
        assert_memory_equal(again.mac, request.mac, 6);
        assert_int_equal(again.secureon_length, lengths[i]);
        assert_memory_equal(again.secureon, request.secureon, lengths[i]);
        assert_int_equal(again.broadcast.s_addr, request.broadcast.s_addr);
        assert_int_equal(again.port, 7);
        assert_int_equal(again.expires, request.expires);
        buf_finish(&text);
    }
}

static void test_the_words_of_an_order(void **state)
{
    const struct relay_request request = {
        .id = "a", .mac = {2, 0, 0, 0, 0, 1}, .port = 9, .expires = INT64_C(1795600810000)};
    struct buf text = BUF_INIT(1000);
    assert_int_equal(relay_write_request(&request, &text), 0);
    assert_string_equal(buf_text(&text),
                        "{\"id\":\"a\",\"mac\":\"02:00:00:00:00:01\",\"secureon\":null,"
                        "\"broadcast\":null,\"port\":9,\"expires\":\"2026-11-25T10:00:10Z\"}");
    buf_finish(&text);
}

static void test_bad_orders(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "the JSON cannot be read"},
        {"wake", "the JSON cannot be read"},
        {"[]", "the payload is array"},
        {"{" MAC "," EXPIRES "}", "\"id\""},
        {"{\"id\":\"\"," MAC "," EXPIRES "}", "\"id\""},
        {"{\"id\":7," MAC "," EXPIRES "}", "\"id\""},
        {"{\"id\":\"a\"," EXPIRES "}", "\"mac\""},
        {"{\"id\":\"a\",\"mac\":\"ff:ff:ff:ff:ff:ff\"," EXPIRES "}", "\"mac\""},
        {"{\"id\":\"a\",\"mac\":\"00:00:00:00:00:00\"," EXPIRES "}", "\"mac\""},
        {"{\"id\":\"a\",\"mac\":\"02:00:00:00:00\"," EXPIRES "}", "\"mac\""},
        {"{\"id\":\"a\"," MAC ",\"secureon\":\"1:2:3:4\"," EXPIRES "}", "\"secureon\""},
        {"{\"id\":\"a\"," MAC ",\"secureon\":\"11:22:33:44:55\"," EXPIRES "}", "\"secureon\""},
        {"{\"id\":\"a\"," MAC ",\"secureon\":5," EXPIRES "}", "\"secureon\""},
        {"{\"id\":\"a\"," MAC ",\"broadcast\":\"lan\"," EXPIRES "}", "\"broadcast\""},
        {"{\"id\":\"a\"," MAC ",\"broadcast\":\"224.0.0.1\"," EXPIRES "}", "\"broadcast\""},
        {"{\"id\":\"a\"," MAC ",\"broadcast\":\"0.0.0.0\"," EXPIRES "}", "\"broadcast\""},
        {"{\"id\":\"a\"," MAC ",\"port\":0," EXPIRES "}", "\"port\""},
        {"{\"id\":\"a\"," MAC ",\"port\":65536," EXPIRES "}", "\"port\""},
        {"{\"id\":\"a\"," MAC ",\"port\":\"9\"," EXPIRES "}", "\"port\""},
        {"{\"id\":\"a\"," MAC "}", "\"expires\""},
        {"{\"id\":\"a\"," MAC ",\"expires\":\"soon\"}", "\"expires\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct relay_request request;
        assert_int_equal(read_request(cases[i].text, &request), -EINVAL);
        if (strstr(reason, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].text, reason);
        assert_string_equal(request.id, strstr(cases[i].text, "\"a\"") != NULL ? "a" : "");
    }
}

static void test_a_result_reads_back(void **state)
{
    for (unsigned outcome = RELAY_DONE; outcome <= RELAY_FAILED; outcome++) {
        struct relay_result result = {.id = "x", .outcome = (enum relay_outcome)outcome}, again;
        struct buf text = BUF_INIT(1000);
        snprintf(result.reason, sizeof result.reason, "%s", outcome == RELAY_DONE ? "" : "why");
        assert_int_equal(relay_write_result(&result, &text), 0);
        assert_int_equal(relay_read_result(buf_text(&text), text.length, &again, reason), 0);
        assert_int_equal(again.outcome, outcome);
        assert_string_equal(again.reason, result.reason);
        buf_finish(&text);
    }
    struct relay_result result;
    static const char *const bad[] = {"", "{}", "{\"id\":\"x\"}",
                                      "{\"id\":\"x\",\"outcome\":\"sent\"}", "7"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(relay_read_result(bad[i], strlen(bad[i]), &result, reason), -EINVAL);
}

static void test_states(void **state)
{
    bool online = false;
    assert_int_equal(relay_read_state("online", 6, &online, reason), 0);
    assert_true(online);
    assert_int_equal(relay_read_state("offline", 7, &online, reason), 0);
    assert_false(online);
    assert_int_equal(relay_read_state("onlin", 5, &online, reason), -EINVAL);
    assert_int_equal(relay_read_state("", 0, &online, reason), -EINVAL);
}

/* ---- the guard ---- */

static struct relay_guard guard;
static struct now now;

static int fresh(void **state)
{
    guard = (struct relay_guard){.rate = 3};
    now = (struct now){.boot = 5000000, .wall = INT64_C(1795600800000)};
    return 0;
}

static int check(const char *id, int64_t lasts, bool retained)
{
    struct relay_request request = {.expires = now.wall + lasts};
    snprintf(request.id, sizeof request.id, "%s", id);
    return relay_guard_check(&guard, now, &request, retained, reason);
}

static void pass(int64_t ms)
{
    now.boot += ms;
    now.wall += ms;
}

static void test_late_and_retained_orders(void **state)
{
    assert_int_equal(check("a", 10000, true), -ESTALE);
    assert_int_equal(check("a", 0, false), -ESTALE);
    assert_int_equal(check("a", -1, false), -ESTALE);
    assert_int_equal(check("a", 1, false), 0); /* what was refused was not used up */
}

static void test_a_repeated_order(void **state)
{
    assert_int_equal(check("a", 10000, false), 0);
    assert_int_equal(check("a", 10000, false), -EALREADY);
    assert_int_equal(check("a", 60000, false), -EALREADY);
    assert_int_equal(check("b", 10000, false), 0);
    pass(9999);
    assert_int_equal(check("a", 5000, false), -EALREADY);
    pass(1);
    assert_int_equal(check("a", 5000, false), 0); /* that request has expired: its place is free */
}

static void test_a_flood(void **state)
{
    char id[16];
    unsigned obeyed = 0;
    for (unsigned i = 0; i < 1000; i++) { /* ten seconds, a hundred a second */
        snprintf(id, sizeof id, "f%u", i);
        obeyed += check(id, 10000, false) == 0;
        pass(10);
    }
    assert_in_range(obeyed, 3 + 29, 3 + 30);
    pass(1000);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(id, sizeof id, "g%u", i);
        assert_int_equal(check(id, 10000, false), 0);
    }
    assert_int_equal(check("h", 10000, false), -EBUSY);
    assert_string_equal(reason, "more than 3 packets a second");
}

/* Ids that may still come again are never forgotten. */
static void test_more_ids_than_can_be_kept(void **state)
{
    char id[16];
    guard.rate = RELAY_RATE_MAX;
    for (unsigned i = 0; i < RELAY_SEEN_MAX; i++) {
        snprintf(id, sizeof id, "k%u", i);
        assert_int_equal(check(id, 1000000, false), 0);
        pass(10);
    }
    assert_int_equal(check("one more", 1000000, false), -EBUSY);
    assert_int_equal(check("k0", 1000000, false), -EALREADY);
    pass(1000000);
    assert_int_equal(check("one more", 1000000, false), 0);
}

/* ---- the file ---- */

static void refused(const char *text, const char *lines)
{
    struct buf errors = BUF_INIT(10000);
    struct report report = {0};
    assert_null(document_parse(&config_relay_document, "F", text, strlen(text), &report));
    report_say(&report, CONFIG_ENGLISH, &errors);
    report_finish(&report);
    assert_string_equal(buf_text(&errors), lines);
    buf_finish(&errors);
}

static void test_the_file(void **state)
{
    static const char least[] = "{\"id\":\"attic\",\"mqtt\":{}}";
    static const char all[] =
        "{\"$schema\":\"x\",\"id\":\"attic\",\"mqtt\":{\"url\":\"mqtts://h\",\"username\":\"u\"},"
        "\"interface\":\"eth0\",\"raw\":true,\"packets_per_second\":2}";
    struct report report = {0};
    struct config_relay *config =
        document_parse(&config_relay_document, "F", least, strlen(least), &report);
    assert_non_null(config);
    assert_string_equal(config->head.mqtt.broker.username, "attic");
    assert_string_equal(config->head.mqtt.base_topic, "hall");
    assert_null(config->interface);
    assert_false(config->raw);
    assert_int_equal(config->rate, 10);
    document_free(&config->head);
    config = document_parse(&config_relay_document, "F", all, strlen(all), &report);
    assert_non_null(config);
    assert_string_equal(config->head.mqtt.broker.username, "u");
    assert_true(config->head.mqtt.broker.tls);
    assert_string_equal(config->interface, "eth0");
    assert_true(config->raw);
    assert_int_equal(config->rate, 2);
    document_free(&config->head);
    report_finish(&report);

    refused("{}", "F: /id: found nothing; allowed: an id of 1 to 64 characters a-z, 0-9, '_' and "
                  "'-'\nF: /mqtt: found nothing; allowed: an object\n");
    refused("{\"id\":\"a\",\"mqtt\":{},\"raw\":true}",
            "F: /interface: found nothing; allowed: the interface that frames leave by, as "
            "\"eth0\"; raw needs it\n");
    refused("{\"id\":\"a\",\"mqtt\":{},\"packets_per_second\":0}",
            "F: /packets_per_second: found 0; allowed: a whole number from 1 to 100\n");
    refused("{\"id\":\"a\",\"mqtt\":{\"password\":\"x\"}}",
            "F: /mqtt/password: found a secret; allowed: put it in HALL_MQTT_PASSWORD, in the "
            "environment file\n");
    refused("{", "F:1:2: the text ends where a key in double quotes is expected\n");
}

#define GUARD(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_reads_back),
        cmocka_unit_test(test_the_words_of_an_order),
        cmocka_unit_test(test_bad_orders),
        cmocka_unit_test(test_a_result_reads_back),
        cmocka_unit_test(test_states),
        GUARD(test_late_and_retained_orders),
        GUARD(test_a_repeated_order),
        GUARD(test_a_flood),
        GUARD(test_more_ids_than_can_be_kept),
        cmocka_unit_test(test_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
