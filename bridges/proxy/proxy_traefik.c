/* Traefik's dynamic configuration (https://doc.traefik.io/traefik/, "Routing & Load Balancing"), as
 * JSON: what its HTTP provider takes, and YAML as well. Names: Hall's own begin with "hall", those
 * of sites with what they are, so that no two are the same. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "bridges/proxy/proxy_internal.h"

/* With fail_open: the entry point where Traefik itself answers. */
#define OPEN_URL "http://127.0.0.1:8891"

enum { NAME_SIZE = 320, RULE_SIZE = 1024 };

/* The names of one site's router, service and middlewares. */
static const char *name_of(const char *what, const struct model_site *site, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%s%s-%s", what, site->is_project ? "project" : "site", site->id);
    return out;
}

static void put_list(struct json_writer *json, const char *key, const char *const *items)
{
    json_begin_array(json, key);
    for (; *items; items++)
        json_put_string(json, NULL, *items);
    json_end_array(json);
}

/* ---- Routers ---- */

struct router {
    const char *name, *entry_point, *rule, *service;
    const char *middlewares[5]; /* the last is NULL */
    bool tls;
    int priority; /* 0: by the length of its rule */
};

static void put_router(struct proxy_job *job, const struct router *router)
{
    const char *resolver = job->config->proxy.resolver;
    json_begin_object(&job->json, router->name);
    put_list(&job->json, "entryPoints", (const char *const[]){router->entry_point, NULL});
    json_put_string(&job->json, "rule", router->rule);
    if (router->priority > 0)
        json_put_integer(&job->json, "priority", router->priority);
    json_put_string(&job->json, "service", router->service);
    if (router->middlewares[0])
        put_list(&job->json, "middlewares", router->middlewares);
    if (router->tls) {
        json_begin_object(&job->json, "tls");
        if (strcmp(resolver, "none") != 0)
            json_put_string(&job->json, "certResolver", resolver);
        json_end_object(&job->json);
    }
    json_end_object(&job->json);
}

/* Longer rules come first by themselves. The matchers compare exactly, the host without case. */
static void write_rule(char out[RULE_SIZE], const char *domain, const char *path)
{
    if (strcmp(path, "/") == 0)
        snprintf(out, RULE_SIZE, "Host(`%s`)", domain);
    else
        snprintf(out, RULE_SIZE, "Host(`%s`) && (Path(`%s`) || PathPrefix(`%s/`))", domain, path,
                 path);
}

static void put_site_router(struct proxy_job *job, const struct model_domain *domain,
                            const struct model_site *site)
{
    const struct model_site *lead = proxy_lead(job, site);
    char name[NAME_SIZE], naming[NAME_SIZE], prefix[NAME_SIZE], service[NAME_SIZE], rule[RULE_SIZE];
    struct router router = {.name = name_of("", site, name),
                            .entry_point = job->config->proxy.entry_point,
                            .rule = rule,
                            .service = "hall",
                            .middlewares = {name_of("name-", site, naming)},
                            .tls = job->tls};

    write_rule(rule, domain->name, site->path);
    if (lead) {
        router.service = name_of("", lead, service);
        router.middlewares[1] = "hall-auth";
        router.middlewares[2] = "hall-gone";
        if (proxy_target(lead->upstream).base.length > 0)
            router.middlewares[3] = name_of("prefix-", lead, prefix);
    }
    put_router(job, &router);
}

/* Hall's own addresses come before all others, whatever the projects' paths are. */
static void put_helper_router(struct proxy_job *job, const struct model_domain *domain)
{
    char name[NAME_SIZE], naming[NAME_SIZE], rule[RULE_SIZE];

    snprintf(name, sizeof(name), "helper-%s", domain->name);
    snprintf(rule, sizeof(rule), "Host(`%s`) && PathPrefix(`/.hall/`)", domain->name);
    name_of("name-", &job->config->model.sites[domain->site], naming);
    put_router(job, &(struct router){.name = name,
                                     .entry_point = job->config->proxy.entry_point,
                                     .rule = rule,
                                     .service = "hall",
                                     .middlewares = {naming},
                                     .tls = job->tls,
                                     .priority = 100000});
}

