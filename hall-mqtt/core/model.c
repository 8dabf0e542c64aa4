#include "core/model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

/* Finds by bisection where an order by id is there, else one by one. */
static int find(size_t n, const int *order, const char *(*id_at)(const struct model *, int),
                const struct model *model, const char *id)
{
    size_t low = 0;
    size_t high = n;

    if (!order) {
        for (size_t i = 0; i < n; i++) {
            if (strcmp(id_at(model, (int)i), id) == 0)
                return (int)i;
        }
        return MODEL_NONE;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = strcmp(id, id_at(model, order[middle]));
        if (difference == 0)
            return order[middle];
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return MODEL_NONE;
}

static const char *server_id_at(const struct model *model, int index)
{
    return model->servers[index].id;
}

static const char *site_id_at(const struct model *model, int index)
{
    return model->sites[index].id;
}

int model_server_by_id(const struct model *model, const char *id)
{
    return find(model->n_servers, model->servers_by_id, server_id_at, model, id);
}

int model_project_by_id(const struct model *model, const char *id)
{
    if (model->projects_by_id)
        return find(model->n_projects, model->projects_by_id, site_id_at, model, id);
    for (size_t i = 0; i < model->n_sites; i++) {
        if (model->sites[i].is_project && strcmp(model->sites[i].id, id) == 0)
            return (int)i;
    }
    return MODEL_NONE;
}

/* Digits, leading zeros among them. 0: no port. */
static uint16_t port_at(const char *text)
{
    char *end;
    const unsigned long port = strtoul(text, &end, 10);

    return end != text && port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool model_upstream(const struct model *model, int site, struct model_upstream *ret_upstream)
{
    const struct model_site *of = &model->sites[site];
    const char *url =
        of->upstream ? of->upstream : model->sites[model->domains[of->domain].site].upstream;
    const char *host = url ? strstr(url, "://") : NULL;
    char address[INET_ADDRSTRLEN] = "";

    if (!host)
        return false;
    struct model_upstream upstream = {.host = host + 3};
    upstream.host_length = strcspn(upstream.host, ":/?#");
    if (upstream.host_length == 0)
        return false;
    const char *behind = upstream.host + upstream.host_length;
    const bool tls = strncasecmp(url, "https:", 6) == 0;
    upstream.port = *behind == ':' ? port_at(behind + 1) : tls ? 443 : 80;
    if (upstream.host_length < sizeof(address))
        memcpy(address, upstream.host, upstream.host_length);
    upstream.is_address = text_parse_ipv4(address, &upstream.address) == 0;
    if (upstream.port == 0)
        return false;
    *ret_upstream = upstream;
    return true;
}

/* The name in a Host header: without the port and without the dot a fully qualified name may end
 * with. */
static size_t host_name_length(const char *host)
{
    size_t length = strcspn(host, ":");
    return length > 1 && host[length - 1] == '.' ? length - 1 : length;
}

static int compare_host(const char *host, size_t length, const char *name)
{
    int difference = strncasecmp(host, name, length);
    return difference != 0 ? difference : name[length] == '\0' ? 0 : -1;
}

int model_domain_by_host(const struct model *model, const char *host)
{
    size_t length = host_name_length(host);
    size_t low = 0;
    size_t high = model->n_domains;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = compare_host(host, length, model->domains[middle].name);
        if (difference == 0)
            return (int)middle;
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return MODEL_NONE;
}

static bool path_is_within(const char *path, const char *parent)
{
    size_t length = strlen(parent);
    if (strncmp(path, parent, length) != 0)
        return false;
    return strcmp(parent, "/") == 0 || strchr("/?#", path[length]); /* or its end */
}

int model_site_for_path(const struct model *model, int domain, const char *path)
{
    const struct model_domain *of = &model->domains[domain];
    for (size_t i = 0; i < of->n_projects; i++) {
        if (path_is_within(path, model->sites[of->projects[i]].path))
            return of->projects[i];
    }
    return of->site;
}

static const char *const policy_modes[] = {
    [POLICY_ALWAYS_ON] = "always_on",
    [POLICY_SCHEDULED] = "scheduled",
    [POLICY_ON_DEMAND] = "on_demand",
};

bool model_has_mac(const struct model_server *server, const uint8_t mac[6])
{
    for (size_t i = 0; i < server->n_macs; i++)
        if (memcmp(server->macs[i], mac, sizeof(server->macs[i])) == 0)
            return true;
    return memcmp(server->mac, mac, sizeof(server->mac)) == 0;
}

const char *policy_mode_name(enum policy_mode mode)
{
    return policy_modes[mode];
}

bool policy_mode_from_name(const char *name, enum policy_mode *ret_mode)
{
    for (size_t i = 0; i < ARRAY_SIZE(policy_modes); i++) {
        if (strcmp(policy_modes[i], name) == 0) {
            *ret_mode = (enum policy_mode)i;
            return true;
        }
    }
    return false;
}

bool status_is_in(const struct status_range *ranges, size_t n, long status)
{
    for (size_t i = 0; i < n; i++)
        if (status >= ranges[i].low && status <= ranges[i].high)
            return true;
    return false;
}

const char *sleep_via_name(enum sleep_via via)
{
    static const char *const names[] = {
        [SLEEP_VIA_AGENT] = "agent",
        [SLEEP_VIA_SSH] = "ssh",
        [SLEEP_VIA_WEBHOOK] = "webhook",
        [SLEEP_VIA_NONE] = "none",
    };
    return names[via];
}

const char *sleep_mode_name(enum sleep_mode mode)
{
    static const char *const names[] = {
        [SLEEP_SUSPEND] = "suspend",
        [SLEEP_HIBERNATE] = "hibernate",
        [SLEEP_POWEROFF] = "poweroff",
    };
    return names[mode];
}

const char *check_kind_name(enum check_kind kind)
{
    static const char *const names[] = {
        [CHECK_PING] = "ping",
        [CHECK_TCP] = "tcp",
        [CHECK_HTTP] = "http",
        [CHECK_AGENT] = "agent",
    };
    return names[kind];
}

struct model_watts model_watts(const struct model_server *server)
{
    const bool has_on = server && server->watts_on >= 0;
    const bool has_asleep = server && server->watts_asleep >= 0;

    return (struct model_watts){
        .on = has_on ? server->watts_on : 45,
        .asleep = has_asleep ? server->watts_asleep : 2,
        .basis = !has_on || !has_asleep   ? "estimated"
                 : server->watts_measured ? "measured"
                                          : "configured",
    };
}

int model_site_by_id(const struct model *model, const char *id)
{
    const int project = model_project_by_id(model, id);
    const int domain = project == MODEL_NONE ? model_domain_by_host(model, id) : MODEL_NONE;

    return domain != MODEL_NONE ? model->domains[domain].site : project;
}

int model_site_in(const struct model *model, const struct model *from, int site)
{
    const struct model_site *was = &from->sites[site];
    const int domain = model_domain_by_host(model, from->domains[was->domain].name);

    if (was->is_project)
        return model_project_by_id(model, was->id);
    return domain != MODEL_NONE ? model->domains[domain].site : MODEL_NONE;
}
