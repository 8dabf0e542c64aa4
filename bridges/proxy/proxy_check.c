#include "bridges/proxy/proxy_check.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bridges/proxy/proxy_internal.h"

enum { NAME_SIZE = 320, TOLD_SIZE = 320, CHAIN_DEEP = 8 };

struct check {
    const struct proxy_traefik *traefik;
    char auth[PROXY_HALL_SIZE + 8]; /* where Hall is asked */
    char hall[PROXY_HALL_SIZE];
    struct buf *out;
    size_t found;
};

/* ---- What Traefik has ---- */

/* A name without "@PROVIDER" is of the provider that mentions it. */
static void qualify(const char *name, const char *provider, char out[NAME_SIZE])
{
    if (strchr(name, '@'))
        snprintf(out, NAME_SIZE, "%s", name);
    else
        snprintf(out, NAME_SIZE, "%s@%s", name, provider);
}

static const char *text_of(const struct json *object, const char *key)
{
    const char *text = json_get_string(object, key);
    return text ? text : "";
}

static const struct json *find(const struct json *list, const char *name, const char *provider)
{
    char wanted[NAME_SIZE];
    qualify(name, provider, wanted);
    for (const struct json *one = json_first(list); one; one = json_next(one))
        if (strcmp(text_of(one, "name"), wanted) == 0)
            return one;
    return NULL;
}

enum middleware { MIDDLEWARE_OTHER, MIDDLEWARE_ASKS, MIDDLEWARE_REDIRECTS };

static enum middleware judge_list(const struct check *check, const struct json *names,
                                  const char *provider, int deep);

static enum middleware judge_middleware(const struct check *check, const struct json *middleware,
                                        int deep)
{
    const char *address = json_get_string(json_get(middleware, "forwardAuth"), "address");
    if (address)
        return strcmp(address, check->auth) == 0 ? MIDDLEWARE_ASKS : MIDDLEWARE_OTHER;
    if (json_get(middleware, "redirectScheme") || json_get(middleware, "redirectRegex"))
        return MIDDLEWARE_REDIRECTS;
    return judge_list(check, json_get(json_get(middleware, "chain"), "middlewares"),
                      text_of(middleware, "provider"), deep + 1);
}

/* The first that decides. Chains of chains are followed so deep only. */
static enum middleware judge_list(const struct check *check, const struct json *names,
                                  const char *provider, int deep)
{
    for (const struct json *one = json_first(names); one && deep < CHAIN_DEEP;
         one = json_next(one)) {
        const char *name = json_string(one);
        const struct json *middleware =
            name ? find(check->traefik->middlewares, name, provider) : NULL;
        enum middleware found =
            middleware ? judge_middleware(check, middleware, deep) : MIDDLEWARE_OTHER;
        if (found != MIDDLEWARE_OTHER)
            return found;
    }
    return MIDDLEWARE_OTHER;
}

static bool leads_to_hall(const struct check *check, const struct json *router)
{
    const struct json *service =
        find(check->traefik->services, text_of(router, "service"), text_of(router, "provider"));
    const struct json *servers = json_get(json_get(service, "loadBalancer"), "servers");
    for (const struct json *one = json_first(servers); one; one = json_next(one))
        if (strcmp(text_of(one, "url"), check->hall) == 0)
            return true;
    return false;
}

static enum middleware judge(const struct check *check, const struct json *router)
{
    if (leads_to_hall(check, router))
        return MIDDLEWARE_ASKS;
    return judge_list(check, json_get(router, "middlewares"), text_of(router, "provider"), 0);
}

/* ---- What a router is for ---- */

static bool is_live(const struct json *router)
{
    return strcmp(text_of(router, "provider"), "internal") != 0 &&
           strcmp(text_of(router, "status"), "disabled") != 0;
}

/* By default the length of the rule; older ones say 0 then. */
static int64_t priority_of(const struct json *router)
{
    int64_t priority = 0;
    if (!json_integer(json_get(router, "priority"), &priority) || priority == 0)
        priority = (int64_t)strlen(text_of(router, "rule"));
    return priority;
}

