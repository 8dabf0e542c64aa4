/* What to paste into a server block that another program writes: into the box "Advanced" of a proxy
 * host of Nginx Proxy Manager, or into a file by hand. Neither maps nor upstreams may stand there,
 * and the block has locations of its own: so all of it asks Hall, whatever leads to the site. */
#include <string.h>

#include "bridges/proxy/proxy_nginx.h"

static const char head[] = "# Made from domains.json by: hallctl proxy-config nginx --snippet %s\n"
                           "# For the server block of this domain alone: its \"Advanced\" box "
                           "in Nginx Proxy Manager.\n"
                           "%s"
                           "    set $hall_port \"\";\n"
                           "    if ($http_host ~ \"(:[0-9]+)$\") {\n"
                           "        set $hall_port $1;\n"
                           "    }\n"
                           "    set $hall_connection \"\";\n"
                           "    if ($http_upgrade != \"\") {\n"
                           "        set $hall_connection upgrade;\n"
                           "    }\n"
                           "    client_max_body_size 0;\n"
                           "    large_client_header_buffers 8 64k;\n"
                           "    proxy_buffering off;\n"
                           "    proxy_request_buffering off;\n"
                           "    proxy_connect_timeout 5s;\n"
                           "    proxy_read_timeout 1h;\n"
                           "    proxy_send_timeout 1h;\n"
                           "    recursive_error_pages on;\n"
                           "    auth_request /.hall-auth;\n"
                           "    auth_request_set $hall_asked $upstream_status;\n"
                           "    error_page 401 = @hall_401;\n"
                           "    error_page 403 = @hall_403;\n"
                           "    error_page 502 504 = @hall;\n"
                           "    error_page 500 = @hall_closed;\n";

/* A 401 or 403 of the block's own (a password, a list of addresses) stays what it is. */
static const char refused[] = "    location @hall_%d {\n"
                              "        auth_request off;\n"
                              "        error_page 418 = @hall;\n"
                              "        if ($hall_asked = \"\") {\n"
                              "            return %d;\n"
                              "        }\n"
                              "        return 418;\n"
                              "    }\n";

/* The block's own folder for certificates has a longer path, and takes precedence where it is
 * there; else nothing is. So what is let through unasked below leads to no site. */
static const char challenges[] = "    location ^~ /.well-known/acme-challenge {\n"
                                 "        return 404;\n"
                                 "    }\n";
static const char unasked[] =
    "        if ($request_uri ~ \"^/\\.well-known/acme-challenge/[A-Za-z0-9_-]+$\") {\n"
    "            return 204;\n"
    "        }\n";

static const char open_location[] =
    "    location @hall_open {\n"
    "        auth_request off;\n"
    "        set $hall_is_away \"$upstream_status $upstream_connect_time\";\n"
    "        if ($hall_is_away ~ \"504 [^ ]+$|-$\") {\n"
    "            return 204;\n"
    "        }\n"
    "        return 500;\n"
    "    }\n";

/* Both ways as it comes. What the block sets for its own locations does not reach this one. */
static const char site_headers[] = "        proxy_http_version 1.1;\n" PROXY_NGINX_FORWARDED(
    "        ") "        proxy_set_header X-Forwarded-For $remote_addr;\n"
                "        proxy_set_header Upgrade $http_upgrade;\n"
                "        proxy_set_header Connection $hall_connection;\n"
                "        proxy_set_header " SITE_NAME_HEADER " \"\";\n";

static bool is_own(const struct model_site *site)
{
    return strcmp(site->path, "/") == 0;
}

/* "/.hall-auth" for what the block itself leads to, "/.hall-auth/ID" for a project. */
static void put_asking_name(struct proxy_job *job, const struct model_site *site)
{
    buf_puts(job->out, "/.hall-auth");
    if (!is_own(site))
        buf_printf(job->out, "/%s", site->id);
}

/* The name of the site is set here, and stays for the page. */
static void put_asking(struct proxy_job *job, const struct model_domain *domain,
                       const struct model_site *site)
{
    if (!is_own(site) && !proxy_lead(job, site))
        return;
    buf_puts(job->out, "    location = ");
    put_asking_name(job, site);
    buf_puts(job->out, " {\n"
                       "        internal;\n"
                       "        auth_request off;\n");
    if (is_own(site))
        buf_puts(job->out, unasked);
    proxy_nginx_put_name(job, site);
    buf_puts(job->out, "        proxy_method GET;\n"
                       "        proxy_pass_request_body off;\n"
                       "        proxy_set_header Content-Length \"\";\n");
    proxy_nginx_put_hall(job, "/auth/nginx", proxy_hall_wait(domain));
    if (job->options->fail_open)
        buf_puts(job->out, "        error_page 502 504 = @hall_open;\n");
    buf_puts(job->out, "    }\n");
}

/* Before any location of the block's own that is a regular expression. */
static void put_location(struct proxy_job *job, const struct model_site *site, const char *sign,
                         const char *slash)
{
    const struct model_site *lead = proxy_lead(job, site);

    buf_printf(job->out, "    location %s \"%s%s\" {\n", sign, site->path, slash);
    if (lead) {
        buf_puts(job->out, "        auth_request ");
        put_asking_name(job, site);
        buf_puts(job->out, ";\n");
        if (!proxy_is_h2c(lead))
            buf_puts(job->out, site_headers);
        proxy_nginx_put_pass(job, lead, site->path, slash);
    } else {
        buf_puts(job->out, "        auth_request off;\n"
                           "        error_page 502 504 = @hall_closed;\n"
                           "        proxy_method GET;\n");
        proxy_nginx_put_name(job, site);
        proxy_nginx_put_hall(job, "", PROXY_HALL_WAIT_S);
    }
    buf_puts(job->out, "    }\n");
}

static void put_project(struct proxy_job *job, const struct model_domain *domain,
                        const struct model_site *site)
{
    (void)domain;
    if (is_own(site) || !proxy_nginx_is_fit(job, site))
        return;
    put_location(job, site, "=", "");
    put_location(job, site, "^~", "/");
}

void proxy_nginx_put_snippet(struct proxy_job *job, const struct model_domain *domain)
{
    buf_printf(job->out, head, domain->name, proxy_nginx_mode(job));
    proxy_each_site(job, domain, put_asking);
    buf_puts(job->out, "    location @hall {\n"
                       "        auth_request off;\n"
                       "        error_page 502 504 = @hall_closed;\n"
                       "        proxy_method GET;\n");
    proxy_nginx_put_hall(job, "", PROXY_HALL_WAIT_S);
    buf_puts(job->out, "    }\n");
    buf_printf(job->out, refused, 401, 401);
    buf_printf(job->out, refused, 403, 403);
    if (job->options->fail_open)
        buf_puts(job->out, open_location);
    buf_puts(job->out, proxy_nginx_closed);
    buf_puts(job->out, challenges);
    buf_puts(job->out, "    location ^~ /.hall/ {\n"
                       "        auth_request off;\n"
                       "        error_page 502 504 = @hall_closed;\n");
    proxy_nginx_put_name(job, &job->config->model.sites[domain->site]);
    proxy_nginx_put_hall(job, "", PROXY_HELPER_WAIT_S);
    buf_puts(job->out, "    }\n");
    proxy_each_site(job, domain, put_project);
}
