#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "unit.h"

static struct address parse(const char *text)
{
    struct address address;
    if (address_parse(text, &address) != 0)
        fail_msg("%s", text);
    return address;
}

/* Every number at every place, as the C library writes it. */
static void every_number_of_an_ipv4_address(void **state)
{
    char out[ADDRESS_TEXT_SIZE];
    char expected[INET_ADDRSTRLEN];
    (void)state;
    for (uint32_t number = 0; number < 256; number++) {
        struct in_addr v4 = {
            htonl(number << 24 | (255 - number) << 16 | (number ^ 0x55) << 8 | (number * 7 & 255))};
        inet_ntop(AF_INET, &v4, expected, sizeof(expected));
        assert_string_equal(address_format(address_v4(v4), out), expected);
    }
}

static void one_address_in_many_words(void **state)
{
    static const struct {
        const char *text, *shown;
        bool v4;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::FFFF:c000:201", "192.0.2.1", true},
        {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1", true},
        {"::1", "127.0.0.1", true},
        {"0.0.0.0", "0.0.0.0", true},
        {"2001:0DB8:0::1", "2001:db8::1", false},
        {"::192.0.2.1", "::192.0.2.1", false},
        {"64:ff9b::c000:201", "64:ff9b::c000:201", false},
        {"2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666", false},
    };
    static const char *const bad[] = {
        "",          "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "[::1]",           "::1%lo",
        "fe80::1%1", ":::",   "1::2::3",   "g::1",     "::ffff:1.2.3.256"};
    struct address address;
    char out[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        address = parse(cases[i].text);
        assert_string_equal(address_format(address, out), cases[i].shown);
        assert_int_equal(address_is_v4(address), cases[i].v4);
        assert_true(address_equal(address, parse(cases[i].shown)));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(address_parse(bad[i], &address), -EINVAL);
    assert_true(address_is_none(parse("::")));
    assert_string_equal(address_format(parse("::"), out), "");
    assert_int_equal(ntohl(address_to_v4(parse("::ffff:10.0.0.1")).s_addr), 0x0a000001);
    assert_true(address_equal(address_v4((struct in_addr){htonl(0x0a000001)}), v4(0x0a000001)));
}

/* A household has a /64 and as many addresses as it likes. */
static void whom_an_address_counts_as(void **state)
{
    static const struct {
        const char *text, *client;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"},
        {"2001:db8:0:1::", "2001:db8:0:1::/64"},
        {"2001:db8:aaaa:bbbb:ffff:ffff:ffff:ffff", "2001:db8:aaaa:bbbb::/64"},
    };
    char out[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(address_format_client(parse(cases[i].text), out), cases[i].client);
        assert_string_equal(address_format_client(address_client(parse(cases[i].text)), out),
                            cases[i].client);
    }
    assert_true(
        address_equal(address_client(parse("2001:db8::1")), address_client(parse("2001:db8::2"))));
    assert_false(address_equal(address_client(parse("2001:db8::1")),
                               address_client(parse("2001:db8:0:1::1"))));
    assert_string_equal(address_format_client((struct address){{0}}, out), "");
}

static bool contains(const char *range, const char *address)
{
    struct cidr cidr;
    if (cidr_parse(range, &cidr) != 0)
        fail_msg("%s", range);
    return cidr_contains(&cidr, parse(address));
}

static void a_range_as_text(void **state)
{
    static const struct {
        const char *range, *shown;
    } cases[] = {
        {"192.168.1.0/24", "192.168.1.0/24"},
        {"10.0.0.1", "10.0.0.1/32"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"2001:DB8::/32", "2001:db8::/32"},
        {"2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:6666/128"},
        {"0.0.0.0/0", "::/0"},
        {"::/0", "::/0"},
        {"::ffff:0.0.0.0/96", "0.0.0.0/0"}};
    struct cidr range;
    char out[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(cidr_parse(cases[i].range, &range), 0);
        assert_string_equal(cidr_format(&range, out), cases[i].shown);
    }
}

static void what_is_in_a_range(void **state)
{
    static const struct {
        const char *range, *inside, *outside; /* NULL: there is none */
    } cases[] = {
        {"192.168.1.0/24", "192.168.1.255", "192.168.2.0"},
        {"192.168.1.0/24", "::ffff:192.168.1.1", "::192.168.1.1"},
        {"10.0.0.1", "10.0.0.1", "10.0.0.2"},
        {"10.0.0.1/32", "10.0.0.1", "::a00:1"},
        {"128.0.0.0/1", "255.0.0.0", "127.0.0.1"},
        {"0.0.0.0/0", "8.8.8.8", NULL},
        {"0.0.0.0/0", "2001:db8::1", NULL},
        {"::/0", "8.8.8.8", NULL},
        {"::/0", "2001:db8::1", NULL},
        {"::ffff:0.0.0.0/96", "8.8.8.8", "2001:db8::1"},
        {"::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"},
        {"2000::/3", "2001:db8::1", "8.8.8.8"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"2001:db8::1/128", "2001:DB8:0::1", "2001:db8::"},
        {"2001:db8::2/127", "2001:db8::3", "2001:db8::1"},
        {"fe80::/10", "febf::1", "fec0::1"},
        {"::1", "127.0.0.1", "127.0.0.2"},
    };
    static const char *const bad[] = {"",
                                      "/24",
                                      "192.168.1.0/",
                                      "192.168.1.0/33",
                                      "192.168.1.1/24",
                                      "192.168.1.0/-1",
                                      "192.168.1.0/024",
                                      "2001:db8::/032",
                                      "192.168.1.0/24/8",
                                      "192.168.1/24",
                                      "1.2.3.4/0",
                                      "2001:db8::1/64",
                                      "2001:db8::/129",
                                      "2001:db8::/",
                                      "2001:db8::/0128",
                                      "::1/0",
                                      "[::1]/128",
                                      "::1%lo",
                                      "2001:db8::/32x",
                                      "::1/64",
                                      "x"};
    struct cidr range;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (!contains(cases[i].range, cases[i].inside))
            fail_msg("%s has %s", cases[i].range, cases[i].inside);
        if (cases[i].outside && contains(cases[i].range, cases[i].outside))
            fail_msg("%s has not %s", cases[i].range, cases[i].outside);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (cidr_parse(bad[i], &range) != -EINVAL)
            fail_msg("\"%s\" is a range", bad[i]);
    assert_true(cidr_contains(&(struct cidr){.bits = 0}, parse("2001:db8::1")));
    assert_int_equal(cidr_parse("0.0.0.0/0", &range), 0);
    assert_true(cidr_is_everyone(&range));
    assert_int_equal(cidr_parse("::/1", &range), 0);
    assert_false(cidr_is_everyone(&range));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_an_ipv4_address),
        cmocka_unit_test(one_address_in_many_words),
        cmocka_unit_test(whom_an_address_counts_as),
        cmocka_unit_test(a_range_as_text),
        cmocka_unit_test(what_is_in_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
