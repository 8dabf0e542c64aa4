/* Which cards are below an interface, and whose MACs are the machine's, from the kernel's messages.
 * The kernels that tests run on do not make every kind. */
#include <net/if.h>

#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "bridges/agent/watch/link.h"
#include "bridges/agent/watch/links.h"
#include "unit.h"

enum { MESSAGE_SIZE = 512 };

/* One interface of the machine that a test looks at. mac: its last byte; 0: none. */
struct row {
    int index;
    const char *name, *kind;
    int master, below;
    uint8_t mac, own;
};

static _Alignas(4) char message[MESSAGE_SIZE];
static size_t length;

static size_t align(size_t size)
{
    return (size + 3) / 4 * 4;
}

static void put(uint16_t type, const void *data, size_t size)
{
    const struct nlattr attribute = {.nla_len = (uint16_t)(sizeof(attribute) + size),
                                     .nla_type = type};
    memcpy(message + length, &attribute, sizeof(attribute));
    memcpy(message + length + sizeof(attribute), data, size);
    length += align(sizeof(attribute) + size);
}

static void put_mac(uint16_t type, uint8_t last)
{
    const uint8_t mac[MAC_SIZE] = {2, 0, 0, 0, 0, last};
    if (last > 0)
        put(type, mac, sizeof(mac));
}

static void put_kind(const char *kind)
{
    char inner[64] = {0};
    const size_t size = strlen(kind) + 1;
    const struct nlattr attribute = {.nla_len = (uint16_t)(sizeof(attribute) + size),
                                     .nla_type = IFLA_INFO_KIND};
    memcpy(inner, &attribute, sizeof(attribute));
    memcpy(inner + sizeof(attribute), kind, size);
    put(IFLA_LINKINFO | NLA_F_NESTED, inner, align(sizeof(attribute) + size));
}

static void write_message(const struct row *row)
{
    const struct ifinfomsg header = {.ifi_index = row->index,
                                     .ifi_type = strcmp(row->name, "lo") == 0 ? ARPHRD_LOOPBACK
                                                                              : ARPHRD_ETHER};
    memset(message, 0, sizeof(message));
    memcpy(message, &header, sizeof(header));
    length = sizeof(header);
    put(IFLA_IFNAME, row->name, strlen(row->name) + 1);
    put_mac(IFLA_ADDRESS, row->mac);
    put_mac(IFLA_PERM_ADDRESS, row->own);
    if (row->master > 0)
        put(IFLA_MASTER, &row->master, sizeof(row->master));
    if (row->below > 0)
        put(IFLA_LINK, &row->below, sizeof(row->below));
    if (row->kind)
        put_kind(row->kind);
}

static struct links *see(const struct row *rows, size_t n)
{
    struct links *links = NULL;
    assert_int_equal(links_create(&links), 0);
    for (size_t i = 0; i < n; i++) {
        write_message(&rows[i]);
        assert_true(links_take(links, RTM_NEWLINK, message, length));
    }
    return links;
}

/* A Proxmox host: two cards in a bond, a bridge on it, a VLAN on that; a guest and Docker. */
static const struct row proxmox[] = {
    {1, "lo", NULL, 0, 0, 0, 0},           {2, "eno1", NULL, 4, 0, 0x10, 0x10},
    {3, "eno2", NULL, 4, 0, 0x10, 0x20},   {4, "bond0", "bond", 5, 0, 0x10, 0},
    {5, "vmbr0", "bridge", 0, 0, 0x50, 0}, {6, "vmbr0.7", "vlan", 0, 5, 0x60, 0},
    {7, "tap100i0", "tun", 5, 0, 0x70, 0}, {8, "docker0", "bridge", 0, 0, 0x80, 0},
    {9, "veth1", "veth", 8, 33, 0x90, 0},  {10, "eno3", NULL, 0, 0, 0x30, 0x30},
};

static void check_cards(const struct row *rows, size_t n, const char *interface, const char *wanted)
{
    char cards[CARDS_MAX][IF_NAMESIZE], text[256] = "";
    struct links *links = see(rows, n);
    const size_t found = links_cards(links, interface, cards);
    for (size_t i = 0, used = 0; i < found; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "", cards[i]);
    assert_string_equal(text, wanted);
    links_destroy(links);
}

