/* Makes the model of what was read and checked: defaults that depend on other values, and the
 * derived checks. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "config/raw.h"

struct builder {
    struct arena *arena;
    const struct raw_config *raw;
    struct model *model;
};

/* What counts as an answer of a check, and of a site: there 401 and 404 say that somebody is at
 * home. */
static const struct status_range check_expect[] = {{200, 399}};
static const struct status_range site_expect[] = {{200, 399}, {401, 401}, {403, 405}};
/* A gRPC server has no page: whatever it says of a question that is none, it says it itself. */
static const struct status_range h2c_expect[] = {{200, 499}};

static void set_expect(struct model_check *check, const struct raw_expect *given,
                       const struct status_range *otherwise, size_t n)
{
    if (given->n > 0) {
        otherwise = given->ranges;
        n = given->n;
    }
    memcpy(check->expect, otherwise, n * sizeof(*otherwise));
    check->n_expect = n;
}

static const char *capitalised(struct arena *arena, const char *id)
{
    char *name = arena_copy(arena, id);
    if (name)
        name[0] = (char)toupper((unsigned char)name[0]);
    return name;
}

static struct model_check *add_check(struct model_server *server, enum check_kind kind,
                                     bool required)
{
    struct model_check *check = &server->checks[server->n_checks++];
    *check = (struct model_check){
        .kind = kind, .required = required, .site = MODEL_NONE, .address = server->address};
    return check;
}

static void add_given_checks(struct model_server *server, const struct raw_server *raw)
{
    for (size_t i = 0; i < raw->n_checks; i++) {
        const struct raw_check *given = &raw->checks[i];
        struct model_check *check = add_check(server, (enum check_kind)given->kind, true);
        if (given->address.s_addr != 0)
            check->address = given->address;
        check->port = given->port;
        check->url = given->url;
        check->tls = given->tls.out;
        check->timeout = given->timeout;
        if (check->kind == CHECK_HTTP)
            set_expect(check, &given->expect, check_expect, 1);
    }
}

static const struct model_webhook *build_webhook(struct arena *arena, const struct raw_webhook *raw)
{
    struct model_webhook *webhook = arena_alloc(arena, 1, sizeof(*webhook));
    struct model_header *headers = arena_alloc(arena, raw->n_headers, sizeof(*headers));
    if (!webhook || !headers)
        return NULL;
    *webhook = raw->out;
    webhook->headers = headers;
    webhook->n_headers = raw->n_headers;
    for (size_t i = 0; i < raw->n_headers; i++)
        headers[i] = (struct model_header){.name = raw->headers[i].key.name,
                                           .value = raw->headers[i].value,
                                           .secret = raw->headers[i].secret};
    if (!webhook->restart_body)
        webhook->restart_body = webhook->body;
    return webhook;
}

static void build_server(struct builder *builder, size_t index)
{
    const struct raw_server *raw = &builder->raw->servers[index];
    struct model_server *server = &builder->model->servers[index];

    *server = raw->out;
    server->id = raw->key.given;
    struct model_sleep sleep = raw->sleep.out;
    if (sleep.via == SLEEP_VIA_SSH) {
        struct model_ssh *ssh = arena_alloc(builder->arena, 1, sizeof(*ssh));
        if (ssh)
            *ssh = raw->sleep.ssh;
        sleep.ssh = ssh;
    }
    if (sleep.via == SLEEP_VIA_WEBHOOK)
        sleep.webhook = build_webhook(builder->arena, &raw->sleep.webhook);
    server->sleep = sleep;
    if (!server->name)
        server->name = capitalised(builder->arena, server->id);
    server->loopback = ntohl(server->address.s_addr) >> 24 == 127;
    if (server->wake.broadcast.s_addr == 0)
        server->wake.broadcast.s_addr =
            htonl(server->loopback ? 0x7fffffffU : (uint32_t)INADDR_BROADCAST);
    server->n_checks = 0;
    server->checks =
        arena_alloc(builder->arena, builder->raw->check_counts[index], sizeof(*server->checks));
    if (!server->checks)
        return;
    server->any_site = raw->n_checks == 0;
    if (raw->checks)
        add_given_checks(server, raw);
    else if (!server->loopback)
        add_check(server, CHECK_PING, false);
}

