/* A Caddyfile (https://caddyserver.com/docs/caddyfile), for Caddy 2.6 and later. It may be the
 * whole file, or be imported into one. */
#include <stdio.h>
#include <string.h>

#include "bridges/proxy/proxy_internal.h"

#define OPEN_PORT    "8889"
#define OPEN_ADDRESS "127.0.0.1:" OPEN_PORT

static const char opening[] = "\nhttp://:" OPEN_PORT " {\n"
                              "\tbind 127.0.0.1\n"
                              "\trespond 200\n"
                              "}\n";
static const char open_words[] =
    "# While Hall does not answer, visitors are led to the sites unasked (fail-open).\n";
static const char closed_words[] =
    "# While Hall does not answer, visitors get 502 (fail-closed).\n";

static struct span hall_of(const struct proxy_job *job)
{
    return proxy_target(job->hall).authority;
}

/* A snippet: the target as it came, and none of the headers that may be long and that Hall does not
 * read. Caddy 2.6 cannot name those that stay. It overwrites the other X-Forwarded-* by itself. The
 * site is named once more because a visitor's "Connection: X-Hall-Site" has Caddy drop the first.
 */
static const char headers[] =
    "(hall_headers) {\n"
    "\theader_up X-Forwarded-Uri {http.request.orig_uri}\n"
    "\theader_up X-Forwarded-Method {http.request.orig_method}\n"
    "\theader_up " SITE_NAME_HEADER " {http.request.header." SITE_NAME_HEADER "}\n"
    "\theader_up -Authorization\n"
    "\theader_up -Cookie\n"
    "\theader_up -If-*\n"
    "\theader_up -Sec-Ch-*\n";

/* Where proxies stand in front of Caddy it takes from them who the visitor is, and would take the
 * host as well, which they may have from the visitor. Each handler has to be told. */
static void put_fronts(struct proxy_job *job, const char *indent)
{
    if (job->config->proxy.n_trusted == 0)
        return;
    buf_printf(job->out, "%strusted_proxies", indent);
    proxy_put_fronts(job, " ", "");
    buf_printf(job->out, "\n%sheader_up X-Forwarded-Host {http.request.hostport}\n", indent);
}

static void put_timeouts(struct proxy_job *job, const char *indent, int64_t wait_s)
{
    buf_printf(job->out,
               "%stransport http {\n"
               "%s\tdial_timeout 2s\n"
               "%s\tresponse_header_timeout %llds\n"
               "%s\tkeepalive %ds\n"
               "%s\tkeepalive_idle_conns_per_host %d\n"
               "%s}\n",
               indent, indent, indent, (long long)wait_s, indent, PROXY_HALL_IDLE_S, indent,
               PROXY_HALL_KEPT, indent);
}

static void put_hall(struct proxy_job *job, const char *indent, bool keeps_method, int64_t wait_s)
{
    char inner[8];
    snprintf(inner, sizeof(inner), "%s\t", indent);
    buf_printf(job->out, "%sreverse_proxy %.*s {\n", indent, SPAN(hall_of(job)));
    if (!keeps_method)
        buf_printf(job->out, "%smethod GET\n", inner);
    buf_printf(job->out, "%simport hall_headers\n", inner);
    put_timeouts(job, inner, wait_s);
    buf_printf(job->out, "%s}\n", indent);
}

/* Overwrites what the visitor says of it, for Hall and for the error page as well. */
static void put_name(struct proxy_job *job, const struct model_site *site, const char *indent)
{
    char name[SITE_NAME_SIZE];
    buf_printf(job->out, "%srequest_header " SITE_NAME_HEADER " %s\n", indent,
               site_name(&job->config->model, site, name));
}

/* As part of a regular expression, which matches in the same case, where "path" would not. */
static void put_literal(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x80 || c == '/' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            buf_putc(out, (char)c);
        else
            buf_printf(out, "\\x%02x", c);
    }
}

static void begin_matched(struct proxy_job *job, const struct model_site *site)
{
    if (strcmp(site->path, "/") == 0) {
        buf_puts(job->out, "\thandle {\n");
        return;
    }
    buf_printf(job->out, "\t@%s path_regexp `^", site->id);
    put_literal(job->out, site->path);
    buf_printf(job->out, "(/|$)`\n\thandle @%s {\n", site->id);
}

static void put_ask(struct proxy_job *job, const struct model_domain *domain)
{
    bool opens = job->options->fail_open;
    buf_printf(job->out,
               "\t\t\tforward_auth %.*s%s {\n\t\t\t\turi /auth?\n\t\t\t\timport hall_headers\n",
               SPAN(hall_of(job)), opens ? " " OPEN_ADDRESS : "");
    if (opens)
        /* Hall's deputy is open to all. It is asked only while Hall gives no answer to its health
         * checks: one request that fails opens nothing. */
        buf_puts(job->out, "\t\t\t\tlb_policy first\n"
                           "\t\t\t\tlb_try_duration 4s\n"
                           "\t\t\t\tlb_try_interval 100ms\n"
                           "\t\t\t\thealth_uri /healthz\n"
                           "\t\t\t\thealth_interval 1s\n"
                           "\t\t\t\thealth_timeout 1s\n");
    put_timeouts(job, "\t\t\t\t", proxy_hall_wait(domain));
    buf_puts(job->out, "\t\t\t}\n"
                       "\t\t\tvars hall_passed yes\n");
}