/* Its service is never asked: the redirect answers. */
static void put_redirect(struct proxy_job *job, const struct model_domain *domain)
{
    char name[NAME_SIZE], rule[RULE_SIZE];

    snprintf(name, sizeof(name), "redirect-%s", domain->name);
    write_rule(rule, domain->name, "/");
    put_router(job, &(struct router){.name = name,
                                     .entry_point = job->config->proxy.http_entry_point,
                                     .rule = rule,
                                     .service = "hall",
                                     .middlewares = {"hall-https"}});
}

static void put_inner_router(struct proxy_job *job, const char *name, const char *service)
{
    put_router(
        job, &(struct router){
                 .name = name, .entry_point = name, .rule = "PathPrefix(`/`)", .service = service});
}

/* Without the sites: somebody else's routers lead there, and only ask Hall. */
static bool is_middleware(const struct proxy_job *job)
{
    return job->options->form == PROXY_MIDDLEWARE;
}

static void put_routers(struct proxy_job *job)
{
    const struct model *model = &job->config->model;

    json_begin_object(&job->json, "routers");
    for (size_t i = 0; i < model->n_domains; i++) {
        const struct model_domain *domain = &model->domains[i];
        put_helper_router(job, domain);
        if (is_middleware(job))
            continue;
        if (job->tls)
            put_redirect(job, domain);
        proxy_each_site(job, domain, put_site_router);
    }
    if (job->options->fail_open) {
        put_inner_router(job, "hall-auth", "hall-or-open");
        put_inner_router(job, "hall-open", "ping@internal");
    }
    json_end_object(&job->json);
}

/* ---- Services ---- */

static void begin_servers(struct json_writer *json, const char *name, struct span origin)
{
    char url[600];
    snprintf(url, sizeof(url), "%.*s", SPAN(origin));
    json_begin_object(json, name);
    json_begin_object(json, "loadBalancer");
    json_begin_array(json, "servers");
    json_begin_object(json, NULL);
    json_put_string(json, "url", url);
    json_end_object(json);
    json_end_array(json);
}

static void end_servers(struct json_writer *json)
{
    json_end_object(json);
    json_end_object(json);
}

static void put_site_service(struct proxy_job *job, const struct model_domain *domain,
                             const struct model_site *site)
{
    char name[NAME_SIZE];
    (void)domain;
    if (!site->upstream)
        return;
    begin_servers(&job->json, name_of("", site, name), proxy_target(site->upstream).origin);
    json_put_string(&job->json, "serversTransport",
                    proxy_tls(site) ? name_of("tls-", site, name) : "hall-sites");
    end_servers(&job->json);
}

/* Hall while it is healthy, else an answer that lets everybody through. */
static void put_failover(struct proxy_job *job)
{
    struct json_writer *json = &job->json;
    begin_servers(json, "hall-checked", proxy_target(job->hall).origin);
    json_put_string(json, "serversTransport", "hall-asked");
    json_begin_object(json, "healthCheck");
    json_put_string(json, "path", "/healthz");
    json_put_string(json, "interval", "1s");
    json_put_string(json, "timeout", "1s");
    json_end_object(json);
    end_servers(json);
    begin_servers(json, "hall-open", proxy_target(OPEN_URL).origin);
    end_servers(json);
    json_begin_object(json, "hall-or-open");
    json_begin_object(json, "failover");
    json_put_string(json, "service", "hall-checked");
    json_put_string(json, "fallback", "hall-open");
    json_end_object(json);
    json_end_object(json);
}

static void put_services(struct proxy_job *job)
{
    const struct model *model = &job->config->model;

    json_begin_object(&job->json, "services");
    begin_servers(&job->json, "hall", proxy_target(job->hall).origin);
    json_put_string(&job->json, "serversTransport", "hall");
    end_servers(&job->json);
    for (size_t i = 0; i < model->n_domains && !is_middleware(job); i++)
        proxy_each_site(job, &model->domains[i], put_site_service);
    if (job->options->fail_open)
        put_failover(job);
    json_end_object(&job->json);
}

/* ---- How sites are reached ---- */

/* A site that lost power is noticed only by connecting to it; connections of HTTP/2 are pinged. An
 * answer may take any time. */
