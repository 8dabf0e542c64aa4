/* A file for /etc/nginx/conf.d (https://nginx.org/en/docs/), for nginx 1.18 and later with
 * auth_request. */
#include <string.h>

#include "web/proxy_internal.h"

static const char head[] = "# Made from domains.json by: hallctl proxy-config nginx\n"
                           "%s"
                           "map $http_upgrade $hall_connection {\n"
                           "    default upgrade;\n"
                           "    \"\" \"\";\n"
                           "}\n"
                           "map $http_host $hall_port {\n"
                           "    default \"\";\n"
                           "    \"~(?<hall_port_given>:[0-9]+)$\" $hall_port_given;\n"
                           "}\n"
                           "upstream hall {\n"
                           "    server %.*s;\n"
                           "    keepalive 16;\n"
                           "}\n";

static const char open_words[] =
    "# While Hall does not answer, visitors are led to the sites unasked (fail-open).\n";
static const char closed_words[] =
    "# While Hall does not answer, visitors get 503 (fail-closed).\n";

/* What the visitor said is overwritten, whatever it was. */
#define FORWARDED(indent_)                                                                         \
    indent_ "proxy_set_header X-Forwarded-Host $host$hall_port;\n" indent_                         \
            "proxy_set_header X-Forwarded-Uri $request_uri;\n" indent_                             \
            "proxy_set_header X-Forwarded-Method $request_method;\n" indent_                       \
            "proxy_set_header X-Forwarded-Proto $scheme;\n" indent_                                \
            "proxy_set_header X-Forwarded-For $remote_addr;\n" indent_                             \
            "proxy_set_header X-Hall-Site $hall_site;\n"

static const char common[] =
    "    client_max_body_size 0;\n"
    "    proxy_http_version 1.1;\n"
    "    proxy_connect_timeout 5s;\n"
    "    proxy_read_timeout 1h;\n"
    "    proxy_send_timeout 1h;\n"
    "    proxy_set_header Host $host$hall_port;\n"
    "    proxy_set_header Upgrade $http_upgrade;\n"
    "    proxy_set_header Connection $hall_connection;\n" FORWARDED(
        "    ") "\n"
                "    location @hall {\n"
                "        proxy_pass http://hall;\n"
                "        proxy_pass_request_body off;\n"
                "        proxy_set_header Host $host$hall_port;\n"
                "        proxy_set_header Content-Length \"\";\n"
                "        proxy_set_header Connection \"\";\n" FORWARDED(
                    "        ") "    }\n"
                                "    location = /.hall-auth {\n"
                                "        internal;\n"
                                "        proxy_pass http://hall/auth/nginx;\n"
                                "        proxy_pass_request_body off;\n"
                                "        proxy_connect_timeout 1s;\n"
                                "        proxy_read_timeout 35s;\n"
                                "        proxy_set_header Host $host$hall_port;\n"
                                "        proxy_set_header Content-Length \"\";\n"
                                "        proxy_set_header Connection \"\";\n" FORWARDED("        ");

static const char fails_open[] = "        error_page 502 504 = @hall_open;\n"
                                 "    }\n"
                                 "    location @hall_open {\n"
                                 "        return 204;\n"
                                 "    }\n";
static const char fails_closed[] = "    }\n"
                                   "    location @hall_closed {\n"
                                   "        add_header Retry-After 10 always;\n"
                                   "        add_header Cache-Control no-store always;\n"
                                   "        return 503;\n"
                                   "    }\n";

static bool is_fit(struct proxy_job *job, const struct model_site *site, struct span base)
{
    if (base.length == 0 || (!memchr(base.at, '$', base.length) && !strchr(site->path, '$')))
        return true;
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

static void put_name(struct proxy_job *job, const struct model_site *site)
{
    char name[SITE_NAME_SIZE];
    buf_printf(job->out, "        set $hall_site \"%s\";\n",
               site_name(&job->config->model, site, name));
}

static void put_helper(struct proxy_job *job, const struct model_domain *domain)
{
    buf_puts(job->out, "    location ^~ /.hall/ {\n");
    put_name(job, &job->config->model.sites[domain->site]);
    buf_puts(job->out, "        proxy_pass http://hall;\n    }\n");
}

/* match: "= /x" or "/x/". With a path behind its upstream nginx puts that in the place of what
 * matched. */
static void put_location(struct proxy_job *job, const struct model_site *site, const char *sign,
                         const char *slash)
{
    const char *path = *slash == '/' && strcmp(site->path, "/") == 0 ? "" : site->path;
    const struct model_site *lead = proxy_lead(job, site);
    buf_printf(job->out, "    location %s\"%s%s\" {\n", sign, path, slash);
    put_name(job, site);
    if (!lead) {
        buf_puts(job->out, "        proxy_pass http://hall;\n    }\n");
        return;
    }
    buf_puts(job->out, "        auth_request /.hall-auth;\n"
                       "        error_page 401 403 502 504 = @hall;\n");
    if (!job->order->fail_open)
        buf_puts(job->out, "        error_page 500 = @hall_closed;\n");
    put_tls(job, proxy_tls(lead));
    struct proxy_target target = proxy_target(lead->upstream);
    buf_printf(job->out, "        proxy_pass \"%.*s", SPAN(target.origin));
    if (target.base.length > 0)
        buf_printf(job->out, "%.*s%s%s", SPAN(target.base), path, slash);
    buf_puts(job->out, "\";\n    }\n");
}

static void put_site(struct proxy_job *job, const struct model_domain *domain,
                     const struct model_site *site)
{
    const struct model_site *lead = proxy_lead(job, site);
    (void)domain;
    if (lead &&
        (!is_fit(job, site, proxy_target(lead->upstream).base) || !proxy_tls_is_fit(job, lead)))
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

static void put_listen(struct proxy_job *job, const struct model_domain *domain)
{
    const char *folder = job->config->proxy.certificates;
    if (job->order->listen)
        buf_printf(job->out, "    listen %s;\n", job->order->listen);
    else if (!job->tls)
        buf_puts(job->out, "    listen 80;\n    listen [::]:80;\n");
    else
        buf_printf(job->out,
                   "    listen 443 ssl;\n"
                   "    listen [::]:443 ssl;\n"
                   "    ssl_certificate \"%s/%s/fullchain.pem\";\n"
                   "    ssl_certificate_key \"%s/%s/privkey.pem\";\n",
                   folder, domain->name, folder, domain->name);
}

static void put_domain(struct proxy_job *job, const struct model_domain *domain)
{
    if (job->tls)
        put_redirect(job, domain);
    buf_puts(job->out, "\nserver {\n");
    put_listen(job, domain);
    buf_printf(job->out, "    server_name %s;\n", domain->name);
    buf_puts(job->out, common);
    buf_puts(job->out, job->order->fail_open ? fails_open : fails_closed);
    put_helper(job, domain);
    proxy_each_site(job, domain, put_site);
    buf_puts(job->out, "}\n");
}

void proxy_write_nginx(struct proxy_job *job)
{
    const struct model *model = &job->config->model;
    buf_printf(job->out, head, job->order->fail_open ? open_words : closed_words,
               SPAN(proxy_target(job->hall).authority));
    for (size_t i = 0; i < model->n_domains; i++)
        put_domain(job, &model->domains[i]);
}
