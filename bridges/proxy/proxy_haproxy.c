/* A configuration of HAProxy (https://docs.haproxy.org/2.6/configuration.html), for HAProxy 2.6 and
 * later with haproxy/hall.lua. It is a whole file; sections have names, so that it may also stand
 * beside others.
 *
 * A visitor's request chooses a backend by host and path. That names its site, has Hall asked
 * (hall.lua), then leads to the site. All that is for Hall goes through one inner frontend by
 * sockets without a file: there connections to Hall are kept, its time is bounded, and headers that
 * it does not read are removed. */
#include <string.h>

#include "bridges/proxy/proxy_internal.h"

/* Where this machine's certbot answers the challenges of a certificate authority. */
#define CERTBOT "127.0.0.1:8402"

/* A head of 64 KB has to fit in one buffer, with room for what is added to it. */
static const char global[] = "# Made from domains.json by: hallctl proxy-config haproxy\n"
                             "%s"
                             "global\n"
                             "    log /dev/log local0\n"
                             "    chroot /var/lib/haproxy\n"
                             "    stats socket /run/haproxy/admin.sock mode 660 level admin "
                             "expose-fd listeners\n"
                             "    user haproxy\n"
                             "    group haproxy\n"
                             "    maxconn 4000\n"
                             "    tune.bufsize 81920\n"
                             "    tune.maxrewrite 8192\n"
                             "    tune.http.maxhdr 256\n"
                             "    lua-load-per-thread /etc/haproxy/hall.lua\n"
                             "    set-var proc.hall_door str(abns@hall-ask)\n"
                             "    set-var proc.hall_opens int(%d)\n"
                             "    set-var proc.hall_reads str(\"x-forwarded-host x-forwarded-uri "
                             "x-forwarded-method x-forwarded-proto x-forwarded-for";

/* Both ways as it comes, nothing is waited for. */
static const char defaults[] =
    "\ndefaults hall\n"
    "    mode http\n"
    "    log global\n"
    "    option httplog\n"
    "    option dontlog-normal\n"
    "    option http-no-delay\n"
    "    timeout http-request 10s\n"
    "    timeout http-keep-alive 60s\n"
    "    timeout connect 5s\n"
    "    timeout client 1h\n"
    "    timeout server 1h\n"
    "    timeout tunnel 1h\n"
    "    http-error status 503 hdr Retry-After 10 hdr Cache-Control no-store\n";

static const char open_words[] =
    "# While Hall does not answer, visitors are led to the sites unasked (fail-open).\n";
static const char closed_words[] =
    "# While Hall does not answer, visitors get 503 (fail-closed).\n";

/* The host and the path by which is routed. What the visitor said is overwritten. */
static const char common[] =
    "    maxconn 1500\n"
    "    http-request deny deny_status 400 unless { pathq -m beg / }\n"
    "    http-request set-var(txn.hall_host) req.fhdr(host),field(1,:),lower,rtrim(.)\n"
    "    http-request set-var(txn.hall_path) path,url_dec,concat(/)\n"
    "    http-request del-header " SITE_NAME_HEADER "\n"
    "    http-request set-header X-Forwarded-Host %[req.fhdr(host)]\n"
    "    http-request set-header X-Forwarded-Uri %[pathq]\n"
    "    http-request set-header X-Forwarded-Method %[method]\n"
    "    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]\n";

static const char plain[] =
    "\nfrontend hall-plain from hall\n"
    "    bind :80\n"
    "    bind :::80 v6only\n"
    "    maxconn 300\n"
    "    acl is_challenge path -m beg /.well-known/acme-challenge/\n"
    "    http-request redirect code 308 location https://%[req.fhdr(host),field(1,:)]%[pathq] "
    "unless is_challenge\n"
    "    default_backend hall-certbot\n"
    "\nbackend hall-certbot from hall\n"
    "    server certbot " CERTBOT "\n";

/* In single quotes HAProxy takes all as it is; but in some texts a '%' has to be written twice. */
static void put_quoted(struct buf *out, struct span text, const char *percent)
{
    buf_putc(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '\'')
            buf_puts(out, "'\\''");
        else if (text.at[i] == '%')
            buf_puts(out, percent);
        else
            buf_putc(out, text.at[i]);
    }
    buf_putc(out, '\'');
}

static void put_text(struct buf *out, const char *text)
{
    put_quoted(out, (struct span){text, strlen(text)}, "%");
}

static void put_lower(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        buf_putc(out, (char)(*name >= 'A' && *name <= 'Z' ? *name + 'a' - 'A' : *name));
}

static void put_global(struct proxy_job *job)
{
    const bool opens = job->options->fail_open;
    buf_printf(job->out, global, opens ? open_words : closed_words, opens ? 1 : 0);
    for (const struct proxy_header *header = proxy_headers; header->name; header++) {
        buf_putc(job->out, ' ');
        put_lower(job->out, header->name);
    }
    buf_puts(job->out, "\")\n");
    buf_puts(job->out, defaults);
}