static void put_limits(struct json_writer *json)
{
    char idle[32];
    snprintf(idle, sizeof(idle), "%dms", PROXY_SITE_IDLE_MS);
    json_put_integer(json, "maxIdleConnsPerHost", PROXY_SITE_KEPT);
    json_begin_object(json, "forwardingTimeouts");
    json_put_string(json, "dialTimeout", "5s");
    json_put_string(json, "idleConnTimeout", idle);
    json_put_string(json, "readIdleTimeout", "2s");
    json_put_string(json, "pingTimeout", "3s");
    json_end_object(json);
}

static void put_hall_transport(struct json_writer *json, const char *name, int64_t wait_s)
{
    char wait[32];
    char idle[32];
    snprintf(wait, sizeof(wait), "%llds", (long long)wait_s);
    snprintf(idle, sizeof(idle), "%ds", PROXY_HALL_IDLE_S);
    json_begin_object(json, name);
    json_put_integer(json, "maxIdleConnsPerHost", PROXY_HALL_KEPT);
    json_begin_object(json, "forwardingTimeouts");
    json_put_string(json, "dialTimeout", "1s");
    json_put_string(json, "responseHeaderTimeout", wait);
    json_put_string(json, "idleConnTimeout", idle);
    json_end_object(json);
    json_end_object(json);
}

static void put_https_transport(struct proxy_job *job, const struct model_domain *domain,
                                const struct model_site *site)
{
    struct json_writer *json = &job->json;
    const struct model_tls *tls = proxy_tls(site);
    char name[NAME_SIZE];
    (void)domain;
    if (!tls)
        return;
    json_begin_object(json, name_of("tls-", site, name));
    json_put_string(json, "serverName", tls->name);
    json_put_bool(json, "insecureSkipVerify", !tls->verify);
    if (tls->verify && tls->ca)
        put_list(json, "rootCAs", (const char *const[]){tls->ca, NULL});
    put_limits(json);
    json_end_object(json);
}

/* As long as Hall may hold a request for any domain. */
static int64_t longest_wait(const struct model *model)
{
    int64_t most = PROXY_HALL_WAIT_S;
    for (size_t i = 0; i < model->n_domains; i++) {
        int64_t wait = proxy_hall_wait(&model->domains[i]);
        most = wait > most ? wait : most;
    }
    return most;
}

static void put_transports(struct proxy_job *job)
{
    const struct model *model = &job->config->model;

    json_begin_object(&job->json, "serversTransports");
    put_hall_transport(&job->json, "hall", PROXY_HELPER_WAIT_S);
    if (job->options->fail_open)
        put_hall_transport(&job->json, "hall-asked", longest_wait(model));
    json_begin_object(&job->json, "hall-sites");
    put_limits(&job->json);
    json_end_object(&job->json);
    for (size_t i = 0; i < model->n_domains && !is_middleware(job); i++)
        proxy_each_site(job, &model->domains[i], put_https_transport);
    json_end_object(&job->json);
}

/* ---- Middlewares ---- */

