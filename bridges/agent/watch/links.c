#include "bridges/agent/watch/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "bridges/agent/watch/link.h"
#include "loop/netlink.h"

enum { LINKS_MAX = 512, DEPTH_MAX = 8 };

struct links {
    struct netlink *netlink;
    size_t n;
    struct link list[LINKS_MAX];
};

/* ---- what the kernel lists ---- */

bool links_take(void *context, uint16_t type, const void *body, size_t size)
{
    struct links *links = context;
    if (links->n < LINKS_MAX && link_read(type, body, size, &links->list[links->n]))
        links->n++;
    return links->n < LINKS_MAX;
}

void links_look(struct links *links)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
    } request = {.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK},
                 .body = {.ifi_family = AF_UNSPEC}};
    links->n = 0;
    (void)netlink_dump(links->netlink, &request.header, links_take, links);
}

/* ---- what stands on what ---- */

typedef void link_visit(void *context, const struct link *link);

static bool stands_on(const struct link *upper, const struct link *lower)
{
    return lower->master == upper->index || upper->below == lower->index;
}

/* Those at the bottom, or all on the way. */
static void walk(const struct links *links, const struct link *from, unsigned depth, bool all,
                 link_visit *visit, void *context)
{
    bool is_bottom = true;
    if (all)
        visit(context, from);
    for (size_t i = 0; i < links->n && depth < DEPTH_MAX; i++)
        if (&links->list[i] != from && stands_on(from, &links->list[i])) {
            is_bottom = false;
            walk(links, &links->list[i], depth + 1, all, visit, context);
        }
    if (is_bottom && !all)
        visit(context, from);
}

static const struct link *find(const struct links *links, const char *name)
{
    for (size_t i = 0; i < links->n; i++)
        if (strcmp(links->list[i].name, name) == 0)
            return &links->list[i];
    return NULL;
}

struct cards {
    bool guests;
    size_t n;
    char (*list)[IF_NAMESIZE];
};

static void add_card(void *context, const struct link *link)
{
    struct cards *cards = context;
    if (link->class == LINK_STACK || (link->class == LINK_GUEST && !cards->guests))
        return;
    for (size_t i = 0; i < cards->n && i < CARDS_MAX; i++)
        if (strcmp(cards->list[i], link->name) == 0)
            return;
    if (cards->n < CARDS_MAX)
        memcpy(cards->list[cards->n], link->name, IF_NAMESIZE);
    cards->n++;
}

/* Those of guests count where there is nothing else: in a container they are the cards. */
size_t links_cards(const struct links *links, const char *interface,
                   char ret_cards[CARDS_MAX][IF_NAMESIZE])
{
    const struct link *from = find(links, interface);
    struct cards cards = {.list = ret_cards};
    if (!from)
        return 0;
    walk(links, from, 0, false, add_card, &cards);
    if (cards.n == 0) {
        cards.guests = true;
        walk(links, from, 0, false, add_card, &cards);
    }
    if (cards.n == 0)
        memcpy(ret_cards[cards.n++], from->name, IF_NAMESIZE);
    return cards.n < CARDS_MAX ? cards.n : CARDS_MAX;
}

struct found_macs {
    const struct link *from;
    size_t n;
    uint8_t (*list)[MAC_SIZE];
};

static void add_mac(struct found_macs *macs, const uint8_t mac[MAC_SIZE])
{
    for (size_t i = 0; i < macs->n; i++)
        if (memcmp(macs->list[i], mac, MAC_SIZE) == 0)
            return;
    if (macs->n < MACS_MAX)
        memcpy(macs->list[macs->n++], mac, MAC_SIZE);
}

static void add_macs(void *context, const struct link *link)
{
    struct found_macs *macs = context;
    if (link->class == LINK_GUEST && link != macs->from)
        return;
    if (link->has_mac)
        add_mac(macs, link->mac);
    if (link->has_own)
        add_mac(macs, link->own);
}

size_t links_macs(const struct links *links, const char *interface,
                  uint8_t ret_macs[MACS_MAX][MAC_SIZE])
{
    struct found_macs macs = {.from = find(links, interface), .list = ret_macs};
    if (macs.from)
        walk(links, macs.from, 0, true, add_macs, &macs);
    for (size_t i = 0; i < links->n; i++)
        if (links->list[i].class == LINK_CARD)
            add_macs(&macs, &links->list[i]);
    return macs.n;
}

/* ---- life ---- */

int links_create(struct links **ret_links)
{
    struct links *links = calloc(1, sizeof(*links));
    const int error = links ? netlink_create(NETLINK_ROUTE, &links->netlink) : -ENOMEM;
    if (error < 0) {
        free(links);
        return error;
    }
    *ret_links = links;
    return 0;
}

void links_destroy(struct links *links)
{
    if (links)
        netlink_destroy(links->netlink);
    free(links);
}
