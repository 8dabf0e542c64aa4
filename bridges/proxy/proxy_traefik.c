/* Traefik's dynamic configuration (https://doc.traefik.io/traefik/, "Routing & Load Balancing"), as
 * JSON: what its HTTP provider takes, and YAML as well. Names: Hall's own begin with "hall", those
 * of sites with what they are, so that no two are the same. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bridges/proxy/proxy_internal.h"

/* With fail_open Traefik asks Hall through itself: entry points of these names, on loopback. */
#define ASKING_URL "http://127.0.0.1:8890"
#define OPEN_URL   "http://127.0.0.1:8891"

enum { NAME_SIZE = 320, RULE_SIZE = 1024 };

struct traefik {
    struct proxy_job *job;
    struct json_writer json;
};

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

static void put_tls(struct traefik *traefik)
{
    const struct config_proxy *proxy = &traefik->job->config->proxy;
    if (!traefik->job->tls)
        return;
    json_begin_object(&traefik->json, "tls");
    if (strcmp(proxy->resolver, "none") != 0)
        json_put_string(&traefik->json, "certResolver", proxy->resolver);
    json_end_object(&traefik->json);
}

static void put_router(struct traefik *traefik, const char *name, const char *rule,
                       const char *service, const char *const *middlewares)
{
    struct json_writer *json = &traefik->json;
    json_begin_object(json, name);
    put_list(json, "entryPoints",
             (const char *const[]){traefik->job->config->proxy.entry_point, NULL});
    json_put_string(json, "rule", rule);
    json_put_string(json, "service", service);
    if (middlewares[0])
        put_list(json, "middlewares", middlewares);
    put_tls(traefik);
    json_end_object(json);
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

static void put_site_router(struct traefik *traefik, const struct model_domain *domain,
                            const struct model_site *site)
{
    /* A project without an upstream is part of its domain's site. */
    const struct model_site *served =
        site->upstream ? site : &traefik->job->config->model.sites[domain->site];
    char name[NAME_SIZE];
    char naming[NAME_SIZE];
    char prefix[NAME_SIZE];
    char service[NAME_SIZE];
    char rule[RULE_SIZE];
    bool has_base = served->upstream && proxy_target(served->upstream).base.length > 0;

    write_rule(rule, domain->name, site->path);
    name_of("", site, name);
    name_of("name-", site, naming);
    if (!served->upstream) {
        put_router(traefik, name, rule, "hall", (const char *const[]){naming, NULL});
        return;
    }
    put_router(traefik, name, rule, name_of("", served, service),
               (const char *const[]){naming, "hall-auth", "hall-gone",
                                     has_base ? name_of("prefix-", served, prefix) : NULL, NULL});
}

static void put_redirect(struct traefik *traefik, const struct model_domain *domain)
{
    struct json_writer *json = &traefik->json;
    char name[NAME_SIZE];
    char rule[RULE_SIZE];

    snprintf(name, sizeof(name), "redirect-%s", domain->name);
    write_rule(rule, domain->name, "/");
    json_begin_object(json, name);
    put_list(json, "entryPoints",
             (const char *const[]){traefik->job->config->proxy.http_entry_point, NULL});
    json_put_string(json, "rule", rule);
    json_put_string(json, "service", "hall"); /* never asked: the redirect answers */
    put_list(json, "middlewares", (const char *const[]){"hall-https", NULL});
    json_end_object(json);
}

/* Hall's own addresses come before all others, whatever the projects' paths are. */
static void put_helper_router(struct traefik *traefik, const struct model_domain *domain)
{
    struct json_writer *json = &traefik->json;
    char name[NAME_SIZE];
    char naming[NAME_SIZE];
    char rule[RULE_SIZE];

    name_of("name-", &traefik->job->config->model.sites[domain->site], naming);
    snprintf(name, sizeof(name), "helper-%s", domain->name);
    snprintf(rule, sizeof(rule), "Host(`%s`) && PathPrefix(`/.hall/`)", domain->name);
    json_begin_object(json, name);
    put_list(json, "entryPoints",
             (const char *const[]){traefik->job->config->proxy.entry_point, NULL});
    json_put_string(json, "rule", rule);
    json_put_integer(json, "priority", 100000);
    json_put_string(json, "service", "hall");
    put_list(json, "middlewares", (const char *const[]){naming, NULL});
    put_tls(traefik);
    json_end_object(json);
}

static void put_inner_router(struct traefik *traefik, const char *name, const char *service)
{
    struct json_writer *json = &traefik->json;
    json_begin_object(json, name);
    put_list(json, "entryPoints", (const char *const[]){name, NULL});
    json_put_string(json, "rule", "PathPrefix(`/`)");
    json_put_string(json, "service", service);
    json_end_object(json);
}

typedef void put_site_fn(struct traefik *traefik, const struct model_domain *domain,
                         const struct model_site *site);

static void each_site(struct traefik *traefik, const struct model_domain *domain, put_site_fn *put)
{
    const struct model *model = &traefik->job->config->model;
    for (size_t i = 0; i < domain->n_projects; i++)
        put(traefik, domain, &model->sites[domain->projects[i]]);
    put(traefik, domain, &model->sites[domain->site]);
}

static void put_routers(struct traefik *traefik)
{
    const struct model *model = &traefik->job->config->model;

    json_begin_object(&traefik->json, "routers");
    for (size_t i = 0; i < model->n_domains; i++) {
        const struct model_domain *domain = &model->domains[i];
        if (traefik->job->tls)
            put_redirect(traefik, domain);
        put_helper_router(traefik, domain);
        each_site(traefik, domain, put_site_router);
    }
    if (traefik->job->options->fail_open) {
        put_inner_router(traefik, "hall-auth", "hall-or-open");
        put_inner_router(traefik, "hall-open", "ping@internal");
    }
    json_end_object(&traefik->json);
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

static struct span whole(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void put_site_service(struct traefik *traefik, const struct model_domain *domain,
                             const struct model_site *site)
{
    char name[NAME_SIZE];
    (void)domain;
    if (!site->upstream)
        return;
    begin_servers(&traefik->json, name_of("", site, name), proxy_target(site->upstream).origin);
    json_put_string(&traefik->json, "serversTransport",
                    proxy_tls(site) ? name_of("tls-", site, name) : "hall-sites");
    end_servers(&traefik->json);
}

/* Hall while it is healthy, else an answer that lets everybody through. */
static void put_failover(struct traefik *traefik)
{
    struct json_writer *json = &traefik->json;
    begin_servers(json, "hall-checked", whole(traefik->job->hall));
    json_put_string(json, "serversTransport", "hall-asked");
    json_begin_object(json, "healthCheck");
    json_put_string(json, "path", "/healthz");
    json_put_string(json, "interval", "1s");
    json_put_string(json, "timeout", "1s");
    json_end_object(json);
    end_servers(json);
    begin_servers(json, "hall-open", whole(OPEN_URL));
    end_servers(json);
    json_begin_object(json, "hall-or-open");
    json_begin_object(json, "failover");
    json_put_string(json, "service", "hall-checked");
    json_put_string(json, "fallback", "hall-open");
    json_end_object(json);
    json_end_object(json);
}

static void put_services(struct traefik *traefik)
{
    const struct model *model = &traefik->job->config->model;

    json_begin_object(&traefik->json, "services");
    begin_servers(&traefik->json, "hall", whole(traefik->job->hall));
    json_put_string(&traefik->json, "serversTransport", "hall");
    end_servers(&traefik->json);
    for (size_t i = 0; i < model->n_domains; i++)
        each_site(traefik, &model->domains[i], put_site_service);
    if (traefik->job->options->fail_open)
        put_failover(traefik);
    json_end_object(&traefik->json);
}

/* ---- How sites are reached ---- */

/* A site that lost power is noticed only by connecting to it. So no idle HTTP/1 connection is kept,
 * on which a request would wait for minutes, and those of HTTP/2 are pinged. An answer may take any
 * time. */
static void put_limits(struct json_writer *json)
{
    json_put_integer(json, "maxIdleConnsPerHost", -1);
    json_begin_object(json, "forwardingTimeouts");
    json_put_string(json, "dialTimeout", "5s");
    json_put_string(json, "idleConnTimeout", "10s");
    json_put_string(json, "readIdleTimeout", "2s");
    json_put_string(json, "pingTimeout", "3s");
    json_end_object(json);
}

/* Hall ends a connection that is idle for 3 s: Traefik has to let go of it before. */
static void put_hall_transport(struct json_writer *json, const char *name, int64_t wait_s)
{
    char wait[32];
    snprintf(wait, sizeof(wait), "%llds", (long long)wait_s);
    json_begin_object(json, name);
    json_put_integer(json, "maxIdleConnsPerHost", 16);
    json_begin_object(json, "forwardingTimeouts");
    json_put_string(json, "dialTimeout", "1s");
    json_put_string(json, "responseHeaderTimeout", wait);
    json_put_string(json, "idleConnTimeout", "2s");
    json_end_object(json);
    json_end_object(json);
}

static void put_https_transport(struct traefik *traefik, const struct model_domain *domain,
                                const struct model_site *site)
{
    struct json_writer *json = &traefik->json;
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

static void put_transports(struct traefik *traefik)
{
    const struct model *model = &traefik->job->config->model;

    json_begin_object(&traefik->json, "serversTransports");
    put_hall_transport(&traefik->json, "hall", PROXY_HELPER_WAIT_S);
    if (traefik->job->options->fail_open)
        put_hall_transport(&traefik->json, "hall-asked", longest_wait(model));
    json_begin_object(&traefik->json, "hall-sites");
    put_limits(&traefik->json);
    json_end_object(&traefik->json);
    for (size_t i = 0; i < model->n_domains; i++)
        each_site(traefik, &model->domains[i], put_https_transport);
    json_end_object(&traefik->json);
}

/* ---- Middlewares ---- */

/* Tells Hall which site this router leads to; overwrites what the visitor sent. */
static void put_name(struct traefik *traefik, const struct model_domain *domain,
                     const struct model_site *site)
{
    struct json_writer *json = &traefik->json;
    char middleware[NAME_SIZE];
    char name[SITE_NAME_SIZE];
    (void)domain;
    json_begin_object(json, name_of("name-", site, middleware));
    json_begin_object(json, "headers");
    json_begin_object(json, "customRequestHeaders");
    json_put_string(json, SITE_NAME_HEADER, site_name(&traefik->job->config->model, site, name));
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void put_prefix(struct traefik *traefik, const struct model_domain *domain,
                       const struct model_site *site)
{
    char name[NAME_SIZE];
    char prefix[600];
    (void)domain;
    if (!site->upstream || proxy_target(site->upstream).base.length == 0)
        return;
    snprintf(prefix, sizeof(prefix), "%.*s", SPAN(proxy_target(site->upstream).base));
    json_begin_object(&traefik->json, name_of("prefix-", site, name));
    json_begin_object(&traefik->json, "addPrefix");
    json_put_string(&traefik->json, "prefix", prefix);
    json_end_object(&traefik->json);
    json_end_object(&traefik->json);
}

static void put_auth(struct traefik *traefik)
{
    struct json_writer *json = &traefik->json;
    char address[600];

    snprintf(address, sizeof(address), "%s/auth",
             traefik->job->options->fail_open ? ASKING_URL : traefik->job->hall);
    json_begin_object(json, "hall-auth");
    json_begin_object(json, "forwardAuth");
    json_put_string(json, "address", address);
    json_put_bool(json, "trustForwardHeader", false);
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

static void put_middlewares(struct traefik *traefik)
{
    const struct model *model = &traefik->job->config->model;

    json_begin_object(&traefik->json, "middlewares");
    put_auth(traefik);
    put_gone(&traefik->json);
    if (traefik->job->tls) {
        struct json_writer *json = &traefik->json;
        json_begin_object(json, "hall-https");
        json_begin_object(json, "redirectScheme");
        json_put_string(json, "scheme", "https");
        json_put_bool(json, "permanent", true);
        json_end_object(json);
        json_end_object(json);
    }
    for (size_t i = 0; i < model->n_domains; i++)
        each_site(traefik, &model->domains[i], put_name);
    for (size_t i = 0; i < model->n_domains; i++)
        each_site(traefik, &model->domains[i], put_prefix);
    json_end_object(&traefik->json);
}

void proxy_write_traefik(struct proxy_job *job)
{
    struct traefik traefik = {.job = job};
    json_writer_init(&traefik.json, job->out);
    json_begin_object(&traefik.json, NULL);
    json_begin_object(&traefik.json, "http");
    put_routers(&traefik);
    put_services(&traefik);
    put_transports(&traefik);
    put_middlewares(&traefik);
    json_end_object(&traefik.json);
    json_end_object(&traefik.json);
    buf_putc(job->out, '\n');
}
