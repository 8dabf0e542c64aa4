/* Do the domains lead to this machine, and do the upstreams' names lead anywhere? */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "hallctl/doctor/facts.h"

/* ---- asking, all beside each other ---- */

static void ask(void *context, size_t i)
{
    struct dns_name *name = &((struct dns_facts *)context)->names[i];
    struct in_addr address = {0};

    if (name->answered)
        return;
    const int error = doctor_resolve(name->name, &address);

    name->error = error;
    name->address = address;
    name->is_here = error == 0 && doctor_is_here(address);
    __atomic_store_n(&name->answered, true, __ATOMIC_RELEASE);
}

/* Every resolver leads these to this machine (RFC 6761, section 6.3). */
static bool is_localhost(const char *name)
{
    const size_t length = strlen(name), tail = strlen(".localhost");

    return strcasecmp(name, "localhost") == 0 ||
           (length > tail && strcasecmp(name + length - tail, ".localhost") == 0);
}

static struct dns_name *add(struct dns_facts *facts, const char *name, size_t length,
                            const char *domain)
{
    struct dns_name *into = &facts->names[facts->n];

    if (facts->n == DOCTOR_NAMES || length >= sizeof(into->name))
        return NULL;
    memcpy(into->name, name, length);
    text_copy(into->domain, sizeof(into->domain), domain);
    for (size_t i = 0; i < facts->n; i++)
        if (strcmp(facts->names[i].name, into->name) == 0)
            return memset(into, 0, sizeof(*into)), NULL;
    if (is_localhost(into->name)) {
        into->address.s_addr = htonl(INADDR_LOOPBACK);
        into->is_here = into->answered = true;
    }
    facts->n++;
    return into;
}

static void list(const struct doctor *doctor, struct dns_facts *facts)
{
    const struct model *model = &doctor->config->model;

    for (size_t i = 0; i < model->n_domains; i++)
        add(facts, model->domains[i].name, strlen(model->domains[i].name), "");
    for (size_t i = 0; i < model->n_sites; i++) {
        struct model_upstream upstream;

        if (model_upstream(model, (int)i, &upstream) && !upstream.is_address)
            add(facts, upstream.host, upstream.host_length,
                model->domains[model->sites[i].domain].name);
    }
}

/* The first address of this machine that others can reach. */
static struct in_addr own_address(void)
{
    struct in_addr found = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct ifaddrs *links = NULL;

    if (getifaddrs(&links) < 0)
        return found;
    for (const struct ifaddrs *one = links; one; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
            (one->ifa_flags & IFF_LOOPBACK) == 0) {
            found = ((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
            break;
        }
    freeifaddrs(links);
    return found;
}

static void gather(const struct doctor *doctor, void *facts)
{
    struct dns_facts *into = facts;

    if (!doctor->config)
        return;
    into->here = own_address();
    list(doctor, into);
    doctor_beside(into->n, ask, into);
}

/* ---- judging ---- */

static void judge_name(const struct dns_name *name, const char *here, struct findings *findings)
{
    const char *why = name->answered ? gai_strerror(name->error) : "";
    const bool leads = name->answered && name->error == 0;
    char address[INET_ADDRSTRLEN] = "IPv6";

    if (name->address.s_addr != 0)
        inet_ntop(AF_INET, &name->address, address, sizeof(address));
    if (name->domain[0] != '\0') {
        if (!leads)
            findings_add(findings, DOCTOR_DNS_UPSTREAM, name->name, name->domain, why, NULL);
        return;
    }
    if (!leads)
        findings_add(findings, DOCTOR_DNS_UNRESOLVED, name->name, here, why, NULL);
    else
        findings_add(findings, name->is_here ? DOCTOR_DNS_GOOD : DOCTOR_DNS_ELSEWHERE, name->name,
                     address, NULL);
}

static void judge(const void *facts, struct findings *findings)
{
    const struct dns_facts *from = facts;
    char here[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &from->here, here, sizeof(here));
    for (size_t i = 0; i < from->n; i++)
        judge_name(&from->names[i], here, findings);
}

const struct doctor_check dns_check = {"names", sizeof(struct dns_facts), gather, judge};
