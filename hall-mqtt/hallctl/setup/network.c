#include "hallctl/setup/network.h"

#include <ifaddrs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "probe/neighbour.h"
#include "probe/stir.h"

enum {
    SCAN_MOST = 1024, /* addresses */
    LINE_SIZE = 256,
};

/* ---- interfaces ---- */

/* The interface of the default route with the least metric, by /proc/net/route (proc(5)). */
static void default_interface(char name[IF_NAMESIZE])
{
    FILE *file = fopen("/proc/net/route", "re");
    unsigned best = UINT32_MAX;
    char line[LINE_SIZE];

    name[0] = '\0';
    while (file && fgets(line, sizeof(line), file)) {
        char candidate[IF_NAMESIZE];
        unsigned destination, flags, metric, mask;

        /* The kernel wrote these numbers. NOLINTNEXTLINE(cert-err34-c) */
        if (sscanf(line, "%15s %x %*x %x %*d %*u %u %x", candidate, &destination, &flags, &metric,
                   &mask) == 5 &&
            destination == 0 && mask == 0 && (flags & 1) && metric < best) {
            best = metric;
            text_copy(name, IF_NAMESIZE, candidate);
        }
    }
    if (file)
        (void)fclose(file);
}

static struct in_addr v4_of(const struct sockaddr *address)
{
    struct sockaddr_in v4 = {0};

    if (address && address->sa_family == AF_INET)
        memcpy(&v4, address, sizeof(v4));
    return v4.sin_addr;
}

static void add_interface(struct setup_found *found, const struct ifaddrs *entry,
                          const char *preferred)
{
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET ||
        (entry->ifa_flags & IFF_LOOPBACK) || !(entry->ifa_flags & IFF_UP) ||
        found->n_interfaces == SETUP_INTERFACES_MAX)
        return;
    struct setup_interface *interface = &found->interfaces[found->n_interfaces++];
    text_copy(interface->name, sizeof(interface->name), entry->ifa_name);
    interface->address = v4_of(entry->ifa_addr);
    interface->mask = v4_of(entry->ifa_netmask);
    interface->broadcast.s_addr = interface->address.s_addr | ~interface->mask.s_addr;
    interface->is_default = strcmp(interface->name, preferred) == 0;
    if (interface->is_default) {
        const struct setup_interface first = found->interfaces[0];
        found->interfaces[0] = *interface;
        if (interface != &found->interfaces[0])
            *interface = first;
    }
}

static void find_neighbours(struct setup_found *found)
{
    struct neighbour *all = calloc(SETUP_NEIGHBOURS_MAX, sizeof(*all));
    struct neighbours *table = NULL;
    int n = 0;

    if (all && neighbours_create(&table) == 0)
        n = neighbours_list(table, all, SETUP_NEIGHBOURS_MAX);
    found->n_neighbours = 0;
    for (int i = 0; i < n && i < SETUP_NEIGHBOURS_MAX; i++) {
        struct setup_neighbour *one = &found->neighbours[found->n_neighbours++];
        one->address = all[i].address;
        memcpy(one->mac, all[i].mac, sizeof(one->mac));
    }
    neighbours_destroy(table);
    free(all);
}

void network_find(struct setup_found *found)
{
    char preferred[IF_NAMESIZE];
    struct ifaddrs *all = NULL;

    default_interface(preferred);
    if (getifaddrs(&all) == 0)
        for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next)
            add_interface(found, entry, preferred);
    freeifaddrs(all);
    find_neighbours(found);
}

const struct setup_interface *setup_interface_of(const struct setup_found *found,
                                                 struct in_addr address)
{
    for (size_t i = 0; i < found->n_interfaces; i++) {
        const struct setup_interface *one = &found->interfaces[i];
        if (((one->address.s_addr ^ address.s_addr) & one->mask.s_addr) == 0)
            return one;
    }
    return NULL;
}

const struct setup_interface *setup_interface_named(const struct setup_found *found,
                                                    const char *name)
{
    for (size_t i = 0; i < found->n_interfaces; i++)
        if (strcmp(found->interfaces[i].name, name) == 0)
            return &found->interfaces[i];
    return NULL;
}

/* ---- who answers ---- */

void network_scan(struct setup_found *found, const struct setup_interface *interface)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const uint32_t mask = ntohl(interface->mask.s_addr);
    const uint32_t n = ~mask;

    if (fd >= 0 && n < SCAN_MOST) {
        stir(fd, (ntohl(interface->address.s_addr) & mask) + 1, n > 0 ? n - 1 : 0);
        stir_pause(STIR_ANSWER_MS);
    }
    if (fd >= 0)
        (void)close(fd);
    find_neighbours(found);
}

static bool is_known(const struct setup_found *found, struct in_addr address)
{
    for (size_t i = 0; i < found->n_neighbours; i++)
        if (found->neighbours[i].address.s_addr == address.s_addr)
            return true;
    return false;
}

void setup_find_macs(struct setup_found *found, const struct setup_answers *answers)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct in_addr address;
    size_t missing = 0;

    for (size_t i = 0; fd >= 0 && i < answers->n_servers; i++)
        if (!answers->servers[i].mac && text_parse_ipv4(answers->servers[i].address, &address) == 0)
            stir(fd, ntohl(address.s_addr), 1);
    /* As soon as all are there; else as long as the kernel asks. */
    for (int waited = 0; fd >= 0 && waited < STIR_ANSWER_MS; waited += STIR_PAUSE_MS) {
        missing = 0;
        find_neighbours(found);
        for (size_t i = 0; i < answers->n_servers; i++)
            missing += !answers->servers[i].mac &&
                       text_parse_ipv4(answers->servers[i].address, &address) == 0 &&
                       setup_interface_of(found, address) && !is_known(found, address);
        if (missing == 0)
            break;
        stir_pause(STIR_PAUSE_MS);
    }
    if (fd >= 0)
        (void)close(fd);
}
