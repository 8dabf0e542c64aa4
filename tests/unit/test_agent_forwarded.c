/* What connection tracking tells of forwarded connections, and messages that lie. */
#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridges/agent/watch/forwarded.h"
#include "unit.h"

/* A message under construction; nests are closed in reverse. */
static _Alignas(4) char message[1024];
static size_t length;

static struct nlattr *put(uint16_t type, const void *data, size_t size)
{
    struct nlattr *attribute = (void *)(message + length);
    *attribute =
        (struct nlattr){.nla_len = (uint16_t)(sizeof(struct nlattr) + size), .nla_type = type};
    if (size > 0)
        memcpy(attribute + 1, data, size);
    length += (size_t)NLA_ALIGN(attribute->nla_len);
    return attribute;
}

static void end(struct nlattr *nest)
{
    nest->nla_len = (uint16_t)(message + length - (char *)nest);
    nest->nla_type |= NLA_F_NESTED;
}

static void put_be32(uint16_t type, uint32_t value)
{
    const uint32_t wire = htobe32(value);
    put(type, &wire, sizeof wire);
}

static void put_counters(uint16_t type, uint64_t packets, uint64_t bytes)
{
    const uint64_t wire[] = {htobe64(packets), htobe64(bytes)};
    struct nlattr *nest = put(type, NULL, 0);
    put(CTA_COUNTERS_PACKETS, &wire[0], sizeof wire[0]);
    put(CTA_COUNTERS_BYTES, &wire[1], sizeof wire[1]);
    end(nest);
}

static void put_tuple(const char *from, const char *to, uint8_t protocol)
{
    const uint16_t ports[] = {htobe16(50000), htobe16(8080)};
    const int family = strchr(from, ':') ? AF_INET6 : AF_INET;
    const size_t size = family == AF_INET ? 4 : 16;
    struct in6_addr addresses[2];
    assert_int_equal(inet_pton(family, from, &addresses[0]), 1);
    assert_int_equal(inet_pton(family, to, &addresses[1]), 1);
    struct nlattr *tuple = put(CTA_TUPLE_ORIG, NULL, 0), *ip = put(CTA_TUPLE_IP, NULL, 0);
    put(family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, &addresses[0], size);
    put(family == AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST, &addresses[1], size);
    end(ip);
    struct nlattr *proto = put(CTA_TUPLE_PROTO, NULL, 0);
    put(CTA_PROTO_NUM, &protocol, 1);
    put(CTA_PROTO_SRC_PORT, &ports[0], 2);
    put(CTA_PROTO_DST_PORT, &ports[1], 2);
    end(proto);
    end(tuple);
}

static void put_state(uint8_t state)
{
    struct nlattr *info = put(CTA_PROTOINFO, NULL, 0), *tcp = put(CTA_PROTOINFO_TCP, NULL, 0);
    put(CTA_PROTOINFO_TCP_STATE, &state, 1);
    end(tcp);
    end(info);
}

static void build(const char *from, const char *to, uint8_t protocol, uint32_t status)
{
    length = NLMSG_ALIGN(sizeof(struct nfgenmsg));
    memset(message, 0, sizeof message);
    put_tuple(from, to, protocol);
    put_be32(CTA_STATUS, status);
    put_state(TCP_CONNTRACK_ESTABLISHED);
    put_be32(CTA_TIMEOUT, 431990);
    put_be32(CTA_ID, 7);
}

static bool reads(struct forwarded_flow *flow)
{
    /* On the heap, so that a sanitizer sees each byte too many. */
    char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, message, length);
    const bool read = forwarded_read(copy, length, flow);
    free(copy);
    return read;
}

static void test_a_published_port(void **state)
{
    struct forwarded_flow flow;
    char shown[INET6_ADDRSTRLEN];
    build("192.0.2.7", "192.168.1.20", IPPROTO_TCP, IPS_DST_NAT | IPS_SEEN_REPLY);
    assert_true(reads(&flow));
    assert_string_equal(inet_ntop(AF_INET6, &flow.from, shown, sizeof shown), "::ffff:192.0.2.7");
    assert_string_equal(inet_ntop(AF_INET6, &flow.to, shown, sizeof shown), "::ffff:192.168.1.20");
    assert_int_equal(flow.port, 8080);
    assert_int_equal(flow.timeout_s, 431990);
    assert_true(flow.open && !flow.counted);
    put_counters(CTA_COUNTERS_ORIG, 10, 10 * 52);
    put_counters(CTA_COUNTERS_REPLY, 10, 10 * 52 + 1000);
    assert_true(reads(&flow));
    assert_true(flow.counted);
    assert_int_equal(flow.bytes, 1000);
    build("2001:db8::7", "2001:db8::20", IPPROTO_TCP, IPS_DST_NAT);
    put_counters(CTA_COUNTERS_ORIG, 1, 72 + 5);
    put_counters(CTA_COUNTERS_REPLY, UINT64_MAX, UINT64_MAX); /* is not believed */
    assert_true(reads(&flow));
    assert_int_equal(flow.bytes, 5);
}

static void test_what_is_not_forwarded(void **state)
{
    struct forwarded_flow flow;
    build("192.0.2.7", "192.168.1.20", IPPROTO_TCP, IPS_SEEN_REPLY | IPS_SRC_NAT);
    assert_false(reads(&flow));
    build("192.0.2.7", "192.168.1.20", IPPROTO_UDP, IPS_DST_NAT);
    assert_false(reads(&flow));
    build("192.0.2.7", "192.168.1.20", IPPROTO_TCP, IPS_DST_NAT);
    put_state(TCP_CONNTRACK_TIME_WAIT); /* the first counts */
    assert_true(reads(&flow) && flow.open);
}

static void test_cut_anywhere(void **state)
{
    struct forwarded_flow flow;
    build("192.0.2.7", "192.168.1.20", IPPROTO_TCP, IPS_DST_NAT);
    put_counters(CTA_COUNTERS_ORIG, 1, 100);
    for (const size_t whole = length; length > 0; length--)
        if (length < whole)
            (void)reads(&flow);
    for (size_t i = 0; i < sizeof message; i += 2) {
        build("192.0.2.7", "192.168.1.20", IPPROTO_TCP, IPS_DST_NAT);
        if (i >= length)
            break;
        message[i] = (char)0xff; /* a length, a type, or a value */
        (void)reads(&flow);
    }
}

static void test_the_age_of_the_last_packet(void **state)
{
    struct forwarded *forwarded;
    assert_int_equal(forwarded_create(&forwarded), 0);
    /* An answer is missing: the kernel forgets it after 300 s. */
    assert_int_equal(forwarded_silent_s(forwarded, &(struct forwarded_flow){.timeout_s = 290}), 9);
    assert_int_equal(forwarded_silent_s(forwarded, &(struct forwarded_flow){.timeout_s = 300}), 0);
    assert_int_equal(forwarded_silent_s(forwarded, &(struct forwarded_flow){.timeout_s = -1}), 0);
    forwarded_destroy(forwarded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_published_port),
        cmocka_unit_test(test_what_is_not_forwarded),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_the_age_of_the_last_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
