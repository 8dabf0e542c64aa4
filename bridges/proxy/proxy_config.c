#include "bridges/proxy/proxy_config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "bridges/proxy/proxy_internal.h"

static const struct {
    const char *name;
    void (*write)(struct proxy_job *job);
} kinds[PROXY_KINDS] = {
    [PROXY_TRAEFIK] = {"traefik", proxy_write_traefik},
    [PROXY_CADDY] = {"caddy", proxy_write_caddy},
    [PROXY_NGINX] = {"nginx", proxy_write_nginx},
    [PROXY_HAPROXY] = {"haproxy", proxy_write_haproxy},
};

bool proxy_kind_from_name(const char *name, enum proxy_kind *ret_kind)
{
    for (int kind = 0; kind < PROXY_KINDS; kind++) {
        if (strcmp(kinds[kind].name, name) != 0)
            continue;
        *ret_kind = (enum proxy_kind)kind;
        return true;
    }
    return false;
}

struct proxy_target proxy_target(const char *url)
{
    const char *authority = strstr(url, "://") + 3;
    size_t length = strcspn(authority, "/?");
    const char *base = authority + length;
    size_t base_length = strcspn(base, "?");

    while (base_length > 0 && base[base_length - 1] == '/')
        base_length--;
    return (struct proxy_target){
        .origin = {url, (size_t)(base - url)},
        .authority = {authority, length},
        .base = {base, base_length},
    };
}

const struct proxy_header proxy_headers[] = {
    {"Accept", "accept"},
    {"Accept-Language", "accept_language"},
    {"User-Agent", "user_agent"},
    {"Origin", "origin"},
    {"Referer", "referer"},
    {"Sec-Fetch-Mode", "sec_fetch_mode"},
    {"Sec-Fetch-Dest", "sec_fetch_dest"},
    {"Sec-Fetch-Site", "sec_fetch_site"},
    {"Sec-Purpose", "sec_purpose"},
    {"Purpose", "purpose"},
    {"X-Moz", "x_moz"},
    {"Sec-WebSocket-Key", "sec_websocket_key"},
    {"Service-Worker", "service_worker"},
    {NULL, NULL},
};

int64_t proxy_hall_wait(const struct model_domain *domain)
{
    return PROXY_HALL_WAIT_S + (domain->access.hold + 999) / 1000;
}

bool proxy_put_fronts(struct proxy_job *job, const char *before, const char *after)
{
    const struct config_proxy *proxy = &job->config->proxy;
    char text[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < proxy->n_trusted; i++)
        buf_printf(job->out, "%s%s%s", before, cidr_format(&proxy->trusted[i], text), after);
    return proxy->n_trusted > 0;
}

const struct model_tls *proxy_tls(const struct model_site *site)
{
    const bool https = site->upstream && strncmp(site->upstream, "https://", 8) == 0;
    return https ? &site->tls : NULL;
}

bool proxy_is_h2c(const struct model_site *site)
{
    return site->upstream && strncmp(site->upstream, MODEL_H2C, strlen(MODEL_H2C)) == 0;
}

bool proxy_can_quote(const char *path)
{
    return !strpbrk(path, "\"\\{}");
}

bool proxy_tls_is_fit(struct proxy_job *job, const struct model_site *site)
{
    const struct model_tls *tls = proxy_tls(site);
    if (!tls || !tls->ca || proxy_can_quote(tls->ca))
        return true;
    buf_printf(job->errors,
               "%s %s: the path of its tls.ca has a quote, a backslash or a brace; choose another "
               "path\n",
               site->is_project ? "project" : "domain", site->id);
    return false;
}

void proxy_each_site(struct proxy_job *job, const struct model_domain *domain, proxy_site_fn *call)
{
    const struct model *model = &job->config->model;
    for (size_t i = 0; i < domain->n_projects; i++)
        call(job, domain, &model->sites[domain->projects[i]]);
    call(job, domain, &model->sites[domain->site]);
}

const struct model_site *proxy_lead(const struct proxy_job *job, const struct model_site *site)
{
    const struct model *model = &job->config->model;
    const struct model_site *own = &model->sites[model->domains[site->domain].site];
    if (site->upstream)
        return site;
    return own->upstream ? own : NULL;
}

const char *proxy_hall_url(const struct config *config, char out[PROXY_HALL_SIZE])
{
    const struct sockaddr_in *gateway = &config->http.gateway[0];
    char address[INET_ADDRSTRLEN];
    if (config->proxy.hall)
        return config->proxy.hall;
    if (gateway->sin_addr.s_addr == htonl(INADDR_ANY))
        strcpy(address, "127.0.0.1");
    else
        inet_ntop(AF_INET, &gateway->sin_addr, address, sizeof(address));
    snprintf(out, PROXY_HALL_SIZE, "http://%s:%u", address, ntohs(gateway->sin_port));
    return out;
}

int proxy_config_write(const struct config *config, const struct proxy_options *options,
                       struct buf *out, struct buf *errors)
{
    char hall[PROXY_HALL_SIZE];
    struct proxy_job job = {
        .config = config,
        .options = options,
        .hall = proxy_hall_url(config, hall),
        .tls = config->proxy.tls && !options->listen,
        .out = out,
        .errors = errors,
    };
    kinds[options->kind].write(&job);
    return errors->length > 0 ? -EINVAL : buf_error(out);
}
