#include "base/array.h"
#include "base/text.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void test_utf8(void **state)
{
    static const char *const good[] = {
        "",
        "abc",
        "caf\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",
        "\xc3",
        "\xc3(",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xe2\x82",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xf0\x9f\x98",
        "a\xfe",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    assert_false(text_is_utf8("a\0b", 3));
    assert_int_equal(text_utf8_step("\xe2\x82\xac", 2), 0);
    assert_int_equal(text_utf8_step("\xe2\x82\xac", 3), 3);
    assert_int_equal(text_utf8_step("a", 0), 0);
}

static void test_slug(void **state)
{
    char longest[66];
    memset(longest, 'a', sizeof longest);
    longest[65] = '\0';
    assert_false(text_is_slug(longest));
    longest[64] = '\0';
    assert_true(text_is_slug(longest));
    assert_true(text_is_slug("a-b_9"));
    assert_false(text_is_slug(""));
    assert_false(text_is_slug("A"));
    assert_false(text_is_slug("a/b"));
    assert_false(text_is_slug("a\n"));
    assert_false(text_is_slug("\xc3\xa9"));
}

static void test_small_predicates(void **state)
{
    assert_true(text_has_control("a\x1b[0m"));
    assert_true(text_has_control("\x7f"));
    assert_false(text_has_control("caf\xc3\xa9 "));
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal("a", NULL));
    assert_false(text_equal(NULL, "a"));
    assert_true(text_equal("a", "a"));
    assert_false(text_equal("a", "b"));
}

static void test_copy_never_cuts_a_character(void **state)
{
    char out[6];
    assert_string_equal(text_copy(out, sizeof out, "abc"), "abc");
    assert_string_equal(text_copy(out, sizeof out, "abcde"), "abcde");
    assert_string_equal(text_copy(out, sizeof out, "abcdef"), "abcde");
    assert_string_equal(text_copy(out, sizeof out, "abcd\xc3\xa9"), "abcd");
    assert_string_equal(text_copy(out, sizeof out, "abc\xc3\xa9"), "abc\xc3\xa9");
    assert_string_equal(text_copy(out, sizeof out, "abc\xe2\x82\xac"), "abc");
    assert_string_equal(text_copy(out, sizeof out, "a\xf0\x9f\x98\x80z"), "a\xf0\x9f\x98\x80");
    assert_string_equal(text_copy(out, 1, "abc"), "");
    out[0] = 'x';
    text_copy(out, 0, "abc");
    assert_int_equal(out[0], 'x');
}

static void test_show(void **state)
{
    char out[12];
    assert_string_equal(text_show(out, sizeof out, "plain", 5), "plain");
    assert_string_equal(text_show(out, sizeof out, "a\nb\x1b", 4), "a?b?");
    assert_string_equal(text_show(out, sizeof out, "a\xff\0z", 4), "a??z");
    assert_string_equal(text_show(out, sizeof out, "a\xc2\x9bz", 4), "a?z");
    assert_string_equal(text_show(out, sizeof out, "a\xe2\x80\xaez", 5), "a?z"); /* U+202E */
    assert_string_equal(text_show(out, sizeof out, "\xe2\x80\xa8\xe2\x81\xa6", 6), "??");
    assert_string_equal(text_show(out, sizeof out, "\xe2\x80\xa6", 3), "\xe2\x80\xa6");
    assert_string_equal(text_show(out, sizeof out, "12345678901", 11), "12345678901");
    assert_string_equal(text_show(out, sizeof out, "123456789012", 12), "12345678...");
    assert_string_equal(text_show(out, sizeof out, "1234567\xc3\xa9zzzz", 13), "1234567...");
    assert_string_equal(text_show(out, 3, "abcdef", 6), "..");
    assert_string_equal(text_show(out, 1, "abcdef", 6), "");
}

static void test_mac(void **state)
{
    uint8_t mac[6] = {0};
    char out[MAC_TEXT_SIZE];
    static const char *const bad[] = {
        "",
        "aa:bb:cc:dd:ee",
        "aa:bb:cc:dd:ee:f",
        "aa:bb:cc:dd:ee:ffa",
        "aa:bb:cc:dd:ee-ff",
        "aabb:cc:dd:ee:ff:",
        "ag:bb:cc:dd:ee:ff",
        "aa.bb.cc.dd.ee.ff",
        "aabbccddeeff",
    };
    assert_int_equal(text_parse_mac("AA:bb:0C:dd:Ee:f1", mac), 0);
    assert_string_equal(text_format_mac(mac, out), "aa:bb:0c:dd:ee:f1");
    assert_int_equal(text_parse_mac("aa-bb-cc-dd-ee-ff", mac), 0);
    assert_string_equal(text_format_mac(mac, out), "aa:bb:cc:dd:ee:ff");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(text_parse_mac(bad[i], mac), -EINVAL);
    assert_string_equal(text_format_mac(mac, out), "aa:bb:cc:dd:ee:ff");
}

static void test_ipv4(void **state)
{
    struct in_addr address = {0};
    static const char *const bad[] = {
        "",         "1",        "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
        " 1.2.3.4", "1.2.3.4 ", "::1",   "localhost", "0x1.2.3.4", "1.2.3.-4",
    };
    assert_int_equal(text_parse_ipv4("192.168.1.20", &address), 0);
    assert_int_equal(ntohl(address.s_addr), 0xc0a80114);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(text_parse_ipv4(bad[i], &address), -EINVAL);
}

static void test_endpoint(void **state)
{
    struct sockaddr_in address = {0};
    static const char *const bad[] = {
        "",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:80x",
        "127.0.0.1:80:80",
        "localhost:80",
        "127.0.0.1:000080",
        "1111111111111111111:80",
    };
    assert_int_equal(text_parse_endpoint("127.0.0.1:8880", &address), 0);
    assert_int_equal(address.sin_family, AF_INET);
    assert_int_equal(ntohs(address.sin_port), 8880);
    assert_int_equal(ntohl(address.sin_addr.s_addr), 0x7f000001);
    assert_int_equal(text_parse_endpoint("0.0.0.0:0", &address), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(text_parse_endpoint(bad[i], &address), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_slug),
        cmocka_unit_test(test_small_predicates),
        cmocka_unit_test(test_copy_never_cuts_a_character),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