/* Host(`a`) or Host(`a`, `b`), of whatever case, but not !Host(). */
static bool names_host(const char *rule, const char *host)
{
    for (const char *at = rule; (at = strstr(at, "Host(")) != NULL;) {
        const char *end = at + strcspn(at, ")");
        bool is_not = at > rule && at[-1] == '!';
        for (const char *quote = at + 5; !is_not && quote < end; quote++) {
            if (*quote != '`' && *quote != '"')
                continue;
            size_t length = strcspn(quote + 1, "`\"");
            if (length == strlen(host) && strncasecmp(quote + 1, host, length) == 0)
                return true;
            quote += length + 1;
        }
        at = end;
    }
    return false;
}

/* Any host, or one that a pattern says. */
static bool may_be_for(const char *rule, const char *host)
{
    return names_host(rule, host) || !strstr(rule, "Host(");
}

static bool has(const struct json *names, const char *wanted)
{
    for (const struct json *one = json_first(names); one && wanted; one = json_next(one))
        if (json_string(one) && strcmp(json_string(one), wanted) == 0)
            return true;
    return false;
}

/* Where the two meet the same visitors: at one entry point, with TLS or without. */
static bool stand_together(const struct json *a, const struct json *b)
{
    if ((json_get(a, "tls") != NULL) != (json_get(b, "tls") != NULL))
        return false;
    for (const struct json *one = json_first(json_get(a, "entryPoints")); one; one = json_next(one))
        if (has(json_get(b, "entryPoints"), json_string(one)))
            return true;
    return false;
}

/* ---- Findings ---- */

/* Hall's router for the whole domain that stands beside it, which so gets what is left over by
 * those of higher priority; NULL: there is none. */
static const struct json *whole_beside(const struct check *check, const struct json *router,
                                       const char *host)
{
    const struct json *best = NULL;
    char whole[NAME_SIZE];
    snprintf(whole, sizeof(whole), "Host(`%s`)", host);
    for (const struct json *one = json_first(check->traefik->routers); one; one = json_next(one)) {
        if (!is_live(one) || strcasecmp(text_of(one, "rule"), whole) != 0 ||
            !stand_together(one, router) || judge(check, one) != MIDDLEWARE_ASKS)
            continue;
        if (!best || priority_of(one) > priority_of(best))
            best = one;
    }
    return best;
}

static void tell(struct check *check, const char *host, const struct json *router)
{
    const char *name = text_of(router, "name"), *rule = text_of(router, "rule");
    char shown_name[TOLD_SIZE], shown_rule[TOLD_SIZE];
    buf_printf(
        check->out,
        "%s: the router %s takes its visitors and does not ask Hall (rule %s, priority "
        "%lld); give it a middleware of hallctl proxy-config traefik --middleware, or remove "
        "it\n",
        host, text_show(shown_name, sizeof(shown_name), name, strlen(name)),
        text_show(shown_rule, sizeof(shown_rule), rule, strlen(rule)),
        (long long)priority_of(router));
    check->found++;
}

static void check_domain(struct check *check, const char *host)
{
    bool is_asked = false;
    for (const struct json *one = json_first(check->traefik->routers); one; one = json_next(one)) {
        const char *rule = text_of(one, "rule");
        if (!is_live(one) || !may_be_for(rule, host))
            continue;
        enum middleware way = judge(check, one);
        is_asked = is_asked || (way == MIDDLEWARE_ASKS && !strstr(rule, "/.hall/"));
        if (way != MIDDLEWARE_OTHER)
            continue;
        const struct json *ours = whole_beside(check, one, host);
        if (ours ? priority_of(one) >= priority_of(ours) : names_host(rule, host))
            tell(check, host, one);
    }
    if (is_asked)
        return;
    buf_printf(check->out, "%s: no router of this Traefik asks Hall for it\n", host);
    check->found++;
}

size_t proxy_check_traefik(const struct config *config, const struct proxy_traefik *traefik,
                           struct buf *out)
{
    struct check check = {.traefik = traefik, .out = out};
    char hall[PROXY_HALL_SIZE];
    snprintf(check.hall, sizeof(check.hall), "%s", proxy_hall_url(config, hall));
    snprintf(check.auth, sizeof(check.auth), "%s/auth",
             config->proxy.fail_open ? PROXY_TRAEFIK_ASKING : check.hall);
    for (size_t i = 0; i < config->model.n_domains; i++)
        check_domain(&check, config->model.domains[i].name);
    return check.found;
}
