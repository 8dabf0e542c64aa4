/* By which interface and to which address do magic packets leave? */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"

/* ---- looking ---- */

static struct in_addr address_of(const struct sockaddr *address)
{
    const struct sockaddr_in none = {0};
    const bool is_v4 = address && address->sa_family == AF_INET;

    return (is_v4 ? (const struct sockaddr_in *)(const void *)address : &none)->sin_addr;
}

/* Is the server on the network of this address of ours? */
static bool holds(const struct ifaddrs *one, struct in_addr server)
{
    const struct in_addr own = address_of(one->ifa_addr), mask = address_of(one->ifa_netmask);

    return own.s_addr != 0 && mask.s_addr != 0 &&
           (own.s_addr & mask.s_addr) == (server.s_addr & mask.s_addr);
}

static void look_at_link(const struct ifaddrs *one, struct network_server *server)
{
    const bool is_chosen = server->interface[0] != '\0';

    if (is_chosen && strcmp(one->ifa_name, server->interface) == 0) {
        server->missing = false;
        server->is_down = (one->ifa_flags & IFF_UP) == 0;
    }
    if (!holds(one, server->address) || server->right.s_addr != 0)
        return;
    server->right = address_of(one->ifa_broadaddr);
    if (!is_chosen) {
        text_copy(server->interface, sizeof(server->interface), one->ifa_name);
        server->missing = false;
        server->is_down = (one->ifa_flags & IFF_UP) == 0;
    }
}

static void look(const struct model_server *server, const struct ifaddrs *links,
                 struct network_server *into)
{
    text_copy(into->id, sizeof(into->id), server->id);
    text_copy(into->relay, sizeof(into->relay), server->wake.relay ? server->wake.relay : "");
    text_copy(into->interface, sizeof(into->interface),
              server->wake.interface ? server->wake.interface : "");
    into->address = server->address;
    into->broadcast = server->wake.broadcast;
    into->loopback = server->loopback;
    into->missing = into->interface[0] != '\0';
    for (const struct ifaddrs *one = links; one; one = one->ifa_next)
        look_at_link(one, into);
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct network_facts *into = facts;
    struct ifaddrs *links = NULL;

    text_copy(into->file, sizeof(into->file), doctor->file);
    if (!doctor->config || getifaddrs(&links) < 0)
        return;
    for (size_t i = 0; i < doctor->config->model.n_servers && into->n < DOCTOR_SERVERS; i++)
        if (hallctl_names(doctor->call, doctor->config->model.servers[i].id))
            look(&doctor->config->model.servers[i], links, &into->servers[into->n++]);
    freeifaddrs(links);
}

/* ---- judging ---- */

static void judge_server(const struct network_server *server, const char *file,
                         struct findings *findings)
{
    const bool is_limited = server->broadcast.s_addr == htonl(INADDR_BROADCAST);
    char address[INET_ADDRSTRLEN] = "", broadcast[INET_ADDRSTRLEN] = "",
         right[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &server->address, address, sizeof(address));
    inet_ntop(AF_INET, &server->broadcast, broadcast, sizeof(broadcast));
    inet_ntop(AF_INET, &server->right, right, sizeof(right));
    if (server->relay[0] != '\0')
        findings_add(findings, DOCTOR_NETWORK_RELAY, server->id, server->relay, NULL);
    else if (server->missing)
        findings_add(findings, DOCTOR_NETWORK_NO_INTERFACE, server->id, server->interface, file,
                     NULL);
    else if (server->is_down)
        findings_add(findings, DOCTOR_NETWORK_DOWN, server->id, server->interface, NULL);
    else if (server->right.s_addr == 0 && !server->loopback)
        findings_add(findings, DOCTOR_NETWORK_FAR, server->id, address, file, NULL);
    else if (!server->loopback && !is_limited && server->broadcast.s_addr != server->right.s_addr)
        findings_add(findings, DOCTOR_NETWORK_BROADCAST, server->id, broadcast, right, file, NULL);
    else
        findings_add(findings, DOCTOR_NETWORK_GOOD, server->id,
                     server->interface[0] != '\0' ? server->interface : "lo", broadcast, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct network_facts *from = facts;

    for (size_t i = 0; i < from->n; i++)
        judge_server(&from->servers[i], from->file, findings);
}

const struct doctor_check network_check = {"network", sizeof(struct network_facts), gather, judge};