static void put_tls(struct proxy_job *job, const struct model_tls *tls)
{
    if (!tls)
        return;
    buf_printf(job->out, "\t\t\t\t\ttls_server_name %s\n", tls->name);
    if (!tls->verify)
        buf_puts(job->out, "\t\t\t\t\ttls_insecure_skip_verify\n");
    else if (tls->ca)
        buf_printf(job->out, "\t\t\t\t\ttls_trusted_ca_certs \"%s\"\n", tls->ca);
}

/* Puts the base before the path as it came; "rewrite" would decode an encoded '?'. */
static void put_base(struct proxy_job *job, struct span base)
{
    if (base.length == 0)
        return;
    buf_puts(job->out, "\t\t\turi path_regexp ^ \"");
    for (size_t i = 0; i < base.length; i++)
        buf_printf(job->out, base.at[i] == '$' ? "$$" : "%c", base.at[i]);
    buf_puts(job->out, "\"\n");
}

static void put_lead(struct proxy_job *job, const struct proxy_target *target,
                     const struct model_tls *tls)
{
    put_base(job, target->base);
    buf_printf(job->out,
               "\t\t\treverse_proxy %.*s {\n"
               "\t\t\t\theader_up -" SITE_NAME_HEADER "\n",
               SPAN(target->origin));
    put_fronts(job, "\t\t\t\t");
    buf_printf(job->out,
               "\t\t\t\ttransport http {\n"
               "\t\t\t\t\tdial_timeout 5s\n"
               "\t\t\t\t\tkeepalive %dms\n"
               "\t\t\t\t\tkeepalive_idle_conns_per_host %d\n",
               PROXY_SITE_IDLE_MS, PROXY_SITE_KEPT);
    put_tls(job, tls);
    buf_puts(job->out, "\t\t\t\t}\n"
                       "\t\t\t}\n");
}

/* Inside a route the order of the lines counts: Hall is asked about the address as it came. */
static void put_site(struct proxy_job *job, const struct model_domain *domain,
                     const struct model_site *site)
{
    const struct model_site *lead = proxy_lead(job, site);
    if (lead && !proxy_tls_is_fit(job, lead))
        return;
    begin_matched(job, site);
    if (!lead) {
        put_name(job, site, "\t\t");
        put_hall(job, "\t\t", false, PROXY_HALL_WAIT_S);
    } else {
        struct proxy_target target = proxy_target(lead->upstream);
        buf_puts(job->out, "\t\troute {\n");
        put_name(job, site, "\t\t\t");
        put_ask(job, domain);
        put_lead(job, &target, proxy_tls(lead));
        buf_puts(job->out, "\t\t}\n");
    }
    buf_puts(job->out, "\t}\n");
}

/* A site that was ready and does not answer: Hall's page instead of "Bad Gateway". Where Hall
 * itself gave no answer it is not asked again. */
static void put_gone(struct proxy_job *job)
{
    buf_puts(job->out, "\thandle_errors {\n"
                       "\t\t@gone {\n"
                       "\t\t\texpression `{http.error.status_code} in [502, 504]`\n"
                       "\t\t\tvars hall_passed yes\n"
                       "\t\t}\n"
                       "\t\thandle @gone {\n");
    put_hall(job, "\t\t\t", false, PROXY_HALL_WAIT_S);
    buf_puts(job->out, "\t\t}\n"
                       "\t}\n");
}

/* "http://NAME:PORT" with the address to bind to; with TLS the bare name: Caddy sees to the rest.
 */
static void begin_site(struct proxy_job *job, const struct model_domain *domain)
{
    const char *listen = job->options->listen;
    if (!listen) {
        buf_printf(job->out, "\n%s%s {\n", job->tls ? "" : "http://", domain->name);
        return;
    }
    const char *colon = strrchr(listen, ':');
    buf_printf(job->out, "\nhttp://%s:%s {\n\tbind %.*s\n", domain->name, colon + 1,
               (int)(colon - listen), listen);
}

static void put_domain(struct proxy_job *job, const struct model_domain *domain)
{
    begin_site(job, domain);
    buf_puts(job->out, "\t@hall path_regexp `^/\\.hall/`\n"
                       "\thandle @hall {\n");
    put_name(job, &job->config->model.sites[domain->site], "\t\t");
    put_hall(job, "\t\t", true, PROXY_HELPER_WAIT_S);
    buf_puts(job->out, "\t}\n");
    proxy_each_site(job, domain, put_site);
    put_gone(job);
    buf_puts(job->out, "}\n");
}

void proxy_write_caddy(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    buf_puts(job->out, "# Made from domains.json by: hallctl proxy-config caddy\n");
    buf_puts(job->out, job->options->fail_open ? open_words : closed_words);
    buf_puts(job->out, headers);
    put_fronts(job, "\t");
    buf_puts(job->out, "}\n");
    for (size_t i = 0; i < model->n_domains; i++)
        put_domain(job, &model->domains[i]);
    if (job->options->fail_open)
        buf_puts(job->out, opening);
}
