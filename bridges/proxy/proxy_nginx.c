/* A file for /etc/nginx/conf.d (https://nginx.org/en/docs/), for nginx 1.18 and later with
 * auth_request. */
#include <string.h>

#include "bridges/proxy/proxy_nginx.h"

static const char head[] =
    "# Made from domains.json by: hallctl proxy-config nginx%s%s\n"
    "%s"
    "map $http_upgrade $hall_connection {\n"
    "    default upgrade;\n"
    "    \"\" \"\";\n"
    "}\n"
    "map $http_host $hall_port {\n"
    "    default \"\";\n"
    "    \"~(?<hall_port_given>:[0-9]+)$\" $hall_port_given;\n"
    "}\n"
    "# Hall is away where it takes no connection, or takes one and gives no answer in time.\n"
    "map \"$upstream_status $upstream_connect_time\" $hall_is_away {\n"
    "    default 0;\n"
    "    \"~504 [^ ]+$\" 1;\n"
    "    \"~-$\" 1;\n"
    "}\n";

static const char open_words[] =
    "# While Hall does not answer, visitors are led to the sites unasked (fail-open).\n";
static const char closed_words[] =
    "# While Hall does not answer, visitors get 503 (fail-closed).\n";

const char *proxy_nginx_mode(const struct proxy_job *job)
{
    return job->options->fail_open ? open_words : closed_words;
}

/* For the sites: both ways as it comes, nothing is kept on the disk. */
static const char common[] = "    client_max_body_size 0;\n"
                             "    large_client_header_buffers 8 64k;\n"
                             "    recursive_error_pages on;\n"
                             "    proxy_http_version 1.1;\n"
                             "    proxy_buffering off;\n"
                             "    proxy_request_buffering off;\n"
                             "    proxy_connect_timeout 5s;\n"
                             "    proxy_read_timeout 1h;\n"
                             "    proxy_send_timeout 1h;\n" PROXY_NGINX_FORWARDED(
                                 "    ") "    proxy_set_header X-Forwarded-For $remote_addr;\n"
                                         "    proxy_set_header Upgrade $http_upgrade;\n"
                                         "    proxy_set_header Connection $hall_connection;\n"
                                         "    proxy_set_header X-Hall-Site \"\";\n"
                                         "\n";

const char proxy_nginx_closed[] = "    location @hall_closed {\n"
                                  "        add_header Retry-After 10 always;\n"
                                  "        add_header Cache-Control no-store always;\n"
                                  "        return 503;\n"
                                  "    }\n";
static const char open_location[] = "    location @hall_open {\n"
                                    "        if ($hall_is_away = 0) {\n"
                                    "            return 500;\n"
                                    "        }\n"
                                    "        return 204;\n"
                                    "    }\n";

/* The same for a site that speaks gRPC: both ways at once, with as long a silence as it likes. */
static const char grpc[] = "        client_body_timeout 1h;\n"
                           "        grpc_connect_timeout 5s;\n"
                           "        grpc_read_timeout 1h;\n"
                           "        grpc_send_timeout 1h;\n"
                           "        grpc_set_header Host $host$hall_port;\n"
                           "        grpc_set_header X-Forwarded-Host $host$hall_port;\n"
                           "        grpc_set_header X-Forwarded-Proto $scheme;\n"
                           "        grpc_set_header X-Forwarded-For $remote_addr;\n"
                           "        grpc_set_header X-Hall-Site \"\";\n";

/* A file for each site needs names of its own. */
static void put_hall_name(struct proxy_job *job)
{
    buf_puts(job->out, "hall");
    if (job->options->form == PROXY_SWAG)
        buf_printf(job->out, "-%s", job->options->domain);
}

/* Where there is a server block alone Hall has no upstream of its own, and no connection is kept.
 * Others believe what some visitors say of their address: there the connection's own counts as
 * well, unless it is a proxy that Hall trusts. */