/* Tells Hall which site this router leads to; overwrites what the visitor sent. */
static void put_name(struct proxy_job *job, const struct model_domain *domain,
                     const struct model_site *site)
{
    struct json_writer *json = &job->json;
    char middleware[NAME_SIZE];
    char name[SITE_NAME_SIZE];

    json_begin_object(json, name_of("name-", site, middleware));
    json_begin_object(json, "headers");
    json_begin_object(json, "customRequestHeaders");
    json_put_string(json, SITE_NAME_HEADER, site_name(&job->config->model, site, name));
    /* What a proxy in front says of these it may have from the visitor. "" removes. */
    if (job->config->proxy.n_trusted > 0) {
        json_put_string(json, "X-Forwarded-Host", domain->name);
        json_put_string(json, "X-Forwarded-Method", "");
        json_put_string(json, "X-Forwarded-Uri", "");
    }
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void put_prefix(struct proxy_job *job, const struct model_domain *domain,
                       const struct model_site *site)
{
    char name[NAME_SIZE];
    char prefix[600];
    (void)domain;
    if (!site->upstream || proxy_target(site->upstream).base.length == 0)
        return;
    snprintf(prefix, sizeof(prefix), "%.*s", SPAN(proxy_target(site->upstream).base));
    json_begin_object(&job->json, name_of("prefix-", site, name));
    json_begin_object(&job->json, "addPrefix");
    json_put_string(&job->json, "prefix", prefix);
    json_end_object(&job->json);
    json_end_object(&job->json);
}

static void put_auth(struct proxy_job *job)
{
    struct json_writer *json = &job->json;
    char address[600];

    snprintf(address, sizeof(address), "%s/auth",
             job->options->fail_open ? PROXY_TRAEFIK_ASKING : job->hall);
    json_begin_object(json, "hall-auth");
    json_begin_object(json, "forwardAuth");
    json_put_string(json, "address", address);
    /* Only what the entry point's trustedIPs let in is there to be handed on. */
    json_put_bool(json, "trustForwardHeader", job->config->proxy.n_trusted > 0);
    /* Cookies and the like may be longer than Hall takes. What says who the visitor is, is
     * Traefik's own. */
    json_begin_array(json, "authRequestHeaders");
    json_put_string(json, NULL, SITE_NAME_HEADER);
    for (const struct proxy_header *header = proxy_headers; header->name; header++)
        json_put_string(json, NULL, header->name);
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
}

/* A site that was ready and does not answer: Hall's page instead of "Bad Gateway". It comes after
 * hall-auth, so that Hall's own silence shows no page. */
static void put_gone(struct json_writer *json)
{
    json_begin_object(json, "hall-gone");
    json_begin_object(json, "errors");
    put_list(json, "status", (const char *const[]){"502", "504", NULL});
    json_put_string(json, "service", "hall");
    json_put_string(json, "query", "/.hall/wait?gone=1&path={url}");
    json_end_object(json);
    json_end_object(json);
}

/* All that a router needs to name, in its order. */
static void put_chain(struct proxy_job *job, const char *name, const char *naming)
{
    struct json_writer *json = &job->json;
    json_begin_object(json, name);
    json_begin_object(json, "chain");
    put_list(json, "middlewares", (const char *const[]){naming, "hall-auth", "hall-gone", NULL});
    json_end_object(json);
    json_end_object(json);
}

static void put_site_chain(struct proxy_job *job, const struct model_domain *domain,
                           const struct model_site *site)
{
    char name[NAME_SIZE], naming[NAME_SIZE];
    (void)domain;
    put_chain(job, name_of("hall-", site, name), name_of("name-", site, naming));
}

/* "hall" is for a router that names no site: Hall reads host and path by itself, and what the
 * visitor says of them is taken away, also where an entry point believes the one that brought it.
 */
static void put_chains(struct proxy_job *job)
{
    static const char *const claims[] = {SITE_NAME_HEADER, "X-Forwarded-Host", "X-Forwarded-Method",
                                         "X-Forwarded-Uri"};
    const struct model *model = &job->config->model;
    struct json_writer *json = &job->json;
    json_begin_object(json, "hall-unnamed");
    json_begin_object(json, "headers");
    json_begin_object(json, "customRequestHeaders");
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
        json_put_string(json, claims[i], "");
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    put_chain(job, "hall", "hall-unnamed");
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_site_chain);
}

/* Traefik's own ways: plain HTTP leads to HTTPS, and paths behind the upstreams'. */
static void put_ways(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    struct json_writer *json = &job->json;
    if (job->tls) {
        json_begin_object(json, "hall-https");
        json_begin_object(json, "redirectScheme");
        json_put_string(json, "scheme", "https");
        json_put_bool(json, "permanent", true);
        json_end_object(json);
        json_end_object(json);
    }
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_prefix);
}

static void put_middlewares(struct proxy_job *job)
{
    const struct model *model = &job->config->model;

    json_begin_object(&job->json, "middlewares");
    put_auth(job);
    put_gone(&job->json);
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_name);
    if (is_middleware(job))
        put_chains(job);
    else
        put_ways(job);
    json_end_object(&job->json);
}

void proxy_write_traefik(struct proxy_job *job)
{
    json_writer_init(&job->json, job->out);
    json_begin_object(&job->json, NULL);
    json_begin_object(&job->json, "http");
    put_routers(job);
    put_services(job);
    put_transports(job);
    put_middlewares(job);
    json_end_object(&job->json);
    json_end_object(&job->json);
    buf_putc(job->out, '\n');
}