static bool is_h2c(const struct model_site *site)
{
    return strncmp(site->upstream, MODEL_H2C, strlen(MODEL_H2C)) == 0;
}

/* scheme://host:port of the upstream and then the path that is asked for. Without a path for
 * health, an upstream that has one itself is asked as it is. */
static const char *check_url(struct arena *arena, const struct raw_site *raw,
                             const struct model_site *site)
{
    const char *authority = strstr(site->upstream, "://") + 3;
    int length = (int)strcspn(authority, "/?");
    const char *path = authority + length;
    if (is_h2c(site))
        return arena_printf(arena, "http://%.*s%s", length, authority,
                            raw->health ? raw->health : site->path);
    if (!raw->health && strlen(path) > 1)
        return site->upstream;
    return arena_printf(arena, "%.*s%s", (int)(path - site->upstream), site->upstream,
                        raw->health ? raw->health : site->path);
}

static void build_site(struct builder *builder, const struct raw_site *raw, struct model_site *site)
{
    struct model_server *server = &builder->model->servers[site->server];
    site->check = MODEL_NONE;
    if (!site->upstream)
        return;
    site->check = (int)server->n_checks;
    struct model_check *check = add_check(server, CHECK_HTTP, false);
    check->site = (int)(site - builder->model->sites);
    check->host = builder->model->domains[site->domain].name;
    check->url = check_url(builder->arena, raw, site);
    check->tls = site->tls;
    check->timeout = site->timeout;
    check->h2c = is_h2c(site);
    if (check->h2c)
        set_expect(check, &raw->expect, h2c_expect, ARRAY_SIZE(h2c_expect));
    else
        set_expect(check, &raw->expect, site_expect, ARRAY_SIZE(site_expect));
}

static void inherit(const char **zone, const char *otherwise)
{
    if (!*zone)
        *zone = otherwise;
}

/* The name an https upstream is verified by: its own, or the domain where it is an address. */
static const char *tls_name(struct arena *arena, const char *upstream, const char *domain)
{
    struct in_addr address;
    const char *host = strstr(upstream, "://") + 3;
    const char *name = arena_copy_part(arena, host, strcspn(host, ":/?"));
    return name && text_parse_ipv4(name, &address) == 0 ? domain : name;
}

/* What a project leaves open is as its domain has it. */
static struct model_tls inherit_tls(const struct raw_tls *own, const struct raw_tls *domain)
{
    struct model_tls tls = own->out;
    if (own->verify_given == GIVEN_NOT)
        tls.verify = domain->out.verify;
    if (!tls.ca)
        tls.ca = domain->out.ca;
    if (!tls.name)
        tls.name = domain->out.name;
    return tls;
}

static struct model_site *add_site(struct builder *builder, int domain, const struct raw_site *raw,
                                   const struct raw_site *own)
{
    struct model *model = builder->model;
    struct model_site *site = &model->sites[model->n_sites++];
    *site = raw->out;
    site->domain = domain;
    site->server = model->domains[domain].server;
    site->tls = inherit_tls(&raw->tls, &own->tls);
    if (!site->tls.name && site->upstream)
        site->tls.name =
            tls_name(builder->arena, site->upstream, builder->model->domains[site->domain].name);
    if (site->timeout == 0)
        site->timeout = own->out.timeout;
    inherit(&site->hours.timezone, model->domains[domain].access.hours.timezone);
    if (site->wakes_per_day == 0)
        site->wakes_per_day = raw->access_wakes_per_day;
    if (site->minutes_per_day == 0)
        site->minutes_per_day = raw->access_minutes_per_day;
    return site;
}

/* Longest path first. */
static void insert_project(const struct model *model, struct model_domain *domain, int site)
{
    size_t at = domain->n_projects++;
    size_t length = strlen(model->sites[site].path);
    for (; at > 0 && strlen(model->sites[domain->projects[at - 1]].path) < length; at--)
        domain->projects[at] = domain->projects[at - 1];
    domain->projects[at] = site;
}