void proxy_nginx_put_hall(struct proxy_job *job, const char *uri, int64_t wait_s)
{
    bool is_within = job->options->form == PROXY_SNIPPET;
    buf_puts(job->out, "        proxy_pass http://");
    if (is_within)
        buf_printf(job->out, "%.*s", SPAN(proxy_target(job->hall).authority));
    else
        put_hall_name(job);
    buf_printf(job->out,
               "%s;\n"
               "        proxy_pass_request_headers off;\n"
               "        proxy_connect_timeout 1s;\n"
               "        proxy_send_timeout 2s;\n"
               "        proxy_read_timeout %llds;\n" PROXY_NGINX_FORWARDED(
                   "        ") "        proxy_set_header X-Forwarded-For %s;\n"
                               "        proxy_set_header Connection %s;\n"
                               "        proxy_set_header " SITE_NAME_HEADER " $hall_site;\n",
               uri, (long long)wait_s,
               is_within ? "\"$remote_addr, $realip_remote_addr\"" : "$remote_addr",
               is_within ? "close" : "\"\"");
    for (const struct proxy_header *header = proxy_headers; header->name; header++)
        buf_printf(job->out, "        proxy_set_header %s $http_%s;\n", header->name,
                   header->variable);
}

/* nginx drops the body where it asks first; a refused upload goes to Hall as it comes, which reads
 * none of it: else nginx would keep it on the disk. */
static void put_hall_locations(struct proxy_job *job, const struct model_domain *domain)
{
    buf_puts(job->out, "    location @hall {\n"
                       "        error_page 502 504 = @hall_closed;\n"
                       "        proxy_method GET;\n");
    proxy_nginx_put_hall(job, "", PROXY_HALL_WAIT_S);
    buf_puts(job->out, "    }\n"
                       "    location = /.hall-auth {\n"
                       "        internal;\n"
                       "        proxy_method GET;\n"
                       "        proxy_pass_request_body off;\n"
                       "        proxy_set_header Content-Length \"\";\n");
    proxy_nginx_put_hall(job, "/auth/nginx", proxy_hall_wait(domain));
    if (job->options->fail_open)
        buf_puts(job->out, "        error_page 502 504 = @hall_open;\n");
    buf_puts(job->out, "    }\n");
    if (job->options->fail_open)
        buf_puts(job->out, open_location);
    buf_puts(job->out, proxy_nginx_closed);
}

bool proxy_nginx_is_fit(struct proxy_job *job, const struct model_site *site)
{
    const struct model_site *lead = proxy_lead(job, site);
    if (!lead)
        return true;
    struct span base = proxy_target(lead->upstream).base;
    if (base.length == 0 || (!memchr(base.at, '$', base.length) && !strchr(site->path, '$')))
        return proxy_tls_is_fit(job, lead);
    buf_printf(job->errors,
               "%s %s: the path has a '$', which nginx cannot take behind an upstream with a path "
               "of its own; choose another path\n",
               site->is_project ? "project" : "domain", site->id);
    return false;
}

/* nginx by itself verifies nothing and trusts no authorities: both are named. */
static void put_tls(struct proxy_job *job, const struct model_tls *tls)
{
    if (!tls)
        return;
    buf_printf(job->out,
               "        proxy_ssl_server_name on;\n"
               "        proxy_ssl_name \"%s\";\n",
               tls->name);
    if (tls->verify)
        buf_printf(job->out,
                   "        proxy_ssl_verify on;\n"
                   "        proxy_ssl_verify_depth 5;\n"
                   "        proxy_ssl_trusted_certificate \"%s\";\n",
                   tls->ca ? tls->ca : "/etc/ssl/certs/ca-certificates.crt");
}

void proxy_nginx_put_name(struct proxy_job *job, const struct model_site *site)
{
    char name[SITE_NAME_SIZE];
    buf_printf(job->out, "        set $hall_site \"%s\";\n",
               site_name(&job->config->model, site, name));
}

/* The upstreams have names, so that connections to them are kept. */
static void put_upstream_name(struct proxy_job *job, const struct model_site *lead)
{
    buf_printf(job->out, "hall-%s-%s", lead->is_project ? "project" : "domain", lead->id);
}

static void put_upstream(struct proxy_job *job, const struct model_domain *domain,
                         const struct model_site *site)
{
    (void)domain;
    if (!site->upstream)
        return;
    struct span authority = proxy_target(site->upstream).authority;
    bool has_port = memchr(authority.at, ':', authority.length) != NULL;
    buf_puts(job->out, "upstream ");
    put_upstream_name(job, site);
    buf_printf(job->out,
               " {\n"
               "    server %.*s%s;\n"
               "    keepalive %d;\n"
               "    keepalive_timeout %dms;\n"
               "}\n",
               SPAN(authority), proxy_tls(site) && !has_port ? ":443" : "", PROXY_SITE_KEPT,
               PROXY_SITE_IDLE_MS);
}