static void test_cards_below(void **state)
{
    static const struct {
        const char *interface, *cards;
    } rows[] = {
        {"vmbr0", "eno1 eno2"}, {"vmbr0.7", "eno1 eno2"}, {"bond0", "eno1 eno2"}, {"eno3", "eno3"},
        {"docker0", "veth1"},   {"tap100i0", "tap100i0"}, {"lo", "lo"},           {"eth9", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_cards(proxmox, ARRAY_SIZE(proxmox), rows[i].interface, rows[i].cards);
}

static void check_macs(const struct row *rows, size_t n, const char *interface,
                       const uint8_t *wanted, size_t n_wanted)
{
    uint8_t macs[MACS_MAX][MAC_SIZE];
    struct links *links = see(rows, n);
    assert_int_equal(links_macs(links, interface, macs), n_wanted);
    for (size_t i = 0; i < n_wanted; i++)
        assert_int_equal(macs[i][MAC_SIZE - 1], wanted[i]);
    links_destroy(links);
}

/* Those of its way to the network first, then those of other cards; never a guest's. */
static void test_macs(void **state)
{
    static const uint8_t by_vlan[] = {0x60, 0x50, 0x10, 0x20, 0x30};
    static const uint8_t by_card[] = {0x30, 0x10, 0x20}, by_none[] = {0x10, 0x20, 0x30};
    check_macs(proxmox, ARRAY_SIZE(proxmox), "vmbr0.7", by_vlan, ARRAY_SIZE(by_vlan));
    check_macs(proxmox, ARRAY_SIZE(proxmox), "eno3", by_card, ARRAY_SIZE(by_card));
    check_macs(proxmox, ARRAY_SIZE(proxmox), "eth9", by_none, ARRAY_SIZE(by_none));
}

/* Every kind that stands on others, by the one card below it. */
static void test_kinds(void **state)
{
    static const char *const on_link[] = {"vlan", "macvlan", "macvtap", "macsec"};
    static const char *const masters[] = {"bridge", "bond", "team"};
    for (size_t i = 0; i < ARRAY_SIZE(on_link); i++) {
        const struct row rows[] = {{2, "eno1", NULL, 0, 0, 1, 1},
                                   {3, "up0", on_link[i], 0, 2, 2, 0}};
        check_cards(rows, 2, "up0", "eno1");
    }
    for (size_t i = 0; i < ARRAY_SIZE(masters); i++) {
        const struct row rows[] = {{2, "eno1", NULL, 3, 0, 1, 1},
                                   {3, "up0", masters[i], 0, 0, 2, 0}};
        check_cards(rows, 2, "up0", "eno1");
    }
    const struct row tunnel[] = {{2, "eno1", NULL, 0, 0, 1, 1}, {3, "up0", "vxlan", 0, 2, 2, 0}};
    check_cards(tunnel, 2, "up0", "up0");
}

/* What stands on itself, or in a circle, ends the walk. */
static void test_circles(void **state)
{
    static const struct row rows[] = {
        {2, "a", "vlan", 0, 3, 1, 0}, {3, "b", "vlan", 0, 2, 2, 0}, {4, "c", "bridge", 4, 0, 3, 0}};
    char cards[CARDS_MAX][IF_NAMESIZE];
    uint8_t macs[MACS_MAX][MAC_SIZE];
    struct links *links = see(rows, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(links_cards(links, rows[i].name, cards) <= CARDS_MAX);
        assert_true(links_macs(links, rows[i].name, macs) <= MACS_MAX);
    }
    links_destroy(links);
}

static void test_many(void **state)
{
    char name[IF_NAMESIZE], cards[CARDS_MAX][IF_NAMESIZE];
    uint8_t macs[MACS_MAX][MAC_SIZE];
    struct links *links = NULL;
    size_t n = 0;
    assert_int_equal(links_create(&links), 0);
    for (bool more = true; more; n++) {
        snprintf(name, sizeof(name), "e%zu", n);
        write_message(&(struct row){(int)n + 2, name, NULL, n > 0 ? 2 : 0, 0, (uint8_t)n, 0});
        more = links_take(links, RTM_NEWLINK, message, length);
        assert_true(n < 100000);
    }
    assert_int_equal(links_cards(links, "e0", cards), CARDS_MAX);
    assert_int_equal(links_macs(links, "e0", macs), MACS_MAX);
    assert_false(links_take(links, RTM_NEWLINK, message, length));
    links_destroy(links);
}

/* Cut anywhere, a message is no interface or a part of one, and nothing is read behind its end. */
static void test_cut(void **state)
{
    struct link link;
    write_message(&proxmox[5]);
    for (size_t size = 0; size < length; size++) {
        char *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, message, size);
        (void)link_read(RTM_NEWLINK, copy, size, &link);
        free(copy);
    }
    assert_false(link_read(RTM_DELLINK, message, length, &link));
    assert_true(link_read(RTM_NEWLINK, message, length, &link));
    assert_string_equal(link.name, "vmbr0.7");
    assert_string_equal(link.kind, "vlan");
    assert_int_equal(link.below, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards_below), cmocka_unit_test(test_macs),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_circles),
        cmocka_unit_test(test_many),        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