static void build_projects(struct builder *builder, int domain, const struct raw_domain *raw)
{
    for (size_t i = 0; i < raw->n_projects; i++) {
        const struct raw_site *project = &raw->projects[i];
        struct model_site *site = add_site(builder, domain, project, &raw->own);
        site->id = project->key.given;
        site->is_project = true;
        if (!site->name)
            site->name = capitalised(builder->arena, site->id);
        build_site(builder, project, site);
        insert_project(builder->model, &builder->model->domains[domain],
                       (int)(site - builder->model->sites));
    }
}

static void build_domain(struct builder *builder, int index)
{
    int from = builder->raw->domains_by_name[index];
    const struct raw_domain *raw = &builder->raw->domains[from];
    struct model_domain *domain = &builder->model->domains[index];

    *domain = (struct model_domain){
        .name = raw->key.name,
        .server = builder->raw->domain_servers[from],
        .policy = raw->policy.out,
        .access = raw->access.out,
    };
    inherit(&domain->policy.timezone, builder->raw->config.timezone);
    domain->access.websocket_holds =
        raw->access.websocket_given == GIVEN_NOT || domain->access.websocket_wakes;
    inherit(&domain->access.hours.timezone, domain->policy.timezone);
    struct model_site *site = add_site(builder, index, &raw->own, &raw->own);
    site->id = domain->name;
    if (!site->name)
        site->name = domain->name;
    site->path = "/";
    domain->site = (int)(site - builder->model->sites);
    build_site(builder, &raw->own, site);
    build_projects(builder, index, raw);
}

/* A server must have something that says that it is ready. On loopback an echo says nothing. */
static void require_a_check(const struct model *model, struct model_server *server)
{
    const enum check_kind kind = server->loopback ? CHECK_AGENT : CHECK_PING;

    for (size_t i = 0; i < server->n_checks; i++)
        /* A domain's own site is what its server is there for; projects may rest while it is up. */
        if (server->checks[i].required || (server->checks[i].site != MODEL_NONE &&
                                           !model->sites[server->checks[i].site].is_project))
            return;
    for (size_t i = 0; i < server->n_checks; i++) {
        if (server->checks[i].kind == kind) {
            server->checks[i].required = true;
            return;
        }
    }
    add_check(server, kind, true);
}

static int compare_site_ids(const void *a, const void *b, void *context)
{
    const struct model *model = context;
    return strcmp(model->sites[*(const int *)a].id, model->sites[*(const int *)b].id);
}

static void index_projects(struct builder *builder)
{
    struct model *model = builder->model;
    int *order = arena_alloc(builder->arena, model->n_sites, sizeof(*order));
    if (!order)
        return;
    for (size_t i = 0; i < model->n_sites; i++) {
        if (model->sites[i].is_project)
            order[model->n_projects++] = (int)i;
    }
    qsort_r(order, model->n_projects, sizeof(*order), compare_site_ids, model);
    model->projects_by_id = order;
}

void build_model(struct arena *arena, const struct raw_config *raw, struct model *ret_model)
{
    struct model *model = ret_model;
    struct builder builder = {.arena = arena, .raw = raw, .model = model};
    size_t n_sites = raw->n_domains;
    for (size_t i = 0; i < raw->n_domains; i++)
        n_sites += raw->domains[i].n_projects;

    *model = (struct model){.servers_by_id = raw->servers_by_id};
    model->servers = arena_alloc(arena, raw->n_servers, sizeof(*model->servers));
    model->domains = arena_alloc(arena, raw->n_domains, sizeof(*model->domains));
    model->sites = arena_alloc(arena, n_sites, sizeof(*model->sites));
    if (arena_failed(arena))
        return;
    model->n_servers = raw->n_servers;
    model->n_domains = raw->n_domains;
    for (size_t i = 0; i < raw->n_servers; i++)
        build_server(&builder, i);
    if (arena_failed(arena))
        return;
    for (size_t i = 0; i < raw->n_domains; i++)
        build_domain(&builder, (int)i);
    for (size_t i = 0; i < raw->n_servers; i++)
        require_a_check(model, &model->servers[i]);
    index_projects(&builder);
}
