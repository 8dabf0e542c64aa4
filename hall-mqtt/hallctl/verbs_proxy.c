/* hallctl proxy-config: prints the configuration for a reverse proxy. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "bridges/proxy/proxy_config.h"
#include "config/config.h"
#include "hallctl/hallctl.h"
#include "hallctl/proxy_api.h"

static bool is_endpoint(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon && colon > text && strspn(text, "0123456789.") == (size_t)(colon - text) &&
           strspn(colon + 1, "0123456789") == strlen(colon + 1) && colon[1] != '\0' &&
           strlen(colon + 1) <= 5;
}

static const struct {
    enum flag flag;
    const char *written;
    enum proxy_kind kind;
    enum proxy_form form;
} forms[] = {
    {FLAG_SNIPPET, "--snippet", PROXY_NGINX, PROXY_SNIPPET},
    {FLAG_SWAG, "--swag", PROXY_NGINX, PROXY_SWAG},
    {FLAG_MIDDLEWARE, "--middleware", PROXY_TRAEFIK, PROXY_MIDDLEWARE},
};

/* -1 to go on, else the exit status. */
static int read_form(const struct call *call, struct proxy_options *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (!call_has(call, forms[i].flag))
            continue;
        if (ret->form != PROXY_WHOLE || ret->listen)
            return hallctl_refuse(call, forms[i].written, "together with another form of output",
                                  "one of them");
        if (ret->kind != forms[i].kind)
            return hallctl_refuse(call, forms[i].written, call->operands[0],
                                  forms[i].kind == PROXY_NGINX ? "nginx" : "traefik");
        ret->form = forms[i].form;
        ret->domain = call->texts[forms[i].flag];
    }
    return -1;
}

/* -1 to go on, else the exit status. */
static int read_options(const struct call *call, struct proxy_options *ret)
{
    ret->listen = call->texts[FLAG_LISTEN];
    if (ret->listen && !is_endpoint(ret->listen))
        return hallctl_refuse(call, "--listen", ret->listen, "ADDRESS:PORT, as 127.0.0.1:8080");
    if (call_has(call, FLAG_FAIL_OPEN) && call_has(call, FLAG_FAIL_CLOSED))
        return hallctl_refuse(call, "--fail-open", "together with --fail-closed", "one of them");
    if (!proxy_kind_from_name(call->operands[0], &ret->kind))
        return hallctl_refuse(call, "proxy", call->operands[0], "traefik, caddy, nginx or haproxy");
    if (call_has(call, FLAG_CHECK) && ret->kind != PROXY_TRAEFIK)
        return hallctl_refuse(call, "--check", call->operands[0], "traefik");
    return read_form(call, ret);
}

static int print(const struct call *call, const struct config *config,
                 struct proxy_options *options)
{
    struct buf text = BUF_INIT(PROXY_CONFIG_MAX), errors = BUF_INIT(PROXY_CONFIG_MAX);

    options->fail_open = call_has(call, FLAG_FAIL_OPEN) ||
                         (config->proxy.fail_open && !call_has(call, FLAG_FAIL_CLOSED));
    const int error = proxy_config_write(config, options, &text, &errors);
    fputs(buf_text(&errors), stderr);
    buf_finish(&errors);
    if (error == 0)
        return hallctl_print(&text);
    buf_finish(&text);
    return error == -EINVAL ? HALLCTL_ERROR : hallctl_fail(call, "the proxy", strerror(-error));
}

static int run_proxy_config(const struct call *call)
{
    struct proxy_options options = {0};
    struct config *config = NULL;
    int status = read_options(call, &options);

    if (status < 0)
        status = hallctl_config(call, "domains.json", &config);
    if (status < 0)
        status = call_has(call, FLAG_CHECK) ? proxy_api_check(call, config)
                                            : print(call, config, &options);
    config_free(config);
    return status;
}

static const struct verb verbs[] = {
    {.name = "proxy-config",
     .operands = "traefik|caddy|nginx|haproxy",
     .summary = "prints the configuration for a reverse proxy",
     .flags = WITH(FLAG_CONFIG) | WITH(FLAG_LISTEN) | WITH(FLAG_FAIL_OPEN) |
              WITH(FLAG_FAIL_CLOSED) | WITH(FLAG_SNIPPET) | WITH(FLAG_SWAG) |
              WITH(FLAG_MIDDLEWARE) | WITH(FLAG_CHECK),
     .least = 1,
     .most = 1,
     .run = run_proxy_config,
     .detail =
         "With it the proxy asks Hall before each request: Traefik's dynamic configuration\n"
         "(as Hall serves it at /traefik/config), a Caddyfile, a file for /etc/nginx/conf.d,\n"
         "or /etc/haproxy/haproxy.cfg. docs/PROXIES.md explains how to install it.\n"
         "Without --config, it reads domains.json.\n"},
};

const struct verb_family plan_family = {"Plan", verbs, ARRAY_SIZE(verbs)};