static const char *kind_of(const struct model_site *site)
{
    return site->is_project ? "project" : "domain";
}

/* A client without the name of a site gets no certificate, and the folder may be empty. */
static void put_bind(struct proxy_job *job)
{
    const char *folder = job->config->proxy.certificates;
    if (job->options->listen) {
        buf_printf(job->out, "    bind %s\n", job->options->listen);
        return;
    }
    if (!job->tls) {
        buf_puts(job->out, "    bind :80\n    bind :::80 v6only\n");
        return;
    }
    for (int i = 0; i < 2; i++) {
        buf_puts(job->out, i == 0 ? "    bind :443 ssl crt " : "    bind :::443 v6only ssl crt ");
        put_text(job->out, folder ? folder : "/etc/haproxy/certs");
        buf_puts(job->out, " strict-sni alpn h2,http/1.1\n");
    }
}

/* What fails in asking leaves the visitor outside. */
static void put_ask(struct proxy_job *job, const char *name, int64_t wait_s)
{
    buf_printf(job->out,
               "    http-request lua.hall_ask %s %llds\n"
               "    http-request return status 503 hdr Retry-After 10 hdr Cache-Control no-store "
               "unless { var(txn.hall_passed) -m found }\n",
               name, (long long)wait_s);
}

/* The sites with the longest paths come first. */
static void put_route(struct proxy_job *job, const struct model_domain *domain,
                      const struct model_site *site)
{
    buf_printf(job->out, "    use_backend hall-%s-%s if { var(txn.hall_host) -m str %s }",
               kind_of(site), site->id, domain->name);
    if (strcmp(site->path, "/") != 0) {
        buf_puts(job->out, " { var(txn.hall_path) -m beg ");
        put_text(job->out, site->path);
        buf_puts(job->out, "/ }");
    }
    buf_putc(job->out, '\n');
}

/* What proxies in front say is handed on with their address, for Hall to skip them in it. */
static void put_visitor(struct proxy_job *job)
{
    if (proxy_put_fronts(job, "    acl hall_front src ", "\n"))
        buf_puts(job->out, "    http-request set-header X-Forwarded-For "
                           "%[req.fhdr(x-forwarded-for)],%[src] if hall_front\n"
                           "    http-request set-header X-Forwarded-For %[src] "
                           "unless hall_front\n");
    else
        buf_puts(job->out, "    http-request set-header X-Forwarded-For %[src]\n");
}

static void put_frontend(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    if (job->tls)
        buf_puts(job->out, plain);
    buf_puts(job->out, "\nfrontend hall-visitors from hall\n");
    put_bind(job);
    for (size_t i = 0; i < model->n_domains; i++)
        buf_printf(job->out, "    acl hall_domain var(txn.hall_host) -m str %s\n",
                   model->domains[i].name);
    buf_puts(job->out, common);
    put_visitor(job);
    buf_puts(job->out,
             "    use_backend hall-helper if hall_domain { path,url_dec -m beg /.hall/ }\n");
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_route);
    buf_puts(job->out, "    default_backend hall-unknown\n"
                       "\nbackend hall-unknown from hall\n");
    put_ask(job, "-", PROXY_HALL_WAIT_S);
    buf_puts(job->out, "    http-request return status 404\n");
}

/* Hall's address; a port has to be named. */
static void put_address(struct proxy_job *job, struct span authority, const char *port)
{
    const bool has_port = memchr(authority.at, ':', authority.length) != NULL;
    buf_printf(job->out, "%.*s%s", SPAN(authority), has_port ? "" : port);
}