/* By variables nginx looks a name up when it is asked for, not only when it starts; the rest of the
 * address goes on as it came. */
static void put_pass_by_variables(struct proxy_job *job, const struct model_site *lead,
                                  const struct proxy_target *target)
{
    bool is_h2c = proxy_is_h2c(lead);
    const char *proto = is_h2c ? "grpc" : proxy_tls(lead) ? "https" : "http";
    const char *colon = memchr(target->authority.at, ':', target->authority.length);
    size_t host = colon ? (size_t)(colon - target->authority.at) : target->authority.length;
    const char *port = proxy_tls(lead) ? "443" : "80";

    if (job->options->form == PROXY_SWAG)
        buf_puts(job->out, "        include /config/nginx/resolver.conf;\n");
    buf_printf(job->out,
               "        set $upstream_app %.*s;\n"
               "        set $upstream_port %.*s;\n"
               "        set $upstream_proto %s;\n",
               (int)host, target->authority.at,
               colon ? (int)(target->authority.length - host - 1) : (int)strlen(port),
               colon ? colon + 1 : port, proto);
    if (is_h2c)
        buf_puts(job->out, grpc);
    buf_printf(job->out, "        %s_pass \"$upstream_proto://$upstream_app:$upstream_port",
               is_h2c ? "grpc" : "proxy");
    if (target->base.length > 0)
        buf_printf(job->out, "%.*s$request_uri", SPAN(target->base));
    buf_puts(job->out, "\";\n");
}

void proxy_nginx_put_pass(struct proxy_job *job, const struct model_site *lead, const char *path,
                          const char *slash)
{
    struct proxy_target target = proxy_target(lead->upstream);
    put_tls(job, proxy_tls(lead));
    if (job->options->form != PROXY_WHOLE) {
        put_pass_by_variables(job, lead, &target);
        return;
    }
    if (proxy_is_h2c(lead))
        buf_printf(job->out, "%s        grpc_pass \"grpc://", grpc);
    else
        buf_printf(job->out, "        proxy_pass \"http%s://", proxy_tls(lead) ? "s" : "");
    put_upstream_name(job, lead);
    if (target.base.length > 0)
        buf_printf(job->out, "%.*s%s%s", SPAN(target.base), path, slash);
    buf_puts(job->out, "\";\n");
}

/* match: "= /x" or "/x/". With a path behind its upstream nginx puts that in the place of what
 * matched. */
static void put_location(struct proxy_job *job, const struct model_site *site, const char *sign,
                         const char *slash)
{
    const char *path = *slash == '/' && strcmp(site->path, "/") == 0 ? "" : site->path;
    const struct model_site *lead = proxy_lead(job, site);
    buf_printf(job->out, "    location %s\"%s%s\" {\n", sign, path, slash);
    proxy_nginx_put_name(job, site);
    if (!lead) {
        buf_puts(job->out, "        error_page 502 504 = @hall_closed;\n"
                           "        proxy_method GET;\n");
        proxy_nginx_put_hall(job, "", PROXY_HALL_WAIT_S);
        buf_puts(job->out, "    }\n");
        return;
    }
    buf_puts(job->out, "        auth_request /.hall-auth;\n"
                       "        error_page 401 403 502 504 = @hall;\n"
                       "        error_page 500 = @hall_closed;\n");
    proxy_nginx_put_pass(job, lead, path, slash);
    buf_puts(job->out, "    }\n");
}

static void put_site(struct proxy_job *job, const struct model_domain *domain,
                     const struct model_site *site)
{
    (void)domain;
    if (!proxy_nginx_is_fit(job, site))
        return;
    if (strcmp(site->path, "/") != 0)
        put_location(job, site, "= ", "");
    put_location(job, site, "", "/");
}

static void put_redirect(struct proxy_job *job, const struct model_domain *domain)
{
    buf_printf(job->out,
               "\nserver {\n"
               "    listen 80;\n"
               "    listen [::]:80;\n"
               "    server_name %s;\n"
               "    location /.well-known/acme-challenge/ {\n"
               "        root /var/www/html;\n"
               "    }\n"
               "    location / {\n"
               "        return 308 https://$host$request_uri;\n"
               "    }\n"
               "}\n",
               domain->name);
}

