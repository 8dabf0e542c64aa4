#include "bridges/agent/watch/link.h"

#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/array.h"
#include "loop/netlink.h"

/* A VLAN names what it stands on; the ports of a bridge or bond name their master. */
static const struct {
    const char *kind;
    bool stands_on_link;
} stacks[] = {
    {"vlan", true},    {"macvlan", true}, {"macvtap", true}, {"macsec", true},
    {"bridge", false}, {"bond", false},   {"team", false},
};

/* As it is written; what is too long or absent is "". */
static void read_text(const void *attributes, size_t left, uint16_t type, char *ret, size_t size)
{
    size_t found_size = 0;
    const char *found = netlink_attribute(attributes, left, type, 1, &found_size);
    const size_t length = found ? strnlen(found, found_size) : 0;
    ret[0] = '\0';
    if (length == 0 || length >= size)
        return;
    memcpy(ret, found, length);
    ret[length] = '\0';
}

static int read_number(const void *attributes, size_t left, uint16_t type)
{
    size_t size = 0;
    int number = 0;
    const void *found = netlink_attribute(attributes, left, type, sizeof(number), &size);
    if (found)
        memcpy(&number, found, sizeof(number));
    return number;
}

static bool read_mac(const void *attributes, size_t left, uint16_t type, uint8_t ret_mac[MAC_SIZE])
{
    static const uint8_t none[MAC_SIZE];
    size_t size = 0;
    const void *found = netlink_attribute(attributes, left, type, MAC_SIZE, &size);
    if (!found || size != MAC_SIZE || memcmp(found, none, MAC_SIZE) == 0)
        return false;
    memcpy(ret_mac, found, MAC_SIZE);
    return true;
}

static void classify(struct link *link, const void *attributes, size_t left)
{
    size_t size = 0;
    const void *info = netlink_attribute(attributes, left, IFLA_LINKINFO, 1, &size);
    size_t kind_size = 0;
    if (!info || !netlink_attribute(info, size, IFLA_INFO_KIND, 1, &kind_size))
        return;
    link->class = LINK_GUEST;
    read_text(info, size, IFLA_INFO_KIND, link->kind, sizeof(link->kind));
    for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
        if (strcmp(link->kind, stacks[i].kind) == 0) {
            link->class = LINK_STACK;
            link->below = stacks[i].stands_on_link ? read_number(attributes, left, IFLA_LINK) : 0;
        }
}

bool link_read(uint16_t type, const void *body, size_t size, struct link *ret_link)
{
    struct ifinfomsg message;
    struct link link = {0};
    if (type != RTM_NEWLINK || size < sizeof(message))
        return false;
    memcpy(&message, body, sizeof(message));
    const void *rest = (const char *)body + sizeof(message);
    const size_t left = size - sizeof(message);
    read_text(rest, left, IFLA_IFNAME, link.name, sizeof(link.name));
    if (link.name[0] == '\0')
        return false;
    link.index = message.ifi_index;
    link.master = read_number(rest, left, IFLA_MASTER);
    classify(&link, rest, left);
    if (message.ifi_type == ARPHRD_ETHER) {
        link.has_mac = read_mac(rest, left, IFLA_ADDRESS, link.mac);
        link.has_own = read_mac(rest, left, IFLA_PERM_ADDRESS, link.own);
    } else if (link.class == LINK_CARD) {
        link.class = LINK_GUEST;
    }
    *ret_link = link;
    return true;
}