static int64_t longest_wait(const struct model *model)
{
    int64_t longest = PROXY_HELPER_WAIT_S;
    for (size_t i = 0; i < model->n_domains; i++) {
        const int64_t wait = proxy_hall_wait(&model->domains[i]);
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

/* Only here is Hall reached. Its answers are marked, so that none of HAProxy's own is taken for
 * one. Open to all only while it fails its health checks: no single request opens anything. */
static void put_inner(struct proxy_job *job)
{
    const bool opens = job->options->fail_open;
    buf_puts(job->out, "\nfrontend hall-inner from hall\n"
                       "    bind abns@hall-ask name ask\n"
                       "    bind abns@hall-page name page\n"
                       "    bind abns@hall-gone name gone\n"
                       "    bind abns@hall-helper name helper\n");
    if (opens)
        buf_puts(job->out, "    http-request set-var(txn.hall_said) bool(true) "
                           "if { so_name ask } { nbsrv(hall) eq 0 }\n"
                           "    http-request return status 200 hdr X-Hall-Said open "
                           "if { var(txn.hall_said) -m found }\n");
    buf_puts(job->out, "    http-request set-var(txn.hall_wait) req.hdr_val(x-hall-wait),mul(1000) "
                       "if { so_name ask }\n"
                       "    http-request set-method GET unless { so_name helper }\n"
                       "    http-request del-header "
                       "^(?!(host|content-length|transfer-encoding|x-hall-site"
                       "|x-forwarded-(host|uri|method|proto|for)");
    for (const struct proxy_header *header = proxy_headers; header->name; header++) {
        buf_putc(job->out, '|');
        put_lower(job->out, header->name);
    }
    buf_printf(job->out,
               ")$) -m reg\n"
               "    http-request del-header accept if { req.fhdr(accept) -m len 0 }\n"
               "    http-request del-header user-agent if { req.fhdr(user-agent) -m len 0 }\n"
               "    http-after-response set-status 503 unless { var(txn.hall_said) -m found }\n"
               "    http-after-response set-header Retry-After 10 "
               "unless { var(txn.hall_said) -m found }\n"
               "    default_backend hall\n"
               "\nbackend hall from hall\n"
               "    http-reuse always\n"
               "    option abortonclose\n"
               "    retries 1\n"
               "    retry-on conn-failure empty-response\n"
               "    timeout connect 1s\n"
               "    timeout server %llds\n"
               "    http-request set-timeout server var(txn.hall_wait) if { so_name ask }\n"
               "    http-request set-timeout server %ds if { so_name page } || { so_name gone }\n"
               "    http-request set-timeout server %ds if { so_name helper }\n"
               "    http-response set-var(txn.hall_said) bool(true)\n"
               "    http-response set-header X-Hall-Said yes if { so_name ask }\n",
               (long long)longest_wait(&job->config->model), PROXY_HALL_WAIT_S,
               PROXY_HELPER_WAIT_S);
    if (opens)
        buf_puts(job->out, "    option httpchk GET /healthz\n"
                           "    timeout check 800ms\n"
                           "    default-server check inter 500ms fastinter 100ms fall 2 rise 1\n");
    buf_puts(job->out, "    server hall ");
    put_address(job, proxy_target(job->hall).authority, ":80");
    buf_printf(job->out, " pool-max-conn %d pool-purge-delay %ds\n", PROXY_HALL_KEPT,
               PROXY_HALL_IDLE_S);
    buf_puts(job->out, "\nbackend hall-helper from hall\n"
                       "    http-request set-header " SITE_NAME_HEADER " %[var(txn.hall_host)]\n"
                       "    server hall abns@hall-helper\n");
}

static void put_tls(struct proxy_job *job, const struct model_tls *tls)
{
    if (!tls)
        return;
    buf_printf(job->out, " ssl alpn h2,http/1.1 sni str(%s)", tls->name);
    if (!tls->verify) {
        buf_puts(job->out, " verify none");
        return;
    }
    const char *ca = tls->ca ? tls->ca : "/etc/ssl/certs/ca-certificates.crt";
    buf_printf(job->out, " verify required verifyhost %s ca-file ", tls->name);
    put_text(job->out, ca);
}

/* Puts the base before the path, which stays as it came. */
static void put_base(struct proxy_job *job, struct span base)
{
    if (base.length == 0)
        return;
    buf_puts(job->out, "    http-request set-path ");
    put_quoted(job->out, base, "%%");
    buf_puts(job->out, "%[path]\n");
}

/* The site is the first server, which gets all requests. One that it does not take, or answers
 * nothing to, goes on to the second: Hall's page. Never twice to the site. */
static void put_lead(struct proxy_job *job, const struct model_site *lead)
{
    const struct model_tls *tls = proxy_tls(lead);
    struct proxy_target target = proxy_target(lead->upstream);
    put_base(job, target.base);
    buf_puts(job->out, "    balance first\n"
                       "    retries 1\n"
                       "    option redispatch 1\n"
                       "    retry-on conn-failure empty-response junk-response\n"
                       "    server site ");
    put_address(job, target.authority, tls ? ":443" : ":80");
    put_tls(job, tls);
    buf_printf(job->out,
               "%s pool-max-conn %d pool-purge-delay %dms\n"
               "    server gone abns@hall-gone\n",
               proxy_is_h2c(lead) ? " proto h2" : "", PROXY_SITE_KEPT, PROXY_SITE_IDLE_MS);
}

static void put_site(struct proxy_job *job, const struct model_domain *domain,
                     const struct model_site *site)
{
    char name[SITE_NAME_SIZE];
    const struct model_site *lead = proxy_lead(job, site);
    buf_printf(job->out, "\nbackend hall-%s-%s from hall\n", kind_of(site), site->id);
    site_name(&job->config->model, site, name);
    if (!lead) {
        buf_printf(job->out,
                   "    http-request set-header " SITE_NAME_HEADER " %s\n"
                   "    server hall abns@hall-page\n",
                   name);
        return;
    }
    put_ask(job, name, proxy_hall_wait(domain));
    put_lead(job, lead);
}

void proxy_write_haproxy(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    put_global(job);
    put_frontend(job);
    put_inner(job);
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_site);
}