static const char *certificates_of(const struct proxy_job *job)
{
    const char *folder = job->config->proxy.certificates;
    return folder ? folder : "/etc/letsencrypt/live";
}

static void put_listen(struct proxy_job *job, const struct model_domain *domain)
{
    const char *folder = certificates_of(job);
    if (job->options->listen)
        buf_printf(job->out, "    listen %s;\n", job->options->listen);
    else if (job->options->form == PROXY_SWAG)
        buf_puts(job->out, "    listen 443 ssl;\n"
                           "    listen [::]:443 ssl;\n"
                           "    include /config/nginx/ssl.conf;\n");
    else if (!job->tls)
        buf_puts(job->out, "    listen 80;\n    listen [::]:80;\n");
    else
        buf_printf(job->out,
                   "    listen 443 ssl http2;\n"
                   "    listen [::]:443 ssl http2;\n"
                   "    ssl_certificate \"%s/%s/fullchain.pem\";\n"
                   "    ssl_certificate_key \"%s/%s/privkey.pem\";\n",
                   folder, domain->name, folder, domain->name);
}

static void put_domain(struct proxy_job *job, const struct model_domain *domain)
{
    if (job->tls && job->options->form == PROXY_WHOLE)
        put_redirect(job, domain);
    buf_puts(job->out, "\nserver {\n");
    put_listen(job, domain);
    buf_printf(job->out, "    server_name %s;\n", domain->name);
    if (proxy_put_fronts(job, "    set_real_ip_from ", ";\n"))
        buf_puts(job->out, "    real_ip_header X-Forwarded-For;\n"
                           "    real_ip_recursive on;\n");
    buf_puts(job->out, common);
    put_hall_locations(job, domain);
    buf_puts(job->out, "    location ^~ /.hall/ {\n"
                       "        error_page 502 504 = @hall_closed;\n");
    proxy_nginx_put_name(job, &job->config->model.sites[domain->site]);
    proxy_nginx_put_hall(job, "", PROXY_HELPER_WAIT_S);
    buf_puts(job->out, "    }\n");
    proxy_each_site(job, domain, put_site);
    buf_puts(job->out, "}\n");
}

static void put_head(struct proxy_job *job)
{
    bool is_swag = job->options->form == PROXY_SWAG;
    buf_printf(job->out, head, is_swag ? " --swag " : "", is_swag ? job->options->domain : "",
               proxy_nginx_mode(job));
    buf_puts(job->out, "upstream ");
    put_hall_name(job);
    buf_printf(job->out,
               " {\n"
               "    server %.*s;\n"
               "    keepalive %d;\n"
               "    keepalive_timeout %ds;\n"
               "}\n",
               SPAN(proxy_target(job->hall).authority), PROXY_HALL_KEPT, PROXY_HALL_IDLE_S);
}

static void write_one(struct proxy_job *job, const struct model_domain *domain)
{
    if (job->options->form == PROXY_SNIPPET) {
        proxy_nginx_put_snippet(job, domain);
        return;
    }
    put_head(job);
    put_domain(job, domain);
}

/* nginx takes a '$' there for one of its variables. */
static bool certificates_fit(struct proxy_job *job)
{
    const char *folder = certificates_of(job);
    if (!job->tls || (proxy_can_quote(folder) && !strchr(folder, '$')))
        return true;
    buf_puts(job->errors, "proxy: the path of certificates has a quote, a backslash, a brace or a "
                          "'$'; choose another path\n");
    return false;
}

void proxy_write_nginx(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    const char *only = job->options->domain;
    for (size_t i = 0; only && i < model->n_domains; i++)
        if (strcmp(model->domains[i].name, only) == 0) {
            write_one(job, &model->domains[i]);
            return;
        }
    if (only) {
        buf_printf(job->errors, "%s: no domain of this configuration has that name\n", only);
        return;
    }
    if (!certificates_fit(job))
        return;
    put_head(job);
    for (size_t i = 0; i < model->n_domains; i++)
        proxy_each_site(job, &model->domains[i], put_upstream);
    for (size_t i = 0; i < model->n_domains; i++)
        put_domain(job, &model->domains[i]);
}
